//! A VFS of SQLite over that of the system, which asks a [`Disk`] before it reads or writes.
//!
//! [`FaultyVfs::new`] registers one under a name of its own, to be given as `SqliteOptions::vfs`;
//! dropping it takes it back. Locks and the shared memory of the log go straight through. The one
//! file of tests with unsafe code: SQLite calls these functions through tables of pointers. A
//! [`ShimFile`] is followed in memory by the file of the system's VFS, as SQLite allocates
//! `szOsFile` bytes for both.
#![allow(
    unsafe_code,
    reason = "SQLite reaches files through tables of C functions only"
)]

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::ffi;

use super::disk::{Disk, Verdict};

/// Names are not used again.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A registered VFS over one disk.
#[derive(Debug)]
pub(crate) struct FaultyVfs {
    name: CString,
    disk: Arc<Disk>,
    /// Owned; SQLite knows its address until it is dropped.
    vfs: *mut ffi::sqlite3_vfs,
}

/// What the functions of the VFS find behind its `pAppData`.
struct Shared {
    disk: Arc<Disk>,
    real: *mut ffi::sqlite3_vfs,
}

/// An open file; the system's own stands right behind it.
#[repr(C)]
struct ShimFile {
    base: ffi::sqlite3_file,
    /// Owned; null while the file is not open.
    opened: *mut Opened,
}

struct Opened {
    disk: Arc<Disk>,
    path: PathBuf,
}

impl FaultyVfs {
    /// Registers it.
    pub(crate) fn new(disk: Arc<Disk>) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("faulty-{number}")).unwrap();
        // SAFETY: asks for the default VFS, which lives as long as the process.
        let real = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        assert!(!real.is_null(), "SQLite has no default VFS");
        // SAFETY: it is a valid VFS, see above; its fields are plain.
        let copied = unsafe { *real };
        let shared = Box::new(Shared {
            disk: Arc::clone(&disk),
            real,
        });
        let vfs = Box::new(ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: copied.szOsFile + size_of::<ShimFile>() as c_int,
            pNext: std::ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: Box::into_raw(shared).cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            // The system's functions for these look at no VFS.
            ..copied
        });
        let vfs = Box::into_raw(vfs);
        // SAFETY: `vfs` and `name` live until `drop` has unregistered them.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(code, ffi::SQLITE_OK);
        Self { name, disk, vfs }
    }

    /// For `SqliteOptions::vfs`.
    pub(crate) fn name(&self) -> String {
        self.name.to_str().unwrap().to_owned()
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }
}

impl Drop for FaultyVfs {
    fn drop(&mut self) {
        // SAFETY: every connection that was opened through it is closed, as tests drop their store
        // first; both boxes were made in `new` and are dropped here only.
        unsafe {
            ffi::sqlite3_vfs_unregister(self.vfs);
            let vfs = Box::from_raw(self.vfs);
            drop(Box::from_raw(vfs.pAppData.cast::<Shared>()));
        }
    }
}

/// The table of each open file.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
/// `vfs` was made by [`FaultyVfs::new`].
unsafe fn shared<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Shared {
    // SAFETY: `pAppData` is the box made in `new`, which outlives every call through the VFS.
    unsafe { &*(*vfs).pAppData.cast::<Shared>() }
}

/// The system's file behind ours.
///
/// # Safety
/// `file` was allocated with the size that our VFS names.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: both stand in one allocation, see the module.
    unsafe { file.cast::<ShimFile>().add(1).cast() }
}

/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn opened<'a>(file: *mut ffi::sqlite3_file) -> &'a Opened {
    // SAFETY: `open` has set it, `close` takes it.
    unsafe { &*(*file.cast::<ShimFile>()).opened }
}

/// Calls a function of the system's file.
macro_rules! pass {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls with a file that is open, whose system's file has its table, and
        // with arguments that are good for the function of the same name there.
        unsafe {
            let file = real($file);
            ((*(*file).pMethods).$method.expect("the system's VFS has it"))(file $(, $argument)*)
        }
    }};
}

