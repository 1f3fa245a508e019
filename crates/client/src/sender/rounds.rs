//! The sender's work: one frame of each run in turn, for ever.
//!
//! It sends the next frame of a run when the last answer has arrived, without batching delay; polls
//! for a moment after work; then arms the bell and sleeps until the next point rings it. A server
//! that does not answer rests its runs, with growing pauses; the points go on into the spool
//! meanwhile. When there is time it delivers what dead processes of this host left for the same
//! server.
//!
//! The surprising rule: while a server rests the bell is not armed, or each point would wake a
//! thread that can do nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use runstone_wire::Completeness;

use super::exchange::{Exchanged, Surroundings, exchange};
use super::live::{Line, Live};
use super::points::PointSorter;
use super::rest::{REST_MAX, REST_MAX_LOOPBACK, Rest};
use super::runtime::Shared;
use super::session::{Session, Verdict};
use crate::deliver::FolderDelivery;
use crate::http::{Connection, Trouble};
use crate::identity::WireName;
use crate::run::RunWriter;
use crate::spool::{Bell, Leftover, SpoolReader, leftover_spools};
use crate::warning::{WarningKind, warn_once};

/// How long to poll after work before sleeping with the bell.
const POLL_FOR: Duration = Duration::from_millis(20);
const POLL_EVERY: Duration = Duration::from_millis(2);
/// Longest sleep; a lost ring costs no more than this.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Longest sleep while a server rests.
const REST_SLICE: Duration = Duration::from_millis(250);
/// A server that kept the others of a process waiting rests so many times as long.
const RESTS_FOR_SILENCE: u32 = 3;
/// Signs of life, with up to a fifth of jitter.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(60);

enum Step {
    Nothing,
    Worked,
}

pub(super) struct Sender {
    shared: &'static Shared,
    lines: Vec<Line>,
    lives: Vec<Live>,
    /// Folders of dead processes, each with its line; they are opened one at a time.
    leftovers: VecDeque<(usize, Leftover)>,
    delivery: Option<(usize, FolderDelivery)>,
    sorter: PointSorter,
    random: u64,
}

impl Sender {
    pub(super) fn new(shared: &'static Shared) -> Self {
        let seed = crate::identity::random_bytes().map_or(0x9e37_79b9, u64::from_le_bytes);
        Self {
            shared,
            lines: Vec::new(),
            lives: Vec::new(),
            leftovers: VecDeque::new(),
            delivery: None,
            sorter: PointSorter::default(),
            random: seed | 1,
        }
    }

    pub(super) fn work(mut self) {
        let bell = Bell::of_this_process();
        let mut worked_at = Instant::now();
        loop {
            self.adopt();
            if self.shared.hurry.swap(false, Ordering::AcqRel) {
                self.hurry();
            }
            if self.pass() {
                worked_at = Instant::now();
                continue;
            }
            let now = Instant::now();
            if now.duration_since(worked_at) < POLL_FOR {
                bell.wait(POLL_EVERY);
                continue;
            }
            if let Some(rest) = self.shortest_rest(now) {
                bell.wait(rest.min(REST_SLICE));
                continue;
            }
            bell.arm();
            if self.lives.iter().any(|live| live.session.has_more()) {
                // A slot was handed out and is not published yet.
                bell.disarm();
                bell.wait(POLL_EVERY);
                continue;
            }
            bell.wait(self.sleep(now));
        }
    }

    /// Ends the rests of the writers that somebody waits for.
    fn hurry(&mut self) {
        let now = Instant::now();
        for live in &mut self.lives {
            if live.writer.is_hurried.swap(false, Ordering::AcqRel) {
                live.rest.hurry(now);
                self.lines[live.line].rest.hurry(now);
            }
        }
    }

    /// Time to the first sign of life, or the longest sleep.
    fn sleep(&self, now: Instant) -> Duration {
        self.lives
            .iter()
            .map(|live| {
                let beat = live.beat_at.saturating_duration_since(now);
                let line = self.lines[live.line].rest.left(now);
                beat.max(line.max(live.rest.left(now)).unwrap_or_default())
            })
            .fold(SLEEP_MAX, Duration::min)
            .max(POLL_EVERY)
    }

