//! The arguments of the command line, and the words that explain them.
//!
//! `docs/reference/cli.md` is rendered from here; a test holds it fresh.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The durable record of every run.
#[derive(Debug, Parser)]
#[command(
    name = "runstone",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The data folder [default: $RUNSTONE_HOME/data, where RUNSTONE_HOME is ~/.runstone unless set]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// The server to ask, instead of the one that holds the data folder
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "RUNSTONE_URL",
        hide_env_values = true
    )]
    pub(crate) url: Option<String>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server
    Up(UpArguments),
    /// List runs, newest first
    Runs(RunsArguments),
    /// Show one run: properties, params, writers, completeness and series
    Show(ShowArguments),
    /// Print what a run wrote to its terminal, or its log records
    Logs(LogsArguments),
    /// List what was committed, oldest first
    Events(EventsArguments),
    /// Wait until a run gets into a state
    Wait(WaitArguments),
    /// Change name, description, experiment or tags of runs, or archive them
    Edit(EditArguments),
    /// Delete runs: gone from every list at once, and closed to their scripts
    Delete(DeleteArguments),
    /// Take deleted runs back
    Undelete(UndeleteArguments),
    /// Put, list, get and remove files of a run
    Artifact(ArtifactArguments),
    /// Show where the bytes of the data folder are
    Du(DuArguments),
    /// Purge what was deleted long enough ago, and give free space back to the disk
    Gc(GcArguments),
    /// Copy the data folder, also while a server uses it
    Snapshot(SnapshotArguments),
    /// Deliver what scripts have logged while no server was there
    Sync(SyncArguments),
    /// Look for what is wrong, and say what to do
    Doctor(DoctorArguments),
    /// Print versions
    Version(VersionArguments),
    /// Print the reference of the command line as Markdown
    #[command(hide = true)]
    RenderReference,
}

/// Arguments of `up`.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// Address to listen on, as 127.0.0.1:53800; port 0 takes a free one; may be given several times
    /// [default: 127.0.0.1 and ::1, ports 53800 and 53801]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Vec<String>,

    /// Path below which a proxy serves this server, as /proxy/53800
    #[arg(
        long,
        value_name = "PATH",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) base_path: String,

    /// Host name to answer for besides loopback names; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,

    /// Origin of pages that may call, as https://example.org; may be given several times
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,

    /// Ask for the token on loopback too
    #[arg(long)]
    pub(crate) require_token: bool,

    /// Let everybody who reaches the address read and write, without any token
    #[arg(long, conflicts_with = "require_token")]
    pub(crate) insecure_no_auth: bool,

    /// Open a data folder that lies on a network file system
    #[arg(long)]
    pub(crate) allow_network_file_system: bool,

    /// Keep deleted runs for so many days before they are purged
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub(crate) trash_days: u32,

    /// Keep the bytes of artifacts in a bucket instead of the data folder, as
    /// s3://BUCKET/PREFIX?endpoint=URL&region=NAME; credentials come from the environment or ~/.aws.
    /// Noted in the data folder at the first start
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "RUNSTONE_BLOBS",
        hide_env_values = true
    )]
    pub(crate) blobs: Option<String>,

    /// Print the line that tells of readiness as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArguments {
    /// Only runs of this experiment
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,

    /// Only runs in these states: pending, running, succeeded, failed, lost
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(crate) state: Vec<String>,

    /// Metrics to show, in this order [default: a few, those with a goal first]
    #[arg(long = "metric", value_name = "NAME")]
    pub(crate) metrics: Vec<String>,

    /// Archived runs too
    #[arg(long)]
    pub(crate) archived: bool,

    /// Deleted runs instead of those that live
    #[arg(long, conflicts_with = "metrics")]
    pub(crate) deleted: bool,

    /// At most so many runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// Id of the run, the start of one, or a name
    pub(crate) run: String,

    /// Only series of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,

    /// At most so many series
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,

    /// Show it again while it changes, until the run ends; waits for a server that restarts
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// Print JSON; with --follow one line for each change
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `edit`.
#[derive(Debug, Args)]
pub(crate) struct EditArguments {
    /// Ids of runs, the starts of such, or names
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<String>,

    #[command(flatten)]
    pub(crate) changes: ChangeArguments,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `edit` changes; one thing at least.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ChangeArguments {
    /// A new name; the empty one takes it away
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// A new description; the empty one takes it away
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// Move to this experiment, which is created if there is none
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,

    /// Tag to add; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,

    /// Tag to remove; may be given several times
    #[arg(long = "untag", value_name = "TAG")]
    pub(crate) untags: Vec<String>,

    /// Leave it out of lists unless they ask for archived runs
    #[arg(long, conflicts_with = "unarchive")]
    pub(crate) archive: bool,

    /// Take it back from the archive
    #[arg(long)]
    pub(crate) unarchive: bool,
}

/// Arguments of `delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// Ids of runs, the starts of such, or names
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<String>,

    /// For good: nobody can take them back. What is in the trash under such an id goes too
    #[arg(long)]
    pub(crate) now: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `artifact`.
#[derive(Debug, Args)]
pub(crate) struct ArtifactArguments {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: ArtifactCommand,
}

/// The subcommands of `artifact`.
#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactCommand {
    /// Put a file into a run
    Put(ArtifactPutArguments),
    /// List the files of a run
    List(ArtifactListArguments),
    /// Get a file of a run
    Get(ArtifactGetArguments),
    /// Remove a file from a run
    Remove(ArtifactRemoveArguments),
}

