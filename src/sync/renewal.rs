//! An index in which damage was found while it serves: begun anew, listed, and shown again when nothing is missing.

use std::collections::HashMap;
use std::sync::Mutex;

use super::{LibrarySync, SyncError};
use crate::index::{Index, IndexError, TreeChange, limit};
use crate::photos::LibraryId;

/// How many photos each library showed when the index was last known to be sound. A listing anew tells of no deletion: what is
/// missing from it would leave the tree without being held.
#[derive(Default)]
pub(super) struct Sizes(Mutex<HashMap<LibraryId, u64>>);

impl Sizes {
    pub fn of(index: &Index) -> Sizes {
        let unknown =
            |error: &IndexError| tracing::warn!(%error, "how large the libraries are is known after the next round");
        Sizes(Mutex::new(sizes(index).inspect_err(unknown).unwrap_or_default()))
    }

    /// How many photos are missing, if they are more than may leave without a person.
    fn missing(&self, now: &HashMap<LibraryId, u64>) -> u64 {
        let before = self.0.lock().expect("no panic while held");
        let gone = |(id, before): (&LibraryId, &u64)| {
            let gone = before.saturating_sub(now.get(id).copied().unwrap_or(0));
            if gone > limit(*before) { gone } else { 0 }
        };
        before.iter().map(gone).sum()
    }
}

fn sizes(index: &Index) -> Result<HashMap<LibraryId, u64>, IndexError> {
    let size = |id: LibraryId| index.view_counts(&id).map(|counts| (id, counts.visible + counts.hidden));
    index.libraries()?.iter().map(|state| size(state.library.id())).collect()
}

impl LibrarySync {
    /// Begins the index anew, if damage was found in it.
    pub(super) async fn renew_if_damaged(&self) -> Result<(), SyncError> {
        if !self.on_index(Index::renew_if_damaged).await? {
            return Ok(());
        }
        tracing::warn!("the index was damaged: everything is listed anew, and nothing is shown meanwhile");
        self.unproven.forget();
        self.tell(TreeChange { anew: true, ..TreeChange::default() });
        // A second look may have found it sound.
        self.show_again_if_whole().await
    }

    /// Has the tree answer again, if nothing is missing of what it showed.
    pub(super) async fn show_again_if_whole(&self) -> Result<(), SyncError> {
        let now = self.on_index(sizes).await?;
        if self.index.whole().is_ok() {
            *self.sizes.0.lock().expect("no panic while held") = now;
            return Ok(());
        }
        let Some(change) = self.on_index(Index::ready_to_show_again).await? else { return Ok(()) };
        let missing = self.sizes.missing(&now);
        if missing > 0 {
            tracing::warn!(missing, "so many photos are gone since the index was damaged that a person has to look");
            self.index.withhold(missing);
            return Ok(());
        }
        // What was told of the damaged one is forgotten before anybody is answered from the new one.
        self.tell(change);
        self.index.show_again();
        tracing::warn!("the index is whole again, and so is the tree; look after the disk");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_may_leave_by_themselves_wait_for_a_person() {
        let of = |sizes: &[(&str, u64)]| sizes.iter().map(|(id, size)| (LibraryId((*id).into()), *size)).collect();
        let before = Sizes(Mutex::new(of(&[("PrimarySync", 1_000), ("SharedSync-1", 12)])));
        assert_eq!(before.missing(&of(&[("PrimarySync", 950), ("SharedSync-1", 12), ("SharedSync-2", 3)])), 0);
        assert_eq!(before.missing(&of(&[("PrimarySync", 949), ("SharedSync-1", 2)])), 51);
        assert_eq!(before.missing(&of(&[("PrimarySync", 2_000)])), 12, "a library that is not there");
        assert_eq!(Sizes::default().missing(&of(&[])), 0);
    }
}