    /// The shortest rest among those that keep something from being sent.
    fn shortest_rest(&self, now: Instant) -> Option<Duration> {
        let lives = self
            .lives
            .iter()
            .filter(|live| live.session.has_more())
            .filter_map(|live| {
                let line = self.lines[live.line].rest.left(now);
                line.max(live.rest.left(now))
            });
        let delivery = self
            .delivery
            .as_ref()
            .and_then(|(line, _)| self.lines[*line].rest.left(now));
        lives.chain(delivery).min()
    }

    /// Takes in new writers.
    fn adopt(&mut self) {
        let writers = {
            let mut inbox = self.shared.inbox();
            let writers = std::mem::take(&mut inbox.writers);
            inbox.running.extend(writers.iter().cloned());
            writers
        };
        for writer in writers {
            let settings = &writer.settings;
            let line = self.line_of(&writer);
            let folder = writer.spool.folder();
            let name = WireName::read(folder, writer.spool.writer());
            let surroundings =
                Surroundings::new(folder, &settings.spool_root, &settings.host_id, true);
            let reader = SpoolReader::live(&writer.spool);
            match Session::open(reader, settings.run.clone(), name) {
                Ok(session) => {
                    let now = Instant::now();
                    let beat_at = now + self.beat_pause();
                    self.lives.push(Live {
                        session,
                        surroundings,
                        line,
                        rest: Rest::new(REST_MAX),
                        beat_at,
                        told: Completeness::default(),
                        told_at: now,
                        looked_at: now,
                        writer,
                    });
                }
                Err(error) => {
                    writer.report(|progress| progress.failing = true);
                    warn_once(WarningKind::Spool, "read", || {
                        format!("the spool cannot be read: {error}")
                    });
                }
            }
        }
    }

    fn line_of(&mut self, writer: &RunWriter) -> usize {
        let (destination, token) = (&writer.settings.destination, &writer.settings.token);
        let known = self
            .lines
            .iter()
            .position(|line| line.connection.destination == *destination && line.token == *token);
        known.unwrap_or_else(|| {
            let pause_max = if destination.is_loopback() {
                REST_MAX_LOOPBACK
            } else {
                REST_MAX
            };
            self.lines.push(Line {
                connection: Connection::new(destination.clone(), token.as_deref()),
                token: token.clone(),
                rest: Rest::new(pause_max),
                searched: false,
            });
            self.lines.len() - 1
        })
    }

