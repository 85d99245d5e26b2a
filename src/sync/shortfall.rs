//! What is announced and not listed.

use futures_util::FutureExt;
use tokio::sync::Mutex;

use super::views::Target;
use super::{LibrarySync, Progress, SyncError};
use crate::index::{Batch, Discrepancy, Offset, ViewCounts};
use crate::photos::{Library, SyncToken, View};

/// Announced counts can be stale for good: one in 77,864 in a library known to a peer (protocol/photos.md §2.4). What may be
/// missing after lists and history gave the same; it is told to the person.
const BELIEVABLE: u64 = 5;

/// Views that hold less than the service announces; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shortfall(Vec<Short>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Short {
    view: View,
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
    /// The views that are short, if any is.
    fn of(announced: &[Option<u64>], seen: &ViewCounts) -> Option<Shortfall> {
        let seen = [seen.visible, seen.hidden, seen.trashed];
        let views = View::ALL.into_iter().zip(announced).zip(seen);
        let short = views.filter_map(|((view, announced), seen)| {
            announced.filter(|&announced| seen < announced).map(|announced| Short { view, seen, announced })
        });
        let short: Vec<Short> = short.collect();
        (!short.is_empty()).then_some(Shortfall(short))
    }

    /// How many photos are missing of which views; how many there are may be another number by now.
    pub fn missing(&self) -> Vec<Offset> {
        let missing = |short: &Short| Offset {
            list: short.view.to_string(),
            beyond: (short.announced - short.seen).cast_signed(),
            sought: true,
        };
        self.0.iter().map(missing).collect()
    }

    /// Whether so few are missing that counts are rather stale than lists short.
    pub fn is_believable(&self) -> bool {
        self.0.iter().all(|short| short.announced - short.seen <= BELIEVABLE)
    }

    /// Whether a person has let it be that all these are missing.
    pub fn is_accepted(&self, known: &[Discrepancy]) -> bool {
        self.missing().iter().all(|missing| known.iter().any(|known| known.accepts(missing)))
    }

    pub fn error(&self, library: &Library) -> SyncError {
        let Short { view, seen, announced } = &self.0[0];
        let (library, view) = (library.id().0, view.to_string());
        SyncError::Incomplete { library, view, seen: *seen, announced: *announced }
    }
}
