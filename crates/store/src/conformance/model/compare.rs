//! Every read of two stores, compared.

use runstone_model::{RunKey, WorkspaceId};

use super::actions::RUNS;
use super::compare_table::compare_tables;
use super::compare_texts::compare_texts;
use crate::conformance::harness::{all_points, all_series, point_scan, sums_agree};
use crate::conformance::segments::check_segments;
use crate::{
    ChangeScan, ExperimentRecord, Point, RunOrder, RunPage, RunRecord, RunScan, SeriesRecord,
    Snapshot, Store, StoreError, SummaryFold,
};

/// Compares all reads of an engine with those of the oracle.
pub(super) fn compare_stores(engine: &dyn Store, oracle: &dyn Store) -> Result<(), String> {
    let given = engine.snapshot().map_err(|error| error.to_string())?;
    let wanted = oracle.snapshot().map_err(|error| error.to_string())?;
    let (given, wanted) = (given.as_ref(), wanted.as_ref());
    same(
        "change number",
        &given.change_number(),
        &wanted.change_number(),
    )?;
    compare_catalogue(given, wanted)?;
    compare_tables(given, wanted)?;
    let journal = ChangeScan {
        limit: 10_000,
        ..ChangeScan::default()
    };
    let pages = |snapshot: &dyn Snapshot| answered("changes", snapshot.scan_changes(&journal));
    same("journal", &pages(given)?, &pages(wanted)?)?;
    for run in RUNS {
        let given_run = given.find_run(WorkspaceId::default(), run);
        let wanted_run = wanted.find_run(WorkspaceId::default(), run);
        match (given_run, wanted_run) {
            (Ok(given_run), Ok(wanted_run)) => {
                same("run", &given_run, &wanted_run)?;
                compare_run(given, wanted, &given_run)?;
            }
            (Err(StoreError::NotFound(_)), Err(StoreError::NotFound(_))) => {}
            (given_run, wanted_run) => {
                return Err(format!(
                    "finding {run} gives {given_run:?}, not {wanted_run:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Debug text tells NaN from NaN and -0.0 from 0.0 as equality would not.
pub(super) fn same<T: std::fmt::Debug>(what: &str, given: &T, wanted: &T) -> Result<(), String> {
    let (given, wanted) = (format!("{given:?}"), format!("{wanted:?}"));
    if given == wanted {
        return Ok(());
    }
    Err(format!(
        "{what} differs:\n  given  {given}\n  wanted {wanted}"
    ))
}

pub(super) fn answered<T>(what: &str, answer: Result<T, StoreError>) -> Result<T, String> {
    answer.map_err(|error| format!("reading {what} fails: {error}"))
}

fn compare_catalogue(given: &dyn Snapshot, wanted: &dyn Snapshot) -> Result<(), String> {
    for order in [RunOrder::NewestFirst, RunOrder::OldestFirst] {
        for include_archived in [false, true] {
            let scan = RunScan {
                order,
                include_archived,
                limit: 1,
                ..RunScan::default()
            };
            let pages = |snapshot: &dyn Snapshot| scan_pages(snapshot, scan.clone());
            same("scan of runs", &pages(given)?, &pages(wanted)?)?;
        }
    }
    let workspace = WorkspaceId::default();
    // Ids of experiments are random.
    let experiments = |snapshot: &dyn Snapshot| -> Result<Vec<ExperimentRecord>, String> {
        let mut records = answered("experiments", snapshot.scan_experiments(workspace))?;
        records
            .iter_mut()
            .for_each(|record| record.experiment.id.clear());
        Ok(records)
    };
    let given_experiments = experiments(given)?;
    same("experiments", &given_experiments, &experiments(wanted)?)?;
    for record in &given_experiments {
        let key = record.key;
        let definitions = |snapshot: &dyn Snapshot| {
            answered("definitions", snapshot.read_metric_definitions(key))
        };
        same("definitions", &definitions(given)?, &definitions(wanted)?)?;
    }
    Ok(())
}

fn scan_pages(snapshot: &dyn Snapshot, mut scan: RunScan) -> Result<Vec<RunPage>, String> {
    let mut pages = Vec::new();
    loop {
        let page = answered("runs", snapshot.scan_runs(&scan))?;
        let next = page.next;
        pages.push(page);
        match next {
            Some(next) => scan.after = Some(next),
            None => return Ok(pages),
        }
    }
}

fn compare_run(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    record: &RunRecord,
) -> Result<(), String> {
    let run = record.key;
    macro_rules! compare {
        ($($read:ident),+) => {
            $({
                let what = stringify!($read);
                same(what, &answered(what, given.$read(run))?, &answered(what, wanted.$read(run))?)?;
            })+
        };
    }
    compare!(
        read_params,
        read_scalars,
        read_writers,
        read_events,
        read_warnings
    );
    // Page sizes that change from state to state.
    let limit = 1 + usize::try_from(record.changed.0 % 5).unwrap_or(0);
    let given_series = all_series(given, run, limit);
    let wanted_series = all_series(wanted, run, 100);
    let keys = |series: &[SeriesRecord]| -> Vec<String> {
        series.iter().map(|record| record.key.to_string()).collect()
    };
    same(
        "list of series",
        &keys(&given_series),
        &keys(&wanted_series),
    )?;
    for (given_one, wanted_one) in given_series.iter().zip(&wanted_series) {
        compare_series(given, wanted, run, given_one, wanted_one)?;
    }
    compare_texts(given, wanted, run, limit)?;
    compare_hidden(given, wanted, run, &wanted_series)
}

fn compare_series(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    run: RunKey,
    given_one: &SeriesRecord,
    wanted_one: &SeriesRecord,
) -> Result<(), String> {
    let what = format!("series {}", wanted_one.key);
    let points = all_points(given, run, &wanted_one.key, false, 400);
    same(
        &what,
        &points,
        &all_points(wanted, run, &wanted_one.key, false, 10_000),
    )?;
    check_segments(given, run, &wanted_one.key, Some(&points))?;
    compare_history(given, wanted, run, &wanted_one.key)?;
    let magnitude = magnitude(&points);
    let mut fold = SummaryFold::default();
    for point in &points {
        fold.push(point.position.step, point.time, point.value.as_f64());
    }
    let folded = fold.finish();
    for other in [wanted_one.summary.sum, folded.sum] {
        if !sums_agree(given_one.summary.sum, other, magnitude) {
            return Err(format!(
                "sum of {what} is {}, not {other}",
                given_one.summary.sum
            ));
        }
    }
    let mut with_sum = given_one.clone();
    with_sum.summary.sum = wanted_one.summary.sum;
    same(&what, &with_sum, wanted_one)?;
    with_sum.summary.sum = folded.sum;
    same(
        &format!("summary of {what}, folded from its points"),
        &with_sum.summary,
        &folded,
    )
}

fn magnitude(points: &[Point]) -> f64 {
    let values = points.iter().map(|point| point.value.as_f64());
    values.filter(|value| value.is_finite()).map(f64::abs).sum()
}

/// Series of which nothing shows are not listed; their history is compared all the same.
fn compare_hidden(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    run: RunKey,
    listed: &[SeriesRecord],
) -> Result<(), String> {
    use crate::conformance::testing::{key, key_in};
    for key in [
        key("m0"),
        key("m1"),
        key_in("m1", "subset", "test"),
        key("m2"),
    ] {
        if listed.iter().all(|record| record.key != key) {
            compare_history(given, wanted, run, &key)?;
            // A fork knows the series that its parent had, also where nothing of them showed.
            let is_known = wanted.scan_points(run, &point_scan(&key, 1)).is_ok();
            let nothing: Option<&[Point]> = is_known.then_some(&[]);
            check_segments(given, run, &key, nothing)?;
        }
    }
    Ok(())
}

fn compare_history(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    run: RunKey,
    key: &runstone_model::SeriesKey,
) -> Result<(), String> {
    let given_history = all_points(given, run, key, true, 333);
    let wanted_history = all_points(wanted, run, key, true, 10_000);
    same(
        &format!("history of {key}"),
        &given_history,
        &wanted_history,
    )
}
