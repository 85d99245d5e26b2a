//! News: which libraries changed, and what happened in them.

use super::{LibrarySync, Round, SyncError};
use crate::index::{Batch, LibraryState, NoteKind};
use crate::photos::{Area, Change, Library, LibraryId, News, PhotosError, SyncToken, Trail};

/// Where a library's change log ends for now.
pub(super) struct LogEnd {
    pub token: SyncToken,
    /// Whether it told of anything.
    pub is_news: bool,
}

impl LibrarySync {
    /// One round: lists libraries that are not shown yet, and brings the others up to date.
    pub async fn round(&self, round: Round) -> Result<(), SyncError> {
        let _turn = self.turn.lock().await;
        let outcome = self.noted_round(round).await;
        if let Err(SyncError::Index(error)) = &outcome {
            self.index.met(error);
        }
        self.index.know_failure(outcome.as_ref().err().map(ToString::to_string));
        outcome
    }

    /// One whose end can be read by others.
    async fn noted_round(&self, round: Round) -> Result<(), SyncError> {
        self.renew_if_damaged().await?;
        let number = self.on_index(|index| index.begin_round()).await?;
        if let Some(change) = self.on_index(|index| index.carry_out_decision()).await? {
            self.tell(change);
        }
        let mut outcome = match round {
            Round::News => self.news().await,
            Round::Full => self.everything().await,
        };
        if outcome.is_ok() {
            outcome = self.show_again_if_whole().await;
        }
        self.progress.send_replace(super::Progress::Idle);
        let error = outcome.as_ref().err().map(ToString::to_string);
        self.on_index(move |index| index.end_round(number, error.as_deref())).await?;
        outcome
    }

    async fn everything(&self) -> Result<(), SyncError> {
        self.unproven.forget();
        self.news().await?;
        let states = self.on_index(|index| index.libraries()).await?;
        // One that iCloud no longer has cannot be listed; that it is held is told by itself.
        for state in states.iter().filter(|state| !state.missing) {
            self.list_again(state).await?;
        }
        Ok(())
    }

    async fn news(&self) -> Result<(), SyncError> {
        let known = self.on_index(|index| index.libraries()).await?;
        known.iter().for_each(|state| self.photos.know(&state.library));
        let private = self.news_of(Area::Private, &known).await;
        let shared = self.news_of(Area::Shared, &known).await;
        self.judge_shared(&known, &shared).await?;
        private?;
        if !shared.as_ref().is_err_and(SyncError::is_refusal) || known.iter().any(LibraryState::is_shared) {
            shared?;
        }
        match self.on_index(|index| index.libraries()).await?.is_empty() {
            true => Err(SyncError::NoLibrary),
            false => Ok(()),
        }
    }

    /// An account that nobody shares with may be refused its shared database (protocol/photos.md §12.2): that is told, and no
    /// failure. Where a shared library is known, it is one.
    async fn judge_shared(&self, known: &[LibraryState], outcome: &Result<(), SyncError>) -> Result<(), SyncError> {
        let refused = outcome.as_ref().err().filter(|error| error.is_refusal());
        let note = refused.filter(|_| !known.iter().any(LibraryState::is_shared)).map(|error| {
            tracing::warn!("libraries that others share cannot be listed: {error}");
            format!("libraries that others share with you cannot be listed: {error}")
        });
        if outcome.is_err() && note.is_none() {
            return Ok(());
        }
        self.on_index(move |index| index.note_account(NoteKind::Shared, note.as_deref())).await
    }

    /// One call tells which zones of an area changed; its token is kept once all that follows is in the index. A library
    /// that fails does not keep the others from being brought up to date.
    async fn news_of(&self, area: Area, known: &[LibraryState]) -> Result<(), SyncError> {
        let token = self.on_index(move |index| index.zones_token(area)).await?;
        let news = self.photos.news(area, token.as_ref()).await?;
        let is_any_known = known.iter().any(|state| state.library.zone.area == area);
        if area == Area::Private && token.is_none() && !is_any_known && news.libraries.is_empty() {
            return Err(SyncError::NoLibrary);
        }
        let others = news.others.clone();
        self.on_index(move |index| index.ignore_zones(&others)).await?;
        let mut outcome = Ok(());
        for library in &news.libraries {
            let updated = match known.iter().find(|state| state.library.id() == library.id()) {
                // The same zone in the other database is the same library.
                Some(state) if state.library.zone.area != area => Ok(()),
                Some(state) if state.shown => self.follow(state).await,
                _ => self.in_turn(library.id(), self.list(library)).await,
            };
            outcome = outcome.and(updated);
        }
        for state in known.iter().filter(|state| state.library.zone.area == area) {
            let changed = news.libraries.iter().any(|library| library.id() == state.library.id());
            let updated = match changed {
                true => Ok(()),
                false => self.unchanged(state, &news).await,
            };
            outcome = outcome.and(updated);
        }
        outcome?;
        let token = news.token;
        self.on_index(move |index| index.keep_zones_token(area, &token)).await
    }

