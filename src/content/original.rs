//! One original that somebody reads: where its bytes are, and what is being done to get them.

mod file;
mod requests;
mod verdict;

use std::fs::File;
use std::io;
use std::mem;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::cache::{Cache, Pin};
use super::partial::Partial;
use super::passing::Passing;
use super::stream::Stream;
use super::streams::Streams;
use super::{BLOCK, ContentError, MIB, Shared};
use crate::photos::Resource;
pub use requests::Plan;

/// Up to this size nothing is given out before the whole file is checked: it is one short request anyway, and a file
/// that arrives damaged is replaced without anybody noticing. Larger ones are given out as they arrive.
const SMALL: u64 = 8 * MIB;

/// How long a file that was damaged twice is not asked for again.
const DAMAGED_FOR: Duration = Duration::from_secs(600);

pub struct Original {
    pub resource: Resource,
    pub shared: Arc<Shared>,
    /// Its name in the cache, held against eviction; `None` if it cannot be kept.
    kept: Option<(String, Pin)>,
    state: Mutex<State>,
    beginning: Mutex<()>,
    passing: Mutex<Passing>,
    /// How many have it open.
    readers: AtomicUsize,
    /// Whether it was to be fetched ahead.
    foreseen: AtomicBool,
    /// Rung after every block and every change of state.
    pub changed: Notify,
}

struct State {
    body: Body,
    streams: Streams,
    /// How many times bytes that had been given out turned out to be damaged.
    generation: u32,
    /// Whether bytes of an unchecked file have been given out in this generation.
    given_out: bool,
    damaged: Option<SystemTime>,
    /// The disk would not have it.
    off_disk: bool,
    /// What had been downloaded to the disk by then.
    before: Option<Arc<Partial>>,
    /// Its share of the memory, if that is where it is.
    memory: Option<OwnedSemaphorePermit>,
}

#[derive(Clone)]
enum Body {
    Absent,
    Partial(Arc<Partial>),
    /// On disk under its name; not seen to match yet.
    Found(Arc<File>),
    Whole(Arc<File>),
    Uncached,
}

impl State {
    /// Has the file fetched anew. Whoever was given unchecked bytes of it gets none of the new ones.
    fn start_again(&mut self) {
        self.body = Body::Absent;
        if mem::take(&mut self.given_out) {
            self.generation += 1;
        }
    }
}

