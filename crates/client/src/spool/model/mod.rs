//! The line of segments under a model checker: the very files that the spool is made of, compiled
//! once more with the checker's atomics and locks.
//!
//! Small segments, several threads that push points, points with epochs and operations, one reader
//! that reads and releases, one keeper that brings spares, notes what is published, and lets
//! memory go. The memory of a segment fails the test when it is touched after it was let go.

#![allow(dead_code, reason = "what only the spool uses of the same files")]
#![allow(clippy::duplicate_mod, reason = "the point of this module")]

#[path = "../line.rs"]
mod line;
#[path = "../live.rs"]
mod live;
#[path = "../reservation.rs"]
mod reservation;
#[path = "../segments.rs"]
mod segments;
#[path = "../slot.rs"]
mod slot;
mod sync;

use std::cell::RefCell;

use self::line::{Asks, Line};
use self::live::LiveCursor;
use self::segments::{SegmentMemory, State};
use self::slot::{Content, KIND_POINT, KIND_POINT_EPOCH, SLOT_WORDS, tag};
use self::sync::{Arc, AtomicU64};
use super::{checksum, record};

/// Words that stay when the memory is let go, as a file would.
type File = std::sync::Arc<Vec<AtomicU64>>;

thread_local! {
    /// What was in each memory when it was let go. The checker runs all its threads on one.
    static GONE: RefCell<Vec<(File, Vec<u64>)>> = const { RefCell::new(Vec::new()) };
}

struct Memory {
    file: File,
    salt: u64,
}

impl SegmentMemory for Memory {
    type Origin = File;

    fn words(&self) -> &[AtomicU64] {
        &self.file
    }

    fn salt(&self) -> u64 {
        self.salt
    }

    fn assign(&self, _number: u64, _first_slot: u64) {}

    fn mirror(&self, _word: usize, _words: &[u64]) {}

    fn note_chain(&self, _chain: u64) {}

    fn origin(&self) -> Option<File> {
        Some(std::sync::Arc::clone(&self.file))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // Without points of the schedule: nothing may be between looking and noting.
        let words = raw_words(&self.file);
        GONE.with_borrow_mut(|gone| gone.push((std::sync::Arc::clone(&self.file), words)));
    }
}

#[allow(
    unsafe_code,
    reason = "the checker's own way to look without a point of the schedule"
)]
fn raw_words(file: &File) -> Vec<u64> {
    // SAFETY: the checker runs one of its threads at a time, all on this one.
    file.iter().map(|word| unsafe { word.raw_load() }).collect()
}

fn memory(slots: usize, salt: u64) -> Arc<Memory> {
    Arc::new(Memory {
        file: std::sync::Arc::new((0..slots * SLOT_WORDS).map(|_| AtomicU64::new(0)).collect()),
        salt,
    })
}

/// No push wrote to a memory after it was let go.
fn assert_none_touched_too_late() {
    for (file, words) in GONE.take() {
        assert_eq!(raw_words(&file), words, "written after it was let go");
    }
}

fn check(test: impl Fn() + Send + Sync + 'static, iterations: usize) {
    let test = std::sync::Arc::new(move || {
        GONE.take();
        test();
        assert_none_touched_too_late();
    });
    let mut config = shuttle::Config::new();
    config.stack_size = 1 << 20;
    let random = shuttle::scheduler::RandomScheduler::new(iterations);
    let again = std::sync::Arc::clone(&test);
    shuttle::Runner::new(random, config.clone()).run(move || test());
    let priorities = shuttle::scheduler::PctScheduler::new(3, iterations);
    shuttle::Runner::new(priorities, config).run(move || again());
}

fn push(line: &Line<Memory>, series: u32, step: u64, epoch: bool) -> bool {
    let body = [step, 0, 0];
    let kind = if epoch { KIND_POINT_EPOCH } else { KIND_POINT };
    let slots = if epoch { 2 } else { 1 };
    if !epoch && line.push_one(tag(kind, series), body) {
        return true;
    }
    let make = |_: &State<Memory>| Some(memory(4, 1000 + step));
    let Some(at) = (line.reserve(slots)).or_else(|| line.reserve_slowly(slots, Asks::Point, make))
    else {
        return false;
    };
    if epoch {
        line.publish_with_epoch(&at, tag(kind, series), body, 7);
    } else {
        line.publish_one(&at, tag(kind, series), body);
    }
    true
}

