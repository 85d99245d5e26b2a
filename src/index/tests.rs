//! The index as a whole: records in, tree out.

mod damage;
mod leaving;

use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;

use super::*;
use crate::config::{AlbumStyle, Sidecars, TreeOptions};
use crate::photos::{
    Album, AlbumKind, Area, Asset, Change, Checksum, Library, LibraryId, Master, Member, ResourceKind, Sighting,
    SyncToken, Zone,
};
use crate::tree;

mod plans;
mod reliants;

struct Fixture {
    index: Index,
    folder: TempDir,
}

const MARCH: i64 = 1_709_632_800_000;

fn library(zone: &str) -> Library {
    Library::of(Zone { area: Area::Private, name: zone.into(), owner: None, zone_type: None }).unwrap()
}

fn primary() -> LibraryId {
    library(Library::PRIMARY).id()
}

fn token(text: &str) -> SyncToken {
    SyncToken::new(text).unwrap()
}

fn sighting(kind: ResourceKind, uti: &str, bytes: &str) -> Sighting {
    Sighting { kind, size: bytes.len() as u64, checksum: Checksum::of(bytes.as_bytes()), uti: uti.into(), ready: true }
}

fn asset(name: &str, added: i64) -> Asset {
    Asset {
        name: name.into(),
        master: format!("m-{name}"),
        captured: Some(MARCH),
        added: Some(added),
        modified: MARCH + added,
        ..Asset::default()
    }
}

fn master(asset: &str, file_name: &str) -> Master {
    Master {
        name: format!("m-{asset}"),
        file_name: Some(file_name.into()),
        uti: Some("public.jpeg".into()),
        modified: MARCH,
        resources: vec![sighting(ResourceKind::Original, "public.jpeg", &format!("bytes of {asset}"))],
    }
}

fn album(name: &str, title: &str, parent: Option<&str>) -> Album {
    Album {
        name: name.into(),
        title: Some(title.into()),
        kind: AlbumKind::Album,
        parent: parent.map(str::to_owned),
        deleted: false,
        modified: MARCH,
    }
}

fn member(album: &str, asset: &str) -> Member {
    Member { album: album.into(), asset: asset.into() }
}

impl Fixture {
    fn new(options: TreeOptions) -> Fixture {
        let folder = TempDir::new().unwrap();
        Fixture { index: Index::open(&folder.path().join("index.sqlite"), &options).unwrap(), folder }
    }

    /// A library of photos by the names given, added in this order and called A, B, C …
    fn with(names: &[&str]) -> Fixture {
        let fixture = Fixture::new(TreeOptions::default());
        fixture.list(names);
        fixture
    }

    fn list(&self, names: &[&str]) {
        self.index.begin_listing(&library(Library::PRIMARY), None).unwrap();
        for (n, (id, name)) in ('A'..).zip(names).enumerate() {
            let id = id.to_string();
            self.index.stage(&primary(), &[asset(&id, n as i64)], &[master(&id, name)]).unwrap();
        }
        self.index.show(&primary(), &token("t0")).unwrap();
        for area in [Area::Private, Area::Shared] {
            self.index.keep_zones_token(area, &token("z0")).unwrap();
        }
    }

    fn apply(&self, changes: &[Change]) -> TreeChange {
        let held = self.index.removals_to_hold(&primary(), changes).unwrap();
        self.index.apply(&primary(), &Batch { changes, token: &token("t1"), held: &held }).unwrap()
    }

    /// Every path of the tree and its inode.
    fn tree(&self) -> BTreeMap<String, Node> {
        let mut tree = BTreeMap::new();
        let mut todo = vec![(ROOT, String::new())];
        while let Some((ino, path)) = todo.pop() {
            for Entry { name, node } in self.index.children(ino).unwrap() {
                let path = format!("{path}/{name}");
                if node.kind == NodeKind::Directory {
                    todo.push((node.ino, path.clone()));
                }
                assert_eq!(self.index.lookup(ino, &name).unwrap().as_ref(), Some(&node));
                tree.insert(path, node);
            }
        }
        self.assert_counted(&tree);
        tree
    }

