//! Walking a list by ranks, several pages at a time.

use std::ops::Range;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

/// Pages asked for at the same time. Peers use 8 to 16 without being throttled (protocol/photos.md §2.5).
pub const PARALLEL: usize = 8;
/// How often an empty page in front of the announced end is asked for again: they have been met (§2.5).
const EMPTY_RETRIES: usize = 2;

/// Reads from a rank on and gives how many ranks that covered.
pub type Page<'a, E> = dyn Fn(u64) -> BoxFuture<'a, Result<u64, E>> + Sync + 'a;

/// Reads every rank of a list.
///
/// `page` reads from a rank on and gives how many ranks it covered, at most `stride`; 0 stands for the end. Pages of
/// `announced` ranks are read in parallel, then one after the other until the list ends, for it may have grown.
/// What a page leaves of its stretch is read again from there.
pub async fn walk<E: Send>(announced: u64, stride: u64, page: &Page<'_, E>) -> Result<(), E> {
    let stretches = (0..announced.div_ceil(stride)).map(|n| n * stride..(n + 1) * stride);
    stream::iter(stretches)
        .map(|stretch| read(stretch, announced, page).boxed())
        .buffer_unordered(PARALLEL)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await?;
    let mut rank = announced.div_ceil(stride) * stride;
    loop {
        match page(rank).await? {
            0 => return Ok(()),
            covered => rank += covered,
        }
    }
}

async fn read<E>(stretch: Range<u64>, announced: u64, page: &Page<'_, E>) -> Result<(), E> {
    let mut rank = stretch.start;
    let mut empty = 0;
    while rank < stretch.end {
        match page(rank).await? {
            0 if rank < announced && empty < EMPTY_RETRIES => empty += 1,
            0 => return Ok(()),
            covered => rank += covered,
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
            std::future::ready(Ok::<u64, ()>(end.saturating_sub(rank))).boxed()
        };
        walk(announced, stride, &page).now_or_never().unwrap().unwrap();
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
            std::future::ready(Ok::<u64, ()>(covered)).boxed()
        };
        walk(300, 100, &page).now_or_never().unwrap().unwrap();
        let mut asked = asked.lock().unwrap().clone();
        asked.sort_unstable();
        assert_eq!(asked, [0, 100, 100, 200, 300]);
    }
}
