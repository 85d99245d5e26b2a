//! Albums and who is in them, proven against what the service announces.
//!
//! A list that is short is read again; one that stays so is settled by the library's history, which holds every album and
//! every membership (protocol/photos.md §3.5). What even that does not show is told to the person.
//!
//! Memberships come from the lists of the albums, unless the history costs less ([`history_is_cheaper`]).

mod history;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::views::Target;
use super::{LibrarySync, Progress, SyncError, ranks};
use crate::index::Offset;
use crate::photos::{Album, AlbumKind, AlbumList, Change, Library, Member, View};

/// How often a list that is shorter than announced is read.
const READINGS: usize = 3;
/// How many photos an album may lack of those announced before the history is read for it: counts can be stale for good
/// (protocol/photos.md §2.4), and the history of 100,000 photos costs 6,000 requests. Fewer are told.
const BELIEVABLE: u64 = 5;
/// Pages of history for each asset: 450 were measured for 7,300 (protocol/photos.md §3.5).
pub(super) const HISTORY_PAGES: f64 = 450.0 / 7_300.0;

/// Pages of lists that are under way together (protocol/photos.md §2.5).
const TOGETHER: f64 = 8.0;
/// Folders that stand for the top level: they may be counted as albums (protocol/photos.md §2.3).
pub(super) const PSEUDO_FOLDERS: u64 = 2;

/// Under which it is remembered how many more are announced than there are.
pub(super) fn beyond_key(library: &Library) -> String {
    format!("albums beyond {}", library.zone.name)
}

/// Albums, and how many members of each are announced.
type Announced = Vec<(Album, u64)>;

/// An album whose list stays short: members seen, members announced.
type ShortAlbum = (Album, u64, u64);
type Short = Vec<ShortAlbum>;

impl LibrarySync {
    /// Reads all albums of a library with their members; gives what is announced and not in their lists.
    ///
    /// `assets` is how many the library has.
    pub(super) async fn read_albums(
        &self,
        library: &Library,
        assets: u64,
        target: Target,
    ) -> Result<Vec<Offset>, SyncError> {
        if !library.has_albums() {
            return Ok(Vec::new());
        }
        let listed = self.list_of_albums(library).await?;
        let Some(listed) = listed else { return self.albums_of_history(library, target).await };
        let announced = self.announced_members(library, listed).await?;
        let albums: Vec<Album> = announced.iter().map(|(album, _)| album.clone()).collect();
        self.take_albums(library, target, albums, Vec::new(), None).await?;
        let members = announced.iter().map(|(_, count)| *count);
        if history_is_cheaper(assets, members) {
            return self.albums_of_history(library, target).await;
        }
        let short = self.read_members(library, announced, target).await?;
        match short.iter().any(|(_, seen, announced)| announced - seen > BELIEVABLE) {
            true => self.albums_of_history(library, target).await,
            false => Ok(offsets(&short, false)),
        }
    }

    /// All albums and folders; `None` if their list stays shorter than announced.
    async fn list_of_albums(&self, library: &Library) -> Result<Option<Vec<Album>>, SyncError> {
        let mut before = None;
        for _ in 0..READINGS {
            let announced = self.photos.album_count(library).await?.unwrap_or(0);
            let AlbumList { albums, roots } = self.photos.albums(library).await?;
            let names: BTreeSet<String> = albums.iter().map(|album| album.name.clone()).collect();
            let seen = names.len() as u64;
            // The pseudo folders may be counted; then two readings must agree.
            if seen >= announced || (seen + roots >= announced && before.as_ref() == Some(&names)) {
                self.know_beyond(library, announced.cast_signed() - seen.cast_signed()).await?;
                return Ok(Some(albums));
            }
            tracing::warn!(library = library.zone.name, seen, announced, "albums are missing from their list");
            before = Some(names);
        }
        Ok(None)
    }

    async fn know_beyond(&self, library: &Library, beyond: i64) -> Result<(), SyncError> {
        let key = beyond_key(library);
        self.on_index(move |index| index.remember(&key, &beyond.to_string())).await
    }

