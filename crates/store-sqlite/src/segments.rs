//! Points of many series of one run as segments, for drawing.
//!
//! Points as they are now, or as they were when the run was forked. Frames that are not folded are walked once for all series
//! asked for, packs once for each window of series; chunks are looked at by their heads. A chunk
//! gives its blocks only if all its points show: no other chunk, pack or frame of the series
//! reaches into its steps, its own steps rise, and no cut or removal touches it. Chunks that
//! overlap become one segment, which is resolved point by point when it is read.

mod read;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use runstone_codec::{BLOCK_POINTS, ChunkHead};
use runstone_model::{RunKey, SeriesKey, ValueType};
use runstone_store::apply::SeriesId;
use runstone_store::{
    BlockPoint, PointBlock, PointColumns, Segment, SegmentScan, SeriesHiding, SeriesSegments,
    VisiblePoints, convert_bits,
};
use rusqlite::{Connection, Row};

use self::read::{ChunkGroup, read_group, read_whole};
use crate::directory::{FoldedHead, FoundSeries, find_all_series, read_head};
use crate::error::{Result, blob_error, sql_error, value_error};
use crate::gather::{
    OWN_ORDER, UnfoldedParts, folded_type, read_unfolded, scan_packs_of_window, unify,
};
use crate::hidden::RunHiding;
use crate::keys::run_column;
use crate::rows::{collect, find};
use crate::sql;

/// Series whose points from packs are held at a time.
const WINDOW_SERIES: usize = 64;

/// Of what a fork asks its parent: the points up to a step as they were.
pub(crate) struct AsOf {
    /// The last step.
    pub(crate) step: f64,
    /// Points of later frames are left out.
    pub(crate) append: u64,
    /// Chunks below this number hold none of those.
    pub(crate) chunks_next: i64,
    /// What hid points then.
    pub(crate) hiding: RunHiding,
}

impl AsOf {
    /// Leaves later points out, and those past the last step.
    fn retain(&self, points: &mut PointColumns) {
        let was_there: Vec<bool> = (points.steps.iter().zip(&points.appends))
            .map(|(step, append)| *step <= self.step && *append <= self.append)
            .collect();
        points.retain(&was_there);
    }
}

/// Hands on the segments of each scan's series, of the run's own points alone.
pub(crate) fn own_segments<'a>(
    connection: &'a Connection,
    run: RunKey,
    scans: &[SegmentScan],
    as_of: Option<&AsOf>,
    mut each: impl FnMut(usize, Option<SeriesSegments<'a>>) -> Result<()>,
) -> Result<()> {
    let keys: Vec<&SeriesKey> = scans.iter().map(|scan| &scan.series).collect();
    let places = find_all_series(connection, run, &keys)?;
    let ids: BTreeSet<SeriesId> = places.iter().flatten().map(|(id, _)| *id).collect();
    let unfolded = read_unfolded(connection, run, &ids)?;
    let reading = Reading {
        connection,
        run,
        head: read_head(connection, run)?,
        hiding: match as_of {
            Some(as_of) => as_of.hiding.clone(),
            None => RunHiding::read(connection, run)?,
        },
        as_of,
    };
    let mut found = Vec::with_capacity(scans.len());
    for (index, (scan, place)) in scans.iter().zip(&places).enumerate() {
        match known(place.as_ref(), &unfolded)? {
            Some((id, reads_as, is_folded)) => found.push(Known {
                index,
                id,
                reads_as,
                is_folded,
                scan,
            }),
            None => each(index, None)?,
        }
    }
    found.sort_by_key(|known| (known.id, known.index));
    for window in found.chunks(WINDOW_SERIES) {
        reading.scan_window(window, &unfolded, &mut each)?;
    }
    Ok(())
}

/// A scan whose series has points.
struct Known<'a> {
    index: usize,
    id: SeriesId,
    reads_as: ValueType,
    is_folded: bool,
    scan: &'a SegmentScan,
}

