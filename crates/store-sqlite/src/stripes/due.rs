//! Which bands are due: those in which enough runs rest in another state than their stripes know.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use runstone_codec::BAND_RUNS;
use runstone_model::{ChangeNumber, RunKey, Timestamp};
use rusqlite::Connection;

use super::build::Made;
use super::read::BandRow;
use crate::columns::{band_of, offset_of};
use crate::error::{Result, sql_error};
use crate::journal::read_changed_runs;
use crate::keys::{RowRange, run_column};
use crate::options::FoldLayout;
use crate::rows::{collect, find};
use crate::sequences::read_change;
use crate::sql;

/// A band with many striped runs is made anew for so many of them less.
const SHARE: usize = 8;
/// So many runs are read one by one at most, over all bands, while each band has some.
const LOOSE_MAX: usize = 2_048;
/// But for fewer runs no band is made anew.
const LEAST: usize = 8;
/// Nothing has changed, but runs may rest that did not: so often that is looked at.
const REST_LOOK: Duration = Duration::from_secs(60);
/// A band is not made anew sooner than so long after the last time, nor sooner than
/// [`PAUSE_SHARE`] times as long as that took.
const PAUSE: Duration = Duration::from_secs(60);
const PAUSE_SHARE: u32 = 20;

/// Runs that may rest in another state than their stripes know.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Up to this change the journal was looked at.
    looked_at: Option<ChangeNumber>,
    /// By band.
    touched: BTreeMap<i64, BTreeSet<u16>>,
    /// Bands with stripes that a pass has left before it put the band's row, or a row that can't be
    /// read.
    unfinished: BTreeSet<i64>,
    /// Runs whose summaries could not be read, at which change.
    unreadable: HashMap<RunKey, u64>,
    /// When it was last looked at which runs rest.
    rested_at: Option<Instant>,
    /// Bands that were made lately, and until when they are left alone.
    paused: HashMap<i64, Instant>,
}

/// The keys of a band's runs, as columns: `first` inclusive, `end` exclusive.
pub(super) fn keys_of_band(band: i64) -> (i64, i64) {
    let runs = BAND_RUNS as i64;
    (band * runs, (band + 1) * runs)
}

/// The run at an offset of a band.
pub(super) fn key_of(band: i64, offset: u16) -> RunKey {
    RunKey(keys_of_band(band).0.cast_unsigned() + u64::from(offset))
}

/// A run with more series is read by itself: making the stripes of a thousand such would take too
/// long.
const SERIES_MAX: i64 = 1 << 14;

/// A run that lives, at its newest change.
pub(super) struct LivingRun {
    pub(super) offset: u16,
    pub(super) changed: u64,
    /// It has ended or was silent for long, and is folded.
    pub(super) is_at_rest: bool,
}

/// The living runs of a band.
pub(super) fn living_runs(
    connection: &Connection,
    band: i64,
    layout: &FoldLayout,
    now: Timestamp,
) -> Result<Vec<LivingRun>> {
    let silent_since = now
        .as_micros()
        .saturating_sub(layout.rest_seconds.saturating_mul(1_000_000).cast_signed());
    let rows = collect(connection, sql::RUNS_OF_BAND, keys_of_band(band), |row| {
        let get = |column: usize| row.get::<_, i64>(column).map_err(sql_error);
        Ok((get(0)?, get(1)?, get(2)? != 0, get(3)?, get(4)?))
    })?;
    let living = rows
        .into_iter()
        .map(|(run, changed, has_ended, heard_at, series)| {
            let key = RunKey(run.cast_unsigned());
            let range = RowRange::of(run);
            let is_quiet = has_ended || heard_at <= silent_since;
            let is_at_rest = is_quiet
                && series <= SERIES_MAX
                && find(
                    connection,
                    sql::HAS_L0,
                    (range.first, range.end),
                    |_| Ok(()),
                )?
                .is_none();
            Ok(LivingRun {
                offset: offset_of(key),
                changed: changed.cast_unsigned(),
                is_at_rest,
            })
        });
    living.collect()
}