    async fn announced_members(&self, library: &Library, albums: Vec<Album>) -> Result<Announced, SyncError> {
        let lists = albums.iter().filter(|album| album.kind == AlbumKind::Album);
        let views: Vec<View> = lists.map(|album| View::Album(album.name.clone())).collect();
        let mut counts = self.photos.counts(library, &views).await?.into_iter();
        let mut announced = |album: &Album| match album.kind {
            AlbumKind::Album => counts.next().flatten().unwrap_or(0),
            _ => 0,
        };
        Ok(albums.into_iter().map(|album| (announced(&album), album)).map(|(count, album)| (album, count)).collect())
    }

    /// Reads the lists of all albums; gives those that stay short of as many as are announced before and after. What left an
    /// album or joined it meanwhile is not missing: its list is read again, and at last that is left to the changes.
    async fn read_members(&self, library: &Library, announced: Announced, target: Target) -> Result<Short, SyncError> {
        let mut lists: Vec<_> = announced.into_iter().filter(|(album, _)| album.kind == AlbumKind::Album).collect();
        let mut short = Vec::new();
        for _ in 0..READINGS {
            let read = self.read_each(library, lists, target).await?;
            lists = Vec::new();
            for (before, (album, seen, announced)) in self.counted_again(library, read).await? {
                match seen < announced {
                    true if announced == before => short.push((album, seen, announced)),
                    true => lists.push((album, announced)),
                    false => {}
                }
            }
            if lists.is_empty() {
                break;
            }
        }
        Ok(short)
    }

    /// Reads the lists of some albums; gives those that are short.
    async fn read_each(&self, library: &Library, lists: Announced, target: Target) -> Result<Short, SyncError> {
        let (done, total) = (AtomicU64::new(0), lists.len() as u64);
        let shorts: Vec<_> = stream::iter(lists)
            .map(|(album, announced)| {
                let done = &done;
                async move {
                    let seen = self.read_album(library, &album.name, announced, target).await?;
                    let (library, read) = (library.id().0, done.fetch_add(1, Ordering::Relaxed) + 1);
                    self.tell_albums(Progress::Albums { library, seen: read, announced: total });
                    Ok::<_, SyncError>((seen < announced).then_some((album, seen, announced)))
                }
                .boxed()
            })
            .buffer_unordered(ranks::PARALLEL)
            .try_collect()
            .await?;
        Ok(shorts.into_iter().flatten().collect())
    }

    /// Albums with as many members as are announced by now, and as were before.
    async fn counted_again(&self, library: &Library, short: Short) -> Result<Vec<(u64, ShortAlbum)>, SyncError> {
        let views: Vec<View> = short.iter().map(|(album, ..)| View::Album(album.name.clone())).collect();
        let counts = self.photos.counts(library, &views).await?;
        let counted = short.into_iter().zip(counts);
        Ok(counted.map(|((album, seen, before), count)| (before, (album, seen, count.unwrap_or(0)))).collect())
    }

    /// Counts all albums again once the changes are in, and reads those that differ. Whoever reads a list while one photo leaves it
    /// and another joins it can miss a third, and see as many as were announced.
    pub(super) async fn recount_albums(&self, library: &Library) -> Result<(), SyncError> {
        if !library.has_albums() {
            return Ok(());
        }
        let albums = self.on_index(|index| index.albums()).await?;
        let views: Vec<View> = albums.iter().cloned().map(View::Album).collect();
        let counts = self.photos.counts(library, &views).await?;
        for (album, announced) in albums.into_iter().zip(counts) {
            let name = album.clone();
            if let Some(announced) = announced
                && !self.on_index(move |index| index.expected_members(&name)).await?.contains(&announced)
            {
                let members = self.members(library, &album, announced).await?.into_iter().collect();
                self.take_albums(library, Target::Listing, Vec::new(), members, None).await?;
            }
        }
        Ok(())
    }

    /// Of what is read side by side photos take longer: one bar, not two by turns.
    fn tell_albums(&self, albums: Progress) {
        self.progress.send_if_modified(|now| {
            let is_told = !now.has_photos_to_read();
            if is_told {
                *now = albums;
            }
            is_told
        });
    }

