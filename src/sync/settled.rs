//! When it is believed that what is here differs from what iCloud announces.

use futures_util::future::BoxFuture;

use super::{LibrarySync, SyncError};

/// Comparisons before a library that changes all the while is left alone: some two seconds, with the pauses between them.
const COMPARISONS: usize = 5;

impl LibrarySync {
    /// Compares what is announced with what is here, until it is known to be of one moment.
    ///
    /// Counts are asked for after the changes, and what happens to a library in between looks like a change that was never
    /// told. So a difference is believed only if it is found twice, alike, and the change log, read after a pause between the
    /// two, tells of nothing. What the log does tell of is taken in, and everything is compared anew.
    ///
    /// `compare` tells what differs, `agrees` whether that is nothing, and `catch_up` takes in what changed and tells whether
    /// that was anything. Gives what the last comparison found; `None` if the library did not keep still for it. Costs one
    /// comparison where both agree, and two and a look at the change log where they do not.
    pub(super) async fn settled<'a, D: PartialEq>(
        &self,
        compare: impl Fn() -> BoxFuture<'a, Result<D, SyncError>>,
        agrees: impl Fn(&D) -> bool,
        catch_up: impl Fn() -> BoxFuture<'a, Result<bool, SyncError>>,
    ) -> Result<Option<D>, SyncError> {
        let mut before = None;
        for _ in 0..COMPARISONS {
            let difference = compare().await?;
            if agrees(&difference) || before.as_ref() == Some(&difference) {
                return Ok(Some(difference));
            }
            tokio::time::sleep(self.photos.pause()).await;
            before = match catch_up().await? {
                true => None,
                false => Some(difference),
            };
        }
        Ok(None)
    }
}
