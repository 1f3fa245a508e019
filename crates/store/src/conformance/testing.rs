//! Builders of frames for tests: a writer as a client would run it.
//!
//! [`FrameBuilder`] counts slots, keeps the chain and remembers its declarations, so that a test
//! can deliver frames, deliver them again, lose some, or speak as a twin.

use bytes::Bytes;
use runstone_codec::{SeriesPoints, encode_pack};
use runstone_model::{
    BlobDigest, Context, EndReason, ExperimentName, JsonText, LogLevel, LogStream, MetricName,
    ParamPath, ParamValue, ReasonCode, ReceivedAt, RunId, SeriesKey, Step, TagName, Timestamp,
    ValueType, WorkspaceId, WriterId,
};
use runstone_wire::{
    ChangeTags, DefineSeries, EncodedOperation, EndKind, EndWriter, Frame, IfPresent, LogLine,
    LogLines, LogRecord, ObjectDocument, ObjectPoints, OpenMode, OpenRun, OpenWriter, Operation,
    OperationKind, ParamSetting, Remove,
};

use crate::{AppendFrame, PointValue};

/// Where the clock of tests begins: 2023-11-14, in microseconds.
pub const TEST_EPOCH_MICROS: i64 = 1_700_000_000_000_000;

/// One point to log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Step, or ordinal under an auto-step number.
    pub step: f64,
    /// Microseconds UTC.
    pub time: i64,
    /// Value.
    pub value: PointValue,
    /// Epoch.
    pub epoch: Option<f64>,
}

impl Sample {
    /// A float at a step; its time follows from the step.
    pub fn float(step: f64, value: f64) -> Self {
        Self {
            step,
            time: time_of(step),
            value: PointValue::F64(value),
            epoch: None,
        }
    }

    /// An integer at a step; its time follows from the step.
    pub fn integer(step: f64, value: i64) -> Self {
        Self {
            step,
            time: time_of(step),
            value: PointValue::I64(value),
            epoch: None,
        }
    }

    fn bits(self) -> u64 {
        match self.value {
            PointValue::F64(value) => value.to_bits(),
            PointValue::I64(value) => value.cast_unsigned(),
        }
    }
}

fn time_of(step: f64) -> i64 {
    TEST_EPOCH_MICROS + (step.clamp(-1e6, 1e6) * 1_000.0) as i64
}

/// What a writer has declared under a number.
#[derive(Debug, Clone, PartialEq)]
struct Declared {
    define: DefineSeries,
    sent: bool,
}

/// A writer: collects operations and turns them into frames.
#[derive(Debug, Clone)]
pub struct FrameBuilder {
    writer: WriterId,
    run: RunId,
    /// The declarations that a base frame repeats.
    opened: Vec<Operation>,
    declared: Vec<Declared>,
    /// Counting series up to this number are not used any more.
    first_number: u32,
    pending: Vec<EncodedOperation>,
    pending_slots: u64,
    next_slot: u64,
    chain: u64,
    /// Mixed into the chain, so that a twin's log differs.
    salt: u64,
    rewinds: u32,
    clock_micros: i64,
}

impl FrameBuilder {
    /// Writer number `number` of a test, for the run of this id. Nothing is opened yet.
    pub fn new(run: &str, number: u8) -> Self {
        Self::of_writer(run, WriterId::new([number; 16]))
    }

    /// Any writer, for the run of this id. Nothing is opened yet.
    pub fn of_writer(run: &str, writer: WriterId) -> Self {
        Self {
            writer,
            run: RunId::new(run).expect("tests use good run ids"),
            opened: Vec::new(),
            declared: Vec::new(),
            first_number: 0,
            pending: Vec::new(),
            pending_slots: 0,
            next_slot: 0,
            chain: 0,
            salt: 0,
            rewinds: 0,
            clock_micros: TEST_EPOCH_MICROS,
        }
    }

