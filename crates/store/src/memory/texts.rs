//! Logs and objects of the in-memory engine: kept as they came, answered by looking at all.

use std::collections::BTreeMap;

use runstone_model::{AppendNumber, Generation, RunKey, Step, Timestamp, WriterId};
use runstone_wire::{LogLine, LogRecord, ObjectDocument};

use super::snapshot::MemorySnapshot;
use super::state::{RunData, SeriesData, State};
use crate::apply::ObjectBatch;
use crate::{
    LOG_PAGE_BYTES_MAX, LogEntry, LogKind, LogMark, LogPage, LogScan, LogState, Numbered,
    OBJECT_PAGE_BYTES_MAX, ObjectPage, ObjectScan, ObjectSeriesRecord, ObjectSet, PointPosition,
    StoreError,
};

/// The two logs of a writer in a run.
#[derive(Debug, Clone, Default)]
pub(super) struct WriterLogs {
    pub(super) lines: BTreeMap<u64, LogLine>,
    pub(super) records: BTreeMap<u64, LogRecord>,
    pub(super) marks: BTreeMap<LogKind, LogMark>,
}

/// A set as it was applied.
#[derive(Debug, Clone)]
pub(super) struct StoredSet {
    pub(super) step: f64,
    pub(super) generation: u32,
    pub(super) append: u64,
    pub(super) position: u32,
    pub(super) time: Timestamp,
    pub(super) epoch: Option<f64>,
    pub(super) objects: Vec<ObjectDocument>,
    pub(super) writer: WriterId,
}

impl StoredSet {
    pub(super) fn new(batch: &ObjectBatch<'_>) -> Self {
        Self {
            step: batch.step,
            generation: batch.generation.0,
            append: batch.append.0,
            position: batch.position,
            time: batch.set.time,
            epoch: batch.set.epoch,
            objects: batch.set.objects.clone(),
            writer: batch.writer,
        }
    }

    fn position(&self) -> PointPosition {
        PointPosition {
            step: Step::new(self.step).expect("apply keeps finite steps only"),
            generation: Generation(self.generation),
            append: AppendNumber(self.append),
            position: self.position,
        }
    }
}

impl State {
    fn logs_mut(&mut self, run: RunKey, writer: WriterId) -> &mut WriterLogs {
        self.run_mut(run).logs.entry(writer).or_default()
    }

    pub(super) fn log_mark(&self, run: RunKey, writer: WriterId, kind: LogKind) -> LogMark {
        let logs = self.run(run).logs.get(&writer);
        let mark = logs.and_then(|logs| logs.marks.get(&kind));
        mark.copied().unwrap_or_default()
    }

    pub(super) fn log_bytes(&self, run: RunKey) -> u64 {
        let marks = self
            .run(run)
            .logs
            .values()
            .flat_map(|logs| logs.marks.values());
        marks.map(|mark| mark.bytes).sum()
    }

    pub(super) fn keep_lines(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        lines: &[LogLine],
        mark: LogMark,
    ) {
        let logs = self.logs_mut(run, writer);
        logs.lines.extend((first..).zip(lines.iter().cloned()));
        logs.marks.insert(LogKind::Lines, mark);
    }

    pub(super) fn keep_records(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        records: &[LogRecord],
        mark: LogMark,
    ) {
        let logs = self.logs_mut(run, writer);
        logs.records.extend((first..).zip(records.iter().cloned()));
        logs.marks.insert(LogKind::Records, mark);
    }
}

impl RunData {
    /// All sets of a series in the order of history.
    fn sets(&self, series: &SeriesData) -> Vec<ObjectSet> {
        let mut sets: Vec<(bool, ObjectSet)> = series
            .sets
            .iter()
            .map(|stored| {
                let alive =
                    self.is_alive(&series.key, stored.step, stored.generation, stored.append);
                let set = ObjectSet {
                    position: stored.position(),
                    time: stored.time,
                    epoch: stored.epoch,
                    visible: false,
                    objects: stored.objects.clone(),
                };
                (alive, set)
            })
            .collect();
        sets.sort_by(|(_, a), (_, b)| {
            a.position
                .partial_cmp(&b.position)
                .expect("steps are finite")
        });
        for index in 0..sets.len() {
            let step = sets[index].1.position.step;
            let is_hidden_by_another = sets[index + 1..]
                .iter()
                .any(|(alive, later)| *alive && later.position.step == step);
            sets[index].1.visible = sets[index].0 && !is_hidden_by_another;
        }
        sets.into_iter().map(|(_, set)| set).collect()
    }
}

