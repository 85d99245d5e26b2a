//! A tree and a source of bytes in memory, which misbehave when told to.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use photosfs::content::{Body, Content, ContentOptions, Source, SourceError};
use photosfs::http::Hope;
use photosfs::index::{Entry, Facts, IndexError, Node, NodeKind, ROOT, Reliant, Totals};
use photosfs::photos::{Checksum, LibraryId, Place, Resource, ResourceKind};
use photosfs::vfs::{Owner, StatusSource, Tree, Vfs};
use tokio::sync::watch;

/// What a request of the source does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// No answer but an error.
    Fail,
    /// The body breaks off after so many bytes, without a word.
    Short(u64),
    /// The same, with an error.
    Break(u64),
    /// One byte is another.
    Wrong,
    /// More bytes than were asked for.
    Long,
    /// The first byte comes only after this many milliseconds.
    Late(u64),
    /// The first byte comes only when the test lets it ([`Shelf::let_go`]).
    Held,
    /// 100 KB come only after this many milliseconds each.
    Slow(u64),
    Panic,
}

type Plan = Box<dyn Fn(u64, &Range<u64>) -> Fault + Send + Sync>;

/// Bytes by record name.
#[derive(Default)]
pub struct Shelf {
    files: RwLock<HashMap<String, Bytes>>,
    plan: RwLock<Option<Plan>>,
    unreachable: AtomicBool,
    doubtful: AtomicBool,
    requests: AtomicU64,
    given: AtomicU64,
    given_of: Mutex<HashMap<String, u64>>,
    pub asked: Mutex<Vec<Range<u64>>>,
    names: Mutex<Vec<String>>,
    under_way: Arc<UnderWay>,
    gate_is_open: watch::Sender<bool>,
}

