//! The table of runs: filter, columns, sort, and pages by key.
//!
//! A request looks at every run once for the filter and the count, reads the column to sort by
//! for those that match, and reads whole rows and cells for the page alone. Nothing but keys is
//! held for runs outside of the page. What a page costs is therefore one ordered scan of the runs
//! and one of the sort column; the store keeps metrics that were read lately.

mod cells;
mod columns;
mod filter;
mod order;
mod runs;

use self::cells::{Goals, ReadyColumn, metric_number, number_cell, number_key, property_key};
pub(crate) use self::columns::NamesCache;
use self::filter::Filter;
use self::order::{Place, SortKey};
pub(crate) use self::runs::RunsCache;
use crate::api::{
    Column, MetricValue, TABLE_COLUMNS_MAX, TABLE_PAGE_DEFAULT, TABLE_PAGE_MAX, TablePage,
    TableRequest, TableRow,
};
use crate::error::{ErrorKind, ServiceError};
use crate::runs::{page_limit, run_item};
use crate::{Service, cursor};
use runstone_model::{ExperimentKey, Principal, RunKey, Timestamp};
use runstone_store::{MetricColumn, RunRecord, RunStand, RunVisit, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct TableCursor {
    /// Of the filter and the order that it belongs to.
    fingerprint: u64,
    /// The clock of the first page: durations of runs that go on are taken until then.
    now: Timestamp,
    place: Place,
}

/// A run that matches.
struct Candidate {
    place: Place,
    stand: RunStand,
    experiment: ExperimentKey,
}

impl Service {
    /// One page of the table of runs.
    ///
    /// Cost: a look at every run in memory, of which those that changed since the last question are
    /// read, and a scan over the column to sort by.
    ///
    /// # Errors
    /// `Invalid` for a limit, column, cursor or filter that is none.
    pub fn table(
        &self,
        principal: &Principal,
        request: &TableRequest,
    ) -> Result<TablePage, ServiceError> {
        Self::may_read(principal)?;
        let limit = page_limit(request.limit, TABLE_PAGE_DEFAULT, TABLE_PAGE_MAX)?;
        if request.columns.len() > TABLE_COLUMNS_MAX {
            return Err(ServiceError::invalid(format!(
                "{} columns are asked for",
                request.columns.len()
            ))
            .with_hint(format!("ask for {TABLE_COLUMNS_MAX} columns at most")));
        }
        let columns = request.columns.iter().map(ReadyColumn::new);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let sort = request
            .sort
            .as_ref()
            .map(|sort| ReadyColumn::new(&sort.column));
        let sort = sort.transpose()?;
        let filter = Filter::new(request)?;
        let fingerprint = fingerprint(request);
        let after = read_cursor(request, fingerprint)?;
        let now = after.as_ref().map_or_else(|| self.now(), |after| after.now);
        let snapshot = self.store.snapshot()?;
        let mut goals = Goals::default();
        let mut candidates = self.candidates(&*snapshot, request, &filter, sort.as_ref(), now)?;
        let matching = candidates.len() as u64;
        match &sort {
            Some(ReadyColumn::Param(path)) => {
                let column = snapshot.read_param_column(path)?;
                let keys: HashMap<RunKey, SortKey> = column
                    .iter()
                    .map(|(run, value)| (*run, SortKey::param(value)))
                    .collect();
                for candidate in &mut candidates {
                    if let Some(key) = keys.get(&candidate.stand.key) {
                        candidate.place.sort.clone_from(key);
                    }
                }
            }
            Some(ReadyColumn::Metric(column, value)) => {
                sort_by_metric(&*snapshot, &mut candidates, &mut goals, column, *value)?;
            }
            Some(ReadyColumn::Property(_)) | None => {}
        }
        let descending = request.sort.as_ref().is_some_and(|sort| sort.descending);
        if let Some(after) = &after {
            candidates
                .retain(|candidate| candidate.place.compare(&after.place, descending).is_gt());
        }
        let compare = |one: &Candidate, two: &Candidate| one.place.compare(&two.place, descending);
        let has_more = candidates.len() > limit;
        if has_more {
            candidates.select_nth_unstable_by(limit, compare);
            candidates.truncate(limit);
        }
        candidates.sort_unstable_by(compare);
        let next_cursor = candidates.last().filter(|_| has_more).map(|last| {
            let place = last.place.clone();
            cursor::encode(
                "table",
                &TableCursor {
                    fingerprint,
                    now,
                    place,
                },
            )
        });
        Ok(TablePage {
            change: snapshot.change_number().0,
            rows: read_rows(&*snapshot, &candidates, &columns, &mut goals)?,
            matching,
            next_cursor,
        })
    }

    /// Every run that matches; those to be sorted by a property have their key.
    fn candidates(
        &self,
        snapshot: &dyn Snapshot,
        request: &TableRequest,
        filter: &Filter<'_>,
        sort: Option<&ReadyColumn>,
        now: Timestamp,
    ) -> Result<Vec<Candidate>, ServiceError> {
        let mut candidates = Vec::new();
        let mut each = |record: &RunRecord| {
            if filter.wants(record) {
                let sort = match sort {
                    Some(ReadyColumn::Property(property)) => property_key(record, *property, now),
                    _ => SortKey::missing(),
                };
                candidates.push(Candidate {
                    place: Place {
                        sort,
                        created_at: record.run.created_at,
                        key: record.key,
                    },
                    stand: RunStand {
                        key: record.key,
                        changed: record.changed,
                    },
                    experiment: record.run.experiment,
                });
            }
        };
        if request.deleted {
            let visit = RunVisit {
                workspace: self.workspace,
                experiment: request.experiment.clone(),
                deleted: true,
            };
            snapshot.visit_runs_unsorted(&visit, &mut |record| {
                each(&record);
                Ok(())
            })?;
            return Ok(candidates);
        }
        let runs = self.runs.read(snapshot, self.workspace)?;
        let wanted = request.experiment.as_deref();
        runs.iter()
            .filter(|record| wanted.is_none_or(|name| record.experiment_name == name))
            .for_each(|record| each(record));
        Ok(candidates)
    }
}

fn sort_by_metric(
    snapshot: &dyn Snapshot,
    candidates: &mut [Candidate],
    goals: &mut Goals,
    column: &MetricColumn,
    value: MetricValue,
) -> Result<(), ServiceError> {
    let stands: Vec<RunStand> = candidates.iter().map(|candidate| candidate.stand).collect();
    let cells = snapshot.read_metric_column(column, &stands)?;
    for (candidate, cell) in candidates.iter_mut().zip(&cells) {
        let goal = goal_of(snapshot, goals, candidate.experiment, column, value)?;
        let number = cell
            .as_ref()
            .and_then(|cell| metric_number(cell, value, goal));
        candidate.place.sort = number_key(number);
    }
    Ok(())
}

/// The goal, where the value asked for needs one.
fn goal_of(
    snapshot: &dyn Snapshot,
    goals: &mut Goals,
    experiment: ExperimentKey,
    column: &MetricColumn,
    value: MetricValue,
) -> Result<Option<runstone_model::Goal>, ServiceError> {
    if value != MetricValue::Best {
        return Ok(None);
    }
    goals.find(snapshot, experiment, &column.name)
}

fn read_rows(
    snapshot: &dyn Snapshot,
    page: &[Candidate],
    columns: &[ReadyColumn],
    goals: &mut Goals,
) -> Result<Vec<TableRow>, ServiceError> {
    let mut rows = Vec::with_capacity(page.len());
    for candidate in page {
        let record = snapshot.read_run(candidate.stand.key)?.ok_or_else(|| {
            ServiceError::new(ErrorKind::Internal, "a run vanished inside one snapshot")
        })?;
        rows.push(TableRow {
            run: run_item(&record),
            cells: Vec::with_capacity(columns.len()),
        });
    }
    let stands: Vec<RunStand> = page.iter().map(|candidate| candidate.stand).collect();
    for column in columns {
        match column {
            ReadyColumn::Property(_) => {
                rows.iter_mut().for_each(|row| row.cells.push(Value::Null));
            }
            ReadyColumn::Param(path) => {
                for (row, stand) in rows.iter_mut().zip(&stands) {
                    let value = snapshot.find_param(stand.key, path)?;
                    let value =
                        value.filter(|value| !matches!(value, runstone_model::ParamValue::Dict(_)));
                    row.cells
                        .push(value.map_or(Value::Null, |value| value.to_json()));
                }
            }
            ReadyColumn::Metric(column, value) => {
                let cells = snapshot.read_metric_column(column, &stands)?;
                for ((row, candidate), cell) in rows.iter_mut().zip(page).zip(cells) {
                    let goal = goal_of(snapshot, goals, candidate.experiment, column, *value)?;
                    let number = cell.and_then(|cell| metric_number(&cell, *value, goal));
                    row.cells.push(number_cell(number));
                }
            }
        }
    }
    Ok(rows)
}

fn read_cursor(
    request: &TableRequest,
    fingerprint: u64,
) -> Result<Option<TableCursor>, ServiceError> {
    let Some(text) = request.cursor.as_deref() else {
        return Ok(None);
    };
    let cursor: TableCursor = cursor::decode("table", text)?;
    if cursor.fingerprint != fingerprint {
        return Err(
            ServiceError::invalid("the cursor belongs to another filter or order")
                .with_hint("ask for the first page again, without a cursor"),
        );
    }
    Ok(Some(cursor))
}

/// Of everything that says which rows there are and in which order (FNV-1a of its JSON).
fn fingerprint(request: &TableRequest) -> u64 {
    let shape = TableRequest {
        columns: Vec::<Column>::new(),
        limit: None,
        cursor: None,
        ..request.clone()
    };
    let json = serde_json::to_vec(&shape).expect("a request is plain JSON");
    json.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
