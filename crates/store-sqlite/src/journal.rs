//! The journal of changes: pages of it for readers, and forgetting its oldest rows.
//!
//! The writer inserts a row a frame (`context.rs`); the folding thread forgets, in slices that the
//! writer applies between frames. The surprising rule: filters are tested row by row, without an
//! index that every frame would have to keep; a page looks at a bounded number of rows instead.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use runstone_model::{ChangeNumber, ExperimentKey, RunId, RunKey, Timestamp, WorkspaceId};
use runstone_store::{
    CHANGES_EXAMINED_MAX, ChangeKind, ChangeKinds, ChangePage, ChangeRecord, ChangeRow, ChangeScan,
    no_such_run,
};
use rusqlite::{Connection, Row, params};

use crate::error::{Result, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::queue::Slice;
use crate::rows::{collect, event_from_row, execute, find};
use crate::sequences::{read_changes_forgotten, write_changes_forgotten};
use crate::sql;

/// Rows that one slice forgets at most.
const SLICE_CHANGES: i64 = 10_000;

/// Keeps what a change was.
pub(crate) fn insert_change(connection: &Connection, change: &ChangeRow) -> Result<()> {
    let params = params![
        change.change.0.cast_signed(),
        change.at.as_micros(),
        run_column(change.run),
        change.experiment.0.cast_signed(),
        change.former_experiment.map(|key| key.0.cast_signed()),
        change.kinds.bits(),
    ];
    execute(connection, sql::INSERT_CHANGE, params).map(drop)
}

/// One page of the journal, in a snapshot whose newest change is `newest`.
pub(crate) fn scan_changes(
    connection: &Connection,
    newest: ChangeNumber,
    scan: &ChangeScan,
) -> Result<ChangePage> {
    let filter = Filter::of(connection, scan)?;
    let forgotten = ChangeNumber(read_changes_forgotten(connection)?.cast_unsigned());
    let since = scan.since.unwrap_or(forgotten);
    let mut page = ChangePage {
        next: newest,
        reset: since < forgotten || since > newest,
        ..ChangePage::default()
    };
    if page.reset {
        return Ok(page);
    }
    let Some(filter) = filter else {
        return Ok(page);
    };
    let (rows, next) = wanted_rows(connection, since, scan.limit.max(1), &filter)?;
    page.next = next.unwrap_or(newest);
    page.changes = records(connection, scan.workspace, &rows)?;
    add_events(connection, since, page.next, &mut page.changes)?;
    Ok(page)
}

/// Runs that changed after `since`, in a snapshot whose newest change is `newest`.
pub(crate) fn read_changed_runs(
    connection: &Connection,
    newest: ChangeNumber,
    since: ChangeNumber,
) -> Result<Option<BTreeSet<RunKey>>> {
    let forgotten = ChangeNumber(read_changes_forgotten(connection)?.cast_unsigned());
    if since < forgotten || since > newest {
        return Ok(None);
    }
    let params = [since.0.cast_signed()];
    let runs = collect(connection, sql::CHANGED_RUNS, params, |row| {
        let run: i64 = row.get(0).map_err(sql_error)?;
        Ok(RunKey(run.cast_unsigned()))
    })?;
    Ok(Some(runs.into_iter().collect()))
}

/// A scan with its names looked up.
struct Filter {
    runs: Option<BTreeSet<RunKey>>,
    experiment: Option<ExperimentKey>,
    kinds: ChangeKinds,
}

impl Filter {
    /// `None` if nothing can match, because nobody has the experiment's name.
    fn of(connection: &Connection, scan: &ChangeScan) -> Result<Option<Self>> {
        let workspace = scan.workspace.0.cast_signed();
        let runs = match &scan.run {
            None => None,
            Some(id) => Some(runs_with_id(connection, workspace, id)?),
        };
        let experiment = match &scan.experiment {
            None => None,
            Some(name) => {
                let found = find(connection, sql::FIND_EXPERIMENT, (workspace, name), |row| {
                    Ok(ExperimentKey(
                        row.get::<_, i64>(0).map_err(sql_error)?.cast_unsigned(),
                    ))
                })?;
                let Some(key) = found else { return Ok(None) };
                Some(key)
            }
        };
        Ok(Some(Self {
            runs,
            experiment,
            kinds: scan.kinds,
        }))
    }

    fn is_wanted(&self, row: &ChangeRow) -> bool {
        self.runs
            .as_ref()
            .is_none_or(|runs| runs.contains(&row.run))
            && (self.kinds.is_empty() || self.kinds.meets(row.kinds))
            && self
                .experiment
                .is_none_or(|key| row.experiment == key || row.former_experiment == Some(key))
    }
}

fn runs_with_id(connection: &Connection, workspace: i64, id: &RunId) -> Result<BTreeSet<RunKey>> {
    let params = (workspace, id.as_str());
    let runs = collect(connection, sql::FIND_RUNS_WITH_ID, params, |row| {
        Ok(RunKey(
            row.get::<_, i64>(0).map_err(sql_error)?.cast_unsigned(),
        ))
    })?;
    if runs.is_empty() {
        return Err(no_such_run(id.as_str()));
    }
    Ok(runs.into_iter().collect())
}

/// The rows of a page, and the last one looked at; `None` for that once there are no more.
fn wanted_rows(
    connection: &Connection,
    since: ChangeNumber,
    limit: usize,
    filter: &Filter,
) -> Result<(Vec<ChangeRow>, Option<ChangeNumber>)> {
    let mut statement = connection
        .prepare_cached(sql::SCAN_CHANGES)
        .map_err(sql_error)?;
    let mut rows = statement
        .query([since.0.cast_signed()])
        .map_err(sql_error)?;
    let mut wanted = Vec::new();
    let mut last = since;
    for _ in 0..CHANGES_EXAMINED_MAX {
        if wanted.len() == limit {
            break;
        }
        let Some(row) = rows.next().map_err(sql_error)? else {
            return Ok((wanted, None));
        };
        let change = change_from_row(row)?;
        last = change.change;
        if filter.is_wanted(&change) {
            wanted.push(change);
        }
    }
    let is_over = rows.next().map_err(sql_error)?.is_none();
    Ok((wanted, (!is_over).then_some(last)))
}

fn change_from_row(row: &Row<'_>) -> Result<ChangeRow> {
    let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
    let former: Option<i64> = row.get(4).map_err(sql_error)?;
    let kinds: u16 = row.get(5).map_err(|error| value_error("a change", error))?;
    Ok(ChangeRow {
        change: ChangeNumber(get(0)?.cast_unsigned()),
        at: Timestamp::from_micros(get(1)?),
        run: RunKey(get(2)?.cast_unsigned()),
        experiment: ExperimentKey(get(3)?.cast_unsigned()),
        former_experiment: former.map(|key| ExperimentKey(key.cast_unsigned())),
        kinds: ChangeKinds::from_bits(kinds),
    })
}

/// Adds names to rows; leaves out runs that are purged or of another workspace.
fn records(
    connection: &Connection,
    workspace: WorkspaceId,
    rows: &[ChangeRow],
) -> Result<Vec<ChangeRecord>> {
    let mut ids: HashMap<RunKey, Option<RunId>> = HashMap::new();
    let mut names: HashMap<ExperimentKey, String> = HashMap::new();
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        if let Entry::Vacant(unknown) = ids.entry(row.run) {
            unknown.insert(read_run_id(connection, workspace, row.run)?);
        }
        if let Entry::Vacant(unknown) = names.entry(row.experiment) {
            unknown.insert(read_name(connection, row.experiment)?);
        }
        let (Some(Some(id)), Some(name)) = (ids.get(&row.run), names.get(&row.experiment)) else {
            continue;
        };
        records.push(ChangeRecord {
            change: row.change,
            at: row.at,
            run: row.run,
            run_id: id.clone(),
            experiment_name: name.clone(),
            kinds: row.kinds,
            events: Vec::new(),
        });
    }
    Ok(records)
}

