//! Forks: runs that begin with points of their parent, as they were then, without a copy.
//!
//! A fork reads as if its first frame had been one with append number 0 that holds what showed of
//! the parent, up to the step of the fork. Which series these are, and how far they reached,
//! is noted when the fork is made; their points are read where they lie. What the parent does later
//! (frames, rewinds, removals, deletion) never shows: later appends and generations are left out.
//! The surprising rule: a purged parent keeps its points until its last fork is purged.

mod layers;
mod segments;
mod summaries;

pub(crate) use layers::{Layer, gather_layer, scan_layer};
pub(crate) use segments::scan_segments;
pub(crate) use summaries::{ForkCache, SharedSummaries, summarize_layer};

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use runstone_model::{ForkPin, RunKey, SeriesKey, ValueType};
use rusqlite::{Connection, Row};

use crate::directory::{key_from_parts, read_head};
use crate::error::{Result, sql_error, value_error};
use crate::hidden::RunHiding;
use crate::keys::run_column;
use crate::rows::{execute, find};
use crate::states::CachedSeries;
use crate::varint::{Malformed, read_byte, read_text, read_word, write_text};
use crate::{sealed, sql};

/// Where a fork leaves its parent. What it shares, and where the parent leaves its own, are read once.
#[derive(Debug)]
pub(crate) struct Pin {
    run: RunKey,
    /// May be purged; its points are there.
    pub(crate) parent: RunKey,
    /// Points past this step are not shared.
    pub(crate) step: f64,
    /// Neither are those of later frames.
    append: u64,
    /// Later rewinds are not known.
    generation: u32,
    /// The parent's chunks below this number hold no later points; the greatest number if
    /// the parent has no later points at all.
    chunks_next: i64,
    shared: OnceCell<HashMap<SeriesKey, ValueType>>,
    above: OnceCell<Option<Rc<Pin>>>,
}

impl Pin {
    /// Where the parent leaves its own parent; `None` if it is no fork.
    fn above(&self, connection: &Connection) -> Result<Option<Rc<Self>>> {
        if let Some(known) = self.above.get() {
            return Ok(known.clone());
        }
        let above = read_pin(connection, self.parent)?;
        Ok(self.above.get_or_init(|| above).clone())
    }

    /// What hid points of the parent then.
    fn hiding(&self, connection: &Connection) -> Result<RunHiding> {
        let mut hiding = RunHiding::read(connection, self.parent)?;
        hiding
            .cuts
            .retain(|(_, cut)| cut.generation.0 <= self.generation);
        hiding
            .removals
            .retain(|(_, removal)| removal.append.0 <= self.append);
        Ok(hiding)
    }

    /// The type a series read as when it was forked; `None` if it is not shared: the parent had no
    /// point of it at or before the step.
    fn find_shared(&self, connection: &Connection, key: &SeriesKey) -> Result<Option<ValueType>> {
        if let Some(shared) = self.shared.get() {
            return Ok(shared.get(key).copied());
        }
        let shared = read_shared(connection, self.run)?.into_iter();
        let types = shared.filter_map(|(key, state)| Some((key, state.value_type?)));
        let types: HashMap<SeriesKey, ValueType> = types.collect();
        Ok(self.shared.get_or_init(|| types).get(key).copied())
    }

    /// Whether the parent has not gone on since.
    fn is_whole(&self) -> bool {
        self.chunks_next == i64::MAX
    }
}

/// Where a run leaves its parent; `None` for one that is no fork.
pub(crate) fn read_pin(connection: &Connection, run: RunKey) -> Result<Option<Rc<Pin>>> {
    let found = find(connection, sql::READ_FORK, [run_column(run)], |row| {
        pin_from_row(run, row)
    })?;
    let Some(mut pin) = found else {
        return Ok(None);
    };
    let parent = [run_column(pin.parent)];
    let last = find(connection, sql::READ_LAST_APPEND, parent, |row| {
        row.get::<_, i64>(0).map_err(sql_error)
    })?;
    if last.is_some_and(|last| last.cast_unsigned() <= pin.append) {
        pin.chunks_next = i64::MAX;
    }
    Ok(Some(Rc::new(pin)))
}

