//! After a round of changes: what iCloud announces, against what is here. A change that was never told shows in a count; what
//! differs is listed again. Counts can be stale for good (protocol/photos.md §2.4), so what differs after that is let be.

mod difference;
mod lists;

use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::{LibrarySync, SyncError};
use crate::index::{LibraryState, NoteKind, Offset};
use crate::photos::{Library, LibraryId};
pub(super) use difference::Difference;

/// Between two listings that counts cause: a listing costs a request for every hundred photos.
const LIST_AGAIN: Duration = Duration::from_secs(86_400);
/// Albums counted in a round, by turns: with the views and the list of albums they are one request of fifty counts.
pub(super) const ALBUMS: usize = 46;

impl LibrarySync {
    /// Compares a library that changed. If photos are missing or too many, it is listed again, at most once a day; albums that
    /// differ are read again by themselves. What differs after that is taken down, and what is missing then is told to the
    /// person. A library that does not keep still is compared after its next news.
    pub(super) async fn compare(&self, state: &LibraryState) -> Result<(), SyncError> {
        let library = &state.library;
        let albums = self.next_albums(library).await?;
        let Some(found) = self.settled_difference(library, &albums).await? else { return Ok(()) };
        if found.is_of_views()
            && let Err(SyncError::Indexing { progress, .. }) = self.check_indexing(library).await
        {
            return self.put_off(library, progress).await;
        }
        let is_listed = found.is_of_views() && self.may_list_again(&library.id());
        let is_read = match is_listed {
            true => self.list_again(state).await.map(|()| true)?,
            false => self.read_differing(library, &found).await?,
        };
        let rest = match is_read {
            true => self.settled_difference(library, &albums).await?,
            false => Some(found),
        };
        let Some(rest) = rest else { return Ok(()) };
        self.take_down(library, rest.offsets(is_listed)).await?;
        self.seek(library).await
    }

    /// How a library differs from what is announced of it, once that is of one moment.
    pub(super) async fn settled_difference(
        &self,
        library: &Library,
        albums: &[String],
    ) -> Result<Option<Difference>, SyncError> {
        let compare = || self.difference(library, albums).boxed();
        self.settled(compare, Difference::is_none, || self.catch_up(library).boxed()).await
    }

    /// Takes down how lists are off by counts that say something.
    pub(super) async fn take_down(&self, library: &Library, offsets: Vec<Offset>) -> Result<(), SyncError> {
        let id = library.id();
        self.on_index(move |index| {
            offsets.iter().try_for_each(|offset| index.note_offset(&id, offset))?;
            index.note(&id, NoteKind::Indexing, None)
        })
        .await
    }

    /// While the service prepares its lists, counts say nothing; the next round with news compares them.
    async fn put_off(&self, library: &Library, percent: i64) -> Result<(), SyncError> {
        let note = format!("iCloud prepares its list ({percent} %): what it announces is not compared");
        let id = library.id();
        self.on_index(move |index| index.note(&id, NoteKind::Indexing, Some(&note))).await
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
}