    /// A number in [0, 1), for jitter only.
    fn jitter(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn beat_pause(&mut self) -> Duration {
        HEARTBEAT_EVERY.mul_f64(0.8 + self.jitter() / 5.0)
    }

    /// Sends at most one frame of each run; true if something was sent.
    fn pass(&mut self) -> bool {
        let mut worked = false;
        let mut at = 0;
        while at < self.lives.len() {
            worked |= matches!(self.step(at), Step::Worked);
            if self.lives[at].is_finished() {
                let live = self.lives.swap_remove(at);
                self.shared
                    .inbox()
                    .running
                    .retain(|writer| !Arc::ptr_eq(writer, &live.writer));
                end_writer(live);
            } else {
                at += 1;
            }
        }
        worked || self.deliver_leftover()
    }

    fn step(&mut self, at: usize) -> Step {
        let now = Instant::now();
        let jitter = self.jitter();
        let beat_pause = self.beat_pause();
        let live = &mut self.lives[at];
        let line = &mut self.lines[live.line];
        if line.rest.left(now).is_some() || live.rest.left(now).is_some() {
            return Step::Nothing;
        }
        let closed = live.writer.is_closed();
        let heartbeat = now >= live.beat_at && !closed;
        let has_more = live.session.has_more();
        let counters = live.counters_due(now, closed);
        if !has_more && !heartbeat && counters.is_none() {
            return Step::Nothing;
        }
        let mark_before = live.session.acknowledged().slot;
        let exchanged = exchange(
            &mut live.session,
            &mut line.connection,
            &mut self.sorter,
            &live.surroundings,
            counters.clone(),
            heartbeat,
        );
        match exchanged {
            Ok(Exchanged::Nothing) => return Step::Nothing,
            Ok(Exchanged::Settled(settled)) => {
                line.rest.end();
                live.report(&settled, mark_before);
                if settled.verdict == Verdict::Advanced {
                    live.rest.end();
                    if heartbeat {
                        live.beat_at = now + beat_pause;
                    }
                    if let Some(counters) = counters {
                        live.told = counters;
                        live.told_at = now;
                    }
                }
                match &settled.verdict {
                    Verdict::Confused(reason) => {
                        warn_once(WarningKind::Denied, reason, || {
                            format!(
                                "the server's answer makes no sense: {reason}, run {}; it is tried \
                                 again",
                                live.writer.settings.run
                            )
                        });
                        live.rest.begin(Duration::ZERO, jitter);
                    }
                    Verdict::Renamed => live.rest.begin(Duration::ZERO, jitter),
                    _ => {}
                }
                let line = live.line;
                self.search_leftovers(at, line);
            }
            Ok(Exchanged::Trouble(trouble)) => {
                let line = live.line;
                self.rest_line(line, &trouble, now.elapsed(), jitter);
            }
            Err(error) => {
                live.rest.begin(Duration::ZERO, jitter);
                live.writer.report(|progress| progress.failing = true);
                warn_once(WarningKind::Spool, "send", || {
                    format!(
                        "sending is held up: {error}, run {}",
                        live.writer.settings.run
                    )
                });
            }
        }
        Step::Worked
    }

    /// A server had no answer, which took so long. If it kept others waiting, it rests in proportion.
    fn rest_line(&mut self, index: usize, trouble: &Trouble, took: Duration, jitter: f64) {
        let fair = if self.lines.len() > 1 {
            took * RESTS_FOR_SILENCE
        } else {
            Duration::ZERO
        };
        let line = &mut self.lines[index];
        let at_least = trouble.retry_after.unwrap_or_default().max(fair);
        line.rest.begin(at_least, jitter);
        if let Some(retry_after) = trouble.retry_after {
            line.rest.ask(retry_after);
        }
        for live in self.lives.iter().filter(|live| live.line == index) {
            live.writer.report(|progress| {
                if trouble.busy {
                    progress.answered_at = Some(Instant::now());
                } else {
                    progress.failing = true;
                }
            });
        }
        warn_once(trouble.kind, &line.connection.destination.url, || {
            trouble.text.clone()
        });
    }

    /// After the first answer of a server: what did dead processes of this host leave for it?
    fn search_leftovers(&mut self, at: usize, index: usize) {
        let line = &mut self.lines[index];
        if line.searched {
            return;
        }
        line.searched = true;
        let settings = &self.lives[at].writer.settings;
        let found = leftover_spools(&settings.spool_root, Some(&settings.host_id));
        let Ok(found) = found else { return };
        for leftover in found {
            if leftover.destination == line.connection.destination.name {
                self.leftovers.push_back((index, leftover));
            }
        }
    }

    /// One frame of one leftover.
    fn deliver_leftover(&mut self) -> bool {
        let now = Instant::now();
        let jitter = self.jitter();
        if self.delivery.is_none() {
            let Some((index, leftover)) = self.leftovers.pop_front() else {
                return false;
            };
            // Somebody else may have it by now; what cannot be read is for `doctor`.
            let begun = FolderDelivery::begin(&leftover, true);
            self.delivery = begun.ok().map(|delivery| (index, delivery));
        }
        let Some((index, mut delivery)) = self.delivery.take() else {
            return true;
        };
        let line = &mut self.lines[index];
        if line.rest.left(now).is_some() {
            self.delivery = Some((index, delivery));
            return false;
        }
        match delivery.step(&mut line.connection, &mut self.sorter) {
            Ok(Exchanged::Nothing) => {
                // What cannot be removed is found again by the next process.
                let _ = delivery.end();
            }
            Ok(Exchanged::Settled(settled)) => {
                if !matches!(settled.verdict, Verdict::Confused(_)) {
                    self.delivery = Some((index, delivery));
                }
            }
            Ok(Exchanged::Trouble(trouble)) => {
                self.delivery = Some((index, delivery));
                self.rest_line(index, &trouble, now.elapsed(), jitter);
            }
            Err(_) => {}
        }
        true
    }
}

/// All is acknowledged: the folder goes, and whoever waits is told.
fn end_writer(live: Live) {
    let Live {
        writer, session, ..
    } = live;
    drop(session);
    // A folder that stays is empty of news: the next deliverer removes it.
    let _ = writer.spool.remove();
    writer.report(|progress| progress.finished = true);
}
