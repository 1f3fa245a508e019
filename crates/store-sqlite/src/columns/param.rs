//! Cells of a param: many of a band in one ordered scan, few one by one.

use runstone_codec::BAND_RUNS;
use runstone_model::{ParamPath, ParamValue, RunKey};
use runstone_store::RunStand;
use rusqlite::Connection;

use crate::error::{Result, sql_error};
use crate::keys::run_column;
use crate::rows::collect;
use crate::sql;
use crate::table::{find_param, param_from_row};
use crate::values::path_to_text;

/// For so many cells of a band the column is scanned.
const SCANNED_MIN: usize = 32;

/// The leaf at a path in some runs of a band, by ascending key.
pub(super) fn load(
    connection: &Connection,
    path: &ParamPath,
    band: u64,
    runs: &[RunStand],
) -> Result<Vec<Option<ParamValue>>> {
    if runs.len() < SCANNED_MIN {
        let cell = |run: &RunStand| find_param(connection, run.key, path);
        return runs.iter().map(cell).collect();
    }
    let range = |band: u64| run_column(RunKey(band * BAND_RUNS as u64));
    let mut statement = connection
        .prepare_cached(sql::SCAN_PARAM_COLUMN)
        .map_err(sql_error)?;
    let mut rows = statement
        .query((path_to_text(path), range(band), range(band + 1)))
        .map_err(sql_error)?;
    // Asked for once: a condition of the scan would look for each row.
    let purging = collect(connection, sql::RUNS_PURGING, [], |row| {
        Ok(RunKey(
            row.get::<_, i64>(0).map_err(sql_error)?.cast_unsigned(),
        ))
    })?;
    let mut cells = vec![None; runs.len()];
    let mut next = 0;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let (run, value) = param_from_row(row)?;
        if purging.contains(&run) {
            continue;
        }
        while runs.get(next).is_some_and(|stand| stand.key < run) {
            next += 1;
        }
        // A run may be asked for twice.
        let places = (next..runs.len()).take_while(|at| runs[*at].key == run);
        places.for_each(|at| cells[at] = Some(value.clone()));
    }
    Ok(cells)
}
