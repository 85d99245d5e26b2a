//! Listing a library that is shown already: when its sync token is no longer taken, or when a person wants to be sure.
//!
//! The tree stays as it is until everything is known, and changes in one transaction. What the listing does not show is
//! looked up by name: only what the service then says is gone, or does not know, leaves.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::{LibrarySync, SyncError, listing};
use crate::index::{LibraryState, ViewCounts};
use crate::photos::{AlbumKind, Change, Library, LibraryId, Member, View};

/// Between two listings that stale counts would cause: a listing costs a request for every hundred photos.
const LIST_AGAIN: Duration = Duration::from_secs(86_400);

impl LibrarySync {
    pub(super) async fn list_again(&self, state: &LibraryState) -> Result<(), SyncError> {
        let library = &state.library;
        let token = self.photos.page(library, &View::Visible, 0).await?.token.ok_or(SyncError::NoToken)?;
        let mut changes = self.all_albums(library).await?;
        changes.extend(self.all_assets(library).await?);
        changes.extend(self.absent(library, &changes).await?);
        let (since, token) = self.changes_since(library, &token).await?;
        changes.extend(since);
        self.apply(library.id(), changes, token).await
    }

    /// Compares a library that changed with what the service announces of it. If photos are missing, a change was not told:
    /// the library is listed again, at most once a day; what is missing then is told to the person.
    pub(super) async fn compare(&self, state: &LibraryState) -> Result<(), SyncError> {
        let library = &state.library;
        let mut short = self.missing(library).await?;
        if short.is_some() && self.may_list_again(&library.id()) {
            tracing::warn!(library = library.zone.name, "fewer photos than iCloud announces: listing again");
            self.list_again(state).await?;
            short = self.missing(library).await?;
        }
        let (id, note) = (library.id(), short.map(|short| short.error(library).to_string()));
        self.on_index(move |index| index.note_shortfall(&id, note.as_deref())).await
    }

    async fn missing(&self, library: &Library) -> Result<Option<listing::Shortfall>, SyncError> {
        let announced = self.photos.counts(library, &View::ALL).await?;
        let id = library.id();
        let seen = self.on_index(move |index| index.view_counts(&id)).await?;
        Ok(listing::shortfall(&announced, &seen))
    }

    fn may_list_again(&self, id: &LibraryId) -> bool {
        let mut listed = self.listed_again.lock().expect("no panic while held");
        let due = listed.get(id).is_none_or(|at| at.elapsed() > LIST_AGAIN);
        if due {
            listed.insert(id.clone(), Instant::now());
        }
        due
    }

    async fn all_assets(&self, library: &Library) -> Result<Vec<Change>, SyncError> {
        let announced = self.photos.counts(library, &View::ALL).await?;
        let changes = Mutex::new(Vec::new());
        self.walk_views(library, &announced, &|page| {
            let mut changes = changes.lock().expect("no panic while held");
            changes.extend(page.masters.into_iter().map(|master| Change::Master(Box::new(master))));
            changes.extend(page.assets.into_iter().map(|asset| Change::Asset(Box::new(asset))));
            std::future::ready(Ok(())).boxed()
        })
        .await?;
        let changes = changes.into_inner().expect("no panic while held");
        match listing::shortfall(&announced, &counts(&changes)) {
            None => Ok(changes),
            Some(short) => Err(short.error(library)),
        }
    }

    async fn all_albums(&self, library: &Library) -> Result<Vec<Change>, SyncError> {
        let mut changes = Vec::new();
        for album in self.photos.albums(library).await? {
            let members = match album.kind {
                AlbumKind::Album => self.members(library, &album.name).await?,
                _ => Vec::new(),
            };
            changes.push(Change::Album(album));
            changes.extend(members.into_iter().map(Change::Joined));
        }
        Ok(changes)
    }

    /// What the index has and a listing has not, as the service knows it by name.
    async fn absent(&self, library: &Library, seen: &[Change]) -> Result<Vec<Change>, SyncError> {
        let seen: BTreeSet<String> = seen.iter().filter_map(record_name).collect();
        let id = library.id();
        let absent = self.on_index(move |index| index.record_names(&id)).await?;
        let absent: Vec<String> = absent.into_iter().filter(|name| !seen.contains(name)).collect();
        let states = self.photos.records(library, &absent).await?;
        Ok(states.into_iter().map(|(name, state)| state.unwrap_or_else(|| Change::tombstone(&name))).collect())
    }

    /// Memberships of assets that come back from being hidden or trashed. Lists of albums leave such members out, and nothing
    /// tells of them when they return; but the name of the relation is known (protocol/photos.md §4.4).
    pub(super) async fn rejoined(&self, id: &LibraryId, changes: &[Change]) -> Result<Vec<Change>, SyncError> {
        let visible: Vec<String> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Asset(asset) if !asset.trashed && !asset.hidden => Some(asset.name.clone()),
                _ => None,
            })
            .collect();
        let id = id.clone();
        let (back, albums, holder) = self
            .on_index(move |index| {
                let holder = index.libraries()?.into_iter().find(|state| state.library.has_albums());
                Ok((index.absent_from_years(&id, &visible)?, index.albums()?, holder))
            })
            .await?;
        let Some(holder) = holder else { return Ok(Vec::new()) };
        let name = |asset: &String, album: &String| Member { album: album.clone(), asset: asset.clone() }.record_name();
        let names: Vec<String> =
            back.iter().flat_map(|asset| albums.iter().map(move |album| name(asset, album))).collect();
        let states = self.photos.records(&holder.library, &names).await?;
        Ok(states.into_iter().filter_map(|(_, state)| state).collect())
    }
}

/// The record a change is about.
fn record_name(change: &Change) -> Option<String> {
    match change {
        Change::Asset(asset) => Some(asset.name.clone()),
        Change::Album(album) => Some(album.name.clone()),
        Change::Joined(member) => Some(member.record_name()),
        _ => None,
    }
}

fn counts(changes: &[Change]) -> ViewCounts {
    let (mut visible, mut hidden, mut trashed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for change in changes {
        if let Change::Asset(asset) = change {
            let view = match (asset.trashed, asset.hidden) {
                (true, _) => &mut trashed,
                (false, true) => &mut hidden,
                (false, false) => &mut visible,
            };
            view.insert(&asset.name);
        }
    }
    let count = |set: BTreeSet<_>| set.len() as u64;
    ViewCounts { visible: count(visible), hidden: count(hidden), trashed: count(trashed), unready: 0 }
}
