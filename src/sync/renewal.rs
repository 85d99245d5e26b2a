//! An index in which damage was found while it serves: begun anew, listed, and shown again when nothing is missing.

use super::{LibrarySync, SyncError};
use crate::index::{Index, TreeChange};

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
        self.on_index(Index::settle_awaited).await?;
        let Some(change) = self.on_index(Index::ready_to_show_again).await? else { return Ok(()) };
        // What was told of the damaged one is forgotten before anybody is answered from the new one.
        self.tell(change);
        self.index.show_again();
        tracing::warn!("the index is whole again, and so is the tree; look after the disk");
        Ok(())
    }
}
