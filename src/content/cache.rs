//! The folder of originals: finding, publishing, evicting.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use lru::LruCache;

use super::partial::Partial;
use crate::photos::Resource;

const PART: &str = "part";
const BLOCKS: &str = "blocks";

/// Least recently used files go first. The order survives a restart as the files' modification times, which are set
/// on use, though not more often than this.
const TOUCH: Duration = Duration::from_secs(600);

pub struct Cache {
    root: PathBuf,
    budget: u64,
    keep_free: u64,
    order: Mutex<Order>,
}

struct Order {
    /// Bytes by file name, most recent first. A download counts in full from its start.
    sizes: LruCache<String, u64>,
    total: u64,
    /// How many hold each name in use: those are not evicted.
    pins: HashMap<String, usize>,
}

impl Order {
    fn use_now(&mut self, name: &str, size: u64) {
        let before = self.sizes.put(name.to_owned(), size).unwrap_or(0);
        self.total = self.total - before + size;
    }

    fn forget(&mut self, name: &str) {
        self.total -= self.sizes.pop(name).unwrap_or(0);
    }

    fn oldest_unpinned(&self) -> Option<String> {
        self.sizes.iter().rev().map(|(name, _)| name).find(|name| !self.pins.contains_key(*name)).cloned()
    }
}

/// Keeps a file from being evicted.
pub struct Pin {
    cache: Arc<Cache>,
    name: String,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut order = self.cache.order();
        if let Some(count) = order.pins.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                order.pins.remove(&self.name);
            }
        }
    }
}

impl Cache {
    /// Opens the folder, readable by its owner only, and counts what it holds on a thread.
    pub fn open(root: PathBuf, budget: u64, keep_free: u64) -> io::Result<Arc<Cache>> {
        private_folder(&root)?;
        let order = Order { sizes: LruCache::unbounded(), total: 0, pins: HashMap::new() };
        let cache = Arc::new(Cache { root, budget, keep_free, order: Mutex::new(order) });
        let counting = Arc::downgrade(&cache);
        std::thread::Builder::new().name("cache-count".into()).spawn(move || {
            if let Some(cache) = counting.upgrade() {
                cache.count();
                cache.make_room(0);
            }
        })?;
        Ok(cache)
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().expect("no panic while locked")
    }

    /// Bytes of everything known to be in the folder.
    pub fn used(&self) -> u64 {
        self.order().total
    }

