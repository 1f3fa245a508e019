//! This engine beside what the machine does without it, in one run: copying the same bytes in memory,
//! writing and syncing the same frames to a file, and a bare table of SQLite with one row a point.
//!
//! `cargo run --release -p runstone-store-sqlite --example reference_figures [FOLDER [SYNC_MILLIS]]`.
//! Frames and rows are made before the clock starts; each frame is synced before the next one of its
//! connection is taken up, everywhere. With SYNC_MILLIS each sync takes so long.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runstone_codec::{PackReader, SeriesColumns};
use runstone_model::Timestamp;
use runstone_store::{AppendFrame, Store};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};
use runstone_wire::OperationKind;
use rusqlite::{Connection, OpenFlags};

#[allow(dead_code, reason = "other figures use the rest")]
mod makers;
mod slow;

use makers::{EPOCH_MICROS, makers};
use slow::{FaultyVfs, slow_vfs};

const SERIES: u32 = 100;
const STEPS: u64 = 100;
const ROUNDS: usize = 3;

/// How a disk behaves.
#[derive(Clone)]
struct Disk {
    /// The VFS of SQLite.
    vfs: Option<String>,
    /// After a sync of a plain file.
    pause: Duration,
}

/// A row a point.
struct Point {
    series: u32,
    step: f64,
    time: i64,
    value: f64,
}

/// The same points in each shape, by connection.
struct Work {
    frames: Vec<Vec<AppendFrame>>,
    bytes: Vec<Vec<Vec<u8>>>,
    rows: Vec<Vec<Vec<Point>>>,
    points: f64,
}

#[derive(Clone, Copy)]
struct Figure {
    seconds: f64,
    bytes: f64,
}

fn main() {
    let folder = std::env::args().nth(1).filter(|folder| !folder.is_empty());
    let root = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let root = root.join(format!("runstone-references-{}", std::process::id()));
    let sync_millis = std::env::args().nth(2).map(|text| text.parse().unwrap());
    let pause = Duration::from_millis(sync_millis.unwrap_or(0));
    // Before the stores, so that it is dropped after them.
    let slow = sync_millis.map(|_| slow_vfs(pause));
    let vfs = slow.as_ref().map(FaultyVfs::name);
    let disk = Disk { vfs, pause };
    println!(
        "frames of {} points of {SERIES} metrics; median of {ROUNDS} rounds",
        u64::from(SERIES) * STEPS
    );
    println!(
        "{:<50}{:>12}{:>12}{:>20}",
        "", "M points/s", "bytes/point", "speed of the store"
    );
    for connections in [1, 8] {
        measure(&root, &disk, connections);
    }
    let _ = std::fs::remove_dir_all(&root);
}

fn measure(root: &Path, disk: &Disk, connections: u32) {
    let frames = 160 / connections as usize;
    let rounds: Vec<[Figure; 5]> = (0..ROUNDS)
        .map(|_| {
            let folder = root.join("store");
            let (store, work) = prepare(&folder, disk, connections, frames);
            let copied = copy(&work);
            let written = write(&root.join("plain"), disk, &work);
            let inserted = insert(&root.join("bare"), disk, &work);
            let (appended, folded) = append_and_fold(&folder, disk, store, work);
            [appended, folded, copied, written, inserted]
        })
        .collect();
    let points = f64::from(connections * SERIES) * STEPS as f64 * frames as f64;
    println!("{connections} connections, {points} points");
    let middle = |what: usize| {
        let mut of_rounds: Vec<Figure> = rounds.iter().map(|round| round[what]).collect();
        of_rounds.sort_by(|one, two| one.seconds.total_cmp(&two.seconds));
        of_rounds[ROUNDS / 2]
    };
    let store = middle(0).seconds;
    for (what, name) in [
        "store, append",
        "store, append, then fold",
        "copy in memory",
        "write and sync each frame, a file a connection",
        "bare SQLite, a row a point, a transaction a frame",
    ]
    .into_iter()
    .enumerate()
    {
        let figure = middle(what);
        println!(
            "{:<50}{:>12.3}{:>12.2}{:>18.2} x",
            format!("  {name}"),
            points / figure.seconds / 1e6,
            figure.bytes / points,
            store / figure.seconds
        );
    }
}

/// A store whose runs are open, and frames for it.
fn prepare(folder: &Path, disk: &Disk, connections: u32, frames: usize) -> (SqliteStore, Work) {
    let _ = std::fs::remove_dir_all(folder);
    let store = open(folder, disk);
    let frames: Vec<Vec<AppendFrame>> = makers(&store, connections, SERIES)
        .iter_mut()
        .map(|maker| (0..frames).map(|_| maker.points(STEPS)).collect())
        .collect();
    let each = |frames: &Vec<AppendFrame>| frames.iter().map(frame_bytes).collect();
    let bytes: Vec<Vec<Vec<u8>>> = frames.iter().map(each).collect();
    let rows: Vec<Vec<Vec<Point>>> = (0..)
        .zip(&frames)
        .map(|(run, frames)| frames.iter().map(|frame| points_of(frame, run)).collect())
        .collect();
    let points = rows.iter().flatten().map(Vec::len).sum::<usize>() as f64;
    let work = Work {
        frames,
        bytes,
        rows,
        points,
    };
    (store, work)
}

/// The bytes of a frame that make it large: its operations.
fn frame_bytes(frame: &AppendFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    for operation in &frame.frame.operations {
        bytes.extend_from_slice(operation.as_bytes());
    }
    bytes
}

