//! Whether a listing of photos is complete.

use super::shortfall::Shortfall;
use super::views::Target;
use super::{LibrarySync, SyncError};
use crate::index::{Discrepancy, Offset};
use crate::photos::{Library, LibraryId, SyncToken, View};

/// Walks through the lists at the most, while each finds more, before what they lack is looked for in the history.
const WALKS: usize = 3;

impl LibrarySync {
    /// Compares what the first walk through the views found with what is announced, and looks on until both agree; gives the
    /// token up to which changes are in, and what stays missing.
    ///
    /// The rule for a count that nothing bears out: it is believed until the lists were walked twice with the same outcome
    /// and the change log was read from its beginning, which holds every record whatever lists it (protocol/photos.md §3.5).
    /// What is missing then is told. Up to [a few](Shortfall::is_believable) the listing counts as done, but stands
    /// against a backup, and with more it has failed, until a person accepts exactly this difference
    /// ([`crate::index::Discrepancy`]). After that nothing more is looked for, unless the difference is another.
    pub(super) async fn prove(
        &self,
        library: &Library,
        target: Target,
        mut token: SyncToken,
    ) -> Result<(SyncToken, Vec<Offset>), SyncError> {
        let (mut before, mut walks, mut is_history_read) = (None, 1, false);
        loop {
            if target == Target::Listing {
                self.hydrate(library).await?;
            }
            let (next, short) = self.shortfall(library, target, token).await?;
            token = next;
            let Some(short) = short else { return Ok((token, Vec::new())) };
            if self.is_accepted(library, &short).await? {
                return Ok((token, short.missing()));
            }
            // Another walk reads everything again; what was proven would be gone on from.
            self.forget_walked(library).await?;
            let is_same = before.as_ref().map(Shortfall::missing) == Some(short.missing());
            if is_history_read {
                return self.judge(library, &short, is_same).await.map(|missing| (token, missing));
            }
            tracing::warn!("{}, looking on", short.error(library));
            if is_same || walks == WALKS {
                self.read_history(library, target).await?;
                is_history_read = true;
            } else {
                let announced = self.photos.counts(library, &View::ALL).await?;
                self.read_views(library, &announced, target).await?;
                walks += 1;
            }
            before = Some(short);
        }
    }

    /// What stays missing after all was asked, if it was missing before, too, and is next to nothing; else the listing has failed.
    async fn judge(&self, library: &Library, short: &Shortfall, is_same: bool) -> Result<Vec<Offset>, SyncError> {
        if is_same && short.is_believable() {
            return Ok(short.missing());
        }
        if is_same {
            self.take_down(library, short.missing()).await?;
        }
        Err(short.error(library))
    }

    async fn is_accepted(&self, library: &Library, short: &Shortfall) -> Result<bool, SyncError> {
        let id = library.id();
        let known = self.on_index(move |index| index.discrepancies_of(&id)).await?;
        Ok(short.is_accepted(&known))
    }

    /// Whether a person has accepted meanwhile what a library's latest listing lacked, and nothing else stands against it.
    pub(super) async fn has_accepted(&self, id: &LibraryId, missing: &Offset) -> Result<bool, SyncError> {
        let id = id.clone();
        let known = self.on_index(move |index| index.discrepancies_of(&id)).await?;
        Ok(known.iter().any(|known| known.accepts(missing)) && !known.iter().any(Discrepancy::is_open))
    }

    pub(super) async fn forget_walked(&self, library: &Library) -> Result<(), SyncError> {
        let id = library.id();
        self.on_index(move |index| index.forget_walked(&id)).await
    }
}
