//! How runs are found and scanned, and text as it comes back.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{ParamValue, RunState, ScalarValue, Timestamp, WorkspaceId};
use runstone_wire::{OpenMode, OperationKind, SetProperties, SetScalar};

use super::harness::Harness;
use super::testing::{
    FrameBuilder, TEST_EPOCH_MICROS, experiment_name, key, metric_name, open_run, param_path,
    setting, tag_name,
};
use crate::{RunOrder, RunScan, StoreError};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(TEST_EPOCH_MICROS + seconds * 1_000_000)
}

fn created(harness: &mut Harness, id: &str, number: u8, seconds: i64) {
    let mut writer = FrameBuilder::new(id, number);
    let mut open = open_run(OpenMode::Create);
    open.created_at = at(seconds);
    harness.apply(writer.open(true, open).frame());
}

fn listed(harness: &Harness, scan: &RunScan) -> Vec<String> {
    let mut scan = scan.clone();
    let mut ids = Vec::new();
    loop {
        let page = harness.ask(|snapshot| snapshot.scan_runs(&scan)).unwrap();
        assert!(page.runs.len() <= scan.limit);
        ids.extend(page.runs.into_iter().map(|run| run.run.id.to_string()));
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return ids,
        }
    }
}

pub fn a_run_is_found_by_id_name_and_prefix(harness: &mut Harness) {
    for (number, id) in [
        (1, "abcd-1"),
        (2, "abcd-2"),
        (3, "abce-3"),
        (4, "xyz"),
        (5, "abcd"),
    ] {
        created(harness, id, number, i64::from(number));
    }
    let rename = |id: &str, number, name: &str| {
        let mut writer = FrameBuilder::secondary(id, number);
        writer.push(OperationKind::SetProperties(SetProperties {
            name: Some(name.to_owned()),
            ..SetProperties::default()
        }));
        writer.frame()
    };
    harness.apply(rename("abcd-1", 11, "sgd"));
    harness.apply(rename("abce-3", 13, "adam"));
    harness.apply(rename("xyz", 14, "adam"));
    let found = |address: &str| {
        harness
            .find_run(address)
            .map(|run| run.run.id.to_string())
            .map_err(|error| match error {
                StoreError::NotFound(_) => "not found",
                StoreError::Conflict(_) => "conflict",
                _ => "another error",
            })
    };
    assert_eq!(found("abcd-2").as_deref(), Ok("abcd-2"));
    assert_eq!(
        found("abcd").as_deref(),
        Ok("abcd"),
        "an id wins over prefixes"
    );
    assert_eq!(found("sgd").as_deref(), Ok("abcd-1"));
    assert_eq!(found("abce").as_deref(), Ok("abce-3"));
    assert_eq!(found("abcd-"), Err("conflict"));
    assert_eq!(found("adam"), Err("conflict"));
    assert_eq!(found("xyz").as_deref(), Ok("xyz"));
    assert_eq!(
        found("xy"),
        Err("not found"),
        "a prefix has four characters"
    );
    assert_eq!(found("ABCD-1"), Err("not found"), "case matters");
    assert_eq!(found(""), Err("not found"));
    assert_eq!(found("abc%"), Err("not found"));
    assert_eq!(found("abc_-1"), Err("not found"));
    let Err(StoreError::Conflict(message)) = harness.find_run("adam") else {
        panic!("two runs have this name");
    };
    assert!(
        message.contains("abce-3") && message.contains("xyz"),
        "{message}"
    );
}

pub fn runs_are_scanned_in_order_by_pages(harness: &mut Harness) {
    // Two of them at one time: the key decides.
    for (number, seconds) in [(1, 50), (2, 10), (3, 30), (4, 30), (5, 30), (6, 90), (7, 0)] {
        created(harness, &format!("run-{number}"), number, seconds);
    }
    let oldest: Vec<String> = [7, 2, 3, 4, 5, 1, 6]
        .iter()
        .map(|number| format!("run-{number}"))
        .collect();
    let newest: Vec<String> = oldest.iter().rev().cloned().collect();
    for limit in [1, 2, 3, 6, 7, 8] {
        let scan = RunScan {
            limit,
            ..RunScan::default()
        };
        assert_eq!(listed(harness, &scan), newest, "limit {limit}");
        let scan = RunScan {
            order: RunOrder::OldestFirst,
            ..scan
        };
        assert_eq!(listed(harness, &scan), oldest, "limit {limit}");
    }
}

