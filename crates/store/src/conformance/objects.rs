//! Objects: sets over steps, with the visibility of points.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{
    BlobDigest, JsonText, RunKey, SeriesKey, SeriesKind, Step, Timestamp, ValueType,
};
use runstone_wire::{FrameStatus, ObjectDocument, ObjectPoints, OperationKind, RefusalCode};

use super::deletion::changed;
use super::harness::Harness;
use super::testing::{FrameBuilder, TEST_EPOCH_MICROS, key};
use crate::apply::{OBJECT_DOCUMENT_BYTES_MAX, OBJECTS_IN_SET_MAX};
use crate::{ObjectScan, ObjectSet, RunAction, Snapshot, StoreError};

/// The key of an object series without context.
pub(crate) fn object_key(name: &str, kind: SeriesKind) -> SeriesKey {
    SeriesKey { kind, ..key(name) }
}

/// An object with a document and digests made of these bytes.
pub(crate) fn object(document: &str, digests: &[u8]) -> ObjectDocument {
    ObjectDocument {
        document: JsonText::new(document).expect("tests log good JSON"),
        digests: digests
            .iter()
            .map(|byte| BlobDigest::new([*byte; 32]))
            .collect(),
    }
}

/// The objects of a step, numbers as documents.
pub(crate) fn set_of(number: u32, step: f64, documents: &[i64]) -> ObjectPoints {
    ObjectPoints {
        number,
        step: Step::new(step).expect("tests log finite steps"),
        time: Timestamp::from_micros(TEST_EPOCH_MICROS + documents.iter().sum::<i64>()),
        epoch: None,
        objects: documents
            .iter()
            .map(|document| object(&document.to_string(), &[]))
            .collect(),
    }
}

fn push(number: u32, step: f64, documents: &[i64]) -> OperationKind {
    OperationKind::ObjectPoints(set_of(number, step, documents))
}

/// A scan of a whole series.
pub(crate) fn object_scan(key: &SeriesKey, history: bool, limit: usize) -> ObjectScan {
    ObjectScan {
        series: key.clone(),
        from_step: None,
        to_step: None,
        history,
        after: None,
        limit,
    }
}

/// All sets of a scan, page by page; none if there is no such series.
pub(crate) fn all_sets(
    snapshot: &dyn Snapshot,
    run: RunKey,
    mut scan: ObjectScan,
) -> Vec<ObjectSet> {
    let mut all = Vec::new();
    loop {
        let page = match snapshot.scan_objects(run, &scan) {
            Ok(page) => page,
            Err(StoreError::NotFound(_)) => return all,
            Err(error) => panic!("objects are not readable: {error}"),
        };
        assert!(page.sets.len() <= scan.limit.max(1), "a page is too long");
        all.extend(page.sets);
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return all,
        }
    }
}

/// (step, documents) of sets.
fn shown(sets: &[ObjectSet]) -> Vec<(f64, String)> {
    sets.iter()
        .map(|set| {
            let documents: Vec<&str> = set
                .objects
                .iter()
                .map(|object| object.document.as_str())
                .collect();
            (set.position.step.get(), documents.join(","))
        })
        .collect()
}

fn sets(harness: &Harness, key: &SeriesKey, history: bool) -> Vec<(f64, String)> {
    let run = harness.key("run-a");
    let pages =
        |limit| harness.ask(|snapshot| all_sets(snapshot, run, object_scan(key, history, limit)));
    let all = pages(100);
    assert_eq!(pages(1), all);
    assert_eq!(pages(2), all);
    assert!(history || all.iter().all(|set| set.visible));
    let listed = harness
        .ask(|snapshot| snapshot.read_object_series(run))
        .unwrap();
    let listed = listed.iter().find(|record| record.key == *key);
    let visible: Vec<&ObjectSet> = all.iter().filter(|set| set.visible).collect();
    let objects: usize = visible.iter().map(|set| set.objects.len()).sum();
    match listed {
        Some(record) => {
            assert_eq!(
                (record.steps, record.objects),
                (visible.len() as u64, objects as u64)
            );
            assert_eq!(record.first_step, visible[0].position.step);
            assert_eq!(record.last_step, visible[visible.len() - 1].position.step);
        }
        None => assert!(visible.is_empty()),
    }
    shown(&all)
}

