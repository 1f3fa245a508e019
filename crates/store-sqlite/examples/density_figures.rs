//! Where the bytes of folded points go: bytes a point in the file, and by column.
//!
//! `cargo run --release -p runstone-store-sqlite --example density_figures [FOLDER]`. Float noise with
//! microsecond clocks, 50 ms a step with some 5 % jitter. Each point has a time of its own: read after
//! that of the series before, apart from the other series, or a pause after the point before.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone_codec::ChunkHead;
use runstone_model::Timestamp;
use runstone_store::Store;
use runstone_store_sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;

mod makers;

use makers::{Clocks, EPOCH_MICROS, Maker, Values, makers};

fn main() {
    let root = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from)
        .join(format!("runstone-density-{}", std::process::id()));
    for (clocks, told) in [
        (Clocks::Track, "series after series"),
        (Clocks::Beat, "times around the beat"),
        (Clocks::Pause, "pauses between times"),
    ] {
        for (values, of) in [
            (Values::Float32, "float32 noise"),
            (Values::Float64, "float64 noise"),
        ] {
            // Runs, series, points a series, and points a series in a frame.
            for (runs, series, points, steps) in [
                (40, 100, 1_000, 100),
                (100, 1_500, 20, 20),
                (1, 100, 40_000, 100),
            ] {
                if points == 40_000 && values == Values::Float64 {
                    continue;
                }
                println!("{runs} runs of {series} series of {points} points, {of}, {told}");
                let change = |maker: Maker| maker.with(values, clocks);
                measure(&root, change, runs, series, points, steps);
            }
        }
    }
    let _ = std::fs::remove_dir_all(&root);
}

fn measure(
    folder: &Path,
    change: impl Fn(Maker) -> Maker,
    runs: u32,
    series: u32,
    points: u64,
    steps: u64,
) {
    let _ = std::fs::remove_dir_all(folder);
    let options = SqliteOptions {
        background: false,
        unfolded_points_max: u64::MAX,
        clock: Arc::new(|| Timestamp::from_micros(EPOCH_MICROS)),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder, options).unwrap();
    for mut maker in makers(&store, runs, series).into_iter().map(change) {
        for _ in 0..points / steps {
            store.append(maker.points(steps)).unwrap();
        }
    }
    store.fold(true).unwrap();
    store.close().unwrap();
    drop(store);
    tell(
        &folder.join("runstone.db"),
        u64::from(runs) * u64::from(series) * points,
    );
}

fn tell(file: &Path, points: u64) {
    let connection = Connection::open(file).unwrap();
    let number = |sql: &str| -> f64 {
        connection
            .query_row(sql, [], |row| row.get::<_, Option<f64>>(0))
            .unwrap()
            .unwrap_or(0.0)
    };
    let of = |bytes: f64| bytes / points as f64;
    let pages = number("SELECT page_count FROM pragma_page_count")
        - number("SELECT freelist_count FROM pragma_freelist_count");
    println!("  {:.3} bytes a point in the file", of(pages * 4096.0));
    let mut columns = [0usize; 7];
    let mut statement = connection.prepare("SELECT head FROM chunk").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let head = ChunkHead::parse(row.get_ref(0).unwrap().as_blob().unwrap()).unwrap();
        for (sum, length) in columns.iter_mut().zip(head.column_bytes()) {
            *sum += length;
        }
    }
    let chunks = number("SELECT CAST(count(*) AS REAL) FROM chunk");
    if chunks > 0.0 {
        let share = number("SELECT CAST(sum(points) AS REAL) FROM chunk") / chunks;
        println!(
            "  {chunks} chunks of {share:.0} points: heads {:.3}, steps {:.3}, times {:.3}, values {:.3}, \
             generations {:.3}, appends {:.3}, positions {:.3}",
            of(number("SELECT CAST(sum(length(head)) AS REAL) FROM chunk")),
            of(columns[0] as f64),
            of(columns[1] as f64),
            of(columns[2] as f64),
            of(columns[3] as f64),
            of(columns[4] as f64),
            of(columns[5] as f64),
        );
    }
    println!(
        "  {} packs: {:.3}; summaries {:.3}",
        number("SELECT CAST(count(*) AS REAL) FROM pack"),
        of(number("SELECT CAST(sum(length(body)) AS REAL) FROM pack")),
        of(number(
            "SELECT CAST(sum(length(body)) AS REAL) FROM run_summary"
        )),
    );
    let mut statement = connection
        .prepare(
            "SELECT name, CAST(sum(pgsize) AS REAL), CAST(sum(unused) AS REAL), \
             CAST(sum(payload) AS REAL) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 4",
        )
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        println!(
            "  {}: pages {:.3}, unused in them {:.3}, payload {:.3}",
            row.get::<_, String>(0).unwrap(),
            of(row.get(1).unwrap()),
            of(row.get(2).unwrap()),
            of(row.get(3).unwrap()),
        );
    }
}
