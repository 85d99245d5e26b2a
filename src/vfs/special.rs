//! Files the file system makes up: what is below `.photosfs`, and markers that keep indexers out.

mod days;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{SHORT_TTL, StatusSource, TTL, TreeChange};
use crate::index::{Entry, IndexError, Node, NodeKind, RESERVED, ROOT};
use days::Days;

const FOLDER: u64 = 2;
const STATUS: u64 = 3;
/// Asked for by Spotlight, Tracker and Android's scanner. Found by name, never listed: a listed one would be copied
/// and hide the copy from its owner's own index (desktop.md §7).
const MARKERS: [(u64, &str); 3] = [(4, ".metadata_never_index"), (5, ".trackerignore"), (6, ".nomedia")];
/// There while removals wait for a person, for everyone who sees the mount or its copy.
const HELD: u64 = 7;
const CHANGES: u64 = 8;

/// `status.json` is padded with blanks to a multiple of this, so that its size stays the same while its text changes:
/// a program that asked for the size first reads all of it.
const PADDING: usize = 4096;

/// Whether a number is one of ours; the root is the index's.
pub fn is_special(ino: u64) -> bool {
    (FOLDER..=RESERVED).contains(&ino) || days::day(ino).is_some()
}

pub fn ttl(ino: u64) -> Duration {
    if ino == FOLDER || MARKERS.iter().any(|(own, _)| *own == ino) { TTL } else { SHORT_TTL }
}

/// The parent of the root or of one of ours.
pub fn parent(ino: u64) -> u64 {
    match ino {
        STATUS | HELD | CHANGES => FOLDER,
        _ if days::day(ino).is_some() => CHANGES,
        _ => ROOT,
    }
}

/// The root by itself, whatever becomes of the index. It can be gone through and not listed.
pub fn root() -> Node {
    Node { nlink: 3, ..node(ROOT, NodeKind::Directory, 0, 0) }
}

/// The root as it is shown: it has one directory more than the index knows.
pub fn with_listed(node: Node) -> Node {
    if node.ino == ROOT { Node { nlink: node.nlink + 1, ..node } } else { node }
}

/// What the kernel must forget of ours after a change.
pub fn add_ours(change: &mut TreeChange) {
    if change.holds {
        change.entries.push((FOLDER, "HELD".into()));
        change.directories.push(FOLDER);
        change.attributes.push(HELD);
    }
}

/// The made-up files and what they hold.
pub struct Special {
    source: Arc<dyn StatusSource>,
    status: Latest,
    held: Latest,
    days: Days,
}

/// A text that changes by itself, as it was at most a second ago, so that stat and open agree.
#[derive(Default)]
struct Latest(Mutex<Option<Snapshot>>);

#[derive(Clone)]
struct Snapshot {
    bytes: Bytes,
    /// When these bytes were first seen, in nanoseconds since 1970.
    since: i128,
    /// `None` once it is known to have changed since.
    asked: Option<Instant>,
}

impl Special {
    pub fn new(source: Arc<dyn StatusSource>) -> Special {
        Special { days: Days::new(source.clone()), source, status: Latest::default(), held: Latest::default() }
    }

