//! From rows of the store to rows of the database: runs, writers, params.
//!
//! Called by `context.rs` inside a savepoint. What every frame moves (marks, counters) stands in
//! tables of its own, so that long descriptions are not written again with each frame.

use std::collections::{BTreeMap, BTreeSet};

use runstone_model::{Params, RunId, RunKey, Timestamp};
use runstone_store::apply::{Overridden, RunRow, WriterRow};
use rusqlite::{Connection, params};

use crate::error::Result;
use crate::keys::run_column;
use crate::rows::execute;
use crate::values::{ValueColumns, path_to_text};
use crate::{rows, sql};

/// Inserts or replaces what a writer says of itself.
pub(crate) fn put_writer_fields(connection: &Connection, key: i64, row: &WriterRow) -> Result<()> {
    let writer = &row.writer;
    let end = writer.end.as_ref();
    let reason = end.and_then(|end| end.reason.as_ref());
    let params = params![
        key,
        writer.id.as_bytes(),
        row.workspace.0.cast_signed(),
        row.run.map(run_column),
        row.opened,
        writer.host,
        writer.boot_id,
        writer.pid,
        writer.rank,
        writer.user,
        writer.sdk,
        writer.opened_at.as_micros(),
        writer.primary,
        writer.parent.map(|parent| *parent.as_bytes()),
        writer.lease_seconds,
        end.map(|end| end.kind.as_str()),
        reason.map(|reason| reason.code.as_str()),
        reason.map(|reason| &reason.text),
        end.map(|end| end.at.as_micros()),
        row.first_change.0.cast_signed()
    ];
    execute(connection, sql::PUT_WRITER, params).map(drop)
}

/// Inserts or replaces mark, generation and counters of a writer.
pub(crate) fn put_writer_mark(connection: &Connection, key: i64, row: &WriterRow) -> Result<()> {
    let counters = &row.counters;
    let params = params![
        key,
        row.mark.mark.cast_signed(),
        row.mark.chain.cast_signed(),
        row.generation.0,
        counters.told_logged.cast_signed(),
        counters.told_dropped.cast_signed(),
        counters.told_refused.cast_signed(),
        counters.refused.cast_signed(),
        counters.durable.cast_signed(),
        counters.lost_slots.cast_signed(),
        row.last_received_at.as_micros()
    ];
    execute(connection, sql::PUT_WRITER_MARK, params).map(drop)
}

/// Inserts or replaces a run's fields; tags and aliases where they differ from `former`.
pub(crate) fn put_run_fields(
    connection: &Connection,
    row: &RunRow,
    former: Option<&RunRow>,
) -> Result<()> {
    let run = &row.run;
    let key = run_column(row.key);
    let params = params![
        key,
        run.workspace.0.cast_signed(),
        run.id.as_str(),
        run.experiment.0.cast_signed(),
        run.name,
        run.description,
        run.archived,
        run.group,
        run.job_type,
        run.seed,
        run.rerun_of.as_ref().map(RunId::as_str),
        run.parent.map(|parent| run_column(parent.parent)),
        run.parent.map(|parent| parent.step.get()),
        run.parent.map(|parent| parent.append.0.cast_signed()),
        run.parent.map(|parent| parent.generation.0),
        run.variation,
        run.number,
        run.primary_writer.map(|writer| *writer.as_bytes()),
        run.state.as_str(),
        run.reason.as_ref().map(|reason| reason.code.as_str()),
        run.reason.as_ref().map(|reason| &reason.text),
        run.created_at.as_micros(),
        run.started_at.map(Timestamp::as_micros),
        run.ended_at.map(Timestamp::as_micros)
    ];
    execute(connection, sql::PUT_RUN, params)?;
    let nothing = Overridden::default();
    let overridden_before = former.map_or(&nothing, |former| &former.overridden);
    if row.overridden != *overridden_before {
        put_overridden(connection, key, &row.overridden)?;
    }
    let empty = BTreeSet::new();
    let tags_before = former.map_or(&empty, |former| &former.run.tags);
    for tag in run.tags.difference(tags_before) {
        execute(connection, sql::INSERT_TAG, (key, tag.as_str()))?;
    }
    for tag in tags_before.difference(&run.tags) {
        execute(connection, sql::DELETE_TAG, (key, tag.as_str()))?;
    }
    if former.is_none_or(|former| former.run.aliases != run.aliases) {
        execute(connection, sql::DELETE_ALIASES, [key])?;
        for (position, alias) in (0i64..).zip(&run.aliases) {
            let params = (key, position, &alias.dialect, &alias.id);
            execute(connection, sql::INSERT_ALIAS, params)?;
        }
    }
    Ok(())
}

fn put_overridden(connection: &Connection, run: i64, overridden: &Overridden) -> Result<()> {
    execute(connection, sql::DELETE_OVERRIDES, [run])?;
    let experiment = overridden.experiment.map(|key| key.0.to_string());
    let fields = [
        (rows::NAME, overridden.name.as_deref()),
        (rows::DESCRIPTION, overridden.description.as_deref()),
        (rows::EXPERIMENT, experiment.as_deref()),
    ];
    let tags = overridden.tags.iter().map(|tag| (rows::TAG, tag.as_str()));
    let given = fields
        .into_iter()
        .filter_map(|(field, value)| Some((field, value?)));
    for (field, value) in given.chain(tags) {
        execute(connection, sql::INSERT_OVERRIDE, (run, field, value))?;
    }
    Ok(())
}

/// Inserts or replaces what every frame moves in a run.
pub(crate) fn put_run_mark(connection: &Connection, row: &RunRow) -> Result<()> {
    let completeness = &row.completeness;
    let params = params![
        run_column(row.key),
        row.changed.0.cast_signed(),
        row.last_received_at.map(Timestamp::as_micros),
        row.generation.0,
        row.last_append.0.cast_signed(),
        completeness.logged_points.cast_signed(),
        completeness.durable_points.cast_signed(),
        completeness.refused_points.cast_signed(),
        completeness.dropped_points.cast_signed(),
        completeness.lost_slots.cast_signed()
    ];
    execute(connection, sql::PUT_RUN_MARK, params).map(drop)
}

/// Writes the leaves that differ; both trees are walked once, in the order of their paths.
pub(crate) fn put_params(
    connection: &Connection,
    run: RunKey,
    former: &Params,
    params: &Params,
) -> Result<()> {
    let key = run_column(run);
    let before: BTreeMap<_, _> = former
        .leaves()
        .map(|(path, value)| (path_to_text(&path), value))
        .collect();
    let after: BTreeMap<_, _> = params
        .leaves()
        .map(|(path, value)| (path_to_text(&path), value))
        .collect();
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        execute(connection, sql::DELETE_PARAM, (path, key))?;
    }
    for (path, value) in &after {
        if before.get(path) == Some(value) {
            continue;
        }
        let columns = ValueColumns::from_param(value);
        let params = (
            path,
            key,
            columns.kind,
            columns.number,
            columns.sign,
            columns.bits,
            columns.text,
            columns.body,
        );
        execute(connection, sql::PUT_PARAM, params)?;
    }
    Ok(())
}