/// Id, type and whether there are folded points; `None` if nothing was ever written.
fn known(
    place: Option<&FoundSeries>,
    unfolded: &HashMap<SeriesId, UnfoldedParts>,
) -> Result<Option<(SeriesId, ValueType, bool)>> {
    let Some((id, row)) = place else {
        return Ok(None);
    };
    let folded = folded_type(row.as_ref());
    let other = unfolded.get(id).and_then(|parts| parts.value_type);
    let reads_as = match (folded, other) {
        (folded, Some(other)) => Some(unify(folded, other)?),
        (folded, None) => folded,
    };
    Ok(reads_as.map(|reads_as| (*id, reads_as, folded.is_some())))
}

struct Reading<'a, 'o> {
    connection: &'a Connection,
    run: RunKey,
    head: FoldedHead,
    hiding: RunHiding,
    as_of: Option<&'o AsOf>,
}

impl<'a> Reading<'a, '_> {
    fn scan_window(
        &self,
        window: &[Known<'_>],
        unfolded: &HashMap<SeriesId, UnfoldedParts>,
        each: &mut impl FnMut(usize, Option<SeriesSegments<'a>>) -> Result<()>,
    ) -> Result<()> {
        // The same series may be asked for twice.
        let types: BTreeMap<u32, ValueType> = window
            .iter()
            .map(|known| (known.id.0, known.reads_as))
            .collect();
        let ids: Vec<u32> = types.keys().copied().collect();
        let mut loose: HashMap<u32, PointColumns> = HashMap::new();
        if window.iter().any(|known| known.is_folded) {
            let (connection, run, head) = (self.connection, self.run, &self.head);
            scan_packs_of_window(connection, run, &ids, head, |id, columns, value_type| {
                let points = loose.entry(id).or_default();
                points.extend(columns, 0.0, value_type, types[&id], OWN_ORDER);
                Ok(())
            })?;
        }
        for (id, reads_as) in &types {
            let points = loose.entry(*id).or_default();
            if let Some(parts) = unfolded.get(&SeriesId(*id)) {
                parts.extend_into(*reads_as, points);
            }
            if let Some(as_of) = self.as_of {
                as_of.retain(points);
            }
            points.sort();
        }
        for known in window {
            let series = Series {
                connection: self.connection,
                reads_as: known.reads_as,
                hiding: self.hiding.of_series(&known.scan.series),
                loose: &loose[&known.id.0],
                as_of: self.as_of,
            };
            let range = range_of(known.scan);
            let mut chunks = if known.is_folded {
                read_chunk_rows(self.connection, self.run, known.id, &self.head, range)?
            } else {
                Vec::new()
            };
            if let Some(as_of) = self.as_of {
                chunks.retain(|chunk| chunk.first_step <= as_of.step);
            }
            let segments = series.segments(chunks, range)?;
            let value_type = known.reads_as;
            each(
                known.index,
                Some(SeriesSegments {
                    value_type,
                    segments,
                }),
            )?;
        }
        Ok(())
    }
}

fn range_of(scan: &SegmentScan) -> (f64, f64) {
    (
        scan.from_step.map_or(f64::NEG_INFINITY, |step| step.get()),
        scan.to_step.map_or(f64::INFINITY, |step| step.get()),
    )
}

/// A chunk whose points are not read; the head neither, where it lies outside of what is asked.
struct ChunkRow {
    id: i64,
    number: i64,
    first_step: f64,
    last_step: f64,
    head: Option<Vec<u8>>,
}

fn read_chunk_rows(
    connection: &Connection,
    run: RunKey,
    series: SeriesId,
    head: &FoldedHead,
    (from, to): (f64, f64),
) -> Result<Vec<ChunkRow>> {
    // SQLite keeps infinities; a finite bound serves every engine.
    let params = (
        run_column(run),
        series.0,
        head.chunks_next,
        from.max(f64::MIN),
        to.min(f64::MAX),
    );
    let mut chunks = collect(connection, sql::SCAN_CHUNKS_WITH_HEADS, params, |row| {
        let id = row.get(0).map_err(sql_error)?;
        Ok(ChunkRow {
            id,
            first_step: row.get(1).map_err(sql_error)?,
            last_step: row.get(2).map_err(sql_error)?,
            number: row.get(3).map_err(sql_error)?,
            head: head_from_row(row, 4)?,
        })
    })?;
    chunks.sort_by(|a, b| a.first_step.total_cmp(&b.first_step).then(a.id.cmp(&b.id)));
    Ok(chunks)
}

fn head_from_row(row: &Row<'_>, column: usize) -> Result<Option<Vec<u8>>> {
    let value = row.get_ref(column).map_err(sql_error)?;
    let bytes = value
        .as_blob_or_null()
        .map_err(|error| value_error("the head of a chunk", error))?;
    Ok(bytes.map(<[u8]>::to_vec))
}

/// Steps that belong together: chunks that overlap, and the loose points within; or loose points
/// between chunks.
struct Group {
    first_step: f64,
    last_step: f64,
    chunks: Range<usize>,
    loose: Range<usize>,
}

/// A series while its segments are made.
struct Series<'a, 'l> {
    connection: &'a Connection,
    reads_as: ValueType,
    hiding: SeriesHiding,
    /// Sorted points of packs and unfolded frames.
    loose: &'l PointColumns,
    as_of: Option<&'l AsOf>,
}

impl<'a> Series<'a, '_> {
    /// The segments that reach into a range, and the nearest outside with a readable point.
    fn segments(
        &self,
        mut chunks: Vec<ChunkRow>,
        (from, to): (f64, f64),
    ) -> Result<Vec<Segment<'a>>> {
        let groups = self.groups(&chunks);
        let first = groups.partition_point(|group| group.last_step < from);
        let end = groups.partition_point(|group| group.first_step <= to);
        let mut before = Vec::new();
        for group in groups[..first].iter().rev() {
            let (segment, is_sure) = self.segment(group, &mut chunks)?;
            before.extend(segment);
            if is_sure {
                break;
            }
        }
        let mut segments: Vec<Segment<'a>> = before.into_iter().rev().collect();
        for group in groups.get(first..end).unwrap_or_default() {
            segments.extend(self.segment(group, &mut chunks)?.0);
        }
        for group in &groups[end.max(first)..] {
            let (segment, is_sure) = self.segment(group, &mut chunks)?;
            segments.extend(segment);
            if is_sure {
                break;
            }
        }
        Ok(segments)
    }

    /// Groups of chunks and loose points, by step.
    fn groups(&self, chunks: &[ChunkRow]) -> Vec<Group> {
        let steps = &self.loose.steps;
        let mut of_chunks: Vec<Group> = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            match of_chunks.last_mut() {
                Some(group) if chunk.first_step <= group.last_step => {
                    group.last_step = group.last_step.max(chunk.last_step);
                    group.chunks.end = index + 1;
                }
                _ => of_chunks.push(Group {
                    first_step: chunk.first_step,
                    last_step: chunk.last_step,
                    chunks: index..index + 1,
                    loose: 0..0,
                }),
            }
        }
        let mut groups = Vec::with_capacity(of_chunks.len() + 1);
        let mut at = 0;
        let push_loose = |groups: &mut Vec<Group>, range: Range<usize>| {
            if !range.is_empty() {
                groups.push(Group {
                    first_step: steps[range.start],
                    last_step: steps[range.end - 1],
                    chunks: 0..0,
                    loose: range,
                });
            }
        };
        for mut group in of_chunks {
            let first = at + steps[at..].partition_point(|step| *step < group.first_step);
            let end = first + steps[first..].partition_point(|step| *step <= group.last_step);
            push_loose(&mut groups, at..first);
            group.loose = first..end;
            groups.push(group);
            at = end;
        }
        push_loose(&mut groups, at..steps.len());
        groups
    }

    /// The segment of a group, and whether a point of it shows for sure.
    fn segment(
        &self,
        group: &Group,
        chunks: &mut [ChunkRow],
    ) -> Result<(Option<Segment<'a>>, bool)> {
        let loose = self.loose.slice(group.loose.clone());
        let chunks = &mut chunks[group.chunks.clone()];
        if chunks.is_empty() {
            let segment = Segment::from_points(VisiblePoints::from_columns(loose, &self.hiding));
            let is_sure = segment.is_some();
            return Ok((segment, is_sure));
        }
        let blocks = match chunks {
            [chunk] if loose.is_empty() => self.blocks(chunk)?,
            _ => None,
        };
        let connection = self.connection;
        let (reads_as, hiding) = (self.reads_as, self.hiding.clone());
        let places: Vec<(i64, f64)> = chunks
            .iter()
            .map(|chunk| (chunk.id, chunk.first_step))
            .collect();
        let first_chunk = places.first().map(|(id, _)| *id);
        let mut range = (group.first_step, group.last_step);
        let bounds = self.as_of.map(|as_of| (as_of.step, as_of.append));
        if let Some((step, _)) = bounds {
            range.1 = range.1.min(step);
        }
        // Blocks are there where every point of the one chunk shows.
        let shows_whole = first_chunk.filter(|_| blocks.is_some());
        let segment = Segment::new(range, move |take| match shows_whole {
            Some(chunk) => take(read_whole(connection, chunk, reads_as)?),
            None => {
                let group = ChunkGroup {
                    chunks: &places,
                    loose: &loose,
                    bounds,
                };
                read_group(connection, &group, &hiding, reads_as, take)
            }
        });
        Ok(match blocks {
            Some(Blocks {
                blocks,
                times_rise,
                finer,
            }) => {
                let segment = segment.with_blocks(blocks, times_rise);
                let Some((chunk, bytes)) = first_chunk.zip(finer) else {
                    return Ok((Some(segment), true));
                };
                let segment = segment.with_finer_blocks(move || {
                    let head = ChunkHead::parse(&bytes);
                    let head = head.map_err(|error| blob_error("chunk", chunk, &error))?;
                    Ok(blocks_of(&head, reads_as))
                });
                (Some(segment), true)
            }
            None => (Some(segment), false),
        })
    }

    /// Blocks of a chunk that nothing reaches into; `None` if not all
    /// of its points show, or version 1 does not say.
    fn blocks(&self, chunk: &mut ChunkRow) -> Result<Option<Blocks>> {
        let was_there =
            |as_of: &AsOf| chunk.number < as_of.chunks_next && chunk.last_step <= as_of.step;
        if !self.as_of.is_none_or(was_there) {
            return Ok(None);
        }
        if chunk.head.is_none() {
            let id = chunk.id;
            chunk.head = find(self.connection, sql::READ_CHUNK_HEAD, [id], |row| {
                head_from_row(row, 0)
            })?
            .flatten();
        }
        let Some(bytes) = chunk.head.take() else {
            return Ok(None);
        };
        let head = ChunkHead::parse_coarse(&bytes);
        let head = head.map_err(|error| blob_error("chunk", chunk.id, &error))?;
        let steps = (chunk.first_step, chunk.last_step);
        let all_show = head.steps_rise
            && (self.hiding.is_empty()
                || head.oldest.is_some_and(|(generation, append)| {
                    self.hiding.spares(steps, generation, append)
                }));
        if !all_show || head.places.len() != head.blocks.len() {
            return Ok(None);
        }
        let finer = (head.block_points > BLOCK_POINTS).then_some(bytes);
        Ok(Some(Blocks {
            blocks: blocks_of(&head, self.reads_as),
            times_rise: head.times_rise,
            finer,
        }))
    }
}

/// What the head of a chunk tells, where all of its points show.
struct Blocks {
    blocks: Vec<PointBlock>,
    times_rise: bool,
    /// The head, if it has blocks of fewer points too.
    finer: Option<Vec<u8>>,
}

/// The blocks of a head whose steps rise.
fn blocks_of(head: &ChunkHead, reads_as: ValueType) -> Vec<PointBlock> {
    let point = |step: f64, time: i64, bits: u64| BlockPoint {
        step,
        time,
        bits: convert_bits(bits, head.value_type, reads_as),
    };
    head.blocks
        .iter()
        .zip(&head.places)
        .map(|(block, places)| {
            let has_numbers = block.nan_count < block.count;
            let (min, max, nan) = (places.min, places.max, places.nan);
            PointBlock {
                count: block.count,
                first: point(block.min_step, block.first_time, block.first),
                last: point(block.max_step, block.last_time, block.last),
                min: has_numbers.then(|| point(min.step, min.time, block.min)),
                max: has_numbers.then(|| point(max.step, max.time, block.max)),
                // Which of several NaN it is, nobody can tell by its value.
                nan: (block.nan_count > 0).then(|| point(nan.step, nan.time, f64::NAN.to_bits())),
            }
        })
        .collect()
}
