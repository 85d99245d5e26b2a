//! The first listing of a library: everything, proven, then shown at once.
//!
//! What was read is in the index page by page, with the token that was taken before the first one. A process that ends
//! meanwhile costs nothing but the pages and albums under way: the next goes on from there, if the service still takes the token.

use std::time::Duration;

use super::views::Target;
use super::{LibrarySync, Progress, SyncError};
use crate::index::{NoteKind, Offset};
use crate::photos::{Change, LOOKUP, Library, Master, SyncToken, View};

/// It is asked whether the service's own lists are ready after a second, then ever less often, and so many times: an hour.
const FIRST_POLL: Duration = Duration::from_secs(1);
const LONGEST_POLL: Duration = Duration::from_secs(10);
const POLLS: usize = 360;
/// Listings during which the service began to prepare its lists anew, before that is taken for its usual state.
const UNSETTLED: usize = 3;

impl LibrarySync {
    /// Lists a library that is not shown yet, and shows it.
    pub(super) async fn list(&self, library: &Library) -> Result<(), SyncError> {
        self.wait_for_indexing(library).await?;
        let token = match self.unfinished(library).await? {
            Some(token) => token,
            None => self.begin(library).await?,
        };
        let (token, missing) = self.list_when_indexed(library, token).await?;
        self.progress.send_replace(Progress::Layout { library: library.id().0 });
        let id = library.id();
        let change = self
            .on_index(move |index| {
                index.note(&id, NoteKind::Gone, None)?;
                index.note_listed(&id, &missing)?;
                index.show(&id, &token)
            })
            .await?;
        self.progress.send_replace(Progress::Idle);
        self.tell(change);
        self.read_if_short(library).await;
        self.seek(library).await
    }

    /// Lists everything, again if the service began to prepare its lists meanwhile; gives what [`LibrarySync::list_everything`]
    /// does.
    async fn list_when_indexed(
        &self,
        library: &Library,
        mut token: SyncToken,
    ) -> Result<(SyncToken, Vec<Offset>), SyncError> {
        for _ in 0..UNSETTLED {
            let (next, missing) = self.list_everything(library, token).await?;
            token = next;
            match self.check_indexing(library).await {
                Ok(()) => return Ok((token, missing)),
                // Lists and counts that were short together would have agreed.
                Err(SyncError::Indexing { .. }) => self.forget_walked(library).await?,
                Err(error) => return Err(error),
            }
            self.wait_for_indexing(library).await?;
        }
        let listed = self.list_everything(library, token).await?;
        self.check_indexing(library).await.map(|()| listed)
    }

    /// Reads albums and photos; gives the token up to which changes are in, and what stays missing.
    async fn list_everything(
        &self,
        library: &Library,
        token: SyncToken,
    ) -> Result<(SyncToken, Vec<Offset>), SyncError> {
        let announced = self.photos.counts(library, &View::ALL).await?;
        let of_albums = self.read_lists(library, &announced, Target::Listing).await?;
        let (token, of_photos) = self.prove(library, Target::Listing, token).await?;
        self.recount_albums(library).await?;
        Ok((token, [of_albums, of_photos].concat()))
    }

    async fn wait_for_indexing(&self, library: &Library) -> Result<(), SyncError> {
        let mut pause = FIRST_POLL;
        for _ in 0..POLLS {
            match self.check_indexing(library).await {
                Err(SyncError::Indexing { library, progress }) => {
                    self.progress.send_replace(Progress::Waiting { library, percent: progress });
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_POLL);
        }
        self.check_indexing(library).await
    }

    /// Whether the service's own lists of a library are whole; else they may be short without a sign (protocol/photos.md §1.4).
    pub(super) async fn check_indexing(&self, library: &Library) -> Result<(), SyncError> {
        let state = self.photos.indexing(library).await?;
        match state.finished {
            true => Ok(()),
            false => Err(SyncError::Indexing { library: library.id().0, progress: state.progress }),
        }
    }

    /// Begins a listing. The token comes before the first page: what changes from here on is replayed from it.
    async fn begin(&self, library: &Library) -> Result<SyncToken, SyncError> {
        let token = self.token(library).await?;
        let (library, kept) = (library.clone(), token.clone());
        self.on_index(move |index| index.begin_listing(&library, Some(&kept))).await?;
        Ok(token)
    }

    /// The token of the moment.
    pub(super) async fn token(&self, library: &Library) -> Result<SyncToken, SyncError> {
        self.photos.page(library, &View::Visible, 0).await?.token.ok_or(SyncError::NoToken)
    }

    /// The token that an unfinished listing goes on from, if there is one that the service still takes.
    async fn unfinished(&self, library: &Library) -> Result<Option<SyncToken>, SyncError> {
        let id = library.id();
        let Some(token) = self.on_index(move |index| index.unfinished_listing(&id)).await? else { return Ok(None) };
        match self.photos.changes(library, Some(&token)).await.map_err(SyncError::from) {
            Ok(_) => Ok(Some(token)),
            Err(error) if error.is_bad_request() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the masters of assets that came without theirs.
    pub(super) async fn hydrate(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        let missing = self.on_index(move |index| index.missing_masters(&id)).await?;
        for names in missing.chunks(LOOKUP) {
            let masters = self.masters(library, names).await?;
            let id = library.id();
            self.on_index(move |index| index.stage(&id, &[], &masters)).await?;
        }
        Ok(())
    }

    /// Masters by name, as far as the service has them.
    pub(super) async fn masters(&self, library: &Library, names: &[String]) -> Result<Vec<Master>, SyncError> {
        let mut masters = Vec::new();
        for (name, state) in self.photos.records(library, names).await? {
            match state {
                Some(Change::Master(master)) => masters.push(*master),
                _ => tracing::warn!(library = library.zone.name, master = name, "a photo without its file record"),
            }
        }
        Ok(masters)
    }
}
