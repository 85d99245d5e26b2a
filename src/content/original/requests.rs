//! Which requests fetch an original: how many, and which blocks each of them.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Body, Original, State, blocks};
use crate::content::blocks::Blocks;
use crate::content::partial::Partial;
use crate::content::stream::{self, Stream, TURN};
use crate::content::streams::Streams;
use crate::content::{BLOCK, CONNECTIONS};

/// Requests for one file at a time: all connections, as long as nobody else wants one.
const MAX_STREAMS: usize = CONNECTIONS;

/// Of these, requests that wait for a connection which another file has.
const QUEUED: usize = 2;

/// Blocks of one request: 1 MiB, at 20 MB/s as long as its 40 ms on the way, to 32 MiB.
const LEAST_PIECE: u64 = 16;
const MAX_PIECE: u64 = 512;

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
