//! The class `Run`.
//!
//! Thin: it converts what the user gives, once, and hands plain typed values to the client. The
//! hot methods `track` and `log` are in `fastcall`. Setters and tags behave as tracking does:
//! what cannot be done is counted and told, and raised only when the run is strict.

mod calls;
mod logs;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use runstone_client::{
    ClientError, Goal, LogLevel, OnFull, ParamPath, ParamValue, RunEnd, RunOptions,
};
use runstone_model::{MetricName, ReasonCode, RunId, clean_text};
use serde_json::Value;

use crate::asked::{
    self, duration_of, flag_given, fork_given, key_of, not_yet, path_of, seed_of, short,
    step_given, tags_of, text_given, to_step_given,
};
use crate::end::end_of;
use crate::errors::{InvalidError, NotFoundError, exception_of};
use crate::fastcall::LockedCell;
use crate::handle::Handle;
use crate::identity::IdentityCache;
use crate::mirror::Mirror;
use crate::params::{Taken, param_of};
use crate::report::{CloseReport, FlushReport};
use crate::series::{Failure, context_given};
use crate::wait::wait_for;
use crate::warn;

/// What `close` waits for a server that answers.
const CLOSE_WAIT: Duration = Duration::from_secs(10);
const SDK: &str = concat!("runstone-python/", env!("CARGO_PKG_VERSION"));

/// One trial: a writer to a new or a resumed run.
///
/// Parameters
/// ----------
/// run_hash : str, optional
///     Id of the run to resume; created if there is none. Left out: a new run with a new id.
/// repo, frontier_url : str, optional
///     Address of the server, as ``http://host:53800``. Points go to `frontier_url`, else `repo`,
///     else the variables RUNSTONE_URL or MATYAN_FRONTIER_URL, else the server of this machine;
///     reads go to `repo`, else RUNSTONE_URL or MATYAN_BACKEND_URL, else the same.
/// read_only : bool
///     Only look at the run `run_hash`: nothing is written, every writing call is refused.
/// experiment : str, optional
///     Name of the experiment, made if it is new. Left out: ``default`` for a new run, no change
///     for a resumed one.
/// force_resume : bool
///     Changes nothing, and is taken for scripts that were written for Matyan, where a run that is
///     opened again without it loses its name and properties. Here `Run(run_hash)` always resumes
///     and keeps everything, and joins a run that another process is writing. A run inside a
///     variation that has ended stays ended, with `force_resume` too.
/// system_tracking_interval, log_system_params, capture_terminal_logs : optional
///     None and False are off. There is nothing to turn on yet.
/// name, description, group, job_type : str, optional
///     What people see of the run.
/// config : dict, optional
///     Merged at the root of the run's params.
/// tags : iterable of str, optional
///     Tags to add.
/// seed : int, optional
///     Seed of the run's randomness.
/// rerun_of : str, optional
///     Id of the run that this one repeats.
/// fork_from, fork_step : str and float, optional
///     A new run begins with the points of the run of this id up to this step, that included, as
///     they are when the server hears of it. Nothing is copied. See `Run.fork`.
/// rank : int, optional
///     Rank of this process among those of one job; only rank 0 ends the run.
/// mode : {'online', 'offline', 'disabled'}, optional
///     Left out: RUNSTONE_MODE, then online. Offline spools for `runstone sync`; disabled does
///     nothing at all.
/// strict : bool
///     Raise what tracking calls otherwise count and warn about.
/// token : str, optional
///     Left out: RUNSTONE_TOKEN, then the token of this home.
/// spool : path, optional
///     Folder of the spool; left out: RUNSTONE_SPOOL, then ``~/.runstone/spool``.
/// on_full : {'drop', 'wait'}
///     What to do when there is no room left on the disk: drop points and count them, or wait.
/// spool_bytes_max : int, optional
///     Bound of this run's spool in bytes; the smaller of 20 GiB and a tenth of the free disk.
///
/// Raises
/// ------
/// InvalidError
///     An id, address, mode or seed that can never be right. A name, tag or entry of `config` that
///     can't be kept is left out and told, unless the run is strict.
/// NotImplementedError
///     For what does not exist yet, by name.
///
/// Notes
/// -----
/// Opening waits for no server. A run that is never closed ends with the process.
///
/// Examples
/// --------
/// >>> with Run(experiment="digits", config={"lr": 0.05}) as run:
/// ...     run.track(0.5, name="loss", step=0, context={"subset": "train"})
#[pyclass(frozen, weakref, module = "runstone", name = "Run")]
pub(crate) struct Run {
    handle: Arc<Handle>,
    pub(crate) cache: LockedCell<IdentityCache>,
}