/// Series of all runs are numbered through.
fn points_of(frame: &AppendFrame, run: u32) -> Vec<Point> {
    let mut points = Vec::new();
    for operation in &frame.frame.operations {
        let OperationKind::Points(pack) = operation.decode().unwrap().kind else {
            continue;
        };
        let reader = PackReader::parse(&pack).unwrap();
        let mut columns = SeriesColumns::default();
        for (index, entry) in reader.series().enumerate() {
            reader.decode(index, &mut columns).unwrap();
            for at in 0..columns.steps.len() {
                points.push(Point {
                    series: run * SERIES + entry.number,
                    step: columns.steps[at],
                    time: columns.times[at],
                    value: f64::from_bits(columns.values[at]),
                });
            }
        }
    }
    points
}

fn open(folder: &Path, disk: &Disk) -> SqliteStore {
    let options = SqliteOptions {
        background: false,
        unfolded_points_max: u64::MAX,
        vfs: disk.vfs.clone(),
        clock: Arc::new(|| Timestamp::from_micros(EPOCH_MICROS)),
        ..SqliteOptions::default()
    };
    SqliteStore::open(folder, options).unwrap()
}

fn append_and_fold(folder: &Path, disk: &Disk, store: SqliteStore, work: Work) -> (Figure, Figure) {
    let append = of_each(work.frames, |frames| {
        for frame in frames {
            store.append(frame).unwrap();
        }
    });
    store.close().unwrap();
    drop(store);
    let appended = Figure {
        seconds: append.as_secs_f64(),
        bytes: file_bytes(&folder.join("runstone.db")),
    };
    let store = open(folder, disk);
    let start = Instant::now();
    store.fold(true).unwrap();
    let fold = start.elapsed();
    store.close().unwrap();
    drop(store);
    let folded = Figure {
        seconds: (append + fold).as_secs_f64(),
        bytes: file_bytes(&folder.join("runstone.db")),
    };
    (appended, folded)
}

/// One thread a connection, until the last is done.
fn of_each<T: Send>(parts: Vec<T>, work: impl Fn(T) + Sync) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for part in parts {
            scope.spawn(|| work(part));
        }
    });
    start.elapsed()
}

fn copy(work: &Work) -> Figure {
    let bytes: usize = work.bytes.iter().flatten().map(Vec::len).sum();
    let room = |frames: &Vec<Vec<u8>>| vec![1_u8; frames.iter().map(Vec::len).sum()];
    let places: Vec<_> = work
        .bytes
        .iter()
        .map(|frames| (room(frames), frames))
        .collect();
    let took = of_each(places, |(mut place, frames)| {
        let mut at = 0;
        for frame in frames {
            place[at..at + frame.len()].copy_from_slice(frame);
            at += frame.len();
        }
        std::hint::black_box(&place);
    });
    Figure {
        seconds: took.as_secs_f64(),
        bytes: bytes as f64,
    }
}

fn write(folder: &Path, disk: &Disk, work: &Work) -> Figure {
    renew(folder);
    let bytes: usize = work.bytes.iter().flatten().map(Vec::len).sum();
    let files: Vec<_> = (0..)
        .zip(&work.bytes)
        .map(|(number, frames): (u32, _)| {
            let file = File::create(folder.join(number.to_string())).unwrap();
            (file, frames)
        })
        .collect();
    let took = of_each(files, |(mut file, frames)| {
        for frame in frames {
            file.write_all(frame).unwrap();
            file.sync_data().unwrap();
            if !disk.pause.is_zero() {
                std::thread::sleep(disk.pause);
            }
        }
    });
    Figure {
        seconds: took.as_secs_f64(),
        bytes: bytes as f64,
    }
}

/// A row a point, a transaction a frame, the log synced at each commit.
fn insert(folder: &Path, disk: &Disk, work: &Work) -> Figure {
    renew(folder);
    let path = folder.join("bare.db");
    let connect = || {
        let flags = OpenFlags::default();
        let connection = match &disk.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(&path, flags, vfs.as_str()),
            None => Connection::open_with_flags(&path, flags),
        };
        let connection = connection.unwrap();
        connection.busy_timeout(Duration::from_secs(600)).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
            .pragma_update(None, "synchronous", "FULL")
            .unwrap();
        connection
    };
    let first = connect();
    first
        .execute_batch(
            "CREATE TABLE points (series INTEGER, step REAL, time INTEGER, value REAL, \
             PRIMARY KEY (series, step)) WITHOUT ROWID",
        )
        .unwrap();
    let parts: Vec<_> = work.rows.iter().map(|frames| (connect(), frames)).collect();
    let took = of_each(parts, |(connection, frames)| {
        let mut insert = connection
            .prepare("INSERT INTO points VALUES (?1, ?2, ?3, ?4)")
            .unwrap();
        for frame in frames {
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            for point in frame {
                insert
                    .execute((point.series, point.step, point.time, point.value))
                    .unwrap();
            }
            connection.execute_batch("COMMIT").unwrap();
        }
    });
    let count = first.query_row("SELECT count(*) FROM points", [], |row| {
        row.get::<_, i64>(0)
    });
    assert!((count.unwrap() as f64 - work.points).abs() < 0.5);
    first.close().unwrap();
    Figure {
        seconds: took.as_secs_f64(),
        bytes: file_bytes(&path),
    }
}

fn renew(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
}

/// Pages of a database that hold something.
fn file_bytes(path: &Path) -> f64 {
    let connection = Connection::open(path).unwrap();
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .unwrap() as f64
    };
    (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
}
