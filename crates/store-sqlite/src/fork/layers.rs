//! Points of a run with those that it shares with its parent.

use std::rc::Rc;

use runstone_model::{RunKey, SeriesKey, ValueType};
use runstone_store::{PointColumns, PointPage, PointScan, StoreError, convert_bits};
use rusqlite::Connection;

use super::{Pin, read_pin};
use crate::directory::{find_series, read_head};
use crate::error::Result;
use crate::gather::{find_chunks, gather, unify};
use crate::hidden::RunHiding;
use crate::pages::split_off;
use crate::states::with_place;

/// Chunks that are read at a time at first.
const CHUNKS_AT_ONCE: usize = 4;
/// Chunks that are read at a time at most: some half a million points.
const CHUNKS_AT_ONCE_MAX: usize = 32;

/// Whose points: those of a run with what it shares, or what a fork shares alone.
#[derive(Debug, Clone)]
pub(crate) enum Layer {
    /// Everything ever applied, and what is shared.
    Run(RunKey, Option<Rc<Pin>>),
    /// What showed of the parent.
    Shared(Rc<Pin>),
}

impl Layer {
    /// A run with what it shares, if it is a fork.
    pub(crate) fn of_run(connection: &Connection, run: RunKey) -> Result<Self> {
        Ok(Self::Run(run, read_pin(connection, run)?))
    }

    /// The parent of a fork with what it shares itself.
    fn of_parent(connection: &Connection, pin: &Pin) -> Result<Self> {
        Ok(Self::Run(pin.parent, pin.above(connection)?))
    }
}

/// The points of a series in a layer at steps from `from` to `to` and perhaps more, sorted, with
/// the type they read as; `None` if there never was any at whatever step, or none is shared. Points of `Shared` all
/// show, and stand in the order as those of a frame before the first.
pub(crate) fn gather_layer(
    connection: &Connection,
    layer: &Layer,
    key: &SeriesKey,
    range: (f64, f64),
) -> Result<Option<(PointColumns, ValueType)>> {
    match layer {
        Layer::Run(run, pin) => {
            let own = gather_own(connection, *run, key, range)?;
            let shared = match pin {
                Some(pin) => gather_shared(connection, pin, key, range)?,
                None => None,
            };
            join(own, shared)
        }
        Layer::Shared(pin) => gather_shared(connection, pin, key, range),
    }
}

fn gather_own(
    connection: &Connection,
    run: RunKey,
    key: &SeriesKey,
    range: (f64, f64),
) -> Result<Option<(PointColumns, ValueType)>> {
    let Some((series, _)) = find_series(connection, run, key)? else {
        return Ok(None);
    };
    with_place(connection, run, series, key, |place| {
        gather(connection, place, range)
    })
}

fn gather_shared(
    connection: &Connection,
    pin: &Pin,
    key: &SeriesKey,
    (from, to): (f64, f64),
) -> Result<Option<(PointColumns, ValueType)>> {
    let Some(reads_as) = pin.find_shared(connection, key)? else {
        return Ok(None);
    };
    let range = (from, to.min(pin.step));
    let parent = Layer::of_parent(connection, pin)?;
    let found = gather_layer(connection, &parent, key, range)?;
    let Some((mut points, value_type)) = found else {
        return Ok(None);
    };
    convert(&mut points, value_type, reads_as);
    let hiding = pin.hiding(connection)?.of_series(key);
    let was_there: Vec<bool> = (points.appends.iter())
        .map(|append| *append <= pin.append)
        .collect();
    points.retain(&was_there);
    let visible = points.visible(&hiding);
    points.retain(&visible);
    let end = points.steps.partition_point(|step| *step <= pin.step);
    split_off(&mut points, end);
    points.generations.fill(0);
    points.appends.fill(0);
    points.positions.fill(0);
    Ok(Some((points, reads_as)))
}

fn convert(points: &mut PointColumns, from: ValueType, to: ValueType) {
    for bits in &mut points.values {
        *bits = convert_bits(*bits, from, to);
    }
}

