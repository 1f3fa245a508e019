//! Summaries by metric: what tables read of them is what runs say, before and after everything that
//! can happen to a run, and nothing is left of passes that were cut off.

use std::path::Path;

use runstone_model::{ParamValue, RunId, RunKey, Timestamp, ValueType, WorkspaceId, WriterId};
use runstone_store::conformance::testing::{FrameBuilder, key_in, open_run, param_path, setting};
use runstone_store::{
    EditRequest, MetricCell, MetricColumn, ReclaimRequest, RunAction, RunStand, RunVisit,
    SeriesScan, Snapshot, Store,
};
use runstone_store_sqlite::{FoldLayout, SqliteOptions, SqliteStore, check_deep};
use runstone_wire::OpenMode;
use rusqlite::Connection;
use tempfile::TempDir;

const RUNS: u32 = 300;

fn options() -> SqliteOptions {
    SqliteOptions {
        background: false,
        layout: FoldLayout {
            striped_runs_min: 64,
            striped_rows_max: 500,
            slice_bytes_max: 1_000,
            ..FoldLayout::default()
        },
        ..SqliteOptions::default()
    }
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, options()).unwrap()
}

fn connect(folder: &Path) -> Connection {
    Connection::open(folder.join("runstone.db")).unwrap()
}

fn numbers(folder: &Path, sql: &str) -> Vec<i64> {
    let connection = connect(folder);
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|at| row.get(at))
            .collect::<Result<Vec<i64>, _>>()
    });
    rows.unwrap().flat_map(Result::unwrap).collect()
}

/// A run of three metrics, one in two contexts and one of its own, that has ended.
fn fill(store: &SqliteStore, run: u32) -> FrameBuilder {
    let mut id = [3; 16];
    id[..4].copy_from_slice(&run.to_le_bytes());
    let mut builder = FrameBuilder::of_writer(&format!("run-{run}"), WriterId::new(id));
    let mut opened = open_run(OpenMode::Create);
    opened.config = vec![setting("lr", ParamValue::F64(f64::from(run) / 7.0), false)];
    builder.open(true, opened);
    let value = |step: u32| f64::from((run * 31 + step) % 101) / 3.0;
    let loss = builder.metric("loss");
    builder.log(loss, (0..20).map(|step| (f64::from(step), value(step))));
    for subset in ["test", "val"] {
        if !run.is_multiple_of(3) || subset == "val" {
            let tested = builder.series(&key_in("acc", "subset", subset), ValueType::F64, false);
            builder.log(
                tested,
                [(f64::from(run), value(7)), (f64::from(run + 1), f64::NAN)],
            );
        }
    }
    let own = builder.metric(&format!("own/{}", run % 50));
    builder.log(own, [(1.0, f64::from(run))]);
    store.append(builder.frame()).unwrap();
    builder
}

fn stands(snapshot: &dyn Snapshot) -> Vec<RunStand> {
    let mut stands = Vec::new();
    snapshot
        .visit_runs_unsorted(&RunVisit::default(), &mut |run| {
            stands.push(RunStand {
                key: run.key,
                changed: run.changed,
            });
            Ok(())
        })
        .unwrap();
    stands.sort_by_key(|stand| stand.key);
    stands
}

fn columns() -> Vec<MetricColumn> {
    let test = key_in("acc", "subset", "test");
    let column = |name: &str, context| MetricColumn {
        name: name.parse().unwrap(),
        context,
    };
    vec![
        column("loss", None),
        column("acc", None),
        column("acc", Some(test.context)),
        column("own/7", None),
        column("nothing", None),
    ]
}

fn read(
    snapshot: &dyn Snapshot,
    column: &MetricColumn,
    stands: &[RunStand],
) -> Vec<Option<MetricCell>> {
    let mut cells = vec![None; stands.len()];
    snapshot
        .visit_metric_column(column, stands, &mut |index, cell| {
            cells[index] = Some(*cell)
        })
        .unwrap();
    cells
}