fn read_run_id(
    connection: &Connection,
    workspace: WorkspaceId,
    run: RunKey,
) -> Result<Option<RunId>> {
    let params = (run_column(run), workspace.0.cast_signed());
    find(connection, sql::READ_RUN_ID, params, |row| {
        let id: String = row.get(0).map_err(sql_error)?;
        id.parse().map_err(|error| value_error("a run", error))
    })
}

fn read_name(connection: &Connection, experiment: ExperimentKey) -> Result<String> {
    let key = experiment.0.cast_signed();
    let name = find(connection, sql::READ_EXPERIMENT_NAME, [key], |row| {
        row.get(0).map_err(sql_error)
    })?;
    name.ok_or_else(|| value_error("a change", format!("there is no experiment {experiment}")))
}

/// Adds the lifecycle events, with one scan a run however many of its changes are on the page.
fn add_events(
    connection: &Connection,
    since: ChangeNumber,
    next: ChangeNumber,
    records: &mut [ChangeRecord],
) -> Result<()> {
    let is_state = |record: &ChangeRecord| record.kinds.contains(ChangeKind::State);
    let runs: BTreeSet<RunKey> = records
        .iter()
        .filter(|record| is_state(record))
        .map(|record| record.run)
        .collect();
    let (after, last) = (since.0.cast_signed(), next.0.cast_signed());
    for run in runs {
        let range = RowRange::of(run_column(run));
        let params = (range.first, range.end, after, last);
        let events = collect(
            connection,
            sql::SCAN_EVENTS_OF_CHANGES,
            params,
            event_from_row,
        )?;
        for event in events {
            let place = records.binary_search_by_key(&event.change, |record| record.change);
            if let Some(record) = place.ok().and_then(|place| records.get_mut(place)) {
                record.events.push(event);
            }
        }
    }
    Ok(())
}

/// A slice that forgets the oldest changes, up to `last` or less; and the number it reaches.
pub(crate) fn forget_slice(forgotten: i64, last: i64) -> (Slice, i64) {
    let reaches = last.min(forgotten.saturating_add(SLICE_CHANGES));
    let slice: Slice = Box::new(move |connection| {
        execute(connection, sql::FORGET_CHANGES, [reaches])?;
        write_changes_forgotten(connection, reaches)
    });
    (slice, reaches)
}
