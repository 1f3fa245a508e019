//! The table of runs, one run, and experiments.

use crate::Service;
use crate::api::{
    Completeness, DroppedItem, EventItem, ExperimentItem, ExperimentList, ForkItem,
    MetricDefinitionItem, MetricItem, RUNS_PAGE_DEFAULT, RUNS_PAGE_MAX, RunDetail, RunItem,
    RunList, RunsQuery, ScalarItem, WarningItem, WriterEndItem, WriterItem,
};
use crate::cursor;
use crate::error::ServiceError;
use crate::number::Number;
use crate::series::{metric_item, parse_metric_name};
use runstone_model::{
    ExperimentKey, MetricName, Principal, RunKey, RunState, ScalarValue, Timestamp, WriterEndKind,
};
use runstone_store::{
    EventRecord, RunCompleteness, RunOrder, RunRecord, RunScan, SeriesScan, Snapshot, WriterRecord,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Metrics of a run that a table shows when nobody chose.
const METRICS_SHOWN: usize = 3;
/// Contexts of one chosen metric that a table shows.
const CONTEXTS_SHOWN: usize = 4;

/// Which metrics to add to the rows.
enum MetricChoice {
    Few,
    Named(Vec<MetricName>),
}

impl Service {
    /// One page of runs, with last and best values of the chosen metrics.
    ///
    /// # Errors
    /// `Invalid` for a limit, cursor, state, order or metric that is none.
    pub fn list_runs(
        &self,
        principal: &Principal,
        query: &RunsQuery,
    ) -> Result<RunList, ServiceError> {
        Self::may_read(principal)?;
        let scan = self.run_scan(query)?;
        let choice = metric_choice(query.metrics.as_deref())?;
        let snapshot = self.store.snapshot()?;
        let page = snapshot.scan_runs(&scan)?;
        let mut definitions = BTreeMap::new();
        let mut runs = Vec::with_capacity(page.runs.len());
        for record in &page.runs {
            let mut item = run_item(record);
            item.metrics = match &choice {
                MetricChoice::Few => few_metrics(&*snapshot, record, &mut definitions)?,
                MetricChoice::Named(names) => named_metrics(&*snapshot, record.key, names)?,
            };
            runs.push(item);
        }
        Ok(RunList {
            runs,
            next_cursor: page
                .next
                .map(|(created, key)| cursor::encode("runs", &(created.as_micros(), key.0))),
        })
    }

    /// Everything about a run but its series. `address` is an id, a unique prefix of one, or a
    /// name.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` naming candidates when the address is ambiguous.
    pub fn get_run(&self, principal: &Principal, address: &str) -> Result<RunDetail, ServiceError> {
        Self::may_read(principal)?;
        let snapshot = self.store.snapshot()?;
        let record = self.find_run(&*snapshot, address)?;
        let key = record.key;
        let run = &record.run;
        let parent = match &run.parent {
            Some(pin) => snapshot.read_run(pin.parent)?.map(|parent| parent.run.id),
            None => None,
        };
        Ok(RunDetail {
            rerun_of: run.rerun_of.clone(),
            parent: run.parent.as_ref().map(|pin| ForkItem {
                run: parent,
                parent_key: pin.parent.0,
                step: pin.step,
                append: pin.append.0,
            }),
            variation: run.variation,
            number: run.number,
            aliases: run.aliases.clone(),
            primary_writer: run.primary_writer,
            generation: record.generation.0,
            change: record.changed.0,
            params: snapshot.read_params(key)?.to_json(),
            scalars: snapshot
                .read_scalars(key)?
                .into_iter()
                .map(|scalar| ScalarItem {
                    name: scalar.name.to_string(),
                    value: scalar_json(&scalar.value),
                    time_micros: scalar.time,
                })
                .collect(),
            writers: snapshot
                .read_writers(key)?
                .into_iter()
                .map(writer_item)
                .collect(),
            events: snapshot
                .read_events(key)?
                .into_iter()
                .map(event_item)
                .collect(),
            warnings: snapshot
                .read_warnings(key)?
                .into_iter()
                .map(|warning| WarningItem {
                    kind: warning.kind,
                    count: warning.count,
                    detail: warning.detail,
                    at_micros: warning.at,
                })
                .collect(),
            metrics_defined: snapshot
                .read_metric_definitions(run.experiment)?
                .into_iter()
                .map(|definition| MetricDefinitionItem {
                    name: definition.name.to_string(),
                    goal: definition.goal,
                    unit: definition.unit,
                    default_x: definition.default_x,
                })
                .collect(),
            run: run_item(&record),
        })
    }

    /// All experiments, by name.
    pub fn list_experiments(&self, principal: &Principal) -> Result<ExperimentList, ServiceError> {
        Self::may_read(principal)?;
        let snapshot = self.store.snapshot()?;
        let experiments = snapshot
            .scan_experiments(self.workspace)?
            .into_iter()
            .map(|record| ExperimentItem {
                id: record.experiment.id,
                name: record.experiment.name.to_string(),
                title: record.experiment.title,
                description: record.experiment.description,
                created_at_micros: record.experiment.created_at,
                archived: record.experiment.archived,
                runs: record.runs,
            })
            .collect();
        Ok(ExperimentList { experiments })
    }

    pub(crate) fn find_run(
        &self,
        snapshot: &dyn Snapshot,
        address: &str,
    ) -> Result<RunRecord, ServiceError> {
        snapshot.find_run(self.workspace, address).map_err(|error| {
            ServiceError::from(error)
                .or_hint("`runstone runs` lists ids and names; the start of an id is enough")
        })
    }

    fn run_scan(&self, query: &RunsQuery) -> Result<RunScan, ServiceError> {
        let after = query
            .cursor
            .as_deref()
            .map(|text| cursor::decode::<(i64, u64)>("runs", text))
            .transpose()?
            .map(|(created, key)| (Timestamp::from_micros(created), RunKey(key)));
        let order = match query.order.as_deref() {
            None | Some("newest") => RunOrder::NewestFirst,
            Some("oldest") => RunOrder::OldestFirst,
            Some(other) => {
                return Err(
                    ServiceError::invalid(format!("`{other}` is no order of runs"))
                        .with_hint("order is newest or oldest"),
                );
            }
        };
        Ok(RunScan {
            workspace: self.workspace,
            experiment: query.experiment.clone(),
            states: parse_states(query.state.as_deref())?,
            include_archived: query.archived.unwrap_or(false),
            order,
            after,
            limit: page_limit(query.limit, RUNS_PAGE_DEFAULT, RUNS_PAGE_MAX)?,
        })
    }
}

/// A page's size as asked, or the default.
///
/// # Errors
/// `Invalid` for zero and for more than `most`.
pub(crate) fn page_limit(
    asked: Option<usize>,
    default: usize,
    most: usize,
) -> Result<usize, ServiceError> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => Err(
            ServiceError::invalid(format!("limit {limit} is out of range"))
                .with_hint(format!("limit is 1 to {most}; read on with cursor")),
        ),
    }
}