    pub fn lookup(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError> {
        let ino = match (parent, name) {
            (ROOT, ".photosfs") => Some(FOLDER),
            (FOLDER, "status.json") => Some(STATUS),
            (FOLDER, "HELD") => Some(HELD),
            (FOLDER, "changes") => Some(CHANGES),
            (ROOT, name) => MARKERS.iter().find(|(_, own)| *own == name).map(|(ino, _)| *ino),
            (CHANGES, name) => days::named(name),
            _ => None,
        };
        ino.map_or(Ok(None), |ino| self.node(ino))
    }

    /// One of ours, if it is there now.
    pub fn node(&self, ino: u64) -> Result<Option<Node>, IndexError> {
        let file = |snapshot: Snapshot| node(ino, NodeKind::File, snapshot.bytes.len() as u64, snapshot.since);
        Ok(match ino {
            FOLDER => Some(Node { nlink: 3, ..node(FOLDER, NodeKind::Directory, 0, 0) }),
            CHANGES => Some(node(CHANGES, NodeKind::Directory, 0, 0)),
            STATUS => self.status()?.map(file),
            HELD => self.held()?.map(file),
            _ if MARKERS.iter().any(|(own, _)| *own == ino) => Some(node(ino, NodeKind::File, 0, 0)),
            _ => match days::day(ino) {
                Some(day) => self.days.node(day)?,
                None => None,
            },
        })
    }

    /// Ours that are shown in a directory of the index.
    pub fn listed_in(&self, ino: u64) -> Result<Option<Entry>, IndexError> {
        let folder = if ino == ROOT { self.node(FOLDER)? } else { None };
        Ok(folder.map(|node| Entry { name: ".photosfs".into(), node }))
    }

    pub fn children(&self, ino: u64) -> Result<Vec<Entry>, IndexError> {
        match ino {
            FOLDER => {
                let ours = [("HELD", HELD), ("changes", CHANGES), ("status.json", STATUS)];
                let entry =
                    |(name, ino): (&str, u64)| Ok(self.node(ino)?.map(|node| Entry { name: name.to_owned(), node }));
                ours.into_iter().filter_map(|own| entry(own).transpose()).collect()
            }
            CHANGES => self.days.entries(),
            _ => Ok(Vec::new()),
        }
    }

    /// The bytes of one of ours; an open file keeps those it was opened with.
    pub fn bytes(&self, ino: u64) -> Result<Option<Bytes>, IndexError> {
        match ino {
            STATUS => Ok(self.status()?.map(|snapshot| snapshot.bytes)),
            HELD => Ok(self.held()?.map(|snapshot| snapshot.bytes)),
            _ if MARKERS.iter().any(|(own, _)| *own == ino) => Ok(Some(Bytes::new())),
            _ => days::day(ino).map_or(Ok(None), |day| self.days.bytes(day)),
        }
    }

    fn status(&self) -> Result<Option<Snapshot>, IndexError> {
        self.status.of(|| Ok(Some(padded(self.source.status()))))
    }

    /// What waits for a person has changed: whoever lists from now on is told how it is now.
    pub fn forget_held(&self) {
        if let Some(snapshot) = self.held.0.lock().expect("no panic while locked").as_mut() {
            snapshot.asked = None;
        }
    }

    fn held(&self) -> Result<Option<Snapshot>, IndexError> {
        self.held.of(|| Ok(self.source.held()?.map(Bytes::from)))
    }
}

impl Latest {
    /// The text of now, or of at most a second ago. Its time moves only with its bytes.
    fn of(&self, read: impl FnOnce() -> Result<Option<Bytes>, IndexError>) -> Result<Option<Snapshot>, IndexError> {
        let mut latest = self.0.lock().expect("no panic while locked");
        if let Some(snapshot) = latest.as_ref().filter(|s| s.asked.is_some_and(|at| at.elapsed() < SHORT_TTL)) {
            return Ok(Some(snapshot.clone()));
        }
        let Some(bytes) = read()? else {
            *latest = None;
            return Ok(None);
        };
        let since = latest.as_ref().filter(|s| s.bytes == bytes).map_or_else(now, |s| s.since);
        Ok(Some(latest.insert(Snapshot { bytes, since, asked: Some(Instant::now()) }).clone()))
    }
}

fn padded(text: String) -> Bytes {
    let mut bytes = text.trim_end().to_owned().into_bytes();
    bytes.resize((bytes.len() + 1).next_multiple_of(PADDING) - 1, b' ');
    bytes.push(b'\n');
    bytes.into()
}

fn node(ino: u64, kind: NodeKind, size: u64, time: i128) -> Node {
    let nlink = if kind == NodeKind::Directory { 2 } else { 1 };
    Node { ino, kind, size, nlink, mtime: time, ctime: time, btime: time }
}

fn now() -> i128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |span| span.as_nanos() as i128)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Waiting(AtomicBool);

    impl StatusSource for Waiting {
        fn status(&self) -> String {
            String::new()
        }

        fn held(&self) -> Result<Option<String>, IndexError> {
            Ok(self.0.load(Ordering::Relaxed).then(|| "ten removals wait".to_owned()))
        }
    }

    #[test]
    fn a_notice_is_gone_as_soon_as_its_hold_is_known_to_be() {
        let source = Arc::new(Waiting(AtomicBool::new(true)));
        let special = Special::new(source.clone());
        let listed = || special.children(FOLDER).unwrap().iter().any(|entry| entry.name == "HELD");
        assert!(listed());
        source.0.store(false, Ordering::Relaxed);
        special.forget_held();
        assert!(!listed() && special.lookup(FOLDER, "HELD").unwrap().is_none());
    }
}
