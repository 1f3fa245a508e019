//! A prepared pass as slices for the writer.

use runstone_model::RunKey;
use runstone_store::StoreError;
use rusqlite::Connection;

use super::tiers::Merge;
use crate::backlog::Unfolded;
use crate::directory::{FoldedHead, read_head};
use crate::error::Result;
use crate::keys::{RowRange, run_column};
use crate::queue::Slice;
use crate::rows::execute;
use crate::sql;

/// A pack to insert.
pub(super) struct NewPack {
    pub(super) points: u64,
    pub(super) first_series: u32,
    pub(super) last_series: u32,
    pub(super) body: Vec<u8>,
}

/// A chunk to insert.
pub(super) struct NewChunk {
    pub(super) series: u32,
    pub(super) points: u64,
    pub(super) first_step: f64,
    pub(super) last_step: f64,
    pub(super) head: Vec<u8>,
    pub(super) data: Vec<u8>,
}

/// Everything that a pass over a run changes.
pub(super) struct Pass {
    pub(super) run: RunKey,
    /// The head that the pass started from.
    pub(super) former: FoldedHead,
    pub(super) head: FoldedHead,
    pub(super) packs: Vec<NewPack>,
    pub(super) chunks: Vec<NewChunk>,
    /// Packs that go, and the tier of the new ones.
    pub(super) merge: Merge,
    /// Chunks that go.
    pub(super) merged_chunks: Vec<i64>,
    pub(super) summary: Vec<u8>,
    /// Frames up to this one are folded.
    pub(super) last_frame: Option<i64>,
    /// The summary names series that had rows of their own.
    pub(super) takes_series_in: bool,
    pub(super) folded: Unfolded,
    /// Nothing was left unfolded in the snapshot.
    pub(super) is_last: bool,
}

/// A row to insert, with its number.
enum NewRow {
    Pack(i64, NewPack),
    Chunk(i64, NewChunk),
}

impl NewRow {
    fn bytes(&self) -> usize {
        match self {
            Self::Pack(_, pack) => pack.body.len(),
            Self::Chunk(_, chunk) => chunk.head.len() + chunk.data.len(),
        }
    }

    fn insert(&self, connection: &Connection, run: i64) -> Result<()> {
        match self {
            Self::Pack(number, pack) => {
                let id = RowRange::of(run).row(*number)?;
                let points = pack.points.cast_signed();
                let params = (id, points, pack.first_series, pack.last_series, &pack.body);
                execute(connection, sql::INSERT_PACK, params)?;
            }
            Self::Chunk(number, chunk) => {
                let params = (
                    run,
                    chunk.series,
                    number,
                    chunk.points.cast_signed(),
                    chunk.first_step,
                    chunk.last_step,
                    &chunk.head,
                    &chunk.data,
                );
                execute(connection, sql::INSERT_CHUNK, params)?;
            }
        }
        Ok(())
    }
}

impl Pass {
    /// Bytes that it inserts, about.
    pub(super) fn bytes(&self) -> usize {
        let packs = self.packs.iter().map(|pack| pack.body.len());
        let chunks = self.chunks.iter();
        let chunks = chunks.map(|chunk| chunk.head.len() + chunk.data.len());
        packs.chain(chunks).sum::<usize>() + self.summary.len()
    }

    /// Inserts in slices, and the last slice that makes them count.
    pub(super) fn into_slices(
        mut self,
        clears_leftovers: bool,
        slice_bytes_max: usize,
    ) -> Vec<Slice> {
        let run = run_column(self.run);
        let former = self.former;
        let packs = (former.packs_next..).zip(std::mem::take(&mut self.packs));
        let chunks = (former.chunks_next..).zip(std::mem::take(&mut self.chunks));
        let rows = packs
            .map(|(number, pack)| NewRow::Pack(number, pack))
            .chain(chunks.map(|(number, chunk)| NewRow::Chunk(number, chunk)));
        let mut slices: Vec<Slice> = Vec::new();
        if clears_leftovers {
            slices.push(Box::new(move |connection| {
                clear_leftovers(connection, run, &former)
            }));
        }
        let mut gathered: Vec<NewRow> = Vec::new();
        let mut bytes = 0;
        for row in rows {
            bytes += row.bytes();
            gathered.push(row);
            if bytes >= slice_bytes_max {
                bytes = 0;
                slices.push(insert_slice(run, std::mem::take(&mut gathered)));
            }
        }
        slices.push(Box::new(move |connection| {
            gathered
                .iter()
                .try_for_each(|row| row.insert(connection, run))?;
            self.make_count(connection)
        }));
        slices
    }

    fn make_count(&self, connection: &Connection) -> Result<()> {
        let run = run_column(self.run);
        if read_head(connection, self.run)? != self.former {
            return Err(StoreError::Internal(format!(
                "run {} was folded twice at once",
                self.run
            )));
        }
        let range = RowRange::of(run);
        if let Some(last) = self.last_frame {
            execute(connection, sql::DELETE_L0, (range.first, last))?;
        }
        let packs_next = range.first + self.former.packs_next;
        if self.merge.from < self.former.packs_next {
            let merged = (range.first + self.merge.from, packs_next);
            execute(connection, sql::DELETE_PACKS, merged)?;
            execute(connection, sql::DELETE_PACK_TIERS, merged)?;
        }
        if self.head.packs_next > self.former.packs_next {
            let generation = (packs_next, self.merge.tier);
            execute(connection, sql::INSERT_PACK_TIER, generation)?;
        }
        for chunk in &self.merged_chunks {
            execute(connection, sql::DELETE_CHUNK, [chunk])?;
        }
        if self.takes_series_in {
            execute(
                connection,
                sql::DELETE_SERIES,
                (range.first, range.first + self.head.series),
            )?;
        }
        execute(connection, sql::DELETE_SUMMARY, [run])?;
        let head = &self.head;
        let params = (
            run,
            head.folds,
            head.packs_first,
            head.packs_next,
            head.chunks_next,
            head.change,
            head.series,
            head.points,
            &self.summary,
        );
        execute(connection, sql::INSERT_SUMMARY, params).map(drop)
    }
}

fn insert_slice(run: i64, rows: Vec<NewRow>) -> Slice {
    Box::new(move |connection| rows.iter().try_for_each(|row| row.insert(connection, run)))
}

/// Deletes what a pass that ended half-way has left.
fn clear_leftovers(connection: &Connection, run: i64, head: &FoldedHead) -> Result<()> {
    let range = RowRange::of(run);
    execute(
        connection,
        sql::DELETE_PACKS,
        (range.first + head.packs_next, range.end),
    )?;
    execute(connection, sql::DELETE_CHUNKS_FROM, (run, head.chunks_next)).map(drop)
}