fn parse_states(text: Option<&str>) -> Result<Vec<RunState>, ServiceError> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(parse_state)
        .collect()
}

/// A state from its word.
///
/// # Errors
/// `Invalid` for a word that is none.
pub fn parse_state(word: &str) -> Result<RunState, ServiceError> {
    word.parse().map_err(|_| {
        ServiceError::invalid(format!("`{word}` is no state of a run"))
            .with_hint("states are pending, running, succeeded, failed and lost")
    })
}

fn metric_choice(text: Option<&str>) -> Result<MetricChoice, ServiceError> {
    let Some(text) = text else {
        return Ok(MetricChoice::Few);
    };
    let names: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|error| {
            ServiceError::invalid(format!("metrics is no JSON array of names: {error}"))
                .with_hint("write metrics=loss,accuracy or metrics=[\"a,b\"]")
        })?
    } else {
        text.split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let names = names
        .iter()
        .map(|name| parse_metric_name(name))
        .collect::<Result<_, _>>()?;
    Ok(MetricChoice::Named(names))
}

/// A few series of a run: those of metrics with a goal, then the first by name.
fn few_metrics(
    snapshot: &dyn Snapshot,
    record: &RunRecord,
    definitions: &mut BTreeMap<ExperimentKey, Vec<MetricName>>,
) -> Result<Vec<MetricItem>, ServiceError> {
    let experiment = record.run.experiment;
    let with_goal = match definitions.entry(experiment) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => unknown.insert(
            snapshot
                .read_metric_definitions(experiment)?
                .into_iter()
                .filter(|definition| definition.goal.is_some())
                .map(|definition| definition.name)
                .take(METRICS_SHOWN)
                .collect(),
        ),
    };
    let mut items = named_metrics(snapshot, record.key, with_goal)?;
    if items.len() < METRICS_SHOWN {
        let page = snapshot.scan_series(
            record.key,
            &SeriesScan {
                limit: METRICS_SHOWN * 2,
                ..SeriesScan::default()
            },
        )?;
        for series in &page.series {
            let item = metric_item(series);
            let known = items
                .iter()
                .any(|other| other.name == item.name && other.context == item.context);
            if !known && items.len() < METRICS_SHOWN {
                items.push(item);
            }
        }
    }
    items.truncate(METRICS_SHOWN);
    Ok(items)
}