    /// A primary writer that creates its run.
    pub fn creator(run: &str, number: u8) -> Self {
        let mut builder = Self::new(run, number);
        builder.open(true, open_run(OpenMode::Create));
        builder
    }

    /// A secondary writer that attaches to the run.
    pub fn secondary(run: &str, number: u8) -> Self {
        let mut builder = Self::new(run, number);
        builder.open(false, open_run(OpenMode::Attach));
        builder
    }

    /// The writer's id.
    pub fn writer(&self) -> WriterId {
        self.writer
    }

    /// The run's id.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// First slot of the next frame.
    pub fn next_slot(&self) -> u64 {
        self.next_slot
    }

    /// The chain at [`Self::next_slot`].
    pub fn chain(&self) -> u64 {
        self.chain
    }

    /// Sets the clock of later frames, both the client's and the server's.
    pub fn set_clock(&mut self, micros: i64) -> &mut Self {
        self.clock_micros = micros;
        self
    }

    /// Adds the openings of writer and run.
    pub fn open(&mut self, primary: bool, open: OpenRun) -> &mut Self {
        let writer = OpenWriter {
            host: "host-a".to_owned(),
            boot_id: "boot-1".to_owned(),
            pid: 100 + u32::from(self.writer.as_bytes()[0]),
            rank: None,
            user: "ada".to_owned(),
            sdk: "test/1".to_owned(),
            opened_at: open.created_at,
            primary,
            parent_writer: None,
            lease_seconds: 0,
        };
        for kind in [
            OperationKind::OpenWriter(writer),
            OperationKind::OpenRun(open),
        ] {
            let operation = apply(kind);
            self.push_operation(&operation);
            self.opened.push(operation);
        }
        self
    }

    /// Adds an operation, in its usual meaning.
    pub fn push(&mut self, kind: OperationKind) -> &mut Self {
        self.push_operation(&apply(kind))
    }

    /// Adds an operation that is refused when its target exists.
    pub fn push_refusing(&mut self, kind: OperationKind) -> &mut Self {
        self.push_operation(&Operation {
            if_present: IfPresent::Refuse,
            kind,
        })
    }

    /// Adds an operation. One slot.
    pub fn push_operation(&mut self, operation: &Operation) -> &mut Self {
        if matches!(operation.kind, OperationKind::Rewind { .. }) {
            self.rewinds += 1;
        }
        self.push_encoded(EncodedOperation::encode(operation), 1)
    }

    /// Adds bytes that may be no operation, and the slots they take.
    pub fn push_encoded(&mut self, operation: EncodedOperation, slots: u64) -> &mut Self {
        self.pending.push(operation);
        self.pending_slots += slots;
        self
    }

    /// The number of a series with explicit steps and f64 values and no context.
    pub fn metric(&mut self, name: &str) -> u32 {
        self.series(&key(name), ValueType::F64, false)
    }

    /// The number of an auto-step series with f64 values and no context.
    pub fn auto_metric(&mut self, name: &str) -> u32 {
        self.series(&key(name), ValueType::F64, true)
    }

    /// The number of a series, declared now if it is new.
    pub fn series(&mut self, key: &SeriesKey, value_type: ValueType, auto_step: bool) -> u32 {
        let known = self.declared.iter().find(|declared| {
            let is_former =
                declared.define.auto_step && declared.define.number <= self.first_number;
            !is_former
                && declared.define.key == *key
                && declared.define.value_type == value_type
                && declared.define.auto_step == auto_step
        });
        if let Some(known) = known {
            return known.define.number;
        }
        let number = u32::try_from(self.declared.len()).expect("tests declare little") + 1;
        let define = DefineSeries {
            number,
            key: key.clone(),
            value_type,
            auto_step,
        };
        self.push(OperationKind::DefineSeries(define.clone()));
        self.declared.push(Declared {
            define,
            sent: false,
        });
        number
    }