fn pin_from_row(run: RunKey, row: &Row<'_>) -> Result<Pin> {
    let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
    Ok(Pin {
        run,
        parent: RunKey(get(0)?.cast_unsigned()),
        step: row.get(1).map_err(sql_error)?,
        append: get(2)?.cast_unsigned(),
        generation: row.get(3).map_err(sql_error)?,
        chunks_next: get(4)?,
        shared: OnceCell::new(),
        above: OnceCell::new(),
    })
}

/// A series that a fork shares: its key, and what its points amount to.
pub(crate) type SharedSeries = (SeriesKey, CachedSeries);

/// Notes a new fork and the series that it shares, from those that its parent has.
pub(crate) fn insert_fork<'a>(
    connection: &Connection,
    run: RunKey,
    pin: &ForkPin,
    series: impl Iterator<Item = (&'a SeriesKey, CachedSeries)>,
) -> Result<Vec<SharedSeries>> {
    let step = pin.step.get();
    let mut shared: Vec<SharedSeries> = series
        .filter_map(|(key, state)| {
            // Objects are not shared.
            let (low, high) = state.step_range.filter(|_| !key.kind.is_object())?;
            let shared = CachedSeries {
                step_range: Some((low, high.min(step))),
                highest: state.highest.map(|highest| highest.min(step.floor())),
                value_type: state.value_type,
                ..CachedSeries::default()
            };
            (low <= step).then(|| (key.clone(), shared))
        })
        .collect();
    shared.sort_by(|a, b| a.0.cmp(&b.0));
    let params = (
        run_column(run),
        run_column(pin.parent),
        step,
        pin.append.0.cast_signed(),
        pin.generation.0,
        read_head(connection, pin.parent)?.chunks_next,
        encode_shared(&shared),
    );
    execute(connection, sql::INSERT_FORK, params)?;
    Ok(shared)
}

/// The series that a fork shares, sorted by key; none for a run that is no fork.
pub(crate) fn read_shared(connection: &Connection, run: RunKey) -> Result<Vec<SharedSeries>> {
    let found = find(connection, sql::READ_FORK_BODY, [run_column(run)], |row| {
        let body = row.get_ref(0).map_err(sql_error)?;
        let body = body
            .as_blob()
            .map_err(|error| value_error("a fork", error))?;
        decode_shared(body).map_err(|error| value_error("a fork", error))
    })?;
    Ok(found.unwrap_or_default())
}

/// Whether the body of a fork can be read.
pub(crate) fn check_shared(body: &[u8]) -> Result<()> {
    decode_shared(body)
        .map(drop)
        .map_err(|error| value_error("a fork", error))
}

/// Sealed, see docs/formats/rows.md: of each series name, context, kind, value type, smallest and greatest step,
/// and the whole step after which counted ones go on.
fn encode_shared(shared: &[SharedSeries]) -> Vec<u8> {
    let mut out = sealed::begin();
    for (key, state) in shared {
        write_text(&mut out, key.name.as_str());
        write_text(&mut out, key.context.as_str());
        out.push(key.kind.as_u8());
        out.push(state.value_type.unwrap_or(ValueType::F64).as_u8());
        let (low, high) = state.step_range.unwrap_or_default();
        for step in [low, high, state.highest.unwrap_or(high)] {
            out.extend_from_slice(&step.to_bits().to_le_bytes());
        }
    }
    sealed::seal(out)
}

fn decode_shared(body: &[u8]) -> Result<Vec<SharedSeries>, Malformed> {
    let mut rest = sealed::unseal(body)?;
    let mut shared = Vec::new();
    while !rest.is_empty() {
        let (name, context) = (read_text(&mut rest)?, read_text(&mut rest)?);
        let key = key_from_parts(name, context, read_byte(&mut rest)?)?;
        let value_type = ValueType::from_u8(read_byte(&mut rest)?).ok_or(Malformed)?;
        let mut step = || read_word(&mut rest).map(f64::from_bits);
        let state = CachedSeries {
            step_range: Some((step()?, step()?)),
            highest: Some(step()?),
            value_type: Some(value_type),
            ..CachedSeries::default()
        };
        shared.push((key, state));
    }
    shared.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(shared)
}
