//! Where the files below `.photosfs` come from.

use jiff::Timestamp;

use crate::index::IndexError;

/// Tells how the library is. No call waits for the network.
pub trait StatusSource: Send + Sync {
    /// The whole text of `status.json`.
    fn status(&self) -> String;

    /// The text of `HELD`: what waits for a person; `None` while nothing does.
    fn held(&self) -> Result<Option<String>, IndexError> {
        Ok(None)
    }

    /// The days (since 1970, UTC) on which something left the library or came back.
    fn days_of_change(&self) -> Result<Vec<i64>, IndexError> {
        Ok(Vec::new())
    }

    /// The number of the latest change: while it is the same, so is what happened on each day. `None` if changes are not numbered.
    fn newest_change(&self) -> Result<Option<i64>, IndexError> {
        Ok(None)
    }

    /// What happened on such a day; `None` if nothing did.
    fn changes_of(&self, _day: i64) -> Result<Option<DayOfChange>, IndexError> {
        Ok(None)
    }
}

/// A file of `.photosfs/changes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayOfChange {
    pub text: String,
    /// When the last of it was noticed.
    pub noticed: Timestamp,
}
