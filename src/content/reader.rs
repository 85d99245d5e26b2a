//! An open original.

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::original::{Original, Plan};
use super::stream::{self, Stream};
use super::uncached::{Edition, Progress};
use super::{BLOCK, ContentError, MIB};
use crate::http::Hope;

/// Blocks fetched for a read by itself: 128 KiB, little enough to cost no time beside the request's own.
const FIRST_WINDOW: u64 = 2;

/// What is kept under way for a reader that begins at the beginning with a long read: 8 MiB. Tools that copy do (and the
/// kernel, for them, with 128 KiB and more); those that only look at a file's head ask for 16 KiB (fuse.md §1).
const COPY_WINDOW: u64 = 128;
const COPY_READ: u64 = 64 * 1024;

/// What is kept under way for a reader that goes on through the file, doubling as it goes: 80 MiB, ten long requests.
const MAX_WINDOW: u64 = 1280;

/// How long the fetching of a file that nobody waits for may go without a block.
const FETCH: Duration = Duration::from_secs(300);

/// Reads the kernel sends for one reader come out of order, as several threads take them: by as much as its read-ahead, which
/// is 4 MiB (fuse.md §1), and twice that for who says that he reads in order, as those do that copy.
const NEAR: u64 = 4 * MIB;

/// How far a reader may have gone on while one of his reads waits: the next read-ahead begins in the middle of the one before.
const GONE_ON: u64 = 16 * MIB;

/// Reads one original. While it exists the file is not evicted.
pub struct Reader {
    original: Arc<Original>,
    /// The file's bytes when this reader was opened; if they turn out to be damaged, it gets no others.
    generation: u32,
    cursor: Mutex<Cursor>,
    /// Where the reads begin that wait now.
    waiting: Mutex<Vec<u64>>,
    /// Past the cache.
    progress: Arc<Progress>,
}

/// Tells a reader that goes through the file from one that jumps.
#[derive(Clone, Copy)]
struct Cursor {
    next: u64,
    /// Blocks to have under way.
    window: u64,
    /// Where the window grows next.
    grows_at: u64,
}

impl Cursor {
    fn new() -> Cursor {
        Cursor { next: 0, window: FIRST_WINDOW, grows_at: 1 }
    }

    /// The window of a read that was noted before others.
    fn window_of(&self, range: &Range<u64>) -> u64 {
        if range.start.abs_diff(self.next) > GONE_ON { FIRST_WINDOW } else { self.window }
    }

    /// Notes a read, as it comes, and gives the window from where it begins.
    fn advance(&mut self, range: &Range<u64>) -> u64 {
        let near = if self.window < COPY_WINDOW { NEAR } else { 2 * NEAR };
        if range.start.abs_diff(self.next) > near {
            *self = Cursor { next: range.end, window: FIRST_WINDOW, grows_at: range.end + 1 };
            return self.window;
        }
        self.next = self.next.max(range.end);
        let copies = range.start == 0 && range.end >= COPY_READ && self.window < COPY_WINDOW;
        if copies || self.next >= self.grows_at {
            self.window = if copies { COPY_WINDOW } else { (self.window * 2).min(MAX_WINDOW) };
            self.grows_at = self.next + self.window * BLOCK / 4;
        }
        self.window
    }
}

/// A read that waits.
struct Waiting<'a> {
    all: &'a Mutex<Vec<u64>>,
    start: u64,
}

