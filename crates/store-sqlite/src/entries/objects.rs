//! Sets of an object series: which there are, which show, and their documents.
//!
//! Which sets there are stands in the heads of rows and blocks; only the documents of sets that a
//! page holds are read. Heads are walked by key, a step at a time.

use std::collections::BTreeMap;

use runstone_model::{AppendNumber, Generation, RunKey, SeriesKey, Step, Timestamp};
use runstone_store::apply::SeriesId;
use runstone_store::{
    EntryHead, EntryKey, EntryKind, EntryMeta, OBJECT_PAGE_BYTES_MAX, ObjectPage, ObjectScan,
    ObjectSeriesRecord, ObjectSet, PointPosition, SeriesHiding, StoreError, decode_object_set,
};
use rusqlite::Connection;

use super::{KeyRange, Owner, block_at, block_error, head_at};
use crate::directory::{find_series, read_keys};
use crate::error::{Result, sql_error, value_error};
use crate::hidden::RunHiding;
use crate::keys::run_column;
use crate::rows::{collect, find};
use crate::sql;

/// Where a set is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Row(i64),
    Block(i64),
}

/// A set that was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoundSet {
    pub(crate) meta: EntryMeta,
    place: Place,
    /// Index in its block.
    index: usize,
}

/// All sets in steps from `first` to `last`, both inclusive.
pub(crate) fn steps_range(first: Option<f64>, last: Option<f64>) -> KeyRange {
    let numbered = |step: f64| EntryKey::numbered(EntryKey::major_of_step(step));
    KeyRange {
        first: first.map_or(EntryKey::FIRST, numbered),
        end: last.map(|step| EntryKey::numbered(EntryKey::major_of_step(step) + 1)),
    }
}

/// Hands on the sets of a range, one step after the other, by key; `each` ends it with `false`.
pub(crate) fn walk_steps(
    connection: &Connection,
    owner: Owner,
    range: KeyRange,
    mut each: impl FnMut(&[FoundSet]) -> Result<bool>,
) -> Result<()> {
    let mut of_rows: BTreeMap<EntryKey, FoundSet> = BTreeMap::new();
    let (first, end) = range.bytes();
    let heads = collect(
        connection,
        sql::SCAN_ENTRY_ROW_HEADS,
        owner.with(&first, &end),
        |row| Ok((row.get(0).map_err(sql_error)?, head_at(row, 1)?)),
    )?;
    for (id, head) in heads {
        of_rows.extend(sets_of(&head, Place::Row(id), range).map(|set| (set.meta.key, set)));
    }
    let mut step = StepSets::default();
    let mut statement = connection
        .prepare_cached(sql::SCAN_ENTRY_BLOCK_HEADS)
        .map_err(sql_error)?;
    let mut blocks = statement
        .query(owner.with(&first, &end))
        .map_err(sql_error)?;
    while let Some(row) = blocks.next().map_err(sql_error)? {
        let id: i64 = row.get(0).map_err(sql_error)?;
        let head = head_at(row, 1)?;
        for set in sets_of(&head, Place::Block(id), range) {
            while let Some(before) = of_rows.first_entry() {
                if *before.key() > set.meta.key {
                    break;
                }
                let before = before.remove();
                // A row of the same key is the same set, of a fold that ended half-way.
                if before.meta.key != set.meta.key && !step.push(before, &mut each)? {
                    return Ok(());
                }
            }
            if !step.push(set, &mut each)? {
                return Ok(());
            }
        }
    }
    for set in of_rows.into_values() {
        if !step.push(set, &mut each)? {
            return Ok(());
        }
    }
    if !step.sets.is_empty() {
        each(&step.sets)?;
    }
    Ok(())
}

/// The sets of one step, gathered.
#[derive(Default)]
struct StepSets {
    sets: Vec<FoundSet>,
}

impl StepSets {
    /// Takes the next set; hands on the step before, if this is another.
    fn push(
        &mut self,
        set: FoundSet,
        each: &mut impl FnMut(&[FoundSet]) -> Result<bool>,
    ) -> Result<bool> {
        let ends = self
            .sets
            .last()
            .is_some_and(|last| last.meta.key.major != set.meta.key.major);
        if ends {
            let goes_on = each(&self.sets)?;
            self.sets.clear();
            if !goes_on {
                return Ok(false);
            }
        }
        self.sets.push(set);
        Ok(true)
    }
}

fn sets_of(head: &EntryHead, place: Place, range: KeyRange) -> impl Iterator<Item = FoundSet> {
    let sets = head.entries.iter().enumerate();
    sets.filter(move |(_, meta)| range.holds(&meta.key))
        .map(move |(index, meta)| FoundSet {
            meta: *meta,
            place,
            index,
        })
}

/// Index of the set that shows, among those of one step by key.
fn shown(sets: &[FoundSet], hiding: &SeriesHiding) -> Option<usize> {
    sets.iter().rposition(|set| {
        let key = &set.meta.key;
        hiding.is_alive(key.step(), key.generation, key.append)
    })
}