    /// A library without news, which may be on its way to be shown. One whose zone is gone stays as it is: that is no proof that its photos are.
    async fn unchanged(&self, state: &LibraryState, news: &News) -> Result<(), SyncError> {
        let id = state.library.id();
        let is_gone = news.whole || news.gone.contains(&id.0);
        if !state.shown && !is_gone {
            return match state.missing {
                // It is news when it is back.
                true => Ok(()),
                false => self.in_turn(id, self.list(&state.library)).await,
            };
        }
        if is_gone && !state.shown && !state.awaited {
            return self.on_index(move |index| index.drop_unshown(&id)).await;
        }
        if is_gone {
            tracing::warn!(library = id.0, "iCloud no longer has the library: it is held");
            let change = self.on_index(move |index| index.hold_library(&id)).await?;
            self.tell(change);
            return Ok(());
        }
        self.on_index(move |index| index.confirm(&id)).await
    }

    /// Brings a library that is shown up to date. A token that the service takes no more means listing it again.
    async fn follow(&self, state: &LibraryState) -> Result<(), SyncError> {
        let library = &state.library;
        let id = library.id();
        self.on_index(move |index| {
            index.note(&id, NoteKind::Gone, None)?;
            index.forget_staged(&id)
        })
        .await?;
        let Some(token) = &state.token else { return self.in_turn(library.id(), self.list_again(state)).await };
        match self.stage_since(library, token).await {
            Ok(end) => {
                self.take_in(library, end.token).await?;
                self.compare(state).await
            }
            Err(error) if error.is_bad_request() => {
                tracing::warn!(library = library.zone.name, "the sync token is no longer taken: listing again");
                self.in_turn(library.id(), self.list_again(state)).await
            }
            Err(error) => Err(error),
        }
    }

    /// Takes in what happened in a library that is shown since it was last asked; gives whether that was anything.
    pub(super) async fn catch_up(&self, library: &Library) -> Result<bool, SyncError> {
        let token = self.token_here(library).await?;
        let end = self.stage_since(library, &token).await?;
        if end.is_news {
            self.take_in(library, end.token).await?;
        }
        Ok(end.is_news)
    }

    /// The token that the changes of a library that is shown go on from.
    pub(super) async fn token_here(&self, library: &Library) -> Result<SyncToken, SyncError> {
        let id = library.id();
        let states = self.on_index(|index| index.libraries()).await?;
        let state = states.into_iter().find(|state| state.library.id() == id);
        state.and_then(|state| state.token).ok_or(SyncError::NoToken)
    }

    /// Applies what was staged, and what it lacks.
    async fn take_in(&self, library: &Library, token: SyncToken) -> Result<(), SyncError> {
        self.apply_staged(library.id(), token.clone()).await?;
        self.complete(library, token).await
    }

    /// Asks for the masters of photos that came without theirs: the log need not tell of a master that has not changed.
    async fn complete(&self, library: &Library, token: SyncToken) -> Result<(), SyncError> {
        let id = library.id();
        let missing = self.on_index(move |index| index.masters_waited_for(&id)).await?;
        let masters = self.masters(library, &missing).await?;
        if masters.is_empty() {
            return Ok(());
        }
        self.stage(library, masters.into_iter().map(|master| Change::Master(Box::new(master))).collect()).await?;
        self.apply_staged(library.id(), token).await
    }

    /// Applies what was staged to a library that is shown, but for a mass deletion, which is held; and tells of it.
    pub(super) async fn apply_staged(&self, id: LibraryId, token: SyncToken) -> Result<(), SyncError> {
        self.stage_rejoined(&id).await?;
        let change = self
            .on_index(move |index| {
                let held = index.removals_to_hold(&id, &[])?;
                if !held.is_empty() {
                    tracing::warn!(library = id.0, count = held.len(), "removals are held");
                }
                index.apply(&id, &Batch { changes: &[], token: &token, held: &held })
            })
            .await?;
        self.tell(change);
        Ok(())
    }

    /// Stages everything that happened in a library since a token, page by page.
    pub(super) async fn stage_since(&self, library: &Library, token: &SyncToken) -> Result<LogEnd, SyncError> {
        let mut end = LogEnd { token: token.clone(), is_news: false };
        let mut trail = Trail::new("what changed in a library", Trail::HISTORY);
        loop {
            let page = self.photos.changes(library, Some(&end.token)).await?;
            end.is_news |= !page.changes.is_empty();
            self.stage(library, page.changes).await?;
            end.token = page.token;
            if !page.more_coming {
                return Ok(end);
            }
            trail.step(end.token.as_str()).map_err(PhotosError::from)?;
        }
    }

    pub(super) async fn stage(&self, library: &Library, changes: Vec<Change>) -> Result<(), SyncError> {
        self.stage_in(&library.id(), changes).await
    }

    pub(super) async fn stage_in(&self, library: &LibraryId, changes: Vec<Change>) -> Result<(), SyncError> {
        if changes.is_empty() {
            return Ok(());
        }
        let id = library.clone();
        self.on_index(move |index| index.stage_changes(&id, &changes).map(|_| ())).await
    }
}
