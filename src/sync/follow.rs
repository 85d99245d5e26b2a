//! News: which libraries changed, and what happened in them.

use jiff::Timestamp;

use super::{LibrarySync, Round, SyncError};
use crate::index::{Batch, LibraryState};
use crate::photos::{Area, Change, Library, LibraryId, SyncToken};

/// Pages of one round of changes; a library of a million has fewer.
pub(super) const MOST_PAGES: usize = 200_000;

impl LibrarySync {
    /// One round: lists libraries that are not shown yet, and brings the others up to date.
    pub async fn round(&self, round: Round) -> Result<(), SyncError> {
        let _turn = self.turn.lock().await;
        let began = Timestamp::now();
        if let Some(change) = self.on_index(|index| index.carry_out_decision()).await? {
            self.tell(change);
        }
        let outcome = match round {
            Round::News => self.news().await,
            Round::Full => self.everything().await,
        };
        self.progress.send_replace(super::Progress::Idle);
        let error = outcome.as_ref().err().map(ToString::to_string);
        self.on_index(move |index| index.end_round(began, error.as_deref())).await?;
        outcome
    }

    async fn everything(&self) -> Result<(), SyncError> {
        self.news().await?;
        for state in self.on_index(|index| index.libraries()).await? {
            self.list_again(&state).await?;
        }
        Ok(())
    }

    async fn news(&self) -> Result<(), SyncError> {
        let known = self.on_index(|index| index.libraries()).await?;
        known.iter().for_each(|state| self.photos.know(&state.library));
        self.news_of(Area::Private, &known).await?;
        match self.news_of(Area::Shared, &known).await {
            // An account that nobody shares with may be refused its shared database (protocol/photos.md §12.2).
            Err(error) if error.is_refusal() && known.iter().all(|state| state.library.zone.area != Area::Shared) => {
                tracing::warn!("libraries that others share cannot be listed: {error}");
            }
            outcome => outcome?,
        }
        match self.on_index(|index| index.libraries()).await?.is_empty() {
            true => Err(SyncError::NoLibrary),
            false => Ok(()),
        }
    }

    /// One call tells which zones of an area changed; its token is kept once all that follows is in the index.
    async fn news_of(&self, area: Area, known: &[LibraryState]) -> Result<(), SyncError> {
        let key = format!("zones of {}", area.as_str());
        let token = self.on_index({
            let key = key.clone();
            move |index| index.remembered(&key)
        });
        let token = token.await?.and_then(SyncToken::new);
        let news = self.photos.news(area, token.as_ref()).await?;
        for library in &news.libraries {
            match known.iter().find(|state| state.library.id() == library.id()) {
                // The same zone in the other database is the same library.
                Some(state) if state.library.zone.area != area => {}
                Some(state) if state.shown => self.follow(state).await?,
                _ => self.list(library).await?,
            }
        }
        for state in known {
            if state.library.zone.area != area {
                continue;
            }
            let changed = news.libraries.iter().any(|library| library.id() == state.library.id());
            match changed {
                true => {}
                false if !state.shown => self.list(&state.library).await?,
                false => self.unchanged(state, &news.gone).await?,
            }
        }
        let token = news.token;
        self.on_index(move |index| index.remember(&key, token.as_str())).await
    }

    /// A library without news. One whose zone is gone stays as it is: that is no proof that its photos are.
    async fn unchanged(&self, state: &LibraryState, gone: &[String]) -> Result<(), SyncError> {
        let id = state.library.id();
        if gone.contains(&id.0) {
            let note = format!("iCloud no longer lists the library {}: it is shown as it was", id.0);
            return self.on_index(move |index| index.note(&id, &note)).await;
        }
        self.on_index(move |index| index.confirm(&id)).await
    }

    /// Brings a library that is shown up to date. A token that the service takes no more means listing it again.
    async fn follow(&self, state: &LibraryState) -> Result<(), SyncError> {
        let library = &state.library;
        let Some(token) = &state.token else { return self.list_again(state).await };
        match self.changes_since(library, token).await {
            Ok((changes, token)) => {
                self.apply(library.id(), changes, token).await?;
                self.compare(state).await
            }
            Err(error) if error.is_bad_request() => {
                tracing::warn!(library = library.zone.name, "the sync token is no longer taken: listing again");
                self.list_again(state).await
            }
            Err(error) => Err(error),
        }
    }

    /// Applies changes to a library that is shown, but for a mass deletion, which is held; and tells of it.
    pub(super) async fn apply(
        &self,
        id: LibraryId,
        mut changes: Vec<Change>,
        token: SyncToken,
    ) -> Result<(), SyncError> {
        changes.extend(self.rejoined(&id, &changes).await?);
        let change = self
            .on_index(move |index| {
                let held = index.removals_to_hold(&id, &changes)?;
                if !held.is_empty() {
                    tracing::warn!(library = id.0, count = held.len(), "removals are held");
                }
                index.apply(&id, &Batch { changes: &changes, token: &token, held: &held })
            })
            .await?;
        self.tell(change);
        Ok(())
    }

    /// Everything that happened in a library since a token, and the token where the log ends.
    pub(super) async fn changes_since(
        &self,
        library: &Library,
        token: &SyncToken,
    ) -> Result<(Vec<Change>, SyncToken), SyncError> {
        let mut changes = Vec::new();
        let mut token = token.clone();
        for _ in 0..MOST_PAGES {
            let page = self.photos.changes(library, Some(&token)).await?;
            changes.extend(page.changes);
            token = page.token;
            if !page.more_coming {
                return Ok((changes, token));
            }
        }
        Err(SyncError::Endless { library: library.id().0 })
    }
}
