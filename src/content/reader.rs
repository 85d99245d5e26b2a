//! An open original.

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::original::{Original, Plan};
use super::stream::{self, Stream};
use super::{BLOCK, ContentError};

/// What is kept under way for a reader that goes through the file: doubles as it goes on, up to this. In 8 streams these
/// are pieces of 8 MiB, so that a request's 40 ms are a tenth of a piece at 20 MB/s. It is also what a kill can cost, as
/// claims are saved after each piece.
const MAX_WINDOW: u64 = 64;

/// How long the fetching of a file that nobody waits for may take.
const FETCH: Duration = Duration::from_secs(300);

/// Reads the kernel sends for one reader come out of order by up to its read-ahead (fuse.md §1: 4 MiB).
const NEAR: u64 = 4 * BLOCK;

/// Reads one original. While it exists the file is not evicted.
pub struct Reader {
    original: Arc<Original>,
    /// The file's bytes when this reader was opened; if they turn out to be damaged, it gets no others.
    generation: u32,
    cursor: Mutex<Cursor>,
}

/// Tells a reader that goes through the file from one that jumps.
#[derive(Clone, Copy)]
struct Cursor {
    next: u64,
    /// Blocks to fetch at once.
    window: u64,
    /// Where the window grows next.
    grows_at: u64,
}

impl Cursor {
    /// Notes a read and gives the window for it; `None` if the read is not next to the one before.
    fn advance(&mut self, range: &Range<u64>) -> Option<u64> {
        if range.start.abs_diff(self.next) > NEAR {
            *self = Cursor { next: range.end, window: 1, grows_at: range.end + BLOCK };
            return None;
        }
        self.next = self.next.max(range.end);
        if self.next >= self.grows_at {
            self.window = (self.window * 2).min(MAX_WINDOW);
            self.grows_at = self.next + self.window * BLOCK / 4;
        }
        (self.window > 1).then_some(self.window)
    }
}

impl Reader {
    pub(super) fn new(original: Arc<Original>) -> Reader {
        let generation = original.generation();
        Reader { original, generation, cursor: Mutex::new(Cursor { next: 0, window: 1, grows_at: BLOCK }) }
    }

    /// Whether the whole, checked file is on disk.
    pub fn is_whole(&self) -> bool {
        self.original.is_whole()
    }

    /// The whole, checked file, if it is here and has its right length still.
    pub fn whole(&self) -> Result<Option<Arc<File>>, ContentError> {
        self.original.whole(self.generation)
    }

    /// Whether a read has any hope: the file is here, or the service can be asked.
    pub fn is_servable(&self) -> bool {
        let is_here = self.is_whole() || self.original.is_found();
        is_here || self.original.resource.size == 0 || self.original.shared.source.is_reachable()
    }

    /// The bytes, if they can be had without waiting. Beyond the end of the file there are none.
    pub fn read_now(&self, offset: u64, length: u64) -> Result<Option<Bytes>, ContentError> {
        let range = self.clamp(offset, length);
        if range.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        let ready = self.original.ready(&range, self.generation)?;
        if ready.is_some() {
            self.advance(&range);
        }
        Ok(ready)
    }

    /// The bytes, waiting for the network until the deadline. What was begun goes on after it: the next read finds it.
    pub async fn read(&self, offset: u64, length: u64) -> Result<Bytes, ContentError> {
        let range = self.clamp(offset, length);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        // A large file on a slow disk may take longer than the network is given.
        if self.original.is_found() {
            self.begin().await?;
        }
        match timeout(self.original.shared.deadline, self.wait(&range)).await {
            Ok(answer) => answer,
            Err(_) => Err(ContentError::TimedOut),
        }
    }

    fn clamp(&self, offset: u64, length: u64) -> Range<u64> {
        let size = self.original.resource.size;
        offset.min(size)..offset.saturating_add(length).min(size)
    }

    /// Fetches the beginning of the file for later, if there is room for it on the disk.
    pub async fn fetch(&self, length: u64) -> Result<(), ContentError> {
        let range = self.clamp(0, length);
        let here = || self.original.is_fetched(&range).map(|here| here.then_some(()));
        match timeout(FETCH, self.until(&range, MAX_WINDOW, here)).await {
            Ok(outcome) => outcome.map(drop),
            Err(_) => Err(ContentError::TimedOut),
        }
    }

    async fn wait(&self, range: &Range<u64>) -> Result<Bytes, ContentError> {
        let window = self.advance(range).unwrap_or(1);
        match self.until(range, window, || self.original.ready(range, self.generation)).await? {
            Some(bytes) => Ok(bytes),
            None => self.uncached(range).await,
        }
    }

    /// Waits until `ready` gives something, and has the range fetched meanwhile; `None` if the file goes past the cache.
    async fn until<T>(
        &self,
        range: &Range<u64>,
        window: u64,
        ready: impl Fn() -> Result<Option<T>, ContentError>,
    ) -> Result<Option<T>, ContentError> {
        let mut joined: Option<Arc<Stream>> = None;
        loop {
            // Listening begins before looking, so that nothing rings unheard in between.
            let mut rung = std::pin::pin!(self.original.changed.notified());
            rung.as_mut().enable();
            if let Some(found) = ready()? {
                return Ok(Some(found));
            }
            if let Some(outcome) = joined.as_ref().and_then(|stream| stream.outcome()) {
                outcome?;
                joined = None;
            }
            let needed = (range.end.div_ceil(BLOCK)) - range.start / BLOCK;
            match self.original.plan(range, window.max(needed)) {
                Plan::Again => continue,
                Plan::Begin => self.begin().await?,
                Plan::Uncached => return Ok(None),
                Plan::Wait(stream) => {
                    joined.get_or_insert(stream);
                    rung.await;
                }
            }
        }
    }

    async fn begin(&self) -> Result<(), ContentError> {
        let original = self.original.clone();
        stream::blocking(move || {
            original.begin();
            Ok(())
        })
        .await?;
        Ok(())
    }

    async fn uncached(&self, range: &Range<u64>) -> Result<Bytes, ContentError> {
        let shared = &self.original.shared;
        shared.uncached.read(shared, &self.original.resource, range.clone()).await
    }

    /// Keeps the download ahead of a reader that goes through the file.
    fn advance(&self, range: &Range<u64>) -> Option<u64> {
        let window = self.cursor.lock().expect("no panic while locked").advance(range);
        if let Some(window) = window {
            self.original.run_ahead(range.end, window);
        }
        window
    }
}