fn push_operation(line: &Line<Memory>, payload: &[u8], room: bool) -> bool {
    let slots = slot::blob_slots(payload.len());
    let make = |_: &State<Memory>| room.then(|| memory(5, 2000));
    let Some(at) =
        (line.reserve(slots)).or_else(|| line.reserve_slowly(slots, Asks::Operation, make))
    else {
        return false;
    };
    line.publish_blob(&at, payload, 0);
    true
}

/// What the keeper does for a line.
fn tend(line: &Line<Memory>, salt: u64) {
    line.offer(memory(3, salt), false);
    for index in 0..4 {
        let found = line.lock().unpublished(index);
        if let Some((memory, from)) = found {
            let number = line
                .lock()
                .segments
                .get(index)
                .map(|segment| segment.number);
            let slots = (memory.words().len() / SLOT_WORDS) as u64;
            let until = slot::published_until(memory.words(), slots, from);
            let mut state = line.lock();
            // Another segment may stand at the index by now.
            if state.segments.get(index).map(|segment| segment.number) == number
                && state
                    .segments
                    .get(index)
                    .is_some_and(|s| s.place.slots == slots)
                && (state.segments[index].memory.as_ref()).is_some_and(|m| Arc::ptr_eq(m, &memory))
            {
                line.note_published(&mut state, index, until);
            }
        }
    }
    let mut state = line.lock();
    let newest = state.segments.len() - 1;
    let mut gone = Vec::new();
    for segment in state.segments.range_mut(..newest) {
        if segment.is_complete() {
            gone.extend(segment.memory.take());
        }
    }
    drop(state);
}

#[derive(Default)]
struct Heard {
    rows: Vec<(u32, u64)>,
    operations: usize,
}

fn read_on(line: &Line<Memory>, cursor: &mut LiveCursor<Memory>, heard: &mut Heard) {
    let mut payload = Vec::new();
    let fetch = |file: &File, _: Option<u64>| -> Result<Vec<u64>, ()> {
        let load = |word: &AtomicU64| word.load(sync::Ordering::SeqCst);
        Ok(file.iter().map(load).collect())
    };
    while let Some(found) = cursor.next(line, &mut payload, fetch).unwrap() {
        match found.content {
            Content::Point(point) => {
                heard.rows.push((point.series, point.step.to_bits()));
                assert_eq!(point.epoch.is_some(), found.slots == 2);
            }
            Content::Operation { .. } => heard.operations += 1,
            other => panic!("{other:?} at {}", cursor.slot),
        }
    }
    // Release: what is read may go.
    let mark = cursor.slot;
    let mut state = line.lock();
    while line.take_released(&mut state, mark).is_some() {}
}

fn assert_each_once(mut rows: Vec<(u32, u64)>, threads: u32, each: u64) {
    for series in 0..threads {
        let steps: Vec<u64> = rows
            .iter()
            .filter(|row| row.0 == series)
            .map(|row| row.1)
            .collect();
        assert_eq!(
            steps,
            (0..each).collect::<Vec<_>>(),
            "order within a thread"
        );
    }
    rows.sort_unstable();
    assert_eq!(rows.len() as u64, u64::from(threads) * each);
}

/// Several threads push across rotations while a reader reads and releases and a keeper tends.
fn pushes_reads_and_tending() {
    let (threads, each) = (3_u32, 5_u64);
    let line = Arc::new(Line::new(memory(3, 1), false));
    let mut workers = Vec::new();
    for series in 0..threads {
        let line = Arc::clone(&line);
        workers.push(shuttle::thread::spawn(move || {
            for step in 0..each {
                assert!(push(&line, series, step, step % 2 == 1));
                if step == 2 {
                    assert!(push_operation(&line, &[9; 40], true));
                }
            }
        }));
    }
    let keeper = {
        let line = Arc::clone(&line);
        shuttle::thread::spawn(move || {
            for salt in 0..4 {
                tend(&line, 100 + salt);
                shuttle::thread::yield_now();
            }
        })
    };
    let mut cursor = LiveCursor::new(0, 0);
    let mut heard = Heard::default();
    for _ in 0..4 {
        read_on(&line, &mut cursor, &mut heard);
        shuttle::thread::yield_now();
    }
    for worker in workers {
        worker.join().unwrap();
    }
    keeper.join().unwrap();
    read_on(&line, &mut cursor, &mut heard);
    assert_eq!(heard.operations, threads as usize);
    assert_each_once(heard.rows, threads, each);
    assert_eq!(cursor.slot, line.next_slot(), "dense");
}

