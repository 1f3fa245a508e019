//! Pages of series and of points, from folded and unfolded data of one snapshot.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use runstone_codec::{SeriesColumns, SummaryRow};
use runstone_model::{Goal, MetricName, RunKey, SeriesKey, SeriesKind, ValueType};
use runstone_store::apply::SeriesId;
use runstone_store::{
    PointColumns, PointPage, PointScan, SeriesPage, SeriesRecord, SeriesScan, SeriesSummary,
    StoreError, merge_summaries,
};
use rusqlite::Connection;

use crate::directory::{find_series, keys_of, read_added, read_folded, read_head};
use crate::error::Result;
use crate::fork::{Layer, SharedSummaries, read_pin, scan_layer, summarize_layer};
use crate::gather::{
    OWN_ORDER, SeriesPlace, UnfoldedParts, find_chunks, folded_type, gather, read_chunk,
    scan_packs, unify,
};
use crate::hidden::RunHiding;
use crate::keys::run_column;
use crate::rows::{collect, find, metric_from_row, run_from_row};
use crate::sql;
use crate::summaries::{Caches, UnfoldedSummary, are_disjoint, summarize, summary_of_row};

/// Series of a run with their summaries.
pub(crate) fn scan_series(
    connection: &Connection,
    caches: Caches<'_>,
    run: RunKey,
    scan: &SeriesScan,
) -> Result<SeriesPage> {
    let mut page = scan_wanted(connection, caches, run, scan, |_| true)?;
    if !page.series.is_empty() {
        let goals = read_goals(connection, run)?;
        for record in &mut page.series {
            record.goal = goals.get(&record.key.name).copied();
        }
    }
    Ok(page)
}

/// The same for metrics alone, their goals left out.
pub(crate) fn scan_metrics(
    connection: &Connection,
    caches: Caches<'_>,
    run: RunKey,
    scan: &SeriesScan,
) -> Result<SeriesPage> {
    scan_wanted(connection, caches, run, scan, |key| {
        key.kind == SeriesKind::Metric
    })
}

pub(crate) fn scan_wanted(
    connection: &Connection,
    caches: Caches<'_>,
    run: RunKey,
    scan: &SeriesScan,
    is_wanted: impl Fn(&SeriesKey) -> bool,
) -> Result<SeriesPage> {
    let folded = read_folded(connection, run)?;
    let keys = keys_of(&folded, &read_added(connection, run)?)?;
    let shared = caches.forks.read(connection, caches, run)?;
    if keys.is_empty() && shared.is_none() {
        return Ok(SeriesPage::default());
    }
    let hiding = RunHiding::read(connection, run)?;
    let unfolded = caches
        .unfolded
        .read(connection, run, folded.head.folds, &keys, &hiding)?;
    let own = (0..).map(|id| Some(SeriesId(id))).zip(&keys);
    let mut all: Vec<(Option<SeriesId>, &SeriesKey)> = own.collect();
    if let Some(shared) = &shared {
        let known: HashSet<&SeriesKey> = keys.iter().collect();
        let others = shared.keys().filter(|key| !known.contains(key));
        all.extend(others.map(|key| (None, key)));
    }
    let mut wanted: Vec<(Option<SeriesId>, &SeriesKey)> = all
        .into_iter()
        .filter(|(_, key)| scan.name.as_ref().is_none_or(|name| *name == key.name))
        .filter(|(_, key)| {
            scan.context
                .as_ref()
                .is_none_or(|context| *context == key.context)
        })
        .filter(|(_, key)| scan.after.as_ref().is_none_or(|after| *key > after))
        .filter(|(_, key)| is_wanted(key))
        .collect();
    wanted.sort_by_key(|(_, key)| *key);
    let mut rows: Vec<Option<&SummaryRow>> = vec![None; keys.len()];
    for row in &folded.rows {
        rows[row.number as usize] = Some(row);
    }
    let reading = Reading {
        connection,
        run,
        head: &folded.head,
        hiding: &hiding,
        unfolded,
        shared: shared.as_deref(),
    };
    let limit = scan.limit.max(1);
    let mut page = SeriesPage::default();
    for (id, key) in wanted {
        let own = match id {
            Some(id) => reading.own(id, key, rows[id.0 as usize])?,
            None => None,
        };
        let Some(record) = reading.record(key, own)? else {
            continue;
        };
        if page.series.len() == limit {
            page.next = page.series.last().map(|record| record.key.clone());
            break;
        }
        page.series.push(record);
    }
    Ok(page)
}

