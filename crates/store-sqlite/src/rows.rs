//! From rows to records of the model and of the store, and back.
//!
//! The writer and the snapshots read with the same functions. A value that the model refuses was
//! not written by this engine: the row is `Corrupt`.

use std::collections::BTreeSet;
use std::str::FromStr;

use runstone_model::{
    Alias, AppendNumber, ChangeNumber, EndReason, ExperimentKey, ForkPin, Generation, Goal,
    MetricName, Run, RunId, RunKey, Step, TagName, Timestamp, WorkspaceId, Writer, WriterEnd,
    WriterId,
};
use runstone_store::apply::{Overridden, RunRow, WriterCounters, WriterRow};
use runstone_store::{
    EventRecord, MetricDefinition, RunCompleteness, ScalarRecord, WarningRecord, WriterMark,
};
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row};

use crate::error::{Result, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::sql;
use crate::values::{ValueColumns, path_from_text};

/// Reads the columns of a row one after the other.
struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
    what: &'static str,
}

impl<'a> Columns<'a> {
    fn new(row: &'a Row<'a>, what: &'static str) -> Self {
        Self { row, next: 0, what }
    }

    fn get<T: FromSql>(&mut self) -> Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.get(index).map_err(|error| match error {
            rusqlite::Error::SqliteFailure(..) => sql_error(error),
            other => value_error(self.what, other),
        })
    }

    fn unsigned(&mut self) -> Result<u64> {
        self.get::<i64>().map(i64::cast_unsigned)
    }

    fn flag(&mut self) -> Result<bool> {
        self.get::<i64>().map(|value| value != 0)
    }

    fn time(&mut self) -> Result<Timestamp> {
        self.get::<i64>().map(Timestamp::from_micros)
    }

    fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    fn writer(&mut self) -> Result<WriterId> {
        self.get::<[u8; 16]>().map(WriterId::new)
    }

    fn optional_writer(&mut self) -> Result<Option<WriterId>> {
        Ok(self.get::<Option<[u8; 16]>>()?.map(WriterId::new))
    }

    fn word<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T> {
        let text: String = self.get()?;
        text.parse().map_err(|error| value_error(self.what, error))
    }

    fn optional_word<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<Option<T>> {
        let text: Option<String> = self.get()?;
        text.map(|text| text.parse().map_err(|error| value_error(self.what, error)))
            .transpose()
    }

    fn reason(&mut self) -> Result<Option<EndReason>> {
        let code = self.optional_word()?;
        let text: Option<String> = self.get()?;
        Ok(code.map(|code| EndReason {
            code,
            text: text.unwrap_or_default(),
        }))
    }

    fn step(&mut self) -> Result<Option<Step>> {
        let step: Option<f64> = self.get()?;
        step.map(|step| Step::new(step).map_err(|error| value_error(self.what, error)))
            .transpose()
    }
}

/// A run from the columns of `sql::FIND_RUN` and its kin; tags and aliases are read besides.
pub(crate) fn run_from_row(connection: &Connection, row: &Row<'_>) -> Result<RunRow> {
    let mut run = run_without_lists(row)?;
    run.run.tags = read_tags(connection, run.key)?;
    run.run.aliases = read_aliases(connection, run.key)?;
    Ok(run)
}

