//! What a pass over a run writes, prepared from one snapshot beside the writer.
//!
//! Series are taken in windows of `FoldLayout::window_series`, so that few points are decoded at a time,
//! whatever the run holds. A series' new points are sorted by step; their summary is merged with
//! the one of the block if the two share no step, and made again from all points otherwise.

use std::collections::{BTreeMap, HashMap};

use runstone_codec::{SummaryRow, encode_run_summary};
use runstone_model::{RunKey, SeriesKey, Timestamp, ValueType};
use runstone_store::apply::SeriesId;
use runstone_store::{PointColumns, merge_summaries};
use rusqlite::Connection;

use super::pieces::unwritable;
use super::tiers::{Merge, plan, read_tiers};
use super::write::{NewChunk, NewPack, Pass};
use crate::FoldLayout;
use crate::backlog::Unfolded;
use crate::directory::{Folded, FoldedHead, empty_row, keys_of, read_added, read_folded};
use crate::error::{Result, value_error};
use crate::frames::{FrameRow, FrameWalk, WriterBindings, scan_frames};
use crate::gather::{
    OWN_ORDER, SeriesPlace, folded_type, gather_folded, scan_packs_of_window, unify,
};
use crate::hidden::RunHiding;
use crate::states::{PLACE_SEVERAL, add_place};
use crate::summaries::{are_disjoint, set_summary, summarize, summary_of_row};

/// Prepares a pass; `None` if there is nothing to fold and no summary to make again.
pub(super) fn prepare_pass(
    connection: &Connection,
    run: RunKey,
    layout: &FoldLayout,
) -> Result<Option<Pass>> {
    let (frames, is_last) = read_frames(connection, run, layout)?;
    let folded = read_folded(connection, run)?;
    let hiding = RunHiding::read(connection, run)?;
    let is_stale = hiding.newest_change() > folded.head.change && !folded.rows.is_empty();
    if frames.is_empty() && !is_stale {
        return Ok(None);
    }
    let added = read_added(connection, run)?;
    let keys = keys_of(&folded, &added)?;
    let mut preparing = Preparing::new(connection, run, layout, &frames, folded, &keys, hiding)?;
    for (id, key) in &added {
        preparing.rows.insert(id.0, empty_row(*id, key));
    }
    let touched = preparing.find_touched()?;
    let ids: Vec<u32> = if preparing.merges_packs() {
        (0..keys.len() as u32).collect()
    } else {
        touched.keys().map(|id| id.0).collect()
    };
    for window in ids.chunks(layout.window_series.max(1)) {
        preparing.fold_window(window, &touched)?;
    }
    preparing.make_pack(true)?;
    preparing.renew_stale(&touched)?;
    preparing.finish(added.len(), is_last).map(Some)
}

/// The oldest frames, whole, up to the bounds of a pass; and whether these are all.
fn read_frames(
    connection: &Connection,
    run: RunKey,
    layout: &FoldLayout,
) -> Result<(Vec<FrameRow>, bool)> {
    let mut frames: Vec<FrameRow> = Vec::new();
    let (mut bytes, mut points, mut is_last) = (0, 0, true);
    scan_frames(connection, run, 0, |frame| {
        bytes += frame.body.len() as u64;
        points += frame.points;
        let is_whole = frames
            .last()
            .is_some_and(|last| last.append != frame.append);
        if is_whole && (bytes > layout.pass_bytes_max || points > layout.pass_points_max) {
            is_last = false;
            return Ok(false);
        }
        frames.push(frame);
        Ok(true)
    })?;
    Ok((frames, is_last))
}

/// A series that the frames hold.
#[derive(Debug, Clone, Copy)]
struct Touched {
    /// The type it reads as afterwards.
    reads_as: ValueType,
    /// Its points in the frames.
    points: usize,
}

/// New points of a series in a window.
#[derive(Default)]
struct NewPoints {
    points: PointColumns,
    place: u64,
}

/// A pass while it is prepared.
pub(super) struct Preparing<'a> {
    pub(super) connection: &'a Connection,
    pub(super) run: RunKey,
    pub(super) layout: &'a FoldLayout,
    frames: &'a [FrameRow],
    keys: &'a [SeriesKey],
    hiding: RunHiding,
    bindings: WriterBindings,
    pub(super) folded: Folded,
    /// Rows of the block, by series.
    rows: HashMap<u32, SummaryRow>,
    /// Which packs are read too, and written again.
    merge: Merge,
    /// Series with few points that no pack has taken yet, and their points together.
    pub(super) short: Vec<(u32, PointColumns)>,
    pub(super) short_points: usize,
    pub(super) packs: Vec<NewPack>,
    pub(super) chunks: Vec<NewChunk>,
    /// Chunks whose points stand in new ones.
    pub(super) merged_chunks: Vec<i64>,
}

