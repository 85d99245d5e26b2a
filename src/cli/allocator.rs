//! How the C library's allocator treats what is large.

/// Pieces of originals are 1 MiB; what is kept of a directory, or of a page of records, comes near it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 512 * 1024;

/// Gives memory of [`LARGE`] and more back to the system as soon as it is free. glibc raises the limit by itself to the largest
/// piece that was ever freed, up to 32 MiB, and keeps all below it: sixteen readers past the cache had a mount at 200 to
/// 275 MB where 256 are allowed, and have it at 150 to 200.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_large_pieces_back() {
    // SAFETY: only the treatment of memory that is taken from now on changes; no other thread runs yet.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_large_pieces_back() {}