    /// The file name of a resource; `None` if it has no identity to be kept by.
    pub fn name(resource: &Resource) -> Option<String> {
        let name = resource.checksum.file_name();
        (2..=200).contains(&name.len()).then_some(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        place(&self.root, name)
    }

    pub fn pin(self: &Arc<Cache>, name: &str) -> Pin {
        *self.order().pins.entry(name.to_owned()).or_default() += 1;
        Pin { cache: self.clone(), name: name.to_owned() }
    }

    /// The whole original, if it is here with the right length, and when it was modified. Whatever else has its name is removed.
    pub fn find(&self, resource: &Resource) -> Option<(File, SystemTime)> {
        let name = Cache::name(resource)?;
        let path = self.path(&name);
        let file = File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() != resource.size {
            tracing::warn!(file = %path.display(), "not an original of ours: removed");
            self.discard(&name);
            return None;
        }
        self.order().use_now(&name, resource.size);
        Some((file, metadata.modified().ok()?))
    }

    pub fn has(&self, resource: &Resource) -> bool {
        is_kept(&self.root, resource)
    }

    /// Notes on the disk that an original was used.
    pub fn touch(file: &File, modified: SystemTime) {
        if modified.elapsed().unwrap_or(TOUCH) >= TOUCH {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Room for an original and the file it is downloaded to, with the blocks that survived from before.
    /// `None` if the cache cannot have it.
    pub fn begin(&self, name: &str, resource: &Resource) -> io::Result<Option<Partial>> {
        let size = resource.size;
        let known = self.order().sizes.contains(name);
        // Nothing is evicted for what an empty cache could not have either.
        if !known && !self.could_have(size) || !self.make_room(if known { 0 } else { size }) {
            return Ok(None);
        }
        let path = self.path(name);
        private_folder(path.parent().expect("a file in a folder"))?;
        let partial = Partial::open(path.with_extension(PART), path.with_extension(BLOCKS), resource)?;
        self.order().use_now(name, size);
        Ok(Some(partial))
    }

    /// Gives a checked download its final name: from now on it is found.
    pub fn publish(&self, name: &str, partial: &Partial) -> io::Result<()> {
        let path = self.path(name);
        partial.file().sync_all()?;
        fs::rename(path.with_extension(PART), &path)?;
        File::open(path.parent().expect("a file in a folder"))?.sync_all()?;
        remove(&path.with_extension(BLOCKS));
        Ok(())
    }

    /// Removes whatever is there of an original.
    pub fn discard(&self, name: &str) {
        let path = self.path(name);
        // The claims go before the bytes they are about.
        remove(&path.with_extension(BLOCKS));
        remove(&path.with_extension(PART));
        remove(&path);
        self.order().forget(name);
    }

    /// Evicts until `size` more bytes fit into the budget and the disk; false if they cannot.
    fn make_room(&self, size: u64) -> bool {
        loop {
            let victim = {
                let order = self.order();
                if order.total + size <= self.budget && self.disk_has(size) {
                    return true;
                }
                order.oldest_unpinned()
            };
            match victim {
                Some(name) => self.discard(&name),
                None => return false,
            }
        }
    }

    fn disk_has(&self, size: u64) -> bool {
        free_space(&self.root).is_ok_and(|free| free >= self.keep_free.saturating_add(size))
    }

    /// Whether a file would fit if nothing else were kept.
    fn could_have(&self, size: u64) -> bool {
        size <= self.budget && self.disk_has(size.saturating_sub(self.used()))
    }

    /// Learns sizes and order of what an earlier run left. Files used meanwhile stay the most recent.
    fn count(&self) {
        let mut found: Vec<(SystemTime, String, u64)> =
            walkdir::WalkDir::new(&self.root).min_depth(2).max_depth(2).into_iter().filter_map(counted).collect();
        found.sort();
        let mut order = self.order();
        let recent: Vec<(String, u64)> = order.sizes.iter().rev().map(|(name, size)| (name.clone(), *size)).collect();
        for (_, name, size) in found {
            order.use_now(&name, size);
        }
        for (name, size) in recent {
            order.use_now(&name, size);
        }
    }
}

/// By the last two digits: the first two are the kind of checksum, the same for nearly all.
fn place(root: &Path, name: &str) -> PathBuf {
    root.join(&name[name.len() - 2..]).join(name)
}

/// Whether there is a file of a whole original's name and length; this does not count as a use.
pub fn is_kept(root: &Path, resource: &Resource) -> bool {
    let metadata = Cache::name(resource).and_then(|name| fs::symlink_metadata(place(root, &name)).ok());
    metadata.is_some_and(|metadata| metadata.is_file() && metadata.len() == resource.size)
}

/// Bytes of the disk that are free where this folder is, or is to be.
pub fn free_space(folder: &Path) -> io::Result<u64> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let disk = nix::sys::statvfs::statvfs(existing)?;
    // Their types differ from system to system.
    let free = disk.blocks_available() as u128 * disk.fragment_size() as u128;
    Ok(u64::try_from(free).unwrap_or(u64::MAX))
}

/// Bytes of the disk that a folder of originals takes.
pub fn disk_usage(root: &Path) -> u64 {
    let files = walkdir::WalkDir::new(root).min_depth(2).max_depth(2).into_iter().filter_map(Result::ok);
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.blocks() * 512).sum()
}

fn counted(entry: walkdir::Result<walkdir::DirEntry>) -> Option<(SystemTime, String, u64)> {
    let entry = entry.ok()?;
    let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let path = entry.path();
    match path.extension().and_then(|e| e.to_str()) {
        None | Some(PART) => {}
        _ => return None,
    }
    let name = path.file_stem()?.to_str()?.to_owned();
    let modified = metadata.modified().ok()?;
    if name.starts_with('.') {
        remove_leftover(path, modified);
        return None;
    }
    Some((modified, name, metadata.size()))
}

/// Removes a temporary file that a killed process left; one in use now is younger.
fn remove_leftover(path: &Path, modified: SystemTime) {
    if modified.elapsed().is_ok_and(|age| age > Duration::from_secs(3600)) {
        remove(path);
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes a file or, if somebody put one there, a folder.
fn remove(path: &Path) {
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(path),
        other => other,
    };
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(file = %path.display(), %error, "cannot be removed from the cache");
    }
}
