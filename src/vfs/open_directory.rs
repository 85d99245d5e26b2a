//! A directory while it is open.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use super::ahead::Ahead;
use super::directory::Offsets;
use super::{Listing, Page, VfsError};
use crate::index::Reliant;

/// Its listing is of the moment it was opened. Where the kernel has that already, it is taken only if the kernel asks after
/// all, or before the tree changes: listing again costs one message and no look into the index.
pub struct OpenDirectory {
    ahead: Arc<Ahead>,
    ino: u64,
    epoch: u64,
    offsets: Offsets,
    /// Where in the listing it is being read.
    near: AtomicUsize,
    listing: OnceLock<Result<Arc<Listing>, VfsError>>,
}

/// When a directory is opened, by changes of the tree.
#[derive(Clone, Copy)]
pub struct Moment {
    /// How many there have been.
    pub epoch: u64,
    /// Which was the last one of this directory.
    pub changed: u64,
}

impl OpenDirectory {
    pub fn ino(&self) -> u64 {
        self.ino
    }

    /// How many changes there had been when it was opened.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// One whose listing is taken now.
    pub fn listed(ahead: &Arc<Ahead>, ino: u64, moment: Moment) -> Result<Arc<OpenDirectory>, VfsError> {
        let directory = OpenDirectory::new(ahead, ino, moment);
        directory.listing().map(|_| Arc::new(directory))
    }

    /// One whose listing is taken when it is wanted; `None` if the tree may be changing now.
    pub fn unlisted(ahead: &Arc<Ahead>, ino: u64, moment: Moment) -> Option<Arc<OpenDirectory>> {
        let directory = Arc::new(OpenDirectory::new(ahead, ino, moment));
        let reliant: Arc<dyn Reliant> = directory.clone();
        ahead.rely(Arc::downgrade(&reliant)).then_some(directory)
    }

    fn new(ahead: &Arc<Ahead>, ino: u64, moment: Moment) -> OpenDirectory {
        let Moment { epoch, changed } = moment;
        let offsets = Offsets::since(changed);
        OpenDirectory {
            ahead: ahead.clone(),
            ino,
            epoch,
            offsets,
            near: AtomicUsize::default(),
            listing: OnceLock::new(),
        }
    }

    /// See [`Listing::page`].
    pub fn page(&self, offset: u64) -> Result<Page, VfsError> {
        self.listing()?.page(offset, self.offsets, &self.near)
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
