//! Disks whose syncs take their time: the failing disk of the tests, told to be slow only.

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/faults/disk.rs"]
mod disk;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/faults/os_vfs.rs"]
mod os_vfs;

use std::sync::Arc;
use std::time::Duration;

use disk::Disk;
pub(crate) use os_vfs::FaultyVfs;

/// A disk on which each sync takes so long.
pub(crate) fn slow_vfs(pause: Duration) -> FaultyVfs {
    FaultyVfs::new(Arc::new(Disk::slow(pause)))
}
