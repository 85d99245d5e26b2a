//! Which listings and pages the kernel may go on using.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Caching, TreeChange};

/// Counts changes. A listing begun before a change may be read, and cached by the kernel, after the kernel was told
/// to drop it: the epochs find that out at the next opendir.
#[derive(Default)]
pub struct Freshness {
    epoch: AtomicU64,
    /// When the index was last another one: what is of an earlier time does not hold.
    anew: AtomicU64,
    /// Of directories that were opened or changed: some 70 bytes each, of which a library has thousands at the most.
    directories: Mutex<HashMap<u64, Epochs>>,
    /// Files whose pages all come from a time when the whole was checked.
    proven: Mutex<HashSet<u64>>,
}

/// Files that are known to be so: a megabyte. The pages of one that is not are read again once.
const MOST_PROVEN: usize = 65_536;

#[derive(Clone, Copy, Default)]
struct Epochs {
    /// When the directory was last opened.
    opened: Option<u64>,
    /// When it last changed.
    changed: u64,
}

impl Freshness {
    /// How many changes there have been.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Notes a change that has been committed.
    pub fn changed(&self, change: &TreeChange) {
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        let mut directories = self.directories.lock().expect("no panic while locked");
        let named = change.directories.iter().chain(change.entries.iter().map(|(parent, _)| parent));
        for ino in named {
            directories.entry(*ino).or_default().changed = epoch;
        }
    }

    /// Notes that the index is another one: no listing from before holds.
    pub fn begin_anew(&self) {
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        self.anew.store(epoch, Ordering::Release);
        let mut directories = self.directories.lock().expect("no panic while locked");
        directories.values_mut().for_each(|epochs| epochs.changed = epoch);
    }

    /// Whether what was taken then is of the index that serves now.
    pub fn holds(&self, epoch: u64) -> bool {
        epoch >= self.anew.load(Ordering::Acquire)
    }

    /// At which change a directory last changed.
    pub fn changed_at(&self, ino: u64) -> u64 {
        let directories = self.directories.lock().expect("no panic while locked");
        directories.get(&ino).map_or(0, |epochs| epochs.changed)
    }

    /// Notes that the kernel is given entries as they were then. Those from before a change may come into the listing that it
    /// keeps after the directory was opened anew.
    pub fn given(&self, ino: u64, epoch: u64) {
        let mut directories = self.directories.lock().expect("no panic while locked");
        if let Some(epochs) = directories.get_mut(&ino).filter(|epochs| epoch < epochs.changed) {
            epochs.opened = None;
        }
    }

    /// Notes that a file was opened. Pages read before the whole file was checked are kept by nobody who opens it later.
    pub fn opened_file(&self, ino: u64, is_whole: bool) -> Caching {
        let mut proven = self.proven.lock().expect("no panic while locked");
        if !is_whole {
            proven.remove(&ino);
            return Caching::Fresh;
        }
        if proven.len() >= MOST_PROVEN && !proven.contains(&ino) {
            proven.clear();
        }
        if proven.insert(ino) { Caching::Fresh } else { Caching::Keep }
    }

    /// Whether the kernel's cached listing, if it has one, is of now.
    pub fn is_kept(&self, ino: u64) -> bool {
        let directories = self.directories.lock().expect("no panic while locked");
        directories.get(&ino).is_some_and(Epochs::is_kept)
    }

    /// Notes that a listing was taken, and says whether the kernel's cached one is as new.
    pub fn opened(&self, ino: u64, epoch: u64) -> Caching {
        let mut directories = self.directories.lock().expect("no panic while locked");
        let epochs = directories.entry(ino).or_default();
        let is_kept = epochs.is_kept();
        epochs.opened = Some(epoch);
        if is_kept { Caching::Keep } else { Caching::Fresh }
    }
}

impl Epochs {
    fn is_kept(&self) -> bool {
        self.opened.is_some_and(|opened| opened >= self.changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_begun_before_a_change_is_not_kept() {
        let freshness = Freshness::default();
        let change = TreeChange { directories: vec![7], ..TreeChange::default() };
        assert_eq!(freshness.opened(7, freshness.epoch()), Caching::Fresh);
        assert_eq!(freshness.opened(7, freshness.epoch()), Caching::Keep);
        assert_eq!(freshness.opened(8, freshness.epoch()), Caching::Fresh);
        freshness.changed(&change);
        assert_eq!(freshness.opened(7, freshness.epoch()), Caching::Fresh);
        assert_eq!(freshness.opened(7, freshness.epoch()), Caching::Keep);
        assert_eq!(freshness.opened(8, freshness.epoch()), Caching::Keep);
        assert_eq!([7, 8].map(|ino| freshness.changed_at(ino)), [1, 0]);
    }

    #[test]
    fn what_is_given_of_an_older_listing_is_not_kept() {
        let freshness = Freshness::default();
        freshness.changed(&TreeChange { directories: vec![7], ..TreeChange::default() });
        assert_eq!(freshness.opened(7, 1), Caching::Fresh);
        freshness.given(7, 1);
        assert!(freshness.is_kept(7));
        freshness.given(7, 0);
        assert!(!freshness.is_kept(7));
        assert_eq!(freshness.opened(7, 1), Caching::Fresh);
        assert!(freshness.is_kept(7));
    }

    #[test]
    fn pages_are_kept_of_files_that_were_whole_before() {
        let freshness = Freshness::default();
        let opened = |is_whole| freshness.opened_file(7, is_whole);
        let all = [true, true, false, true, true].map(opened);
        assert_eq!(all, [Caching::Fresh, Caching::Keep, Caching::Fresh, Caching::Fresh, Caching::Keep]);
    }

    #[test]
    fn however_many_files_are_opened_few_are_remembered() {
        let freshness = Freshness::default();
        for ino in 0..3 * MOST_PROVEN as u64 {
            freshness.opened_file(ino, ino % 3 > 0);
            assert_eq!(freshness.opened_file(ino, true), if ino % 3 > 0 { Caching::Keep } else { Caching::Fresh });
        }
        assert!(freshness.proven.lock().unwrap().len() <= MOST_PROVEN);
    }
}
