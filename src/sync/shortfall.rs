//! What is announced and not listed.

use futures_util::FutureExt;
use tokio::sync::Mutex;

use super::views::Target;
use super::{LibrarySync, Progress, SyncError};
use crate::index::{Batch, ViewCounts};
use crate::photos::{Library, SyncToken, View};

/// Announced counts can be stale for good: one in 77,864 in a library known to a peer (protocol/photos.md §2.4). What may be
/// missing after lists and history gave the same; it is told to the person.
const BELIEVABLE: u64 = 5;

/// A view that holds less than the service announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shortfall {
    view: &'static str,
    seen: u64,
    announced: u64,
}

impl LibrarySync {
    /// What a listing lacks of what is announced, once what changed since a token is in and both are of one moment; gives the
    /// token up to which changes are in.
    pub(super) async fn shortfall(
        &self,
        library: &Library,
        target: Target,
        token: SyncToken,
    ) -> Result<(SyncToken, Option<Shortfall>), SyncError> {
        let token = Mutex::new(token);
        self.take_changes(library, target, &token).await?;
        let compare = || self.shortfall_now(library, target).boxed();
        let catch_up = || self.take_changes(library, target, &token).boxed();
        let settled = self.settled(compare, Option::is_none, catch_up).await?;
        let restless = || SyncError::Restless { library: library.id().0 };
        let short = settled.ok_or_else(restless)?;
        Ok((token.into_inner(), short))
    }

    async fn shortfall_now(&self, library: &Library, target: Target) -> Result<Option<Shortfall>, SyncError> {
        let announced = self.photos.counts(library, &View::ALL).await?;
        let id = library.id();
        let seen = self.on_index(move |index| match target {
            Target::Listing => index.listed_counts(&id),
            Target::Changes => index.staged_counts(&id),
        });
        Ok(Shortfall::of(&announced, &seen.await?))
    }

    /// Adds what changed since a token to a listing, and moves the token on; gives whether there was anything.
    async fn take_changes(
        &self,
        library: &Library,
        target: Target,
        token: &Mutex<SyncToken>,
    ) -> Result<bool, SyncError> {
        let mut token = token.lock().await;
        self.progress.send_replace(Progress::Replay { library: library.id().0 });
        let end = self.stage_since(library, &token).await?;
        let (id, next) = (library.id(), end.token.clone());
        *token = end.token;
        if target == Target::Listing {
            self.on_index(move |index| index.apply(&id, &Batch { changes: &[], token: &next, held: &[] })).await?;
        }
        Ok(end.is_news)
    }
}

impl Shortfall {
    /// The first view that is short.
    pub(super) fn of(announced: &[Option<u64>], seen: &ViewCounts) -> Option<Shortfall> {
        let views =
            ["visible", "hidden", "recently deleted"].into_iter().zip([seen.visible, seen.hidden, seen.trashed]);
        let shortfall = |((view, seen), announced): (_, &Option<u64>)| {
            announced.filter(|&announced| seen < announced).map(|announced| Shortfall { view, seen, announced })
        };
        views.zip(announced).find_map(shortfall)
    }

    /// A note, if the walk before lacked as many and next to nothing is missing; else the listing has failed. How many there
    /// are may be another number by now.
    pub(super) fn judge(&self, library: &Library, before: Option<&Shortfall>) -> Result<String, SyncError> {
        let missing = |short: &Shortfall| (short.view, short.announced - short.seen);
        match before.map(missing) == Some(missing(self)) && self.announced - self.seen <= BELIEVABLE {
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