pub fn runs_are_scanned_by_experiment_state_and_archive(harness: &mut Harness) {
    for number in 1..=6_u8 {
        let mut writer = FrameBuilder::new(&format!("run-{number}"), number);
        let mut open = open_run(OpenMode::Create);
        open.created_at = at(i64::from(number));
        open.experiment = (number % 2 == 0).then(|| experiment_name("even"));
        writer.open(true, open);
        if number <= 2 {
            writer.close();
        }
        if number == 4 {
            let archived = SetProperties {
                archived: Some(true),
                ..SetProperties::default()
            };
            writer.push(OperationKind::SetProperties(archived));
        }
        harness.apply(writer.frame());
    }
    let all = RunScan {
        limit: 2,
        order: RunOrder::OldestFirst,
        ..RunScan::default()
    };
    assert_eq!(
        listed(harness, &all),
        ["run-1", "run-2", "run-3", "run-5", "run-6"]
    );
    let archived = RunScan {
        include_archived: true,
        ..all.clone()
    };
    assert_eq!(listed(harness, &archived).len(), 6);
    let even = RunScan {
        experiment: Some("even".to_owned()),
        ..all.clone()
    };
    assert_eq!(listed(harness, &even), ["run-2", "run-6"]);
    let ended = RunScan {
        states: vec![RunState::Succeeded, RunState::Failed],
        ..all.clone()
    };
    assert_eq!(listed(harness, &ended), ["run-1", "run-2"]);
    let both = RunScan {
        experiment: Some("even".to_owned()),
        states: vec![RunState::Running],
        include_archived: true,
        ..all.clone()
    };
    assert_eq!(listed(harness, &both), ["run-4", "run-6"]);
    let none = RunScan {
        experiment: Some("odd".to_owned()),
        ..all
    };
    assert_eq!(listed(harness, &none), [] as [String; 0]);
    let elsewhere = RunScan {
        workspace: WorkspaceId(9),
        limit: 5,
        ..RunScan::default()
    };
    assert_eq!(listed(harness, &elsewhere), [] as [String; 0]);
}

pub fn text_is_ordered_by_bytes(harness: &mut Harness) {
    let names = [
        "B",
        "a",
        "Ä",
        "aa",
        "_",
        "\u{10000}",
        "\u{ffff}",
        "10",
        "9",
        "a b",
    ];
    for (index, name) in names.iter().enumerate() {
        let number = u8::try_from(index).unwrap() + 1;
        let mut writer = FrameBuilder::new(&format!("run-{number}"), number);
        let mut open = open_run(OpenMode::Create);
        open.experiment = Some(experiment_name(name));
        open.tags = names.iter().map(|name| tag_name(name)).collect();
        harness.apply(writer.open(true, open).frame());
    }
    let mut sorted = names.map(str::to_owned).to_vec();
    sorted.sort();
    let experiments = harness
        .ask(|snapshot| snapshot.scan_experiments(WorkspaceId::default()))
        .unwrap();
    let listed: Vec<String> = experiments
        .iter()
        .map(|record| record.experiment.name.to_string())
        .collect();
    assert_eq!(listed, sorted);
    let tags: Vec<String> = harness
        .run("run-1")
        .run
        .tags
        .iter()
        .map(|tag| tag.to_string())
        .collect();
    assert_eq!(tags, sorted);
}

pub fn odd_and_long_names_are_kept_as_they_are(harness: &mut Harness) {
    let id = format!("run 'a' \"b\" %_ é {}", "x".repeat(100));
    let mut writer = FrameBuilder::new(&id, 1);
    let mut open = open_run(OpenMode::Create);
    let experiment = "\u{1f9ea} '; DROP TABLE run; --".to_owned() + &"ü".repeat(220);
    open.experiment = Some(experiment_name(&experiment));
    open.name = Some("line\nbreak\tand \u{202e}".to_owned());
    open.config = vec![setting("näme", "välue", false)];
    writer.open(true, open);
    let odd = key("loss/train \u{1f525} '");
    let number = writer.series(&odd, runstone_model::ValueType::F64, false);
    harness.apply(writer.log(number, [(0.0, 1.0)]).frame());
    let record = harness.run(&id);
    assert_eq!(record.run.id.as_str(), id);
    assert_eq!(record.experiment_name, experiment);
    assert_eq!(
        record.run.name.as_deref(),
        Some("line\nbreak\tand \u{202e}")
    );
    assert_eq!(harness.params_json(&id), r#"{"näme":"välue"}"#);
    assert_eq!(harness.values(&id, &odd), [(0.0, 1.0)]);
    assert_eq!(harness.run("run 'a'").run.id.as_str(), id);
}

pub fn nul_in_text_is_replaced_and_counted(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    writer.push(OperationKind::SetProperties(SetProperties {
        name: Some("a\0b\0".to_owned()),
        ..SetProperties::default()
    }));
    writer.set_param("text", "x\0y");
    writer.push(OperationKind::SetScalar(SetScalar {
        name: metric_name("s"),
        value: ScalarValue::String("\0".to_owned()),
        time: at(0),
    }));
    harness.apply(writer.frame());
    assert_eq!(
        harness.run("run-a").run.name.as_deref(),
        Some("a\u{fffd}b\u{fffd}")
    );
    let text = harness.params("run-a").get(&param_path("text")).cloned();
    assert_eq!(text, Some(ParamValue::from("x\u{fffd}y")));
    assert_eq!(
        harness.scalars("run-a")[0].value,
        ScalarValue::String("\u{fffd}".to_owned())
    );
    assert_eq!(
        harness.warning_counts("run-a"),
        [("text_replaced".to_owned(), 4)]
    );
}
