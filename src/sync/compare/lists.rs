//! Albums that are not as they are announced, read again by themselves.

use std::collections::BTreeSet;

use super::difference::Difference;
use crate::photos::{AlbumList, Change, Library, Member};
use crate::sync::{LibrarySync, SyncError};

impl LibrarySync {
    /// Reads the albums that differ and those that are in doubt, and the list of albums if that differs; gives whether there was
    /// anything to read.
    pub(super) async fn read_differing(&self, library: &Library, found: &Difference) -> Result<bool, SyncError> {
        if !library.has_albums() {
            return Ok(false);
        }
        let doubted = self.on_index(|index| index.doubted_albums()).await?;
        let (mut read, is_list_stale) = (found.albums(), found.is_of_album_list());
        doubted.into_iter().for_each(|album| _ = read.entry(album).or_default());
        if read.is_empty() && !is_list_stale {
            return Ok(false);
        }
        tracing::warn!(library = library.zone.name, albums = read.len(), is_list_stale, "albums are read again");
        if is_list_stale {
            self.stage_album_list(library).await?;
        }
        for (album, announced) in &read {
            self.stage_album(library, album, *announced).await?;
        }
        // Changes go on from where they are.
        let token = self.token_here(library).await?;
        self.apply_staged(library.id(), token).await?;
        Ok(true)
    }

    /// Stages an album's members as its list has them; those it lacks, as the service knows them by name.
    async fn stage_album(&self, library: &Library, album: &str, announced: u64) -> Result<(), SyncError> {
        let listed = self.members(library, album, announced).await?;
        let name = album.to_owned();
        let mut absent = self
            .on_index(move |index| {
                index.trust_album(&name)?;
                index.members(&name, true)
            })
            .await?;
        let there: BTreeSet<String> = listed.iter().map(Member::record_name).collect();
        absent.retain(|name| !there.contains(name));
        self.stage(library, listed.into_iter().map(Change::Joined).collect()).await?;
        self.stage_by_name(library, &absent.into_iter().collect::<Vec<_>>()).await
    }

    async fn stage_album_list(&self, library: &Library) -> Result<(), SyncError> {
        let AlbumList { albums, .. } = self.photos.albums(library).await?;
        let id = library.id();
        let mut absent = self.on_index(move |index| index.listed_albums(&id)).await?;
        let there: BTreeSet<&String> = albums.iter().map(|album| &album.name).collect();
        absent.retain(|name| !there.contains(name));
        self.stage(library, albums.into_iter().map(Change::Album).collect()).await?;
        self.stage_by_name(library, &absent.into_iter().collect::<Vec<_>>()).await
    }
}