/// What the series of a run say.
fn wanted(snapshot: &dyn Snapshot, column: &MetricColumn, run: RunKey) -> Option<MetricCell> {
    let page = snapshot.scan_series(
        run,
        &SeriesScan {
            name: Some(column.name.clone()),
            context: column.context.clone(),
            limit: 1,
            ..SeriesScan::default()
        },
    );
    let page = page.unwrap();
    let record = page.series.first()?;
    MetricCell::new(record.value_type, &record.summary)
}

fn assert_columns_are_right(store: &SqliteStore) {
    let snapshot = store.snapshot().unwrap();
    let stands = stands(&*snapshot);
    for column in columns() {
        let cells = read(&*snapshot, &column, &stands);
        for (stand, cell) in stands.iter().zip(cells) {
            let wanted = wanted(&*snapshot, &column, stand.key);
            assert_eq!(
                format!("{cell:?}"),
                format!("{wanted:?}"),
                "{column:?} of {stand:?}"
            );
        }
    }
    let mut params = 0;
    snapshot
        .visit_param_column(&param_path("lr"), &stands, &mut |index, value| {
            params += 1;
            let found = snapshot
                .find_param(stands[index].key, &param_path("lr"))
                .unwrap();
            assert_eq!(Some(value), found.as_ref());
        })
        .unwrap();
    assert_eq!(params, stands.len());
}

fn filled() -> (TempDir, SqliteStore, Vec<FrameBuilder>) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let mut builders: Vec<FrameBuilder> = (0..RUNS).map(|run| fill(&store, run)).collect();
    for builder in &mut builders {
        store.append(builder.close().frame()).unwrap();
    }
    store.fold(true).unwrap();
    (folder, store, builders)
}

fn assert_sound(folder: &Path) {
    let report = check_deep(folder).unwrap();
    assert!(report.damages.is_empty(), "{:?}", report.damages);
    let outside = "SELECT s.id FROM stripe s LEFT JOIN band b ON b.id = s.band \
        AND s.id & 16777215 >= b.stripes_first AND s.id & 16777215 < b.stripes_next WHERE b.id IS NULL";
    assert_eq!(numbers(folder, outside), [0; 0], "stripes were left");
}

#[test]
fn a_table_of_many_runs_reads_a_stripe_instead_of_their_summaries() {
    let (folder, store, _) = filled();
    assert_columns_are_right(&store);
    store.close().unwrap();
    drop(store);
    assert_eq!(numbers(folder.path(), "SELECT id FROM band"), [0]);
    assert_sound(folder.path());
    let store = open(folder.path());
    assert_columns_are_right(&store);
    store.close().unwrap();
    drop(store);
    // Without the summaries of runs the stripes still say it all.
    connect(folder.path())
        .execute("DELETE FROM run_summary", [])
        .unwrap();
    let store = open(folder.path());
    let snapshot = store.snapshot().unwrap();
    let stands = stands(&*snapshot);
    for (column, count) in columns().iter().zip([300, 300, 200, 6, 0]) {
        let cells = read(&*snapshot, column, &stands);
        assert_eq!(cells.iter().flatten().count(), count, "{column:?}");
    }
    // Of few runs the summaries are read.
    let store = open_copy(folder.path());
    let snapshot = store.1.snapshot().unwrap();
    assert_eq!(read(&*snapshot, &columns()[0], &stands[..2]), [None, None]);
}

fn open_copy(folder: &Path) -> (TempDir, SqliteStore) {
    let copy = TempDir::new().unwrap();
    std::fs::copy(folder.join("runstone.db"), copy.path().join("runstone.db")).unwrap();
    let store = open(copy.path());
    (copy, store)
}

