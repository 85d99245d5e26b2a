//! Why bytes could not be had.

use std::io;
use std::sync::Arc;

use thiserror::Error;

/// Why a read failed.
#[derive(Clone, Debug, Error)]
pub enum ContentError {
    #[error("this original is not in the cache and the service is out of reach")]
    Offline,
    #[error("the original did not arrive in time")]
    TimedOut,
    #[error("the original does not match its checksum; it was fetched twice")]
    Damaged,
    /// Bytes given out earlier by this reader may be wrong: it has to start again.
    #[error("the original did not match its checksum and is being fetched again")]
    Refetched,
    #[error("the cache has no room for this original")]
    NoRoom,
    #[error("{0}")]
    Source(#[from] SourceError),
    #[error("the cache cannot be read: {0}")]
    Disk(Arc<io::Error>),
}

impl ContentError {
    /// Whether bytes that were given out before must be forgotten.
    pub fn taints_earlier_reads(&self) -> bool {
        matches!(self, ContentError::Damaged | ContentError::Refetched)
    }
}

impl From<io::Error> for ContentError {
    fn from(error: io::Error) -> ContentError {
        ContentError::Disk(Arc::new(error))
    }
}

/// Why a source gave no bytes. Its text holds no address.
#[derive(Clone, Debug, Error)]
pub enum SourceError {
    /// May work at once: the connection broke, the body was cut short or stalled.
    #[error("the download was interrupted: {0}")]
    Interrupted(String),
    /// Trying again now is no use.
    #[error("the download failed: {0}")]
    Failed(String),
}
