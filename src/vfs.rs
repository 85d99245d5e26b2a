//! The file system: what a name, a number or a read means. Knows no type of fuser, so it is tested without a mount.
//!
//! Answers come from the index (names, sizes, times: complete, no network) and from [`Content`] (bytes). A failure is
//! never turned into "not there": only the index says that a name does not exist, everything else is EIO
//! (`error.rs` holds the one errno table).

mod ahead;
mod attributes;
mod cached_only;
mod change;
mod directory;
mod error;
mod freshness;
mod give_back;
mod handles;
mod name;
mod open_directory;
mod read_ahead;
mod special;
mod status;
mod system;
mod taking;
mod tree;
mod walk;
mod xattr;

use std::ffi::OsStr;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use crate::content::{Content, ContentError, Hope};
use crate::index::{Node, NodeKind, ROOT, Totals};
use ahead::Ahead;
pub use attributes::{Attributes, Owner};
use cached_only::CachedOnly;
pub use change::{ChangeListener, TreeChange};
pub use directory::{DirectoryEntry, Listing, Page};
pub use error::VfsError;
use freshness::Freshness;
use handles::{Handle, Handles, OpenFile};
use open_directory::{Moment, OpenDirectory};
use read_ahead::{ReadAhead, Use};
use special::Special;
pub use status::{DayOfChange, StatusSource};
pub use system::System;
use taking::Taking;
pub use tree::Tree;
use xattr::Attribute;

/// How long the kernel may keep an answer that never changes.
pub const TTL: Duration = Duration::from_secs(3600);
/// How long it may keep one that changes by itself, or that was taken before the latest change.
pub const SHORT_TTL: Duration = Duration::from_secs(1);

/// Who begins a file with a read of so many bytes copies it: a look at its head is 16 KiB for the kernel.
const COPY_READ: u64 = 64 * 1024;

/// A lookup's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `None` if there is no such name: proven by the index, never a guess.
    pub attributes: Option<Attributes>,
    pub ttl: Duration,
}

/// An opened file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    pub handle: u64,
    pub caching: Caching,
    /// Whether it is not known that its bytes can be had: [`Vfs::assure`] finds out, before the opener is told.
    pub is_doubtful: bool,
}

/// What the kernel may do with pages it has of a file or a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Go on using those from before: they are proven.
    Keep,
    /// Start anew, and cache from now on.
    Fresh,
    /// Ask for every byte.
    Never,
}

/// The file system of one account.
pub struct Vfs {
    tree: Arc<dyn Tree>,
    content: Arc<Content>,
    taking: Arc<Taking>,
    ahead: Arc<Ahead>,
    xattrs: bool,
    cached_only: CachedOnly,
    handles: Handles,
    freshness: Freshness,
    generation: AtomicU64,
    read_ahead: Option<ReadAhead>,
    listener: OnceLock<Arc<dyn ChangeListener>>,
}

impl Vfs {
    /// A file system whose files all belong to `owner`.
    pub fn new(tree: Arc<dyn Tree>, content: Arc<Content>, status: Arc<dyn StatusSource>, owner: Owner) -> Vfs {
        let taking = Arc::new(Taking::new(tree.clone(), Special::new(status), owner));
        Vfs {
            read_ahead: ReadAhead::start(tree.clone(), content.clone()),
            ahead: Arc::new(Ahead::new(taking.clone())),
            taking,
            tree,
            content,
            xattrs: true,
            cached_only: CachedOnly::default(),
            handles: Handles::default(),
            freshness: Freshness::default(),
            generation: AtomicU64::default(),
            listener: OnceLock::new(),
        }
    }

    /// Shows names as a system expects them; Linux, unless this is called.
    pub fn on(self, system: System) -> Vfs {
        let taking = Arc::new(self.taking.on(system));
        Vfs { ahead: Arc::new(Ahead::new(taking.clone())), taking, ..self }
    }

    /// Has extended attributes, or not; it has, unless this is called.
    pub fn with_xattrs(self, xattrs: bool) -> Vfs {
        Vfs { xattrs, ..self }
    }