/// The same, its tags and aliases left empty for the caller to fill.
pub(crate) fn run_without_lists(row: &Row<'_>) -> Result<RunRow> {
    let mut columns = Columns::new(row, "a run");
    let key = RunKey(columns.unsigned()?);
    let workspace = WorkspaceId(columns.unsigned()?);
    let id: RunId = columns.word()?;
    let experiment = ExperimentKey(columns.unsigned()?);
    let name = columns.get()?;
    let description = columns.get()?;
    let archived = columns.flag()?;
    let group = columns.get()?;
    let job_type = columns.get()?;
    let seed = columns.get()?;
    let rerun_of = columns.optional_word()?;
    let parent_run: Option<i64> = columns.get()?;
    let parent_step = columns.step()?;
    let parent_append: Option<i64> = columns.get()?;
    let parent_generation: Option<u32> = columns.get()?;
    let parent = match (parent_run, parent_step, parent_append) {
        (Some(run), Some(step), Some(append)) => Some(ForkPin {
            parent: RunKey(run.cast_unsigned()),
            step,
            append: AppendNumber(append.cast_unsigned()),
            generation: Generation(parent_generation.unwrap_or(0)),
        }),
        _ => None,
    };
    let run = Run {
        id,
        workspace,
        experiment,
        name,
        description,
        tags: BTreeSet::new(),
        archived,
        group,
        job_type,
        seed,
        rerun_of,
        parent,
        variation: columns.get()?,
        number: columns.get()?,
        aliases: Vec::new(),
        primary_writer: columns.optional_writer()?,
        state: columns.word()?,
        reason: columns.reason()?,
        created_at: columns.time()?,
        started_at: columns.optional_time()?,
        ended_at: columns.optional_time()?,
    };
    Ok(RunRow {
        key,
        run,
        changed: ChangeNumber(columns.unsigned()?),
        last_received_at: columns.optional_time()?,
        generation: Generation(columns.get()?),
        last_append: AppendNumber(columns.unsigned()?),
        completeness: RunCompleteness {
            logged_points: columns.unsigned()?,
            durable_points: columns.unsigned()?,
            refused_points: columns.unsigned()?,
            dropped_points: columns.unsigned()?,
            lost_slots: columns.unsigned()?,
        },
        deleted_at: columns.optional_time()?,
        overridden: Overridden::default(),
    })
}

/// Tags and aliases of runs that are visited by rising key, each list in one scan.
pub(crate) struct ListsInOrder<'a> {
    tags: OrderedList<'a, TagName>,
    aliases: OrderedList<'a, Alias>,
}

struct OrderedList<'a, T> {
    rows: rusqlite::Rows<'a>,
    next: Option<(i64, T)>,
    read: fn(&Row<'_>) -> Result<(i64, T)>,
}

impl<'a> ListsInOrder<'a> {
    /// Over two statements: `sql::SCAN_ALL_TAGS` and `sql::SCAN_ALL_ALIASES`.
    pub(crate) fn new(
        tags: &'a mut rusqlite::Statement<'_>,
        aliases: &'a mut rusqlite::Statement<'_>,
    ) -> Result<Self> {
        Ok(Self {
            tags: OrderedList::new(tags, |row| {
                let mut columns = Columns::new(row, "a tag");
                Ok((columns.get()?, columns.word()?))
            })?,
            aliases: OrderedList::new(aliases, |row| {
                let mut columns = Columns::new(row, "an alias");
                let run = columns.get()?;
                let (dialect, id) = (columns.get()?, columns.get()?);
                Ok((run, Alias { dialect, id }))
            })?,
        })
    }

    /// Fills the lists of a run whose key is greater than those before.
    pub(crate) fn fill(&mut self, run: &mut RunRow) -> Result<()> {
        let key = run_column(run.key);
        self.tags.take(key, &mut run.run.tags)?;
        self.aliases.take(key, &mut run.run.aliases)
    }
}

