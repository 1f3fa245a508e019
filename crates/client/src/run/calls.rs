//! Calls that say something about a run: properties, params, tags, definitions, removal.
//!
//! Each checks its arguments, encodes one operation and writes it into the spool; the server
//! applies it in the order of the calls. Errors are returned by strict runs only.

use runstone_model::{
    Context, ExperimentName, Goal, MetricName, ParamPath, ParamValue, ScalarValue, SeriesKey, Step,
    TagName, Timestamp, clean_text,
};
use runstone_wire::{
    ChangeTags, DefineMetric, OperationKind, ParamSetting, Remove, SetProperties, SetScalar,
};

use super::Run;
use super::settings::{now_micros, short, text};
use crate::error::ClientError;

impl Run {
    /// Sets a param, or merges a dict at the path; with `replace` a dict replaces what is there.
    /// The root takes a dict only.
    ///
    /// # Errors
    /// If strict: `Invalid` for what the params tree cannot hold, `Conflict` on a closed or
    /// read-only run, `Unavailable` without room.
    pub fn set_param(
        &self,
        path: &ParamPath,
        mut value: ParamValue,
        replace: bool,
    ) -> Result<(), ClientError> {
        if path.is_root() && !matches!(value, ParamValue::Dict(_)) {
            return self.tolerate(Err(ClientError::Invalid(
                "the root of the params takes a dict only; hint: name a key".to_owned(),
            )));
        }
        value.clean();
        self.operation(
            OperationKind::SetParams(vec![ParamSetting {
                path: path.clone(),
                value,
                replace,
            }]),
            false,
        )
    }