impl<'a> Preparing<'a> {
    fn new(
        connection: &'a Connection,
        run: RunKey,
        layout: &'a FoldLayout,
        frames: &'a [FrameRow],
        mut folded: Folded,
        keys: &'a [SeriesKey],
        hiding: RunHiding,
    ) -> Result<Self> {
        let rows = std::mem::take(&mut folded.rows);
        let rows = rows.into_iter().map(|row| (row.number, row)).collect();
        let mut bindings = WriterBindings::default();
        for frame in frames {
            bindings.of(connection, frame.writer)?;
        }
        let packs_next = folded.head.packs_next;
        let merge = if frames.is_empty() {
            plan(&[], packs_next, layout.merge_fan_in)
        } else {
            let tiers = read_tiers(connection, run)?;
            plan(&tiers, packs_next, layout.merge_fan_in)
        };
        Ok(Self {
            connection,
            run,
            layout,
            frames,
            keys,
            hiding,
            bindings,
            folded,
            rows,
            merge,
            short: Vec::new(),
            short_points: 0,
            packs: Vec::new(),
            chunks: Vec::new(),
            merged_chunks: Vec::new(),
        })
    }

    /// Series that the frames hold.
    fn find_touched(&mut self) -> Result<BTreeMap<SeriesId, Touched>> {
        let mut touched: BTreeMap<SeriesId, Touched> = BTreeMap::new();
        for frame in self.frames {
            let bindings = self.bindings.of(self.connection, frame.writer)?;
            for (series, value_type, count) in frame.series(bindings)? {
                let former = touched.get(&series).copied();
                let known = former
                    .map(|former| former.reads_as)
                    .or_else(|| folded_type(self.rows.get(&series.0)));
                let entry = Touched {
                    reads_as: unify(known, value_type)?,
                    points: former.map_or(0, |former| former.points) + count as usize,
                };
                touched.insert(series, entry);
            }
        }
        Ok(touched)
    }

    fn fold_window(&mut self, window: &[u32], touched: &BTreeMap<SeriesId, Touched>) -> Result<()> {
        let mut new = self.read_new(window, touched)?;
        let mut stored = if self.merges_packs() {
            self.read_loose(window, touched)?
        } else {
            HashMap::new()
        };
        for (id, new) in &mut new {
            new.points.sort();
            self.update_row(SeriesId(*id), new, touched[&SeriesId(*id)].reads_as)?;
        }
        for (id, new) in new {
            match stored.get_mut(&id) {
                Some(points) => points.append(&new.points),
                None => {
                    stored.insert(id, new.points);
                }
            }
        }
        self.store_window(window, stored)
    }

    /// New points of the window's series, in the order of their frames.
    fn read_new(
        &mut self,
        window: &[u32],
        touched: &BTreeMap<SeriesId, Touched>,
    ) -> Result<HashMap<u32, NewPoints>> {
        let mut found: HashMap<u32, NewPoints> = HashMap::new();
        let mut walk = FrameWalk::default();
        let is_wanted = |id: SeriesId| window.binary_search(&id.0).is_ok();
        for frame in self.frames {
            let bindings = self.bindings.of(self.connection, frame.writer)?;
            walk.walk(frame, bindings, is_wanted, |part| {
                let Touched { reads_as, points } = touched[&part.series];
                let new = found.entry(part.series.0).or_default();
                if new.points.is_empty() {
                    new.points.reserve(points);
                }
                new.points.extend(
                    part.columns,
                    part.base,
                    part.value_type,
                    reads_as,
                    part.order,
                );
                new.place = add_place(new.place, part.writer);
                Ok(())
            })?;
        }
        Ok(found)
    }

    fn merges_packs(&self) -> bool {
        self.merge.from < self.folded.head.packs_next
    }

    /// Points of the window's series in the packs that are merged.
    fn read_loose(
        &self,
        window: &[u32],
        touched: &BTreeMap<SeriesId, Touched>,
    ) -> Result<HashMap<u32, PointColumns>> {
        let mut found: HashMap<u32, PointColumns> = HashMap::new();
        let merged = FoldedHead {
            packs_first: self.merge.from,
            ..self.folded.head
        };
        scan_packs_of_window(
            self.connection,
            self.run,
            window,
            &merged,
            |id, columns, value_type| {
                let reads_as = self.reads_as(id, touched);
                let points = found.entry(id).or_default();
                points.extend(columns, 0.0, value_type, reads_as, OWN_ORDER);
                Ok(())
            },
        )?;
        Ok(found)
    }

    fn reads_as(&self, id: u32, touched: &BTreeMap<SeriesId, Touched>) -> ValueType {
        let folded = || folded_type(self.rows.get(&id));
        touched
            .get(&SeriesId(id))
            .map(|touched| touched.reads_as)
            .or_else(folded)
            .unwrap_or(ValueType::F64)
    }