struct Reading<'a> {
    connection: &'a Connection,
    run: RunKey,
    head: &'a crate::directory::FoldedHead,
    hiding: &'a RunHiding,
    unfolded: Arc<UnfoldedSummary>,
    shared: Option<&'a SharedSummaries>,
}

impl Reading<'_> {
    /// The series and its summary; `None` if none of its points shows.
    fn record(
        &self,
        key: &SeriesKey,
        own: Option<(SeriesSummary, ValueType)>,
    ) -> Result<Option<SeriesRecord>> {
        let shared = self.shared.and_then(|shared| shared.get(key));
        let (summary, value_type) = match (own, shared) {
            (None, None) => return Ok(None),
            (Some(own), None) => own,
            (own, Some(shared)) => self.join(key, own, shared)?,
        };
        if summary.count == 0 {
            return Ok(None);
        }
        Ok(Some(SeriesRecord {
            key: key.clone(),
            value_type,
            summary,
            goal: None,
        }))
    }

    /// What the run's own points of a series and those that it shares amount to.
    fn join(
        &self,
        key: &SeriesKey,
        own: Option<(SeriesSummary, ValueType)>,
        (shared, shared_type): &(SeriesSummary, ValueType),
    ) -> Result<(SeriesSummary, ValueType)> {
        let own_type = own.map(|(_, value_type)| value_type);
        let value_type = unify(own_type, *shared_type)?;
        let hiding = self.hiding.of_series(key);
        let ends = shared.first.zip(shared.last);
        let all_show = ends
            .is_none_or(|(first, last)| hiding.spares((first.step.get(), last.step.get()), 0, 0));
        let summary = match own {
            None if all_show => *shared,
            Some((own, _)) if all_show && are_disjoint(&own, shared) => {
                merge_summaries(shared, &own)
            }
            _ => {
                let layer = Layer::of_run(self.connection, self.run)?;
                summarize_layer(self.connection, &layer, key, &hiding)?
            }
        };
        Ok((summary, value_type))
    }

    /// What the run's own points of a series amount to; `None` if there never was one.
    fn own(
        &self,
        id: SeriesId,
        key: &SeriesKey,
        row: Option<&SummaryRow>,
    ) -> Result<Option<(SeriesSummary, ValueType)>> {
        let row = row.filter(|row| row.stored_count > 0);
        let unfolded = self.unfolded.series.get(&id);
        let value_type = match (folded_type(row), unfolded) {
            (folded, Some(unfolded)) => unify(folded, unfolded.value_type)?,
            (Some(folded), None) => folded,
            (None, None) => return Ok(None),
        };
        let former = row.map(summary_of_row).transpose()?;
        let is_stale = row.is_some() && self.hiding.concerns_since(self.head.change, key);
        let merged = match (former, unfolded) {
            _ if is_stale => None,
            (former, None) => former,
            (_, Some(unfolded)) if unfolded.is_tangled => None,
            (None, Some(unfolded)) => Some(unfolded.summary),
            (Some(former), Some(unfolded)) => are_disjoint(&former, &unfolded.summary)
                .then(|| merge_summaries(&former, &unfolded.summary)),
        };
        let summary = match merged {
            Some(summary) => summary,
            None => {
                let place = SeriesPlace {
                    run: self.run,
                    series: id,
                    head: self.head,
                    row,
                };
                let everything = (f64::NEG_INFINITY, f64::INFINITY);
                let Some((points, reads_as)) = gather(self.connection, place, everything)? else {
                    return Ok(None);
                };
                summarize(&points, &self.hiding.of_series(key), reads_as)
            }
        };
        Ok(Some((summary, value_type)))
    }
}

/// Goals of the metrics of a run's experiment.
fn read_goals(connection: &Connection, run: RunKey) -> Result<HashMap<MetricName, Goal>> {
    let row = find(connection, sql::READ_RUN, [run_column(run)], |row| {
        run_from_row(connection, row)
    })?;
    let Some(row) = row else {
        return Ok(HashMap::new());
    };
    let experiment = row.run.experiment.0.cast_signed();
    let definitions = collect(connection, sql::SCAN_METRICS, [experiment], metric_from_row)?;
    Ok(definitions
        .into_iter()
        .filter_map(|definition| Some((definition.name, definition.goal?)))
        .collect())
}

