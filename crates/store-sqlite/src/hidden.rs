//! Cuts and removals of a run, with the change that brought each.

use runstone_model::{
    AppendNumber, Context, Generation, MetricName, RunKey, SeriesKey, SeriesKind, Step,
};
use runstone_store::{Cut, Removal, SeriesHiding};
use rusqlite::Connection;

use crate::error::{Result, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::rows::collect;
use crate::sql;

/// Everything that hides points of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunHiding {
    /// With the change of the rewind.
    pub(crate) cuts: Vec<(i64, Cut)>,
    /// With the change of the removal.
    pub(crate) removals: Vec<(i64, Removal)>,
}

impl RunHiding {
    /// Reads cuts and removals.
    pub(crate) fn read(connection: &Connection, run: RunKey) -> Result<Self> {
        let range = RowRange::of(run_column(run));
        let step = |step: f64| Step::new(step).map_err(|error| value_error("a cut", error));
        let cuts = collect(
            connection,
            sql::SCAN_CUTS,
            (range.first, range.end),
            |row| {
                let generation = range.number(row.get(0).map_err(sql_error)?);
                let generation =
                    u32::try_from(generation).map_err(|error| value_error("a cut", error))?;
                let cut = Cut {
                    generation: Generation(generation),
                    to_step: step(row.get(2).map_err(sql_error)?)?,
                };
                Ok((row.get(1).map_err(sql_error)?, cut))
            },
        )?;
        let removals = collect(
            connection,
            sql::SCAN_REMOVALS,
            (range.first, range.end),
            |row| {
                let append: i64 = row.get(1).map_err(sql_error)?;
                let name: Option<String> = row.get(2).map_err(sql_error)?;
                let context: Option<String> = row.get(3).map_err(sql_error)?;
                let kind: Option<u8> = row.get(4).map_err(sql_error)?;
                let at: Option<f64> = row.get(5).map_err(sql_error)?;
                let removal = Removal {
                    append: AppendNumber(append.cast_unsigned()),
                    series: name
                        .map(|name| series_key(&name, context.as_deref(), kind))
                        .transpose()?,
                    step: at.map(step).transpose()?,
                };
                Ok((row.get(0).map_err(sql_error)?, removal))
            },
        )?;
        Ok(Self { cuts, removals })
    }

    /// Whether nothing was ever cut or removed.
    pub(crate) fn is_empty(&self) -> bool {
        self.cuts.is_empty() && self.removals.is_empty()
    }

    /// What concerns one series.
    pub(crate) fn of_series(&self, key: &SeriesKey) -> SeriesHiding {
        if self.is_empty() {
            return SeriesHiding::default();
        }
        SeriesHiding::new(
            key,
            self.cuts.iter().map(|(_, cut)| *cut),
            self.removals.iter().map(|(_, removal)| removal),
        )
    }

    /// The newest change; 0 if there is none.
    pub(crate) fn newest_change(&self) -> i64 {
        let cuts = self.cuts.iter().map(|(change, _)| *change);
        cuts.chain(self.removals.iter().map(|(change, _)| *change))
            .max()
            .unwrap_or(0)
    }

    /// Whether something newer than `change` concerns a series.
    pub(crate) fn concerns_since(&self, change: i64, key: &SeriesKey) -> bool {
        self.cuts.iter().any(|(at, _)| *at > change)
            || self.removals.iter().any(|(at, removal)| {
                *at > change && removal.series.as_ref().is_none_or(|series| series == key)
            })
    }
}

fn series_key(name: &str, context: Option<&str>, kind: Option<u8>) -> Result<SeriesKey> {
    let wrong = |error: runstone_model::ModelError| value_error("a removal", error);
    Ok(SeriesKey {
        name: MetricName::new(name).map_err(wrong)?,
        context: Context::parse(context.unwrap_or("{}")).map_err(wrong)?,
        kind: kind
            .and_then(SeriesKind::from_u8)
            .ok_or_else(|| value_error("a removal", "it names no kind of series"))?,
    })
}