    /// What is kept as a sum is what counting finds.
    fn assert_counted(&self, tree: &BTreeMap<String, Node>) {
        let files: BTreeMap<u64, u64> =
            tree.values().filter(|node| node.kind == NodeKind::File).map(|node| (node.ino, node.size)).collect();
        let total = Totals { files: files.len() as u64, bytes: files.values().sum() };
        assert_eq!(self.index.totals().unwrap(), total);
        let reader = self.index.reader().unwrap();
        let counted = "SELECT count(*) FROM library l WHERE (visible, hidden, trashed) != (
            SELECT coalesce(sum(NOT trashed AND NOT hidden), 0), coalesce(sum(NOT trashed AND hidden), 0),
                coalesce(sum(trashed), 0)
            FROM asset WHERE library = l.id AND NOT gone)";
        assert_eq!(reader.query_row(counted, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "counts of views");
    }

    fn files(&self) -> Vec<String> {
        self.tree().into_iter().filter(|(_, node)| node.kind != NodeKind::Directory).map(|(path, _)| path).collect()
    }

    fn ino(&self, path: &str) -> u64 {
        self.tree().get(path).unwrap_or_else(|| panic!("no {path}")).ino
    }

    /// Reopens with other options.
    fn reopened(self, options: TreeOptions) -> Fixture {
        let Fixture { index, folder } = self;
        drop(index);
        Fixture { index: Index::open(&folder.path().join("index.sqlite"), &options).unwrap(), folder }
    }
}

/// Removals that wait.
fn waiting(fixture: &Fixture) -> u64 {
    fixture.index.holds().unwrap().iter().map(Waiting::count).sum()
}

fn trashed(name: &str) -> Change {
    Change::Asset(Box::new(Asset { trashed: true, expires: Some(MARCH), ..asset(name, 0) }))
}

#[test]
fn nothing_is_shown_before_the_listing_is_proven() {
    let fixture = Fixture::new(TreeOptions::default());
    fixture.index.begin_listing(&library(Library::PRIMARY), None).unwrap();
    fixture.index.stage(&primary(), &[asset("A", 1)], &[master("A", "IMG_1.JPG")]).unwrap();
    assert!(fixture.tree().is_empty());
    fixture.index.show(&primary(), &token("t0")).unwrap();
    assert!(fixture.files().contains(&"/Years/2024/2024-03/IMG_1.JPG".to_owned()));
}

#[test]
fn the_index_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::with(&["IMG_1.JPG"]);
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn a_listing_begun_again_forgets_the_first_attempt() {
    let fixture = Fixture::new(TreeOptions::default());
    for name in ["A", "B"] {
        fixture.index.begin_listing(&library(Library::PRIMARY), None).unwrap();
        fixture.index.stage(&primary(), &[asset(name, 1)], &[master(name, "IMG_1.JPG")]).unwrap();
    }
    assert_eq!(fixture.index.view_counts(&primary()).unwrap().visible, 1);
}

#[test]
fn names_do_not_move_when_twins_come_and_go() {
    let fixture = Fixture::with(&["IMG_1.JPG", "IMG_1.JPG", "img_1.jpg"]);
    let before = fixture.tree();
    let second = format!("/Years/2024/2024-03/IMG_1_{}.JPG", crate::tree::short_id("B"));
    let third = format!("/Years/2024/2024-03/img_1_{}.jpg", crate::tree::short_id("C"));
    for path in ["/Years/2024/2024-03/IMG_1.JPG", &second, &third] {
        assert!(before.contains_key(path), "{path} in {before:?}");
    }
    fixture.apply(&[trashed("A")]);
    let after = fixture.files();
    assert!(after.contains(&second) && after.contains(&third), "{after:?}");
    assert!(!after.contains(&"/Years/2024/2024-03/IMG_1.JPG".to_owned()));
    assert_eq!(before[&second].ino, fixture.ino(&second));
}

#[test]
fn a_trashed_photo_moves_and_a_restored_one_comes_back_the_same() {
    let fixture = Fixture::with(&["IMG_1.JPG"]);
    let path = "/Years/2024/2024-03/IMG_1.JPG";
    let before = fixture.tree()[path].clone();
    let change = fixture.apply(&[trashed("A")]);
    assert_eq!(fixture.files(), ["/Recently Deleted/until 2024-03-05/IMG_1.JPG"]);
    assert!(change.entries.iter().any(|(_, name)| name == "IMG_1.JPG"));
    assert!(!fixture.tree().contains_key("/Years/2024"), "empty directories go");
    fixture.apply(&[Change::Asset(Box::new(asset("A", 0)))]);
    assert_eq!(fixture.tree()[path], before, "inode, times and links as before");
    fixture.apply(&[Change::Gone("A".into())]);
    assert!(fixture.files().is_empty());
    assert_eq!(fixture.index.node(before.ino).unwrap().unwrap().nlink, 0, "an open file can still be read");
    assert!(fixture.index.resource(before.ino).unwrap().is_some());
}

