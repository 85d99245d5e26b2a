//! Listing a library that is shown already: when its sync token is no longer taken, or when a person wants to be sure.
//!
//! The tree stays as it is until everything is known, and changes in one transaction. What the listing does not show is
//! looked up by name: only what the service then says is gone, or does not know, leaves.

use super::views::Target;
use super::{LibrarySync, SyncError};
use crate::index::{LibraryState, NoteKind};
use crate::photos::{Change, LOOKUP, Library, LibraryId, Member, View};

/// Requests of one album's list, roughly: most albums have fewer than a hundred photos (protocol/photos.md §11).
const ALBUM_PAGES: usize = 2;

impl LibrarySync {
    pub(super) async fn list_again(&self, state: &LibraryState) -> Result<(), SyncError> {
        let (library, id) = (&state.library, state.library.id());
        self.check_indexing(library).await?;
        let token = self.token(library).await?;
        self.on_index(move |index| index.forget_staged(&id)).await?;
        let announced = self.photos.counts(library, &View::ALL).await?;
        let of_albums = self.read_lists(library, &announced, Target::Changes).await?;
        self.stage_absent(library).await?;
        let (token, of_photos) = self.prove(library, Target::Changes, token).await?;
        self.apply_staged(library.id(), token).await?;
        let (id, missing) = (library.id(), [of_albums, of_photos].concat());
        self.on_index(move |index| {
            index.note_listed(&id, &missing)?;
            index.note(&id, NoteKind::Indexing, None)?;
            index.note_listing(&id)
        })
        .await?;
        self.seek(library).await
    }

    /// Stages what the index has and a listing has not, as the service knows it by name: also what slipped from one page to
    /// another while they were read.
    async fn stage_absent(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        let absent = self.on_index(move |index| index.absent_from_staged(&id)).await?;
        self.stage_by_name(library, &absent).await
    }

    /// Stages some records as the service knows them by name.
    pub(super) async fn stage_by_name(&self, library: &Library, names: &[String]) -> Result<(), SyncError> {
        for names in names.chunks(LOOKUP) {
            let states = self.photos.records(library, names).await?;
            let states = states.into_iter().map(|(name, state)| state.unwrap_or_else(|| Change::absent(&name)));
            self.stage(library, states.collect()).await?;
        }
        Ok(())
    }

    /// Stages memberships of assets that come back from being hidden or trashed. Lists of albums leave such members out,
    /// and nothing tells of them when they return; but the name of the relation is known (protocol/photos.md §4.4). For many
    /// assets the albums are read instead, which costs less.
    pub(super) async fn stage_rejoined(&self, id: &LibraryId) -> Result<(), SyncError> {
        let asked = id.clone();
        let (back, albums, holder) = self
            .on_index(move |index| {
                let holder = index.libraries()?.into_iter().find(|state| state.library.has_albums());
                Ok((index.returning(&asked)?, index.albums()?, holder))
            })
            .await?;
        let Some(holder) = holder.filter(|_| !back.is_empty()) else { return Ok(()) };
        if back.len() > LOOKUP * ALBUM_PAGES {
            for album in &albums {
                let members = self.members(&holder.library, album, 0).await?;
                self.stage_in(id, members.into_iter().map(Change::Joined).collect()).await?;
            }
            return Ok(());
        }
        let name = |asset: &String, album: &String| Member { album: album.clone(), asset: asset.clone() }.record_name();
        let names: Vec<String> =
            back.iter().flat_map(|asset| albums.iter().map(move |album| name(asset, album))).collect();
        for names in names.chunks(LOOKUP) {
            let states = self.photos.records(&holder.library, names).await?;
            self.stage_in(id, states.into_iter().filter_map(|(_, state)| state).collect()).await?;
        }
        Ok(())
    }
}
