//! Tells the kernel what to forget.

use std::ffi::OsStr;
use std::io;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use fuser::{INodeNo, Notifier};

use crate::vfs::{ChangeListener, System, TreeChange};

/// Gathers changes; a thread of its own passes them on. That thread may wait in the kernel for as long as a read of ours
/// takes, so nobody waits for it.
#[derive(Default)]
pub struct Invalidation {
    pending: Mutex<Pending>,
    woken: Condvar,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    change: TreeChange,
    /// Files whose bytes the kernel must drop.
    tainted: Vec<u64>,
}

impl News {
    fn is_empty(&self) -> bool {
        self.change.is_empty() && self.tainted.is_empty()
    }
}

#[derive(Default)]
struct Pending {
    news: News,
    stopped: bool,
}

impl Invalidation {
    /// Starts the thread, which ends when the mount does.
    pub fn start(notifier: Notifier) -> io::Result<Arc<Invalidation>> {
        let own = Arc::new(Invalidation::default());
        let served = own.clone();
        thread::Builder::new().name("invalidation".into()).spawn(move || serve(&served, &notifier))?;
        Ok(own)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect("no panic while locked")
    }

    fn add(&self, add: impl FnOnce(&mut News)) {
        let mut pending = self.pending();
        if !pending.stopped {
            add(&mut pending.news);
            self.woken.notify_all();
        }
    }

    pub fn stop(&self) {
        self.pending().stopped = true;
        self.woken.notify_all();
    }

    /// Waits for changes; `None` after the stop.
    fn next(&self) -> Option<News> {
        let mut pending = self.pending();
        while pending.news.is_empty() && !pending.stopped {
            pending = self.woken.wait(pending).expect("no panic while locked");
        }
        (!pending.stopped).then(|| mem::take(&mut pending.news))
    }
}

impl ChangeListener for Invalidation {
    fn changed(&self, change: TreeChange) {
        self.add(|news| news.change.extend(change));
    }

    fn tainted(&self, ino: u64) {
        self.add(|news| news.tainted.push(ino));
    }
}

fn serve(invalidation: &Invalidation, notifier: &Notifier) {
    while let Some(news) = invalidation.next() {
        tell(notifier, &news);
    }
}

fn tell(notifier: &Notifier, news: &News) {
    let TreeChange { entries, attributes, aside, .. } = &news.change;
    tell_of(notifier, entries, attributes);
    for piece in aside {
        match piece.read() {
            Ok((mut entries, attributes)) => {
                System::OWN.as_listed(&mut entries);
                tell_of(notifier, &entries, &attributes);
            }
            Err(error) => {
                tracing::error!(%error, "names that are gone may be found for an hour; mount anew to be sure")
            }
        }
    }
    for ino in news.tainted.iter().chain(&news.change.directories) {
        noted(notifier.inval_inode(INodeNo(*ino), 0, 0));
    }
}

fn tell_of(notifier: &Notifier, entries: &[(u64, String)], attributes: &[u64]) {
    for (parent, name) in entries {
        noted(notifier.inval_entry(INodeNo(*parent), OsStr::new(name)));
    }
    for ino in attributes {
        noted(notifier.inval_inode(INodeNo(*ino), -1, 0));
    }
}

/// What the kernel does not have it need not forget; an end of the mount is noticed elsewhere.
fn noted(told: io::Result<()>) {
    if let Err(error) = told {
        tracing::debug!(%error, "the kernel was told of a change");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_the_wait() {
        let invalidation = Invalidation::default();
        invalidation.stop();
        assert_eq!(invalidation.next(), None);
    }
}
