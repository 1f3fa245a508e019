//! Frames as a client makes them, and what this process takes of the machine.

use bytes::Bytes;
use runstone_codec::{SeriesPoints, encode_pack};
use runstone_model::{
    Context, MetricName, ReceivedAt, RunId, SeriesKey, Timestamp, ValueType, WorkspaceId, WriterId,
};
use runstone_store::{AppendFrame, Store};
use runstone_store_sqlite::SqliteStore;
use runstone_wire::{
    DefineSeries, EncodedOperation, Frame, IfPresent, OpenMode, OpenRun, OpenWriter, Operation,
    OperationKind,
};

/// The clock of all frames.
pub(crate) const EPOCH_MICROS: i64 = 1_790_000_000_000_000;

/// One writer of one run that makes frames.
pub(crate) struct Maker {
    writer: WriterId,
    run: RunId,
    slot: u64,
    step: u64,
    series: u32,
    random: u64,
}

impl Maker {
    pub(crate) fn new(number: u32, series: u32) -> Self {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        let run = RunId::new(format!("run-{number}")).unwrap();
        let random = u64::from(number) + 1;
        Self {
            writer: WriterId::new(id),
            run,
            slot: 0,
            step: 0,
            series,
            random,
        }
    }

    pub(crate) fn key(number: u32) -> SeriesKey {
        SeriesKey::metric(
            MetricName::new(format!("metric-{number}")).unwrap(),
            Context::empty(),
        )
    }

    pub(crate) fn opening(&mut self) -> AppendFrame {
        let at = Timestamp::from_micros(EPOCH_MICROS);
        let mut operations = vec![
            OperationKind::OpenWriter(OpenWriter {
                host: "here".to_owned(),
                boot_id: String::new(),
                pid: 1,
                rank: None,
                user: "ada".to_owned(),
                sdk: "figures".to_owned(),
                opened_at: at,
                primary: true,
                parent_writer: None,
                lease_seconds: 0,
            }),
            OperationKind::OpenRun(OpenRun {
                mode: OpenMode::Create,
                experiment: None,
                name: None,
                description: None,
                group: None,
                job_type: None,
                seed: None,
                rerun_of: None,
                created_at: at,
                tags: Vec::new(),
                config: Vec::new(),
                parent: None,
            }),
        ];
        operations.extend((1..=self.series).map(|number| {
            OperationKind::DefineSeries(DefineSeries {
                number,
                key: Self::key(number),
                value_type: ValueType::F64,
                auto_step: false,
            })
        }));
        let slots = operations.len() as u64;
        self.frame(operations, slots)
    }

    /// All series at the next `steps` steps; values are float32 noise.
    pub(crate) fn points(&mut self, steps: u64) -> AppendFrame {
        let columns: Vec<f64> = (self.step..self.step + steps)
            .map(|step| step as f64)
            .collect();
        let times: Vec<i64> = (self.step..self.step + steps)
            .map(|step| EPOCH_MICROS + (step * 50_000 + self.next() % 5_000).cast_signed())
            .collect();
        let values: Vec<Vec<u64>> = (0..self.series)
            .map(|_| {
                (0..steps)
                    .map(|_| f64::from((self.next() % 1_000_003) as f32 / 977.0).to_bits())
                    .collect()
            })
            .collect();
        self.step += steps;
        let series: Vec<SeriesPoints<'_>> = (1..)
            .zip(&values)
            .map(|(number, values)| SeriesPoints {
                number,
                value_type: ValueType::F64,
                steps: &columns,
                times: &times,
                values,
                epochs: None,
                order: None,
            })
            .collect();
        let pack = encode_pack(&series).unwrap();
        let slots = steps * u64::from(self.series);
        self.frame(vec![OperationKind::Points(Bytes::from(pack))], slots)
    }

    fn frame(&mut self, operations: Vec<OperationKind>, slots: u64) -> AppendFrame {
        let first_slot = self.slot;
        self.slot += slots;
        let operations = operations.into_iter().map(|kind| {
            EncodedOperation::encode(&Operation {
                if_present: IfPresent::Apply,
                kind,
            })
        });
        let frame = Frame {
            writer: self.writer,
            run: self.run.clone(),
            first_slot,
            next_slot: self.slot,
            chain_first: first_slot,
            chain_next: self.slot,
            base: false,
            generation: 0,
            sent_at: Timestamp::from_micros(EPOCH_MICROS),
            operations: operations.collect(),
        };
        AppendFrame {
            workspace: WorkspaceId::default(),
            frame,
            received_at: ReceivedAt(Timestamp::from_micros(EPOCH_MICROS)),
            principal: "figures".to_owned(),
        }
    }

    fn next(&mut self) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963);
        self.random >> 33
    }
}

pub(crate) fn makers(store: &SqliteStore, count: u32, series: u32) -> Vec<Maker> {
    let mut makers: Vec<Maker> = (0..count)
        .map(|number| Maker::new(number, series))
        .collect();
    for maker in &mut makers {
        store.append(maker.opening()).unwrap();
    }
    makers
}

/// CPU of this process so far.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

/// Memory of this process.
pub(crate) fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok())
        .unwrap_or(0)
        * 4096
}