#[test]
fn names_are_found_in_any_case_where_that_is_asked() {
    let fixture = Fixture::with(&["Caf\u{e9}.JPG"]);
    let month = fixture.ino("/Years/2024/2024-03");
    let found = |name| fixture.index.lookup_in_any_case(month, name).unwrap().map(|node| node.ino);
    let own = fixture.index.lookup(month, "Caf\u{e9}.JPG").unwrap().unwrap().ino;
    assert_eq!(found("Caf\u{e9}.JPG"), Some(own));
    assert_eq!(found("CAFE\u{301}.jpg"), Some(own));
    assert_eq!(found("Cafe.JPG"), None);
    assert_eq!(fixture.index.lookup(month, "CAF\u{c9}.jpg").unwrap(), None);
}

#[test]
fn albums_are_hard_links_in_folders() {
    let fixture = Fixture::with(&["IMG_1.JPG"]);
    let folder = Album { kind: AlbumKind::Folder, ..album("F", "Norway", None) };
    fixture.apply(&[
        Change::Album(album("X", "Day 1", Some("F"))),
        Change::Joined(member("X", "A")),
        Change::Album(folder),
        Change::Album(album("Y", "24/12/2020", None)),
    ]);
    let tree = fixture.tree();
    let home = &tree["/Years/2024/2024-03/IMG_1.JPG"];
    assert_eq!(tree["/Albums/Norway/Day 1/IMG_1.JPG"].ino, home.ino);
    assert_eq!(home.nlink, 2);
    assert!(tree.contains_key("/Albums/24_12_2020"));
    assert_eq!(tree["/Albums"].nlink, 4);
    let ino = tree["/Albums/Norway/Day 1"].ino;
    fixture.apply(&[Change::Album(album("X", "First day", None))]);
    assert_eq!(fixture.ino("/Albums/First day"), ino, "a renamed album is the same directory");
    fixture.apply(&[Change::Left(member("X", "A"))]);
    assert_eq!(fixture.tree()["/Years/2024/2024-03/IMG_1.JPG"].nlink, 2, "Years and Not in an Album");
    let gone = Album { deleted: true, ..album("X", "First day", None) };
    fixture.apply(&[Change::Joined(member("X", "A")), Change::Album(gone)]);
    assert!(!fixture.tree().contains_key("/Albums/First day"));
}

#[test]
fn a_new_edit_is_a_new_inode_under_the_same_name() {
    let fixture = Fixture::with(&["IMG_1.JPG"]);
    let edited = |bytes: &str| {
        let resources = vec![sighting(ResourceKind::Edited, "public.jpeg", bytes)];
        Change::Asset(Box::new(Asset { resources, adjustment: Some("com.apple.photo".into()), ..asset("A", 0) }))
    };
    let path = "/Years/2024/2024-03/IMG_1 (edited).JPG";
    fixture.apply(&[edited("first")]);
    let first = fixture.ino(path);
    fixture.apply(&[edited("second")]);
    let second = fixture.ino(path);
    assert_ne!(first, second);
    assert_eq!(fixture.index.resource(first).unwrap().unwrap().checksum, Checksum::of(b"first"));
    fixture.apply(&[edited("first")]);
    assert_eq!(fixture.ino(path), first);
}