/// Points of one series. Chunks are read one after the other until the page is full.
pub(crate) fn scan_points(
    connection: &Connection,
    run: RunKey,
    scan: &PointScan,
) -> Result<PointPage> {
    if read_pin(connection, run)?.is_some() {
        return scan_layer(connection, run, scan, range_of(scan));
    }
    let not_found = || StoreError::NotFound(format!("the run has no series {}", scan.series));
    let (series, row) = find_series(connection, run, &scan.series)?.ok_or_else(not_found)?;
    let head = read_head(connection, run)?;
    let hiding = RunHiding::read(connection, run)?.of_series(&scan.series);
    let unfolded = UnfoldedParts::read(connection, run, series)?;
    let folded = folded_type(row.as_ref());
    let reads_as = match (folded, unfolded.value_type) {
        (folded, Some(other)) => unify(folded, other)?,
        (folded, None) => folded.ok_or_else(not_found)?,
    };
    let range = range_of(scan);
    let mut points = PointColumns::default();
    unfolded.extend_into(reads_as, &mut points);
    let mut columns = SeriesColumns::default();
    let mut chunks = Vec::new();
    if folded.is_some() {
        chunks = find_chunks(connection, run, series, &head, range)?;
        scan_packs(
            connection,
            run,
            series,
            &head,
            &mut columns,
            |columns, value_type| {
                points.extend(columns, 0.0, value_type, reads_as, OWN_ORDER);
                Ok(())
            },
        )?;
    }
    keep_range(&mut points, range);
    let scan = PointScan {
        limit: scan.limit.max(1),
        ..scan.clone()
    };
    let mut chunks = chunks.into_iter().peekable();
    // Points wanted before the page is tried; grows when many of them don't show.
    let mut wanted = scan.limit + 1;
    loop {
        let mut loaded = 0;
        while loaded < wanted && chunks.peek().is_some() {
            let before = points.len();
            if let Some(chunk) = chunks.next() {
                read_chunk(connection, chunk.id, reads_as, &mut columns, &mut points)?;
            }
            loaded += points.len() - before;
        }
        points.sort();
        let Some(next) = chunks.peek() else {
            return Ok(points.page(&scan, &hiding, reads_as));
        };
        // Steps below the next chunk's first are complete.
        let end = points.steps.partition_point(|step| *step < next.first_step);
        let rest = split_off(&mut points, end);
        let page = points.page(&scan, &hiding, reads_as);
        if page.next.is_some() {
            return Ok(page);
        }
        points.append(&rest);
        wanted = wanted.saturating_mul(2);
    }
}

/// Steps that a page can hold.
fn range_of(scan: &PointScan) -> (f64, f64) {
    let from = scan.from_step.map_or(f64::NEG_INFINITY, |step| step.get());
    let after = scan
        .after
        .map_or(f64::NEG_INFINITY, |after| after.step.get());
    (
        from.max(after),
        scan.to_step.map_or(f64::INFINITY, |step| step.get()),
    )
}

/// Drops points outside of a range of steps.
fn keep_range(points: &mut PointColumns, (from, to): (f64, f64)) {
    if points.steps.iter().all(|step| *step >= from && *step <= to) {
        return;
    }
    points.sort();
    let end = points.steps.partition_point(|step| *step <= to);
    split_off(points, end);
    let first = points.steps.partition_point(|step| *step < from);
    *points = split_off(points, first);
}

/// Takes the points from `at` on out of `points`.
pub(crate) fn split_off(points: &mut PointColumns, at: usize) -> PointColumns {
    let epochs = if points.epochs.is_empty() {
        Vec::new()
    } else {
        points.epochs.split_off(at)
    };
    PointColumns {
        steps: points.steps.split_off(at),
        times: points.times.split_off(at),
        values: points.values.split_off(at),
        epochs,
        generations: points.generations.split_off(at),
        appends: points.appends.split_off(at),
        positions: points.positions.split_off(at),
    }
}
