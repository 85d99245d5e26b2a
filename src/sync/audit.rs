//! What is announced, what is listed and what is in the index, compared name by name, without changing anything.

use std::collections::BTreeSet;
use std::sync::Mutex;

use futures_util::FutureExt;

use super::{LibrarySync, SyncError, ranks};
use crate::index::LibraryState;
use crate::photos::{Album, AlbumKind, AlbumList, Change, LOOKUP, Library, Member, View};

/// One list of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAudit {
    /// Such as `visible`, `albums` or `album Norway`.
    pub list: String,
    /// `None` if the service does not tell.
    pub announced: Option<u64>,
    pub listed: u64,
    pub indexed: u64,
    /// Record names that the list has and the index has not.
    pub missing: Vec<String>,
    /// Record names that the index has, and neither the list nor the service, asked by name, has.
    pub surplus: Vec<String>,
}

impl ListAudit {
    pub fn agrees(&self) -> bool {
        let as_announced = self.announced.is_none_or(|announced| announced == self.listed);
        as_announced && self.missing.is_empty() && self.surplus.is_empty()
    }
}

/// What the index has of a list: everything, and what the list must show of it.
struct Indexed {
    all: BTreeSet<String>,
    due: BTreeSet<String>,
}

impl LibrarySync {
    /// Compares every list of a library. Reads all of them: a request for every hundred photos.
    pub async fn audit(&self, state: &LibraryState) -> Result<Vec<ListAudit>, SyncError> {
        let library = &state.library;
        self.photos.know(library);
        let announced = self.photos.counts(library, &View::ALL).await?;
        let mut audits = Vec::new();
        for (view, announced) in View::ALL.into_iter().zip(announced) {
            match self.audit_view(library, view, announced).await {
                // Not every list is kept of a shared library (protocol/photos.md §1.3).
                Err(error) if error.is_bad_request() && !library.has_albums() => {}
                audit => audits.push(audit?),
            }
        }
        if library.has_albums() {
            self.audit_albums(library, &mut audits).await?;
        }
        Ok(audits)
    }

    async fn audit_view(&self, library: &Library, view: View, announced: Option<u64>) -> Result<ListAudit, SyncError> {
        let listed = self.listed(library, &view, announced).await?;
        let (id, list) = (library.id(), view.to_string());
        let all = self.on_index(move |index| index.names_in(&id, &view)).await?;
        let indexed = Indexed { due: all.clone(), all };
        self.compare_lists(library, list, announced, listed, indexed).await
    }

    async fn listed(
        &self,
        library: &Library,
        view: &View,
        announced: Option<u64>,
    ) -> Result<BTreeSet<String>, SyncError> {
        let names = Mutex::new(BTreeSet::new());
        let page = |rank| {
            let names = &names;
            async move {
                let page = self.photos.names(library, view, rank).await?;
                let mut names = names.lock().expect("no panic while held");
                let (known, ranks) = (names.len(), page.len() as u64);
                names.extend(page);
                Ok(ranks::Covered { ranks, new: (names.len() - known) as u64 })
            }
            .boxed()
        };
        let endless = || SyncError::Endless { library: library.id().0 };
        ranks::walk(announced.unwrap_or(0), view.stride(), &page, endless).await?;
        Ok(names.into_inner().expect("no panic while held"))
    }

    async fn audit_albums(&self, library: &Library, audits: &mut Vec<ListAudit>) -> Result<(), SyncError> {
        let AlbumList { albums, roots } = self.photos.albums(library).await?;
        let listed: BTreeSet<String> = albums.iter().map(|album| album.name.clone()).collect();
        // The pseudo folders may be counted.
        let seen = listed.len() as u64;
        let announced = self.photos.album_count(library).await?;
        let announced = announced.map(|count| if (seen..=seen + roots).contains(&count) { seen } else { count });
        let id = library.id();
        let all = self.on_index(move |index| index.album_names(&id)).await?;
        let indexed = Indexed { due: all.clone(), all };
        audits.push(self.compare_lists(library, "albums".into(), announced, listed, indexed).await?);
        let albums: Vec<Album> = albums.into_iter().filter(|album| album.kind == AlbumKind::Album).collect();
        let views: Vec<View> = albums.iter().map(|album| View::Album(album.name.clone())).collect();
        let counts = self.photos.counts(library, &views).await?;
        for (album, announced) in albums.into_iter().zip(counts) {
            audits.push(self.audit_album(library, album, announced).await?);
        }
        Ok(())
    }

    /// Whether its list shows members that are hidden is not known: they may be there or not.
    async fn audit_album(
        &self,
        library: &Library,
        album: Album,
        announced: Option<u64>,
    ) -> Result<ListAudit, SyncError> {
        let members = self.members(library, &album.name, announced.unwrap_or(0)).await?;
        let listed = members.iter().map(Member::record_name).collect();
        let name = album.name.clone();
        let (all, due) =
            self.on_index(move |index| Ok((index.members(&name, false)?, index.members(&name, true)?))).await?;
        let list = format!("album {}", album.title.as_deref().unwrap_or("Untitled Album"));
        self.compare_lists(library, list, announced, listed, Indexed { all, due }).await
    }

    async fn compare_lists(
        &self,
        library: &Library,
        list: String,
        announced: Option<u64>,
        listed: BTreeSet<String>,
        indexed: Indexed,
    ) -> Result<ListAudit, SyncError> {
        let missing = listed.difference(&indexed.all).cloned().collect();
        let surplus: Vec<String> = indexed.due.difference(&listed).cloned().collect();
        let surplus = self.not_known(library, surplus).await?;
        let (listed, indexed) = (listed.len() as u64, indexed.all.len() as u64);
        Ok(ListAudit { list, announced, listed, indexed, missing, surplus })
    }

    /// Those of some records that the service does not have either, or has elsewhere. What no list shows may be there all
    /// the same: the frames of a burst that are not its pick (protocol/photos.md §2.2).
    async fn not_known(&self, library: &Library, names: Vec<String>) -> Result<Vec<String>, SyncError> {
        let mut unknown = Vec::new();
        for names in names.chunks(LOOKUP) {
            let states = self.photos.records(library, names).await?;
            let is_unlisted = |state: &Option<Change>| match state {
                Some(Change::Asset(asset)) => asset.burst.is_some() && !asset.trashed && !asset.hidden,
                _ => false,
            };
            unknown.extend(states.into_iter().filter(|(_, state)| !is_unlisted(state)).map(|(name, _)| name));
        }
        Ok(unknown)
    }
}
