//! The deep check of a data folder, for `doctor --deep`: beyond [`check`] it asks whether what is
//! readable is also true.
//!
//! SQLite's whole integrity check, indexes against tables; every blob through its reader; every
//! reference between rows; the journal; and the summary of each series against a fold over its
//! readable points, read as any reader reads them. Nothing is changed. It reads everything once
//! or twice, so it takes as long as that does.
//!
//! [`check`]: crate::check

use std::path::Path;

use runstone_model::{RunId, RunKey, WorkspaceId};
use runstone_store::{
    PointScan, RunVisit, SeriesRecord, SeriesScan, SeriesSummary, Snapshot, Store, StoreError,
    SummaryFold,
};
use rusqlite::Connection;

use crate::bindings::check_bindings;
use crate::check::{CheckReport, check};
use crate::connection::open;
use crate::deep_rows::check_rows_against_bodies;
use crate::directory::check_series;
use crate::error::{Result, sql_error, with_path};
use crate::folder::database_file;
use crate::fork::check_shared;
use crate::lock::FolderLock;
use crate::rows::collect;
use crate::schema::SCHEMA_VERSION;
use crate::stripes::check_stripes;
use crate::{SqliteOptions, SqliteStore, sql};

/// Damages that are listed at most.
const DAMAGES_MAX: usize = 200;
/// Rows that are named of one kind of damage.
const NAMED_MAX: usize = 3;
/// Points that are read at a time.
const POINTS: usize = 16_384;
/// Series that are read at a time.
const SERIES: usize = 1_000;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong, and where.
    pub text: String,
    /// What to do about it.
    pub hint: &'static str,
}

const RESTORE: &str = "copy the folder away before anything else, then restore the last copy that \
    `runstone snapshot` made; scripts' spools still hold what they have not delivered";
pub(crate) const RUN_IS_HURT: &str = "the run can be read but for this; if its script's spool is gone, restore \
    the last copy that `runstone snapshot` made into another folder and compare";
const SUMMARY_IS_WRONG: &str = "the points are right and the table of runs is not; report this with \
    `runstone doctor --bundle`, and log or rewind something in the run to have it made anew";

/// What a deep check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeepReport {
    /// What the quick check counted.
    pub counted: CheckReport,
    /// Runs whose series were compared with their points.
    pub runs: u64,
    /// Series that were compared.
    pub series: u64,
    /// Points that were read.
    pub points: u64,
    /// Why series were not compared, if they were not.
    pub not_compared: Option<String>,
    /// What is wrong; empty if all is well. At most 200.
    pub damages: Vec<Damage>,
}

impl DeepReport {
    pub(crate) fn push(&mut self, text: String, hint: &'static str) {
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(Damage { text, hint });
        }
    }
}

/// Checks a data folder that nobody works in.
///
/// # Errors
/// Those of [`check`].
pub fn check_deep(folder: &Path) -> Result<DeepReport, StoreError> {
    let counted = check(folder)?;
    let mut report = DeepReport::default();
    for damage in &counted.damages {
        report.push(damage.clone(), RESTORE);
    }
    let is_present = counted.schema_version == SCHEMA_VERSION;
    report.counted = counted;
    if !is_present {
        report.not_compared = Some(format!(
            "the folder has schema version {}; `runstone up` migrates it",
            report.counted.schema_version
        ));
        return Ok(report);
    }
    check_rows(folder, &mut report).map_err(|error| with_path(folder, error))?;
    let compared = compare_folder(folder, &mut report);
    match compared.map_err(|error| with_path(folder, error)) {
        Ok(()) => Ok(report),
        Err(StoreError::Corrupt(reason)) => {
            report.push(reason, RESTORE);
            Ok(report)
        }
        Err(error) => Err(error),
    }
}

fn check_rows(folder: &Path, report: &mut DeepReport) -> Result<()> {
    let clock = SqliteOptions::default().clock;
    let _lock = FolderLock::take(folder, clock())?;
    let connection = open(&database_file(folder), 4 << 20)?;
    let lines = collect(&connection, sql::INTEGRITY, [], |row| {
        row.get::<_, String>(0).map_err(sql_error)
    });
    match lines {
        Ok(lines) => {
            for line in lines.into_iter().filter(|line| line != "ok") {
                // The quick check has told most of them.
                if !report.damages.iter().any(|damage| damage.text == line) {
                    report.push(line, RESTORE);
                }
            }
        }
        Err(StoreError::Corrupt(reason)) => report.push(reason, RESTORE),
        Err(error) => return Err(error),
    }
    for (what, statement) in sql::ORPHANS.into_iter().chain(sql::MISCOUNTS) {
        find_orphans(&connection, what, statement, report)?;
    }
    crate::entries::check::check_entries(&connection, |wrong| report.push(wrong, RUN_IS_HURT))?;
    check_bodies(
        &connection,
        sql::ALL_SERIES,
        "the series",
        check_series,
        report,
    )?;
    check_bodies(
        &connection,
        sql::ALL_BINDINGS,
        "the bindings",
        check_bindings,
        report,
    )?;
    check_bodies(
        &connection,
        sql::ALL_FORKS,
        "the shared series of the fork",
        check_shared,
        report,
    )?;
    check_rows_against_bodies(&connection, report)?;
    check_stripes(&connection, report)
}