    /// Adds points of one series as a pack: (step, value) each.
    pub fn log(&mut self, number: u32, points: impl IntoIterator<Item = (f64, f64)>) -> &mut Self {
        let samples: Vec<Sample> = points
            .into_iter()
            .map(|(step, value)| Sample::float(step, value))
            .collect();
        self.log_samples(&[(number, samples)])
    }

    /// Adds points of several series as one pack. Numbers rise, no series is empty. The value
    /// type is the declared one, or that of the first value under an unknown number.
    pub fn log_samples(&mut self, series: &[(u32, Vec<Sample>)]) -> &mut Self {
        let types: Vec<(u32, ValueType)> = series
            .iter()
            .map(|(number, samples)| (*number, self.type_of(*number, samples)))
            .collect();
        let pack = encode_samples(series, &types);
        let slots = series.iter().map(|(_, samples)| samples.len() as u64).sum();
        self.push_encoded(
            EncodedOperation::encode(&apply(OperationKind::Points(pack))),
            slots,
        )
    }

    /// As [`Self::log_samples`], refused where a step has a point already.
    pub fn log_refusing(&mut self, number: u32, samples: &[Sample]) -> &mut Self {
        let series = [(number, samples.to_vec())];
        let types = [(number, self.type_of(number, samples))];
        let kind = OperationKind::Points(encode_samples(&series, &types));
        let operation = Operation {
            if_present: IfPresent::Refuse,
            kind,
        };
        self.push_encoded(EncodedOperation::encode(&operation), samples.len() as u64)
    }

    fn type_of(&self, number: u32, samples: &[Sample]) -> ValueType {
        let declared = self
            .declared
            .iter()
            .find(|declared| declared.define.number == number);
        match (declared, samples.first().map(|sample| sample.value)) {
            (Some(declared), _) => declared.define.value_type,
            (None, Some(PointValue::I64(_))) => ValueType::I64,
            _ => ValueType::F64,
        }
    }

    /// Sets one param by its dotted path.
    pub fn set_param(&mut self, path: &str, value: impl Into<ParamValue>) -> &mut Self {
        self.push(OperationKind::SetParams(vec![setting(path, value, false)]))
    }

    /// Adds and removes tags.
    pub fn change_tags(&mut self, add: &[&str], remove: &[&str]) -> &mut Self {
        let names = |tags: &[&str]| tags.iter().map(|tag| tag_name(tag)).collect();
        self.push(OperationKind::ChangeTags(ChangeTags {
            add: names(add),
            remove: names(remove),
        }))
    }

    /// Adds terminal lines of standard output from a number on.
    pub fn log_lines(&mut self, first_line: u64, texts: &[&str]) -> &mut Self {
        let time = Timestamp::from_micros(self.clock_micros);
        let line = |text: &&str| LogLine {
            text: (*text).to_owned(),
            stream: LogStream::Stdout,
            time,
            cut_bytes: 0,
        };
        self.push(OperationKind::LogLines(LogLines {
            first_line,
            lines: texts.iter().map(line).collect(),
        }))
    }

    /// Adds a log record.
    pub fn log_record(&mut self, level: i32, message: &str) -> &mut Self {
        self.push(OperationKind::LogRecords(vec![LogRecord {
            level: LogLevel(level),
            message: message.to_owned(),
            time: Timestamp::from_micros(self.clock_micros),
            logger: "test".to_owned(),
            file: String::new(),
            source_line: 0,
            extra: None,
            cut_bytes: 0,
        }]))
    }

    /// Adds the objects of one step of a series, without digests.
    pub fn log_objects(&mut self, number: u32, step: f64, documents: &[&str]) -> &mut Self {
        self.log_objects_of(number, step, documents, &[])
    }

