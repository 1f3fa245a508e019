//! The options of a run, checked and completed. Immutable, so that forks can read them.

use std::path::PathBuf;

use runstone_model::{
    DESCRIPTION_BYTES_MAX, ExperimentName, ParamPath, ParamValue, RunId, SHORT_TEXT_BYTES_MAX,
    Step, TagName, Timestamp, check_text, clean_text, run_id_from_parts,
};
use runstone_wire::{OpenMode, OpenRun, ParamSetting};

use crate::config::{self, Destination, Environment};
use crate::error::ClientError;
use crate::identity::random_bytes;
use crate::options::{Mode, RunOptions};
use crate::spool::SpoolMode;
use crate::warning::{WarningKind, warn_once};

/// See the module.
#[derive(Debug)]
pub(crate) struct RunSettings {
    pub(crate) options: RunOptions,
    pub(crate) run: RunId,
    pub(crate) mode: Mode,
    pub(crate) destination: Destination,
    pub(crate) token: Option<String>,
    pub(crate) spool_root: PathBuf,
    pub(crate) spool_mode: Option<SpoolMode>,
    pub(crate) host: String,
    pub(crate) host_id: String,
    pub(crate) boot_id: String,
    pub(crate) user: String,
    pub(crate) sdk: String,
    pub(crate) primary: bool,
    /// How the first process opens the run; its forks only attach.
    pub(crate) open: OpenRun,
}

/// The clock of this machine in microseconds.
#[inline]
#[must_use]
pub fn now_micros() -> i64 {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => since.as_micros() as i64,
        Err(before) => -(before.duration().as_micros() as i64),
    }
}

impl RunSettings {
    pub(crate) fn new(
        mut options: RunOptions,
        environment: Environment<'_>,
    ) -> Result<Self, ClientError> {
        let mode = config::mode(options.mode, environment)?;
        let destination = config::write_destination(options.url.as_deref(), environment)?;
        let now = now_micros();
        let run = match &options.run_id {
            Some(id) => RunId::new(id.clone())?,
            None => run_id_from_parts(now, random_bytes()?),
        };
        let primary = options
            .primary
            .unwrap_or(options.rank.is_none_or(|rank| rank == 0));
        let open_mode = match (&options.run_id, primary) {
            (None, _) => OpenMode::Create,
            (Some(_), true) => OpenMode::ResumeOrCreate,
            (Some(_), false) => OpenMode::Attach,
        };
        let open = open_run(&options, open_mode, now)?;
        let token = options.token.take().or_else(|| config::token(environment));
        Ok(Self {
            mode,
            destination,
            token,
            spool_mode: spool_mode(options.strict, environment)?,
            spool_root: config::spool_roots(&options, environment).swap_remove(0),
            host: config::host_name(),
            host_id: config::host_id(),
            boot_id: config::boot_id(),
            user: config::user_name(environment),
            sdk: options
                .sdk
                .clone()
                .unwrap_or_else(|| concat!("runstone-rust/", env!("CARGO_PKG_VERSION")).to_owned()),
            primary,
            open,
            run,
            options,
        })
    }

    /// How a process that did not open the run itself joins it.
    pub(crate) fn attach(&self) -> OpenRun {
        OpenRun {
            mode: OpenMode::Attach,
            config: Vec::new(),
            tags: Vec::new(),
            ..self.open.clone()
        }
    }
}

/// A word that is no mode is refused by a strict run; others are told, and take what suits the disk.
fn spool_mode(
    strict: bool,
    environment: Environment<'_>,
) -> Result<Option<SpoolMode>, ClientError> {
    match config::spool_mode(environment) {
        Err(error) if !strict => {
            warn_once(WarningKind::Spool, "mode", || error.to_string());
            Ok(None)
        }
        asked => asked,
    }
}

fn open_run(options: &RunOptions, mode: OpenMode, now: i64) -> Result<OpenRun, ClientError> {
    let experiment = options
        .experiment
        .as_deref()
        .map(|name| ExperimentName::new(cleaned(name)))
        .transpose()?;
    let tags = options
        .tags
        .iter()
        .map(|tag| TagName::new(cleaned(tag)))
        .collect::<Result<Vec<_>, _>>()?;
    let config = match &options.config {
        None => Vec::new(),
        Some(ParamValue::Dict(dict)) if dict.is_empty() => Vec::new(),
        Some(value @ ParamValue::Dict(_)) => {
            let mut value = value.clone();
            value.clean();
            vec![ParamSetting {
                path: ParamPath::root(),
                value,
                replace: false,
            }]
        }
        Some(other) => {
            return Err(ClientError::Invalid(format!(
                "config is a {}, it must be a dict; hint: config={{\"lr\": 0.1}}",
                other.type_name()
            )));
        }
    };
    Ok(OpenRun {
        mode,
        experiment,
        name: short("name", options.name.as_deref())?,
        description: text(
            "description",
            options.description.as_deref(),
            DESCRIPTION_BYTES_MAX,
        )?,
        group: short("group", options.group.as_deref())?,
        job_type: short("job type", options.job_type.as_deref())?,
        seed: options.seed,
        rerun_of: options.rerun_of.as_deref().map(RunId::new).transpose()?,
        created_at: Timestamp::from_micros(now),
        tags,
        config,
        parent: match &options.fork {
            Some((parent, step)) => Some((RunId::new(parent)?, Step::new(*step)?)),
            None => None,
        },
    })
}

fn cleaned(text: &str) -> String {
    clean_text(text).0.into_owned()
}

pub(crate) fn short(
    what: &'static str,
    given: Option<&str>,
) -> Result<Option<String>, ClientError> {
    text(what, given, SHORT_TEXT_BYTES_MAX)
}

pub(crate) fn text(
    what: &'static str,
    given: Option<&str>,
    bytes_max: usize,
) -> Result<Option<String>, ClientError> {
    let Some(given) = given else { return Ok(None) };
    let given = cleaned(given);
    check_text(what, &given, bytes_max)?;
    Ok(Some(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(strict: bool, spool_mode: &str) -> Result<RunSettings, ClientError> {
        let options = RunOptions {
            strict,
            ..RunOptions::default()
        };
        let environment = |name: &str| match name {
            "RUNSTONE_SPOOL_MODE" => Some(spool_mode.to_owned()),
            "RUNSTONE_HOME" => Some("/nowhere".to_owned()),
            _ => None,
        };
        RunSettings::new(options, &environment)
    }

    #[test]
    fn a_bad_spool_mode_stops_strict_runs_only() {
        assert_eq!(settings(false, "bad").unwrap().spool_mode, None);
        let refused = settings(true, "bad").map(|settings| settings.spool_mode);
        assert!(
            matches!(refused, Err(ClientError::Invalid(_))),
            "{refused:?}"
        );
        let forced = settings(true, "pwrite").unwrap().spool_mode;
        assert_eq!(forced, Some(SpoolMode::Pwrite));
    }
}