fn expect(pairs: &[(f64, &str)]) -> Vec<(f64, String)> {
    pairs
        .iter()
        .map(|(step, text)| (*step, (*text).to_owned()))
        .collect()
}

pub fn objects_come_by_step_with_all_they_had(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let images = object_key("sample", SeriesKind::Image);
    let number = builder.series(&images, ValueType::F64, false);
    let mut set = set_of(number, 2.5, &[1]);
    set.epoch = Some(-0.0);
    set.objects = vec![
        object("{\"caption\": \"é\", \"b\":1.50}", &[1, 2]),
        object("null", &[]),
    ];
    builder.push(push(number, 7.0, &[7]));
    harness.apply(
        builder
            .push(OperationKind::ObjectPoints(set.clone()))
            .frame(),
    );
    harness.apply(builder.push(push(number, -3.0, &[3, 4, 5])).frame());
    let expected = [
        (-3.0, "3,4,5"),
        (2.5, "{\"caption\": \"é\", \"b\":1.50},null"),
        (7.0, "7"),
    ];
    assert_eq!(sets(harness, &images, false), expect(&expected));
    let run = harness.key("run-a");
    let mut scan = object_scan(&images, false, 10);
    (scan.from_step, scan.to_step) = (Step::new(0.0).ok(), Step::new(2.5).ok());
    let page = harness
        .ask(|snapshot| snapshot.scan_objects(run, &scan))
        .unwrap();
    assert_eq!((page.sets.len(), page.next), (1, None));
    let one = &page.sets[0];
    assert_eq!((one.time, &one.objects), (set.time, &set.objects));
    assert_eq!(one.epoch.map(f64::to_bits), set.epoch.map(f64::to_bits));
    // Readers of metrics see nothing of it.
    assert!(harness.series("run-a").is_empty());
    assert!(harness.history("run-a", &images).is_empty());
}

pub fn kinds_of_one_name_are_series_of_their_own(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    for (step, kind) in (0..).zip(&SeriesKind::ALL[1..]) {
        let number = builder.series(&object_key("x", *kind), ValueType::F64, false);
        builder.push(push(number, f64::from(step), &[step.into()]));
    }
    let metric = builder.metric("x");
    harness.apply(builder.log(metric, [(1.0, 2.0)]).frame());
    let run = harness.key("run-a");
    let listed = harness
        .ask(|snapshot| snapshot.read_object_series(run))
        .unwrap();
    let kinds: Vec<SeriesKind> = listed.iter().map(|record| record.key.kind).collect();
    assert_eq!(kinds, SeriesKind::ALL[1..]);
    assert_eq!(
        sets(harness, &object_key("x", SeriesKind::Figure), false),
        expect(&[(4.0, "4")])
    );
    assert_eq!(harness.values("run-a", &key("x")), [(1.0, 2.0)]);
    assert_eq!(harness.series("run-a").len(), 1);
    let missing = harness.ask(|snapshot| {
        let scan = object_scan(&object_key("y", SeriesKind::Text), false, 1);
        snapshot.scan_objects(run, &scan)
    });
    assert!(matches!(missing, Err(StoreError::NotFound(_))));
}

pub fn the_newest_set_of_a_step_replaces_the_older_whole(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let texts = object_key("notes", SeriesKind::Text);
    let number = builder.series(&texts, ValueType::F64, false);
    harness.apply(builder.push(push(number, 1.0, &[1, 2, 3])).frame());
    // Two sets in one frame: the later shows, as if they had come in two.
    harness.apply(
        builder
            .push(push(number, 1.0, &[4]))
            .push(push(number, 1.0, &[5, 6]))
            .frame(),
    );
    assert_eq!(sets(harness, &texts, false), expect(&[(1.0, "5,6")]));
    let all = expect(&[(1.0, "1,2,3"), (1.0, "4"), (1.0, "5,6")]);
    assert_eq!(sets(harness, &texts, true), all);
}

