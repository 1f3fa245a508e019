//! Many series at the resolution of a screen, from one snapshot.
//!
//! The series asked for are sorted by run, so that what is read for all series of a run is read
//! once; `query` draws each. A series that can't be drawn gets an error in its head and its
//! neighbours are drawn; what concerns the request as a whole refuses it. The drawn columns stand
//! in [`DrawnLines`]: the server makes JSON or Arrow of them.

mod request;

use std::collections::HashMap;

use runstone_model::{
    ExperimentKey, Goal, MetricName, Principal, RunKey, SeriesKey, Step, ValueType,
};
use runstone_query::{Axis, Drawing, DrawnPoints, JoinedValues};
use runstone_store::{
    RunRecord, SegmentScan, SeriesSegments, Snapshot, StoreError, bits_as_f64, point_value,
};

use crate::Service;
use crate::api::{ItemError, LINES_POINTS_MAX, Line, LineHead, LineX, Lines, LinesRequest};
use crate::error::{ErrorKind, ServiceError};
use crate::number::Number;

use self::request::{Parsed, parse_request};

/// Points of a metric on x, which are held in memory while a run's lines are drawn.
const JOINED_POINTS_MAX: usize = 4_000_000;

/// Lines as columns, in the order asked.
#[derive(Debug, Clone)]
pub struct DrawnLines {
    /// The change number that the answer stands at.
    pub change: u64,
    /// One for each series asked for.
    pub lines: Vec<DrawnLine>,
}

/// A line as columns.
#[derive(Debug, Clone)]
pub struct DrawnLine {
    /// Everything but the points.
    pub head: LineHead,
    /// Points by (x, step).
    pub points: DrawnPoints,
    /// Whole numbers on x are integers.
    x_is_integer: bool,
    /// Steps stand on x.
    x_is_step: bool,
}

impl Service {
    /// Series at the resolution asked for, as the body of the API.
    ///
    /// # Errors
    /// As [`Service::draw_lines`].
    pub fn read_lines(
        &self,
        principal: &Principal,
        request: &LinesRequest,
    ) -> Result<Lines, ServiceError> {
        Ok(self.draw_lines(principal, request)?.into_lines())
    }

    /// Series at the resolution asked for, as columns.
    ///
    /// # Errors
    /// `Invalid` for what concerns the request as a whole: limits, the window, what stands on x,
    /// more than [`LINES_POINTS_MAX`] points in all.
    pub fn draw_lines(
        &self,
        principal: &Principal,
        request: &LinesRequest,
    ) -> Result<DrawnLines, ServiceError> {
        Self::may_read(principal)?;
        let parsed = parse_request(request)?;
        let snapshot = self.store.snapshot()?;
        let mut drawer = Drawer {
            service: self,
            snapshot: &*snapshot,
            request,
            parsed: &parsed,
            lines: vec![None; request.series.len()],
            points: 0,
            goals: HashMap::new(),
        };
        for run in drawer.sort_by_run()? {
            drawer.draw_run(&run)?;
        }
        Ok(DrawnLines {
            change: snapshot.change_number().0,
            lines: drawer.finish(),
        })
    }
}

/// A run, and which of the series asked for are its own.
struct RunLines {
    record: RunRecord,
    lines: Vec<(usize, SeriesKey)>,
}

struct Drawer<'a> {
    service: &'a Service,
    snapshot: &'a dyn Snapshot,
    request: &'a LinesRequest,
    parsed: &'a Parsed,
    lines: Vec<Option<DrawnLine>>,
    /// Points of all lines so far.
    points: usize,
    goals: HashMap<ExperimentKey, HashMap<MetricName, Goal>>,
}