/// Own and shared points as those of one series.
fn join(
    own: Option<(PointColumns, ValueType)>,
    shared: Option<(PointColumns, ValueType)>,
) -> Result<Option<(PointColumns, ValueType)>> {
    let ((mut points, own_type), (mut shared, shared_type)) = match (own, shared) {
        (Some(own), Some(shared)) => (own, shared),
        (one, other) => return Ok(one.or(other)),
    };
    let reads_as = unify(Some(own_type), shared_type)?;
    convert(&mut points, own_type, reads_as);
    convert(&mut shared, shared_type, reads_as);
    points.append(&shared);
    points.sort();
    Ok(Some((points, reads_as)))
}

/// First steps of all chunks of a layer in a range.
fn push_boundaries(
    connection: &Connection,
    layer: &Layer,
    key: &SeriesKey,
    (from, to): (f64, f64),
    boundaries: &mut Vec<f64>,
) -> Result<()> {
    let (run, pin) = match layer {
        Layer::Run(run, pin) => (*run, pin),
        Layer::Shared(pin) => {
            let range = (from, to.min(pin.step));
            let parent = Layer::of_parent(connection, pin)?;
            return push_boundaries(connection, &parent, key, range, boundaries);
        }
    };
    if let Some((series, _)) = find_series(connection, run, key)? {
        let head = read_head(connection, run)?;
        let chunks = find_chunks(connection, run, series, &head, (from, to))?;
        boundaries.extend(chunks.iter().map(|chunk| chunk.first_step));
    }
    match pin {
        Some(pin) => {
            let shared = Layer::Shared(Rc::clone(pin));
            push_boundaries(connection, &shared, key, (from, to), boundaries)
        }
        None => Ok(()),
    }
}

/// Hands on the points of a layer in a range, portion by portion, each with all points of its steps;
/// `take` answers whether it wants more. `None` if there never was a point.
pub(super) fn each_portion(
    connection: &Connection,
    layer: &Layer,
    key: &SeriesKey,
    (from, to): (f64, f64),
    mut take: impl FnMut(PointColumns, ValueType) -> Result<bool>,
) -> Result<Option<()>> {
    let mut boundaries = Vec::new();
    push_boundaries(connection, layer, key, (from, to), &mut boundaries)?;
    boundaries.retain(|step| *step > from && *step <= to);
    boundaries.sort_by(f64::total_cmp);
    boundaries.dedup();
    let (mut start, mut next, mut count) = (from, 0, CHUNKS_AT_ONCE);
    loop {
        let end = boundaries.get(next + count - 1).copied();
        let range = (start, end.unwrap_or(to));
        let Some((mut points, reads_as)) = gather_layer(connection, layer, key, range)? else {
            return Ok(None);
        };
        // Steps below the next chunk's first are complete.
        let last = match end {
            Some(end) => points.steps.partition_point(|step| *step < end),
            None => points.steps.partition_point(|step| *step <= to),
        };
        split_off(&mut points, last);
        let first = points.steps.partition_point(|step| *step < start);
        let points = split_off(&mut points, first);
        if !take(points, reads_as)? {
            return Ok(Some(()));
        }
        let Some(end) = end else {
            return Ok(Some(()));
        };
        start = end;
        next += count;
        count = (count * 2).min(CHUNKS_AT_ONCE_MAX);
    }
}

/// A page of the points of a fork.
pub(crate) fn scan_layer(
    connection: &Connection,
    run: RunKey,
    scan: &PointScan,
    range: (f64, f64),
) -> Result<PointPage> {
    let hiding = RunHiding::read(connection, run)?.of_series(&scan.series);
    let limit = scan.limit.max(1);
    // One more tells whether there is a next page.
    let scan = PointScan {
        limit: limit + 1,
        ..scan.clone()
    };
    let mut whole: Option<PointPage> = None;
    let layer = Layer::of_run(connection, run)?;
    let found = each_portion(
        connection,
        &layer,
        &scan.series,
        range,
        |points, reads_as| {
            let page = points.page(&scan, &hiding, reads_as);
            let whole = whole.get_or_insert_with(|| PointPage {
                value_type: reads_as,
                points: Vec::new(),
                next: None,
            });
            whole.points.extend(page.points);
            Ok(whole.points.len() <= limit)
        },
    )?;
    let not_found = || StoreError::NotFound(format!("the run has no series {}", scan.series));
    let mut page = found.and(whole).ok_or_else(not_found)?;
    if page.points.len() > limit {
        page.points.truncate(limit);
        page.next = page.points.last().map(|point| point.position);
    }
    Ok(page)
}