impl Due {
    /// Looks at what has changed since the last time; bands that are due. With `patiently` it is
    /// done seldom where little can have come of it.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        layout: &FoldLayout,
        now: Timestamp,
        patiently: bool,
    ) -> Result<Vec<i64>> {
        let newest = ChangeNumber(read_change(connection)?.cast_unsigned());
        let is_recent = self.rested_at.is_some_and(|at| at.elapsed() < REST_LOOK);
        if patiently && self.looked_at == Some(newest) && is_recent {
            return Ok(Vec::new());
        }
        let changed = match self.looked_at {
            Some(since) => read_changed_runs(connection, newest, since)?,
            None => None,
        };
        match changed {
            Some(runs) => runs.into_iter().for_each(|run| self.touch(run)),
            None => self.look_at_all(connection)?,
        }
        self.looked_at = Some(newest);
        self.rested_at = Some(Instant::now());
        let of_each = (LOOSE_MAX / self.touched.len().max(1)).max(LEAST);
        let least = layout.striped_runs_min.min(of_each).max(1);
        let candidates = self.touched.iter().filter(|(_, runs)| runs.len() >= least);
        let candidates: Vec<i64> = candidates.map(|(band, _)| *band).collect();
        self.paused.retain(|_, until| *until > Instant::now());
        let mut due = self.unfinished.clone();
        for band in candidates {
            if patiently && self.paused.contains_key(&band) {
                continue;
            }
            match self.is_due(connection, band, layout, (least, of_each), now) {
                Ok(true) => {
                    due.insert(band);
                }
                Ok(false) => {}
                // The others are made nevertheless.
                Err(error) => {
                    tracing::warn!(band, %error, "runs whose summaries by metric are due were not counted");
                }
            }
        }
        due.retain(|band| !(patiently && self.paused.contains_key(band)));
        Ok(due.into_iter().collect())
    }

    /// Whether so many runs of a band are stale that it is made anew.
    fn is_due(
        &mut self,
        connection: &Connection,
        band: i64,
        layout: &FoldLayout,
        (least, of_each): (usize, usize),
        now: Timestamp,
    ) -> Result<bool> {
        let roll = BandRow::read_sound(connection, band)?.map_or_else(Vec::new, |row| row.roll);
        let wanted = (roll.len() / SHARE).max(layout.striped_runs_min);
        let wanted = wanted.min(of_each).max(least);
        Ok(self.count_stale(connection, band, &roll, layout, now)? >= wanted)
    }

    /// Takes what was made of a band in; making it, or trying to, took so long.
    pub(super) fn built(&mut self, band: i64, made: Option<&Made>, took: Duration) {
        let pause = PAUSE.max(took * PAUSE_SHARE);
        self.paused.insert(band, Instant::now() + pause);
        let Some(Made { roll, unreadable }) = made else {
            return;
        };
        for (offset, changed) in unreadable {
            self.unreadable.insert(key_of(band, *offset), *changed);
        }
        self.unfinished.remove(&band);
        let Some(touched) = self.touched.get_mut(&band) else {
            return;
        };
        // Whatever changed meanwhile is in the journal after `looked_at`.
        for (offset, _) in roll {
            touched.remove(offset);
        }
        if touched.is_empty() {
            self.touched.remove(&band);
        }
    }

    fn touch(&mut self, run: RunKey) {
        let band = band_of(run).cast_signed();
        self.touched.entry(band).or_default().insert(offset_of(run));
    }

    /// All runs whose newest change is not that of their roll, or that are in a roll alone.
    fn look_at_all(&mut self, connection: &Connection) -> Result<()> {
        self.touched.clear();
        self.unfinished.clear();
        let bands = collect(connection, sql::ALL_BANDS, [], |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        let mut rolls = Vec::with_capacity(bands.len());
        for band in bands {
            match BandRow::read_sound(connection, band)? {
                Some(row) => rolls.push((band, row.roll)),
                None => {
                    self.unfinished.insert(band);
                }
            }
        }
        let striped = collect(connection, sql::SCAN_STRIPED_BANDS, [], |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        let sound: HashSet<i64> = rolls.iter().map(|(band, _)| *band).collect();
        let without_row = striped.into_iter().filter(|band| !sound.contains(band));
        self.unfinished.extend(without_row);
        let mut known: HashMap<RunKey, u64> = HashMap::new();
        for (band, roll) in rolls {
            let first = keys_of_band(band).0.cast_unsigned();
            let runs = roll.into_iter();
            known
                .extend(runs.map(|(offset, changed)| (RunKey(first + u64::from(offset)), changed)));
        }
        let runs = collect(connection, sql::SCAN_CHANGED, [], |row| {
            let get = |column: usize| row.get::<_, i64>(column).map_err(sql_error);
            Ok((RunKey(get(0)?.cast_unsigned()), get(1)?.cast_unsigned()))
        })?;
        for (run, changed) in runs {
            if known.remove(&run) != Some(changed) {
                self.touch(run);
            }
        }
        known.into_keys().for_each(|run| self.touch(run));
        Ok(())
    }

    /// Runs at rest in another state than the roll says, and those in the roll that live no more.
    /// Runs that are known well are touched no longer.
    fn count_stale(
        &mut self,
        connection: &Connection,
        band: i64,
        roll: &[(u16, u64)],
        layout: &FoldLayout,
        now: Timestamp,
    ) -> Result<usize> {
        let known: HashMap<u16, u64> = roll.iter().copied().collect();
        let living = living_runs(connection, band, layout, now)?;
        let living: HashMap<u16, &LivingRun> = living.iter().map(|run| (run.offset, run)).collect();
        let mut stale = 0;
        let Some(touched) = self.touched.get_mut(&band) else {
            return Ok(0);
        };
        touched.retain(|offset| {
            let known = known.get(offset);
            match living.get(offset) {
                Some(run) if known == Some(&run.changed) => return false,
                Some(run) => {
                    let unreadable = self.unreadable.get(&key_of(band, *offset));
                    stale += usize::from(run.is_at_rest && unreadable != Some(&run.changed));
                }
                None if known.is_some() => stale += 1,
                None => return false,
            }
            true
        });
        if touched.is_empty() {
            self.touched.remove(&band);
        }
        Ok(stale)
    }
}

/// The newest change of a run, while it lives.
pub(super) fn newest_change(connection: &Connection, run: RunKey) -> Result<Option<u64>> {
    find(connection, sql::LIVING_CHANGED, [run_column(run)], |row| {
        Ok(row.get::<_, i64>(0).map_err(sql_error)?.cast_unsigned())
    })
}