    /// Deletes a param with all below it.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn remove_param(&self, path: &ParamPath) -> Result<(), ClientError> {
        self.operation(OperationKind::RemoveParams(vec![path.clone()]), false)
    }

    /// Adds tags.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn add_tags<T: AsRef<str>>(
        &self,
        tags: impl IntoIterator<Item = T>,
    ) -> Result<(), ClientError> {
        self.change_tags(tags, [] as [&str; 0])
    }

    /// Removes tags.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn remove_tags<T: AsRef<str>>(
        &self,
        tags: impl IntoIterator<Item = T>,
    ) -> Result<(), ClientError> {
        self.change_tags([] as [&str; 0], tags)
    }

    fn change_tags<A: AsRef<str>, R: AsRef<str>>(
        &self,
        add: impl IntoIterator<Item = A>,
        remove: impl IntoIterator<Item = R>,
    ) -> Result<(), ClientError> {
        let names = tag_names(add).and_then(|add| Ok((add, tag_names(remove)?)));
        match names {
            Ok((add, remove)) => {
                self.operation(OperationKind::ChangeTags(ChangeTags { add, remove }), false)
            }
            Err(error) => self.tolerate(Err(error)),
        }
    }

    /// Names the run; empty text clears the name.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn set_name(&self, name: &str) -> Result<(), ClientError> {
        self.set_properties(|| {
            Ok(SetProperties {
                name: short("name", Some(name))?,
                ..SetProperties::default()
            })
        })
    }

    /// Describes the run; empty text clears the description.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn set_description(&self, description: &str) -> Result<(), ClientError> {
        self.set_properties(|| {
            let bytes_max = runstone_model::DESCRIPTION_BYTES_MAX;
            Ok(SetProperties {
                description: text("description", Some(description), bytes_max)?,
                ..SetProperties::default()
            })
        })
    }

    /// Moves the run to an experiment.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn set_experiment(&self, experiment: &str) -> Result<(), ClientError> {
        self.set_properties(|| {
            Ok(SetProperties {
                experiment: Some(ExperimentName::new(clean_text(experiment).0)?),
                ..SetProperties::default()
            })
        })
    }

    /// Archives the run, or takes it out of the archive.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn set_archived(&self, archived: bool) -> Result<(), ClientError> {
        self.set_properties(|| {
            Ok(SetProperties {
                archived: Some(archived),
                ..SetProperties::default()
            })
        })
    }

    fn set_properties(
        &self,
        properties: impl FnOnce() -> Result<SetProperties, ClientError>,
    ) -> Result<(), ClientError> {
        match properties() {
            Ok(properties) => self.operation(OperationKind::SetProperties(properties), false),
            Err(error) => self.tolerate(Err(error)),
        }
    }

    /// Tells what is good for a metric of the run's experiment, its unit and its default x axis;
    /// `None` leaves as is.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn define_metric(
        &self,
        name: &str,
        goal: Option<Goal>,
        unit: Option<&str>,
        default_x: Option<&str>,
    ) -> Result<(), ClientError> {
        let definition = || {
            Ok(DefineMetric {
                name: MetricName::new(name)?,
                goal,
                unit: short("unit", unit)?,
                default_x: short("default x", default_x)?,
            })
        };
        match definition() {
            Ok(definition) => self.operation(OperationKind::DefineMetric(definition), false),
            Err(error) => self.tolerate(Err(error)),
        }
    }

    /// Sets a scalar: a name, a typed value, no step.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn set_scalar(&self, name: &str, value: ScalarValue) -> Result<(), ClientError> {
        match MetricName::new(name) {
            Ok(name) => self.operation(
                OperationKind::SetScalar(SetScalar {
                    name,
                    value,
                    time: Timestamp::from_micros(now_micros()),
                }),
                false,
            ),
            Err(error) => self.tolerate(Err(error.into())),
        }
    }

    /// Hides all points of a series that were logged before this call, or those at one step; they
    /// stay as history.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn remove_series(
        &self,
        name: &str,
        context: &Context,
        step: Option<f64>,
    ) -> Result<(), ClientError> {
        let target = || {
            let name = MetricName::new(name)?;
            Ok(Remove {
                series: Some(SeriesKey::metric(name, context.clone())),
                step: step.map(Step::new).transpose()?,
            })
        };
        match target() {
            Ok(remove) => self.operation(OperationKind::Remove(remove), false),
            Err(error) => self.tolerate(Err(error)),
        }
    }

    /// Hides all points of all series that were logged before this call, or those at one step.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn remove_points(&self, step: Option<f64>) -> Result<(), ClientError> {
        match step.map(Step::new).transpose() {
            Ok(step) => self.operation(OperationKind::Remove(Remove { series: None, step }), false),
            Err(error) => self.tolerate(Err(error.into())),
        }
    }

    /// Goes back to a step: points at or past it no longer show but in the history, and what is
    /// logged from now on takes their place. Series that count their steps go on after the last
    /// whole step that is left.
    ///
    /// # Errors
    /// As [`Self::set_param`].
    pub fn rewind(&self, to_step: f64) -> Result<(), ClientError> {
        match Step::new(to_step) {
            // Kept among the declarations: they tell a later deliverer the generation.
            Ok(to_step) => {
                let result = match self.open_writer() {
                    Ok(Some(writer)) => writer
                        .push(OperationKind::Rewind { to_step }, true)
                        .and_then(|_| {
                            writer.series.count_anew(|define| {
                                let define = OperationKind::DefineSeries(define.clone());
                                writer.push(define, true).map(|_| ())
                            })
                        }),
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                };
                self.tolerate(result)
            }
            Err(error) => self.tolerate(Err(error.into())),
        }
    }

    fn operation(&self, kind: OperationKind, declaration: bool) -> Result<(), ClientError> {
        let result = match self.open_writer() {
            Ok(Some(writer)) => writer.push(kind, declaration).map(|_| ()),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.tolerate(result)
    }
}

fn tag_names<T: AsRef<str>>(
    tags: impl IntoIterator<Item = T>,
) -> Result<Vec<TagName>, ClientError> {
    tags.into_iter()
        .map(|tag| Ok(TagName::new(clean_text(tag.as_ref()).0)?))
        .collect()
}