/// One push sleeps between looking for the current segment and taking a slot, while the handle it
/// saw is used again for a later segment. As few steps as that takes, so that it is met often.
fn a_push_that_slept() {
    let line = Arc::new(Line::new(memory(1, 1), false));
    let sleeper = {
        let line = Arc::clone(&line);
        shuttle::thread::spawn(move || assert!(push(&line, 1, 0, false)))
    };
    let mut pushed = 0;
    for step in 0..3 {
        let body = [step, 0, 0];
        // The third one, which uses the first handle again, has a slot to spare.
        let make = |_: &State<Memory>| Some(memory(step as usize, 10 + step));
        if let Some(at) = line.reserve_slowly(1, Asks::Point, make) {
            line.publish_one(&at, tag(KIND_POINT, 0), body);
            pushed += 1;
        }
        let mut state = line.lock();
        for index in 0..state.segments.len() {
            if let Some((memory, from)) = state.unpublished(index) {
                let slots = (memory.file.len() / SLOT_WORDS) as u64;
                let until = slot::published_until(raw_words(&memory.file).as_slice(), slots, from);
                line.note_published(&mut state, index, until);
            }
        }
    }
    sleeper.join().unwrap();
    let (mut cursor, mut heard) = (LiveCursor::new(0, 0), Heard::default());
    read_on(&line, &mut cursor, &mut heard);
    let sleepers = heard.rows.iter().filter(|row| row.0 == 1).count();
    assert_eq!((heard.rows.len(), sleepers), (pushed + 1, 1));
    assert_eq!(cursor.slot, line.next_slot(), "dense");
}

/// No room comes and goes: points are dropped or read, operations go to the reserve.
fn no_room_and_room_again() {
    let line = Arc::new(Line::new(memory(2, 1), false));
    line.offer(memory(4, 2), true);
    let pusher = {
        let line = Arc::clone(&line);
        shuttle::thread::spawn(move || {
            let mut returned = Vec::new();
            for step in 0..6 {
                let body = [step, 0, 0];
                let pushed = line.push_one(tag(KIND_POINT, 1), body)
                    || line
                        .reserve_slowly(1, Asks::Point, |_| None)
                        .map(|at| line.publish_one(&at, tag(KIND_POINT, 1), body))
                        .is_some();
                if pushed {
                    returned.push((1, step));
                }
            }
            returned
        })
    };
    let operations = {
        let line = Arc::clone(&line);
        shuttle::thread::spawn(move || {
            (0..3)
                .filter(|_| push_operation(&line, &[1; 8], false))
                .count()
        })
    };
    let keeper = {
        let line = Arc::clone(&line);
        shuttle::thread::spawn(move || {
            line.offer(memory(3, 3), false);
            line.retry();
            line.offer(memory(4, 4), true);
        })
    };
    let mut cursor = LiveCursor::new(0, 0);
    let mut heard = Heard::default();
    read_on(&line, &mut cursor, &mut heard);
    let returned = pusher.join().unwrap();
    let operations = operations.join().unwrap();
    keeper.join().unwrap();
    read_on(&line, &mut cursor, &mut heard);
    assert_eq!(heard.rows, returned);
    assert_eq!(heard.operations, operations);
    assert_eq!(cursor.slot, line.next_slot());
    assert!(line.close_at(cursor.slot));
    assert!(!push(&line, 1, 0, false));
}

/// A line is closed at a mark, or something was pushed past it: never both.
fn close_or_push() {
    let line = Arc::new(Line::new(memory(3, 1), false));
    let pusher = {
        let line = Arc::clone(&line);
        shuttle::thread::spawn(move || (0..2).filter(|step| push(&line, 1, *step, false)).count())
    };
    let closed = line.close_at(0);
    let pushed = pusher.join().unwrap();
    if closed {
        assert_eq!((pushed, line.next_slot()), (0, 0));
    } else {
        assert_eq!((pushed, line.next_slot()), (2, 2));
    }
}

#[test]
fn every_returned_push_is_read_once_in_order_and_dense() {
    check(pushes_reads_and_tending, 1_500);
}

#[test]
fn a_push_that_slept_finds_no_room_or_the_new_segment() {
    check(a_push_that_slept, 15_000);
}

#[test]
fn with_no_room_what_returned_is_read_and_the_reserve_is_for_operations() {
    check(no_room_and_room_again, 2_000);
}

#[test]
fn a_line_is_closed_or_pushed_to() {
    check(close_or_push, 2_000);
}
