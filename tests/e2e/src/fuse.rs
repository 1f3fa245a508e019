//! A mounted file system of a chosen kind that holds nothing: what a program sees of the kind is
//! real, and no server of such a file system is needed.
//!
//! The kernel asks this process over `/dev/fuse`; the answers are those of an empty folder that
//! can't be written to. Mounting takes root, so [`EmptyMount::new`] may say that it can't be had.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

// Operations and layouts: include/uapi/linux/fuse.h, protocol 7.
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const STATFS: u32 = 17;
const INIT: u32 = 26;
const BATCH_FORGET: u32 = 42;
const HEADER_BYTES: usize = 40;

/// A mount; unmounted when it is dropped.
#[derive(Debug)]
pub struct EmptyMount {
    folder: PathBuf,
}

impl EmptyMount {
    /// Mounts an empty file system of this kind, as `fuse.sshfs`, on a folder.
    ///
    /// # Errors
    /// When this process may not mount, or the system has no FUSE.
    pub fn new(kind: &str, folder: &Path) -> anyhow::Result<Self> {
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .context("open /dev/fuse")?;
        // The descriptor named in the options is the one that mount(8) has as standard input.
        let output = Command::new("mount")
            .args(["-i", "-t", kind, "-o"])
            .arg("fd=0,rootmode=40000,user_id=0,group_id=0")
            .arg("empty")
            .arg(folder)
            .stdin(Stdio::from(device.try_clone()?))
            .output()
            .context("run mount")?;
        ensure!(
            output.status.success(),
            "mount: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        std::thread::spawn(move || answer_all(device));
        Ok(Self {
            folder: folder.to_owned(),
        })
    }
}

impl Drop for EmptyMount {
    fn drop(&mut self) {
        // Lazily: a test that fails may still have it open.
        drop(Command::new("umount").arg("-l").arg(&self.folder).output());
    }
}

/// Until it is unmounted.
fn answer_all(mut device: File) {
    let mut request = vec![0; 1 << 17];
    while let Ok(length) = device.read(&mut request) {
        if length < HEADER_BYTES {
            return;
        }
        let word = |at: usize| u32::from_le_bytes(request[at..at + 4].try_into().expect("4 bytes"));
        let operation = word(4);
        let (error, body) = match operation {
            FORGET | BATCH_FORGET => continue,
            INIT => (0, init_answer()),
            GETATTR => (0, attributes_answer()),
            STATFS => (0, statfs_answer()),
            LOOKUP => (-libc::ENOENT, Vec::new()),
            // The kernel then asks in an older way, or fails the call.
            _ => (-libc::ENOSYS, Vec::new()),
        };
        let mut answer = Vec::new();
        let total = u32::try_from(16 + body.len()).expect("answers are short");
        answer.extend(total.to_le_bytes());
        answer.extend(error.to_le_bytes());
        // The request's number.
        answer.extend(&request[8..16]);
        answer.extend(body);
        if device.write_all(&answer).is_err() {
            return;
        }
    }
}

/// `fuse_init_out` of protocol 7.31.
fn init_answer() -> Vec<u8> {
    let mut body = vec![0; 64];
    body[0] = 7;
    body[4] = 31;
    // max_write
    body[20..24].copy_from_slice(&4096u32.to_le_bytes());
    body
}

/// `fuse_attr_out` of a folder.
fn attributes_answer() -> Vec<u8> {
    let mut body = vec![0; 104];
    // ino, mode, nlink, blksize
    body[16] = 1;
    body[76..80].copy_from_slice(&0o040_755u32.to_le_bytes());
    body[80] = 2;
    body[96..100].copy_from_slice(&4096u32.to_le_bytes());
    body
}

/// `fuse_kstatfs`: 4 TB, nearly all free.
fn statfs_answer() -> Vec<u8> {
    let mut body = Vec::new();
    for blocks in [1u64 << 30, 1 << 29, 1 << 29, 1_000, 1_000] {
        body.extend(blocks.to_le_bytes());
    }
    for size in [4_096u32, 255, 4_096] {
        body.extend(size.to_le_bytes());
    }
    body.resize(80, 0);
    body
}
