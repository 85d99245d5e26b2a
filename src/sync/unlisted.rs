//! What no list shows is looked for in a library's history, in the background, once: the frames of a burst that are not its
//! pick (protocol/photos.md §2.2). Whether the history has them is not known for sure; it can only add.
//!
//! A library without a burst has nothing of the kind, and its history is not read. One with has some 62 pages for a thousand
//! photos, a page every two seconds: 7,300 photos take a quarter of an hour, 100,000 three and a half, once. That is
//! thirty requests a minute; a first listing makes hundreds. A history of a few pages is read with the first listing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::albums::HISTORY_PAGES;
use super::{LibrarySync, SyncError};
use crate::index::{HistoryWalk, LibraryState, ViewCounts};
use crate::photos::{Change, Library, SyncToken};

/// Between two pages.
pub(super) const PAUSE: Duration = Duration::from_secs(2);
/// Pages that are read at once: a minute at the most, for some three hundred photos.
const AT_ONCE: u64 = 20;
/// A history that is so many times longer than any that is known does not end.
const ENDLESS: u64 = 10;
const LEAST: u64 = 1_000;

impl LibrarySync {
    /// As [`LibrarySync::read_unlisted`]; what fails is tried again after the next round.
    pub(super) async fn read_on(&self) -> bool {
        self.read_unlisted().await.unwrap_or_else(|error| {
            tracing::warn!("reading a library's history failed: {error}");
            false
        })
    }

    /// Reads a page of the history of a library that has a burst, and adds what is not known; gives whether there is more to
    /// read. No changes are applied between: what a page shows is there, or a later change says that it has gone.
    pub async fn read_unlisted(&self) -> Result<bool, SyncError> {
        let _turn = self.turn.lock().await;
        self.read_page().await
    }

    /// Reads the history of a library that was just shown, if it is short. What fails is tried again in the background.
    pub(super) async fn read_if_short(&self, library: &Library) {
        if let Err(error) = self.read_short(library).await {
            tracing::warn!("reading a library's history failed: {error}");
        }
    }

    async fn read_short(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        let counts = self.on_index(move |index| index.view_counts(&id)).await?;
        let mut left = if usual_pages(&counts) <= AT_ONCE { AT_ONCE } else { 0 };
        while left > 0 && self.read_page().await? {
            left -= 1;
        }
        Ok(())
    }

    async fn read_page(&self) -> Result<bool, SyncError> {
        let Some((state, walk)) = self.next_to_walk().await? else { return Ok(false) };
        let token = walk.token.clone().and_then(SyncToken::new);
        let page = match self.photos.changes(&state.library, token.as_ref()).await.map_err(SyncError::from) {
            Err(error) if token.is_some() && error.is_bad_request() => {
                return self.walked_to(&state, HistoryWalk { token: None, pages: walk.pages + 1, ..walk }).await;
            }
            page => page?,
        };
        let found = self.add_unknown(&state, page.changes).await?;
        let walk = HistoryWalk {
            token: Some(page.token.as_str().to_owned()),
            pages: walk.pages + 1,
            found: walk.found + found,
            done: !page.more_coming,
        };
        self.walked_to(&state, walk).await
    }

    async fn next_to_walk(&self) -> Result<Option<(LibraryState, HistoryWalk)>, SyncError> {
        self.on_index(|index| {
            for state in index.libraries()?.into_iter().filter(|state| state.shown && !state.missing) {
                if let Some(walk) = index.history_walk(&state.library.id())?.filter(|walk| !walk.done) {
                    return Ok(Some((state, walk)));
                }
            }
            Ok(None)
        })
        .await
    }

    async fn walked_to(&self, state: &LibraryState, walk: HistoryWalk) -> Result<bool, SyncError> {
        let id = state.library.id();
        self.on_index(move |index| {
            let is_endless = walk.pages > LEAST + usual_pages(&index.view_counts(&id)?) * ENDLESS;
            if is_endless {
                tracing::warn!(library = id.0, pages = walk.pages, "its history does not end: given up");
            }
            index.note_history_walk(&id, &HistoryWalk { done: walk.done || is_endless, ..walk })
        })
        .await?;
        Ok(self.next_to_walk().await?.is_some())
    }

    /// Adds what is not known; gives how much that was.
    async fn add_unknown(&self, state: &LibraryState, changes: Vec<Change>) -> Result<u64, SyncError> {
        let id = state.library.id();
        let mut unknown = self.on_index(move |index| index.unknown_of(&id, changes)).await?;
        if unknown.is_empty() {
            return Ok(0);
        }
        let found = unknown.len() as u64;
        let masters: BTreeSet<String> = unknown.iter().filter_map(master_of).collect();
        let masters: Vec<String> = masters.into_iter().collect();
        for names in masters.chunks(crate::photos::LOOKUP) {
            let records = self.photos.records(&state.library, names).await?;
            unknown.extend(records.into_iter().filter_map(|(_, record)| record));
        }
        let id = state.library.id();
        let change = self.on_index(move |index| index.add(&id, &unknown)).await?;
        self.tell(change);
        Ok(found)
    }
}

fn usual_pages(counts: &ViewCounts) -> u64 {
    ((counts.visible + counts.hidden + counts.trashed) as f64 * HISTORY_PAGES).ceil() as u64
}

fn master_of(change: &Change) -> Option<String> {
    match change {
        Change::Asset(asset) => Some(asset.master.clone()),
        _ => None,
    }
}