    /// Adds the objects of one step of a series; each refers to these blobs.
    pub fn log_objects_of(
        &mut self,
        number: u32,
        step: f64,
        documents: &[&str],
        digests: &[BlobDigest],
    ) -> &mut Self {
        let object = |document: &&str| ObjectDocument {
            document: JsonText::new(*document).expect("tests log good JSON"),
            digests: digests.to_vec(),
        };
        self.push(OperationKind::ObjectPoints(ObjectPoints {
            number,
            step: Step::new(step).expect("tests log finite steps"),
            time: Timestamp::from_micros(self.clock_micros),
            epoch: None,
            objects: documents.iter().map(object).collect(),
        }))
    }

    /// Ends the writer as it should.
    pub fn close(&mut self) -> &mut Self {
        let ended_at = Timestamp::from_micros(self.clock_micros);
        self.push(OperationKind::EndWriter(EndWriter {
            kind: EndKind::Closed,
            reason: None,
            ended_at,
        }))
    }

    /// Ends the writer with a cause.
    pub fn fail(&mut self, code: ReasonCode, text: &str) -> &mut Self {
        let ended_at = Timestamp::from_micros(self.clock_micros);
        let reason = Some(EndReason::new(code, text));
        self.push(OperationKind::EndWriter(EndWriter {
            kind: EndKind::Failed,
            reason,
            ended_at,
        }))
    }

    /// Removes a series of the run, or all of them, or one step of these.
    pub fn remove(&mut self, series: Option<SeriesKey>, step: Option<f64>) -> &mut Self {
        let step = step.map(|step| Step::new(step).expect("tests remove finite steps"));
        self.push(OperationKind::Remove(Remove { series, step }))
    }

    /// Opens the next generation.
    pub fn rewind(&mut self, to_step: f64) -> &mut Self {
        let to_step = Step::new(to_step).expect("tests rewind to finite steps");
        self.push(OperationKind::Rewind { to_step })
    }

    /// Series that count their steps get other numbers from now on, as a client gives them after a
    /// rewind.
    pub fn forget_counted(&mut self) -> &mut Self {
        self.first_number = u32::try_from(self.declared.len()).expect("tests declare little");
        self
    }

    /// A frame of what was added since the last one, which takes at least one slot.
    pub fn frame(&mut self) -> AppendFrame {
        let slots = self.pending_slots.max(1);
        self.frame_over(slots, false)
    }

    /// A frame without slots.
    pub fn beat(&mut self) -> AppendFrame {
        self.frame_over(0, false)
    }

    /// Lets slots be lost: the next frame must be a base frame.
    pub fn lose(&mut self, slots: u64) -> &mut Self {
        self.advance(slots);
        self
    }

    /// A base frame: all declarations, then what was added since the last frame.
    pub fn base_frame(&mut self) -> AppendFrame {
        let slots = self.pending_slots.max(1);
        let mut operations: Vec<EncodedOperation> =
            self.opened.iter().map(EncodedOperation::encode).collect();
        operations.extend(self.declared.iter().map(|declared| {
            EncodedOperation::encode(&apply(OperationKind::DefineSeries(declared.define.clone())))
        }));
        // What is pending and said in front already is said twice; that is allowed.
        operations.append(&mut self.pending);
        self.pending = operations;
        self.frame_over(slots, true)
    }

    /// Forgets what was added since the last frame, declarations of series included.
    pub fn discard(&mut self) -> &mut Self {
        self.pending.clear();
        self.pending_slots = 0;
        self.declared.retain(|declared| declared.sent);
        self
    }

    /// From here on the log differs from that of any clone made before.
    pub fn diverge(&mut self, salt: u64) -> &mut Self {
        self.salt = salt;
        self
    }

