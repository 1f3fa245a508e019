//! `runstone wait RUN --until STATE`: returns when a run gets there, and says by its exit code
//! whether it did.
//!
//! The run is read once, then its changes are waited for on the server's stream, from the change
//! that the read has seen: a state that came and went between is not missed. A folder that nobody
//! serves is looked into once a second.

use crate::arguments::{Arguments, WaitArguments};
use crate::away::{Away, LOOK_INTERVAL, may_pass};
use crate::backend::{Backend, open_changes};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use runstone_client::ChangeEvent;
use runstone_model::{EndReason, RunState};
use runstone_service::ServiceError;
use runstone_service::api::{ChangeItem, ChangesQuery, RunDetail};
use serde::Serialize;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The run has ended, and not as was waited for.
pub(crate) const ENDED_OTHERWISE: u8 = 8;
/// The time was over first.
pub(crate) const TIME_IS_OVER: u8 = 9;
/// A stream is opened anew after so long, so that a server that is silently gone is noticed.
const STREAM_LONGEST: Duration = Duration::from_secs(60);

/// How the wait came out, as JSON.
#[derive(Serialize)]
struct WaitDocument<'a> {
    version: u32,
    run: &'a str,
    state: RunState,
    reason: Option<&'a EndReason>,
    reached: bool,
    timed_out: bool,
}

/// The run as it was last seen.
struct Seen {
    id: String,
    state: RunState,
    reason: Option<EndReason>,
    change: u64,
}

impl Seen {
    fn of(detail: &RunDetail) -> Self {
        Self {
            id: detail.run.id.to_string(),
            state: detail.run.state,
            reason: detail.run.reason.clone(),
            change: detail.change,
        }
    }
}

/// Waits.
pub(crate) fn run(arguments: &Arguments, asked: &WaitArguments, output: &mut Output) -> Outcome {
    let wanted = wanted_states(&asked.until)?;
    let until = asked
        .timeout
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let left = || until.map(|until| until.saturating_duration_since(Instant::now()));
    let mut seen: Option<Seen> = None;
    let mut server = None;
    let mut away = Away::default();
    loop {
        let looked = look(arguments, asked, &wanted, &mut server, &mut seen, left());
        let is_over = left().is_some_and(|left| left.is_zero());
        match looked {
            Ok(()) => away.is_back(),
            Err(Failure::Error(error)) if seen.is_some() && may_pass(&error) => {
                if !is_over {
                    away.tell(&error);
                    std::thread::sleep(LOOK_INTERVAL.min(left().unwrap_or(LOOK_INTERVAL)));
                }
            }
            Err(failure) => return Err(failure),
        }
        let Some(seen) = &seen else { continue };
        let is_reached = wanted.contains(&seen.state);
        if is_reached || seen.state.is_ended() || is_over {
            return tell(asked, seen, is_reached, output);
        }
        if server.is_none() {
            std::thread::sleep(LOOK_INTERVAL.min(left().unwrap_or(LOOK_INTERVAL)));
        }
    }
}

/// Looks at the run, then at its changes until it gets somewhere or the connection ends.
fn look(
    arguments: &Arguments,
    asked: &WaitArguments,
    wanted: &[RunState],
    server: &mut Option<String>,
    seen: &mut Option<Seen>,
    left: Option<Duration>,
) -> Result<(), Failure> {
    let backend = match server {
        Some(url) => Backend::open_server(arguments, url)?,
        None => Backend::open(arguments)?,
    };
    // Looked up once: a name or a prefix may mean another run a moment later.
    let address = seen.as_ref().map_or(&asked.run, |seen| &seen.id);
    let seen = seen.insert(Seen::of(&backend.get_run(address)?));
    let Backend::Server(client) = &backend else {
        return Ok(());
    };
    *server = Some(client.url());
    let is_settled = |seen: &Seen| wanted.contains(&seen.state) || seen.state.is_ended();
    if is_settled(seen) {
        return Ok(());
    }
    let query = ChangesQuery {
        since: Some(seen.change),
        run: Some(seen.id.clone()),
        kind: Some("state,deleted".to_owned()),
        ..ChangesQuery::default()
    };
    let longest = left.map_or(STREAM_LONGEST, |left| left.min(STREAM_LONGEST));
    if longest.is_zero() {
        return Ok(());
    }
    let mut stream = open_changes(client, &query, longest)?;
    while let Some(event) = stream.next_event::<ChangeItem>()? {
        let change = match event {
            ChangeEvent::Change(change) => change,
            // Read again what may have been missed.
            ChangeEvent::Reset { .. } => return Ok(()),
            ChangeEvent::CaughtUp { .. } => continue,
        };
        if change.events.is_empty() {
            // Deleted: the next look says so.
            return Ok(());
        }
        for event in change.events {
            seen.state = event.to;
            seen.reason = event.reason;
            if is_settled(seen) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn tell(asked: &WaitArguments, seen: &Seen, is_reached: bool, output: &mut Output) -> Outcome {
    let is_ended = seen.state.is_ended();
    if asked.json {
        output.json(&WaitDocument {
            version: 1,
            run: &seen.id,
            state: seen.state,
            reason: seen.reason.as_ref(),
            reached: is_reached,
            timed_out: !is_reached && !is_ended,
        })?;
    } else {
        let reason = seen
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        output.line(&format!("{} {}{reason}", seen.id, seen.state))?;
    }
    if is_reached {
        return Ok(0);
    }
    let wanted = asked.until.join(" or ");
    if is_ended {
        let _ = writeln!(
            io::stderr(),
            "run {} has ended as {}, not {wanted}\nhint: `runstone show {}` tells why",
            seen.id,
            seen.state,
            seen.id
        );
        return Ok(ENDED_OTHERWISE);
    }
    let _ = writeln!(
        io::stderr(),
        "the time is over, run {} is {}, not {wanted}\nhint: give a longer --timeout, or none",
        seen.id,
        seen.state
    );
    Ok(TIME_IS_OVER)
}

/// The states that `--until` names; `ended` is short for both ends.
fn wanted_states(words: &[String]) -> Result<Vec<RunState>, ServiceError> {
    let mut states = Vec::new();
    for word in words {
        if word == "ended" {
            states.extend([RunState::Succeeded, RunState::Failed]);
            continue;
        }
        states.push(word.parse().map_err(|_| {
            ServiceError::invalid(format!("`{word}` is no state of a run")).with_hint(
                "states are pending, running, succeeded, failed and lost; ended is both ends",
            )
        })?);
    }
    Ok(states)
}