#[test]
fn very_many_changes_are_all_told_and_are_not_in_memory() {
    const ENTRIES: u64 = 3 * TreeChange::MOST as u64 + 7;
    let name = |n: u64| (2000 + n % 3, format!("{n}"));
    let mut change = TreeChange::default();
    for n in 0..ENTRIES {
        let (parent, name) = name(n);
        change.add(parent, &name, 5000 + n);
        assert!(change.entries.len() <= TreeChange::MOST && change.attributes.len() <= TreeChange::MOST + 3);
    }
    change.tidy();
    assert_eq!(change.directories, [2000, 2001, 2002]);
    let mut all = TreeChange::default();
    all.extend(change);
    let (mut entries, mut attributes) = (all.entries, all.attributes);
    for piece in all.aside.iter().chain(&all.aside) {
        let told = piece.read().unwrap();
        entries.extend(told.0);
        attributes.extend(told.1);
    }
    let (entries, attributes) = (BTreeSet::from_iter(entries), BTreeSet::from_iter(attributes));
    assert_eq!(entries, (0..ENTRIES).map(name).collect());
    assert_eq!(attributes, (2000..2003).chain((0..ENTRIES).map(|n| 5000 + n)).collect());
}

#[test]
fn a_photo_waits_for_its_original() {
    let fixture = Fixture::with(&[]);
    fixture.apply(&[Change::Asset(Box::new(asset("A", 0)))]);
    assert!(fixture.files().is_empty(), "no master yet");
    let mut unready = master("A", "IMG_1.JPG");
    unready.resources[0].ready = false;
    fixture.apply(&[Change::Master(Box::new(unready))]);
    assert!(fixture.files().is_empty());
    assert_eq!(fixture.index.view_counts(&primary()).unwrap().unready, 1);
    fixture.apply(&[Change::Master(Box::new(master("A", "IMG_1.JPG")))]);
    assert_eq!(fixture.index.view_counts(&primary()).unwrap().unready, 0);
    assert!(fixture.files().contains(&"/Years/2024/2024-03/IMG_1.JPG".to_owned()));
}

#[test]
fn a_mass_deletion_waits() {
    let names: Vec<String> = (0..20).map(|n| format!("IMG_{n}.JPG")).collect();
    let fixture = Fixture::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let before = fixture.files();
    let mut changes: Vec<Change> = ('A'..='K').map(|c| trashed(&c.to_string())).collect();
    changes.push(Change::Asset(Box::new(asset("Z", 99))));
    changes.push(Change::Master(Box::new(master("Z", "NEW.JPG"))));
    fixture.apply(&changes);
    assert_eq!(waiting(&fixture), 11);
    assert_eq!(fixture.index.held_paths(None, 100).unwrap().len(), 11);
    let after = fixture.files();
    assert!(before.iter().all(|path| after.contains(path)), "everything is still there");
    assert!(after.contains(&"/Years/2024/2024-03/NEW.JPG".to_owned()), "additions appear");
    fixture.apply(&[Change::Gone("L".into())]);
    assert_eq!(waiting(&fixture), 12, "further removals join those that wait");
    fixture.apply(&[Change::Asset(Box::new(asset("A", 0)))]);
    assert_eq!(waiting(&fixture), 11, "a restored photo waits no more");
    fixture.index.decide(Decision::Reject, None).unwrap();
    assert_eq!(waiting(&fixture), 0);
    fixture.apply(&[Change::Gone("B".into())]);
    assert!(fixture.files().contains(&"/Years/2024/2024-03/IMG_1.JPG".to_owned()), "rejected for good");
}

#[test]
fn an_accepted_mass_deletion_goes() {
    let names: Vec<String> = (0..20).map(|n| format!("IMG_{n}.JPG")).collect();
    let fixture = Fixture::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut changes: Vec<Change> = ('A'..='J').map(|c| trashed(&c.to_string())).collect();
    changes.push(Change::Gone("K".into()));
    fixture.apply(&changes);
    Index::leave_decision(&fixture.folder.path().join("index.sqlite"), Decision::Accept, None).unwrap();
    let change = fixture.index.carry_out_decision().unwrap().unwrap();
    assert!(change.entries.len() >= 11, "the kernel is told");
    assert_eq!(fixture.index.carry_out_decision().unwrap(), None, "once");
    assert_eq!(waiting(&fixture), 0);
    let tree = fixture.files();
    assert_eq!(tree.iter().filter(|path| path.starts_with("/Years")).count(), 9);
    assert_eq!(tree.iter().filter(|path| path.starts_with("/Recently Deleted")).count(), 10);
}

#[test]
fn inodes_come_back_the_same_after_the_index_is_lost() {
    let names = ["IMG_1.JPG", "IMG_1.JPG", "b.png"];
    assert_eq!(Fixture::with(&names).tree(), Fixture::with(&names).tree());
}

