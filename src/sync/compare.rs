//! After a round of changes: what iCloud announces, against what is here. A change that was never told shows in a count; what
//! differs is listed again. Counts can be stale for good (protocol/photos.md §2.4), so what differs after that is let be.

mod difference;
mod lists;

use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::{LibrarySync, SyncError};
use crate::index::{LibraryState, NoteKind};
use crate::photos::{Library, LibraryId};
use difference::Difference;

/// Between two listings that counts cause: a listing costs a request for every hundred photos.
const LIST_AGAIN: Duration = Duration::from_secs(86_400);
/// Albums counted in a round, by turns: with the views and the list of albums they are one request of fifty counts.
const ALBUMS: usize = 46;

impl LibrarySync {
    /// Compares a library that changed. If photos are missing or too many, it is listed again, at most once a day; albums that
    /// differ are read again by themselves. What differs after that is remembered, and what is missing then is told to the
    /// person. A library that does not keep still is compared after its next news.
    pub(super) async fn compare(&self, state: &LibraryState) -> Result<(), SyncError> {
        let library = &state.library;
        let albums = self.next_albums(library).await?;
        let Some(found) = self.settled_difference(library, &albums).await? else { return Ok(()) };
        if !found.is_known
            && let Err(SyncError::Indexing { progress, .. }) = self.check_indexing(library).await
        {
            return self.put_off(library, progress).await;
        }
        let is_listed = !found.is_known && self.may_list_again(&library.id());
        let read = match is_listed {
            true => {
                tracing::warn!(library = library.zone.name, found.views, "not what iCloud announces: listing again");
                self.list_again(state).await?;
                albums.clone()
            }
            false => self.read_differing(library, &found).await?,
        };
        if !is_listed && read.is_empty() && found.list.is_none() {
            return self.take_note(library, found, false).await;
        }
        let Some(rest) = self.settled_difference(library, &albums).await? else { return Ok(()) };
        let list = rest.list.filter(|_| is_listed || found.list.is_some());
        self.settle_lists(library, &rest, read, list).await?;
        self.take_note(library, rest, is_listed).await
    }

    /// How a library differs from what is announced of it, once that is of one moment.
    async fn settled_difference(&self, library: &Library, albums: &[String]) -> Result<Option<Difference>, SyncError> {
        let compare = || self.difference(library, albums).boxed();
        self.settled(compare, Difference::is_none, || self.catch_up(library).boxed()).await
    }

    /// Remembers how the views differ, if they are as they are listed, and tells the person what is missing.
    async fn take_note(&self, library: &Library, difference: Difference, is_listed: bool) -> Result<(), SyncError> {
        let note = difference.short.map(|short| format!("photos are missing: {}", short.error(library)));
        let (id, key) = (library.id(), difference::key(library));
        let views = difference.views;
        self.on_index(move |index| {
            if is_listed || (views.is_empty() && index.remembered(&key)?.is_some_and(|known| !known.is_empty())) {
                index.remember(&key, &views)?;
            }
            index.note(&id, NoteKind::Photos, note.as_deref())
        })
        .await
    }

    /// While the service prepares its lists, counts say nothing; the next round with news compares them.
    async fn put_off(&self, library: &Library, percent: i64) -> Result<(), SyncError> {
        let note = format!("iCloud prepares its list ({percent} %): what it announces is not compared");
        let id = library.id();
        self.on_index(move |index| index.note(&id, NoteKind::Photos, Some(&note))).await
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
