//! Random actions, and the writers that turn them into frames.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use runstone_model::{
    EndReason, Goal, LifecycleEvent, LogLevel, LogStream, ParamValue, ReasonCode, RunId,
    ScalarValue, SeriesKey, SeriesKind, Step, Timestamp, ValueType, WorkspaceId,
};
use runstone_wire::{
    Completeness, DefineMetric, Lifecycle, LogLine, LogLines, OpenMode, OperationKind,
    SetProperties, SetScalar,
};

use crate::conformance::logs::{line, record};
use crate::conformance::objects::{object_key, set_of};
use crate::conformance::testing::{
    FrameBuilder, Sample, TEST_EPOCH_MICROS, experiment_name, key, key_in, metric_name, open_run,
    param_path, tag_name,
};
use crate::{AppendFrame, EditRequest, RunAction, RunChanges};

/// One thing that happens to a store.
#[derive(Debug, Clone)]
pub(super) enum Action {
    /// A frame of some writer, delivered in some way.
    Frame(FrameAction),
    /// A person changes, deletes or takes back runs.
    Edit(EditAction),
    /// Everything is folded.
    Fold,
    /// What is due is folded.
    FoldDue,
    /// The store is closed and opened again.
    Reopen,
}

/// What a person does.
#[derive(Debug, Clone)]
pub(super) struct EditAction {
    /// Which of the runs.
    runs: Vec<&'static str>,
    edit: Edit,
}

