//! Sums over the whole index, remembered until the next write: they are asked for by every `df` and every look at the
//! status, and cost 0.2 s in a library of a million.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::{IndexError, Totals, ViewCounts};
use crate::photos::LibraryId;

#[derive(Default)]
pub(super) struct Memo {
    sums: Mutex<Sums>,
}

#[derive(Default)]
struct Sums {
    /// Counts beginnings and ends of writes: odd while something is being written.
    writes: u64,
    totals: Option<Totals>,
    counts: HashMap<LibraryId, ViewCounts>,
}

impl Memo {
    /// One that remembers nothing: for an index that another process writes.
    pub fn off() -> Memo {
        let sums = Sums { writes: 1, ..Sums::default() };
        Memo { sums: Mutex::new(sums) }
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self) {
        let mut sums = self.sums();
        *sums = Sums { writes: sums.writes + 1, ..Sums::default() };
    }

    /// The totals, from memory or by `sum`; what is summed up while something is written is not remembered.
    pub fn totals(&self, sum: impl FnOnce() -> Result<Totals, IndexError>) -> Result<Totals, IndexError> {
        self.remembered(|sums| sums.totals, sum, |sums, totals| sums.totals = Some(totals))
    }

    /// As [`Memo::totals`], for the counts of a library.
    pub fn counts(
        &self,
        library: &LibraryId,
        count: impl FnOnce() -> Result<ViewCounts, IndexError>,
    ) -> Result<ViewCounts, IndexError> {
        let keep = |sums: &mut Sums, counts| {
            sums.counts.insert(library.clone(), counts);
        };
        self.remembered(|sums| sums.counts.get(library).copied(), count, keep)
    }

    fn remembered<T: Copy>(
        &self,
        known: impl FnOnce(&Sums) -> Option<T>,
        find: impl FnOnce() -> Result<T, IndexError>,
        keep: impl FnOnce(&mut Sums, T),
    ) -> Result<T, IndexError> {
        let (before, known) = {
            let sums = self.sums();
            (sums.writes, known(&sums))
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let found = find()?;
        let mut sums = self.sums();
        if sums.writes == before && before.is_multiple_of(2) {
            keep(&mut sums, found);
        }
        Ok(found)
    }
}

/// The connection that writes; while it is held, and when it is given back, sums are forgotten.
pub(super) struct Writer<'a> {
    memo: &'a Memo,
    connection: MutexGuard<'a, Connection>,
}

impl<'a> Writer<'a> {
    pub fn new(memo: &'a Memo, connection: MutexGuard<'a, Connection>) -> Writer<'a> {
        memo.step();
        Writer { memo, connection }
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.memo.step();
    }
}

impl Deref for Writer<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Writer<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
