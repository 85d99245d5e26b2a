//! The table of mounts: getfsstat(2).

use std::ffi::{CStr, OsStr, c_char};
use std::io;
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::super::place::Entry;

/// Room for mounts that come while we ask.
const MORE: usize = 16;

/// All mounts, the later ones above the earlier.
pub fn read() -> io::Result<Vec<Entry>> {
    // SAFETY: without a buffer nothing is written; the kernel only counts.
    let count = counted(unsafe { libc::getfsstat(ptr::null_mut(), 0, libc::MNT_NOWAIT) })?;
    let mut mounts = Vec::<libc::statfs>::with_capacity(count + MORE);
    let size = libc::c_int::try_from(mounts.capacity() * mem::size_of::<libc::statfs>()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the buffer has room for `size` bytes.
    let filled = counted(unsafe { libc::getfsstat(mounts.as_mut_ptr(), size, libc::MNT_NOWAIT) })?;
    // SAFETY: the kernel has filled so many, and no more than there is room for.
    unsafe { mounts.set_len(filled.min(mounts.capacity())) };
    Ok(mounts.iter().map(entry).collect())
}

fn counted(answer: libc::c_int) -> io::Result<usize> {
    usize::try_from(answer).map_err(|_| io::Error::last_os_error())
}

fn entry(mount: &libc::statfs) -> Entry {
    Entry {
        // SAFETY: an fsid_t is two 32-bit integers, which C's headers name and the crate hides.
        id: unsafe { mem::transmute::<libc::fsid_t, [i32; 2]>(mount.f_fsid) },
        point: OsStr::from_bytes(text(&mount.f_mntonname)).into(),
        kind: String::from_utf8_lossy(text(&mount.f_fstypename)).into_owned(),
        source: OsStr::from_bytes(text(&mount.f_mntfromname)).into(),
    }
}

/// The text in an array that a zero byte ends, or the whole of it.
fn text(array: &[c_char]) -> &[u8] {
    // SAFETY: a c_char is a byte, whatever its sign.
    let bytes = unsafe { &*(ptr::from_ref(array) as *const [u8]) };
    CStr::from_bytes_until_nul(bytes).map_or(bytes, CStr::to_bytes)
}
