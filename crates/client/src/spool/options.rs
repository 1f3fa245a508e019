//! How a spool is opened.

use std::path::PathBuf;

/// What a push does when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFull {
    /// The point is dropped and counted; the call returns at once.
    #[default]
    Drop,
    /// The call waits until there is room. Operations wait as well, after the reserve.
    Wait,
}

/// How slots reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolMode {
    /// Memory-mapped files: ext4, xfs, tmpfs, overlayfs.
    Mmap,
    /// One `pwrite` a record, same format: every other file system.
    Pwrite,
    /// No folder can be used: memory only, lost with the process.
    Memory,
}

impl SpoolMode {
    /// `mmap`, `pwrite` or `memory`, as in RUNSTONE_SPOOL_MODE.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "mmap" => Some(Self::Mmap),
            "pwrite" => Some(Self::Pwrite),
            "memory" => Some(Self::Memory),
            _ => None,
        }
    }
}

/// How to open a [`crate::spool::SpoolWriter`].
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// Root of all spools, as `$RUNSTONE_HOME/spool`.
    pub root: PathBuf,
    /// Taken when `root` cannot be written or locked; `None`: memory at once.
    pub fallback_root: Option<PathBuf>,
    /// Name of the folder of this host below the root.
    pub host_id: String,
    /// Host name, for people.
    pub host: String,
    /// Run id.
    pub run: String,
    /// Where the data go: a URL without credentials, or `local`.
    pub destination: String,
    /// Most bytes of segments that this writer may hold; `None`: the smaller of 20 GiB and a tenth
    /// of the free disk. In memory mode at most 64 MiB.
    pub bound_bytes: Option<u64>,
    /// What a push does when there is no room.
    pub on_full: OnFull,
    /// Write to the disk each second (power loss); off: the kernel decides when.
    pub sync: bool,
    /// An unusable folder is an error instead of memory mode.
    pub strict: bool,
    /// Forces a mode; `None`: what the file system can do.
    pub mode: Option<SpoolMode>,
}

impl SpoolOptions {
    /// Options with every default.
    pub fn new(
        root: impl Into<PathBuf>,
        host_id: impl Into<String>,
        run: impl Into<String>,
        destination: impl Into<String>,
    ) -> Self {
        Self {
            root: root.into(),
            fallback_root: None,
            host_id: host_id.into(),
            host: String::new(),
            run: run.into(),
            destination: destination.into(),
            bound_bytes: None,
            on_full: OnFull::Drop,
            sync: true,
            strict: false,
            mode: None,
        }
    }
}