impl Original {
    /// `cacheable` is false if another file has its name just now.
    pub fn new(resource: Resource, shared: Arc<Shared>, cacheable: bool) -> Original {
        let name = Cache::name(&resource).filter(|_| cacheable);
        let kept = name.map(|name| (name.clone(), shared.cache.pin(&name)));
        let state = State {
            body: Body::Absent,
            streams: Streams::default(),
            generation: 0,
            given_out: false,
            damaged: shared.damaged_since(&resource),
            off_disk: kept.is_none(),
            before: None,
            memory: None,
        };
        Original {
            resource,
            shared,
            kept,
            state: Mutex::new(state),
            beginning: Mutex::default(),
            passing: Mutex::default(),
            readers: AtomicUsize::new(0),
            foreseen: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while locked")
    }

    /// Looks whether the whole file is on disk.
    pub fn look(&self) {
        let mut state = self.state();
        if matches!(state.body, Body::Absent)
            && let Some((file, modified)) = self.shared.cache.find(&self.resource)
        {
            let proven = self.shared.proven.holds(&self.resource.checksum, modified);
            Cache::touch(&file, modified);
            if proven {
                self.shared.proven.note(&self.resource.checksum, &file);
            }
            let file = Arc::new(file);
            state.body = if proven { Body::Whole(file) } else { Body::Found(file) };
        }
    }

    /// Whether the file is on disk but has to be compared before it is read.
    pub fn is_found(&self) -> bool {
        matches!(self.state().body, Body::Found(_))
    }

    pub fn is_whole(&self) -> bool {
        matches!(self.state().body, Body::Whole(_))
    }

    /// The whole, checked file for a reader of this generation. One that somebody else has cut is dropped.
    pub fn whole(&self, generation: u32) -> Result<Option<Arc<File>>, ContentError> {
        let file = match &*self.state() {
            State { generation: own, .. } if *own != generation => return Err(ContentError::Refetched),
            State { body: Body::Whole(file), .. } => file.clone(),
            _ => return Ok(None),
        };
        match file.metadata() {
            Ok(metadata) if metadata.len() == self.resource.size => Ok(Some(file)),
            Ok(_) => {
                self.lost(&io::Error::other("its length has changed"));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub fn opened(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
    }

    pub fn closed(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether anybody has it open: if not, no more of it is fetched than is on its way.
    pub fn is_open(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// Notes that it is to be fetched ahead.
    pub fn foresee(&self) {
        self.foreseen.store(true, Ordering::Relaxed);
    }

    pub fn generation(&self) -> u32 {
        self.state().generation
    }

    pub fn is_small(&self) -> bool {
        self.resource.size <= SMALL
    }

    /// The bytes of a range, if they may be given out now to a reader of this generation.
    pub fn ready(&self, range: &Range<u64>, generation: u32) -> Result<Option<Bytes>, ContentError> {
        let file = {
            let mut state = self.state();
            if state.generation != generation {
                return Err(ContentError::Refetched);
            }
            if state.damaged.is_some_and(|at| at.elapsed().is_ok_and(|age| age < DAMAGED_FOR)) {
                return Err(ContentError::Damaged);
            }
            match &state.body {
                Body::Whole(file) => file.clone(),
                Body::Partial(partial) if !self.is_small() && has(partial, range) => {
                    let file = partial.file().clone();
                    state.given_out = true;
                    file
                }
                _ => return Ok(None),
            }
        };
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start).inspect_err(|error| self.lost(error))?;
        Ok(Some(bytes.into()))
    }

    /// Whether a range may be given out.
    pub fn is_ready(&self, range: &Range<u64>) -> Result<Option<()>, ContentError> {
        let state = self.state();
        if state.damaged.is_some_and(|at| at.elapsed().is_ok_and(|age| age < DAMAGED_FOR)) {
            return Err(ContentError::Damaged);
        }
        Ok(match &state.body {
            Body::Whole(_) => Some(()),
            Body::Partial(partial) if !self.is_small() && has(partial, range) => Some(()),
            _ => None,
        })
    }

    /// Whether a range is here, or need not be fetched for later because there is no room on the disk.
    pub fn is_fetched(&self, range: &Range<u64>) -> Result<bool, ContentError> {
        let state = self.state();
        if state.damaged.is_some() {
            return Err(ContentError::Damaged);
        }
        Ok(match &state.body {
            Body::Whole(_) | Body::Found(_) | Body::Uncached => true,
            Body::Partial(partial) => !partial.is_on_disk() || (!self.is_small() && has(partial, range)),
            Body::Absent => state.off_disk,
        })
    }

    /// A block was written.
    pub fn progressed(&self) {
        self.changed.notify_waiters();
    }

    /// A stream is over.
    pub fn ended(&self, stream: &Arc<Stream>) {
        self.state().streams.remove(stream);
        self.changed.notify_waiters();
    }

    /// A file that can no longer be read, or was cut by somebody else, is fetched anew by the next read.
    fn lost(&self, error: &io::Error) {
        tracing::warn!(record = self.resource.record_name, %error, "a cached original cannot be read: dropped");
        if let Some((name, _)) = &self.kept {
            self.shared.cache.discard(name);
        }
        self.state().start_again();
    }
}

/// The blocks that hold a range of bytes.
fn blocks(range: &Range<u64>) -> Range<u64> {
    range.start / BLOCK..range.end.div_ceil(BLOCK)
}

/// Whether a range can be given out of a download: it is there, and the file still lacks something. A complete file
/// that is not judged yet gives nothing.
fn has(partial: &Partial, range: &Range<u64>) -> bool {
    let present = partial.present();
    !present.is_complete() && blocks(range).all(|block| present.contains(block))
}