/// Arguments of `artifact put`.
#[derive(Debug, Args)]
pub(crate) struct ArtifactPutArguments {
    /// Id of the run, the start of one, or a name
    pub(crate) run: String,

    /// The file
    pub(crate) file: PathBuf,

    /// Where in the run, as plots/loss.png [default: the name of the file]
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,

    /// Media type of the bytes [default: by the end of the file's name]
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) media_type: Option<String>,

    /// Send the bytes to the bucket itself, past the server, where it keeps them in one
    #[arg(long)]
    pub(crate) direct: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `artifact list`.
#[derive(Debug, Args)]
pub(crate) struct ArtifactListArguments {
    /// Id of the run, the start of one, or a name
    pub(crate) run: String,

    /// Only paths that begin so
    #[arg(long, value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,

    /// All versions, not only the newest of each path
    #[arg(long)]
    pub(crate) versions: bool,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `artifact get`.
#[derive(Debug, Args)]
pub(crate) struct ArtifactGetArguments {
    /// Id of the run, the start of one, or a name
    pub(crate) run: String,

    /// Where in the run
    pub(crate) path: String,

    /// File to write; - for standard output [default: the last part of PATH, in this folder]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// This version [default: the newest whose bytes are there]
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
}

/// Arguments of `artifact remove`.
#[derive(Debug, Args)]
pub(crate) struct ArtifactRemoveArguments {
    /// Id of the run, the start of one, or a name
    pub(crate) run: String,

    /// Where in the run
    pub(crate) path: String,

    /// Only this version [default: all of them]
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
}

/// Arguments of `du`.
#[derive(Debug, Args)]
pub(crate) struct DuArguments {
    /// Only this run: its id, also of a deleted one, the start of one, or a name
    pub(crate) run: Option<String>,

    /// At most so many runs and experiments, those with most bytes first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `gc`.
#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Purge what was deleted so many days ago; 0 empties the trash [default: the server's period, or
    /// 30 days]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub(crate) trash_days: Option<u32>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub(crate) struct SnapshotArguments {
    /// Folder for the copy, new or empty, on the machine of the server; `runstone up --data DIR` opens it
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `undelete`.
#[derive(Debug, Args)]
pub(crate) struct UndeleteArguments {
    /// Ids of deleted runs; of several with one id the one that was deleted last comes back
    #[arg(required = true, value_name = "ID")]
    pub(crate) runs: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// Id of the run, the start of one, or a name
    pub(crate) run: String,

    /// Only the last N lines, of all writers by their time
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) tail: Option<u32>,

    /// Go on with what comes until the run has ended; waits for a server that restarts
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// Log records instead of terminal lines
    #[arg(long, conflicts_with = "stream")]
    pub(crate) records: bool,

    /// Only records of this level or a graver one: debug, info, warning, error, critical, or a
    /// number; means --records
    #[arg(long, value_name = "LEVEL", conflicts_with = "stream")]
    pub(crate) level: Option<String>,

    /// Only lines of this stream: stdout or stderr
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: Option<String>,

    /// Only the log of this writer: its id, as `show` lists it
    #[arg(long, value_name = "ID")]
    pub(crate) writer: Option<String>,

    /// Print JSON, one line for each line or record
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArguments {
    /// Only changes of this run: its id, the start of one, or a name
    pub(crate) run: Option<String>,

    /// Only changes of runs in this experiment
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,

    /// Only changes of these kinds: created, state, properties, tags, params, points, scalars,
    /// writers, warnings, deleted, undeleted, logs, objects, artifacts
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) kind: Vec<String>,

    /// Only changes after this number [default: the oldest that is kept]
    #[arg(long, value_name = "N")]
    pub(crate) since: Option<u64>,

    /// Go on with what happens from now on; waits for a server that restarts
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// End after so many changes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// Print JSON, one line for each change
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `wait`.
#[derive(Debug, Args)]
pub(crate) struct WaitArguments {
    /// Id of the run, the start of one, or a name
    pub(crate) run: String,

    /// States to wait for: pending, running, succeeded, failed, lost; ended is succeeded or failed
    #[arg(
        long,
        value_name = "STATE",
        value_delimiter = ',',
        default_value = "ended"
    )]
    pub(crate) until: Vec<String>,

    /// Give up after so many seconds [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=31_536_000))]
    pub(crate) timeout: Option<u64>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    /// Deliver everything to this server, wherever it was meant to go
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,

    /// Folder of the spools [default: $RUNSTONE_SPOOL, or $RUNSTONE_HOME/spool]
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,

    /// Points in a frame at most, for lines that are slow or break often [default: as many as fit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) frame_points: Option<u32>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Read all of the data folder: every chunk, pack, frame and summary, the journal, and whether
    /// rows fit together, and every blob; takes as long as reading all that twice
    #[arg(long, conflicts_with = "bundle")]
    pub(crate) deep: bool,

    /// Write what a person who helps needs to see to FILE, a tar.gz without secrets; - for standard
    /// output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) bundle: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `version`.
#[derive(Debug, Args)]
pub(crate) struct VersionArguments {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
