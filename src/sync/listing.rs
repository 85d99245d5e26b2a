//! The first listing of a library: everything, proven, then shown at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::follow::MOST_PAGES;
use super::{LibrarySync, Progress, SyncError, ranks};
use crate::index::{Batch, ViewCounts};
use crate::photos::{Album, AlbumKind, AssetPage, Change, Library, Member, SyncToken, View};

/// How often it is asked whether the service's own lists are ready, and how many times.
const INDEXING_POLL: Duration = Duration::from_secs(10);
const INDEXING_POLLS: usize = 360;
/// Walks of a view before a listing that stays short is given up, or believed if it is short by next to nothing.
const WALKS: usize = 3;
/// Announced counts can be stale for good: one in 77,864 in a library known to a peer (protocol/photos.md §2.4). What may be
/// missing after every walk found the same; it is told to the person.
const BELIEVABLE: u64 = 5;

/// Takes a page of assets.
pub(super) type Take<'a> = dyn Fn(AssetPage) -> BoxFuture<'a, Result<(), SyncError>> + Sync + 'a;

/// A walk through a library.
struct Walk<'a, 't> {
    library: &'a Library,
    /// Assets announced in all views.
    total: u64,
    seen: AtomicU64,
    take: &'a Take<'t>,
}

/// What a listing found.
#[derive(Default)]
struct Found {
    /// What a person should know.
    notes: Vec<String>,
}

impl LibrarySync {
    /// Lists a library that is not shown yet, and shows it.
    pub(super) async fn list(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        self.wait_for_indexing(library).await?;
        let first = library.clone();
        self.on_index(move |index| index.begin_listing(&first)).await?;
        // The token comes before the first page: what changes from here on is replayed from it.
        let token = self.photos.page(library, &View::Visible, 0).await?.token.ok_or(SyncError::NoToken)?;
        let mut found = Found::default();
        self.list_albums(library, &mut found).await?;
        let token = self.list_assets(library, token, &mut found).await?;
        self.progress.send_replace(Progress::Layout { library: id.0.clone() });
        let note = (!found.notes.is_empty()).then(|| found.notes.join("; "));
        let change = self.on_index(move |index| index.show(&id, &token, note.as_deref())).await?;
        self.progress.send_replace(Progress::Idle);
        self.tell(change);
        Ok(())
    }

    async fn wait_for_indexing(&self, library: &Library) -> Result<(), SyncError> {
        let name = library.id().0;
        for _ in 0..INDEXING_POLLS {
            let state = self.photos.indexing(library).await?;
            if state.finished {
                return Ok(());
            }
            self.progress.send_replace(Progress::Waiting { library: name.clone(), percent: state.progress });
            tokio::time::sleep(INDEXING_POLL).await;
        }
        let progress = self.photos.indexing(library).await?.progress;
        Err(SyncError::Indexing { library: name, progress })
    }

    /// Walks all views until what was found agrees with what is announced; gives the token up to which changes are in.
    async fn list_assets(
        &self,
        library: &Library,
        mut token: SyncToken,
        found: &mut Found,
    ) -> Result<SyncToken, SyncError> {
        let mut before = None;
        for walk in 1..=WALKS {
            let announced = self.photos.counts(library, &View::ALL).await?;
            self.walk_views(library, &announced, &|page| self.stage(library, page).boxed()).await?;
            self.hydrate(library).await?;
            token = self.replay(library, token).await?;
            let announced = self.photos.counts(library, &View::ALL).await?;
            let id = library.id();
            let seen = self.on_index(move |index| index.view_counts(&id)).await?;
            match shortfall(&announced, &seen) {
                None => break,
                Some(short) if walk == WALKS => {
                    let same = before == Some(seen);
                    found.notes.push(short.judge(library, same)?);
                }
                Some(short) => tracing::warn!("{}, walking again", short.error(library)),
            }
            before = Some(seen);
        }
        Ok(token)
    }