impl Drawer<'_> {
    /// Finds the runs; series of runs that are not there get their error.
    fn sort_by_run(&mut self) -> Result<Vec<RunLines>, ServiceError> {
        let mut runs: Vec<RunLines> = Vec::new();
        let mut by_key: HashMap<RunKey, usize> = HashMap::new();
        let mut known: HashMap<&str, Result<usize, ServiceError>> = HashMap::new();
        for (index, address) in self.request.series.iter().enumerate() {
            let found = match known.get(address.run.as_str()) {
                Some(found) => found.clone(),
                None => {
                    let found = self.service.find_run(self.snapshot, &address.run);
                    let found = match found.map_err(keep_item_errors) {
                        Ok(record) => Ok(*by_key.entry(record.key).or_insert_with(|| {
                            runs.push(RunLines {
                                record,
                                lines: Vec::new(),
                            });
                            runs.len() - 1
                        })),
                        Err(Ok(error)) => Err(error),
                        Err(Err(error)) => return Err(error),
                    };
                    known.insert(&address.run, found.clone());
                    found
                }
            };
            match (&found, &self.parsed.keys[index]) {
                (Ok(run), Ok(key)) => runs[*run].lines.push((index, key.clone())),
                (Err(error), _) | (_, Err(error)) => {
                    self.lines[index] = Some(self.failed(index, None, error.clone()));
                }
            }
        }
        Ok(runs)
    }

    fn draw_run(&mut self, run: &RunLines) -> Result<(), ServiceError> {
        let joined = match &self.parsed.joined {
            None => None,
            Some(key) => match self.read_joined(run, key)? {
                Ok(joined) => Some(joined),
                Err(error) => {
                    for (index, _) in &run.lines {
                        let line = self.failed(*index, Some(&run.record), error.clone());
                        self.lines[*index] = Some(line);
                    }
                    return Ok(());
                }
            },
        };
        let began = run
            .record
            .run
            .started_at
            .unwrap_or(run.record.run.created_at);
        let axis = match (&self.request.x, &joined) {
            (LineX::Step, _) => Axis::Step,
            (LineX::RelativeTime, _) => Axis::RelativeTime(began),
            (LineX::Time, _) => Axis::Time,
            (LineX::Epoch, _) => Axis::Epoch,
            (LineX::Metric { .. }, Some(joined)) => Axis::Joined(joined),
            (LineX::Metric { .. }, None) => {
                return Err(ServiceError::new(
                    ErrorKind::Internal,
                    "the metric on x was not read",
                ));
            }
        };
        let drawing = Drawing {
            axis,
            pixels: self.request.pixels,
            log_x: self.request.log_x,
            from: self.request.from,
            to: self.request.to,
        };
        let scans: Vec<SegmentScan> = run
            .lines
            .iter()
            .map(|(_, key)| self.scan(key.clone()))
            .collect();
        let snapshot = self.snapshot;
        let mut refused = None;
        let outcome = snapshot.scan_segments(run.record.key, &scans, &mut |at, series| {
            let (index, key) = &run.lines[at];
            self.draw_line(*index, key, run, &drawing, series)
                .map_err(|error| {
                    let text = error.message.clone();
                    refused = Some(error);
                    StoreError::Internal(text)
                })
        });
        match refused {
            Some(error) => Err(error),
            None => Ok(outcome?),
        }
    }

    /// The steps that must be read for the window.
    fn scan(&self, series: SeriesKey) -> SegmentScan {
        let by_step = matches!(self.request.x, LineX::Step);
        let bound = |x: Option<f64>| x.filter(|_| by_step).and_then(|x| Step::new(x).ok());
        SegmentScan {
            series,
            from_step: bound(self.request.from),
            to_step: bound(self.request.to),
        }
    }

    /// The metric on x of a run, or why its lines can't be drawn.
    fn read_joined(
        &self,
        run: &RunLines,
        key: &SeriesKey,
    ) -> Result<Result<JoinedValues, ServiceError>, ServiceError> {
        let scan = SegmentScan {
            series: key.clone(),
            from_step: None,
            to_step: None,
        };
        let mut joined = None;
        let outcome = self
            .snapshot
            .scan_segments(run.record.key, &[scan], &mut |_, series| {
                joined = series
                    .map(|series| JoinedValues::read(&series, JOINED_POINTS_MAX))
                    .transpose()?;
                Ok(())
            });
        match outcome.map_err(|error| keep_item_errors(error.into())) {
            Ok(()) => Ok(joined.ok_or_else(|| no_series(run, key))),
            Err(Ok(error)) => Ok(Err(error)),
            Err(Err(error)) => Err(error),
        }
    }

    fn draw_line(
        &mut self,
        index: usize,
        key: &SeriesKey,
        run: &RunLines,
        drawing: &Drawing<'_>,
        series: Option<SeriesSegments<'_>>,
    ) -> Result<(), ServiceError> {
        let drawn = match &series {
            None => Err(Ok(no_series(run, key))),
            Some(series) => drawing
                .draw(series)
                .map_err(|error| keep_item_errors(error.into())),
        };
        let points = match drawn {
            Ok(points) => points,
            Err(Ok(error)) => {
                self.lines[index] = Some(self.failed(index, Some(&run.record), error));
                return Ok(());
            }
            Err(Err(error)) => return Err(error),
        };
        self.points += points.x.len();
        if self.points > LINES_POINTS_MAX {
            return Err(ServiceError::invalid(format!(
                "the lines have more than {LINES_POINTS_MAX} points in all"
            ))
            .with_hint("ask for fewer pixels, or for fewer series at once"));
        }
        let head = LineHead {
            run: run.record.run.id.to_string(),
            name: key.name.to_string(),
            context: key.context.to_json(),
            value_type: series.map(|series| series.value_type),
            goal: self.goal(&run.record, &key.name)?,
            points: points.points,
            exact: points.exact,
            error: None,
        };
        let x_is_integer = match drawing.axis {
            Axis::Step | Axis::Time => true,
            Axis::RelativeTime(_) | Axis::Epoch => false,
            Axis::Joined(joined) => joined.is_integer(),
        };
        self.lines[index] = Some(DrawnLine {
            head,
            points,
            x_is_integer,
            x_is_step: matches!(drawing.axis, Axis::Step),
        });
        Ok(())
    }

    fn goal(&mut self, run: &RunRecord, name: &MetricName) -> Result<Option<Goal>, ServiceError> {
        let experiment = run.run.experiment;
        if !self.goals.contains_key(&experiment) {
            let definitions = self.snapshot.read_metric_definitions(experiment)?;
            let goals = definitions
                .into_iter()
                .filter_map(|definition| Some((definition.name, definition.goal?)))
                .collect();
            self.goals.insert(experiment, goals);
        }
        Ok(self.goals[&experiment].get(name).copied())
    }

    /// A line that says why it has no points.
    fn failed(&self, index: usize, run: Option<&RunRecord>, error: ServiceError) -> DrawnLine {
        let address = &self.request.series[index];
        let context = address.context.clone().unwrap_or_default();
        DrawnLine {
            head: LineHead {
                run: run.map_or_else(|| address.run.clone(), |run| run.run.id.to_string()),
                name: address.name.clone(),
                context: if context.is_object() {
                    context
                } else {
                    serde_json::json!({})
                },
                value_type: None,
                goal: None,
                points: 0,
                exact: false,
                error: Some(ItemError {
                    kind: error.kind.as_str().to_owned(),
                    detail: error.message,
                    hint: error.hint,
                }),
            },
            points: DrawnPoints::default(),
            x_is_integer: false,
            x_is_step: matches!(self.request.x, LineX::Step),
        }
    }

    fn finish(self) -> Vec<DrawnLine> {
        // Every scan is answered once; see `Snapshot::scan_segments`.
        self.lines.into_iter().flatten().collect()
    }
}

