//! The bytes of originals: on disk if they are there, else fetched by ranges, checked, and kept.
//!
//! ```text
//! originals/<2 hex>/<checksum>          a whole original: raw bytes, exact size, checked before it got this name
//!                   <checksum>.part     one being downloaded: full length, sparse
//!                   <checksum>.blocks   which blocks of it are on the disk; written after they are
//! ```
//!
//! What is promised to a reader (design.md §2, rule 5):
//! - never fewer bytes than asked for inside the file, and never bytes of a response whose length was not right;
//! - the read that would complete a file waits until the whole file matches Apple's checksum. Whoever has read every byte
//!   of a file has therefore read checked bytes;
//! - if a file does not match, it is fetched once more; those who were given bytes of the first try get an error,
//!   so that nobody mixes the two. A second mismatch is an error and is reported;
//! - what an earlier process left whole is compared once more before this one gives any of it out.
//! - a file that the disk has no room for is downloaded to memory and checked there. One too large for that too goes
//!   from the network to the reader, piece by piece. If it is read from beginning to end, it is checked as it passes, and
//!   the read that would complete it fails if it does not match; else only lengths are checked, and that is told.
//!
//! Memory is bounded: by the number of requests, each with a block being filled and one being written, and by the
//! share set apart for files that are not on disk.

mod blocks;
mod cache;
mod error;
mod fetch;
mod line;
mod original;
mod pace;
mod partial;
mod passing;
mod proven;
mod ranged;
mod reader;
mod source;
mod stream;
mod streams;
mod throttle;
mod uncached;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::config::Config;
pub use crate::http::Hope;
use crate::photos::{Checksum, Resource};
pub use blocks::Blocks;
use cache::Cache;
pub use cache::{disk_usage, free_space};
pub use error::{ContentError, SourceError};
pub use fetch::{Offline, PhotosSource};
use line::Line;
use original::Original;
use proven::Proven;
pub use reader::Reader;
pub use source::{Body, Source};
use throttle::Throttle;
use uncached::Uncached;

/// The unit of claiming: 64 KiB, 3 ms at 20 MB/s, so that a read waits for hardly more than its own bytes. A claim of a film
/// of 4 GiB is 8 KiB.
pub const BLOCK: u64 = 64 * 1024;

const MIB: u64 = 1024 * 1024;

/// Requests to the content host at a time, for everything (protocol/photos.md §5.6: ten go without throttling).
const CONNECTIONS: usize = 10;

/// Files fetched ahead at a time: as many as there are connections, and as many that are being written out and checked.
const AHEAD: usize = 2 * CONNECTIONS;

/// Damaged originals remembered for the report; more than this many is one and the same trouble.
const MAX_REPORTS: usize = 1000;

/// Where originals are kept and how much of the disk they may have.
#[derive(Clone, Debug)]
pub struct ContentOptions {
    pub folder: PathBuf,
    /// Bytes of originals to keep.
    pub size: u64,
    /// Bytes of the disk to leave free.
    pub keep_free: u64,
    /// Bytes of memory for everything but the index. A quarter is for originals that the disk has no room for, a sixth
    /// for those that go past the cache; the rest is for requests and replies, which have bounds of their own.
    pub memory: u64,
    /// Bytes to fetch in a second at most.
    pub bandwidth: Option<u64>,
    /// How long a read may wait. 45 s is under the shortest limit of a driver (desktop.md §2.4: 60 s).
    pub deadline: Duration,
}

impl From<&Config> for ContentOptions {
    fn from(config: &Config) -> ContentOptions {
        ContentOptions {
            folder: config.cache.join("originals"),
            size: config.cache_size,
            keep_free: config.keep_free,
            memory: config.memory,
            bandwidth: config.bandwidth,
            deadline: Duration::from_secs(45),
        }
    }
}

/// An original whose bytes, fetched twice, were not what its record promises.
#[derive(Clone, Debug)]
pub struct Damage {
    pub resource: Resource,
    pub seen: SystemTime,
}

/// The originals of one account.
pub struct Content {
    shared: Arc<Shared>,
    originals: Mutex<HashMap<Checksum, Weak<Original>>>,
}

/// What every original needs.
struct Shared {
    source: Arc<dyn Source>,
    cache: Arc<Cache>,
    uncached: Uncached,
    throttle: Throttle,
    line: Line,
    /// Files fetched ahead wait here, where they can be given up.
    ahead: Arc<Semaphore>,
    /// MiB of originals that may be held in memory because the disk has no room.
    memory: Arc<Semaphore>,
    runtime: Handle,
    deadline: Duration,
    damaged: Mutex<Vec<Damage>>,
    unproven: Mutex<Vec<Resource>>,
    proven: Proven,
}

impl Content {
    /// Opens the cache folder; what is in it is found by name when it is wanted, and counted by a thread meanwhile.
    pub fn open_folder(options: ContentOptions, source: Arc<dyn Source>, runtime: Handle) -> io::Result<Content> {
        let shared = Shared {
            source,
            cache: Cache::open(options.folder, options.size, options.keep_free)?,
            // Of 256 MB room for two readers at a time, 17 pieces each.
            uncached: Uncached::new(options.memory / 6),
            throttle: Throttle::new(options.bandwidth),
            line: Line::new(CONNECTIONS),
            ahead: Arc::new(Semaphore::new(AHEAD)),
            memory: Arc::new(Semaphore::new((options.memory / 4 / MIB) as usize)),
            runtime,
            deadline: options.deadline,
            damaged: Mutex::default(),
            unproven: Mutex::default(),
            proven: Proven::new(),
        };
        Ok(Content { shared: Arc::new(shared), originals: Mutex::default() })
    }

