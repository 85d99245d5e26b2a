//! After a round of changes: what iCloud announces, against what is here. A change that was never told shows in a count; what
//! differs is listed again. Counts can be stale for good (protocol/photos.md §2.4), so what differs after that is let be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{LibrarySync, SyncError, albums, listing};
use crate::index::{LibraryState, NoteKind};
use crate::photos::{AlbumList, Change, Library, LibraryId, Member, View};

/// Between two listings that counts cause: a listing costs a request for every hundred photos.
const LIST_AGAIN: Duration = Duration::from_secs(86_400);
/// Albums counted in a round, by turns: with the views they are one request of fifty counts.
const ALBUMS: usize = 47;

/// How the views of a library differ from what is announced.
struct Difference {
    /// Empty if they do not.
    text: String,
    short: Option<listing::Shortfall>,
}

impl LibrarySync {
    /// Compares a library that changed. If photos are missing or too many, it is listed again, at most once a day; what is
    /// missing then is told to the person. Albums that differ are read again by themselves.
    pub(super) async fn compare(&self, state: &LibraryState) -> Result<(), SyncError> {
        let library = &state.library;
        let albums = self.next_albums(library).await?;
        let views = albums.iter().cloned().map(View::Album);
        let counts = self.photos.counts(library, &View::ALL.into_iter().chain(views).collect::<Vec<_>>()).await?;
        let (views, members) = counts.split_at(View::ALL.len());
        let mut difference = self.difference(library, views).await?;
        let is_worth_a_listing = self.is_worth_a_listing(library, &difference).await?;
        if is_worth_a_listing && let Err(SyncError::Indexing { progress, .. }) = self.check_indexing(library).await {
            return self.put_off(library, progress).await;
        }
        if is_worth_a_listing && self.may_list_again(&library.id()) {
            tracing::warn!(library = library.zone.name, difference.text, "not what iCloud announces: listing again");
            self.list_again(state).await?;
            difference = self.difference(library, &self.photos.counts(library, &View::ALL).await?).await?;
            let (key, text) = (difference_key(library), difference.text.clone());
            self.on_index(move |index| index.remember(&key, &text)).await?;
        } else if library.has_albums() {
            self.compare_albums(library, albums.into_iter().zip(members.iter().copied())).await?;
        }
        self.tell_shortfall(library, difference).await
    }

    async fn tell_shortfall(&self, library: &Library, difference: Difference) -> Result<(), SyncError> {
        let note = difference.short.map(|short| format!("photos are missing: {}", short.error(library)));
        let id = library.id();
        self.on_index(move |index| index.note(&id, NoteKind::Photos, note.as_deref())).await
    }

    /// While the service prepares its lists, counts say nothing; the next round with news compares them.
    async fn put_off(&self, library: &Library, percent: i64) -> Result<(), SyncError> {
        let note = format!("iCloud prepares its list ({percent} %): what it announces is not compared");
        let id = library.id();
        self.on_index(move |index| index.note(&id, NoteKind::Photos, Some(&note))).await
    }

    async fn difference(&self, library: &Library, announced: &[Option<u64>]) -> Result<Difference, SyncError> {
        let id = library.id();
        let (seen, expected) =
            self.on_index(move |index| Ok((index.listed_counts(&id)?, index.expected_views(&id)?))).await?;
        let differs = |((view, announced), expected): ((View, &Option<u64>), std::ops::RangeInclusive<u64>)| {
            let announced = announced.filter(|announced| !expected.contains(announced))?;
            Some(format!("{announced} {view}, here {} to {}", expected.start(), expected.end()))
        };
        let texts: Vec<String> = View::ALL.into_iter().zip(announced).zip(expected).filter_map(differs).collect();
        Ok(Difference { text: texts.join("; "), short: listing::shortfall(announced, &seen) })
    }

    /// Not, if it differs as it did after the latest one.
    async fn is_worth_a_listing(&self, library: &Library, difference: &Difference) -> Result<bool, SyncError> {
        let key = difference_key(library);
        let known = self.on_index(move |index| index.remembered(&key)).await?.unwrap_or_default();
        Ok(!difference.text.is_empty() && difference.text != known)
    }

