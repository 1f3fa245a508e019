//! What the writer thread remembers of runs and writers that write.
//!
//! Rows, bindings, cuts and the state of each series, so that an ordinary frame reads nothing from
//! the database. Everything here can be read again: the caches are bounded, and dropped whole when
//! a frame is undone. Folding changes nothing in them: a series' state counts hidden points too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use runstone_model::{Params, RunKey, SeriesKey, WriterId};
use runstone_store::apply::{
    RunRow, SeriesBinding, SeriesId, SeriesState, SeriesWriters, WriterRow,
};
use rusqlite::Connection;

use crate::bindings::{Bindings, read_bindings};
use crate::error::{Result, sql_error};
use crate::fork::{SharedSeries, read_shared};
use crate::hidden::RunHiding;
use crate::keys::{RowRange, run_column};
use crate::rows::{collect, find};
use crate::sql;
use crate::states::{CachedSeries, PLACE_NOBODY, PLACE_SEVERAL, read_series_states};

/// What is remembered of a run.
#[derive(Debug)]
pub(crate) struct CachedRun {
    pub(crate) row: RunRow,
    /// By series id.
    pub(crate) series: Vec<CachedSeries>,
    /// By key; filled when a series is defined.
    pub(crate) keys: Option<HashMap<SeriesKey, SeriesId>>,
    pub(crate) hiding: RunHiding,
    /// What a fork shares with its parent, sorted by key.
    pub(crate) shared: Vec<SharedSeries>,
    pub(crate) params: Option<Params>,
    /// Ids of the next rows.
    pub(crate) next_frame: i64,
    pub(crate) next_event: i64,
    pub(crate) next_removal: i64,
    /// Key of the writer of the last append.
    pub(crate) last_writer: i64,
    /// Tick of the last use.
    pub(crate) used: u64,
}

impl CachedRun {
    /// A run that is created now.
    pub(crate) fn new(row: RunRow, shared: Vec<SharedSeries>) -> Self {
        let first = RowRange::of(run_column(row.key)).first;
        Self {
            row,
            series: Vec::new(),
            keys: Some(HashMap::new()),
            hiding: RunHiding::default(),
            shared,
            params: Some(Params::default()),
            next_frame: first,
            next_event: first,
            next_removal: first,
            last_writer: 0,
            used: 0,
        }
    }

    /// Reads what there is of a run.
    pub(crate) fn read(connection: &Connection, row: RunRow) -> Result<Self> {
        let run = row.key;
        let range = RowRange::of(run_column(run));
        let last = |statement: &str| -> Result<i64> {
            let found = find(connection, statement, (range.first, range.end), |row| {
                row.get::<_, i64>(0).map_err(sql_error)
            })?;
            Ok(found.unwrap_or(range.first - 1) + 1)
        };
        let last_writer = find(
            connection,
            sql::LAST_APPEND_WRITER,
            [run_column(run)],
            |row| row.get(0).map_err(sql_error),
        )?;
        let hiding = RunHiding::read(connection, run)?;
        let shared = read_shared(connection, run)?;
        let mut cached = Self {
            series: read_series_states(connection, run, &hiding, &shared)?,
            keys: None,
            hiding,
            shared,
            params: None,
            next_frame: last(sql::LAST_L0)?,
            next_event: last(sql::LAST_EVENT)?,
            next_removal: last(sql::LAST_REMOVAL)?,
            last_writer: last_writer.unwrap_or(0),
            used: 0,
            row,
        };
        let contested = collect(connection, sql::SCAN_CONTESTED, [run_column(run)], |row| {
            row.get::<_, u32>(0).map_err(sql_error)
        })?;
        for series in contested {
            if let Some(series) = cached.series.get_mut(series as usize) {
                series.contested = true;
            }
        }
        Ok(cached)
    }

    /// Ids by key, read when they are needed first.
    pub(crate) fn keys(
        &mut self,
        connection: &Connection,
    ) -> Result<&mut HashMap<SeriesKey, SeriesId>> {
        if self.keys.is_none() {
            let keys = crate::directory::read_keys(connection, self.row.key)?;
            let by_key = keys
                .into_iter()
                .zip(0..)
                .map(|(key, id)| (key, SeriesId(id)))
                .collect();
            self.keys = Some(by_key);
        }
        Ok(self.keys.as_mut().expect("it was just filled"))
    }