fn find_orphans(
    connection: &Connection,
    what: &str,
    statement: &str,
    report: &mut DeepReport,
) -> Result<()> {
    let rows = collect(connection, statement, [], |row| {
        let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
        Ok((get(0)?, get(1)?))
    });
    let rows = match rows {
        Ok(rows) => rows,
        Err(StoreError::Corrupt(reason)) => {
            report.push(format!("{what} can't be looked for: {reason}"), RESTORE);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if rows.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = rows
        .iter()
        .take(NAMED_MAX)
        .map(|(owner, number)| format!("{owner}/{number}"))
        .collect();
    let more = if rows.len() > NAMED_MAX { ", ..." } else { "" };
    let (count, named) = (rows.len(), named.join(", "));
    report.push(format!("{what}: {count}, at {named}{more}"), RUN_IS_HURT);
    Ok(())
}

/// Reads every body of a table through its reader.
fn check_bodies(
    connection: &Connection,
    statement: &str,
    what: &str,
    readable: impl Fn(&[u8]) -> Result<()>,
    report: &mut DeepReport,
) -> Result<()> {
    let mut statement = connection.prepare(statement).map_err(sql_error)?;
    let mut rows = statement.query([]).map_err(sql_error)?;
    while let Ok(Some(row)) = rows.next() {
        let id: i64 = row.get(0).map_err(sql_error)?;
        let body: Vec<u8> = row.get(1).map_err(sql_error)?;
        if let Err(error) = readable(&body) {
            let (owner, number) = (id >> 24, id & 0xff_ffff);
            report.push(format!("{what} {owner}/{number}: {error}"), RUN_IS_HURT);
        }
    }
    Ok(())
}

/// Compares summaries with points, as readers see both.
fn compare_folder(folder: &Path, report: &mut DeepReport) -> Result<()> {
    let options = SqliteOptions {
        background: false,
        allow_network_file_system: true,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder, options)?;
    let snapshot = store.snapshot()?;
    let mut runs: Vec<(RunKey, RunId)> = Vec::new();
    for deleted in [false, true] {
        let visit = RunVisit {
            workspace: WorkspaceId::default(),
            deleted,
            ..RunVisit::default()
        };
        snapshot.visit_runs_unsorted(&visit, &mut |run| {
            runs.push((run.key, run.run.id));
            Ok(())
        })?;
    }
    runs.sort();
    for (key, id) in runs {
        report.runs += 1;
        match compare_run(snapshot.as_ref(), key, &id, report) {
            Ok(()) => {}
            Err(StoreError::Corrupt(reason)) => {
                report.push(format!("run {id}: {reason}"), RUN_IS_HURT);
            }
            Err(error) => return Err(error),
        }
    }
    drop(snapshot);
    store.close()
}

fn compare_run(
    snapshot: &dyn Snapshot,
    run: RunKey,
    id: &RunId,
    report: &mut DeepReport,
) -> Result<()> {
    snapshot.read_params(run)?;
    snapshot.read_events(run)?;
    snapshot.read_writers(run)?;
    let mut scan = SeriesScan {
        limit: SERIES,
        ..SeriesScan::default()
    };
    loop {
        let page = snapshot.scan_series(run, &scan)?;
        for record in &page.series {
            report.series += 1;
            match fold_points(snapshot, run, record, report) {
                Ok(None) => {}
                Ok(Some(wrong)) => report.push(
                    format!(
                        "the summary of {} in run {id} is wrong: {wrong}",
                        record.key
                    ),
                    SUMMARY_IS_WRONG,
                ),
                Err(StoreError::Corrupt(reason)) => report.push(
                    format!("points of {} in run {id}: {reason}", record.key),
                    RUN_IS_HURT,
                ),
                Err(error) => return Err(error),
            }
        }
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Folds the readable points of a series; what differs from its summary.
fn fold_points(
    snapshot: &dyn Snapshot,
    run: RunKey,
    record: &SeriesRecord,
    report: &mut DeepReport,
) -> Result<Option<String>> {
    let mut fold = SummaryFold::default();
    let mut magnitude = 0.0;
    let mut scan = PointScan {
        series: record.key.clone(),
        from_step: None,
        to_step: None,
        history: false,
        after: None,
        limit: POINTS,
    };
    loop {
        let page = snapshot.scan_points(run, &scan)?;
        report.points += page.points.len() as u64;
        for point in &page.points {
            let value = point.value.as_f64();
            fold.push(point.position.step, point.time, value);
            if value.is_finite() {
                magnitude += value.abs();
            }
        }
        match page.next {
            Some(next) => scan.after = Some(next),
            None => break,
        }
    }
    Ok(differs(record.summary, fold.finish(), magnitude))
}

/// Sums may differ by rounding: they are added up in another order.
fn differs(given: SeriesSummary, mut folded: SeriesSummary, magnitude: f64) -> Option<String> {
    let agree = given.sum.to_bits() == folded.sum.to_bits()
        || (given.sum - folded.sum).abs() <= 1e-9 * magnitude
        || !magnitude.is_finite()
        || !(given.sum.is_finite() && folded.sum.is_finite());
    if agree {
        folded.sum = given.sum;
    }
    // Text tells NaN from NaN as equal.
    let (given, folded) = (format!("{given:?}"), format!("{folded:?}"));
    (given != folded).then(|| format!("it says {given}, the points {folded}"))
}
