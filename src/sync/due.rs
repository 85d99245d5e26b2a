//! Listing everything again now and then: it finds a change that was never told and that no count shows, such as an edit whose
//! page of the change log came short.

use std::time::Duration;

use jiff::Timestamp;

use super::{LibrarySync, SyncError};
use crate::index::LibraryState;

impl LibrarySync {
    /// Lists the library again whose last listing is the longest ago, if that is too long. What fails is tried again a day
    /// later, and the others have their turn meanwhile; nothing is missing from the tree.
    pub async fn list_what_is_due(&self) {
        if let Err(error) = self.list_one_that_is_due().await {
            tracing::warn!("listing everything again failed: {error}");
        }
    }

    async fn list_one_that_is_due(&self) -> Result<(), SyncError> {
        let Some(every) = self.every else { return Ok(()) };
        let _turn = self.turn.lock().await;
        let mut states = self.on_index(|index| index.libraries()).await?;
        // One that iCloud no longer has cannot be listed.
        states.retain(|state| state.shown && !state.missing && is_due(state, every));
        states.sort_by_key(|state| state.listed);
        let Some(state) = states.into_iter().find(|state| self.may_list_again(&state.library.id())) else {
            return Ok(());
        };
        tracing::info!(library = state.library.zone.name, "everything is listed again, as it is now and then");
        let outcome = self.list_again(&state).await;
        self.progress.send_replace(super::Progress::Idle);
        outcome
    }
}

fn is_due(state: &LibraryState, every: Duration) -> bool {
    // A clock that was wrong for a while must not put it off.
    let now = Timestamp::now().as_millisecond();
    let age = state.listed.map(|at| now.abs_diff(at));
    age.is_none_or(|age| u128::from(age) >= every.as_millis())
}
