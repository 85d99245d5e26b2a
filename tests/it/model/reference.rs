//! What the tree must be: what the cloud is, but for what is held, which stays.

use std::collections::{BTreeMap, BTreeSet};

use icloud_simulator::library::{Slot, TruthAsset, TruthState};
use photosfs::index::NodeKind;
use photosfs::photos::ResourceKind;

use crate::listing::{Key, expected, found};
use crate::stage::Stage;

/// Record names of what waits for a person, or was rejected.
#[derive(Debug, Default)]
pub struct Held {
    pub assets: BTreeSet<String>,
    pub albums: BTreeSet<String>,
}

impl Held {
    /// What the index holds: which removals it holds is its own business, that nothing else stays is looked at here.
    pub fn of(stage: &Stage) -> Held {
        let index = rusqlite::Connection::open(stage.config.state.join("index.sqlite")).unwrap();
        let mut query = index.prepare("SELECT record, removal FROM held").unwrap();
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
        let mut held = Held::default();
        for row in rows {
            let (record, removal) = row.unwrap();
            if removal == 3 {
                held.albums.insert(record)
            } else {
                held.assets.insert(record)
            };
        }
        held
    }
}

/// Panics unless all is in the tree that should be, where it should be, and nothing else.
pub fn assert_follows(stage: &Stage, held: &Held) {
    assert_files(stage, held);
    assert_homes(stage, held);
    assert_months(stage, held);
    if held.albums.is_empty() {
        assert_albums(stage, held);
    }
}

/// Every file of the cloud is there; what is there beside them is held, and the cloud has removed it.
fn assert_files(stage: &Stage, held: &Held) {
    let (expected, found) = (expected(stage), found(stage));
    let shown: BTreeSet<Key> = found.keys().cloned().collect();
    let missing: Vec<_> = expected.difference(&shown).collect();
    let surplus: Vec<_> =
        shown.difference(&expected).filter(|key| !held.assets.contains(&key.0)).map(|key| &found[key]).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:#?}\nsurplus {surplus:#?}");
}

/// Each asset is at home where its state says; one that is held, where it was.
fn assert_homes(stage: &Stage, held: &Held) {
    let found = found(stage);
    let truth = stage.simulator.cloud().truth();
    for asset in truth.assets().filter(|asset| !asset.lesser_burst_frame) {
        let Some(original) = asset.resource(Slot::Original) else { continue };
        let paths = &found[&(asset.record_name.clone(), original.checksum.clone(), original.size)];
        let homes: &[&str] = match asset.state {
            TruthState::Trashed if held.assets.contains(&asset.record_name) => &["/Years/", "/Hidden/"],
            TruthState::Visible => &["/Years/"],
            TruthState::Hidden => &["/Hidden/"],
            TruthState::Trashed => &["/Recently Deleted/"],
        };
        let at_home = paths.iter().filter(|path| homes.iter().any(|home| path.contains(home))).count();
        assert_eq!(at_home, 1, "{:?}, {:?}, of {paths:?}", asset.file_name, asset.state);
    }
}

/// Each file of Years is in the month of its capture.
fn assert_months(stage: &Stage, held: &Held) {
    let truth = stage.simulator.cloud().truth();
    let months: BTreeMap<&str, String> =
        truth.assets().map(|asset| (asset.record_name.as_str(), month(asset))).collect();
    for ((asset, ..), paths) in found(stage).iter().filter(|((asset, ..), _)| !held.assets.contains(asset)) {
        for path in paths {
            let (directory, _) = path.rsplit_once('/').unwrap();
            let in_years = path.strip_prefix("/Shared Library").unwrap_or(path).starts_with("/Years/");
            let month = &months[asset.as_str()];
            assert!(!in_years || directory.ends_with(month), "{path} was taken in {month}");
        }
    }
}

/// `2024/2024-03`, on the clock of the capture.
fn month(asset: &TruthAsset) -> String {
    let clock = asset.captured_ms + i64::from(asset.utc_offset_s.unwrap_or(0)) * 1000;
    let clock = jiff::Timestamp::from_millisecond(clock).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    format!("{:04}/{:04}-{:02}", clock.year(), clock.year(), clock.month())
}