    /// What a fork shares of a series.
    pub(crate) fn shared_of(&self, key: &SeriesKey) -> Option<&CachedSeries> {
        let place = self.shared.binary_search_by(|(shared, _)| shared.cmp(key));
        place.ok().map(|index| &self.shared[index].1)
    }

    /// Every series with its points, shared ones too: what a fork of this run may share.
    pub(crate) fn all_series(
        &mut self,
        connection: &Connection,
    ) -> Result<Vec<(SeriesKey, CachedSeries)>> {
        let keys = self.keys(connection)?.clone();
        let own = keys.iter().map(|(key, id)| {
            let state = self.series.get(id.0 as usize).copied();
            (key.clone(), state.unwrap_or_default())
        });
        let shared = self
            .shared
            .iter()
            .filter(|(key, _)| !keys.contains_key(key));
        let mut shared: Vec<(SeriesKey, CachedSeries)> = shared.cloned().collect();
        for (_, state) in &mut shared {
            for (_, cut) in &self.hiding.cuts {
                state.cut(cut.to_step.get());
            }
        }
        Ok(own.chain(shared).collect())
    }

    /// The key of a series.
    pub(crate) fn key_of(
        &mut self,
        connection: &Connection,
        id: SeriesId,
    ) -> Result<Option<SeriesKey>> {
        let keys = self.keys(connection)?;
        Ok(keys
            .iter()
            .find(|(_, other)| **other == id)
            .map(|(key, _)| key.clone()))
    }

    /// Bytes, roughly.
    fn cost(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, HashMap::len);
        let params = self.params.as_ref().map_or(0, Params::leaf_count);
        let series = self.series.len() * size_of::<CachedSeries>();
        1_000 + series + keys * 150 + params * 200 + self.shared.len() * 200
    }
}

/// What is remembered of a writer.
#[derive(Debug)]
pub(crate) struct CachedWriter {
    pub(crate) key: i64,
    pub(crate) row: WriterRow,
    pub(crate) bindings: Bindings,
    /// Where the steps that the writer counts begin, by series, since its last rewind.
    pub(crate) auto_bases: HashMap<SeriesId, f64>,
    /// Id of the next row of bindings.
    pub(crate) next_binding: i64,
    /// Tick of the last use.
    pub(crate) used: u64,
}

impl CachedWriter {
    /// A writer with what its numbers stand for.
    pub(crate) fn new(key: i64, row: WriterRow, bindings: Bindings, next_binding: i64) -> Self {
        let current = bindings.values().filter(|binding| !binding.is_former);
        let auto_bases = current
            .filter_map(|binding| Some((binding.series, binding.auto_base?)))
            .collect();
        Self {
            key,
            row,
            bindings,
            auto_bases,
            next_binding,
            used: 0,
        }
    }

    /// Says what a number stands for from now on.
    pub(crate) fn bind(&mut self, number: u32, binding: SeriesBinding) {
        match binding.auto_base {
            Some(base) if !binding.is_former => drop(self.auto_bases.insert(binding.series, base)),
            _ if binding.is_former => drop(self.auto_bases.remove(&binding.series)),
            _ => {}
        }
        self.bindings.insert(number, binding);
    }

    fn cost(&self) -> usize {
        500 + self.bindings.len() * 48 + self.auto_bases.len() * 24
    }
}

