//! Objects over the in-memory engine.

use super::*;
use crate::ErrorKind;
use crate::tests::Bench;
use runstone_model::{MetricName, ValueType};
use runstone_store::conformance::testing::FrameBuilder;

fn bench() -> Bench {
    let bench = Bench::new();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let key = SeriesKey {
        name: MetricName::new("sample").unwrap(),
        context: Context::parse(r#"{"subset":"test"}"#).unwrap(),
        kind: SeriesKind::Image,
    };
    let number = builder.series(&key, ValueType::F64, false);
    for step in 0..5 {
        builder.log_objects(number, f64::from(step), &["{\"caption\": 1.50}", "2"]);
    }
    bench.send(&mut builder);
    bench.send(builder.rewind(3.0).log_objects(number, 9.0, &["9"]));
    bench
}

fn query() -> ObjectsQuery {
    ObjectsQuery {
        name: Some("sample".to_owned()),
        kind: Some("image".to_owned()),
        context: Some(r#"{"subset": "test"}"#.to_owned()),
        ..ObjectsQuery::default()
    }
}

fn objects(bench: &Bench, query: &ObjectsQuery) -> Result<ObjectsPage, ServiceError> {
    bench.service.list_objects(&bench.me, "run-a", query)
}

#[test]
fn objects_are_listed_and_read_by_step() {
    let bench = bench();
    let list = bench
        .service
        .list_object_series(&bench.me, "run-a")
        .unwrap();
    assert_eq!(list.series.len(), 1);
    let series = &list.series[0];
    assert_eq!((series.steps, series.objects), (4, 7));
    assert_eq!(
        (series.first_step.get(), series.last_step.get()),
        (0.0, 9.0)
    );
    let mut steps = Vec::new();
    let mut asked = ObjectsQuery {
        limit: Some(3),
        ..query()
    };
    loop {
        let page = objects(&bench, &asked).unwrap();
        assert!(page.sets.len() <= 3);
        steps.extend(page.sets.iter().map(|set| set.step.get()));
        assert!(page.sets.iter().all(|set| set.visible.is_none()));
        asked.cursor = page.next_cursor;
        if asked.cursor.is_none() {
            break;
        }
    }
    assert_eq!(steps, [0.0, 1.0, 2.0, 9.0]);
    let history = ObjectsQuery {
        history: Some(true),
        from_step: Some(2.0),
        to_step: Some(3.0),
        ..query()
    };
    let page = objects(&bench, &history).unwrap();
    let seen: Vec<_> = page
        .sets
        .iter()
        .map(|set| (set.visible, set.generation))
        .collect();
    assert_eq!(seen, [(Some(true), Some(0)), (Some(false), Some(0))]);
    let json = serde_json::to_string(&page).unwrap();
    assert!(json.contains("{\"caption\": 1.50}"), "{json}");
    assert_eq!(serde_json::from_str::<ObjectsPage>(&json).unwrap(), page);
}

#[test]
fn what_can_not_be_asked_is_refused_with_the_next_step() {
    let bench = bench();
    for (asked, kind) in [
        (
            ObjectsQuery {
                name: None,
                ..query()
            },
            ErrorKind::Invalid,
        ),
        (
            ObjectsQuery {
                kind: None,
                ..query()
            },
            ErrorKind::Invalid,
        ),
        (
            ObjectsQuery {
                kind: Some("metric".to_owned()),
                ..query()
            },
            ErrorKind::Invalid,
        ),
        (
            ObjectsQuery {
                kind: Some("film".to_owned()),
                ..query()
            },
            ErrorKind::Invalid,
        ),
        (
            ObjectsQuery {
                kind: Some("text".to_owned()),
                ..query()
            },
            ErrorKind::NotFound,
        ),
        (
            ObjectsQuery {
                context: None,
                ..query()
            },
            ErrorKind::NotFound,
        ),
        (
            ObjectsQuery {
                from_step: Some(2.0),
                to_step: Some(1.0),
                ..query()
            },
            ErrorKind::Invalid,
        ),
        (
            ObjectsQuery {
                cursor: Some("x".to_owned()),
                ..query()
            },
            ErrorKind::Invalid,
        ),
    ] {
        let error = objects(&bench, &asked).unwrap_err();
        assert_eq!(error.kind, kind, "{asked:?}");
        let says_how = error.hint.is_some() || error.message.contains("hint:");
        assert!(says_how, "{error:?}");
    }
}
