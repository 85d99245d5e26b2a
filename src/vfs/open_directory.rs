//! A directory while it is open.

use std::sync::{Arc, OnceLock};

use super::ahead::Ahead;
use super::{Listing, VfsError};
use crate::index::Reliant;

/// Its listing is of the moment it was opened. Where the kernel has that already, it is taken only if the kernel asks after
/// all, or before the tree changes: listing again costs one message and no look into the index.
pub struct OpenDirectory {
    ahead: Arc<Ahead>,
    ino: u64,
    epoch: u64,
    listing: OnceLock<Result<Arc<Listing>, VfsError>>,
}

impl OpenDirectory {
    /// One whose listing is taken now.
    pub fn listed(ahead: &Arc<Ahead>, ino: u64, epoch: u64) -> Result<Arc<OpenDirectory>, VfsError> {
        let directory = OpenDirectory::new(ahead, ino, epoch);
        directory.listing().map(|_| Arc::new(directory))
    }

    /// One whose listing is taken when it is wanted; `None` if the tree may be changing now.
    pub fn unlisted(ahead: &Arc<Ahead>, ino: u64, epoch: u64) -> Option<Arc<OpenDirectory>> {
        let directory = Arc::new(OpenDirectory::new(ahead, ino, epoch));
        let reliant: Arc<dyn Reliant> = directory.clone();
        ahead.rely(Arc::downgrade(&reliant)).then_some(directory)
    }

    fn new(ahead: &Arc<Ahead>, ino: u64, epoch: u64) -> OpenDirectory {
        OpenDirectory { ahead: ahead.clone(), ino, epoch, listing: OnceLock::new() }
    }

    /// The entries as they were when it was opened.
    pub fn listing(&self) -> Result<Arc<Listing>, VfsError> {
        self.listing.get_or_init(|| self.ahead.listing(self.ino, self.epoch)).clone()
    }
}

impl Reliant for OpenDirectory {
    fn before_change(&self) {
        if let Err(error) = self.listing() {
            tracing::debug!(%error, "whoever reads this directory is told");
        }
    }
}