/// Object series of a run that have a set that shows, by key.
pub(crate) fn read_object_series(
    connection: &Connection,
    run: RunKey,
) -> Result<Vec<ObjectSeriesRecord>> {
    let marks = collect(
        connection,
        sql::SCAN_OBJECT_MARKS,
        [run_column(run)],
        |row| row.get::<_, u32>(0).map_err(sql_error),
    )?;
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let keys = read_keys(connection, run)?;
    let hiding = RunHiding::read(connection, run)?;
    let mut records = Vec::with_capacity(marks.len());
    for series in marks {
        let key = keys
            .get(series as usize)
            .ok_or_else(|| value_error("a run", format!("it has no series {series}")))?;
        let hiding = hiding.of_series(key);
        let mut record: Option<ObjectSeriesRecord> = None;
        let owner = Owner::new(run, EntryKind::Objects, series.into());
        walk_steps(connection, owner, steps_range(None, None), |sets| {
            if let Some(index) = shown(sets, &hiding) {
                let meta = &sets[index].meta;
                ObjectSeriesRecord::add(&mut record, key, step_of(meta)?, meta.tag.cast_unsigned());
            }
            Ok(true)
        })?;
        records.extend(record);
    }
    records.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(records)
}

/// One page of sets.
pub(crate) fn scan_objects(
    connection: &Connection,
    run: RunKey,
    scan: &ObjectScan,
) -> Result<ObjectPage> {
    let series = find_object_series(connection, run, &scan.series)?
        .ok_or_else(|| StoreError::NotFound(format!("the run has no series {}", scan.series)))?;
    let hiding = RunHiding::read(connection, run)?.of_series(&scan.series);
    let after = scan.after.map(|after| after.step);
    let from = match (scan.from_step, after) {
        (Some(from), Some(after)) if after > from => Some(after),
        (from, after) => from.or(after),
    };
    let range = steps_range(from.map(Step::get), scan.to_step.map(Step::get));
    let owner = Owner::new(run, EntryKind::Objects, series.0.into());
    let limit = scan.limit.max(1);
    let mut chosen: Vec<(FoundSet, PointPosition, bool)> = Vec::new();
    walk_steps(connection, owner, range, |sets| {
        let visible = shown(sets, &hiding);
        for (index, set) in sets.iter().enumerate() {
            let is_visible = visible == Some(index);
            let position = position_of(&set.meta)?;
            if (scan.history || is_visible) && scan.holds(&position) {
                chosen.push((*set, position, is_visible));
            }
            if chosen.len() > limit {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    let mut page = ObjectPage::default();
    let mut opened = Opened::default();
    let mut bytes = 0;
    for (set, position, visible) in chosen {
        if page.sets.len() == limit || bytes > OBJECT_PAGE_BYTES_MAX {
            page.next = page.sets.last().map(|last| last.position);
            break;
        }
        let body = opened.body(connection, &set)?;
        bytes += body.len();
        let (epoch, objects) = decode_object_set(&set.meta, body).map_err(block_error)?;
        page.sets.push(ObjectSet {
            position,
            time: Timestamp::from_micros(set.meta.time),
            epoch,
            visible,
            objects,
        });
    }
    Ok(page)
}

/// The id of an object series that has sets.
fn find_object_series(
    connection: &Connection,
    run: RunKey,
    key: &SeriesKey,
) -> Result<Option<SeriesId>> {
    let Some((series, _)) = find_series(connection, run, key)? else {
        return Ok(None);
    };
    let params = (run_column(run), series.0);
    let has_sets = find(connection, sql::HAS_OBJECT_MARK, params, |_| Ok(()))?.is_some();
    Ok(has_sets.then_some(series))
}

/// The block that was read last, opened.
#[derive(Default)]
struct Opened {
    last: Option<(Place, EntryHead, Vec<u8>)>,
}

impl Opened {
    fn body(&mut self, connection: &Connection, set: &FoundSet) -> Result<&[u8]> {
        if self
            .last
            .as_ref()
            .is_none_or(|(place, ..)| *place != set.place)
        {
            let (statement, id) = match set.place {
                Place::Row(id) => (sql::READ_ENTRY_ROW, id),
                Place::Block(id) => (sql::READ_ENTRY_BLOCK, id),
            };
            let block = find(connection, statement, [id], |row| block_at(row, 0))?
                .ok_or_else(|| value_error("a set of objects", "its block is gone"))?;
            let head = EntryHead::parse(&block.head).map_err(block_error)?;
            let bodies = head.open(&block.data).map_err(block_error)?;
            self.last = Some((set.place, head, bodies));
        }
        let (_, head, bodies) = self.last.as_ref().expect("it was just filled");
        Ok(head.body(bodies, set.index))
    }
}

fn step_of(meta: &EntryMeta) -> Result<Step> {
    Step::new(meta.key.step()).map_err(|error| value_error("a set of objects", error))
}

fn position_of(meta: &EntryMeta) -> Result<PointPosition> {
    Ok(PointPosition {
        step: step_of(meta)?,
        generation: Generation(meta.key.generation),
        append: AppendNumber(meta.key.append),
        position: meta.key.position,
    })
}