impl<'a, T> OrderedList<'a, T> {
    fn new(
        statement: &'a mut rusqlite::Statement<'_>,
        read: fn(&Row<'_>) -> Result<(i64, T)>,
    ) -> Result<Self> {
        let rows = statement.query([]).map_err(sql_error)?;
        let mut list = Self {
            rows,
            next: None,
            read,
        };
        list.advance()?;
        Ok(list)
    }

    fn advance(&mut self) -> Result<()> {
        let row = self.rows.next().map_err(sql_error)?;
        self.next = row.map(self.read).transpose()?;
        Ok(())
    }

    fn take(&mut self, run: i64, out: &mut impl Extend<T>) -> Result<()> {
        while let Some((of, _)) = &self.next {
            if *of > run {
                break;
            }
            let is_own = *of == run;
            let value = self.next.take().map(|(_, value)| value);
            out.extend(value.filter(|_| is_own));
            self.advance()?;
        }
        Ok(())
    }
}

fn read_tags(connection: &Connection, run: RunKey) -> Result<BTreeSet<TagName>> {
    collect(connection, sql::SCAN_TAGS, (run_column(run),), |row| {
        Columns::new(row, "a tag").word()
    })
    .map(|tags: Vec<TagName>| tags.into_iter().collect())
}

fn read_aliases(connection: &Connection, run: RunKey) -> Result<Vec<Alias>> {
    collect(connection, sql::SCAN_ALIASES, (run_column(run),), |row| {
        let mut columns = Columns::new(row, "an alias");
        Ok(Alias {
            dialect: columns.get()?,
            id: columns.get()?,
        })
    })
}

/// What a run's script gave and a person has changed since; the writer reads it beside the run.
pub(crate) fn read_overridden(connection: &Connection, run: RunKey) -> Result<Overridden> {
    let mut overridden = Overridden::default();
    let rows = collect(connection, sql::SCAN_OVERRIDES, (run_column(run),), |row| {
        let mut columns = Columns::new(row, "an override");
        Ok((columns.get::<String>()?, columns.get::<String>()?))
    })?;
    for (field, value) in rows {
        let wrong = |error: &dyn std::fmt::Display| value_error("an override", error.to_string());
        match field.as_str() {
            NAME => overridden.name = Some(value),
            DESCRIPTION => overridden.description = Some(value),
            EXPERIMENT => {
                let key = value.parse().map_err(|error| wrong(&error))?;
                overridden.experiment = Some(ExperimentKey(key));
            }
            TAG => {
                let tag = value.parse().map_err(|error| wrong(&error))?;
                overridden.tags.insert(tag);
            }
            other => return Err(wrong(&format!("the field {other} is unknown"))),
        }
    }
    Ok(overridden)
}

/// Fields of an override.
pub(crate) const NAME: &str = "name";
pub(crate) const DESCRIPTION: &str = "description";
pub(crate) const EXPERIMENT: &str = "experiment";
pub(crate) const TAG: &str = "tag";

/// A writer from the columns of `sql::FIND_WRITER` and its kin, with its key.
pub(crate) fn writer_from_row(row: &Row<'_>) -> Result<(i64, WriterRow)> {
    let mut columns = Columns::new(row, "a writer");
    let key: i64 = columns.get()?;
    let id = columns.writer()?;
    let workspace = WorkspaceId(columns.unsigned()?);
    let run = columns
        .get::<Option<i64>>()?
        .map(|run| RunKey(run.cast_unsigned()));
    let opened = columns.flag()?;
    let mut writer = Writer {
        id,
        host: columns.get()?,
        boot_id: columns.get()?,
        pid: columns.get()?,
        rank: columns.get()?,
        user: columns.get()?,
        sdk: columns.get()?,
        opened_at: columns.time()?,
        primary: columns.flag()?,
        parent: columns.optional_writer()?,
        lease_seconds: columns.get()?,
        end: None,
    };
    let end_kind = columns.optional_word()?;
    let reason = columns.reason()?;
    let ended_at = columns.optional_time()?;
    if let (Some(kind), Some(at)) = (end_kind, ended_at) {
        writer.end = Some(WriterEnd { kind, reason, at });
    }
    let first_change = ChangeNumber(columns.unsigned()?);
    let mark = WriterMark {
        mark: columns.unsigned()?,
        chain: columns.unsigned()?,
    };
    let generation = Generation(columns.get()?);
    let counters = WriterCounters {
        told_logged: columns.unsigned()?,
        told_dropped: columns.unsigned()?,
        told_refused: columns.unsigned()?,
        refused: columns.unsigned()?,
        durable: columns.unsigned()?,
        lost_slots: columns.unsigned()?,
    };
    let last_received_at = columns.time()?;
    let row = WriterRow {
        writer,
        workspace,
        run,
        opened,
        mark,
        generation,
        counters,
        first_change,
        last_received_at,
    };
    Ok((key, row))
}

/// Params of a run.
pub(crate) fn read_params(connection: &Connection, run: RunKey) -> Result<runstone_model::Params> {
    let mut params = runstone_model::Params::default();
    let mut statement = connection
        .prepare_cached(sql::SCAN_PARAMS)
        .map_err(sql_error)?;
    let mut rows = statement.query([run_column(run)]).map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let mut columns = Columns::new(row, "a param");
        let path = path_from_text(&columns.get::<String>()?)?;
        let value = ValueColumns {
            kind: columns.get()?,
            bits: columns.get()?,
            text: columns.get()?,
            body: columns.get()?,
            ..ValueColumns::default()
        };
        params
            .set(&path, &value.to_param()?, true)
            .map_err(|error| value_error("a param", error))?;
    }
    Ok(params)
}

