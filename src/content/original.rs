//! One original that somebody reads: where its bytes are, and what is being done to get them.

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

use super::blocks::Blocks;
use super::cache::{Cache, Pin};
use super::partial::{Partial, hash};
use super::passing::Passing;
use super::stream::{self, Stream, TURN};
use super::streams::Streams;
use super::{BLOCK, CONNECTIONS, ContentError, MIB, Shared};
use crate::photos::{Resource, Verdict};

/// Up to this size nothing is given out before the whole file is checked: it is one short request anyway, and a file
/// that arrives damaged is replaced without anybody noticing. Larger ones are given out as they arrive.
const SMALL: u64 = 8 * MIB;

/// Up to this size an original that the disk has no room for is downloaded to memory, and checked like any other.
const IN_MEMORY: u64 = 64 * MIB;

/// Requests for one file at a time: all connections, as long as nobody else wants one.
const MAX_STREAMS: usize = CONNECTIONS;

/// Of these, requests that wait for a connection which another file has.
const QUEUED: usize = 2;

/// Blocks of one request: 1 MiB, at 20 MB/s as long as its 40 ms on the way, to 32 MiB.
const LEAST_PIECE: u64 = 16;
const MAX_PIECE: u64 = 512;

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

/// What a reader has to do for its bytes.
pub enum Plan {
    /// Have the download's file made, then ask again.
    Begin,
    /// Wait for this stream, and for every ring.
    Wait(Arc<Stream>),
    /// Go past the cache.
    Uncached,
    /// Look again: something changed just now.
    Again,
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

    /// A file that can no longer be read, or was cut by somebody else, is fetched anew by the next read.
    fn lost(&self, error: &io::Error) {
        tracing::warn!(record = self.resource.record_name, %error, "a cached original cannot be read: dropped");
        if let Some((name, _)) = &self.kept {
            self.shared.cache.discard(name);
        }
        self.state().start_again();
    }

    /// What to do for a range that is not ready. Has it fetched, and `window` blocks from its beginning, in parallel.
    pub fn plan(self: &Arc<Original>, range: &Range<u64>, window: u64) -> Plan {
        let mut state = self.state();
        let partial = match &state.body {
            Body::Absent | Body::Found(_) => return Plan::Begin,
            Body::Uncached => return Plan::Uncached,
            Body::Whole(_) => return Plan::Again,
            Body::Partial(partial) => partial.clone(),
        };
        let wanted = if self.is_small() { 0..partial.present().count() } else { blocks(range) };
        let until = wanted.end.max(wanted.start.saturating_add(window));
        self.fill(&mut state, &partial, wanted.start..until);
        let present = partial.present();
        let missing = wanted.clone().find(|block| !present.contains(*block));
        let stream = match missing {
            Some(block) => state.streams.of(block),
            // Complete, but not judged yet.
            None => state.streams.last(),
        };
        let part = missing.map_or(0..0, |block| begin(&state.streams, &present, block, window)..until);
        drop(present);
        // Beyond the limit of streams: what somebody waits for is fetched all the same.
        Plan::Wait(stream.unwrap_or_else(|| self.start(&mut state, &partial, part)))
    }

    /// Fetches on ahead of a reader that goes through the file: keeps a window before it under way.
    pub fn run_ahead(self: &Arc<Original>, position: u64, window: u64) {
        let mut state = self.state();
        let Body::Partial(partial) = &state.body else { return };
        let partial = partial.clone();
        if !self.is_small() {
            let from = position.div_ceil(BLOCK);
            self.fill(&mut state, &partial, from..from.saturating_add(window));
        }
    }

    /// Starts requests for what is missing of a part of the file: as many as there are connections for, and few that wait.
    fn fill(self: &Arc<Original>, state: &mut State, partial: &Arc<Partial>, part: Range<u64>) {
        let (part, left) = {
            let present = partial.present();
            let from = begin(&state.streams, &present, part.start, part.end.saturating_sub(part.start));
            let part = from..part.end.min(present.count()).max(from);
            (part.clone(), state.streams.count_missing(&present, part))
        };
        let (needed, waiting, fetching) =
            (left.div_ceil(self.piece(left)) as usize, state.streams.waiting(), state.streams.fetching());
        let room = MAX_STREAMS.min(self.shared.line.free() + fetching + QUEUED).saturating_sub(waiting + fetching);
        for _ in 0..room.min(needed.saturating_sub(waiting)) {
            self.start(state, partial, part.clone());
        }
        state.streams.part = part;
        state.streams.note_left(left);
    }

    /// The blocks of one request, if so many are left.
    fn piece(&self, left: u64) -> u64 {
        let line = &self.shared.line;
        match self.is_small() {
            true => left.max(1),
            false => piece(left, line.share(&self.resource.checksum, left), line.is_short()),
        }
    }