fn path_of(name: *const c_char) -> PathBuf {
    if name.is_null() {
        return PathBuf::new();
    }
    // SAFETY: SQLite hands in strings that end with NUL.
    let name = unsafe { CStr::from_ptr(name) };
    Path::new(OsStr::from_bytes(name.to_bytes())).to_owned()
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: called by SQLite with our VFS and room for our file.
    unsafe {
        let shared = shared(vfs);
        let shim = file.cast::<ShimFile>();
        (*shim).base.pMethods = std::ptr::null();
        (*shim).opened = std::ptr::null_mut();
        if !shared.disk.has_power() {
            return ffi::SQLITE_CANTOPEN;
        }
        let path = path_of(name);
        let is_new = !path.exists();
        let open = (*shared.real).xOpen.expect("the system's VFS opens files");
        let code = open(shared.real, name, real(file), flags, out_flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
        if is_new {
            shared.disk.made(&path);
        }
        (*shim).base.pMethods = &raw const METHODS;
        (*shim).opened = Box::into_raw(Box::new(Opened {
            disk: Arc::clone(&shared.disk),
            path,
        }));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: called by SQLite with our VFS.
    let shared = unsafe { shared(vfs) };
    let verdict = shared.disk.before_delete(&path_of(name), sync_folder != 0);
    if verdict == Verdict::Fails {
        return ffi::SQLITE_IOERR_DELETE;
    }
    // SAFETY: as above; the system's VFS deletes files.
    let code = unsafe {
        let delete = (*shared.real)
            .xDelete
            .expect("the system's VFS deletes files");
        delete(shared.real, name, sync_folder)
    };
    if verdict == Verdict::Last {
        ffi::SQLITE_IOERR_DELETE
    } else {
        code
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    answer: *mut c_int,
) -> c_int {
    // SAFETY: called by SQLite with our VFS.
    unsafe {
        let real = shared(vfs).real;
        (*real).xAccess.expect("the system's VFS has it")(real, name, flags, answer)
    }
}

unsafe extern "C" fn full_pathname(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    bytes: c_int,
    answer: *mut c_char,
) -> c_int {
    // SAFETY: called by SQLite with our VFS.
    unsafe {
        let real = shared(vfs).real;
        (*real).xFullPathname.expect("the system's VFS has it")(real, name, bytes, answer)
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = pass!(file, xClose);
    // SAFETY: the file was opened by `open`, and is closed once.
    drop(unsafe { Box::from_raw((*file.cast::<ShimFile>()).opened) });
    code
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    bytes: c_int,
    at: i64,
) -> c_int {
    // SAFETY: called by SQLite with an open file.
    let verdict = unsafe { opened(file) }.disk.before_read();
    match verdict {
        Verdict::Fails => ffi::SQLITE_IOERR_READ,
        _ => pass!(file, xRead, buffer, bytes, at),
    }
}

/// What stands in the file now, zeros past its end.
fn read_now(file: *mut ffi::sqlite3_file) -> impl FnMut(u64, &mut [u8]) {
    move |at, buffer| {
        let room: *mut c_void = buffer.as_mut_ptr().cast();
        let bytes = c_int::try_from(buffer.len()).unwrap();
        let code = pass!(file, xRead, room, bytes, at.cast_signed());
        assert!(
            code == ffi::SQLITE_OK || code == ffi::SQLITE_IOERR_SHORT_READ,
            "{code}"
        );
    }
}

fn length_of(file: *mut ffi::sqlite3_file) -> u64 {
    let mut length = 0;
    let code = pass!(file, xFileSize, &raw mut length);
    assert_eq!(code, ffi::SQLITE_OK);
    length.cast_unsigned()
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    bytes: c_int,
    at: i64,
) -> c_int {
    // SAFETY: called by SQLite with an open file.
    let opened = unsafe { opened(file) };
    let start = at.cast_unsigned();
    let range = start..start + u64::from(bytes.unsigned_abs());
    let length = length_of(file);
    let verdict = opened
        .disk
        .before_write(&opened.path, range, length, read_now(file));
    match verdict {
        Verdict::Fails => ffi::SQLITE_IOERR_WRITE,
        Verdict::Full { bytes } => {
            if bytes > 0 {
                pass!(file, xWrite, buffer, c_int::try_from(bytes).unwrap(), at);
            }
            ffi::SQLITE_FULL
        }
        Verdict::Last => {
            pass!(file, xWrite, buffer, bytes, at);
            ffi::SQLITE_IOERR_WRITE
        }
        _ => pass!(file, xWrite, buffer, bytes, at),
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, to: i64) -> c_int {
    // SAFETY: called by SQLite with an open file.
    let opened = unsafe { opened(file) };
    let length = length_of(file);
    let verdict =
        opened
            .disk
            .before_truncate(&opened.path, to.cast_unsigned(), length, read_now(file));
    match verdict {
        Verdict::Fails => ffi::SQLITE_IOERR_TRUNCATE,
        Verdict::Last => {
            pass!(file, xTruncate, to);
            ffi::SQLITE_IOERR_TRUNCATE
        }
        _ => pass!(file, xTruncate, to),
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: called by SQLite with an open file.
    let opened = unsafe { opened(file) };
    // What is durable is for the disk to say; the system's sync would only take time.
    match opened.disk.before_sync(&opened.path) {
        Verdict::Works => ffi::SQLITE_OK,
        _ => ffi::SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, length: *mut i64) -> c_int {
    pass!(file, xFileSize, length)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(
    file: *mut ffi::sqlite3_file,
    answer: *mut c_int,
) -> c_int {
    pass!(file, xCheckReservedLock, answer)
}

unsafe extern "C" fn file_control(
    file: *mut ffi::sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    // Some reach around the functions above: the size by `ftruncate`, and pages by mapping.
    if operation == ffi::SQLITE_FCNTL_SIZE_HINT || operation == ffi::SQLITE_FCNTL_CHUNK_SIZE {
        return ffi::SQLITE_OK;
    }
    pass!(file, xFileControl, operation, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    page_bytes: c_int,
    extend: c_int,
    answer: *mut *mut c_void,
) -> c_int {
    // Asked without leave to grow, it answers null where it would have to.
    let code = pass!(file, xShmMap, page, page_bytes, 0, answer);
    // SAFETY: SQLite gave room for the answer.
    let is_there = code != ffi::SQLITE_OK || unsafe { !(*answer).is_null() };
    if is_there || extend == 0 {
        return code;
    }
    // SAFETY: called by SQLite with an open file.
    let disk = &unsafe { opened(file) }.disk;
    if disk.before_index_grows() != Verdict::Works {
        return ffi::SQLITE_IOERR_SHMSIZE;
    }
    pass!(file, xShmMap, page, page_bytes, extend, answer)
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    pass!(file, xShmLock, first, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    pass!(file, xShmBarrier);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    pass!(file, xShmUnmap, delete)
}