#[test]
fn what_happens_to_runs_shows_at_once_and_in_stripes_later() {
    let (folder, store, builders) = filled();
    let first = numbers(
        folder.path(),
        "SELECT stripes_first, stripes_next FROM band",
    );
    // A few: their own summaries are read, and the stripes stay.
    for (run, mut builder) in builders.into_iter().enumerate().take(100) {
        let loss = builder.metric("loss");
        match run % 4 {
            0 => drop(builder.log(loss, [(100.0, -5.0)])),
            1 => drop(builder.rewind(9.0)),
            2 => drop(builder.log(loss, [(3.0, 99.5)])),
            _ => {
                delete(&store, vec![builder.run().clone()]);
                continue;
            }
        }
        store.append(builder.frame()).unwrap();
        if run == 20 || run == 60 || run == 99 {
            assert_columns_are_right(&store);
            store.fold(true).unwrap();
            assert_columns_are_right(&store);
        }
        let now = numbers(
            folder.path(),
            "SELECT stripes_first, stripes_next FROM band",
        );
        assert_eq!(now == first, run < 99, "{run}: {now:?}");
    }
    // Runs that are gone leave the stripes, and stripes without a run go.
    let all = (0..RUNS).map(|run| RunId::new(format!("run-{run}")).unwrap());
    delete(&store, all.collect());
    let request = ReclaimRequest {
        at: Timestamp::from_micros(i64::MAX / 2),
        trash_seconds: Some(0),
        longest: std::time::Duration::from_secs(60),
    };
    store.reclaim(&request).unwrap();
    store.close().unwrap();
    drop(store);
    assert_eq!(
        numbers(
            folder.path(),
            "SELECT count(*) FROM band UNION ALL SELECT count(*) FROM stripe"
        ),
        [0, 0]
    );
    assert_sound(folder.path());
}

#[test]
fn what_a_pass_has_left_that_was_cut_off_goes() {
    let (folder, store, _) = filled();
    store.close().unwrap();
    drop(store);
    // Stripes after those that count, and stripes of a band that never got its row.
    let connection = connect(folder.path());
    let copy = "INSERT INTO stripe SELECT id + ?1, band + (?1 >> 24), name, context, body FROM stripe \
        WHERE id < (SELECT stripes_next FROM band WHERE id = 0) LIMIT 3";
    for apart in [1_000_000, 5 << 24] {
        assert_eq!(connection.execute(copy, [apart]).unwrap(), 3);
    }
    drop(connection);
    let store = open(folder.path());
    assert_columns_are_right(&store);
    for run in 0..80 {
        let run = RUNS + run;
        let mut builder = fill(&store, run);
        store.append(builder.close().frame()).unwrap();
    }
    store.fold(true).unwrap();
    assert_columns_are_right(&store);
    store.close().unwrap();
    drop(store);
    assert_sound(folder.path());
}

#[test]
fn a_damaged_stripe_is_found_and_tables_read_on() {
    let (folder, store, _) = filled();
    store.close().unwrap();
    drop(store);
    connect(folder.path())
        .execute(
            "UPDATE stripe SET body = zeroblob(20) WHERE name = 'acc'",
            [],
        )
        .unwrap();
    let store = open(folder.path());
    assert_columns_are_right(&store);
    store.close().unwrap();
    drop(store);
    let report = check_deep(folder.path()).unwrap();
    let texts: Vec<&str> = report
        .damages
        .iter()
        .map(|damage| damage.text.as_str())
        .collect();
    assert!(
        texts.iter().any(|text| text.starts_with("stripe 0:")),
        "{texts:?}"
    );
    connect(folder.path())
        .execute("UPDATE band SET roll = zeroblob(20)", [])
        .unwrap();
    let store = open(folder.path());
    assert_columns_are_right(&store);
}

fn delete(store: &SqliteStore, runs: Vec<RunId>) {
    let request = EditRequest {
        workspace: WorkspaceId::default(),
        runs,
        action: RunAction::Delete,
        at: Timestamp::from_micros(1),
    };
    store.edit(&request).unwrap();
}