    /// Gives programs of these names only what is in the cache.
    pub fn with_cached_only(self, names: &[String]) -> Vfs {
        Vfs { cached_only: CachedOnly::new(names), ..self }
    }

    /// Whom to tell of changes (the kernel's caches). Only the first one is kept.
    pub fn tell(&self, listener: Arc<dyn ChangeListener>) {
        let _ = self.listener.set(listener);
    }

    /// Finds a name in a directory. `.` and `..` are answered for any inode, as NFS export needs (fuse.md §5.1).
    pub fn lookup(&self, parent: u64, name: &OsStr) -> Result<Found, VfsError> {
        let Some(name) = name::canonical(name) else { return Ok(missing(SHORT_TTL)) };
        match &*name {
            "." => return self.found(self.taking.node(parent)?),
            ".." => return self.found(self.taking.node(self.taking.parent(parent)?)?),
            _ => {}
        }
        if let Some(node) = self.taking.special.lookup(parent, &name)? {
            return Ok(Found { ttl: special::ttl(node.ino), attributes: Some(self.attributes(&node)) });
        }
        if name::is_probe(&name) {
            return Ok(missing(TTL));
        }
        let found = match self.taking.system {
            System::Linux => self.tree.lookup(parent, &name)?,
            System::MacOs => self.tree.lookup_in_any_case(parent, &name)?,
        };
        match found {
            Some(node) => self.found(node),
            None => Ok(missing(SHORT_TTL)),
        }
    }

    fn found(&self, node: Node) -> Result<Found, VfsError> {
        Ok(Found { attributes: Some(self.attributes(&node)), ttl: self.ttl(node.ino) })
    }

    /// Which of the files that had this number is meant. A number is never reused within one index; a new one in its place
    /// derives the same numbers, but for the few that two files would share, which go by who came first.
    pub fn generation(&self, ino: u64) -> u64 {
        let is_fixed = ino == ROOT || special::is_special(ino);
        if is_fixed { 0 } else { self.generation.load(Ordering::Acquire) }
    }

    /// Attributes of an inode, or of the file behind a handle, which is answered even after it left the tree.
    pub fn getattr(&self, ino: u64, handle: Option<u64>) -> Result<(Attributes, Duration), VfsError> {
        let opened = handle.and_then(|handle| self.handles.file(handle).ok()).filter(|file| file.node.ino == ino);
        let node = match opened {
            Some(file) => match self.taking.node(ino) {
                Err(VfsError::Stale) => file.node.clone(),
                answer => answer?,
            },
            None => self.taking.node(ino)?,
        };
        Ok((self.attributes(&node), self.ttl(ino)))
    }

    /// Where a symlink points.
    pub fn readlink(&self, ino: u64) -> Result<String, VfsError> {
        self.tree.link_target(ino)?.ok_or(VfsError::NotSymlink)
    }

    /// Opens a directory: its listing stays as it is now for this handle, whatever changes.
    pub fn opendir(&self, ino: u64) -> Result<Opened, VfsError> {
        let epoch = self.freshness.epoch();
        let moment = Moment { epoch, changed: self.freshness.changed_at(ino) };
        // Days come without a change of the tree.
        let changes_by_itself = special::is_special(ino);
        let unlisted = match !changes_by_itself && self.freshness.is_kept(ino) {
            true => OpenDirectory::unlisted(&self.ahead, ino, moment),
            false => None,
        };
        let (directory, caching) = match unlisted {
            Some(directory) => (directory, Caching::Keep),
            None => {
                let directory = OpenDirectory::listed(&self.ahead, ino, moment)?;
                let caching = if changes_by_itself { Caching::Fresh } else { self.freshness.opened(ino, epoch) };
                (directory, caching)
            }
        };
        let handle = self.handles.insert(Handle::Directory(directory))?;
        Ok(Opened { handle, caching, is_doubtful: false })
    }

