//! Walking a list by ranks, several pages at a time.

use std::ops::Range;

use futures_util::{StreamExt, TryStreamExt, stream};

/// Pages asked for at the same time. Peers use 8 to 16 without being throttled (protocol/photos.md §2.5).
pub const PARALLEL: usize = 8;
/// How often an empty page in front of the announced end is asked for again: they have been met (§2.5).
const EMPTY_RETRIES: usize = 2;

/// Reads every rank of a list.
///
/// `page` reads from a rank on and gives how many ranks it covered, at most `stride`; 0 stands for the end. Pages of
/// `announced` ranks are read in parallel, then one after the other until the list ends, for it may have grown.
/// What a page leaves of its stretch is read again from there.
pub async fn walk<E>(announced: u64, stride: u64, page: impl AsyncFn(u64) -> Result<u64, E>) -> Result<(), E> {
    let stretches = (0..announced.div_ceil(stride)).map(|n| n * stride..(n + 1) * stride);
    let page = &page;
    stream::iter(stretches)
        .map(|stretch| read(stretch, announced, page))
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

async fn read<E>(stretch: Range<u64>, announced: u64, page: &impl AsyncFn(u64) -> Result<u64, E>) -> Result<(), E> {
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
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    /// Walks a list of `length`, told it has `announced`, with pages of at most `cap`; gives the ranks seen.
    fn seen(length: u64, announced: u64, stride: u64, cap: u64) -> BTreeSet<u64> {
        let seen = RefCell::new(BTreeSet::new());
        let page = async |rank: u64| {
            let end = length.min(rank + cap);
            seen.borrow_mut().extend(rank..end);
            Ok::<u64, ()>(end.saturating_sub(rank))
        };
        futures_util::FutureExt::now_or_never(walk(announced, stride, page)).unwrap().unwrap();
        seen.into_inner()
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
        let asked = RefCell::new(Vec::new());
        let page = async |rank: u64| {
            asked.borrow_mut().push(rank);
            let again = asked.borrow().iter().filter(|&&r| r == rank).count() > 1;
            Ok::<u64, ()>(if (rank == 100 && !again) || rank >= 300 { 0 } else { 100 })
        };
        futures_util::FutureExt::now_or_never(walk(300, 100, page)).unwrap().unwrap();
        assert_eq!(asked.into_inner(), [0, 100, 100, 200, 300]);
    }
}