pub fn rewinds_and_removals_hide_objects_as_points(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let (images, texts) = (
        object_key("o", SeriesKind::Image),
        object_key("o", SeriesKind::Text),
    );
    let image = builder.series(&images, ValueType::F64, false);
    let text = builder.series(&texts, ValueType::F64, false);
    for step in 0..4 {
        builder.push(push(image, f64::from(step), &[step.into()]));
        builder.push(push(text, f64::from(step), &[i64::from(step) + 10]));
    }
    harness.apply(builder.frame());
    harness.apply(builder.rewind(2.0).frame());
    assert_eq!(
        sets(harness, &images, false),
        expect(&[(0.0, "0"), (1.0, "1")])
    );
    harness.apply(builder.push(push(image, 2.0, &[22])).frame());
    assert_eq!(
        sets(harness, &images, false),
        expect(&[(0.0, "0"), (1.0, "1"), (2.0, "22")])
    );
    harness.apply(builder.remove(Some(images.clone()), Some(1.0)).frame());
    assert_eq!(
        sets(harness, &images, false),
        expect(&[(0.0, "0"), (2.0, "22")])
    );
    assert_eq!(
        sets(harness, &texts, false),
        expect(&[(0.0, "10"), (1.0, "11")])
    );
    harness.apply(builder.remove(Some(images.clone()), None).frame());
    assert!(sets(harness, &images, false).is_empty());
    assert_eq!(sets(harness, &images, true).len(), 5);
    assert_eq!(sets(harness, &texts, false).len(), 2);
    harness.apply(builder.push(push(image, 0.0, &[9])).frame());
    assert_eq!(sets(harness, &images, false), expect(&[(0.0, "9")]));
    harness.apply(builder.remove(None, None).frame());
    assert!(sets(harness, &images, false).is_empty() && sets(harness, &texts, false).is_empty());
}

pub fn automatic_steps_of_objects_count_on(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let audio = object_key("voice", SeriesKind::Audio);
    let explicit = builder.series(&audio, ValueType::F64, false);
    harness.apply(builder.push(push(explicit, 4.5, &[1])).frame());
    let counted = builder.series(&audio, ValueType::F64, true);
    builder
        .push(push(counted, 0.0, &[2]))
        .push(push(counted, 1.0, &[3]));
    harness.apply(builder.frame());
    assert_eq!(
        sets(harness, &audio, false),
        expect(&[(4.5, "1"), (5.0, "2"), (6.0, "3")])
    );
    let mut resumed = FrameBuilder::secondary("run-a", 2);
    let number = resumed.series(&audio, ValueType::F64, true);
    harness.apply(resumed.push(push(number, 0.0, &[4])).frame());
    let expected = [(4.5, "1"), (5.0, "2"), (6.0, "3"), (7.0, "4")];
    assert_eq!(sets(harness, &audio, false), expect(&expected));
    builder
        .push(push(counted, 0.5, &[5]))
        .push(push(counted, -1.0, &[6]));
    let refused = [0, 1].map(|index| (index, RefusalCode::Invalid));
    harness.apply_refusing(builder.frame(), &refused);
}

