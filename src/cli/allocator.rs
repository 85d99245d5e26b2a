//! How the C library's allocator treats what is large, and how many threads share what is small.

/// Pieces of originals are 1 MiB; what is kept of a directory, or of a page of records, comes near it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 512 * 1024;

/// Pools that threads take small pieces from. glibc makes a new one for each thread, up to eight for each core, and what is
/// free in one is of no use to the others: a mount of 4,000 photos on two cores had sixteen, and after five minutes 44 MB
/// in them, of which 24 were free. With four it has 34 MB, of which 12 are, and lists and reads in the same time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const POOLS: libc::c_int = 4;

/// Gives memory of [`LARGE`] and more back to the system as soon as it is free, and has threads share what is smaller. glibc
/// raises the limit by itself to the largest piece that was ever freed, up to 32 MiB, and keeps all below it: sixteen
/// readers past the cache had a mount at 200 to 275 MB where 256 are allowed, and have it at 150 to 200.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_small() {
    // SAFETY: only the treatment of memory that is taken from now on changes; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, POOLS);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_small() {}
