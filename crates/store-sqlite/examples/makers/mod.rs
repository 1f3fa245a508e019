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

/// What the values of a [`Maker`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// Noise of a few decades, each a float32.
    Float32,
    /// Noise that uses all bits of a float64.
    #[allow(dead_code, reason = "only the figures of density ask for it")]
    Float64,
}

/// What the clock of a [`Maker`] says: 50 ms a step, some 5 % early or late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clocks {
    /// All series of a step have one time.
    Shared,
    /// The same, and each series is read some microseconds after the one before.
    #[allow(dead_code, reason = "only the figures of density ask for it")]
    Track,
    /// Each point has a time of its own around the beat of its step.
    #[allow(dead_code, reason = "only the figures of density ask for it")]
    Beat,
    /// Each point comes a pause of its own after the one before in its series.
    #[allow(dead_code, reason = "only the figures of density ask for it")]
    Pause,
}

/// One writer of one run that makes frames.
pub(crate) struct Maker {
    writer: WriterId,
    run: RunId,
    slot: u64,
    step: u64,
    series: u32,
    random: u64,
    values: Values,
    clocks: Clocks,
    /// Time of the newest point of each series, from the clock of all frames on.
    newest: Vec<u64>,
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
            values: Values::Float32,
            clocks: Clocks::Shared,
            newest: vec![0; series as usize],
        }
    }

    #[allow(dead_code, reason = "only the figures of density ask for it")]
    pub(crate) fn with(self, values: Values, clocks: Clocks) -> Self {
        Self {
            values,
            clocks,
            ..self
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

    /// All series at the next `steps` steps; values are noise.
    pub(crate) fn points(&mut self, steps: u64) -> AppendFrame {
        let columns: Vec<f64> = (self.step..self.step + steps)
            .map(|step| step as f64)
            .collect();
        // One clock for all series, or one each.
        let clocks = match self.clocks {
            Clocks::Shared => 1,
            Clocks::Track | Clocks::Beat | Clocks::Pause => self.series as usize,
        };
        let mut times: Vec<Vec<i64>> = (0..clocks)
            .map(|series| {
                (self.step..self.step + steps)
                    .map(|step| self.time(series, step))
                    .collect()
            })
            .collect();
        if self.clocks == Clocks::Track {
            for series in 1..clocks {
                times[series] = times[series - 1].clone();
                for time in &mut times[series] {
                    *time += i64::from(self.next().is_multiple_of(4));
                }
            }
        }
        let values: Vec<Vec<u64>> = (0..self.series)
            .map(|_| (0..steps).map(|_| self.value().to_bits()).collect())
            .collect();
        self.step += steps;
        let series: Vec<SeriesPoints<'_>> = (1..)
            .zip(&values)
            .map(|(number, values)| SeriesPoints {
                number,
                value_type: ValueType::F64,
                steps: &columns,
                times: &times[(number as usize - 1) % clocks],
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

    fn value(&mut self) -> f64 {
        let value = f64::from((self.next() % 1_000_003) as f32 / 977.0);
        match self.values {
            Values::Float32 => value,
            Values::Float64 => value + self.next() as f64 / f64::from(1 << 30) / 977.0,
        }
    }

    fn time(&mut self, series: usize, step: u64) -> i64 {
        let jitter = self.next() % 5_000;
        let time = match self.clocks {
            Clocks::Shared | Clocks::Track | Clocks::Beat => step * 50_000 + jitter,
            Clocks::Pause => self.newest[series] + 47_500 + jitter,
        };
        self.newest[series] = time;
        EPOCH_MICROS + time.cast_signed()
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

#[allow(dead_code, reason = "not all figures ask for it")]
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

#[allow(dead_code, reason = "not all figures ask for it")]
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
