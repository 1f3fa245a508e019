//! Columns of a table of runs, with a bounded cache of what was read.
//!
//! A table that people look at asks for the same columns after every change, of runs of which few
//! have changed. A cell is kept with the `changed` number of its run and is good as long as that
//! number stays: every frame and every edit that can move it moves the number. Cells are kept and
//! read by *band*, the runs whose keys share all but their last ten bits, as stripes are.

mod metric;
mod param;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runstone_codec::BAND_RUNS;
use runstone_model::{ChangeNumber, ParamPath, ParamValue, RunKey};
use runstone_store::{MetricCell, MetricColumn, RunStand};
use rusqlite::Connection;

use crate::error::Result;
use crate::summaries::Caches;

pub(crate) use self::metric::folded_and_hidden_at;

/// Bytes of the cells of all metrics, and of all params, about.
const CACHE_BYTES_MAX: usize = 40 << 20;

/// What a column and a band of it take beside their cells, about.
const COLUMN_BYTES: usize = 512;
const BAND_BYTES: usize = 128;

/// The band of a run.
pub(crate) fn band_of(run: RunKey) -> u64 {
    run.0 / BAND_RUNS as u64
}

/// Place of a run in its band.
pub(crate) fn offset_of(run: RunKey) -> u16 {
    (run.0 % BAND_RUNS as u64) as u16
}

/// What holds bytes beside its own.
pub(crate) trait Weigh: Clone {
    /// How many, about.
    fn bytes_beside(&self) -> usize;
}

impl Weigh for MetricColumn {
    fn bytes_beside(&self) -> usize {
        let context = self
            .context
            .as_ref()
            .map_or(0, |context| context.as_str().len());
        self.name.as_str().len() + context
    }
}

impl Weigh for ParamPath {
    fn bytes_beside(&self) -> usize {
        self.keys().iter().map(|key| key.len() + 32).sum()
    }
}

impl Weigh for MetricCell {
    fn bytes_beside(&self) -> usize {
        0
    }
}

impl Weigh for ParamValue {
    fn bytes_beside(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::List(list) => list
                .iter()
                .map(|one| size_of::<Self>() + one.bytes_beside())
                .sum(),
            _ => 0,
        }
    }
}

/// A cell and the state of its run that it was read in.
#[derive(Debug, Clone)]
struct KeptCell<C> {
    offset: u16,
    changed: ChangeNumber,
    cell: Option<C>,
}

/// Cells of one column in one band, by offset.
#[derive(Debug, Clone)]
struct Band<C> {
    cells: Vec<KeptCell<C>>,
}

impl<C: Weigh> Band<C> {
    fn bytes(&self) -> usize {
        let beside = |kept: &KeptCell<C>| kept.cell.as_ref().map_or(0, C::bytes_beside);
        BAND_BYTES
            + self.cells.capacity() * size_of::<KeptCell<C>>()
            + self.cells.iter().map(beside).sum::<usize>()
    }

    /// Takes fresh cells in, by ascending offset. What a newer reader has left stays.
    fn put(&mut self, fresh: Vec<KeptCell<C>>) {
        if fresh.len() <= 4 {
            for one in fresh {
                match self
                    .cells
                    .binary_search_by_key(&one.offset, |kept| kept.offset)
                {
                    Ok(at) if self.cells[at].changed < one.changed => self.cells[at] = one,
                    Ok(_) => {}
                    Err(at) => self.cells.insert(at, one),
                }
            }
            return;
        }
        // Of cells with one offset the newest comes first, and the first stays.
        self.cells.extend(fresh);
        self.cells
            .sort_by_key(|kept| (kept.offset, Reverse(kept.changed)));
        self.cells.dedup_by_key(|kept| kept.offset);
        self.cells.shrink_to_fit();
    }
}

/// Walks a band's cells for runs that come by ascending key, mostly.
struct Walk<'a, C> {
    cells: &'a [KeptCell<C>],
    next: usize,
}

impl<'a, C> Walk<'a, C> {
    fn find(&mut self, offset: u16) -> Option<&'a KeptCell<C>> {
        let is_next = self
            .cells
            .get(self.next)
            .is_some_and(|kept| kept.offset == offset);
        let at = if is_next {
            self.next
        } else {
            self.cells
                .binary_search_by_key(&offset, |kept| kept.offset)
                .ok()?
        };
        self.next = at + 1;
        self.cells.get(at)
    }
}

#[derive(Debug)]
struct KeptColumn<C> {
    bands: HashMap<u64, Arc<Band<C>>>,
    bytes: usize,
    used: u64,
}

#[derive(Debug)]
struct Kept<K, C> {
    columns: HashMap<K, KeptColumn<C>>,
    /// Of all columns together.
    bytes: usize,
    /// Counts questions.
    tick: u64,
}

/// Cells that were read, by column. Columns go whole, those that were not asked for longest first.
#[derive(Debug)]
struct Cache<K, C> {
    kept: Mutex<Kept<K, C>>,
}

