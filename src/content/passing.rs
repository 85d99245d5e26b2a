//! The checksum of a file that neither the disk nor the memory has room for, as it passes by.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::photos::{Checksum, Verdict, Verifier};

/// Pieces held for those before them: the kernel asks out of order by as much (fuse.md §1: 4 MiB of read-ahead).
const MAX_HELD: usize = 8;

/// What went by of one file. Only who reads it from its beginning, in order but for a few pieces, gets it checked.
#[derive(Default)]
pub struct Passing {
    verifier: Verifier,
    /// By where they begin.
    held: BTreeMap<u64, Bytes>,
    reached_end: bool,
    matched: bool,
}

impl Passing {
    /// Takes a piece of a file of this size; a verdict when it was the last one missing.
    pub fn take(&mut self, offset: u64, bytes: &Bytes, size: u64, expected: &Checksum) -> Option<Verdict> {
        self.reached_end |= offset + bytes.len() as u64 >= size;
        let before = self.verifier.length();
        if offset == 0 && before == size {
            // Somebody reads it once more.
            *self = Passing { reached_end: self.reached_end, matched: self.matched, ..Passing::default() };
        }
        if offset >= self.verifier.length() && self.held.len() < MAX_HELD {
            self.held.insert(offset, bytes.clone());
        }
        while let Some(next) = self.held.remove(&self.verifier.length()) {
            self.verifier.update(&next);
        }
        let is_complete = self.verifier.length() == size && before != size;
        let verdict = is_complete.then(|| self.verifier.clone().judge(size, expected));
        self.matched |= verdict == Some(Verdict::Whole);
        verdict
    }

    /// Whether the file was read to its end without having been checked.
    pub fn is_unproven(&self) -> bool {
        self.reached_end && !self.matched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_needed_but_not_to_the_piece() {
        let body = Bytes::from_static(b"0123456789");
        let expected = Checksum::of(&body);
        let take = |passing: &mut Passing, from: usize| {
            passing.take(from as u64, &body.slice(from..(from + 2).min(10)), 10, &expected)
        };
        let mut passing = Passing::default();
        let verdicts: Vec<_> = [0, 4, 2, 8, 6].into_iter().map(|from| take(&mut passing, from)).collect();
        assert_eq!(verdicts, [None, None, None, None, Some(Verdict::Whole)]);
        assert!(!passing.is_unproven());
        let again: Vec<_> = [0, 2, 4, 6, 8].into_iter().filter_map(|from| take(&mut passing, from)).collect();
        assert_eq!(again, [Verdict::Whole]);
        let mut jumping = Passing::default();
        assert_eq!((take(&mut jumping, 8), take(&mut jumping, 2)), (None, None));
        assert!(jumping.is_unproven());
        let mut wrong = Passing::default();
        let other = Checksum::of(b"other");
        assert_eq!(wrong.take(0, &body, 10, &other), Some(Verdict::Damaged));
        assert!(wrong.is_unproven());
    }
}
