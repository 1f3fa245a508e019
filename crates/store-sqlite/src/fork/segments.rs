//! Segments of forks: those of the run and those that it shares, side by side where they share no step.

use std::rc::Rc;

use runstone_model::{RunKey, SeriesKey, ValueType};
use runstone_store::{
    Segment, SegmentScan, SeriesHiding, SeriesSegments, TakePoints, TakeSegments, VisiblePoints,
    is_integer,
};
use rusqlite::Connection;

use super::layers::each_portion;
use super::{Layer, Pin, read_pin};
use crate::error::Result;
use crate::gather::unify;
use crate::hidden::RunHiding;
use crate::segments::{AsOf, own_segments};

/// Hands on the segments of each scan's series.
pub(crate) fn scan_segments(
    connection: &Connection,
    run: RunKey,
    scans: &[SegmentScan],
    each: &mut TakeSegments<'_>,
) -> Result<()> {
    let Some(pin) = read_pin(connection, run)? else {
        return own_segments(connection, run, scans, None, |index, found| {
            each(index, found)
        });
    };
    let hiding = RunHiding::read(connection, run)?;
    let layer = Layer::Run(run, Some(Rc::clone(&pin)));
    let found = joined(connection, &layer, run, &pin, scans, &hiding, None)?;
    for (index, found) in found.into_iter().enumerate() {
        each(index, found)?;
    }
    Ok(())
}

type Found<'a> = Vec<Option<SeriesSegments<'a>>>;

/// Segments of a run and of what it shares; with `as_of` what showed of both then.
fn joined<'a>(
    connection: &'a Connection,
    layer: &Layer,
    run: RunKey,
    pin: &Rc<Pin>,
    scans: &[SegmentScan],
    hiding: &RunHiding,
    as_of: Option<&AsOf>,
) -> Result<Found<'a>> {
    let mut own: Found<'a> = scans.iter().map(|_| None).collect();
    own_segments(connection, run, scans, as_of, |index, found| {
        own[index] = found;
        Ok(())
    })?;
    let shared = shared_segments(connection, pin, scans)?;
    let pairs = own.into_iter().zip(shared).zip(scans);
    pairs
        .map(|((own, shared), scan)| {
            let place = Place {
                connection,
                layer: layer.clone(),
                key: scan.series.clone(),
                hiding: hiding.of_series(&scan.series),
                last_step: as_of.map_or(f64::INFINITY, |as_of| as_of.step),
            };
            place.join(own, shared)
        })
        .collect()
}

/// What showed of a parent's series.
fn shared_segments<'a>(
    connection: &'a Connection,
    pin: &Rc<Pin>,
    scans: &[SegmentScan],
) -> Result<Found<'a>> {
    let as_of = AsOf {
        step: pin.step,
        append: pin.append,
        chunks_next: pin.chunks_next,
        hiding: pin.hiding(connection)?,
    };
    let found: Found<'a> = match pin.above(connection)? {
        None => {
            let mut found: Found<'a> = scans.iter().map(|_| None).collect();
            own_segments(connection, pin.parent, scans, Some(&as_of), |index, one| {
                found[index] = one;
                Ok(())
            })?;
            found
        }
        Some(above) => {
            let layer = Layer::Shared(Rc::clone(pin));
            let hiding = &as_of.hiding;
            joined(
                connection,
                &layer,
                pin.parent,
                &above,
                scans,
                hiding,
                Some(&as_of),
            )?
        }
    };
    let found = found.into_iter().zip(scans);
    found
        .map(|(found, scan)| {
            let reads_as = pin.find_shared(connection, &scan.series)?;
            Ok(found
                .zip(reads_as)
                .map(|(found, reads_as)| read_as(connection, pin, &scan.series, found, reads_as)))
        })
        .collect()
}