impl<K, C> Default for Cache<K, C> {
    fn default() -> Self {
        Self {
            kept: Mutex::new(Kept {
                columns: HashMap::new(),
                bytes: 0,
                tick: 0,
            }),
        }
    }
}

impl<K: Hash + Eq + Weigh, C: Weigh> Cache<K, C> {
    /// Hands on the cell of each run that has one. `load` reads those of a band that are not known,
    /// runs by ascending key, and answers a cell for each.
    fn visit(
        &self,
        column: &K,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &C),
        mut load: impl FnMut(u64, &[RunStand]) -> Result<Vec<Option<C>>>,
    ) -> Result<()> {
        let bands = self.find(column);
        let mut missing: Vec<(usize, RunStand)> = Vec::new();
        let mut start = 0;
        for group in runs.chunk_by(|one, next| band_of(one.key) == band_of(next.key)) {
            let band = bands.get(&band_of(group[0].key));
            let mut walk = Walk {
                cells: band.map_or(&[][..], |band| &band.cells),
                next: 0,
            };
            for (index, run) in (start..).zip(group) {
                let known = walk.find(offset_of(run.key));
                match known.filter(|kept| kept.changed == run.changed) {
                    Some(kept) => kept.cell.iter().for_each(|cell| each(index, cell)),
                    None => missing.push((index, *run)),
                }
            }
            start += group.len();
        }
        drop(bands);
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_by_key(|(_, run)| run.key);
        let mut fresh = Vec::new();
        for group in missing.chunk_by(|one, next| band_of(one.1.key) == band_of(next.1.key)) {
            let stands: Vec<RunStand> = group.iter().map(|(_, run)| *run).collect();
            let band = band_of(stands[0].key);
            let cells = load(band, &stands)?;
            for ((index, _), cell) in group.iter().zip(&cells) {
                cell.iter().for_each(|cell| each(*index, cell));
            }
            let kept = stands.iter().zip(cells).map(|(run, cell)| KeptCell {
                offset: offset_of(run.key),
                changed: run.changed,
                cell,
            });
            fresh.push((band, kept.collect()));
        }
        self.keep(column, fresh);
        Ok(())
    }

    fn find(&self, column: &K) -> HashMap<u64, Arc<Band<C>>> {
        let mut kept = self.lock();
        kept.tick += 1;
        let tick = kept.tick;
        let Some(known) = kept.columns.get_mut(column) else {
            return HashMap::new();
        };
        known.used = tick;
        known.bands.clone()
    }

    fn keep(&self, column: &K, fresh: Vec<(u64, Vec<KeptCell<C>>)>) {
        let mut kept = self.lock();
        let Kept {
            columns,
            bytes,
            tick,
        } = &mut *kept;
        let own = columns.entry(column.clone()).or_insert_with(|| KeptColumn {
            bands: HashMap::new(),
            bytes: 0,
            used: *tick,
        });
        own.used = *tick;
        *bytes = bytes.saturating_sub(own.bytes);
        own.bytes = own.bytes.max(COLUMN_BYTES + column.bytes_beside());
        for (band, cells) in fresh {
            let band = own.bands.entry(band).or_insert_with(|| {
                own.bytes += BAND_BYTES;
                Arc::new(Band { cells: Vec::new() })
            });
            let before = band.bytes();
            let changed = Arc::make_mut(band);
            changed.put(cells);
            own.bytes = (own.bytes + changed.bytes()).saturating_sub(before);
        }
        *bytes += own.bytes;
        // The column that was just read stays, however large it is.
        while *bytes > CACHE_BYTES_MAX && columns.len() > 1 {
            let oldest = columns.iter().min_by_key(|(_, column)| column.used);
            let Some(oldest) = oldest.map(|(column, _)| column.clone()) else {
                break;
            };
            let gone = columns.remove(&oldest).map_or(0, |column| column.bytes);
            *bytes = bytes.saturating_sub(gone);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept<K, C>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Columns of metrics and of params.
#[derive(Debug, Default)]
pub(crate) struct ColumnCache {
    metrics: Cache<MetricColumn, MetricCell>,
    params: Cache<ParamPath, ParamValue>,
}

impl ColumnCache {
    /// Hands on what a metric amounts to in each run that has it.
    pub(crate) fn visit_metric(
        &self,
        connection: &Connection,
        caches: Caches<'_>,
        column: &MetricColumn,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &MetricCell),
    ) -> Result<()> {
        self.metrics.visit(column, runs, each, |band, runs| {
            metric::load(connection, caches, column, band, runs)
        })
    }

    /// Hands on the leaf at a path of each run that has one.
    pub(crate) fn visit_param(
        &self,
        connection: &Connection,
        path: &ParamPath,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &ParamValue),
    ) -> Result<()> {
        self.params.visit(path, runs, each, |band, runs| {
            param::load(connection, path, band, runs)
        })
    }
}

#[cfg(test)]
mod tests;
