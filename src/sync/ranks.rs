//! Walking a list by ranks, several pages at a time.

use std::ops::Range;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::photos::MOST_CALLS;

/// Pages asked for at the same time; how many of them are under way is for the database to say (`cloudkit/pace.rs`).
pub const PARALLEL: usize = MOST_CALLS;
/// How often an empty page in front of the announced end is asked for again: they have been met (§2.5).
const EMPTY_RETRIES: usize = 2;
/// After so many stretches without anything, and nothing behind them, a list ends before its announced end: a peer gives up
/// there, too (§2.5). What is missing then shows by the count.
const EMPTY_STRETCHES: usize = 5;

/// How many pages past the announced end may bring nothing new before the list is taken for one without an end. What is
/// added while a list is read shifts it by as much, so a page or two may repeat what is known (§2.5).
const STALE_PAGES: usize = 8;

/// What a page covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    /// Ranks, at most a stride; 0 stands for the end.
    pub ranks: u64,
    /// Entries that were not known before.
    pub new: u64,
}

/// Reads from a rank on.
pub type Page<'a, E> = dyn Fn(u64) -> BoxFuture<'a, Result<Covered, E>> + Sync + 'a;

/// Reads every rank of a list.
///
/// Pages of `announced` ranks are read in parallel, then one after the other until the list ends, for it may have grown.
/// What a page leaves of its stretch is read again from there. A list that goes on and on without anything new is
/// `endless`.
pub async fn walk<E: Send>(
    announced: u64,
    stride: u64,
    page: &Page<'_, E>,
    endless: impl FnOnce() -> E,
) -> Result<(), E> {
    let end = End::default();
    let stretches = (0..announced.div_ceil(stride)).map(|n| n * stride..(n + 1) * stride);
    stream::iter(stretches)
        .map(|stretch| read(stretch, announced, page, &end).boxed())
        .buffer_unordered(PARALLEL)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await?;
    let mut rank = announced.div_ceil(stride) * stride;
    let mut stale = 0;
    while stale < STALE_PAGES {
        match page(rank).await? {
            Covered { ranks: 0, .. } => return Ok(()),
            Covered { ranks, new } => {
                rank += ranks;
                stale = if new == 0 { stale + 1 } else { 0 };
            }
        }
    }
    Err(endless())
}

async fn read<E>(stretch: Range<u64>, announced: u64, page: &Page<'_, E>, end: &End) -> Result<(), E> {
    let mut rank = stretch.start;
    let mut empty = 0;
    while rank < stretch.end && !end.is_before(rank) {
        match page(rank).await?.ranks {
            0 if rank < announced && empty < EMPTY_RETRIES => empty += 1,
            0 => {
                end.nothing_at(rank);
                return Ok(());
            }
            ranks => {
                end.found_at(rank);
                rank += ranks;
            }
        }
    }
    Ok(())
}

/// Where a list ends that announces more than it has: what was found last, and how many stretches behind it have nothing.
#[derive(Default)]
struct End(Mutex<(u64, usize)>);

impl End {
    fn found_at(&self, rank: u64) {
        let mut end = self.0.lock().expect("no panic while held");
        if rank > end.0 {
            *end = (rank, 0);
        }
    }

    fn nothing_at(&self, rank: u64) {
        let mut end = self.0.lock().expect("no panic while held");
        end.1 += usize::from(rank > end.0);
    }

    fn is_before(&self, rank: u64) -> bool {
        let end = self.0.lock().expect("no panic while held");
        rank > end.0 && end.1 >= EMPTY_STRETCHES
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;

    /// Walks a list of `length`, told it has `announced`, with pages of at most `cap`; gives the ranks seen.
    fn seen(length: u64, announced: u64, stride: u64, cap: u64) -> BTreeSet<u64> {
        let seen = Mutex::new(BTreeSet::new());
        let page = |rank: u64| {
            let end = length.min(rank + cap);
            seen.lock().unwrap().extend(rank..end);
            let ranks = end.saturating_sub(rank);
            std::future::ready(Ok::<_, ()>(Covered { ranks, new: ranks })).boxed()
        };
        walk(announced, stride, &page, || ()).now_or_never().unwrap().unwrap();
        seen.lock().unwrap().clone()
    }

    #[test]
    fn every_rank_is_read() {
        for length in [0_u64, 1, 65, 66, 67, 100, 132, 1_000] {
            for announced in [0, 1, length, length + 7, length.saturating_sub(5)] {
                assert_eq!(seen(length, announced, 100, 100).len() as u64, length, "{length} {announced}");
                assert_eq!(seen(length, announced, 66, 66).len() as u64, length, "{length} {announced}");
                assert_eq!(seen(length, announced, 100, 37).len() as u64, length, "short pages are read on");
            }
        }
    }

    #[test]
    fn an_empty_page_in_the_middle_is_asked_for_again() {
        let asked = Mutex::new(Vec::new());
        let page = |rank: u64| {
            let mut asked = asked.lock().unwrap();
            asked.push(rank);
            let again = asked.iter().filter(|&&r| r == rank).count() > 1;
            let covered = if (rank == 100 && !again) || rank >= 300 { 0 } else { 100 };
            std::future::ready(Ok::<_, ()>(Covered { ranks: covered, new: covered })).boxed()
        };
        walk(300, 100, &page, || ()).now_or_never().unwrap().unwrap();
        let mut asked = asked.lock().unwrap().clone();
        asked.sort_unstable();
        assert_eq!(asked, [0, 100, 100, 200, 300]);
    }

    #[test]
    fn what_is_announced_far_too_much_is_not_asked_for() {
        let asked = Mutex::new(0);
        let page = |rank: u64| {
            *asked.lock().unwrap() += 1;
            let ranks = 1_000_u64.saturating_sub(rank).min(100);
            std::future::ready(Ok::<_, ()>(Covered { ranks, new: ranks })).boxed()
        };
        walk(1_000_000, 100, &page, || ()).now_or_never().unwrap().unwrap();
        let asked = *asked.lock().unwrap();
        assert!(asked <= 10 + 3 * (EMPTY_STRETCHES + PARALLEL) + 1, "{asked}");
    }

    #[test]
    fn a_list_that_repeats_itself_is_given_up() {
        let page = |rank: u64| {
            let new = if rank < 1_000 { 100 } else { 0 };
            std::future::ready(Ok::<_, &str>(Covered { ranks: 100, new })).boxed()
        };
        assert_eq!(walk(500, 100, &page, || "endless").now_or_never().unwrap(), Err("endless"));
    }
}