    /// Reads all views of a library, and hands on each page.
    ///
    /// Whether a shared library has lists of what is hidden and trashed is not known for sure (protocol/photos.md §1.3);
    /// where one is refused, the library's whole history is read instead, which holds everything.
    pub(super) async fn walk_views(
        &self,
        library: &Library,
        announced: &[Option<u64>],
        take: &Take<'_>,
    ) -> Result<(), SyncError> {
        let walk = Walk { library, total: announced.iter().flatten().sum(), seen: AtomicU64::new(0), take };
        for (view, &count) in View::ALL.iter().zip(announced) {
            match self.walk_view(&walk, view, count.unwrap_or(0)).await {
                Err(error) if error.is_bad_request() && !library.has_albums() => {
                    return self.walk_history(library, take).await;
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    async fn walk_view(&self, walk: &Walk<'_, '_>, view: &View, announced: u64) -> Result<(), SyncError> {
        let page = |rank| {
            async move {
                let page = self.photos.page(walk.library, view, rank).await?;
                let covered = page.assets.len() as u64;
                (walk.take)(page).await?;
                let seen = walk.seen.fetch_add(covered, Ordering::Relaxed) + covered;
                let (library, announced) = (walk.library.id().0, walk.total);
                self.progress.send_replace(Progress::Assets { library, seen, announced });
                Ok::<_, SyncError>(covered)
            }
            .boxed()
        };
        ranks::walk(announced, view.stride(), &page).await
    }

    /// Reads the change log of a library from its beginning.
    async fn walk_history(&self, library: &Library, take: &Take<'_>) -> Result<(), SyncError> {
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = self.photos.changes(library, token.as_ref()).await?;
            let (mut assets, mut masters) = (Vec::new(), Vec::new());
            for change in page.changes {
                match change {
                    Change::Asset(asset) => assets.push(*asset),
                    Change::Master(master) => masters.push(*master),
                    _ => {}
                }
            }
            take(AssetPage { assets, masters, token: None }).await?;
            if !page.more_coming {
                return Ok(());
            }
            token = Some(page.token);
        }
        Err(SyncError::Endless { library: library.id().0 })
    }

    async fn stage(&self, library: &Library, page: AssetPage) -> Result<(), SyncError> {
        let id = library.id();
        self.on_index(move |index| index.stage(&id, &page.assets, &page.masters)).await
    }

    /// Asks for the masters of assets that came without theirs.
    async fn hydrate(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        let missing = self.on_index(move |index| index.missing_masters(&id)).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let mut masters = Vec::new();
        for (name, state) in self.photos.records(library, &missing).await? {
            match state {
                Some(Change::Master(master)) => masters.push(*master),
                _ => tracing::warn!(library = library.zone.name, master = name, "a photo without its file record"),
            }
        }
        self.stage(library, AssetPage { assets: Vec::new(), masters, token: None }).await
    }

    /// Writes what happened since a token to a library that is not shown; gives the token where the log ends.
    async fn replay(&self, library: &Library, mut token: SyncToken) -> Result<SyncToken, SyncError> {
        self.progress.send_replace(Progress::Replay { library: library.id().0 });
        let (changes, next) = self.changes_since(library, &token).await?;
        token = next.clone();
        let id = library.id();
        self.on_index(move |index| index.apply(&id, &Batch { changes: &changes, token: &next, held: &[] })).await?;
        Ok(token)
    }

    async fn list_albums(&self, library: &Library, found: &mut Found) -> Result<(), SyncError> {
        let albums = self.photos.albums(library).await?;
        let id = library.id();
        let staged = albums.clone();
        self.on_index(move |index| index.stage_albums(&id, &staged, &[])).await?;
        let lists: Vec<Album> = albums.into_iter().filter(|album| album.kind == AlbumKind::Album).collect();
        let views: Vec<View> = lists.iter().map(|album| View::Album(album.name.clone())).collect();
        let counts = match views.is_empty() {
            true => Vec::new(),
            false => self.photos.counts(library, &views).await?,
        };
        let (done, total) = (AtomicU64::new(0), lists.len() as u64);
        let shorts: Vec<Option<String>> = stream::iter(lists.into_iter().zip(counts))
            .map(|(album, announced)| {
                let done = &done;
                async move {
                    let short = self.list_album(library, &album, announced.unwrap_or(0)).await?;
                    let seen = done.fetch_add(1, Ordering::Relaxed) + 1;
                    let library = library.id().0;
                    self.progress.send_replace(Progress::Albums { library, seen, announced: total });
                    Ok::<_, SyncError>(short)
                }
                .boxed()
            })
            .buffer_unordered(ranks::PARALLEL)
            .try_collect()
            .await?;
        found.notes.extend(shorts.into_iter().flatten());
        Ok(())
    }

    /// Lists one album; gives a note if it stays short of what is announced.
    async fn list_album(&self, library: &Library, album: &Album, announced: u64) -> Result<Option<String>, SyncError> {
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..WALKS {
            members = self.members(library, &album.name).await?;
            if members.len() as u64 >= announced {
                break;
            }
        }
        let (id, seen) = (library.id(), members.len() as u64);
        self.on_index(move |index| index.stage_albums(&id, &[], &members)).await?;
        let title = album.title.as_deref().unwrap_or("Untitled Album");
        Ok((seen < announced).then(|| format!("album {title}: {seen} of {announced} photos are listed")))
    }

    pub(super) async fn members(&self, library: &Library, album: &str) -> Result<Vec<Member>, SyncError> {
        let mut members = Vec::new();
        let mut rank = 0;
        for _ in 0..MOST_PAGES {
            let page = self.photos.members(library, album, rank).await?.members;
            if page.is_empty() {
                return Ok(members);
            }
            rank += page.len() as u64;
            members.extend(page);
        }
        Err(SyncError::Endless { library: library.id().0 })
    }
}

/// A view that holds less than the service announces.
pub(super) struct Shortfall {
    view: &'static str,
    seen: u64,
    announced: u64,
}

pub(super) fn shortfall(announced: &[Option<u64>], seen: &ViewCounts) -> Option<Shortfall> {
    let views = ["visible", "hidden", "recently deleted"].into_iter().zip([seen.visible, seen.hidden, seen.trashed]);
    let shortfall = |((view, seen), announced): (_, &Option<u64>)| {
        announced.filter(|&announced| seen < announced).map(|announced| Shortfall { view, seen, announced })
    };
    views.zip(announced).find_map(shortfall)
}

impl Shortfall {
    /// A note, if every walk found the same and next to nothing is missing; else the listing has failed.
    fn judge(&self, library: &Library, same: bool) -> Result<String, SyncError> {
        match same && self.announced - self.seen <= BELIEVABLE {
            true => Ok(format!("iCloud announces {} {} photos and lists {}", self.announced, self.view, self.seen)),
            false => Err(self.error(library)),
        }
    }

    pub(super) fn error(&self, library: &Library) -> SyncError {
        SyncError::Incomplete {
            library: library.id().0,
            view: self.view.to_owned(),
            seen: self.seen,
            announced: self.announced,
        }
    }
}