/// Requests whose bodies somebody holds, now and at the most.
#[derive(Default)]
struct UnderWay {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One of them.
struct Held(Arc<UnderWay>);

impl Held {
    fn new(under_way: &Arc<UnderWay>) -> Held {
        let now = under_way.now.fetch_add(1, Ordering::SeqCst) + 1;
        under_way.most.fetch_max(now, Ordering::SeqCst);
        Held(under_way.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shelf {
    pub fn put(&self, name: &str, bytes: Bytes) -> Resource {
        let resource = resource(name, bytes.len() as u64, Checksum::of(&bytes));
        self.files.write().unwrap().insert(name.into(), bytes);
        resource
    }

    /// Decides by number (from 1) and range what each request does.
    pub fn plan(&self, plan: impl Fn(u64, &Range<u64>) -> Fault + Send + Sync + 'static) {
        self.requests.store(0, Ordering::SeqCst);
        *self.plan.write().unwrap() = Some(Box::new(plan));
    }

    /// Answers all requests that are [`Fault::Held`], and those to come.
    pub fn let_go(&self) {
        self.gate_is_open.send_replace(true);
    }

    pub fn go_offline(&self, offline: bool) {
        self.unreachable.store(offline, Ordering::SeqCst);
    }

    /// Nobody knows whether it can be reached.
    pub fn be_in_doubt(&self, doubtful: bool) {
        self.doubtful.store(doubtful, Ordering::SeqCst);
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn given(&self) -> u64 {
        self.given.load(Ordering::SeqCst)
    }

    /// Record names, in the order they were asked for.
    pub fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().clone()
    }

    /// The most requests that were ever under way at once.
    pub fn most_at_once(&self) -> usize {
        self.under_way.most.load(Ordering::SeqCst)
    }

    /// Bytes given of one file.
    pub fn given_of(&self, name: &str) -> u64 {
        self.given_of.lock().unwrap().get(name).copied().unwrap_or(0)
    }

    fn fault(&self, range: &Range<u64>) -> Fault {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        self.asked.lock().unwrap().push(range.clone());
        self.plan.read().unwrap().as_ref().map_or(Fault::None, |plan| plan(number, range))
    }
}

pub fn resource(name: &str, size: u64, checksum: Checksum) -> Resource {
    Resource {
        library: LibraryId("PrimarySync".into()),
        record_name: name.into(),
        kind: ResourceKind::Original,
        size,
        checksum,
    }
}

impl Source for Shelf {
    fn open<'a>(
        &'a self,
        resource: &'a Resource,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Box<dyn Body>, SourceError>> {
        assert!(range.start < range.end && range.end <= resource.size, "asked for {range:?} of {}", resource.size);
        let fault = self.fault(&range);
        self.names.lock().unwrap().push(resource.record_name.clone());
        let held = Held::new(&self.under_way);
        let file = self.files.read().unwrap()[&resource.record_name].clone();
        Box::pin(async move {
            let mut bytes = file.slice(range.start as usize..range.end as usize).to_vec();
            let (mut breaks, mut pause) = (false, Duration::ZERO);
            match fault {
                Fault::None => {}
                Fault::Fail => return Err(SourceError::Failed("told to fail".into())),
                Fault::Short(at) => bytes.truncate(at as usize),
                Fault::Break(at) => {
                    bytes.truncate(at as usize);
                    breaks = true;
                }
                Fault::Wrong => *bytes.last_mut().unwrap() ^= 1,
                Fault::Long => bytes.push(0),
                Fault::Late(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Fault::Held => {
                    let _ = self.gate_is_open.subscribe().wait_for(|is_open| *is_open).await;
                }
                Fault::Slow(ms) => pause = Duration::from_millis(ms),
                Fault::Panic => panic!("told to panic"),
            }
            self.given.fetch_add(bytes.len() as u64, Ordering::SeqCst);
            *self.given_of.lock().unwrap().entry(resource.record_name.clone()).or_default() += bytes.len() as u64;
            Ok(Box::new(Pieces { rest: bytes.into(), breaks, pause, _held: held }) as Box<dyn Body>)
        })
    }

    fn hope(&self) -> Hope {
        match (self.unreachable.load(Ordering::SeqCst), self.doubtful.load(Ordering::SeqCst)) {
            (true, _) => Hope::None,
            (_, true) => Hope::Unknown,
            _ => Hope::Good,
        }
    }
}

/// A body in pieces of an odd size.
struct Pieces {
    rest: Bytes,
    breaks: bool,
    pause: Duration,
    _held: Held,
}

impl Body for Pieces {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, SourceError>> {
        Box::pin(async move {
            if self.rest.is_empty() && self.breaks {
                return Err(SourceError::Interrupted("told to break".into()));
            }
            tokio::time::sleep(self.pause).await;
            let length = self.rest.len().min(100_003);
            Ok((length > 0).then(|| self.rest.split_to(length)))
        })
    }
}

/// Bytes that differ from place to place and from seed to seed.
pub fn bytes(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out.into()
}

/// A cache in a folder that has room for everything.
pub fn options(folder: &Path) -> ContentOptions {
    ContentOptions {
        folder: folder.join("originals"),
        size: 1 << 40,
        keep_free: 0,
        deadline: Duration::from_secs(10),
        memory: 256 << 20,
        bandwidth: None,
    }
}

/// A cache in a folder, over a shelf.
pub fn content(folder: &Path, shelf: &Arc<Shelf>) -> Content {
    content_with(options(folder), shelf)
}

pub fn content_with(options: ContentOptions, shelf: &Arc<Shelf>) -> Content {
    Content::open_folder(options, shelf.clone(), tokio::runtime::Handle::current()).unwrap()
}

/// A tree that can be changed; the root exists from the start.
pub struct Forest {
    nodes: RwLock<BTreeMap<u64, Node>>,
    names: RwLock<BTreeMap<(u64, String), u64>>,
    resources: RwLock<HashMap<u64, Resource>>,
    links: RwLock<HashMap<u64, String>>,
    reliants: Mutex<Vec<Weak<dyn Reliant>>>,
    listed: Mutex<Vec<u64>>,
    writes: AtomicU64,
    unlisted: Mutex<Option<u64>>,
    pub broken: AtomicBool,
    pub panics: AtomicBool,
}

impl Forest {
    pub fn new() -> Forest {
        let forest = Forest {
            nodes: RwLock::default(),
            names: RwLock::default(),
            resources: RwLock::default(),
            links: RwLock::default(),
            reliants: Mutex::default(),
            listed: Mutex::default(),
            writes: AtomicU64::new(0),
            unlisted: Mutex::default(),
            broken: AtomicBool::new(false),
            panics: AtomicBool::new(false),
        };
        forest.node_of(ROOT, NodeKind::Directory, 0);
        forest
    }

    fn node_of(&self, ino: u64, kind: NodeKind, size: u64) {
        let time = 1_400_000_000_000_000_000 + i128::from(ino) * 1_000_000_007;
        let nlink = if kind == NodeKind::Directory { 2 } else { 1 };
        let node = Node { ino, kind, size, nlink, mtime: time, ctime: time + 5, btime: time + 9 };
        self.nodes.write().unwrap().insert(ino, node);
    }

    pub fn directory(&self, parent: u64, name: &str, ino: u64) -> u64 {
        self.before_change();
        self.node_of(ino, NodeKind::Directory, 0);
        self.names.write().unwrap().insert((parent, name.into()), ino);
        self.nodes.write().unwrap().get_mut(&parent).unwrap().nlink += 1;
        ino
    }

    pub fn file(&self, parent: u64, name: &str, ino: u64, resource: Resource) -> u64 {
        self.before_change();
        self.node_of(ino, NodeKind::File, resource.size);
        self.resources.write().unwrap().insert(ino, resource);
        self.names.write().unwrap().insert((parent, name.into()), ino);
        ino
    }

    pub fn link(&self, parent: u64, name: &str, ino: u64) {
        self.before_change();
        self.names.write().unwrap().insert((parent, name.into()), ino);
        self.nodes.write().unwrap().get_mut(&ino).unwrap().nlink += 1;
    }

    pub fn symlink(&self, parent: u64, name: &str, ino: u64, target: &str) {
        self.before_change();
        self.node_of(ino, NodeKind::Symlink, target.len() as u64);
        self.links.write().unwrap().insert(ino, target.into());
        self.names.write().unwrap().insert((parent, name.into()), ino);
    }

    /// Directories whose entries were asked for, in the order they were.
    pub fn listed(&self) -> Vec<u64> {
        self.listed.lock().unwrap().clone()
    }

    /// Which directory cannot be listed.
    pub fn fail_to_list(&self, directory: Option<u64>) {
        *self.unlisted.lock().unwrap() = directory;
    }

    fn before_change(&self) {
        let told = std::mem::take(&mut *self.reliants.lock().unwrap());
        told.iter().filter_map(Weak::upgrade).for_each(|reliant| reliant.before_change());
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    pub fn remove(&self, parent: u64, name: &str) {
        self.before_change();
        let ino = self.names.write().unwrap().remove(&(parent, name.into())).unwrap();
        self.nodes.write().unwrap().remove(&ino);
    }

    pub fn write(&self, ino: u64, change: impl FnOnce(&mut Node)) {
        self.before_change();
        change(self.nodes.write().unwrap().get_mut(&ino).unwrap());
    }

    fn entries(&self, directory: u64) -> Result<Vec<Entry>, IndexError> {
        self.healthy()?;
        if *self.unlisted.lock().unwrap() == Some(directory) {
            return Err(IndexError::Sqlite(rusqlite::Error::InvalidQuery));
        }
        let (names, nodes) = (self.names.read().unwrap(), self.nodes.read().unwrap());
        let own = names.iter().filter(|((parent, _), _)| *parent == directory);
        Ok(own.map(|((_, name), ino)| Entry { name: name.clone(), node: nodes[ino].clone() }).collect())
    }

    fn healthy(&self) -> Result<(), IndexError> {
        assert!(!self.panics.load(Ordering::SeqCst), "told to panic");
        match self.broken.load(Ordering::SeqCst) {
            true => Err(IndexError::Sqlite(rusqlite::Error::InvalidQuery)),
            false => Ok(()),
        }
    }
}

impl Tree for Forest {
    fn node(&self, ino: u64) -> Result<Option<Node>, IndexError> {
        self.healthy()?;
        Ok(self.nodes.read().unwrap().get(&ino).cloned())
    }

    fn lookup(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError> {
        self.healthy()?;
        let ino = self.names.read().unwrap().get(&(parent, name.to_owned())).copied();
        Ok(ino.and_then(|ino| self.nodes.read().unwrap().get(&ino).cloned()))
    }

    fn lookup_in_any_case(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError> {
        let entries = self.children(parent)?;
        let own = entries.into_iter().find(|entry| photosfs::tree::fold(&entry.name) == photosfs::tree::fold(name));
        Ok(own.map(|entry| entry.node))
    }

    fn children(&self, directory: u64) -> Result<Vec<Entry>, IndexError> {
        let entries = self.entries(directory);
        self.listed.lock().unwrap().push(directory);
        entries
    }

    fn has_more_children(&self, directory: u64, than: usize) -> Result<bool, IndexError> {
        self.healthy()?;
        Ok(self.names.read().unwrap().keys().filter(|(parent, _)| *parent == directory).count() > than)
    }

    fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    fn rely(&self, reliant: Weak<dyn Reliant>) -> bool {
        self.reliants.lock().unwrap().push(reliant);
        true
    }

    fn parent(&self, directory: u64) -> Result<Option<u64>, IndexError> {
        self.healthy()?;
        let names = self.names.read().unwrap();
        Ok(names.iter().find(|(_, ino)| **ino == directory).map(|((parent, _), _)| *parent))
    }

    fn holders(&self, file: u64) -> Result<Vec<u64>, IndexError> {
        self.healthy()?;
        let names = self.names.read().unwrap();
        Ok(names.iter().filter(|(_, ino)| **ino == file).map(|((parent, _), _)| *parent).collect())
    }

    fn resource(&self, ino: u64) -> Result<Option<Resource>, IndexError> {
        self.healthy()?;
        Ok(self.resources.read().unwrap().get(&ino).cloned())
    }

    fn sidecar(&self, _: u64) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(None)
    }

    fn link_target(&self, ino: u64) -> Result<Option<String>, IndexError> {
        self.healthy()?;
        Ok(self.links.read().unwrap().get(&ino).cloned())
    }

    fn facts(&self, ino: u64) -> Result<Option<Facts>, IndexError> {
        let Some(resource) = self.resource(ino)? else { return Ok(None) };
        Ok(Some(Facts {
            library: resource.library,
            asset: format!("asset-of-{}", resource.record_name),
            kind: resource.kind,
            checksum: resource.checksum.as_str().into(),
            original_name: Some("IMG_0001.JPG".into()),
            captured: Some(1_709_632_800_000),
            offset: Some(3600),
            added: Some(1_709_632_900_000),
            edited: None,
            favourite: true,
            hidden: false,
            title: Some("Über den Wolken".into()),
            description: None,
            keywords: vec!["sea".into(), "sun".into()],
            place: Some(Place { north: 59.9, east: 10.75, altitude: Some(3.5) }),
            expires: None,
        }))
    }

    fn totals(&self) -> Result<Totals, IndexError> {
        self.healthy()?;
        let nodes = self.nodes.read().unwrap();
        let files = nodes.values().filter(|node| node.kind == NodeKind::File);
        Ok(files.fold(Totals::default(), |sum, node| Totals { files: sum.files + 1, bytes: sum.bytes + node.size }))
    }
}

pub struct Calm;

impl StatusSource for Calm {
    fn status(&self) -> String {
        "{\"state\": \"calm\"}\n".into()
    }
}

pub const OWNER: Owner = Owner { uid: 0, gid: 0 };

pub fn vfs(folder: &Path, forest: &Arc<Forest>, shelf: &Arc<Shelf>) -> Arc<Vfs> {
    vfs_of(folder, forest.clone(), shelf)
}

/// Over any tree.
pub fn vfs_of(folder: &Path, tree: Arc<dyn Tree>, shelf: &Arc<Shelf>) -> Arc<Vfs> {
    Arc::new(Vfs::new(tree, Arc::new(content(folder, shelf)), Arc::new(Calm), OWNER))
}