/// What showed of a parent's series, by the type that it read as then.
fn read_as<'a>(
    connection: &'a Connection,
    pin: &Rc<Pin>,
    key: &SeriesKey,
    found: SeriesSegments<'a>,
    reads_as: ValueType,
) -> SeriesSegments<'a> {
    let mut segments = found.segments;
    if is_integer(found.value_type) != is_integer(reads_as) {
        let first = segments.first().map(|segment| segment.first_step);
        let last = segments.last().map(|segment| segment.last_step);
        let place = Place {
            connection,
            layer: Layer::Shared(Rc::clone(pin)),
            key: key.clone(),
            hiding: SeriesHiding::default(),
            last_step: pin.step,
        };
        segments = first
            .zip(last)
            .map(|range| place.read_through(range))
            .into_iter()
            .collect();
    }
    SeriesSegments {
        value_type: reads_as,
        segments,
    }
}

/// Where segments of one series are joined.
struct Place<'a> {
    connection: &'a Connection,
    layer: Layer,
    key: SeriesKey,
    hiding: SeriesHiding,
    last_step: f64,
}

impl<'a> Place<'a> {
    fn join(
        self,
        own: Option<SeriesSegments<'a>>,
        shared: Option<SeriesSegments<'a>>,
    ) -> Result<Option<SeriesSegments<'a>>> {
        let Some(shared) = shared else {
            return Ok(own);
        };
        let own_type = own.as_ref().map(|own| own.value_type);
        let value_type = unify(own_type, shared.value_type)?;
        let is_one_type = value_type == shared.value_type
            && own_type.is_none_or(|own_type| own_type == value_type);
        let mut segments = own.map_or_else(Vec::new, |own| own.segments);
        let ends = |segments: &[Segment<'_>]| {
            let first = segments.first().map(|segment| segment.first_step);
            first.zip(segments.last().map(|segment| segment.last_step))
        };
        let range = match (ends(&segments), ends(&shared.segments)) {
            (Some(own), Some(shared)) if is_one_type && shared.1 < own.0 => None,
            (None, Some(_)) if is_one_type => None,
            (_, None) if is_one_type => None,
            (Some(own), Some(shared)) => Some((own.0.min(shared.0), own.1.max(shared.1))),
            (own, shared) => own.or(shared),
        };
        if let Some(range) = range {
            return Ok(Some(SeriesSegments {
                value_type,
                segments: vec![self.read_through(range)],
            }));
        }
        let mut all = Vec::with_capacity(segments.len() + shared.segments.len());
        for segment in shared.segments {
            all.extend(self.hide(segment));
        }
        all.append(&mut segments);
        Ok(Some(SeriesSegments {
            value_type,
            segments: all,
        }))
    }

    /// A shared segment without what the run hides of it.
    fn hide(&self, segment: Segment<'a>) -> Option<Segment<'a>> {
        let range = (segment.first_step, segment.last_step.min(self.last_step));
        if range.0 > range.1 {
            return None;
        }
        if self.hiding.spares(range, 0, 0) && range.1 == segment.last_step {
            return Some(segment);
        }
        let (hiding, last_step) = (self.hiding.clone(), self.last_step);
        Some(Segment::new(range, move |take: &mut TakePoints<'_>| {
            segment.read(&mut |mut points: VisiblePoints| {
                let is_kept = |step: &f64| *step <= last_step && hiding.is_alive(*step, 0, 0);
                let kept: Vec<bool> = points.steps.iter().map(is_kept).collect();
                points.retain(&kept);
                take(points)
            })
        }))
    }

    /// One segment of everything, resolved when it is read.
    fn read_through(self, range: (f64, f64)) -> Segment<'a> {
        let range = (range.0, range.1.min(self.last_step));
        Segment::new(range, move |take: &mut TakePoints<'_>| {
            let Self {
                connection,
                layer,
                key,
                hiding,
                ..
            } = &self;
            // What a layer of its own shares shows already.
            let nothing = SeriesHiding::default();
            let hiding = match layer {
                Layer::Run(..) => hiding,
                Layer::Shared(_) => &nothing,
            };
            each_portion(connection, layer, key, range, |points, _| {
                take(VisiblePoints::from_columns(points, hiding))?;
                Ok(true)
            })
            .map(drop)
        })
    }
}
