//! What is remembered between questions, and what there is to choose from.

use super::*;

#[test]
fn columns_are_those_of_the_newest_runs() {
    let bench = Bench::new();
    let mut trial = plain(1.0, 0);
    trial.tags = vec!["b"];
    trial.param = Some(ParamValue::I64(1));
    let mut first = bench.add(1, &trial);
    trial.experiment = "default";
    trial.tags = vec!["a"];
    trial.in_context = true;
    bench.add(2, &trial);
    let asked = |experiment: Option<&str>| {
        let query = ColumnsQuery {
            experiment: experiment.map(str::to_owned),
        };
        bench.service.columns(&bench.me, &query).unwrap()
    };
    let all = asked(None);
    assert_eq!(all.params, [["model", "lr"]]);
    assert_eq!(all.tags, ["a", "b"]);
    assert_eq!((all.runs_examined, all.truncated), (2, false));
    let contexts: Vec<String> = all
        .metrics
        .iter()
        .map(|one| one.context.to_string())
        .collect();
    assert_eq!(contexts, [r#"{"subset":"train"}"#, "{}"]);
    let one = asked(Some("digits"));
    assert_eq!(one.tags, ["b"]);
    assert_eq!(one.metrics.len(), 1);
    assert_eq!(asked(Some("nowhere")), ColumnsAnswer::default());
    // What is remembered of a run is that of its newest change.
    first.set_param("depth", ParamValue::I64(3));
    let accuracy = first.metric("accuracy");
    first.log(accuracy, [(0.0, 1.0)]);
    bench.send(&mut first);
    let one = asked(Some("digits"));
    assert_eq!(one.params, [vec!["depth"], vec!["model", "lr"]]);
    assert_eq!(one.metrics.len(), 2);
    assert_eq!(asked(None).params, one.params);
}

#[test]
fn runs_that_are_remembered_are_those_of_the_store_after_any_change() {
    let bench = Bench::new();
    let mut builders: Vec<FrameBuilder> = (1..=6)
        .map(|number| bench.add(number, &plain(1.0, i64::from(number))))
        .collect();
    let everything = TableRequest {
        limit: Some(100),
        archived: true,
        ..TableRequest::default()
    };
    let check = |what: &str| {
        // A service that remembers nothing.
        let other = Service::new(
            Arc::clone(bench.service.store()),
            Arc::new(|| Timestamp::from_micros(0)),
        );
        let wanted = other.table(&bench.me, &everything).unwrap();
        let page = bench.page(&everything);
        assert_eq!(page.matching, wanted.matching, "{what}");
        assert_eq!(page.rows, wanted.rows, "{what}");
        let of_experiment = TableRequest {
            experiment: Some("digits".to_owned()),
            ..everything.clone()
        };
        let wanted = other.table(&bench.me, &of_experiment).unwrap();
        assert_eq!(bench.page(&of_experiment).rows, wanted.rows, "{what}");
    };
    check("first");
    let edit = |action: EditAction| {
        let request = EditsRequest {
            runs: vec!["run-2".to_owned(), "run-4".to_owned()],
            action,
        };
        let answer = bench.service.edit_runs(&bench.me, &request).unwrap();
        assert!(answer.results.iter().all(|result| result.error.is_none()));
    };
    edit(EditAction::Delete);
    check("deleted");
    bench.add(7, &plain(2.0, 7));
    check("a new one");
    edit(EditAction::Undelete);
    check("taken back");
    builders[2].change_tags(&["late"], &[]).close();
    bench.send(&mut builders[2]);
    check("ended");
    // Two changes between two questions, and none.
    builders[0].change_tags(&["x"], &[]);
    bench.send(&mut builders[0]);
    builders[1].change_tags(&["y"], &[]);
    bench.send(&mut builders[1]);
    check("two");
    check("none");
    // Deleted and purged between two questions: the journal tells nothing of it by name.
    edit(EditAction::Purge);
    check("purged");
}