    /// Entries of a directory as it was when this handle was opened, from an offset on; see [`Listing::page`].
    pub fn page(&self, handle: u64, offset: u64) -> Result<Page, VfsError> {
        let directory = self.handles.directory(handle)?;
        if !self.freshness.holds(directory.epoch()) {
            return Err(VfsError::Unlisted);
        }
        self.freshness.given(directory.ino(), directory.epoch());
        directory.page(offset)
    }

    /// How long the kernel may keep the attributes in a listing: those of one older than the latest change, not long.
    pub fn listing_ttl(&self, page: &Page, ino: u64) -> Duration {
        match page.epoch() == self.freshness.epoch() {
            true => self.ttl(ino),
            false => SHORT_TTL,
        }
    }

    /// Opens a file for reading. Asks nobody; refuses if its bytes are neither here nor within reach, because a read that
    /// fails under mmap is a SIGBUS (backup-tools.md §5.5).
    pub fn open(&self, ino: u64, for_writing: bool) -> Result<Opened, VfsError> {
        if for_writing {
            return Err(VfsError::ReadOnly);
        }
        let node = self.taking.node(ino)?;
        if node.kind == NodeKind::Directory {
            return Err(VfsError::IsDirectory);
        }
        let (file, caching) = match (self.taking.special.bytes(ino)?, node.kind) {
            (Some(bytes), _) => (OpenFile::made_up(node, bytes), Caching::Never),
            (None, NodeKind::Sidecar) => self.open_sidecar(node)?,
            (None, _) => self.open_original(node)?,
        };
        let is_doubtful = file.is_doubtful();
        Ok(Opened { handle: self.handles.insert(Handle::File(Arc::new(file)))?, caching, is_doubtful })
    }

    /// Opens a file for a process or thread, which may be one that is given only what is in the cache.
    pub fn open_for(&self, ino: u64, for_writing: bool, pid: u32) -> Result<Opened, VfsError> {
        if self.cached_only.holds(pid)
            && let Some(resource) = self.tree.resource(ino)?
            && !self.content.open(&resource).is_here()
        {
            return Err(VfsError::CachedOnly);
        }
        self.open(ino, for_writing)
    }

    fn open_original(&self, node: Node) -> Result<(OpenFile, Caching), VfsError> {
        let resource = self.tree.resource(node.ino)?.ok_or(VfsError::Stale)?;
        if resource.size != node.size {
            return Err(VfsError::SizeUnproven);
        }
        let reader = self.content.open(&resource);
        if reader.hope() == Hope::None {
            return Err(VfsError::Content(ContentError::Offline));
        }
        let is_whole = reader.is_whole();
        if is_whole {
            self.note(node.ino, Use::OpenedWhole);
        }
        let caching = self.freshness.opened_file(node.ino, is_whole);
        Ok((OpenFile::original(node, reader), caching))
    }

    /// Waits until the first bytes of a file that was opened in doubt are here. A file that fails is not open any more.
    pub async fn assure(&self, handle: u64) -> Result<(), VfsError> {
        let file = self.handles.file(handle)?;
        let assured = file.assure().await.map_err(|error| self.failed(&file, error));
        if assured.is_err() {
            let _ = self.handles.remove(handle);
        }
        assured
    }

    /// A sidecar's bytes never change, so the kernel may keep them: others are another inode's.
    fn open_sidecar(&self, node: Node) -> Result<(OpenFile, Caching), VfsError> {
        let bytes = self.tree.sidecar(node.ino)?.ok_or(VfsError::Stale)?;
        match bytes.len() as u64 == node.size {
            true => Ok((OpenFile::made_up(node, bytes.into()), Caching::Keep)),
            false => Err(VfsError::SizeUnproven),
        }
    }

    /// Bytes that can be had without waiting, or `None`: then ask [`Vfs::read`].
    pub fn read_now(&self, handle: u64, offset: u64, length: u64) -> Result<Option<Bytes>, VfsError> {
        let file = self.handles.file(handle)?;
        if file.is_first_read() {
            let as_copying = offset == 0 && length >= file.node.size.min(COPY_READ);
            self.note(file.node.ino, Use::Read { as_copying });
        }
        file.read_now(offset, length).map_err(|error| self.failed(&file, error))
    }

