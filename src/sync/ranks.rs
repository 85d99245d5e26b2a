//! Walking a list by ranks, several pages at a time.

use std::ops::Range;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::photos::MOST_CALLS;

/// Pages asked for at the same time; how many of them are under way is for the database to say (`cloudkit/pace.rs`).
pub const PARALLEL: usize = MOST_CALLS;
/// How often an empty page in front of the announced end is asked for again: they have been met (§2.5).
const EMPTY_RETRIES: usize = 2;

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
    let stretches = (0..announced.div_ceil(stride)).map(|n| n * stride..(n + 1) * stride);
    stream::iter(stretches)
        .map(|stretch| read(stretch, announced, page).boxed())
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

async fn read<E>(stretch: Range<u64>, announced: u64, page: &Page<'_, E>) -> Result<(), E> {
    let mut rank = stretch.start;
    let mut empty = 0;
    while rank < stretch.end {
        match page(rank).await?.ranks {
            0 if rank < announced && empty < EMPTY_RETRIES => empty += 1,
            0 => return Ok(()),
            ranks => rank += ranks,
        }
    }
    Ok(())
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
    fn a_list_that_repeats_itself_is_given_up() {
        let page = |rank: u64| {
            let new = if rank < 1_000 { 100 } else { 0 };
            std::future::ready(Ok::<_, &str>(Covered { ranks: 100, new })).boxed()
        };
        assert_eq!(walk(500, 100, &page, || "endless").now_or_never().unwrap(), Err("endless"));
    }
}