    /// Reads one album; gives how many members were seen.
    async fn read_album(
        &self,
        library: &Library,
        album: &str,
        announced: u64,
        target: Target,
    ) -> Result<u64, SyncError> {
        if target == Target::Listing
            && let Some(seen) = self.walked_album(library, album).await?
        {
            // It was whole; what joined since is among the changes.
            return Ok(seen.max(announced));
        }
        let mut members = BTreeSet::new();
        for _ in 0..READINGS {
            members.extend(self.members(library, album, announced).await?);
            if members.len() as u64 >= announced {
                break;
            }
        }
        let seen = members.len() as u64;
        let whole = (seen >= announced).then(|| album.to_owned());
        self.take_albums(library, target, Vec::new(), members.into_iter().collect(), whole).await?;
        Ok(seen)
    }

    async fn walked_album(&self, library: &Library, album: &str) -> Result<Option<u64>, SyncError> {
        let (id, album) = (library.id(), album.to_owned());
        Ok(self.on_index(move |index| index.walked(&id, &album)).await?.get(&0).copied())
    }

    /// The members of an album, as its list has them.
    pub(super) async fn members(
        &self,
        library: &Library,
        album: &str,
        announced: u64,
    ) -> Result<BTreeSet<Member>, SyncError> {
        let members = Mutex::new(BTreeSet::new());
        let page = |rank| {
            let members = &members;
            async move {
                let page = self.photos.members(library, album, rank).await?.members;
                let mut members = members.lock().expect("no panic while held");
                let (known, ranks) = (members.len(), page.len() as u64);
                members.extend(page);
                Ok(ranks::Covered { ranks, new: (members.len() - known) as u64 })
            }
            .boxed()
        };
        let endless = || SyncError::Endless { library: library.id().0 };
        ranks::walk(announced, View::MEMBERS, &page, endless).await?;
        Ok(members.into_inner().expect("no panic while held"))
    }

    async fn take_albums(
        &self,
        library: &Library,
        target: Target,
        albums: Vec<Album>,
        members: Vec<Member>,
        whole: Option<String>,
    ) -> Result<(), SyncError> {
        let id = library.id();
        self.on_index(move |index| match target {
            Target::Listing => index.stage_albums(&id, &albums, &members, whole.as_deref()),
            Target::Changes => {
                let members = members.into_iter().map(Change::Joined);
                let changes: Vec<Change> = albums.into_iter().map(Change::Album).chain(members).collect();
                index.stage_changes(&id, &changes).map(|_| ())
            }
        })
        .await
    }
}

/// Whether a library's history costs less than the lists of its albums, by the time that each takes.
///
/// An album's list has 66 photos a page, and a last page that is empty; peers have 8 pages under way together (§2.5). The
/// history has 450 pages for 7,300 photos and goes page by page. So lists cost less up to some thirty memberships for each
/// photo: 100,000 photos in 200 albums of 500 are 1,800 pages, in the time of 225; their history is 6,200.
fn history_is_cheaper(assets: u64, members: impl Iterator<Item = u64>) -> bool {
    let lists: u64 = members.map(|count| count.div_ceil(View::MEMBERS) + 1).sum();
    lists as f64 / TOGETHER > assets as f64 * HISTORY_PAGES + 1.0
}

/// How many members are missing from which albums.
fn offsets(short: &Short, sought: bool) -> Vec<Offset> {
    let offset = |(album, seen, announced): &ShortAlbum| Offset {
        list: album.name.clone(),
        beyond: (announced - seen).cast_signed(),
        sought,
    };
    short.iter().map(offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_unless_photos_are_in_very_many_albums() {
        assert!(!history_is_cheaper(100_000, (0..200).map(|_| 500)));
        assert!(!history_is_cheaper(325_000, (0..198).map(|_| 1_000)));
        assert!(!history_is_cheaper(1_000, (0..40).map(|_| 300)));
        assert!(history_is_cheaper(1_000, (0..2_000).map(|_| 1)), "two thousand albums of one photo");
        assert!(history_is_cheaper(1_000, (0..100).map(|_| 1_000)));
    }
}
