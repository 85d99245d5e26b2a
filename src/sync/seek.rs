//! Looking past the lists for what is announced of albums and not in them.

use super::albums::HISTORY_PAGES;
use super::compare::ALBUMS;
use super::views::Target;
use super::{LibrarySync, SyncError};
use crate::index::{ALBUM_LIST, Index, IndexError};
use crate::photos::{Change, LOOKUP, Library, LibraryId};

impl LibrarySync {
    /// Looks, for albums whose lists stay short, whether the photos that are here are in them: each membership has a name that
    /// can be asked for (protocol/photos.md §4.4). Where that costs more than the library's history, which holds every album and
    /// membership, or albums themselves are missing, the history is read. What is missing after that is taken down as looked for.
    pub(super) async fn seek(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        let short = self.on_index(move |index| unsought(index, &id)).await?;
        if short.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            library = library.zone.name,
            lists = short.len(),
            "lists of albums are short: looking past them"
        );
        match is_asked_by_name(&short) {
            true => self.ask_for_members(library, &short).await?,
            false => drop(self.albums_of_history(library, Target::Changes).await?),
        }
        self.apply_staged(library.id(), self.token_here(library).await?).await?;
        for lists in short.chunks(ALBUMS) {
            let albums: Vec<String> = lists.iter().filter(|list| *list != ALBUM_LIST).cloned().collect();
            // One that does not keep still is compared after its next news.
            if let Some(rest) = self.settled_difference(library, &albums).await? {
                self.take_down(library, rest.sought_for(lists)).await?;
            }
        }
        Ok(())
    }

    /// Stages those memberships of some albums that no list showed.
    async fn ask_for_members(&self, library: &Library, albums: &[String]) -> Result<(), SyncError> {
        for album in albums {
            let album = album.clone();
            let names = self.on_index(move |index| index.not_in_album(&album)).await?;
            for names in names.chunks(LOOKUP) {
                let found = self.photos.records(library, names).await?.into_iter().filter_map(|(_, state)| state);
                self.stage(library, found.filter(|state| matches!(state, Change::Joined(_))).collect()).await?;
            }
        }
        Ok(())
    }
}

/// Lists of albums that are short and were not looked past.
fn unsought(index: &Index, library: &LibraryId) -> Result<Vec<String>, IndexError> {
    let offsets = index.discrepancies_of(library)?.into_iter().map(|discrepancy| discrepancy.offset);
    let short = offsets.filter(|offset| !offset.is_of_view() && offset.beyond > 0 && !offset.sought);
    Ok(short.map(|offset| offset.list).collect())
}

/// Names cost a request for every [`LOOKUP`] photos and each album, the history one for some sixteen photos.
fn is_asked_by_name(lists: &[String]) -> bool {
    !lists.iter().any(|list| list == ALBUM_LIST) && lists.len() as f64 / LOOKUP as f64 <= HISTORY_PAGES
}