impl MemorySnapshot {
    pub(super) fn logs(&self, run: RunKey, kind: LogKind) -> Vec<LogState> {
        let Some(data) = self.run(run) else {
            return Vec::new();
        };
        let mut logs: Vec<LogState> = data
            .logs
            .iter()
            .filter_map(|(writer, logs)| {
                let mark = *logs.marks.get(&kind)?;
                Some(LogState {
                    writer: *writer,
                    mark,
                })
            })
            .collect();
        logs.sort_by_key(|log| self.first_change(log.writer));
        logs
    }

    pub(super) fn lines(&self, run: RunKey, scan: &LogScan) -> LogPage<LogLine> {
        let logs = self.run(run).and_then(|data| data.logs.get(&scan.writer));
        page(logs.map(|logs| &logs.lines), scan)
    }

    pub(super) fn records_of(&self, run: RunKey, scan: &LogScan) -> LogPage<LogRecord> {
        let logs = self.run(run).and_then(|data| data.logs.get(&scan.writer));
        page(logs.map(|logs| &logs.records), scan)
    }

    pub(super) fn object_series(&self, run: RunKey) -> Vec<ObjectSeriesRecord> {
        let Some(data) = self.run(run) else {
            return Vec::new();
        };
        let mut all: Vec<ObjectSeriesRecord> = data
            .series
            .iter()
            .filter_map(|series| {
                let visible = data.sets(series).into_iter().filter(|set| set.visible);
                let sets = visible.map(|set| (set.position.step, set.objects.len() as u64));
                ObjectSeriesRecord::from_sets(&series.key, sets)
            })
            .collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }

    pub(super) fn objects(&self, run: RunKey, scan: &ObjectScan) -> Result<ObjectPage, StoreError> {
        let not_found = || StoreError::NotFound(format!("the run has no series {}", scan.series));
        let data = self.run(run).ok_or_else(not_found)?;
        let id = data.find_series(&scan.series).ok_or_else(not_found)?;
        let series = &data.series[id.0 as usize];
        if series.sets.is_empty() {
            return Err(not_found());
        }
        let mut page = ObjectPage::default();
        let mut bytes = 0;
        for set in data.sets(series) {
            if !(scan.history || set.visible) || !scan.holds(&set.position) {
                continue;
            }
            if page.sets.len() == scan.limit.max(1) || bytes > OBJECT_PAGE_BYTES_MAX {
                page.next = page.sets.last().map(|last: &ObjectSet| last.position);
                break;
            }
            let documents = set
                .objects
                .iter()
                .map(|object| object.document.as_str().len());
            bytes += documents.sum::<usize>();
            page.sets.push(set);
        }
        Ok(page)
    }
}

fn page<T: LogEntry>(entries: Option<&BTreeMap<u64, T>>, scan: &LogScan) -> LogPage<T> {
    let mut page = LogPage {
        entries: Vec::new(),
        next: None,
    };
    let Some(entries) = entries.filter(|_| scan.from < scan.end) else {
        return page;
    };
    let mut wanted: Vec<(&u64, &T)> = entries
        .range(scan.from..scan.end)
        .filter(|(_, entry)| entry.is_wanted(scan))
        .collect();
    if scan.newest_first {
        wanted.reverse();
    }
    let mut bytes = 0;
    for (number, entry) in wanted {
        if page.entries.len() == scan.limit.max(1) || bytes > LOG_PAGE_BYTES_MAX {
            let last = page.entries.last().map(|last: &Numbered<T>| last.number);
            page.next = last.map(|last| if scan.newest_first { last } else { last + 1 });
            break;
        }
        bytes += entry.text_bytes();
        page.entries.push(Numbered {
            number: *number,
            entry: entry.clone(),
        });
    }
    page
}