    /// A reader of one original, which keeps it from being evicted. Costs no network.
    pub fn open(&self, resource: &Resource) -> Reader {
        let original = self.original(resource);
        original.look();
        Reader::new(original)
    }

    /// Exactly `length` bytes from `offset`, or fewer only at the end of the file.
    pub async fn read(&self, resource: &Resource, offset: u64, length: u64) -> Result<Bytes, ContentError> {
        let reader = self.open(resource);
        match reader.read_now(offset, length)? {
            Some(bytes) => Ok(bytes),
            None => reader.read(offset, length).await,
        }
    }

    /// Has the beginning of an original fetched, or all of it, for somebody who will ask for it soon; behind everything
    /// that is waited for, and not at all once `given_up` is set.
    pub fn fetch_ahead(&self, resource: &Resource, length: u64, given_up: Arc<AtomicBool>) {
        let reader = self.open(resource);
        if reader.is_whole() || reader.hope() == Hope::None {
            return;
        }
        reader.foresee();
        let ahead = self.shared.ahead.clone();
        self.shared.runtime.spawn(async move {
            let _permit = ahead.acquire().await.expect("never closed");
            if !given_up.load(Ordering::Relaxed)
                && let Err(error) = reader.fetch(length).await
            {
                // Whoever reads it is told by his own try.
                tracing::debug!(%error, "an original was not fetched ahead");
            }
        });
    }

    /// Has what is needed to fetch these originals asked for, together, for somebody who will read them soon.
    pub fn expect(&self, resources: Vec<Resource>) {
        let source = self.shared.source.clone();
        self.shared.runtime.spawn(async move { source.prepare(&resources).await });
    }

    /// Fetches a whole original into the cache, for nobody who waits.
    ///
    /// # Errors
    /// As for reading; [`ContentError::NoRoom`] if the cache cannot have it.
    pub async fn fetch(&self, resource: &Resource) -> Result<(), ContentError> {
        let reader = self.open(resource);
        reader.fetch(resource.size).await?;
        match self.has(resource) || resource.size == 0 {
            true => Ok(()),
            false => Err(ContentError::NoRoom),
        }
    }

    /// Whether an original is in the cache.
    pub fn has(&self, resource: &Resource) -> bool {
        self.shared.cache.has(resource)
    }

    /// The file of a whole, checked original, if it is on disk.
    pub fn path_if_whole(&self, resource: &Resource) -> Option<File> {
        self.shared.cache.find(resource).map(|(file, _)| file)
    }

    /// Originals that did not match their checksum twice.
    pub fn damaged(&self) -> Vec<Damage> {
        self.shared.damaged.lock().expect("no panic while locked").clone()
    }

    /// Originals that were read to their end past the cache, and of which only the length could be checked.
    pub fn unproven(&self) -> Vec<Resource> {
        self.shared.unproven.lock().expect("no panic while locked").clone()
    }

    /// Bytes the cache takes.
    pub fn used(&self) -> u64 {
        self.shared.cache.used()
    }

    /// One object per original, shared by all who read it now.
    fn original(&self, resource: &Resource) -> Arc<Original> {
        let mut originals = self.originals.lock().expect("no panic while locked");
        if let Some(original) = originals.get(&resource.checksum).and_then(Weak::upgrade)
            && original.resource.size == resource.size
        {
            return original;
        }
        if originals.len() > 1024 {
            originals.retain(|_, original| original.strong_count() > 0);
        }
        // Two records that give one checksum different sizes must not share a file: the later one is not cached.
        let twin = originals.get(&resource.checksum).is_some_and(|original| original.strong_count() > 0);
        let original = Arc::new(Original::new(resource.clone(), self.shared.clone(), !twin));
        if !twin {
            originals.insert(resource.checksum.clone(), Arc::downgrade(&original));
        }
        original
    }
}

/// Whether an original is in the cache of a folder, which another process may be using.
pub fn is_kept(folder: &Path, resource: &Resource) -> bool {
    cache::is_kept(folder, resource)
}

impl Shared {
    fn damaged_since(&self, resource: &Resource) -> Option<SystemTime> {
        let damaged = self.damaged.lock().expect("no panic while locked");
        damaged.iter().find(|known| known.resource == *resource).map(|known| known.seen)
    }

    /// Notes whether a file that went past the cache was checked.
    fn note_proof(&self, original: &Original) {
        let is_unproven = original.is_unproven();
        let mut unproven = self.unproven.lock().expect("no panic while locked");
        if !is_unproven && unproven.is_empty() {
            return;
        }
        unproven.retain(|known| *known != original.resource);
        if is_unproven && unproven.len() < MAX_REPORTS {
            tracing::warn!(record = original.resource.record_name, "given past the cache, checked by its length only");
            unproven.push(original.resource.clone());
        }
    }

    fn report(&self, resource: &Resource) {
        tracing::error!(record = resource.record_name, "an original does not match its checksum, fetched twice");
        let mut damaged = self.damaged.lock().expect("no panic while locked");
        damaged.retain(|known| known.resource != *resource);
        if damaged.len() < MAX_REPORTS {
            damaged.push(Damage { resource: resource.clone(), seen: SystemTime::now() });
        }
    }
}
