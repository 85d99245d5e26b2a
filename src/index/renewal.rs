//! An index that is damaged while it serves is replaced by a new one, under whoever has it open.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::condition::Trouble;
use super::{Index, IndexError, ROOT, TreeChange, damage};

/// A disk that spoils one index after the other must not have everything listed over and over.
const BETWEEN: Duration = Duration::from_secs(6 * 3600);

impl Index {
    /// Begins anew if damage was found, here or by another process: the damaged file is set aside as at a start, and what was
    /// held taken over. From then on the tree answers nothing, until [`Index::show_again`]. Gives whether it was so.
    ///
    /// # Errors
    /// Among others [`IndexError::Damaged`], if that was done a short while ago.
    pub fn renew_if_damaged(&self) -> Result<bool, IndexError> {
        if damage::is_marked(&self.path) {
            self.met(&IndexError::Damaged("another process found it so".into()));
        }
        match self.condition.readable() {
            Err(found) => self.renew(found).map(|()| true),
            Ok(()) => Ok(false),
        }
    }

    fn renew(&self, found: IndexError) -> Result<(), IndexError> {
        self.look.stop();
        // Nobody writes any more, and nobody relies on what was read.
        let mut writer = self.writer();
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.is_some_and(|at| at.elapsed() < BETWEEN) {
            return Err(found);
        }
        let Index { writer: new, .. } = Index::open(&self.path, &self.options)?;
        *writer = new.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.readers().begin_anew();
        *renewed = Some(Instant::now());
        self.condition.set(Some(Trouble::ListedAnew));
        Ok(())
    }

    /// What is to be told before the tree is shown again; `None` if it is shown, or cannot be yet.
    pub fn ready_to_show_again(&self) -> Result<Option<TreeChange>, IndexError> {
        if self.trouble() != Some(Trouble::ListedAnew) || !self.has_everything()? {
            return Ok(None);
        }
        let top = self.children(ROOT)?.into_iter().map(|entry| (ROOT, entry.name)).collect();
        let mut change = TreeChange { entries: top, holds: true, anew: true, ..TreeChange::default() };
        change.tidy();
        Ok(Some(change))
    }

    /// Has the tree answer again.
    pub fn show_again(&self) {
        self.condition.set(None);
    }
}