/// An album by its depth and the assets in it.
type Album = (usize, BTreeSet<String>);

/// Albums with members, and how many albums and folders there are; members that are held are left out of account.
fn assert_albums(stage: &Stage, held: &Held) {
    let truth = stage.simulator.cloud().truth();
    let counts = |asset: &&TruthAsset| asset.state == TruthState::Visible && !held.assets.contains(&asset.record_name);
    let counted: BTreeSet<&str> = truth.assets().filter(counts).map(|asset| asset.record_name.as_str()).collect();
    let albums = truth.libraries.iter().flat_map(|library| &library.albums).filter(|album| !album.is_folder);
    let members = albums.map(|album| {
        let members = album.members.iter().filter(|name| counted.contains(name.as_str()));
        (album.path.len(), members.cloned().collect())
    });
    let mut expected: Vec<Album> = members.filter(|(_, members): &Album| !members.is_empty()).collect();
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for ((asset, ..), paths) in found(stage).into_iter().filter(|((asset, ..), _)| !held.assets.contains(asset)) {
        for path in paths.iter().filter(|path| path.starts_with("/Albums/")) {
            shown.entry(path.rsplit_once('/').unwrap().0.to_owned()).or_default().insert(asset.clone());
        }
    }
    let mut shown: Vec<Album> =
        shown.into_iter().map(|(path, members)| (path.matches('/').count() - 1, members)).collect();
    expected.sort();
    shown.sort();
    assert_eq!(shown, expected, "albums by depth and members");
    let is_directory = |(path, node): &(String, photosfs::index::Node)| {
        path.starts_with("/Albums/") && node.kind == NodeKind::Directory
    };
    let albums = truth.libraries.iter().map(|library| library.albums.len()).sum::<usize>();
    assert_eq!(stage.tree().iter().filter(|entry| is_directory(entry)).count(), albums, "albums and folders");
}

/// What an inode stands for: the checksum of a file, the bytes of a sidecar.
pub type Inodes = BTreeMap<u64, (Vec<u8>, u64)>;

/// Every inode stands for the bytes that it stood for.
pub fn assert_stable(stage: &Stage, before: &Inodes) -> Inodes {
    let mut now = Inodes::new();
    for (path, node) in stage.tree() {
        let bytes = match node.kind {
            NodeKind::File => stage.index.facts(node.ino).unwrap().unwrap().checksum.into_bytes(),
            NodeKind::Sidecar => stage.index.sidecar(node.ino).unwrap().unwrap_or_else(|| panic!("{path} is outdated")),
            NodeKind::Directory | NodeKind::Symlink => continue,
        };
        let known = (bytes, node.size);
        if let Some(before) = before.get(&node.ino) {
            assert!(*before == known, "{path}: an inode never stands for other bytes");
        }
        now.insert(node.ino, known);
    }
    now
}

/// Every original has its sidecar beside it where it is at home, which names it; and there is no other. Without sidecars,
/// none.
pub fn assert_sidecars(stage: &Stage, wanted: bool) {
    let tree: BTreeMap<String, photosfs::index::Node> = stage.tree().into_iter().collect();
    let mut seen = 0;
    for (path, node) in tree.iter().filter(|(_, node)| node.kind == NodeKind::File) {
        let facts = stage.index.facts(node.ino).unwrap().unwrap();
        let is_home = ["/Years/", "/Hidden/", "/Recently Deleted/"].iter().any(|home| path.contains(home));
        let is_original = matches!(facts.kind, ResourceKind::Original | ResourceKind::Alternative);
        if !wanted || !is_home || !is_original {
            continue;
        }
        let name = format!("{path}.xmp");
        let sidecar = tree.get(&name).unwrap_or_else(|| panic!("{name} is missing"));
        let text = String::from_utf8(stage.index.sidecar(sidecar.ino).unwrap().unwrap()).unwrap();
        assert_eq!((sidecar.kind, sidecar.size), (NodeKind::Sidecar, text.len() as u64), "{name}");
        assert!(text.contains(&facts.asset), "{name} describes another: {text}");
        seen += 1;
    }
    assert_eq!(tree.values().filter(|node| node.kind == NodeKind::Sidecar).count(), seen, "one for each original");
}
