//! Listings that could not be proven complete. One costs a request for every hundred photos, and its history ten times as many: what
//! the service counts wrong for good is not worth that at every poll, so they are tried ever more rarely.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{LibrarySync, SyncError};
use crate::index::Offset;
use crate::photos::LibraryId;

/// Listings that are tried without a pause: what was short by chance is whole the next time.
const AT_ONCE: u32 = 3;
/// The pause after those, doubling with each further one up to the longest.
const FIRST: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// By library: for as long as this process runs.
#[derive(Default)]
pub(super) struct Unproven(Mutex<HashMap<LibraryId, Latest>>);

struct Latest {
    /// Listings in a row that were short.
    times: u32,
    ended: Instant,
    view: String,
    seen: u64,
    announced: u64,
}

impl LibrarySync {
    /// Lists a library, if it is time for that, or a person has accepted what its latest listing lacked; else fails as that did.
    pub(super) async fn in_turn(
        &self,
        id: LibraryId,
        listing: impl Future<Output = Result<(), SyncError>>,
    ) -> Result<(), SyncError> {
        if let Some((missing, error)) = self.unproven.latest(&id)
            && !self.has_accepted(&id, &missing).await?
        {
            return Err(error);
        }
        let outcome = listing.await;
        self.unproven.note(id, &outcome);
        outcome
    }
}

impl Unproven {
    /// Somebody asks for a listing now.
    pub fn forget(&self) {
        self.0.lock().expect("no panic while held").clear();
    }

    /// What the latest listing lacked and how it failed, if it is not time for another.
    fn latest(&self, id: &LibraryId) -> Option<(Offset, SyncError)> {
        let all = self.0.lock().expect("no panic while held");
        let latest = all.get(id).filter(|latest| latest.ended.elapsed() < pause(latest.times))?;
        let Latest { view, seen, announced, .. } = latest;
        let missing = Offset { list: view.clone(), beyond: (announced - seen).cast_signed(), sought: true };
        let (library, view) = (id.0.clone(), view.clone());
        Some((missing, SyncError::Incomplete { library, view, seen: *seen, announced: *announced }))
    }

    fn note(&self, id: LibraryId, outcome: &Result<(), SyncError>) {
        let mut all = self.0.lock().expect("no panic while held");
        match outcome {
            Ok(()) => drop(all.remove(&id)),
            Err(SyncError::Incomplete { view, seen, announced, .. }) => {
                let times = all.get(&id).map_or(1, |latest| latest.times.saturating_add(1));
                let (ended, view) = (Instant::now(), view.clone());
                all.insert(id, Latest { times, ended, view, seen: *seen, announced: *announced });
            }
            // It says nothing about the counts.
            Err(_) => {}
        }
    }
}

/// Until another listing, after so many that were short.
fn pause(times: u32) -> Duration {
    match times.checked_sub(AT_ONCE) {
        None => Duration::ZERO,
        Some(more) => FIRST.saturating_mul(1 << more.min(16)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest() {
        let minutes = |times| pause(times).as_secs() / 60;
        assert_eq!([1, 2, 3, 4, 5, 9, u32::MAX].map(minutes), [0, 0, 15, 30, 60, 360, 360]);
    }
}
