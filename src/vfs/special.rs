//! Files the file system makes up: `.photosfs/status.json`, and markers that keep indexers out.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{SHORT_TTL, StatusSource, TTL};
use crate::index::{Entry, Node, NodeKind, RESERVED, ROOT};

const FOLDER: u64 = 2;
const STATUS: u64 = 3;
/// Asked for by Spotlight, Tracker and Android's scanner. Found by name, never listed: a listed one would be copied
/// and hide the copy from its owner's own index (desktop.md §7).
const MARKERS: [(u64, &str); 3] = [(4, ".metadata_never_index"), (5, ".trackerignore"), (6, ".nomedia")];

/// `status.json` is padded with blanks to a multiple of this, so that its size stays the same while its text changes:
/// a program that asked for the size first reads all of it.
const PADDING: usize = 4096;

/// Whether a number is one of ours; the root is the index's.
pub fn is_special(ino: u64) -> bool {
    (FOLDER..=RESERVED).contains(&ino)
}

pub fn ttl(ino: u64) -> Duration {
    if ino == STATUS { SHORT_TTL } else { TTL }
}

/// The parent of the root or of one of ours.
pub fn parent(ino: u64) -> u64 {
    if ino == STATUS { FOLDER } else { ROOT }
}

pub fn name(ino: u64) -> &'static str {
    match ino {
        FOLDER => ".photosfs",
        STATUS => "status.json",
        _ => MARKERS.iter().find(|(own, _)| *own == ino).map_or("", |(_, name)| name),
    }
}

/// The root as it is shown: it has one directory more than the index knows.
pub fn with_listed(node: Node) -> Node {
    if node.ino == ROOT { Node { nlink: node.nlink + 1, ..node } } else { node }
}

/// The made-up files and what they hold.
pub struct Special {
    status: Arc<dyn StatusSource>,
    latest: Mutex<Option<Snapshot>>,
}

#[derive(Clone)]
struct Snapshot {
    bytes: Bytes,
    /// When these bytes were first seen, in nanoseconds since 1970.
    since: i128,
    asked: Instant,
}

impl Special {
    pub fn new(status: Arc<dyn StatusSource>) -> Special {
        Special { status, latest: Mutex::new(None) }
    }

    pub fn lookup(&self, parent: u64, name: &str) -> Option<Node> {
        let ino = match (parent, name) {
            (ROOT, ".photosfs") => FOLDER,
            (FOLDER, "status.json") => STATUS,
            (ROOT, name) => MARKERS.iter().find(|(_, own)| *own == name)?.0,
            _ => return None,
        };
        self.node(ino)
    }

    pub fn node(&self, ino: u64) -> Option<Node> {
        match ino {
            FOLDER => Some(node(FOLDER, NodeKind::Directory, 0, 0)),
            STATUS => {
                let snapshot = self.snapshot();
                Some(node(STATUS, NodeKind::File, snapshot.bytes.len() as u64, snapshot.since))
            }
            _ => MARKERS.iter().find(|(own, _)| *own == ino).map(|_| node(ino, NodeKind::File, 0, 0)),
        }
    }

    /// Ours that are shown in a directory of the index.
    pub fn listed_in(&self, ino: u64) -> Option<Node> {
        if ino == ROOT { self.node(FOLDER) } else { None }
    }

    pub fn children(&self, ino: u64) -> Vec<Entry> {
        let status = (ino == FOLDER).then(|| self.node(STATUS)).flatten();
        status.into_iter().map(|node| Entry { name: name(STATUS).into(), node }).collect()
    }

    /// The bytes of one of ours; an open file keeps those it was opened with.
    pub fn bytes(&self, ino: u64) -> Option<Bytes> {
        match ino {
            STATUS => Some(self.snapshot().bytes),
            _ => MARKERS.iter().any(|(own, _)| *own == ino).then(Bytes::new),
        }
    }

    /// The text of now, or of at most a second ago, so that stat and open agree. Its time moves only with its bytes.
    fn snapshot(&self) -> Snapshot {
        let mut latest = self.latest.lock().expect("no panic while locked");
        if let Some(snapshot) = latest.as_ref().filter(|s| s.asked.elapsed() < SHORT_TTL) {
            return snapshot.clone();
        }
        let bytes = padded(self.status.status());
        let since = latest.as_ref().filter(|s| s.bytes == bytes).map_or_else(now, |s| s.since);
        latest.insert(Snapshot { bytes, since, asked: Instant::now() }).clone()
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