#[test]
fn change_times_are_distinct() {
    let fixture = Fixture::with(&["a.jpg", "b.jpg", "c.jpg"]);
    let mut times: Vec<i128> =
        ["a", "b", "c"].map(|name| fixture.tree()[&format!("/Years/2024/2024-03/{name}.jpg")].ctime).into();
    times.dedup();
    assert_eq!(times.len(), 3);
}

#[test]
fn a_member_of_another_library_is_linked() {
    let fixture = Fixture::with(&["IMG_1.JPG"]);
    fixture.apply(&[Change::Album(album("X", "Both", None)), Change::Joined(member("X", "S"))]);
    let shared = library("SharedSync-1");
    fixture.index.begin_listing(&shared, None).unwrap();
    fixture.index.stage(&shared.id(), &[asset("S", 5)], &[master("S", "SHARED.JPG")]).unwrap();
    fixture.index.show(&shared.id(), &token("s0")).unwrap();
    let tree = fixture.tree();
    assert_eq!(tree["/Albums/Both/SHARED.JPG"].ino, tree["/Shared Library/Years/2024/2024-03/SHARED.JPG"].ino);
}

#[test]
fn other_options_lay_out_anew() {
    let fixture = Fixture::with(&["IMG_1.JPG"]);
    fixture.apply(&[Change::Album(album("X", "Trip", None)), Change::Joined(member("X", "A"))]);
    let home = fixture.ino("/Years/2024/2024-03/IMG_1.JPG");
    let symlinks = TreeOptions { albums: AlbumStyle::Symlink, ..TreeOptions::default() };
    let fixture = fixture.reopened(symlinks);
    let link = fixture.tree()["/Albums/Trip/IMG_1.JPG"].clone();
    assert_eq!(link.kind, NodeKind::Symlink);
    let target = fixture.index.link_target(link.ino).unwrap().unwrap();
    assert_eq!(target, "../../Years/2024/2024-03/IMG_1.JPG");
    assert_eq!(link.size, target.len() as u64);
    let flat = TreeOptions { years: "{year}".into(), albums: AlbumStyle::Copy, ..TreeOptions::default() };
    let fixture = fixture.reopened(flat);
    let tree = fixture.tree();
    assert_eq!(tree["/Years/2024/IMG_1.JPG"].ino, home);
    assert_eq!((tree["/Albums/Trip/IMG_1.JPG"].kind, tree["/Albums/Trip/IMG_1.JPG"].nlink), (NodeKind::File, 1));
    assert_ne!(tree["/Albums/Trip/IMG_1.JPG"].ino, home);
}

fn with_sidecars() -> TreeOptions {
    TreeOptions { sidecars: Sidecars::Xmp, ..TreeOptions::default() }
}

#[test]
fn a_sidecar_goes_where_its_original_goes() {
    let fixture = Fixture::new(with_sidecars());
    fixture.list(&["IMG_1.JPG", "IMG_1.JPG.xmp"]);
    let sidecar = "/Years/2024/2024-03/IMG_1.JPG.xmp";
    let second = format!("/Years/2024/2024-03/IMG_1.JPG_{}.xmp.xmp", tree::short_id("B"));
    let files = fixture.files();
    assert!(files.contains(&sidecar.to_owned()) && files.contains(&second), "the first photo's is first: {files:?}");
    assert_eq!(fixture.index.totals().unwrap().files, 2);
    let node = fixture.tree()[sidecar].clone();
    let bytes = fixture.index.sidecar(node.ino).unwrap().unwrap();
    assert_eq!((bytes.len() as u64, node.nlink, node.kind), (node.size, 1, NodeKind::Sidecar));
    assert!(fixture.index.sidecar(fixture.ino(&second)).unwrap().is_some());
    assert_eq!(fixture.index.sidecar(fixture.ino("/Years/2024/2024-03/IMG_1.JPG")).unwrap(), None);
    assert_eq!((fixture.index.facts(node.ino).unwrap(), fixture.index.resource(node.ino).unwrap()), (None, None));

    fixture.apply(&[trashed("A")]);
    let moved = "/Recently Deleted/until 2024-03-05/IMG_1.JPG.xmp";
    assert_eq!(fixture.ino(moved), node.ino, "what it tells is the same");
    assert!(!fixture.files().contains(&sidecar.to_owned()));
    fixture.apply(&[Change::Gone("A".into()), Change::Gone("B".into())]);
    assert_eq!(fixture.files(), [""; 0]);
    assert!(!fixture.tree().contains_key("/Years/2024"), "and nothing keeps the empty folder");
}