fn named_metrics(
    snapshot: &dyn Snapshot,
    run: RunKey,
    names: &[MetricName],
) -> Result<Vec<MetricItem>, ServiceError> {
    let mut items = Vec::new();
    for name in names {
        let page = snapshot.scan_series(
            run,
            &SeriesScan {
                name: Some(name.clone()),
                limit: CONTEXTS_SHOWN,
                ..SeriesScan::default()
            },
        )?;
        items.extend(page.series.iter().map(metric_item));
    }
    Ok(items)
}

pub(crate) fn run_item(record: &RunRecord) -> RunItem {
    let run = &record.run;
    RunItem {
        id: run.id.clone(),
        name: run.name.clone(),
        description: run.description.clone(),
        experiment: record.experiment_name.clone(),
        state: run.state,
        reason: run.reason.clone(),
        archived: run.archived,
        tags: run.tags.iter().map(ToString::to_string).collect(),
        group: run.group.clone(),
        job_type: run.job_type.clone(),
        seed: run.seed,
        created_at_micros: run.created_at,
        started_at_micros: run.started_at,
        ended_at_micros: run.ended_at,
        last_received_at_micros: record.last_received_at,
        deleted_at_micros: record.deleted_at,
        completeness: completeness(&record.completeness),
        metrics: Vec::new(),
    }
}

fn completeness(counters: &RunCompleteness) -> Completeness {
    let known = counters.durable_points + counters.dropped_points + counters.refused_points;
    Completeness {
        logged: counters.logged_points.max(known),
        durable: counters.durable_points,
        refused: counters.refused_points,
        dropped: counters.dropped_points,
        lost_slots: counters.lost_slots,
    }
}

fn scalar_json(value: &ScalarValue) -> serde_json::Value {
    match value {
        ScalarValue::Bool(value) => (*value).into(),
        ScalarValue::I64(value) => (*value).into(),
        ScalarValue::F64(value) => serde_json::to_value(Number::F64(*value))
            .expect("a number is JSON, or text where JSON has none"),
        ScalarValue::String(value) => value.as_str().into(),
    }
}

fn writer_item(record: WriterRecord) -> WriterItem {
    let writer = record.writer;
    WriterItem {
        id: writer.id,
        host: writer.host,
        pid: writer.pid,
        rank: writer.rank,
        user: writer.user,
        sdk: writer.sdk,
        primary: writer.primary,
        parent: writer.parent,
        opened_at_micros: writer.opened_at,
        last_received_at_micros: record.last_received_at,
        end: writer.end.map(|end| WriterEndItem {
            kind: match end.kind {
                WriterEndKind::Closed => "closed",
                WriterEndKind::Failed => "failed",
                WriterEndKind::Lost => "lost",
            }
            .to_owned(),
            reason: end.reason,
            at_micros: end.at,
        }),
        mark: record.mark.mark,
        completeness: completeness(&record.completeness),
        dropped_by_series: record
            .dropped_by_series
            .into_iter()
            .map(|(key, points)| DroppedItem {
                name: key.name.to_string(),
                context: key.context.to_json(),
                points,
            })
            .collect(),
        lost: record.lost,
    }
}

pub(crate) fn event_item(record: EventRecord) -> EventItem {
    EventItem {
        change: record.change.0,
        from: record.from,
        to: record.to,
        event: record.event,
        actor: record.actor,
        at_micros: record.at,
        reason: record.reason,
        writer: record.writer,
    }
}