#[derive(Debug, Clone)]
enum Edit {
    Name(&'static str),
    Experiment(&'static str),
    Tags(&'static str, &'static str),
    Archive(bool),
    Delete,
    Undelete,
    Purge,
}

/// A frame.
#[derive(Debug, Clone)]
pub(super) struct FrameAction {
    /// Which of the writers.
    writer: usize,
    /// A removal or rewind in front.
    barrier: Option<Barrier>,
    /// What it says.
    said: Vec<Said>,
    /// How it comes.
    delivery: Delivery,
}

#[derive(Debug, Clone, Copy)]
enum Delivery {
    /// Once.
    Once,
    /// And again.
    Twice,
    /// After a loss of slots, as a base frame.
    Base,
    /// With a chain that does not agree; and then as it should be.
    Torn,
    /// Never: the next frame finds a gap, and is sent as base after the mismatch.
    Never,
}

#[derive(Debug, Clone)]
enum Barrier {
    RemoveAll(Option<f64>),
    RemoveSeries(usize, Option<f64>),
    Rewind(f64),
}

#[derive(Debug, Clone)]
enum Said {
    Points(Vec<(usize, Vec<(f64, i16)>)>),
    Ramp {
        series: usize,
        from: u16,
        count: u16,
    },
    Objects(usize, Vec<(f64, Vec<i64>)>),
    Lines(u64, Vec<(u8, bool)>),
    Records(Vec<(i32, u8)>),
    Params(&'static str, i64),
    RemoveParam(&'static str),
    Tag(&'static str, bool),
    Name(&'static str),
    Experiment(&'static str),
    Scalar(&'static str, ScalarValue),
    Goal(&'static str, Goal),
    Event(LifecycleEvent),
    Beat,
    Counters(u64),
    Refused,
    End(bool),
    EmptyBeat,
}

/// Sequences of actions.
pub(super) fn sequences(actions: usize) -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        12 => frames().prop_map(Action::Frame),
        2 => edits().prop_map(Action::Edit),
        2 => Just(Action::Fold),
        1 => Just(Action::FoldDue),
        1 => Just(Action::Reopen),
    ];
    vec(action, 1..=actions)
}

fn frames() -> impl Strategy<Value = FrameAction> {
    let delivery = prop_oneof![
        14 => Just(Delivery::Once),
        2 => Just(Delivery::Twice),
        1 => Just(Delivery::Base),
        1 => Just(Delivery::Torn),
        1 => Just(Delivery::Never),
    ];
    (
        0..WRITERS.len(),
        proptest::option::weighted(0.12, barriers()),
        vec(said(), 0..5),
        delivery,
    )
        .prop_map(|(writer, barrier, said, delivery)| FrameAction {
            writer,
            barrier,
            said,
            delivery,
        })
}

fn edits() -> impl Strategy<Value = EditAction> {
    let edit = prop_oneof![
        1 => select(vec!["", "one", "by hand"]).prop_map(Edit::Name),
        1 => select(vec!["default", "digits", "kept"]).prop_map(Edit::Experiment),
        1 => (select(vec!["a", "b"]), select(vec!["a", "Ä"]))
            .prop_map(|(add, remove)| Edit::Tags(add, remove)),
        1 => any::<bool>().prop_map(Edit::Archive),
        2 => Just(Edit::Delete),
        3 => Just(Edit::Undelete),
        1 => Just(Edit::Purge),
    ];
    let runs = proptest::sample::subsequence(vec!["run-a", "run-b", "run-c", "nobody"], 1..=3);
    (runs, edit).prop_map(|(runs, edit)| EditAction { runs, edit })
}

fn barriers() -> impl Strategy<Value = Barrier> {
    let step = || proptest::option::of(steps());
    prop_oneof![
        1 => step().prop_map(Barrier::RemoveAll),
        3 => (0..SERIES + OBJECTS, step()).prop_map(|(series, step)| Barrier::RemoveSeries(series, step)),
        3 => steps().prop_map(Barrier::Rewind),
    ]
}

/// Few enough steps that writers meet.
fn steps() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-2..14_i32).prop_map(f64::from),
        3 => (-4..28_i32).prop_map(|step| f64::from(step) / 2.0),
        1 => select(vec![-1e300, -0.0, 1e-300, 1e9, 1e300]),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let samples = || vec((steps(), any::<i16>()), 1..8);
    let path = || {
        select(vec![
            "lr",
            "lr.decay",
            "model",
            "model.depth",
            "model.width",
            "seed",
        ])
    };
    prop_oneof![
        12 => vec((0..SERIES, samples()), 1..4).prop_map(Said::Points),
        2 => (0..SERIES, 0..900_u16, 200..700_u16)
            .prop_map(|(series, from, count)| Said::Ramp { series, from, count }),
        4 => (0..OBJECTS, vec((steps(), vec(0..99_i64, 1..4)), 1..4))
            .prop_map(|(series, sets)| Said::Objects(series, sets)),
        4 => (0..24_u64, vec((any::<u8>(), any::<bool>()), 0..6))
            .prop_map(|(first, lines)| Said::Lines(first, lines)),
        3 => vec((select(vec![10, 20, 30, 40, -1]), any::<u8>()), 0..4).prop_map(Said::Records),
        2 => (path(), any::<i64>()).prop_map(|(path, value)| Said::Params(path, value)),
        1 => path().prop_map(Said::RemoveParam),
        1 => (select(vec!["a", "b", "Ä"]), any::<bool>()).prop_map(|(tag, add)| Said::Tag(tag, add)),
        1 => select(vec!["", "one", "two\0"]).prop_map(Said::Name),
        1 => select(vec!["default", "digits"]).prop_map(Said::Experiment),
        2 => (select(vec!["s", "t"]), scalars())
            .prop_map(|(name, value)| Said::Scalar(name, value)),
        1 => (select(vec!["m0", "m1"]), select(vec![Goal::Min, Goal::Max]))
            .prop_map(|(name, goal)| Said::Goal(name, goal)),
        1 => select(LifecycleEvent::ALL).prop_map(Said::Event),
        1 => Just(Said::Beat),
        1 => (0..5_000_u64).prop_map(Said::Counters),
        1 => Just(Said::Refused),
        1 => any::<bool>().prop_map(Said::End),
        1 => Just(Said::EmptyBeat),
    ]
}

fn scalars() -> impl Strategy<Value = ScalarValue> {
    prop_oneof![
        any::<f64>().prop_map(ScalarValue::F64),
        select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]).prop_map(ScalarValue::F64),
        any::<i64>().prop_map(ScalarValue::I64),
        any::<bool>().prop_map(ScalarValue::Bool),
        select(vec!["", "é", "a\0b"]).prop_map(|text| ScalarValue::String(text.to_owned())),
    ]
}

/// Number of series that every writer may write.
const SERIES: usize = 8;
/// Number of object series that follow them.
const OBJECTS: usize = 3;

/// (run, whether primary, how it opens its run). A writer opens with its first frame.
const WRITERS: [(&str, bool, OpenMode); 10] = [
    ("run-a", true, OpenMode::Create),
    ("run-a", false, OpenMode::Attach),
    ("run-a", true, OpenMode::ResumeOrCreate),
    ("run-b", true, OpenMode::Create),
    ("run-b", true, OpenMode::Resume),
    ("run-b", true, OpenMode::ResumeOrCreate),
    ("run-c", true, OpenMode::Create),
    ("run-c", false, OpenMode::ResumeOrCreate),
    ("run-d", true, OpenMode::Create),
    ("run-d", true, OpenMode::ResumeOrCreate),
];

/// Runs that are forks where they are created: of which run, and at which step.
const FORKS: [(&str, &str, f64); 2] = [("run-c", "run-a", 5.0), ("run-d", "run-c", 6.5)];

/// Runs that a sequence may make.
pub(super) const RUNS: [&str; 4] = ["run-a", "run-b", "run-c", "run-d"];

/// Series that a sequence may make, each with the type and the steps of its number. Some share
/// a key: a mix of types, and of explicit and automatic steps.
fn series(index: usize) -> (SeriesKey, ValueType, bool) {
    match index {
        0 => (key("m0"), ValueType::F64, false),
        1 => (key("m0"), ValueType::I64, false),
        2 => (key("m0"), ValueType::F64, true),
        3 => (key("m1"), ValueType::F32, false),
        4 => (key("m1"), ValueType::I64, true),
        5 => (key_in("m1", "subset", "test"), ValueType::I64, false),
        6 => (key("m2"), ValueType::F64, true),
        7 => (key("m2"), ValueType::F32, true),
        8 => (object_key("o", SeriesKind::Image), ValueType::F64, false),
        9 => (object_key("o", SeriesKind::Image), ValueType::F64, true),
        _ => (object_key("m0", SeriesKind::Text), ValueType::F64, false),
    }
}

/// The writers of a sequence, and what each has sent.
#[derive(Debug, Default)]
pub(super) struct World {
    writers: Vec<Option<Speaker>>,
    clock: i64,
}

#[derive(Debug)]
struct Speaker {
    builder: FrameBuilder,
    /// Next ordinal of each series key, by name and context.
    ordinals: std::collections::BTreeMap<SeriesKey, u32>,
    /// A frame was never delivered.
    gap: bool,
}

impl World {
    /// The frames that an action sends, one after the other.
    pub(super) fn frames(&mut self, action: &FrameAction) -> Vec<AppendFrame> {
        self.clock += 1_000_000;
        self.writers.resize_with(WRITERS.len(), || None);
        let (run, primary, mode) = WRITERS[action.writer];
        let number = u8::try_from(action.writer).expect("there are few writers") + 1;
        let speaker = self.writers[action.writer].get_or_insert_with(|| {
            let mut builder = FrameBuilder::new(run, number);
            let mut open = open_run(mode);
            // Some have waited since before all deletions, others are opened just now.
            if number % 2 == 0 {
                open.created_at = Timestamp::from_micros(TEST_EPOCH_MICROS + self.clock);
            }
            if number != 4 {
                open.name = Some("one".to_owned());
                open.tags = vec![tag_name("a")];
            }
            if let Some((_, parent, step)) = FORKS.iter().find(|(fork, ..)| *fork == run) {
                let parent = RunId::new(*parent).expect("the ids are good");
                open.parent = Some((parent, Step::new(*step).expect("it is finite")));
            }
            builder.open(primary, open);
            Speaker {
                builder,
                ordinals: std::collections::BTreeMap::new(),
                gap: false,
            }
        });
        speaker.builder.set_clock(TEST_EPOCH_MICROS + self.clock);
        let beat = action
            .said
            .iter()
            .any(|said| matches!(said, Said::EmptyBeat));
        let mut frames = speaker.beats(beat);
        speaker.say(action);
        frames.extend(speaker.deliver(action.delivery));
        frames
    }

    /// The request of an edit.
    pub(super) fn edit(&mut self, action: &EditAction) -> EditRequest {
        self.clock += 1_000_000;
        let mut changes = RunChanges::default();
        let changed = match action.edit {
            Edit::Name(name) => changes.set_name(name),
            Edit::Experiment(name) => changes.set_experiment(name),
            Edit::Tags(add, remove) => changes
                .add_tags([add])
                .and_then(|()| changes.remove_tags([remove])),
            Edit::Archive(archived) => {
                changes.set_archived(archived);
                Ok(())
            }
            Edit::Delete | Edit::Undelete | Edit::Purge => Ok(()),
        };
        changed.expect("the changes are good");
        let runs = action.runs.iter().map(|run| RunId::new(*run));
        EditRequest {
            workspace: WorkspaceId::default(),
            runs: runs.collect::<Result<_, _>>().expect("the ids are good"),
            action: match action.edit {
                Edit::Delete => RunAction::Delete,
                Edit::Undelete => RunAction::Undelete,
                Edit::Purge => RunAction::Purge,
                _ => RunAction::Change(changes),
            },
            at: Timestamp::from_micros(TEST_EPOCH_MICROS + self.clock),
        }
    }
}

impl Speaker {
    /// Heartbeats travel in a frame without slots, and only when nothing else is pending.
    fn beats(&mut self, beat: bool) -> Vec<AppendFrame> {
        if !beat || self.builder.next_slot() == 0 {
            return Vec::new();
        }
        let at = Timestamp::from_micros(TEST_EPOCH_MICROS);
        vec![self.builder.push(OperationKind::Heartbeat { at }).beat()]
    }

    fn deliver(&mut self, delivery: Delivery) -> Vec<AppendFrame> {
        if self.gap {
            // What a client does that misses slots: it is refused once, and then sends a base.
            self.gap = false;
            let mut refused = self.builder.clone();
            return vec![refused.frame(), self.builder.base_frame()];
        }
        match delivery {
            Delivery::Once => vec![self.builder.frame()],
            Delivery::Twice => {
                let frame = self.builder.frame();
                vec![frame.clone(), frame]
            }
            Delivery::Base => {
                self.builder.lose(3);
                vec![self.builder.base_frame()]
            }
            Delivery::Torn => {
                let frame = self.builder.frame();
                let mut torn = frame.clone();
                torn.frame.chain_first ^= 4;
                torn.frame.first_slot += 1;
                torn.frame.next_slot += 1;
                vec![torn, frame]
            }
            Delivery::Never => {
                let _lost = self.builder.frame();
                self.gap = true;
                Vec::new()
            }
        }
    }

    fn say(&mut self, action: &FrameAction) {
        if let Some(barrier) = &action.barrier {
            match barrier {
                Barrier::RemoveAll(step) => self.builder.remove(None, *step),
                Barrier::RemoveSeries(index, step) => {
                    self.builder.remove(Some(series(*index).0), *step)
                }
                Barrier::Rewind(step) => {
                    // What is counted from now on has other numbers, and counts anew.
                    self.ordinals.clear();
                    self.builder.rewind(*step).forget_counted()
                }
            };
        }
        for said in &action.said {
            match said {
                Said::Points(points) => self.say_points(points),
                Said::Ramp {
                    series: index,
                    from,
                    count,
                } => {
                    let points = (*from..*from + *count)
                        .map(|step| (f64::from(step), (step % 251).cast_signed()))
                        .collect();
                    self.say_points(&[(*index, points)]);
                }
                Said::Objects(index, sets) => self.say_objects(SERIES + index, sets),
                Said::Refused => {
                    self.builder.log(4_000, [(0.0, 1.0)]);
                }
                Said::Goal(name, goal) => {
                    self.builder
                        .push_refusing(OperationKind::DefineMetric(DefineMetric {
                            name: metric_name(name),
                            goal: Some(*goal),
                            unit: None,
                            default_x: None,
                        }));
                }
                said => self.say_other(said),
            }
        }
    }

    fn say_other(&mut self, said: &Said) {
        let at = Timestamp::from_micros(TEST_EPOCH_MICROS + 1);
        let builder = &mut self.builder;
        match said {
            Said::Params(path, value) => builder.set_param(path, ParamValue::I64(*value)),
            Said::Lines(first, given) => {
                let text = |length: u8| "x".repeat(usize::from(length));
                let lines = given.iter().map(|(length, is_error)| LogLine {
                    stream: [LogStream::Stdout, LogStream::Stderr][usize::from(*is_error)],
                    ..line(&text(*length))
                });
                builder.push(OperationKind::LogLines(LogLines {
                    first_line: *first,
                    lines: lines.collect(),
                }))
            }
            Said::Records(given) => {
                let records = given
                    .iter()
                    .map(|(level, number)| record(LogLevel(*level), &number.to_string()));
                builder.push(OperationKind::LogRecords(records.collect()))
            }
            Said::RemoveParam(path) => {
                builder.push(OperationKind::RemoveParams(vec![param_path(path)]))
            }
            Said::Tag(tag, true) => builder.change_tags(&[tag], &[]),
            Said::Tag(tag, false) => builder.change_tags(&[], &[tag]),
            Said::Name(name) => builder.push(OperationKind::SetProperties(SetProperties {
                name: Some((*name).to_owned()),
                ..SetProperties::default()
            })),
            Said::Experiment(name) => builder.push(OperationKind::SetProperties(SetProperties {
                experiment: Some(experiment_name(name)),
                archived: Some(*name == "digits"),
                ..SetProperties::default()
            })),
            Said::Scalar(name, value) => builder.push(OperationKind::SetScalar(SetScalar {
                name: metric_name(name),
                value: value.clone(),
                time: at,
            })),
            Said::Event(event) => {
                let reason = Some(EndReason::new(ReasonCode::Abandoned, "a\0b"));
                builder.push(OperationKind::Lifecycle(Lifecycle {
                    event: *event,
                    reason,
                    at,
                }))
            }
            Said::Counters(points) => builder.push(OperationKind::Completeness(Completeness {
                logged_points: *points,
                dropped_points: points / 3,
                refused_points: points / 7,
                dropped: vec![(1, points / 3), (3, points / 5)],
            })),
            Said::End(true) => builder.close(),
            Said::End(false) => builder.fail(ReasonCode::Exception, "boom"),
            Said::EmptyBeat => builder.change_tags(&["beat"], &[]),
            _ => builder.push(OperationKind::Heartbeat { at }),
        };
    }

    /// An operation for each set. Automatic series take ordinals in place of the steps given.
    fn say_objects(&mut self, index: usize, sets: &[(f64, Vec<i64>)]) {
        let (key, value_type, auto_step) = series(index);
        let number = self.builder.series(&key, value_type, auto_step);
        for (step, documents) in sets {
            let step = if auto_step {
                let ordinal = self.ordinals.entry(key.clone()).or_default();
                *ordinal += 1;
                f64::from(*ordinal - 1)
            } else {
                *step
            };
            let set = set_of(number, step, documents);
            self.builder.push(OperationKind::ObjectPoints(set));
        }
    }

    /// One pack. Automatic series take ordinals in place of the steps given.
    fn say_points(&mut self, points: &[(usize, Vec<(f64, i16)>)]) {
        let mut pack: std::collections::BTreeMap<u32, Vec<Sample>> = Default::default();
        for (index, samples) in points {
            let (key, value_type, auto_step) = series(*index);
            let number = self.builder.series(&key, value_type, auto_step);
            for (step, value) in samples {
                let step = if auto_step {
                    let ordinal = self.ordinals.entry(key.clone()).or_default();
                    *ordinal += 1;
                    f64::from(*ordinal - 1)
                } else {
                    *step
                };
                pack.entry(number)
                    .or_default()
                    .push(sample(step, *value, value_type));
            }
        }
        let pack: Vec<(u32, Vec<Sample>)> = pack.into_iter().collect();
        self.builder.log_samples(&pack);
    }
}

/// A value of a type: small numbers become odd floats.
fn sample(step: f64, value: i16, value_type: ValueType) -> Sample {
    let mut sample = match value_type {
        ValueType::I64 => Sample::integer(step, i64::from(value) * 3),
        _ => Sample::float(
            step,
            match value {
                0 => -0.0,
                1 => f64::NAN,
                2 => f64::INFINITY,
                3 => f64::NEG_INFINITY,
                4 => f64::from_bits(0x7ff0_0000_0000_0001),
                5 => 1e-310,
                value => f64::from(f32::from(value) / 8.0),
            },
        ),
    };
    sample.time += i64::from(value);
    sample.epoch = (value % 5 == 0).then(|| f64::from(value) / 2.0);
    sample
}
