//! Taking the listing of a directory; of a large one in the background, while the kernel reads what is there already.

use std::sync::Arc;

use super::directory::CHUNK;
use super::{Listing, Vfs, VfsError, special};

/// Listings that are taken in the background at once; others are taken before their directory is open.
const MOST: usize = 4;

impl Vfs {
    /// The entries of a directory as they are now.
    pub(super) fn take_listing(&self, ino: u64, epoch: u64) -> Result<Arc<Listing>, VfsError> {
        let node = self.directory(ino)?;
        let (listing, mut taker) = Listing::begin(self.owner, epoch);
        taker.push(".", &node);
        taker.push("..", &self.node(self.parent(ino)?)?);
        if let Some(entry) = self.special.listed_in(ino)? {
            taker.push(&entry.name, &entry.node);
        }
        if special::is_special(ino) {
            self.special.children(ino)?.iter().for_each(|entry| taker.push(&entry.name, &entry.node));
            taker.end(Ok(()));
            return Ok(listing);
        }
        let (tree, system) = (self.tree.clone(), self.system);
        let take = move || {
            let taken = tree.each_child(ino, &mut |name, node| taker.push(&system.listed(name), &node));
            taker.end(taken.map_err(VfsError::from));
        };
        match Arc::strong_count(&self.taking) <= MOST && self.tree.has_more_children(ino, CHUNK)? {
            true => self.in_background(take)?,
            false => take(),
        }
        // From here on it is what it is: the index answers one question with one state.
        listing.page(0)?;
        Ok(listing)
    }

    fn in_background(&self, take: impl FnOnce() + Send + 'static) -> Result<(), VfsError> {
        let under_way = self.taking.clone();
        let thread = std::thread::Builder::new().name("listing".into()).spawn(move || {
            take();
            drop(under_way);
        });
        thread.map(drop).map_err(|_| VfsError::TooManyOpen)
    }
}