    fn note(&self, ino: u64, what: Use) {
        if let Some(read_ahead) = &self.read_ahead {
            read_ahead.note(ino, what);
        }
    }

    /// Exactly `length` bytes, or fewer only at the end of the file. Waits for the network, at most for content's deadline.
    pub async fn read(&self, handle: u64, offset: u64, length: u64) -> Result<Bytes, VfsError> {
        let file = self.handles.file(handle)?;
        file.read(offset, length).await.map_err(|error| self.failed(&file, error))
    }

    /// Drops what the kernel has of a file whose earlier bytes turned out to be wrong.
    fn failed(&self, file: &OpenFile, error: ContentError) -> VfsError {
        if error.taints_earlier_reads() {
            self.tainted(file.node.ino);
        }
        VfsError::Content(error)
    }

    /// The file behind a handle, if it is a whole, checked original. It never changes, and is never shortened by us.
    pub fn whole_file(&self, handle: u64) -> Result<Option<Arc<File>>, VfsError> {
        let file = self.handles.file(handle)?;
        file.whole().map_err(|error| self.failed(&file, error))
    }

    /// Closes a file or a directory.
    pub fn release(&self, handle: u64) -> Result<(), VfsError> {
        self.handles.remove(handle)
    }

    /// What the whole library holds; nothing can be added, so nothing is free.
    pub fn totals(&self) -> Result<Totals, VfsError> {
        Ok(self.tree.totals()?)
    }

    /// The value of an extended attribute.
    pub fn getxattr(&self, ino: u64, name: &OsStr) -> Result<Vec<u8>, VfsError> {
        let name =
            name.to_str().filter(|name| xattr::is_ours(name, self.taking.system)).ok_or(VfsError::NoAttribute)?;
        self.xattrs(ino)?.into_iter().find(|(own, _)| *own == name).map(|(_, v)| v).ok_or(VfsError::NoAttribute)
    }

    /// The names of all extended attributes, each ended by a zero byte.
    pub fn listxattr(&self, ino: u64) -> Result<Vec<u8>, VfsError> {
        Ok(self.xattrs(ino)?.iter().flat_map(|(name, _)| format!("{name}\0").into_bytes()).collect())
    }

    /// Directories and symlinks have none: Linux does not let anybody read those of a symlink, and a name that is listed
    /// and cannot be read is an error to rsync -X.
    fn xattrs(&self, ino: u64) -> Result<Vec<Attribute>, VfsError> {
        let known = self.xattrs && !special::is_special(ino);
        let facts = if known { self.tree.facts(ino)? } else { None };
        Ok(facts.map(|facts| xattr::of(&facts, self.taking.system)).unwrap_or_default())
    }

    /// Whether the permissions allow what is asked; writing never is.
    pub fn access(&self, ino: u64, writing: bool) -> Result<(), VfsError> {
        self.taking.node(ino)?;
        if writing { Err(VfsError::ReadOnly) } else { Ok(()) }
    }

    fn ttl(&self, ino: u64) -> Duration {
        if special::is_special(ino) { special::ttl(ino) } else { self.taking.system.ttl() }
    }

    fn attributes(&self, node: &Node) -> Attributes {
        Attributes::new(node, self.taking.owner)
    }
}

fn missing(ttl: Duration) -> Found {
    Found { attributes: None, ttl }
}

impl ChangeListener for Vfs {
    /// Remembers that listings taken before now are old, and passes the change on to the kernel's caches.
    fn changed(&self, mut change: TreeChange) {
        special::add_ours(&mut change);
        if change.holds {
            self.taking.special.forget_held();
        }
        if change.anew {
            self.freshness.begin_anew();
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.freshness.changed(&change);
        self.taking.system.as_listed(&mut change.entries);
        if let Some(listener) = self.listener.get() {
            listener.changed(change);
        }
    }

    fn tainted(&self, ino: u64) {
        if let Some(listener) = self.listener.get() {
            listener.tainted(ino);
        }
    }
}
