//! `runstone runs`: the table of runs.

use crate::arguments::{Arguments, RunsArguments};
use crate::backend::Backend;
use crate::failure::Outcome;
use crate::format;
use crate::output::Output;
use crate::table::Table;
use runstone_model::Timestamp;
use runstone_service::api::{
    MetricItem, RUNS_PAGE_MAX, RunItem, RunList, RunsQuery, TABLE_PAGE_MAX, TableRequest,
};
use runstone_service::{ServiceError, parse_state, system_clock};
use serde::Serialize;

#[derive(Serialize)]
struct RunsDocument<'a> {
    version: u32,
    #[serde(flatten)]
    list: &'a RunList,
}

/// Prints the newest runs.
pub(crate) fn run(arguments: &Arguments, asked: &RunsArguments, output: &mut Output) -> Outcome {
    let backend = Backend::open(arguments)?;
    let list = if asked.deleted {
        read_deleted(&backend, asked)?
    } else {
        read_runs(&backend, asked)?
    };
    drop(backend);
    if asked.json {
        output.json(&RunsDocument {
            version: 1,
            list: &list,
        })?;
        return Ok(0);
    }
    if list.runs.is_empty() {
        output.line(&match (&asked.experiment, asked.deleted) {
            (Some(name), false) => format!("no runs in `{name}`"),
            (None, false) => "no runs yet".to_owned(),
            (Some(name), true) => format!("no deleted runs in `{name}`"),
            (None, true) => "no deleted runs".to_owned(),
        })?;
        return Ok(0);
    }
    if asked.deleted {
        print_deleted(&list, system_clock(), output)?;
    } else {
        print_table(&list, system_clock(), output)?;
    }
    if list.next_cursor.is_some() {
        output.line("there are more; see --limit")?;
    }
    Ok(0)
}

fn read_runs(backend: &Backend, asked: &RunsArguments) -> Result<RunList, ServiceError> {
    let wanted = asked.limit as usize;
    let mut list = RunList::default();
    loop {
        let query = RunsQuery {
            limit: Some((wanted - list.runs.len()).min(RUNS_PAGE_MAX)),
            cursor: list.next_cursor.take(),
            experiment: asked.experiment.clone(),
            state: (!asked.state.is_empty()).then(|| asked.state.join(",")),
            archived: asked.archived.then_some(true),
            order: None,
            metrics: (!asked.metrics.is_empty())
                .then(|| serde_json::to_string(&asked.metrics).expect("a list of texts is JSON")),
        };
        let page = backend.list_runs(&query)?;
        list.runs.extend(page.runs);
        list.next_cursor = page.next_cursor;
        if list.next_cursor.is_none() || list.runs.len() >= wanted {
            return Ok(list);
        }
    }
}

/// The trash, newest created first.
fn read_deleted(backend: &Backend, asked: &RunsArguments) -> Result<RunList, ServiceError> {
    let wanted = asked.limit as usize;
    let states = asked.state.iter().map(|state| parse_state(state));
    let mut request = TableRequest {
        experiment: asked.experiment.clone(),
        states: states.collect::<Result<_, _>>()?,
        deleted: true,
        ..TableRequest::default()
    };
    let mut list = RunList::default();
    loop {
        request.limit = Some((wanted - list.runs.len()).min(TABLE_PAGE_MAX));
        let page = backend.table(&request)?;
        list.runs.extend(page.rows.into_iter().map(|row| row.run));
        if page.next_cursor.is_none() || list.runs.len() >= wanted {
            list.next_cursor = page.next_cursor;
            return Ok(list);
        }
        request.cursor = page.next_cursor;
    }
}

fn print_deleted(list: &RunList, now: Timestamp, output: &mut Output) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("DELETED", true, 7),
        ("STATE", false, 9),
        ("NAME", false, 24),
        ("ID", false, 26),
        ("EXPERIMENT", false, 20),
    ]);
    for run in &list.runs {
        table.push(vec![
            run.deleted_at_micros
                .map_or_else(|| "-".to_owned(), |at| format::age(at, now)),
            run.state.to_string(),
            run.name.clone().unwrap_or_else(|| "-".to_owned()),
            run.id.to_string(),
            run.experiment.clone(),
        ]);
    }
    table.print(output, 0)
}

fn print_table(list: &RunList, now: Timestamp, output: &mut Output) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("STATE", false, 9),
        ("AGE", true, 5),
        ("NAME", false, 24),
        ("ID", false, 26),
        ("EXPERIMENT", false, 20),
        ("LAST VALUES", false, usize::MAX),
    ]);
    for run in &list.runs {
        table.push(vec![
            run.state.to_string(),
            format::age(run.created_at_micros, now),
            run.name.clone().unwrap_or_else(|| "-".to_owned()),
            run.id.to_string(),
            run.experiment.clone(),
            values(run),
        ]);
    }
    table.print(output, 0)
}

fn values(run: &RunItem) -> String {
    let mut words: Vec<String> = run.metrics.iter().filter_map(value).collect();
    let gaps = run.completeness.dropped + run.completeness.refused;
    if gaps > 0 || run.completeness.lost_slots > 0 {
        words.push("(incomplete)".to_owned());
    }
    words.join("  ")
}

fn value(metric: &MetricItem) -> Option<String> {
    let last = metric.last.as_ref()?;
    Some(format!(
        "{}={}",
        format::series_name(&metric.name, &metric.context),
        format::number(last.value)
    ))
}