    /// Brings the row of a series up to date with its new points.
    fn update_row(&mut self, id: SeriesId, new: &NewPoints, reads_as: ValueType) -> Result<()> {
        let key = self.key(id)?;
        let hiding = self.hiding.of_series(key);
        let row = self.row(id)?;
        let former = summary_of_row(row)?;
        let of_new = summarize(&new.points, &hiding, reads_as);
        let is_stale = self.hiding.concerns_since(self.folded.head.change, key);
        let summary = if !is_stale && are_disjoint(&former, &of_new) {
            merge_summaries(&former, &of_new)
        } else {
            let mut points = self.read_folded_points(id, row, reads_as)?;
            points.append(&new.points);
            points.sort();
            summarize(&points, &hiding, reads_as)
        };
        let row = self.row_mut(id)?;
        row.value_type = reads_as;
        row.place = match (row.place, new.place) {
            (0, place) => place,
            (place, other) if place == other => place,
            _ => PLACE_SEVERAL,
        };
        row.stored_count += new.points.len() as u64;
        set_summary(row, &summary);
        Ok(())
    }

    fn read_folded_points(
        &self,
        id: SeriesId,
        row: &SummaryRow,
        reads_as: ValueType,
    ) -> Result<PointColumns> {
        let head = &self.folded.head;
        let place = SeriesPlace {
            run: self.run,
            series: id,
            head,
            row: Some(row),
        };
        let everything = (f64::NEG_INFINITY, f64::INFINITY);
        let mut points = PointColumns::default();
        gather_folded(self.connection, place, everything, reads_as, &mut points)?;
        Ok(points)
    }

    /// Makes the summaries of series again that were cut or removed and got no new points.
    fn renew_stale(&mut self, touched: &BTreeMap<SeriesId, Touched>) -> Result<()> {
        let change = self.folded.head.change;
        if self.hiding.newest_change() <= change {
            return Ok(());
        }
        let stale: Vec<u32> = self
            .rows
            .values()
            .filter(|row| row.stored_count > 0 && !touched.contains_key(&SeriesId(row.number)))
            .map(|row| row.number)
            .collect();
        for id in stale {
            let id = SeriesId(id);
            let key = self.key(id)?;
            if !self.hiding.concerns_since(change, key) {
                continue;
            }
            let hiding = self.hiding.of_series(key);
            let row = self.row(id)?;
            let value_type = row.value_type;
            let mut points = self.read_folded_points(id, row, value_type)?;
            points.sort();
            let summary = summarize(&points, &hiding, value_type);
            set_summary(self.row_mut(id)?, &summary);
        }
        Ok(())
    }

    fn finish(self, added: usize, is_last: bool) -> Result<Pass> {
        let mut rows: Vec<SummaryRow> = self.rows.into_values().collect();
        rows.sort_by(|a, b| (&a.name, &a.context, a.kind).cmp(&(&b.name, &b.context, b.kind)));
        let summary =
            encode_run_summary(&rows).map_err(|error| unwritable("a run summary", &error))?;
        let points: u64 = self.frames.iter().map(|frame| frame.points).sum();
        let folded = Unfolded {
            frames: self.frames.len() as u64,
            points,
            bytes: self
                .frames
                .iter()
                .map(|frame| frame.body.len() as u64)
                .sum(),
            ..Unfolded::nothing(self.run, Timestamp::from_micros(0))
        };
        let former = self.folded.head;
        let mut head = former;
        head.folds += 1;
        head.change = head.change.max(self.hiding.newest_change());
        head.series = rows.len() as i64;
        head.points += points.cast_signed();
        if self.merge.from <= head.packs_first {
            head.packs_first = former.packs_next;
        }
        head.packs_next += self.packs.len() as i64;
        head.chunks_next += self.chunks.len() as i64;
        Ok(Pass {
            run: self.run,
            former,
            head,
            packs: self.packs,
            chunks: self.chunks,
            merge: self.merge,
            merged_chunks: self.merged_chunks,
            summary,
            last_frame: self.frames.last().map(|frame| frame.id),
            takes_series_in: added > 0,
            folded,
            is_last,
        })
    }

    fn key(&self, id: SeriesId) -> Result<&'a SeriesKey> {
        self.keys
            .get(id.0 as usize)
            .ok_or_else(|| value_error("a run", format!("it has no series {}", id.0)))
    }

    pub(super) fn row(&self, id: SeriesId) -> Result<&SummaryRow> {
        self.rows
            .get(&id.0)
            .ok_or_else(|| value_error("a run summary", format!("it has no series {}", id.0)))
    }

    fn row_mut(&mut self, id: SeriesId) -> Result<&mut SummaryRow> {
        self.rows
            .get_mut(&id.0)
            .ok_or_else(|| value_error("a run summary", format!("it has no series {}", id.0)))
    }
}
