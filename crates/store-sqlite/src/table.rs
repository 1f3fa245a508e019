//! What a table of runs reads: all runs in a few ordered scans, and params of one run.

use std::collections::HashMap;

use runstone_model::{ParamPath, ParamValue, RunKey};
use runstone_store::apply::RunRow;
use runstone_store::{RunVisit, StoreError};
use rusqlite::{Connection, Row};

use crate::error::{Result, sql_error, value_error};
use crate::keys::run_column;
use crate::rows::{ListsInOrder, collect, find, run_from_row, run_without_lists};
use crate::sql;
use crate::values::{ValueColumns, path_from_text, path_to_text};

/// Hands on each run with the name of its experiment.
pub(crate) fn visit_runs(
    connection: &Connection,
    visit: &RunVisit,
    mut each: impl FnMut(RunRow, String) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let workspace = visit.workspace.0.cast_signed();
    let names: HashMap<i64, String> =
        collect(connection, sql::SCAN_EXPERIMENT_NAMES, [workspace], |row| {
            Ok((
                row.get(0).map_err(sql_error)?,
                row.get(1).map_err(sql_error)?,
            ))
        })?
        .into_iter()
        .collect();
    let mut hand_on = |row: RunRow| {
        let name = names.get(&row.run.experiment.0.cast_signed());
        let name = name.ok_or_else(|| {
            value_error(
                "a run",
                format!("there is no experiment {}", row.run.experiment),
            )
        })?;
        each(row, name.clone())
    };
    if let Some(wanted) = &visit.experiment {
        let experiments = names.iter().filter(|(_, name)| *name == wanted);
        for (experiment, _) in experiments {
            let statement = if visit.deleted {
                sql::VISIT_DELETED_OF_EXPERIMENT
            } else {
                sql::VISIT_LIVING_OF_EXPERIMENT
            };
            let mut statement = connection.prepare_cached(statement).map_err(sql_error)?;
            let mut rows = statement.query([experiment]).map_err(sql_error)?;
            while let Some(row) = rows.next().map_err(sql_error)? {
                hand_on(run_from_row(connection, row)?)?;
            }
        }
        return Ok(());
    }
    let statement = if visit.deleted {
        sql::VISIT_DELETED
    } else {
        sql::VISIT_LIVING
    };
    let prepare = |statement| connection.prepare_cached(statement).map_err(sql_error);
    let (mut tags, mut aliases) = (
        prepare(sql::SCAN_ALL_TAGS)?,
        prepare(sql::SCAN_ALL_ALIASES)?,
    );
    let mut lists = ListsInOrder::new(&mut tags, &mut aliases)?;
    let mut statement = prepare(statement)?;
    let mut rows = statement.query([workspace]).map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let mut run = run_without_lists(row)?;
        lists.fill(&mut run)?;
        hand_on(run)?;
    }
    Ok(())
}

/// The leaf at a path in one run.
pub(crate) fn find_param(
    connection: &Connection,
    run: RunKey,
    path: &ParamPath,
) -> Result<Option<ParamValue>> {
    let params = (path_to_text(path), run_column(run));
    let found = find(connection, sql::FIND_PARAM, params, param_from_row)?;
    Ok(found.map(|(_, value)| value))
}

/// Paths of the leaves of a run.
pub(crate) fn read_param_paths(connection: &Connection, run: RunKey) -> Result<Vec<ParamPath>> {
    let mut paths = collect(
        connection,
        sql::SCAN_PARAM_PATHS,
        [run_column(run)],
        |row| path_from_text(&row.get::<_, String>(0).map_err(sql_error)?),
    )?;
    paths.sort();
    Ok(paths)
}

/// Run and value of a row of a column of params.
pub(crate) fn param_from_row(row: &Row<'_>) -> Result<(RunKey, ParamValue)> {
    let wrong = |error: rusqlite::Error| value_error("a param", error);
    let run: i64 = row.get(0).map_err(wrong)?;
    let value = ValueColumns {
        kind: row.get(1).map_err(wrong)?,
        bits: row.get(2).map_err(wrong)?,
        text: row.get(3).map_err(wrong)?,
        body: row.get(4).map_err(wrong)?,
        ..ValueColumns::default()
    };
    Ok((RunKey(run.cast_unsigned()), value.to_param()?))
}
