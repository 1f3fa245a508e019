//! Files and memory of the spool as the operating system has them: mappings, room on the disk,
//! record locks.
//!
//! Called by `spool` only. Everything here returns the system's own error; what it means is
//! decided above. The surprising rule: a mapping is never inherited by a fork, and a mapping of
//! the parent is never unmapped by the child, whose addresses may hold something else by then.
#![allow(
    unsafe_code,
    reason = "mmap, madvise, msync, fallocate, statfs and fcntl"
)]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use crate::os_unix_fork::process_generation;

const PAGE_BYTES: usize = 4096;

/// Memory shared with a file, or memory alone; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Region {
    address: NonNull<AtomicU64>,
    bytes: usize,
    generation: u64,
}

// SAFETY: the memory is only reached as atomic words.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Maps the first `bytes` of a file, shared. The file must have them allocated, or a full disk
    /// kills the process at a later store.
    pub(crate) fn of_file(file: &File, bytes: usize) -> io::Result<Self> {
        Self::map(bytes, libc::MAP_SHARED, file.as_raw_fd())
    }

    /// Zeroed memory without a file.
    pub(crate) fn anonymous(bytes: usize) -> io::Result<Self> {
        Self::map(bytes, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)
    }

    fn map(bytes: usize, flags: libc::c_int, descriptor: libc::c_int) -> io::Result<Self> {
        // SAFETY: the kernel chooses the address; nothing of ours is replaced.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                descriptor,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        #[cfg(target_os = "linux")]
        // SAFETY: the mapping just made.
        unsafe {
            libc::madvise(address, bytes, libc::MADV_DONTFORK);
        }
        let address = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            address,
            bytes,
            generation: process_generation(),
        })
    }

    /// The memory as words.
    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        // SAFETY: mapped readable and writable, page-aligned, for as long as self lives; only
        // reached as atomics, and every bit pattern is a valid word.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.bytes / 8) }
    }

    /// Makes all pages present and writable, so that no store faults. Without effect before Linux
    /// 5.14.
    pub(crate) fn populate(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: our own mapping.
        unsafe {
            libc::madvise(
                self.address.as_ptr().cast(),
                self.bytes,
                libc::MADV_POPULATE_WRITE,
            );
        }
    }

    /// Writes the pages of these bytes to the disk and waits for it.
    pub(crate) fn sync(&self, from_byte: usize, to_byte: usize) -> io::Result<()> {
        let from = from_byte / PAGE_BYTES * PAGE_BYTES;
        let to = to_byte.min(self.bytes);
        if from >= to {
            return Ok(());
        }
        // SAFETY: our own mapping, page-aligned, inside its length.
        let failed = unsafe {
            libc::msync(
                self.address.as_ptr().byte_add(from).cast(),
                to - from,
                libc::MS_SYNC,
            )
        };
        if failed != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.generation == process_generation() {
            // SAFETY: our own mapping; no borrow of its words outlives self.
            unsafe { libc::munmap(self.address.as_ptr().cast(), self.bytes) };
        }
    }
}

/// Gives a file its length with all blocks allocated. Asks for the file size limit first: going
/// past it raises a signal that ends the process.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    check_file_bytes(bytes)?;
    let length = libc::off_t::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
    #[cfg(target_os = "linux")]
    loop {
        // SAFETY: a plain system call on an open descriptor.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, length);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Allocates blocks past a file's end without changing its length; failing is no harm.
pub(crate) fn allocate_ahead(file: &File, bytes: u64) {
    if check_file_bytes(bytes).is_err() {
        return;
    }
    #[cfg(target_os = "linux")]
    if let Ok(length) = libc::off_t::try_from(bytes) {
        // SAFETY: a plain system call on an open descriptor.
        unsafe {
            libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, 0, length);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// An error if a file of this length would pass the process's limit.
pub(crate) fn check_file_bytes(bytes: u64) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the struct is ours and written by the call.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    if failed == 0 && limit.rlim_cur != libc::RLIM_INFINITY && bytes > limit.rlim_cur {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}

/// True where a mapped store to an allocated file can be relied upon: ext4, xfs, tmpfs, overlayfs.
pub(crate) fn is_mapping_safe(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        const EXT4: i64 = 0xEF53;
        const XFS: i64 = 0x5846_5342;
        const TMPFS: i64 = 0x0102_1994;
        const OVERLAYFS: i64 = 0x794c_7630;
        let Ok(path) = CString::new(folder.as_os_str().as_bytes()) else {
            return false;
        };
        let mut found = std::mem::MaybeUninit::<libc::statfs>::zeroed();
        // SAFETY: the path ends in NUL, the struct is ours and written by the call.
        if unsafe { libc::statfs(path.as_ptr(), found.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: zeroed, then filled by the successful call.
        #[allow(
            clippy::useless_conversion,
            reason = "its type differs by architecture"
        )]
        let kind = i64::from(unsafe { found.assume_init() }.f_type);
        [EXT4, XFS, TMPFS, OVERLAYFS].contains(&kind)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        false
    }
}

/// Bytes that an ordinary user may still write to the file system of a folder.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends in NUL, the struct is ours and written by the call.
    if unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed, then filled by the successful call.
    let found = unsafe { found.assume_init() };
    #[allow(clippy::useless_conversion, reason = "the types differ by system")]
    Ok(u64::from(found.f_bavail) * u64::from(found.f_frsize))
}

/// Takes the record lock on one byte; `false`: another process has it. It is gone when the process
/// ends or closes any descriptor of the file.
pub(crate) fn lock_byte(file: &File, byte: i64) -> io::Result<bool> {
    match record_lock(file, libc::F_SETLK, libc::F_WRLCK, byte) {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EACCES | libc::EAGAIN) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Gives the byte back.
pub(crate) fn unlock_byte(file: &File, byte: i64) -> io::Result<()> {
    record_lock(file, libc::F_SETLK, libc::F_UNLCK, byte).map(drop)
}

/// True if another process has the byte. Locks of the asking process don't show.
pub(crate) fn is_byte_locked(file: &File, byte: i64) -> io::Result<bool> {
    let found = record_lock(file, libc::F_GETLK, libc::F_WRLCK, byte)?;
    Ok(i32::from(found.l_type) != i32::from(libc::F_UNLCK as i16))
}

fn record_lock(
    file: &File,
    command: libc::c_int,
    kind: libc::c_int,
    byte: i64,
) -> io::Result<libc::flock> {
    // SAFETY: all fields are plain numbers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = byte as libc::off_t;
    lock.l_len = 1;
    // SAFETY: the struct is ours; F_GETLK writes it.
    if unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(lock)
}

/// True if an error says that the disk, a quota or a limit is full.
pub(crate) fn is_full_disk(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