fn no_series(run: &RunLines, key: &SeriesKey) -> ServiceError {
    let id = &run.record.run.id;
    ServiceError::not_found(format!("run {id} has no series {key}"))
        .with_hint(format!("`runstone show {id}` lists the series of the run"))
}

/// Parts what concerns one line (inside) from what concerns the whole request.
fn keep_item_errors(error: ServiceError) -> Result<ServiceError, ServiceError> {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Invalid | ErrorKind::Corrupt => {
            Ok(error)
        }
        _ => Err(error),
    }
}

impl DrawnLine {
    /// Values as floats; integers past 2^53 lose digits.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        let value_type = self.value_type();
        self.points
            .values
            .iter()
            .map(move |bits| bits_as_f64(*bits, value_type))
    }

    fn value_type(&self) -> ValueType {
        self.head.value_type.unwrap_or(ValueType::F64)
    }

    fn into_line(self) -> Line {
        let value_type = self.value_type();
        let values = self.points.values.iter();
        let steps = || {
            let steps = self.points.steps.iter();
            steps.filter_map(|step| Step::new(*step).ok()).collect()
        };
        Line {
            x: self
                .points
                .x
                .iter()
                .map(|x| Number::of_summary(*x, self.x_is_integer))
                .collect(),
            y: values
                .map(|bits| point_value(*bits, value_type).into())
                .collect(),
            steps: (!self.x_is_step).then(steps),
            head: self.head,
        }
    }
}

impl DrawnLines {
    /// The body of the API.
    pub fn into_lines(self) -> Lines {
        Lines {
            change: self.change,
            lines: self.lines.into_iter().map(DrawnLine::into_line).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
