//! Whether the index can be believed, and whether what it has is all that it showed.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::{Index, IndexError};

/// What is the matter with an index that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Damage was found, of this kind. Every question is answered with an error.
    Damaged(String),
    /// It is another one than the damaged one, and lacks what is not listed again yet, or what is gone since and only a person
    /// may let go. The tree shows nothing.
    ListedAnew,
}

/// How the index is.
#[derive(Default)]
pub(super) struct Condition(RwLock<State>);

#[derive(Default)]
struct State {
    trouble: Option<Trouble>,
    /// The latest damage, until somebody has asked for it.
    untold: Option<String>,
}

impl Condition {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error once damage was found.
    pub fn readable(&self) -> Result<(), IndexError> {
        match &self.state().trouble {
            Some(Trouble::Damaged(what)) => Err(IndexError::Damaged(what.clone())),
            Some(Trouble::ListedAnew) | None => Ok(()),
        }
    }

    /// An error once damage was found, until the tree is shown again.
    pub fn whole(&self) -> Result<(), IndexError> {
        self.readable()?;
        match &self.state().trouble {
            None => Ok(()),
            Some(_) => Err(IndexError::ListedAnew),
        }
    }

    pub fn set(&self, trouble: Option<Trouble>) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(Trouble::Damaged(what)) = &trouble {
            state.untold = Some(what.clone());
        }
        state.trouble = trouble;
    }
}

impl Index {
    /// What is the matter with it; `None` if nothing is.
    pub fn trouble(&self) -> Option<Trouble> {
        self.condition.state().trouble.clone()
    }

    /// The damage that was found since this was asked last, also if it is mended by now.
    pub fn damage_found(&self) -> Option<String> {
        self.condition.0.write().unwrap_or_else(PoisonError::into_inner).untold.take()
    }

    /// Itself, if everything is here that the tree showed.
    ///
    /// # Errors
    /// While it is damaged, or what was shown before the damage is listed anew.
    pub fn whole(&self) -> Result<&Index, IndexError> {
        self.condition.whole().map(|()| self)
    }
}
