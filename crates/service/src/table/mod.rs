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
use self::runs::Glance;
pub(crate) use self::runs::RunsCache;
use crate::api::{
    Column, MetricValue, TABLE_COLUMNS_MAX, TABLE_PAGE_DEFAULT, TABLE_PAGE_MAX, TablePage,
    TableRequest, TableRow,
};
use crate::error::{ErrorKind, ServiceError};
use crate::runs::{page_limit, run_item};
use crate::{Service, cursor};
use runstone_model::{ExperimentKey, Goal, ParamValue, Principal, Timestamp};
use runstone_store::{MetricColumn, RunRecord, RunStand, RunVisit, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

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
                let stands = stands_of(&candidates);
                snapshot.visit_param_column(path, &stands, &mut |index, value| {
                    candidates[index].place.sort = SortKey::param(value);
                })?;
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
        let mut each = |glance: &Glance, record: &RunRecord| {
            if filter.wants(glance, record) {
                let sort = match sort {
                    Some(ReadyColumn::Property(property)) => property_key(record, *property, now),
                    _ => SortKey::missing(),
                };
                candidates.push(Candidate {
                    place: Place {
                        sort,
                        created_at: glance.created_at,
                        key: glance.key,
                    },
                    stand: RunStand {
                        key: glance.key,
                        changed: glance.changed,
                    },
                    experiment: glance.experiment,
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
                each(&Glance::of(&record), &record);
                Ok(())
            })?;
            return Ok(candidates);
        }
        let runs = self.runs.read(snapshot, self.workspace)?;
        runs.iter()
            .for_each(|(glance, record)| each(glance, record));
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
    let goals = goals_of(snapshot, goals, candidates, column, value)?;
    let stands = stands_of(candidates);
    snapshot.visit_metric_column(column, &stands, &mut |index, cell| {
        let candidate = &mut candidates[index];
        let goal = goals.get(&candidate.experiment).copied();
        candidate.place.sort = number_key(metric_number(cell, value, goal));
    })?;
    Ok(())
}

fn stands_of(candidates: &[Candidate]) -> Vec<RunStand> {
    candidates.iter().map(|candidate| candidate.stand).collect()
}

/// The goal that each experiment has for a metric, where the value asked for needs one.
fn goals_of(
    snapshot: &dyn Snapshot,
    goals: &mut Goals,
    candidates: &[Candidate],
    column: &MetricColumn,
    value: MetricValue,
) -> Result<HashMap<ExperimentKey, Goal>, ServiceError> {
    let mut found = HashMap::new();
    if value == MetricValue::Best {
        let experiments: HashSet<ExperimentKey> = candidates
            .iter()
            .map(|candidate| candidate.experiment)
            .collect();
        for experiment in experiments {
            if let Some(goal) = goals.find(snapshot, experiment, &column.name)? {
                found.insert(experiment, goal);
            }
        }
    }
    Ok(found)
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
    let stands = stands_of(page);
    for column in columns {
        rows.iter_mut().for_each(|row| row.cells.push(Value::Null));
        match column {
            ReadyColumn::Property(_) => {}
            ReadyColumn::Param(path) => {
                snapshot.visit_param_column(path, &stands, &mut |index, value| {
                    if !matches!(value, ParamValue::Dict(_)) {
                        set_last(&mut rows[index], value.to_json());
                    }
                })?;
            }
            ReadyColumn::Metric(column, value) => {
                let goals = goals_of(snapshot, goals, page, column, *value)?;
                snapshot.visit_metric_column(column, &stands, &mut |index, cell| {
                    let goal = goals.get(&page[index].experiment).copied();
                    let number = metric_number(cell, *value, goal);
                    set_last(&mut rows[index], number_cell(number));
                })?;
            }
        }
    }
    Ok(rows)
}

/// Puts the value of a row's newest cell.
fn set_last(row: &mut TableRow, value: Value) {
    if let Some(cell) = row.cells.last_mut() {
        *cell = value;
    }
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