    pub(super) fn may_list_again(&self, id: &LibraryId) -> bool {
        let mut listed = self.listed_again.lock().expect("no panic while held");
        let due = listed.get(id).is_none_or(|at| at.elapsed() > LIST_AGAIN);
        if due {
            listed.insert(id.clone(), Instant::now());
        }
        due
    }

    /// The albums whose turn it is to be counted.
    async fn next_albums(&self, library: &Library) -> Result<Vec<String>, SyncError> {
        if !library.has_albums() {
            return Ok(Vec::new());
        }
        let all = self.on_index(|index| index.albums()).await?;
        let count = ALBUMS.min(all.len());
        let begin = {
            let mut next = self.next_album.lock().expect("no panic while held");
            let begin = *next;
            *next = begin.wrapping_add(count);
            begin
        };
        Ok((0..count).map(|n| all[(begin + n) % all.len()].clone()).collect())
    }

    async fn compare_albums(
        &self,
        library: &Library,
        counted: impl Iterator<Item = (String, Option<u64>)>,
    ) -> Result<(), SyncError> {
        let doubted = self.on_index(|index| index.doubted_albums()).await?;
        let mut stale: BTreeMap<String, u64> = doubted.into_iter().map(|album| (album, 0)).collect();
        for (album, announced) in counted {
            if let Some(announced) = announced
                && !self.may_announce(&album, announced).await?
            {
                stale.insert(album, announced);
            }
        }
        let is_list_stale = self.is_album_list_stale(library).await?;
        if stale.is_empty() && !is_list_stale {
            return Ok(());
        }
        tracing::warn!(library = library.zone.name, albums = stale.len(), is_list_stale, "albums are read again");
        if is_list_stale {
            self.stage_album_list(library).await?;
        }
        for (album, announced) in &stale {
            self.stage_album(library, album, *announced).await?;
        }
        self.apply_beside_token(library).await?;
        if is_list_stale {
            self.settle_album_list(library).await?;
        }
        self.on_index(move |index| {
            stale.iter().try_for_each(|(album, announced)| index.settle_album(album, *announced))
        })
        .await
    }

    pub(super) async fn may_announce(&self, album: &str, announced: u64) -> Result<bool, SyncError> {
        let album = album.to_owned();
        self.on_index(move |index| index.may_announce(&album, announced)).await
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

    async fn is_album_list_stale(&self, library: &Library) -> Result<bool, SyncError> {
        let Some(announced) = self.photos.album_count(library).await? else { return Ok(false) };
        let (here, beyond) = self.albums_here(library).await?;
        Ok(match beyond {
            Some(beyond) => announced.cast_signed() != here.cast_signed() + beyond,
            None => !(here..=here + albums::PSEUDO_FOLDERS).contains(&announced),
        })
    }

    /// Albums that are here, and how many more are announced when all are, if that is known.
    async fn albums_here(&self, library: &Library) -> Result<(u64, Option<i64>), SyncError> {
        let (id, key) = (library.id(), albums::beyond_key(library));
        self.on_index(move |index| {
            let beyond = index.remembered(&key)?.and_then(|beyond| beyond.parse().ok());
            Ok((index.listed_albums(&id)?.len() as u64, beyond))
        })
        .await
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

    /// What is announced of albums when all that can be listed are here.
    async fn settle_album_list(&self, library: &Library) -> Result<(), SyncError> {
        let Some(announced) = self.photos.album_count(library).await? else { return Ok(()) };
        let (here, _) = self.albums_here(library).await?;
        let key = albums::beyond_key(library);
        let beyond = (announced.cast_signed() - here.cast_signed()).to_string();
        self.on_index(move |index| index.remember(&key, &beyond)).await
    }

    /// Applies what was staged; changes go on from where they are.
    async fn apply_beside_token(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        let states = self.on_index(|index| index.libraries()).await?;
        let state = states.into_iter().find(|state| state.library.id() == id);
        let token = state.and_then(|state| state.token).ok_or(SyncError::NoToken)?;
        self.apply_staged(id, token).await
    }
}

fn difference_key(library: &Library) -> String {
    format!("difference of {}", library.zone.name)
}
