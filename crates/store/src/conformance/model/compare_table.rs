//! What a table of runs reads, compared: rows, and values by column.

use runstone_model::{Context, WorkspaceId};

use super::compare::{answered, same};
use crate::conformance::testing::{key_in, metric_name, param_path};
use crate::{MetricCell, MetricColumn, RunRecord, RunStand, RunVisit, Snapshot};

/// Paths that the actions may set, and one that they never do.
const PARAMS: [&str; 7] = [
    "lr",
    "lr.decay",
    "model",
    "model.depth",
    "model.width",
    "seed",
    "nothing",
];

pub(super) fn compare_tables(given: &dyn Snapshot, wanted: &dyn Snapshot) -> Result<(), String> {
    let mut stands = Vec::new();
    for deleted in [false, true] {
        for experiment in [None, Some("default"), Some("digits"), Some("nowhere")] {
            let visit = RunVisit {
                workspace: WorkspaceId::default(),
                experiment: experiment.map(str::to_owned),
                deleted,
            };
            let rows = visit_all(given, &visit)?;
            same("table of runs", &rows, &visit_all(wanted, &visit)?)?;
            for row in rows.iter().filter(|_| experiment.is_none()) {
                let by_key =
                    |snapshot: &dyn Snapshot| answered("a run", snapshot.read_run(row.key));
                same("run by key", &by_key(given)?, &by_key(wanted)?)?;
                same("run by key", &by_key(given)?, &Some(row.clone()))?;
                let paths = |snapshot: &dyn Snapshot| {
                    answered("paths of params", snapshot.read_param_paths(row.key))
                };
                same("paths of params", &paths(given)?, &paths(wanted)?)?;
                stands.push(RunStand {
                    key: row.key,
                    changed: row.changed,
                });
            }
        }
    }
    compare_params(given, wanted, &stands)?;
    compare_metrics(given, wanted, &stands)
}

fn visit_all(snapshot: &dyn Snapshot, visit: &RunVisit) -> Result<Vec<RunRecord>, String> {
    let mut rows = Vec::new();
    let visited = snapshot.visit_runs_unsorted(visit, &mut |row| {
        rows.push(row);
        Ok(())
    });
    answered("runs", visited)?;
    rows.sort_by_key(|row| row.key);
    Ok(rows)
}

fn compare_params(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    stands: &[RunStand],
) -> Result<(), String> {
    for path in PARAMS.map(param_path) {
        let column = |snapshot: &dyn Snapshot| {
            let mut values = vec![None; stands.len()];
            let visited = snapshot.visit_param_column(&path, stands, &mut |index, value| {
                assert!(
                    values[index].replace(value.clone()).is_none(),
                    "a run came twice"
                );
            });
            answered("a column of params", visited).map(|()| values)
        };
        same("column of params", &column(given)?, &column(wanted)?)?;
        for stand in stands {
            let one = |snapshot: &dyn Snapshot| {
                answered("a param", snapshot.find_param(stand.key, &path))
            };
            same("param", &one(given)?, &one(wanted)?)?;
        }
    }
    Ok(())
}

fn compare_metrics(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    stands: &[RunStand],
) -> Result<(), String> {
    let test = key_in("m1", "subset", "test").context;
    for name in ["m0", "m1", "m2", "nothing"] {
        for context in [None, Some(Context::empty()), Some(test.clone())] {
            let column = MetricColumn {
                name: metric_name(name),
                context,
            };
            let read = |snapshot: &dyn Snapshot| {
                let mut cells = vec![None; stands.len()];
                let visited = snapshot.visit_metric_column(&column, stands, &mut |index, cell| {
                    // The order of the additions is not promised; scans of series compare sums.
                    let cell = MetricCell { sum: 0.0, ..*cell };
                    assert!(cells[index].replace(cell).is_none(), "a run came twice");
                });
                answered("a column of a metric", visited)?;
                Ok::<_, String>(cells)
            };
            same("column of a metric", &read(given)?, &read(wanted)?)?;
        }
    }
    Ok(())
}