/// Runs and writers, bounded together.
#[derive(Debug)]
pub(crate) struct Cache {
    runs: HashMap<RunKey, CachedRun>,
    writers: HashMap<WriterId, CachedWriter>,
    writer_ids: HashMap<i64, WriterId>,
    bytes_max: usize,
    /// Counts calls of `trim`.
    tick: u64,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            runs: HashMap::new(),
            writers: HashMap::new(),
            writer_ids: HashMap::new(),
            bytes_max,
            tick: 0,
        }
    }

    /// A run; `None` if it is deleted or was never there.
    pub(crate) fn run(
        &mut self,
        connection: &Connection,
        run: RunKey,
    ) -> Result<Option<&mut CachedRun>> {
        let tick = self.tick;
        let cached = match self.runs.entry(run) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let row = find(connection, sql::READ_RUN, [run_column(run)], |row| {
                    crate::rows::run_from_row(connection, row)
                })?;
                let Some(mut row) = row else { return Ok(None) };
                row.overridden = crate::rows::read_overridden(connection, run)?;
                place.insert(CachedRun::read(connection, row)?)
            }
        };
        cached.used = tick;
        Ok(Some(cached))
    }

    /// Remembers a new run.
    pub(crate) fn insert_run(&mut self, run: CachedRun) {
        self.runs.insert(run.row.key, run);
    }

    /// Forgets a run, which is deleted or comes back.
    pub(crate) fn remove_run(&mut self, run: RunKey) {
        self.runs.remove(&run);
    }

    /// A writer; `None` if it was never seen.
    pub(crate) fn writer(
        &mut self,
        connection: &Connection,
        writer: WriterId,
    ) -> Result<Option<&mut CachedWriter>> {
        let tick = self.tick;
        let cached = match self.writers.entry(writer) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let id = [writer.as_bytes()];
                let found = find(
                    connection,
                    sql::FIND_WRITER,
                    id,
                    crate::rows::writer_from_row,
                )?;
                let Some((key, row)) = found else {
                    return Ok(None);
                };
                let (bindings, next_binding) = read_bindings(connection, key)?;
                place.insert(CachedWriter::new(key, row, bindings, next_binding))
            }
        };
        cached.used = tick;
        Ok(Some(cached))
    }

    /// Remembers a new writer.
    pub(crate) fn insert_writer(&mut self, writer: CachedWriter) {
        self.writers.insert(writer.row.writer.id, writer);
    }

    /// The state of a series as `apply` wants it.
    pub(crate) fn series_state(
        &mut self,
        connection: &Connection,
        state: CachedSeries,
    ) -> Result<SeriesState> {
        let writers = match state.place {
            PLACE_NOBODY => SeriesWriters::Nobody,
            PLACE_SEVERAL => SeriesWriters::Several,
            key => SeriesWriters::One(self.writer_id(connection, key.cast_signed())?),
        };
        Ok(SeriesState {
            step_range: state.step_range,
            highest: state.highest,
            value_type: state.value_type,
            writers,
            two_writers: state.contested,
        })
    }

    /// The id of a writer's key.
    fn writer_id(&mut self, connection: &Connection, key: i64) -> Result<WriterId> {
        if let Some(id) = self.writer_ids.get(&key) {
            return Ok(*id);
        }
        let id = find(connection, sql::READ_WRITER_ID, [key], |row| {
            row.get::<_, [u8; 16]>(0)
                .map(WriterId::new)
                .map_err(sql_error)
        })?
        .ok_or_else(|| {
            crate::error::value_error("a series", format!("there is no writer {key}"))
        })?;
        self.writer_ids.insert(key, id);
        Ok(id)
    }

    /// Forgets everything; what was undone must not be remembered.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.writers.clear();
        self.writer_ids.clear();
    }

    /// Forgets what is easily read again, then what was not used for longest, until half of the
    /// bound is left. Called between groups.
    pub(crate) fn trim(&mut self) {
        self.tick += 1;
        if self.cost() <= self.bytes_max {
            return;
        }
        for run in self.runs.values_mut() {
            run.keys = None;
            run.params = None;
        }
        let mut cost = self.cost();
        let runs = self
            .runs
            .iter()
            .map(|(key, run)| (run.used, run.cost(), Cached::Run(*key)));
        let writers = self
            .writers
            .iter()
            .map(|(id, writer)| (writer.used, writer.cost(), Cached::Writer(*id)));
        let mut all: Vec<(u64, usize, Cached)> = runs.chain(writers).collect();
        all.sort_by_key(|(used, ..)| *used);
        for (_, bytes, cached) in all {
            if cost <= self.bytes_max / 2 {
                break;
            }
            match cached {
                Cached::Run(key) => drop(self.runs.remove(&key)),
                Cached::Writer(id) => drop(self.writers.remove(&id)),
            }
            cost = cost.saturating_sub(bytes);
        }
        self.writer_ids.clear();
    }

    fn cost(&self) -> usize {
        self.runs.values().map(CachedRun::cost).sum::<usize>()
            + self.writers.values().map(CachedWriter::cost).sum::<usize>()
    }
}

/// Something that can be forgotten.
enum Cached {
    Run(RunKey),
    Writer(WriterId),
}