    /// Gives a stream that has a connection the first blocks that are missing of its part, or of the latest one; none if
    /// nobody has the file open any more.
    pub fn claim(&self, stream: &Stream, partial: &Partial) -> Range<u64> {
        let (state, present) = (self.state(), partial.present());
        let (streams, latest) = (&state.streams, &state.streams.part);
        let next = |part| self.next_piece(streams, &present, part);
        let blocks = match self.is_open() {
            true => next(&stream.part).or_else(|| next(latest)).unwrap_or(0..0),
            false => 0..0,
        };
        if !blocks.is_empty() {
            streams.hand_over(stream);
        }
        stream.claim(blocks);
        streams.note_left(streams.count_missing(&present, latest.clone()));
        stream.blocks()
    }

    /// A whole piece from the first block that is missing of a part, also beyond the part: a window that slides on by each
    /// read would else be fetched read by read. Who goes on through the file may have asked for more since.
    fn next_piece(&self, streams: &Streams, present: &Blocks, part: &Range<u64>) -> Option<Range<u64>> {
        let (count, latest) = (present.count(), &streams.part);
        let gap = streams.missing(present, part.start..part.end.min(count))?;
        let goes_on = latest.contains(&gap.start).then(|| latest.end - latest.start);
        let window = goes_on.unwrap_or(0).max(part.end - part.start);
        let left = streams.count_missing(present, gap.start..(gap.start + window).min(count));
        streams.missing(present, gap.start..(gap.start + self.piece(left)).min(count))
    }

    fn start(self: &Arc<Original>, state: &mut State, partial: &Arc<Partial>, part: Range<u64>) -> Arc<Stream> {
        let stream = Arc::new(Stream::new(&self.resource.checksum, self.foreseen.load(Ordering::Relaxed), part));
        state.streams.add(stream.clone());
        self.shared.runtime.spawn(stream::run(self.clone(), stream.clone(), partial.clone()));
        stream
    }

    /// Makes the download's file: on disk, else in memory, else none. Waits for the disk.
    pub fn begin(&self) {
        let _one_at_a_time = self.beginning.lock().expect("no panic while locked");
        let body = self.state().body.clone();
        match body {
            Body::Found(file) if self.matches(&file) => {
                self.shared.proven.note(&self.resource.checksum, &file);
                self.state().body = Body::Whole(file);
                return;
            }
            Body::Absent | Body::Found(_) => {}
            _ => return,
        }
        let partial = self.begin_on_disk().or_else(|| self.begin_in_memory());
        self.state().body = partial.map_or(Body::Uncached, |partial| Body::Partial(Arc::new(partial)));
    }

    /// Whether a file that was there is still what it was when it was kept; anything else is removed.
    fn matches(&self, file: &File) -> bool {
        let matches = !self.resource.checksum.is_verifiable()
            || hash(file).is_ok_and(|read| read.judge(self.resource.size, &self.resource.checksum) == Verdict::Whole);
        if !matches && let Some((name, _)) = &self.kept {
            tracing::warn!(record = self.resource.record_name, "a cached original has changed on the disk: dropped");
            self.shared.cache.discard(name);
        }
        matches
    }

    fn begin_on_disk(&self) -> Option<Partial> {
        let (name, _) = self.kept.as_ref().filter(|_| !self.state().off_disk)?;
        match self.shared.cache.begin(name, &self.resource) {
            Ok(partial) => partial,
            Err(error) => {
                self.leave_disk(None, &error);
                None
            }
        }
    }

    fn begin_in_memory(&self) -> Option<Partial> {
        let size = self.resource.size;
        let share = u32::try_from(size.div_ceil(MIB)).ok().filter(|_| size <= IN_MEMORY)?;
        let share = self.shared.memory.clone().try_acquire_many_owned(share).ok()?;
        let partial = Partial::in_memory(&self.resource).ok()?;
        // What readers were given so far must be what is checked in the end.
        let before = self.state().before.take();
        if let Some(before) = before {
            partial.take_over(&before).ok()?;
        }
        self.state().memory = Some(share);
        Some(partial)
    }

