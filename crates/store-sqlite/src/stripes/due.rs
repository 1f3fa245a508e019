//! Which bands are due: those in which enough runs rest in another state than their stripes know.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use runstone_codec::BAND_RUNS;
use runstone_model::{ChangeNumber, RunKey, Timestamp};
use rusqlite::Connection;

use super::read::{BandRow, roll_from_column};
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
/// So many runs are read one by one at most, over all bands, while few bands have some.
const LOOSE_MAX: usize = 2_048;
/// But for fewer runs no band is made anew.
const LEAST: usize = 8;

/// Runs that may rest in another state than their stripes know.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Up to this change the journal was looked at.
    looked_at: Option<ChangeNumber>,
    /// By band.
    touched: BTreeMap<i64, BTreeSet<u16>>,
    /// Bands with stripes that a pass has left before it put the band's row.
    unfinished: Vec<i64>,
}

/// The keys of a band's runs, as columns: `first` inclusive, `end` exclusive.
pub(super) fn keys_of_band(band: i64) -> (i64, i64) {
    let runs = BAND_RUNS as i64;
    (band * runs, (band + 1) * runs)
}

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
        Ok((get(0)?, get(1)?, get(2)? != 0, get(3)?))
    })?;
    let living = rows.into_iter().map(|(run, changed, has_ended, heard_at)| {
        let key = RunKey(run.cast_unsigned());
        let range = RowRange::of(run);
        let is_quiet = has_ended || heard_at <= silent_since;
        let is_at_rest = is_quiet
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
    /// Looks at what has changed since the last time; bands that are due.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        layout: &FoldLayout,
        now: Timestamp,
    ) -> Result<Vec<i64>> {
        let newest = ChangeNumber(read_change(connection)?.cast_unsigned());
        let changed = match self.looked_at {
            Some(since) => read_changed_runs(connection, newest, since)?,
            None => None,
        };
        match changed {
            Some(runs) => runs.into_iter().for_each(|run| self.touch(run)),
            None => self.look_at_all(connection)?,
        }
        self.looked_at = Some(newest);
        let least = layout.striped_runs_min;
        let least = least
            .min((LOOSE_MAX / self.touched.len().max(1)).max(LEAST))
            .max(1);
        let candidates = self.touched.iter().filter(|(_, runs)| runs.len() >= least);
        let candidates: Vec<i64> = candidates.map(|(band, _)| *band).collect();
        let mut due = std::mem::take(&mut self.unfinished);
        for band in candidates {
            let roll = BandRow::read(connection, band)?.map_or_else(Vec::new, |row| row.roll);
            let stale = self.count_stale(connection, band, &roll, layout, now)?;
            if stale >= least.max(roll.len() / SHARE) && !due.contains(&band) {
                due.push(band);
            }
        }
        Ok(due)
    }

    /// Takes the new roll of a band in.
    pub(super) fn built(&mut self, band: i64, roll: &[(u16, u64)]) {
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
        let rolls = collect(connection, sql::SCAN_BANDS, [], |row| {
            let band: i64 = row.get(0).map_err(sql_error)?;
            Ok((band, roll_from_column(band, row, 1)?))
        })?;
        let striped = collect(connection, sql::SCAN_STRIPED_BANDS, [], |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        let has_row = |band: &i64| rolls.iter().any(|(known, _)| known == band);
        self.unfinished = striped.into_iter().filter(|band| !has_row(band)).collect();
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
                Some(run) => stale += usize::from(run.is_at_rest),
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