#[pymethods]
impl Run {
    #[new]
    #[pyo3(signature = (run_hash=None, *, repo=None, frontier_url=None, read_only=false,
        experiment=None, force_resume=false, system_tracking_interval=None,
        log_system_params=None, capture_terminal_logs=None, name=None, description=None,
        config=None, tags=None, group=None, job_type=None, seed=None, rerun_of=None, fork_from=None,
        fork_step=None, rank=None, mode=None, strict=false, token=None, spool=None, on_full="drop", spool_bytes_max=None))]
    #[expect(clippy::too_many_arguments, reason = "the user's keyword arguments")]
    fn new(
        py: Python<'_>,
        run_hash: Option<String>,
        repo: Option<String>,
        frontier_url: Option<String>,
        read_only: bool,
        experiment: Option<String>,
        force_resume: bool,
        system_tracking_interval: Option<&Bound<'_, PyAny>>,
        log_system_params: Option<&Bound<'_, PyAny>>,
        capture_terminal_logs: Option<&Bound<'_, PyAny>>,
        name: Option<String>,
        description: Option<String>,
        config: Option<&Bound<'_, PyAny>>,
        tags: Option<&Bound<'_, PyAny>>,
        group: Option<String>,
        job_type: Option<String>,
        seed: Option<&Bound<'_, PyAny>>,
        rerun_of: Option<String>,
        fork_from: Option<String>,
        fork_step: Option<Bound<'_, PyAny>>,
        rank: Option<u32>,
        mode: Option<&str>,
        strict: bool,
        token: Option<String>,
        spool: Option<PathBuf>,
        on_full: &str,
        spool_bytes_max: Option<u64>,
    ) -> PyResult<Self> {
        not_yet(
            "system_tracking_interval",
            "tracking of system metrics",
            system_tracking_interval,
        )?;
        not_yet(
            "log_system_params",
            "logging of system params",
            log_system_params,
        )?;
        not_yet(
            "capture_terminal_logs",
            "capture of terminal logs",
            capture_terminal_logs,
        )?;
        if read_only && run_hash.is_none() {
            return Err(InvalidError::new_err(
                "read_only looks at a run that is there, and no run_hash tells which; \
                 hint: Run(run_hash, read_only=True), `runstone runs` lists the ids",
            ));
        }
        let mut refused = Vec::new();
        let mut notices = Vec::new();
        let config = config
            .map(|config| param_of(config, ""))
            .transpose()?
            .and_then(|taken| {
                notices = taken.notices;
                refused.extend(taken.refused);
                taken.value
            });
        if config
            .as_ref()
            .is_some_and(|config| !matches!(config, ParamValue::Dict(_)))
        {
            return Err(InvalidError::new_err(
                "config is no dict; hint: Run(config={\"lr\": 0.05})",
            ));
        }
        let tags = tags.map(|tags| tags_of(tags, &mut refused)).transpose()?;
        let tags = tags.unwrap_or_default();
        let mut checked =
            |given: Option<String>, check: &dyn Fn(String) -> Result<String, ClientError>| {
                let outcome = check(clean_text(&given?).0.into_owned());
                outcome.map_err(|error| refused.push(error)).ok()
            };
        let name = checked(name, &|text| short("name", text));
        let description = checked(description, &asked::description);
        let experiment = checked(experiment, &asked::experiment);
        let group = checked(group, &|text| short("group", text));
        let job_type = checked(job_type, &|text| short("job type", text));
        let rerun_of = checked(rerun_of, &|id| {
            RunId::new(id.as_str())?;
            Ok(id)
        });
        let seed = seed.map(seed_of).transpose()?;
        let mode = mode
            .map(str::parse)
            .transpose()
            .map_err(|error| exception_of(&error))?;
        let on_full = match on_full {
            "drop" => OnFull::Drop,
            "wait" => OnFull::Wait,
            other => {
                return Err(InvalidError::new_err(format!(
                    "unknown on_full {other:?}; hint: use drop or wait"
                )));
            }
        };
        let mut mirror = Mirror::default();
        mirror.name.clone_from(&name);
        mirror.description.clone_from(&description);
        mirror.experiment.clone_from(&experiment);
        // The mirror refuses what the run would.
        let config = config.filter(|config| {
            let outcome = mirror.set(&ParamPath::root(), config, false);
            outcome.map_err(|error| refused.push(error)).is_ok()
        });
        mirror.add_tags(tags.iter().map(String::as_str));
        let options = RunOptions {
            run_id: run_hash,
            experiment,
            name,
            description,
            config,
            tags,
            group,
            job_type,
            seed,
            rerun_of,
            fork: fork_given(fork_from, fork_step.as_ref())?,
            rank,
            primary: None,
            url: frontier_url.or_else(|| repo.clone()),
            token,
            mode,
            strict,
            read_only,
            force_resume,
            spool,
            on_full,
            spool_bytes_max,
            sdk: Some(SDK.to_owned()),
        };
        if let (true, Some(error)) = (strict, refused.first()) {
            return Err(exception_of(error));
        }
        let run = Self::of(py, Handle::open(py, options, repo, mirror)?)?;
        for notice in notices {
            run.tell(py, notice);
        }
        for error in refused {
            run.outcome(py, Err(error))?;
        }
        Ok(run)
    }

    /// Id of the run.
    #[getter]
    fn hash(&self) -> &str {
        self.handle.client.id()
    }

    /// Name of the run, or None.
    ///
    /// Of a resumed or read-only run this, `description`, `experiment`, `archived`, `tags`,
    /// `params` and item access ask the server, unless they were set here.
    ///
    /// Raises
    /// ------
    /// UnavailableError
    ///     No server answers.
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.text_property(py, "name", |mirror| mirror.name.clone())
    }

    #[setter]
    fn set_name(&self, py: Python<'_>, name: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let outcome = text_or_none("name", name.as_ref())
            .and_then(|text| short("name", text))
            .and_then(|text| {
                self.writable()?.set_name(&text)?;
                self.handle.mirror().name = Some(text);
                Ok(())
            });
        self.outcome(py, outcome)
    }

    /// Description of the run, or None.
    #[getter]
    fn description(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.text_property(py, "description", |mirror| mirror.description.clone())
    }

    #[setter]
    fn set_description(
        &self,
        py: Python<'_>,
        description: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let outcome = text_or_none("description", description.as_ref())
            .and_then(asked::description)
            .and_then(|text| {
                self.writable()?.set_description(&text)?;
                self.handle.mirror().description = Some(text);
                Ok(())
            });
        self.outcome(py, outcome)
    }

    /// Name of the run's experiment. Setting it moves the run.
    #[getter]
    fn experiment(&self, py: Python<'_>) -> PyResult<String> {
        let experiment =
            self.text_property(py, "experiment", |mirror| mirror.experiment.clone())?;
        Ok(experiment.unwrap_or_else(|| "default".to_owned()))
    }

    #[setter]
    fn set_experiment(&self, py: Python<'_>, experiment: &Bound<'_, PyAny>) -> PyResult<()> {
        let outcome = text_given("experiment", experiment)
            .and_then(asked::experiment)
            .and_then(|text| {
                self.writable()?.set_experiment(&text)?;
                self.handle.mirror().experiment = Some(text);
                Ok(())
            });
        self.outcome(py, outcome)
    }

    /// Whether the run is archived: kept, and left out of lists. Takes a bool, 0 or 1.
    #[getter]
    fn archived(&self, py: Python<'_>) -> PyResult<bool> {
        if let Some(archived) = self.handle.mirror().archived {
            return Ok(archived);
        }
        let server = self.handle.read_server(py)?;
        Ok(server.is_some_and(|run| run["archived"] == true))
    }

    #[setter]
    fn set_archived(&self, py: Python<'_>, archived: &Bound<'_, PyAny>) -> PyResult<()> {
        let outcome = flag_given("archived", archived).and_then(|archived| {
            self.writable()?.set_archived(archived)?;
            self.handle.mirror().archived = Some(archived);
            Ok(())
        });
        self.outcome(py, outcome)
    }

    /// Tags of the run, sorted; change them with `add_tag` and `remove_tag`.
    #[getter]
    fn tags(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let server = self.handle.read_server(py)?;
        let tags: Vec<String> = server
            .as_ref()
            .and_then(|run| run["tags"].as_array())
            .map(|tags| {
                tags.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default();
        Ok(self.handle.mirror().tags_over(&tags))
    }

    /// All params of the run, as a dict of its own.
    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let found = self.read(py, &ParamPath::root())?;
        Ok(found.unwrap_or_else(|| PyDict::new(py).into_any()))
    }

    /// Whether the run is closed in this process.
    #[getter]
    fn closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Adds a tag, 1 to 256 characters. One that is there already changes nothing.
    ///
    /// An integer is taken as its text. Anything else that is no str, and a text that can be no
    /// tag, is counted as refused and told once; `InvalidError` if the run is strict. The same
    /// holds for `remove_tag`, `set`, item access and the properties.
    fn add_tag(&self, py: Python<'_>, tag: &Bound<'_, PyAny>) -> PyResult<()> {
        let outcome = text_given("a tag", tag)
            .and_then(asked::tag)
            .and_then(|tag| {
                self.writable()?.add_tags([tag.as_str()])?;
                self.handle.mirror().add_tags([tag.as_str()].into_iter());
                Ok(())
            });
        self.outcome(py, outcome)
    }

    /// Removes a tag. One that is not there changes nothing.
    fn remove_tag(&self, py: Python<'_>, tag: &Bound<'_, PyAny>) -> PyResult<()> {
        let outcome = text_given("a tag", tag)
            .and_then(asked::tag)
            .and_then(|tag| {
                self.writable()?.remove_tags([tag.as_str()])?;
                self.handle.mirror().remove_tag(&tag);
                Ok(())
            });
        self.outcome(py, outcome)
    }

    /// Sets a param.
    ///
    /// Parameters
    /// ----------
    /// key : str
    ///     Keys from the root, joined by dots.
    /// value
    ///     None, bool, int, float, str, a list or a dict of such, a scalar or array of numpy, a
    ///     dataclass or namespace. Other objects are kept as their text, with a warning.
    /// replace : bool
    ///     Put a dict in the place of what is there. Otherwise it is merged, and everything else
    ///     replaces.
    #[pyo3(signature = (key, value, *, replace=false))]
    fn set(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        replace: bool,
    ) -> PyResult<()> {
        let key = match text_given("key", key).and_then(|key| Ok((path_of(&key)?, key))) {
            Ok(key) => key,
            Err(error) => return self.outcome(py, Err(error)),
        };
        let (path, key) = key;
        let Taken {
            value,
            notices,
            refused,
        } = param_of(value, &key)?;
        for notice in notices {
            self.tell(py, notice);
        }
        for error in refused {
            self.outcome(py, Err(error))?;
        }
        let Some(value) = value else {
            return Ok(());
        };
        let outcome = self.writable().and_then(|client| {
            // The mirror refuses what the run would, and nothing is sent then.
            self.handle.mirror().set(&path, &value, replace)?;
            client.set_param(&path, value, replace)
        });
        self.outcome(py, outcome)
    }

    /// The param at `key`, or `default` if there is none.
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'_, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = self.read(py, &key_of(key)?)?;
        Ok(found
            .or(default)
            .unwrap_or_else(|| py.None().into_bound(py)))
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let path = key_of(key)?;
        self.read(py, &path)?.ok_or_else(|| {
            NotFoundError::new_err(format!(
                "there is no param {path}; hint: run.get(key, default) does not raise"
            ))
        })
    }

    fn __setitem__(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.set(py, key, value, false)
    }

    fn __delitem__(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let outcome = text_given("key", key).and_then(|key| {
            let path = path_of(&key)?;
            self.writable()?.remove_param(&path)?;
            self.handle.mirror().remove(&path);
            Ok(())
        });
        self.outcome(py, outcome)
    }

    fn __contains__(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.read(py, &key_of(key)?)?.is_some())
    }

    /// Says what is good for a metric, for all runs of the experiment.
    ///
    /// Parameters
    /// ----------
    /// name : str
    ///     Name of the metric, whatever its context.
    /// goal : {'min', 'max'}, optional
    ///     Which value is best.
    /// unit : str, optional
    ///     Unit, as people read it.
    /// default_x : str, optional
    ///     What to draw it over.
    #[pyo3(signature = (name, *, goal=None, unit=None, default_x=None))]
    fn define_metric(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        goal: Option<Bound<'_, PyAny>>,
        unit: Option<Bound<'_, PyAny>>,
        default_x: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let text = |what: &'static str, given: Option<&Bound<'_, PyAny>>| {
            given
                .map(|given| text_given(what, given).and_then(|text| short(what, text)))
                .transpose()
        };
        let define = || {
            let name = text_given("name of a metric", name)?;
            MetricName::new(name.as_str())?;
            let goal = text("goal", goal.as_ref())?.map(|goal| goal.parse::<Goal>());
            let goal = goal
                .transpose()
                .map_err(|error| ClientError::Invalid(format!("{error}")))?;
            let unit = text("unit", unit.as_ref())?;
            let default_x = text("default x", default_x.as_ref())?;
            self.writable()?
                .define_metric(&name, goal, unit.as_deref(), default_x.as_deref())
        };
        let outcome = define();
        self.outcome(py, outcome)
    }

    /// Logs a detail: a record of level debug, with the file and line of this call.
    ///
    /// Parameters
    /// ----------
    /// message : str
    ///     What to say; longer than 64 KiB it is cut.
    /// **extra : object, optional
    ///     Further arguments, kept beside the message.
    #[pyo3(signature = (message, /, **extra))]
    fn log_debug(
        &self,
        py: Python<'_>,
        message: &Bound<'_, PyAny>,
        extra: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        self.log_message(py, LogLevel::DEBUG, message, extra)
    }

    /// Logs a message: a record of level info, with the file and line of this call.
    ///
    /// Parameters
    /// ----------
    /// message : str
    ///     What to say; longer than 64 KiB it is cut.
    /// **extra : object, optional
    ///     Further arguments, kept beside the message.
    #[pyo3(signature = (message, /, **extra))]
    fn log_info(
        &self,
        py: Python<'_>,
        message: &Bound<'_, PyAny>,
        extra: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        self.log_message(py, LogLevel::INFO, message, extra)
    }

    /// Logs a warning: a record of level warning, with the file and line of this call.
    ///
    /// Parameters
    /// ----------
    /// message : str
    ///     What to say; longer than 64 KiB it is cut.
    /// **extra : object, optional
    ///     Further arguments, kept beside the message.
    #[pyo3(signature = (message, /, **extra))]
    fn log_warning(
        &self,
        py: Python<'_>,
        message: &Bound<'_, PyAny>,
        extra: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        self.log_message(py, LogLevel::WARNING, message, extra)
    }

    /// Logs an error: a record of level error, with the file and line of this call.
    ///
    /// Parameters
    /// ----------
    /// message : str
    ///     What to say; longer than 64 KiB it is cut.
    /// **extra : object, optional
    ///     Further arguments, kept beside the message.
    #[pyo3(signature = (message, /, **extra))]
    fn log_error(
        &self,
        py: Python<'_>,
        message: &Bound<'_, PyAny>,
        extra: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        self.log_message(py, LogLevel::ERROR, message, extra)
    }

    /// Removes a series, or what it has at one step.
    ///
    /// What was logged before this call shows no more; it stays in the history of the run. What is
    /// logged afterwards shows, also at the same steps.
    ///
    /// Parameters
    /// ----------
    /// name : str
    ///     Name of the metric.
    /// context : dict, optional
    ///     Context of the series. Left out: the series without context; others of the name stay.
    /// step : number, optional
    ///     Only the values at this step.
    ///
    /// Raises
    /// ------
    /// InvalidError, ConflictError
    ///     Only if the run is strict: a bad name, context or step; a closed or read-only run.
    ///     Otherwise the call is counted as refused and told once.
    #[pyo3(signature = (name, *, context=None, step=None))]
    fn remove(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        context: Option<Bound<'_, PyAny>>,
        step: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let context = match context_given(context.as_ref()) {
            Ok(context) => Ok(context),
            Err(Failure::Raised(error)) => return Err(error),
            Err(Failure::Refused(why)) => Err(why.error(self, Some(name), None)),
        };
        let step = step_given(step.as_ref())?;
        let remove = || {
            let text = text_given("name of a metric", name)?;
            MetricName::new(text.as_str())?;
            self.writable()?.remove_series(&text, &context?, step?)
        };
        let outcome = remove();
        self.outcome(py, outcome)
    }

    /// Removes all series of the run, or what they have at one step.
    ///
    /// Parameters
    /// ----------
    /// step : number, optional
    ///     Only the values at this step.
    ///
    /// Raises
    /// ------
    /// InvalidError, ConflictError
    ///     Only if the run is strict, as in `remove`.
    #[pyo3(signature = (*, step=None))]
    fn remove_all(&self, py: Python<'_>, step: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let step = step_given(step.as_ref())?;
        let outcome = step.and_then(|step| self.writable()?.remove_points(step));
        self.outcome(py, outcome)
    }

    /// Goes back to a step: points at or past it no longer show but in the history of the run, and
    /// what is logged from now on takes their place.
    ///
    /// Parameters
    /// ----------
    /// to_step : float
    ///     The first step that is taken back. Series without steps of their own count on from
    ///     what is left.
    ///
    /// Examples
    /// --------
    /// >>> run = Run("my-run")  # resumed from a checkpoint that was written before step 300
    /// >>> run.rewind(300)
    fn rewind(&self, py: Python<'_>, to_step: Bound<'_, PyAny>) -> PyResult<()> {
        let outcome = to_step_given(&to_step)?.and_then(|step| self.writable()?.rewind(step));
        self.outcome(py, outcome)
    }

    /// Begins a new run with the points of another one up to a step.
    ///
    /// Parameters
    /// ----------
    /// parent : Run or str
    ///     The run, or its id. What a `Run` of this process has logged is delivered first.
    /// at_step : float
    ///     The last step that is shared.
    /// **options
    ///     Those of `Run`. The experiment is that of a `Run` given as `parent`, unless it is named.
    ///
    /// Returns
    /// -------
    /// Run
    ///     It shows the parent's points as they were then, whatever happens to the parent later,
    ///     its deletion included. Nothing is copied. Params and tags are not shared.
    ///
    /// Raises
    /// ------
    /// UnavailableError
    ///     If points of `parent` could not be delivered within 60 seconds: it would share too little.
    ///
    /// Examples
    /// --------
    /// >>> with Run.fork("my-run", at_step=300, config={"lr": 0.001}) as run:
    /// ...     run.track(0.4, name="loss", step=301)
    #[classmethod]
    #[pyo3(signature = (parent, at_step, **options))]
    fn fork<'py>(
        class: &Bound<'py, PyType>,
        parent: &Bound<'py, PyAny>,
        at_step: Bound<'py, PyAny>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = class.py();
        let options = match options {
            Some(options) => options.copy()?,
            None => PyDict::new(py),
        };
        let id = match parent.cast::<Self>() {
            Ok(parent) => {
                let parent = parent.get();
                parent.deliver(py)?;
                let experiment = parent.handle.mirror().experiment.clone();
                if let Some(experiment) = experiment
                    && !options.contains("experiment")?
                {
                    options.set_item("experiment", experiment)?;
                }
                parent.handle.client.id().to_string()
            }
            Err(_) => parent.extract()?,
        };
        options.set_item("fork_from", id)?;
        options.set_item("fork_step", at_step)?;
        class.call((), Some(&options))
    }

    /// Waits until all that was logged before is acknowledged: durable and readable.
    ///
    /// Parameters
    /// ----------
    /// timeout : float or None
    ///     Seconds to wait at most; None waits as long as it takes. Ctrl-C ends the wait.
    ///
    /// Returns
    /// -------
    /// FlushReport
    ///     What happened to the points so far; `complete` says whether all is acknowledged.
    #[pyo3(signature = (timeout=10.0))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<FlushReport> {
        let timeout = duration_of(timeout)?;
        let handle = Arc::clone(&self.handle);
        let report = wait_for(py, move || handle.client.flush(timeout))?;
        warn::show_waiting(py);
        Ok(FlushReport::from(&report))
    }

    /// Ends the run and waits a little for the server.
    ///
    /// Parameters
    /// ----------
    /// timeout : float
    ///     Seconds to wait at most, and only if a server was reached lately.
    /// failed : str, optional
    ///     The run has failed, and why; left out: it has succeeded.
    ///
    /// Returns
    /// -------
    /// CloseReport
    ///     Whether everything is acknowledged; otherwise where it lies, and the command that
    ///     delivers it. Closing again changes nothing.
    #[pyo3(signature = (*, timeout=10.0, failed=None))]
    fn close(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        failed: Option<String>,
    ) -> PyResult<CloseReport> {
        let end = match failed {
            None => RunEnd::Succeeded,
            Some(text) => RunEnd::Failed {
                code: ReasonCode::Exception,
                text,
            },
        };
        self.handle.close(py, end, duration_of(timeout)?)
    }

    /// The same as `close`.
    #[pyo3(signature = (*, timeout=10.0, failed=None))]
    fn finish(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        failed: Option<String>,
    ) -> PyResult<CloseReport> {
        self.close(py, timeout, failed)
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let end = if error.is_none() {
            RunEnd::Succeeded
        } else {
            end_of(error)
        };
        self.handle.close(py, end, Some(CLOSE_WAIT))?;
        Ok(false)
    }

    /// A pickle is a way to the run, not a copy: where it is opened, a new writer begins.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let options = self.handle.client.options_for_another_process();
        let text = serde_json::to_string(&options)
            .map_err(|error| PyValueError::new_err(format!("options of the run: {error}")))?;
        let reopen = py.import("runstone._runstone")?.getattr("_reopen")?;
        Ok((reopen, (text, self.handle.repo.clone()).into_pyobject(py)?))
    }

    fn __repr__(&self) -> String {
        let mirror = self.handle.mirror();
        let name = mirror
            .name
            .as_ref()
            .map(|name| format!(" name={name:?}"))
            .unwrap_or_default();
        let experiment = mirror
            .experiment
            .as_ref()
            .map(|name| format!(" experiment={name:?}"))
            .unwrap_or_default();
        let closed = if self.handle.is_closed() {
            " closed"
        } else {
            ""
        };
        format!("<runstone.Run {}{name}{experiment}{closed}>", self.hash())
    }
}

/// None clears.
fn text_or_none(what: &str, given: Option<&Bound<'_, PyAny>>) -> Result<String, ClientError> {
    given.map_or_else(|| Ok(String::new()), |given| text_given(what, given))
}

/// Opens a run as a pickle tells.
#[pyfunction]
pub(crate) fn _reopen(py: Python<'_>, options: &str, repo: Option<String>) -> PyResult<Run> {
    let options: RunOptions = serde_json::from_str(options)
        .map_err(|error| InvalidError::new_err(format!("pickle of a run: {error}")))?;
    Run::of(py, Handle::open(py, options, repo, Mirror::default())?)
}