    fn frame_over(&mut self, slots: u64, base: bool) -> AppendFrame {
        let (first_slot, chain_first) = (self.next_slot, self.chain);
        self.advance(slots);
        for declared in &mut self.declared {
            declared.sent = true;
        }
        self.pending_slots = 0;
        let now = Timestamp::from_micros(self.clock_micros);
        AppendFrame {
            workspace: WorkspaceId::default(),
            frame: Frame {
                writer: self.writer,
                run: self.run.clone(),
                first_slot,
                next_slot: self.next_slot,
                chain_first,
                chain_next: self.chain,
                base,
                generation: self.rewinds,
                sent_at: now,
                operations: std::mem::take(&mut self.pending),
            },
            received_at: ReceivedAt(now),
            principal: "tester".to_owned(),
        }
    }

    fn advance(&mut self, slots: u64) {
        for slot in self.next_slot..self.next_slot + slots {
            let head = slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.salt;
            self.chain = (self.chain.rotate_left(5) ^ head).wrapping_mul(0xff51_afd7_ed55_8ccd) | 1;
        }
        self.next_slot += slots;
    }
}

/// An opening with nothing given.
pub fn open_run(mode: OpenMode) -> OpenRun {
    OpenRun {
        mode,
        experiment: None,
        name: None,
        description: None,
        group: None,
        job_type: None,
        seed: None,
        rerun_of: None,
        created_at: Timestamp::from_micros(TEST_EPOCH_MICROS),
        tags: Vec::new(),
        config: Vec::new(),
        parent: None,
    }
}

/// The key of a metric without context.
pub fn key(name: &str) -> SeriesKey {
    SeriesKey::metric(metric_name(name), Context::empty())
}

/// The key of a metric in a context of one pair.
pub fn key_in(name: &str, context_key: &str, context_value: &str) -> SeriesKey {
    let context = Context::from_pairs([(context_key, context_value)]).expect("a small context");
    SeriesKey::metric(metric_name(name), context)
}

/// A metric name.
pub fn metric_name(name: &str) -> MetricName {
    MetricName::new(name).expect("tests use good metric names")
}

/// An experiment name.
pub fn experiment_name(name: &str) -> ExperimentName {
    ExperimentName::new(name).expect("tests use good experiment names")
}

/// A tag.
pub fn tag_name(name: &str) -> TagName {
    TagName::new(name).expect("tests use good tags")
}

/// A param path from its dotted text.
pub fn param_path(path: &str) -> ParamPath {
    ParamPath::parse_dotted(path).expect("tests use good param paths")
}

/// A setting of one param.
pub fn setting(path: &str, value: impl Into<ParamValue>, replace: bool) -> ParamSetting {
    ParamSetting {
        path: param_path(path),
        value: value.into(),
        replace,
    }
}

fn apply(kind: OperationKind) -> Operation {
    Operation {
        if_present: IfPresent::Apply,
        kind,
    }
}

/// Encodes samples as a pack.
fn encode_samples(series: &[(u32, Vec<Sample>)], types: &[(u32, ValueType)]) -> Bytes {
    struct Columns {
        steps: Vec<f64>,
        times: Vec<i64>,
        values: Vec<u64>,
        epochs: Option<Vec<f64>>,
    }
    let columns: Vec<Columns> = series
        .iter()
        .map(|(_, samples)| Columns {
            steps: samples.iter().map(|sample| sample.step).collect(),
            times: samples.iter().map(|sample| sample.time).collect(),
            values: samples.iter().map(|sample| sample.bits()).collect(),
            epochs: samples
                .iter()
                .any(|sample| sample.epoch.is_some())
                .then(|| {
                    samples
                        .iter()
                        .map(|sample| sample.epoch.unwrap_or(f64::NAN))
                        .collect()
                }),
        })
        .collect();
    let points: Vec<SeriesPoints<'_>> = columns
        .iter()
        .zip(types)
        .map(|(columns, (number, value_type))| SeriesPoints {
            number: *number,
            value_type: *value_type,
            steps: &columns.steps,
            times: &columns.times,
            values: &columns.values,
            epochs: columns.epochs.as_deref(),
            order: None,
        })
        .collect();
    Bytes::from(encode_pack(&points).expect("tests build good packs"))
}
