//! A zone's change log: what changed, in order (photos.md §3).

use super::album::{AlbumIndex, RelationIndex};
use super::asset::{AssetIndex, MasterIndex};

/// Where every log begins; recorded counters are of this size.
pub(crate) const BEGINNING: u64 = 0x1_4000;
/// Once in so many entries comes a run of gaps, so that a walk meets empty pages as real ones do: a few in a row, now and
/// then dozens (photos.md §3.2).
const GAP_EVERY: usize = 701;
const GAPS: usize = 3;
const MANY_GAPS: usize = 30;
/// One run in so many is of many gaps.
const MANY_EVERY: usize = 3;
/// One entry in so many is about a record that is no photo (photos.md §3.7).
const OTHER_EVERY: usize = 9;

/// What a log entry is about. The record's state is looked up when the entry is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    Asset(AssetIndex),
    Master(MasterIndex),
    Album(AlbumIndex),
    Relation(RelationIndex),
    LibraryInfo,
    /// One of the two folders that stand for the root level.
    RootFolder(usize),
    /// A record of a kind that has no file: faces, people, memories.
    Other(u32),
    /// A record that was deleted before this simulator began: only its tombstone is left.
    Ghost(u32),
    /// Nothing a client may see: a page ends here.
    Gap,
}

/// Entries in order; the n-th one has the counter `BEGINNING + n`, counted from 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Vec<Subject>);

impl Log {
    /// The counter a token of this moment carries.
    pub(crate) fn now(&self) -> u64 {
        BEGINNING + self.0.len() as u64
    }

    /// Appends an entry and returns its counter.
    pub(crate) fn push(&mut self, subject: Subject) -> u64 {
        let length = self.0.len();
        if length % GAP_EVERY == GAP_EVERY - 1 {
            let many = length / GAP_EVERY % MANY_EVERY == MANY_EVERY - 1;
            self.0.extend(std::iter::repeat_n(Subject::Gap, if many { MANY_GAPS } else { GAPS }));
        }
        if length % OTHER_EVERY == OTHER_EVERY - 1 {
            self.0.push(Subject::Other(length as u32));
        }
        self.0.push(subject);
        self.now()
    }

    /// Whether a token with this counter can have been issued.
    pub(crate) fn knows(&self, counter: u64) -> bool {
        (BEGINNING..=self.now()).contains(&counter)
    }

    /// Everything after this counter with its own, oldest first.
    pub(crate) fn after(&self, counter: u64) -> impl Iterator<Item = (u64, Subject)> {
        let skipped = counter.clamp(BEGINNING, self.now()) - BEGINNING;
        self.0[skipped as usize..]
            .iter()
            .enumerate()
            .map(move |(n, subject)| (BEGINNING + skipped + n as u64 + 1, *subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_a_token_is_what_was_pushed_since() {
        let mut log = Log::default();
        log.push(Subject::LibraryInfo);
        let token = log.now();
        log.push(Subject::Asset(AssetIndex(3)));
        let after: Vec<_> = log.after(token).collect();
        assert_eq!(after, [(token + 1, Subject::Asset(AssetIndex(3)))]);
        assert!(log.after(log.now()).next().is_none());
        assert!(log.knows(BEGINNING) && log.knows(token) && !log.knows(log.now() + 1));
    }
}
