use thiserror::Error;

use crate::index::IndexError;
use crate::photos::PhotosError;

#[derive(Debug, Error)]
pub enum SyncError {
    #[error(transparent)]
    Photos(#[from] PhotosError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("iCloud offers no photo library for this account")]
    NoLibrary,
    #[error("iCloud is still preparing its list of {library} ({progress} %)")]
    Indexing { library: String, progress: i64 },
    /// The listing is short of what the service itself announces: it is not shown.
    #[error("the listing of {library} is not complete: {seen} of {announced} {view} photos")]
    Incomplete { library: String, view: String, seen: u64, announced: u64 },
    /// What is announced and what is listed were never of one moment.
    #[error("{library} changes all the while: its listing cannot be compared with what iCloud announces")]
    Restless { library: String },
    /// An answer without the token that changes are asked with.
    #[error("iCloud gave no sync token")]
    NoToken,
    /// A list or the change log does not come to an end.
    #[error("iCloud's answers about {library} do not end")]
    Endless { library: String },
    #[error("photosfs is stopping")]
    Stopped,
}

impl SyncError {
    /// Whether the service said no in so many words.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, SyncError::Photos(error) if error.is_refusal())
    }

    /// Whether the service does not take what was asked: a sync token (protocol/photos.md §3.3), an index.
    pub(super) fn is_bad_request(&self) -> bool {
        matches!(self, SyncError::Photos(error) if error.cloudkit().is_some_and(|answer| answer.is_bad_request()))
    }
}