pub fn objects_that_can_not_be_are_refused_alone(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let texts = object_key("o", SeriesKind::Text);
    let number = builder.series(&texts, ValueType::F64, false);
    let metric = builder.metric("loss");
    harness.apply(
        builder
            .log(metric, [(0.0, 1.0)])
            .push(push(number, 0.0, &[1]))
            .frame(),
    );
    let mut long = set_of(number, 1.0, &[1]);
    long.objects = vec![object(
        &format!("\"{}\"", "x".repeat(OBJECT_DOCUMENT_BYTES_MAX)),
        &[],
    )];
    builder
        .push(push(77, 1.0, &[1]))
        .push(push(metric, 1.0, &[1]))
        .push(OperationKind::ObjectPoints(long))
        .push(push(number, 1.0, &vec![1; OBJECTS_IN_SET_MAX + 1]))
        .push(push(number, 1.0, &[]))
        .push(push(number, 2.0, &[2]))
        .push_refusing(push(number, 2.0, &[3]))
        .push_refusing(push(number, 1.5, &[4]))
        .log(number, [(9.0, 9.0)]);
    let answer = harness.append(builder.frame());
    assert_eq!(answer.status, FrameStatus::Applied);
    let codes: Vec<(u32, RefusalCode)> = answer
        .refusals
        .iter()
        .map(|refusal| (refusal.operation, refusal.code))
        .collect();
    assert_eq!(
        codes,
        [
            (0, RefusalCode::UnknownSeries),
            (1, RefusalCode::TypeConflict),
            (2, RefusalCode::TooLarge),
            (3, RefusalCode::TooLarge),
            (4, RefusalCode::Invalid),
            (6, RefusalCode::Exists),
            (8, RefusalCode::TypeConflict),
        ]
    );
    assert_eq!(
        sets(harness, &texts, false),
        expect(&[(0.0, "1"), (1.5, "4"), (2.0, "2")])
    );
}

pub fn two_writers_at_one_step_of_objects_are_warned_of(harness: &mut Harness) {
    let mut first = FrameBuilder::creator("run-a", 1);
    let mut second = FrameBuilder::secondary("run-a", 2);
    let texts = object_key("o", SeriesKind::Text);
    let number = first.series(&texts, ValueType::F64, false);
    harness.apply(
        first
            .push(push(number, 0.0, &[1]))
            .push(push(number, 1.0, &[2]))
            .frame(),
    );
    let number = second.series(&texts, ValueType::F64, false);
    harness.apply(second.push(push(number, 2.0, &[3])).frame());
    assert!(harness.warnings("run-a").is_empty());
    harness.apply(second.push(push(number, 1.0, &[4])).frame());
    harness.apply(second.push(push(number, 0.0, &[5])).frame());
    assert_eq!(
        harness.warning_counts("run-a"),
        [("two_writers_one_step".to_owned(), 1)]
    );
    assert_eq!(
        sets(harness, &texts, false),
        expect(&[(0.0, "5"), (1.0, "4"), (2.0, "3")])
    );
}

pub fn many_and_long_objects_come_in_pages(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let figures = object_key("plot", SeriesKind::Figure);
    let number = builder.series(&figures, ValueType::F64, false);
    let text = "0123456789".repeat(50_000);
    let mut expected = Vec::new();
    for step in 0..14_i32 {
        let document = format!("\"{step} {text}\"");
        let mut set = set_of(number, f64::from(step % 7), &[1]);
        set.objects = vec![object(&document, &[step as u8]); 2];
        harness.apply(builder.push(OperationKind::ObjectPoints(set)).frame());
        if step >= 7 {
            expected.push((f64::from(step % 7), format!("{document},{document}")));
        }
    }
    let run = harness.key("run-a");
    let page =
        harness.ask(|snapshot| snapshot.scan_objects(run, &object_scan(&figures, true, 100)));
    let page = page.unwrap();
    assert!(
        page.next.is_some() && page.sets.len() < 8,
        "{}",
        page.sets.len()
    );
    assert!(sets(harness, &figures, false) == expected);
    assert_eq!(sets(harness, &figures, true).len(), 14);
}

pub fn objects_of_a_purged_run_are_gone(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let texts = object_key("o", SeriesKind::Text);
    let number = builder.series(&texts, ValueType::F64, false);
    harness.apply(builder.push(push(number, 0.0, &[1])).frame());
    let run = harness.key("run-a");
    changed(harness, "run-a", &RunAction::Delete, 60);
    changed(harness, "run-a", &RunAction::Undelete, 61);
    assert_eq!(sets(harness, &texts, false), expect(&[(0.0, "1")]));
    changed(harness, "run-a", &RunAction::Delete, 62);
    changed(harness, "run-a", &RunAction::Purge, 63);
    let (listed, sets) = harness.ask(|snapshot| {
        let sets = all_sets(snapshot, run, object_scan(&texts, true, 10));
        (snapshot.read_object_series(run).unwrap(), sets)
    });
    assert!(listed.is_empty() && sets.is_empty());
}