/// A scalar from the columns of `sql::FIND_SCALAR` and its kin.
pub(crate) fn scalar_from_row(row: &Row<'_>) -> Result<ScalarRecord> {
    let mut columns = Columns::new(row, "a scalar");
    let name: MetricName = columns.word()?;
    let value = ValueColumns {
        kind: columns.get()?,
        bits: columns.get()?,
        text: columns.get()?,
        ..ValueColumns::default()
    };
    Ok(ScalarRecord {
        name,
        value: value.to_scalar()?,
        time: columns.time()?,
    })
}

/// A definition from the columns of `sql::FIND_METRIC` and its kin.
pub(crate) fn metric_from_row(row: &Row<'_>) -> Result<MetricDefinition> {
    let mut columns = Columns::new(row, "a metric");
    Ok(MetricDefinition {
        name: columns.word()?,
        goal: columns.optional_word::<Goal>()?,
        unit: columns.get()?,
        default_x: columns.get()?,
    })
}

/// Events of a run, oldest first.
pub(crate) fn read_events(connection: &Connection, run: RunKey) -> Result<Vec<EventRecord>> {
    let range = RowRange::of(run_column(run));
    let params = (range.first, range.end);
    collect(connection, sql::SCAN_EVENTS, params, event_from_row)
}

/// An event from the columns of `sql::SCAN_EVENTS` and its kin.
pub(crate) fn event_from_row(row: &Row<'_>) -> Result<EventRecord> {
    let mut columns = Columns::new(row, "an event");
    Ok(EventRecord {
        change: ChangeNumber(columns.unsigned()?),
        from: columns.optional_word()?,
        to: columns.word()?,
        event: columns.word()?,
        actor: columns.get()?,
        at: columns.time()?,
        reason: columns.reason()?,
        writer: columns.optional_writer()?,
    })
}

/// Warnings of a run, by kind.
pub(crate) fn read_warnings(connection: &Connection, run: RunKey) -> Result<Vec<WarningRecord>> {
    collect(connection, sql::SCAN_WARNINGS, (run_column(run),), |row| {
        let mut columns = Columns::new(row, "a warning");
        Ok(WarningRecord {
            kind: columns.get()?,
            count: columns.unsigned()?,
            detail: columns.get()?,
            at: columns.time()?,
        })
    })
}

/// All rows of a statement, each made into a record.
pub(crate) fn collect<T>(
    connection: &Connection,
    statement: &str,
    params: impl rusqlite::Params,
    mut record: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(statement).map_err(sql_error)?;
    let mut rows = statement.query(params).map_err(sql_error)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(sql_error)? {
        records.push(record(row)?);
    }
    Ok(records)
}

/// The first row of a statement, made into a record.
pub(crate) fn find<T>(
    connection: &Connection,
    statement: &str,
    params: impl rusqlite::Params,
    record: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(statement).map_err(sql_error)?;
    let mut rows = statement.query(params).map_err(sql_error)?;
    rows.next().map_err(sql_error)?.map(record).transpose()
}

/// Executes a cached statement.
pub(crate) fn execute(
    connection: &Connection,
    statement: &str,
    params: impl rusqlite::Params,
) -> Result<usize> {
    connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.execute(params))
        .map_err(sql_error)
}