impl<'a> Waiting<'a> {
    fn new(all: &'a Mutex<Vec<u64>>, start: u64) -> Waiting<'a> {
        all.lock().expect("no panic while locked").push(start);
        Waiting { all, start }
    }

    /// Whether somebody waits for it, and not for what comes shortly before: then it is only the kernel's read-ahead.
    fn is_first(&self) -> bool {
        let ahead = self.start.saturating_sub(GONE_ON)..self.start;
        !self.all.lock().expect("no panic while locked").iter().any(|other| ahead.contains(other))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().expect("no panic while locked");
        if let Some(own) = all.iter().position(|start| *start == self.start) {
            all.swap_remove(own);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.original.shared.note_proof(&self.original);
        self.original.closed();
    }
}

impl Reader {
    pub(super) fn new(original: Arc<Original>) -> Reader {
        let generation = original.generation();
        original.opened();
        Reader {
            original,
            generation,
            cursor: Mutex::new(Cursor::new()),
            waiting: Mutex::default(),
            progress: Arc::default(),
        }
    }

    /// Whether the whole, checked file is on disk.
    pub fn is_whole(&self) -> bool {
        self.original.is_whole()
    }

    /// The whole, checked file, if it is here and has its right length still.
    pub fn whole(&self) -> Result<Option<Arc<File>>, ContentError> {
        self.original.whole(self.generation)
    }

    /// Whether all of it can be read without a network.
    pub fn is_here(&self) -> bool {
        self.is_whole() || self.original.is_found()
    }

    /// Whether a read has any hope: the file is here, or the service can be asked.
    pub fn hope(&self) -> Hope {
        match self.is_here() || self.original.resource.size == 0 {
            true => Hope::Good,
            false => self.original.shared.source.hope(),
        }
    }

    /// Waits until the first bytes are here, at most until the deadline: then there is somebody who gives the others.
    pub async fn assure(&self) -> Result<(), ContentError> {
        let range = self.clamp(0, 1);
        let first = async {
            match self.until(&range, FIRST_WINDOW, true, || self.original.is_ready(&range)).await? {
                Some(()) => Ok(()),
                None => {
                    let shared = &self.original.shared;
                    let edition = Edition { resource: &self.original.resource, generation: self.generation };
                    shared.uncached.piece(shared, &edition, 0).await.map(drop)
                }
            }
        };
        timeout(self.original.shared.deadline, first).await.unwrap_or(Err(ContentError::TimedOut))
    }

    /// The bytes, if they can be had without waiting; else ask [`Reader::read`]. Beyond the end of the file there are none.
    pub fn read_now(&self, offset: u64, length: u64) -> Result<Option<Bytes>, ContentError> {
        let range = self.clamp(offset, length);
        if range.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        let ready = self.original.ready(&range, self.generation)?;
        if !self.is_whole() {
            let window = self.cursor().advance(&range);
            if ready.is_some() && window > FIRST_WINDOW {
                self.original.run_ahead(range.end, window);
            }
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

    /// Notes that somebody is expected to ask for it.
    pub fn foresee(&self) {
        self.original.foresee();
    }

    /// Fetches the beginning of the file for later, if there is room for it on the disk.
    pub async fn fetch(&self, length: u64) -> Result<(), ContentError> {
        let range = self.clamp(0, length);
        self.until(&range, 0, false, || self.original.is_fetched(&range).map(|here| here.then_some(()))).await?;
        Ok(())
    }

    async fn wait(&self, range: &Range<u64>) -> Result<Bytes, ContentError> {
        let window = self.cursor().window_of(range);
        match self.until(range, window, true, || self.original.ready(range, self.generation)).await? {
            Some(bytes) => Ok(bytes),
            None => self.uncached(range, window * BLOCK).await,
        }
    }

    /// Waits until `ready` gives something, and has the range and a window of blocks fetched meanwhile; `None` if the file
    /// goes past the cache. `urgent` if somebody waits.
    async fn until<T>(
        &self,
        range: &Range<u64>,
        window: u64,
        urgent: bool,
        ready: impl Fn() -> Result<Option<T>, ContentError>,
    ) -> Result<Option<T>, ContentError> {
        let mut joined: Option<Arc<Stream>> = None;
        let waiting = urgent.then(|| Waiting::new(&self.waiting, range.start));
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
            match self.original.plan(range, window) {
                Plan::Again => continue,
                Plan::Begin => self.begin().await?,
                Plan::Uncached => return Ok(None),
                Plan::Wait(stream) => {
                    if waiting.as_ref().is_some_and(Waiting::is_first) {
                        stream.turn.want();
                    }
                    joined.get_or_insert(stream);
                    timeout(FETCH, rung).await.map_err(|_| ContentError::TimedOut)?;
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

    async fn uncached(&self, range: &Range<u64>, window: u64) -> Result<Bytes, ContentError> {
        let (shared, generation) = (&self.original.shared, self.generation);
        let edition = Edition { resource: &self.original.resource, generation };
        if window > FIRST_WINDOW * BLOCK {
            shared.uncached.run_ahead(shared, &edition, &self.progress, range.end, window).await;
        }
        let mut all = BytesMut::with_capacity((range.end - range.start) as usize);
        while (all.len() as u64) < range.end - range.start {
            let next = range.start + all.len() as u64;
            let (begin, bytes) = shared.uncached.piece(shared, &edition, next).await?;
            self.original.passes(begin, &bytes, generation)?;
            let end = (range.end - begin).min(bytes.len() as u64);
            all.extend_from_slice(&bytes[(next - begin) as usize..end as usize]);
        }
        Ok(all.freeze())
    }

    fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.cursor.lock().expect("no panic while locked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_reader() {
        let mut cursor = Cursor::new();
        assert_eq!(cursor.advance(&(0..16 * 1024)), 4, "a look at the head");
        let mut cursor = Cursor::new();
        assert_eq!(cursor.advance(&(0..512 * 1024)), COPY_WINDOW, "a copy");
        let windows: Vec<u64> =
            (0..256).map(|n| cursor.advance(&(512 * 1024 + n * 262_144..512 * 1024 + (n + 1) * 262_144))).collect();
        assert!(windows.is_sorted() && windows.last() == Some(&MAX_WINDOW), "{windows:?}");
        assert_eq!(cursor.advance(&(900 * MIB..901 * MIB)), FIRST_WINDOW, "a jump");
        assert_eq!(cursor.advance(&(901 * MIB..902 * MIB)), 2 * FIRST_WINDOW, "and on from there");
        assert_eq!(cursor.advance(&(5 * MIB..6 * MIB)), FIRST_WINDOW, "and back");
    }
}
