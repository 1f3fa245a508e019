//! The exclusive lock of a folder: a POSIX record lock owned by an open file description.
//!
//! Called by `lock.rs` only. Such a lock (`F_OFD_SETLK`, POSIX.1-2024) excludes a second opener in
//! the same process too, and does not vanish when somebody else closes the file. The file is
//! opened with close-on-exec, so that a child program does not keep it.
#![allow(unsafe_code, reason = "fcntl has no safe form in std for record locks")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

#[cfg(any(target_os = "linux", target_os = "android"))]
const SET_LOCK: libc::c_int = libc::F_OFD_SETLK;
#[cfg(any(target_os = "linux", target_os = "android"))]
const GET_LOCK: libc::c_int = libc::F_OFD_GETLK;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SET_LOCK: libc::c_int = libc::F_SETLK;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const GET_LOCK: libc::c_int = libc::F_GETLK;

/// Takes the lock on the whole file; `false` if somebody holds it.
pub(crate) fn try_lock_exclusive(file: &File) -> io::Result<bool> {
    match control(file, SET_LOCK, libc::F_WRLCK) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Gives the lock back, whoever else has the file open by the same description.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    control(file, SET_LOCK, libc::F_UNLCK).map(drop)
}

/// Whether somebody holds the lock, without taking it.
pub(crate) fn is_locked(file: &File) -> io::Result<bool> {
    control(file, GET_LOCK, libc::F_WRLCK).map(|kind| kind != libc::F_UNLCK as libc::c_short)
}

fn control(file: &File, command: libc::c_int, kind: libc::c_int) -> io::Result<libc::c_short> {
    // SAFETY: flock is a plain C struct of integers, for which all zeroes is a valid value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    // SAFETY: the descriptor is open for the life of `file`, and `lock` outlives the call.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) };
    if answer == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(lock.l_type)
    }
}
