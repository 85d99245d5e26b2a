//! Reading everything that a library holds: by its lists, or where those are not to be had, by its history.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::{try_join, try_join_all};

use super::pages::Pages;
use super::{LibrarySync, Progress, SyncError, ranks};
use crate::index::Offset;
use crate::photos::{AssetPage, Change, Library, Trail, View};

/// Where pages of a listing go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To the rows of a library that is not shown yet.
    Listing,
    /// To the changes of one that is, to be applied when all is known.
    Changes,
}

/// A walk through a library.
struct Walk<'a> {
    library: &'a Library,
    /// Assets announced in all views.
    total: u64,
    /// Assets seen, and those among them that an earlier attempt had seen.
    seen: AtomicU64,
    known: AtomicU64,
    pages: AtomicU64,
    began: Instant,
    into: &'a Pages<'a>,
}

impl LibrarySync {
    /// Reads what the lists of a library hold, albums and photos side by side: the calls of one fill the pauses of the
    /// other. Gives what is announced of albums and not in their lists.
    pub(super) async fn read_lists(
        &self,
        library: &Library,
        announced: &[Option<u64>],
        target: Target,
    ) -> Result<Vec<Offset>, SyncError> {
        let albums = self.read_albums(library, announced.iter().flatten().sum(), target);
        let ((), missing) = self
            .with_pages(library, target, async |pages| {
                try_join(self.walk_views(library, announced, target, pages), albums).await
            })
            .await?;
        Ok(missing)
    }

    /// Reads all views of a library into the index.
    pub(super) async fn read_views(
        &self,
        library: &Library,
        announced: &[Option<u64>],
        target: Target,
    ) -> Result<(), SyncError> {
        self.with_pages(library, target, async |pages| self.walk_views(library, announced, target, pages).await).await
    }

    /// Reads a library's history into the index.
    pub(super) async fn read_history(&self, library: &Library, target: Target) -> Result<(), SyncError> {
        self.with_pages(library, target, async |pages| self.walk_history(library, pages).await).await
    }

    /// Pages of a walk that failed are written, too: the next one goes on from there.
    async fn with_pages<T>(
        &self,
        library: &Library,
        target: Target,
        read: impl AsyncFnOnce(&Pages<'_>) -> Result<T, SyncError>,
    ) -> Result<T, SyncError> {
        let pages = Pages::new(self, library, target);
        let outcome = read(&pages).await;
        pages.write().await?;
        outcome
    }

    /// Whether a shared library has lists of what is hidden and trashed is not known for sure (protocol/photos.md §1.3);
    /// where one is refused, the library's whole history is read instead, which holds everything.
    async fn walk_views(
        &self,
        library: &Library,
        announced: &[Option<u64>],
        target: Target,
        pages: &Pages<'_>,
    ) -> Result<(), SyncError> {
        let walk = Walk {
            library,
            total: announced.iter().flatten().sum(),
            seen: AtomicU64::new(0),
            known: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            began: Instant::now(),
            into: pages,
        };
        let views = View::ALL.iter().zip(announced);
        let walks = views.map(|(view, &count)| self.walk_view(&walk, view, count.unwrap_or(0), target));
        match try_join_all(walks).await {
            Err(error) if error.is_bad_request() && !library.has_albums() => self.walk_history(library, pages).await?,
            outcome => drop(outcome?),
        }
        // Albums may go on for long: what waits is not to wait for them.
        pages.write().await.map(|_| ())
    }

    async fn walk_view(&self, walk: &Walk<'_>, view: &View, announced: u64, target: Target) -> Result<(), SyncError> {
        let list = view.index();
        let walked = match target {
            Target::Listing => self.walked(walk.library, list).await?,
            Target::Changes => HashMap::new(),
        };
        let page = |rank| {
            let walked = &walked;
            // A page after a short one goes on into the next stretch, which is read by itself.
            let counted = move |covered: u64| covered.min(view.stride() - rank % view.stride());
            async move {
                if let Some(&covered) = walked.get(&rank) {
                    walk.known.fetch_add(counted(covered), Ordering::Relaxed);
                    self.tell_progress(walk, counted(covered), 0);
                    return Ok(ranks::Covered { ranks: covered, new: covered });
                }
                let page = self.photos.page(walk.library, view, rank).await?;
                let ranks = page.assets.len() as u64;
                // Past the end that was announced it matters how many are new.
                let new = match rank < announced {
                    true => walk.into.add(list, rank, page).await.map(|()| ranks)?,
                    false => walk.into.add_now(list, rank, page).await?,
                };
                self.tell_progress(walk, counted(ranks), 1);
                Ok::<_, SyncError>(ranks::Covered { ranks, new })
            }
            .boxed()
        };
        let endless = || SyncError::Endless { library: walk.library.id().0 };
        ranks::walk(announced, view.stride(), &page, endless).await
    }

    fn tell_progress(&self, walk: &Walk<'_>, covered: u64, pages: u64) {
        let seen = walk.seen.fetch_add(covered, Ordering::Relaxed) + covered;
        let pages = walk.pages.fetch_add(pages, Ordering::Relaxed) + pages;
        self.progress.send_replace(Progress::Assets {
            library: walk.library.id().0,
            seen,
            // The library may have grown since.
            announced: walk.total.max(seen),
            known: walk.known.load(Ordering::Relaxed),
            pages,
            elapsed: walk.began.elapsed(),
        });
    }

    async fn walked(&self, library: &Library, list: &'static str) -> Result<HashMap<u64, u64>, SyncError> {
        let id = library.id();
        self.on_index(move |index| index.walked(&id, list)).await
    }

    /// Reads the assets and masters of a library's history from its beginning.
    async fn walk_history(&self, library: &Library, pages: &Pages<'_>) -> Result<(), SyncError> {
        let mut log = self.history(library);
        while let Some(changes) = log.next().await? {
            let (mut assets, mut masters) = (Vec::new(), Vec::new());
            for change in changes {
                match change {
                    Change::Asset(asset) => assets.push(*asset),
                    Change::Master(master) => masters.push(*master),
                    _ => {}
                }
            }
            pages.add("history", log.pages, AssetPage { assets, masters, token: None }).await?;
        }
        Ok(())
    }

    /// The change log of a library, from its beginning.
    pub(super) fn history<'a>(&'a self, library: &'a Library) -> History<'a> {
        let trail = Trail::new("the library's history", Trail::HISTORY);
        History { sync: self, library, token: None, trail, pages: 0, ended: false }
    }
}

/// A library's change log, page by page.
pub(super) struct History<'a> {
    sync: &'a LibrarySync,
    library: &'a Library,
    token: Option<crate::photos::SyncToken>,
    trail: Trail,
    pub pages: u64,
    ended: bool,
}

impl History<'_> {
    /// There may be more by now.
    pub fn go_on(&mut self) {
        self.ended = false;
    }

    /// The next page, which may be empty; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Change>>, SyncError> {
        if self.ended {
            return Ok(None);
        }
        let page = self.sync.photos.changes(self.library, self.token.as_ref()).await?;
        self.pages += 1;
        self.sync.progress.send_replace(Progress::History { library: self.library.id().0, pages: self.pages });
        self.ended = !page.more_coming;
        if page.more_coming {
            self.trail.step(page.token.as_str()).map_err(crate::photos::PhotosError::from)?;
        }
        self.token = Some(page.token);
        Ok(Some(page.changes))
    }
}