    /// Gives up on the disk for this file (it is full, or worse); the next read goes on past it.
    /// A download that others have left already changes nothing.
    pub fn leave_disk(&self, written: Option<&Arc<Partial>>, error: &io::Error) {
        if written.is_some_and(|written| !self.is_current(written)) {
            return;
        }
        tracing::warn!(record = self.resource.record_name, %error, "an original cannot be cached");
        if let Some((name, _)) = &self.kept {
            self.shared.cache.discard(name);
        }
        let mut state = self.state();
        // What cannot be kept in memory either has nowhere to go.
        let next = if state.off_disk { Body::Uncached } else { Body::Absent };
        if let Body::Partial(partial) = mem::replace(&mut state.body, next) {
            state.before = Some(partial);
        }
        state.off_disk = true;
        drop(state);
        self.changed.notify_waiters();
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

    /// Saves what there is, beside those who fetch.
    pub fn save_aside(self: &Arc<Original>, partial: &Arc<Partial>) {
        let (original, partial) = (self.clone(), partial.clone());
        self.shared.runtime.spawn_blocking(move || {
            if original.is_current(&partial)
                && let Err(error) = partial.save()
            {
                original.leave_disk(Some(&partial), &error);
            }
        });
    }

    /// After a stream: judges a file that is complete, and else saves what there is, unless others go on.
    pub async fn settle(self: &Arc<Original>, stream: &Stream, partial: &Arc<Partial>) -> Result<(), ContentError> {
        let is_last = self.state().streams.is_last_to_fetch(stream);
        let (original, partial, written) = (self.clone(), partial.clone(), partial.clone());
        let settled = stream::blocking(move || match partial.is_complete() {
            true if partial.take_judgement() => original.judge(&partial),
            true => Ok(()),
            false if is_last && original.is_current(&partial) => partial.save(),
            false => Ok(()),
        });
        if let Err(error) = settled.await {
            self.leave_disk(Some(&written), &error);
        }
        Ok(())
    }

    /// Notes a piece that is about to be given past the cache; the one that completes the file is given only if it matches.
    pub fn passes(&self, offset: u64, bytes: &Bytes, generation: u32) -> Result<(), ContentError> {
        {
            let mut state = self.state();
            if state.generation != generation {
                return Err(ContentError::Refetched);
            }
            state.given_out = true;
        }
        let Resource { size, checksum, .. } = &self.resource;
        if self.passing().take(offset, bytes, *size, checksum) == Some(Verdict::Damaged) {
            *self.passing() = Passing::default();
            self.drop_damaged();
            return Err(match self.state().damaged {
                Some(_) => ContentError::Damaged,
                None => ContentError::Refetched,
            });
        }
        Ok(())
    }

    /// Whether it went past the cache to its end and could not be checked.
    pub fn is_unproven(&self) -> bool {
        self.passing().is_unproven()
    }

    fn passing(&self) -> MutexGuard<'_, Passing> {
        self.passing.lock().expect("no panic while locked")
    }

    fn is_current(&self, partial: &Arc<Partial>) -> bool {
        matches!(&self.state().body, Body::Partial(own) if Arc::ptr_eq(own, partial))
    }

    fn judge(&self, partial: &Arc<Partial>) -> io::Result<()> {
        if !self.is_current(partial) {
            return Ok(());
        }
        match partial.judge(&self.resource.checksum)? {
            Verdict::Whole | Verdict::SizeOnly => {
                if let Some((name, _)) = self.kept.as_ref().filter(|_| partial.is_on_disk()) {
                    self.shared.cache.publish(name, partial)?;
                }
                self.shared.proven.note(&self.resource.checksum, partial.file());
                let mut state = self.state();
                state.body = Body::Whole(partial.file().clone());
                state.given_out = false;
            }
            Verdict::Damaged => self.drop_damaged(),
        }
        Ok(())
    }

    /// Forgets a file that does not match. The next read fetches it again; the second time it is an error.
    fn drop_damaged(&self) {
        if let Some((name, _)) = &self.kept {
            self.shared.cache.discard(name);
        }
        let mut state = self.state();
        state.start_again();
        if self.shared.proven.doubt(&self.resource.checksum) {
            state.damaged = Some(SystemTime::now());
            drop(state);
            self.shared.report(&self.resource);
        } else {
            tracing::warn!(record = self.resource.record_name, "an original does not match its checksum: once more");
        }
    }
}

/// The blocks that hold a range of bytes.
fn blocks(range: &Range<u64>) -> Range<u64> {
    range.start / BLOCK..range.end.div_ceil(BLOCK)
}

/// The blocks of one request, of those that are left for a reader: what every connection has yet to bring if all are to end
/// together. Each request costs its way to the service and back, so a few long ones are best; whoever comes later finds
/// shorter ones to fill in with. While there are files without a connection nobody has one for long. What would be left over
/// goes with the last one.
fn piece(left: u64, share: u64, is_short: bool) -> u64 {
    let most = if is_short { TURN } else { MAX_PIECE };
    let share = share.clamp(LEAST_PIECE, most);
    if left < share + LEAST_PIECE { left.clamp(1, most) } else { share }
}

/// Where to begin to fetch for a reader who has come to this block. The reads of one who goes through the file come out of
/// order: what lies before would be a request of its own.
fn begin(streams: &Streams, present: &Blocks, block: u64, window: u64) -> u64 {
    let furthest = if window > LEAST_PIECE { block.saturating_sub(window) } else { block };
    streams.begin_of_gap(present, block.min(present.count()), furthest)
}

/// Whether a range can be given out of a download: it is there, and the file still lacks something. A complete file
/// that is not judged yet gives nothing.
fn has(partial: &Partial, range: &Range<u64>) -> bool {
    let present = partial.present();
    !present.is_complete() && blocks(range).all(|block| present.contains(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_the_others_have_yet_to_bring() {
        assert_eq!(piece(1280, 128, false), 128, "a film alone: a tenth of what is kept under way");
        assert_eq!(piece(611, 489, false), 489, "the first of eight readers");
        assert_eq!(piece(122, 489, false), 122, "what is left of his file");
        assert_eq!(piece(140, 128, false), 140, "no remnant");
        assert_eq!(piece(611, 489, true), TURN, "others wait for a connection");
        assert_eq!(piece(100_000, 10_000, false), MAX_PIECE);
        assert_eq!(piece(200, 0, false), LEAST_PIECE);
        assert_eq!(piece(2, 611, false), 2, "who jumps gets only what he asks for");
    }
}