#[test]
fn another_description_is_another_inode_under_the_same_name() {
    let fixture = Fixture::new(with_sidecars());
    fixture.list(&["IMG_1.JPG"]);
    let path = "/Years/2024/2024-03/IMG_1.JPG.xmp";
    let was = fixture.tree()[path].clone();
    let titled = |title: Option<&str>, modified| {
        let title = title.map(str::to_owned);
        Change::Asset(Box::new(Asset { title, modified, ..asset("A", 0) }))
    };
    let change = fixture.apply(&[titled(Some("New"), MARCH + 5_000)]);
    let is = fixture.tree()[path].clone();
    assert!(is.ino != was.ino && is.mtime > was.mtime && is.ctime > was.ctime);
    assert!(change.entries.iter().any(|(_, name)| name == "IMG_1.JPG.xmp"), "the kernel is told: {change:?}");
    assert_eq!(fixture.index.sidecar(was.ino).unwrap(), None, "its bytes are no more");
    let change = fixture.apply(&[titled(Some("New"), MARCH + 9_000)]);
    assert_eq!((fixture.tree()[path].clone(), change.is_empty()), (is, true), "what it tells is the same");
    fixture.apply(&[titled(None, MARCH + 12_000)]);
    assert_eq!(fixture.tree()[path], was, "as it was, as it told then");
}

#[test]
fn the_sidecar_of_a_held_photo_stays_with_it() {
    let fixture = Fixture::new(with_sidecars());
    let names: Vec<String> = (0..20).map(|n| format!("IMG_{n}.JPG")).collect();
    fixture.list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let before = fixture.tree();
    let gone: Vec<Change> = ('A'..='K').map(|name| Change::Gone(name.to_string())).collect();
    fixture.apply(&gone);
    assert_eq!(fixture.index.held_paths(None, 100).unwrap().len(), 11, "originals, not their sidecars");
    assert_eq!(fixture.tree(), before);
}

/// Bytes of the log beside the index.
fn log_of(fixture: &Fixture) -> u64 {
    std::fs::metadata(fixture.folder.path().join("index.sqlite-wal")).map_or(0, |log| log.len())
}

#[test]
fn the_log_is_brought_in_at_the_end_and_stalls_no_reader() {
    let fixture = Fixture::with(&["a.JPG"]);
    assert!(log_of(&fixture) > 0, "an index that is not settled has one");
    let reader = store::connect(&fixture.index.path).unwrap();
    let names = || reader.query_row("SELECT count(*) FROM dentry", [], |row| row.get::<_, i64>(0)).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let before = names();
    fixture.apply(&[Change::Asset(Box::new(asset("Z", 9))), Change::Master(Box::new(master("Z", "z.JPG")))]);
    fixture.index.settle();
    assert_eq!(names(), before, "a reader goes on with what it began with");
    reader.execute_batch("COMMIT").unwrap();
    assert!(names() > before);
    fixture.index.settle();
    assert_eq!(log_of(&fixture), 0);
}

#[test]
fn a_log_that_grew_behind_a_stalled_reader_is_cut_when_that_is_gone() {
    const LIMIT: u64 = store::LOG_BYTES as u64;
    let fixture = Fixture::with(&["a.JPG"]);
    let described =
        |round: usize, n: i64| Asset { description: Some("x".repeat(900 + round)), ..asset(&format!("N{n}"), n) };
    let change = |round| {
        let changes: Vec<_> = (0..400).map(|n| Change::Asset(Box::new(described(round, n)))).collect();
        fixture.apply(&changes);
    };
    (0..40).for_each(change);
    assert!(log_of(&fixture) <= LIMIT + (1 << 20), "{} bytes though nobody reads", log_of(&fixture));
    let reader = store::connect(&fixture.index.path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM dentry").unwrap();
    for round in 40.. {
        change(round);
        if log_of(&fixture) > LIMIT + (2 << 20) {
            break;
        }
    }
    reader.execute_batch("COMMIT").unwrap();
    (0..2).for_each(change);
    assert!(log_of(&fixture) <= LIMIT, "{} bytes when nobody reads any more", log_of(&fixture));
}
