//! What is being fetched of one file, and what of it is neither here nor on its way.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::blocks::Blocks;
use super::stream::Stream;

/// The streams of one file.
#[derive(Default)]
pub struct Streams {
    all: Vec<Arc<Stream>>,
    /// The part of the file that was asked for last: for streams whose own part others have fetched meanwhile.
    pub part: Range<u64>,
}

impl Streams {
    pub fn add(&mut self, stream: Arc<Stream>) {
        self.all.push(stream);
    }

    pub fn remove(&mut self, stream: &Arc<Stream>) {
        self.all.retain(|other| !Arc::ptr_eq(other, stream));
    }

    /// Notes that a stream has fetched its blocks; whether no other is still fetching. Of those that end together exactly one
    /// is the last.
    pub fn is_last_to_fetch(&self, stream: &Stream) -> bool {
        stream.has_fetched.store(true, Ordering::Relaxed);
        let mut others = self.all.iter().filter(|other| !other.blocks().is_empty());
        others.all(|other| other.has_fetched.load(Ordering::Relaxed))
    }

    pub fn last(&self) -> Option<Arc<Stream>> {
        self.all.last().cloned()
    }

    /// Those that have a connection.
    pub fn fetching(&self) -> usize {
        self.all.iter().filter(|stream| stream.turn.is_granted()).count()
    }

    /// Those that have none yet.
    pub fn waiting(&self) -> usize {
        self.all.iter().filter(|stream| stream.is_waiting()).count()
    }

    /// Notes how many blocks are left to fetch for those who go through the file.
    pub fn note_left(&self, blocks: u64) {
        self.all.iter().for_each(|stream| stream.turn.note_left(blocks));
    }

    /// The first of a file's streams to have a connection fetches what somebody waits for.
    pub fn hand_over(&self, stream: &Stream) {
        let mut waiting = self.all.iter().filter(|other| other.is_waiting() && !std::ptr::eq(&***other, stream));
        if !stream.turn.is_wanted()
            && let Some(other) = waiting.find(|other| other.turn.is_wanted())
        {
            other.turn.hand_over(&stream.turn);
        }
    }

    /// The stream that fetches a block; if there is none, one that may yet.
    pub fn of(&self, block: u64) -> Option<Arc<Stream>> {
        let fetches = self.all.iter().find(|stream| stream.blocks().contains(&block));
        fetches.or_else(|| self.all.iter().find(|stream| stream.may_bring(block))).cloned()
    }

    /// The blocks a stream fetches, of which this is one.
    fn under_way(&self, block: u64) -> Option<Range<u64>> {
        self.all.iter().map(|stream| stream.blocks()).find(|blocks| blocks.contains(&block))
    }

    /// The first of these blocks that are neither here nor on their way, up to the next one that is.
    pub fn missing(&self, present: &Blocks, blocks: Range<u64>) -> Option<Range<u64>> {
        let mut first = blocks.start;
        while first < blocks.end {
            match present.contains(first) {
                true => first += 1,
                false => match self.under_way(first) {
                    Some(other) => first = other.end,
                    None => break,
                },
            }
        }
        let next = self.all.iter().map(|stream| stream.blocks().start).filter(|start| *start > first).min();
        let limit = blocks.end.min(next.unwrap_or(u64::MAX));
        let end = (first..limit).find(|block| present.contains(*block)).unwrap_or(limit);
        (first < end).then_some(first..end)
    }

    /// How many of these blocks are neither here nor on their way.
    pub fn count_missing(&self, present: &Blocks, blocks: Range<u64>) -> u64 {
        let (mut count, mut from) = (0, blocks.start);
        while let Some(gap) = self.missing(present, from..blocks.end) {
            (count, from) = (count + gap.end - gap.start, gap.end);
        }
        count
    }

    /// Where the gap begins that a missing block is in, looked for as far back as this.
    pub fn begin_of_gap(&self, present: &Blocks, block: u64, furthest: u64) -> u64 {
        let is_missing = |before: &u64| !present.contains(*before) && self.under_way(*before).is_none();
        (furthest..block).rev().take_while(is_missing).last().unwrap_or(block)
    }
}

#[cfg(test)]
mod tests {
    use super::super::BLOCK;
    use super::*;
    use crate::photos::Checksum;

    #[test]
    fn what_is_missing_is_neither_here_nor_under_way() {
        let mut present = Blocks::none(40 * BLOCK);
        (0..4).chain(20..22).for_each(|block| present.insert(block));
        let mut streams = Streams::default();
        let [busy, waiting] = [8..12, 0..40].map(|part| Arc::new(Stream::new(&Checksum::new("film"), false, part)));
        busy.claim(8..12);
        streams.add(busy.clone());
        streams.add(waiting.clone());
        let gaps = |streams: &Streams, blocks| streams.missing(&present, blocks);
        assert_eq!(gaps(&streams, 0..40), Some(4..8));
        assert_eq!((gaps(&streams, 8..40), gaps(&streams, 8..16)), (Some(12..20), Some(12..16)));
        assert_eq!((gaps(&streams, 20..22), gaps(&streams, 9..12)), (None, None));
        assert_eq!(streams.count_missing(&present, 0..40), 4 + 8 + 18);
        assert_eq!((streams.begin_of_gap(&present, 18, 0), streams.begin_of_gap(&present, 18, 15)), (12, 15));
        assert_eq!((streams.waiting(), streams.fetching()), (1, 0));
        assert!(streams.is_last_to_fetch(&busy), "the other has no blocks yet");
        assert!(streams.of(9).is_some_and(|stream| Arc::ptr_eq(&stream, &busy)));
        assert!(streams.of(30).is_some_and(|stream| Arc::ptr_eq(&stream, &waiting)));
        streams.remove(&busy);
        assert_eq!(gaps(&streams, 0..40), Some(4..20));
    }

    #[test]
    fn what_somebody_waits_for_is_wanted_of_the_stream_that_fetches_it() {
        let [first, second] = [(); 2].map(|()| Arc::new(Stream::new(&Checksum::new("film"), false, 0..40)));
        let mut streams = Streams::default();
        [&first, &second].into_iter().for_each(|stream| streams.add(stream.clone()));
        let asked = streams.of(0).unwrap();
        assert!(Arc::ptr_eq(&asked, &first));
        asked.turn.want();
        streams.hand_over(&second);
        second.claim(0..8);
        assert!(second.turn.is_wanted() && !first.turn.is_wanted());
        assert!(streams.of(7).is_some_and(|stream| Arc::ptr_eq(&stream, &second)));
        assert!(streams.of(8).is_some_and(|stream| Arc::ptr_eq(&stream, &first)));
    }
}
