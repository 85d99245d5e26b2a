//! Which files of the cache this process has seen to match, and which originals have failed to once.

use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use lru::LruCache;

use crate::photos::Checksum;

/// Entries of some 100 bytes each; what falls out is read and compared once more.
const MOST: NonZeroUsize = NonZeroUsize::new(100_000).expect("more than none");

/// A disk can lose a bit and a person can change a file: what an earlier process left is compared once before it is served.
pub struct Proven {
    /// When the file that matched was last modified.
    files: Mutex<LruCache<Checksum, SystemTime>>,
    doubted: Mutex<LruCache<Checksum, ()>>,
}

impl Proven {
    pub fn new() -> Proven {
        Proven { files: Mutex::new(LruCache::new(MOST)), doubted: Mutex::new(LruCache::new(MOST)) }
    }

    fn files(&self) -> MutexGuard<'_, LruCache<Checksum, SystemTime>> {
        self.files.lock().expect("no panic while locked")
    }

    fn doubted(&self) -> MutexGuard<'_, LruCache<Checksum, ()>> {
        self.doubted.lock().expect("no panic while locked")
    }

    /// Whether a file matched when it was last modified then.
    pub fn holds(&self, checksum: &Checksum, modified: SystemTime) -> bool {
        self.files().get(checksum) == Some(&modified)
    }

    /// Notes that a file matches as it is now.
    pub fn note(&self, checksum: &Checksum, file: &File) {
        self.doubted().pop(checksum);
        if let Ok(modified) = file.metadata().and_then(|metadata| metadata.modified()) {
            self.files().put(checksum.clone(), modified);
        }
    }

    /// Notes that a download did not match; whether that is the second time in a row.
    pub fn doubt(&self, checksum: &Checksum) -> bool {
        let mut doubted = self.doubted();
        let again = doubted.pop(checksum).is_some();
        if !again {
            doubted.put(checksum.clone(), ());
        }
        again
    }
}
