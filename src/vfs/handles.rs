//! Open files and directories.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::{OpenDirectory, VfsError};
use crate::content::{ContentError, Hope, Reader};
use crate::index::Node;

/// More than any tool opens, few enough to hold in memory.
const MAX_OPEN: usize = 65_536;

#[derive(Clone)]
pub enum Handle {
    File(Arc<OpenFile>),
    Directory(Arc<OpenDirectory>),
}

/// A file as it was when it was opened.
pub struct OpenFile {
    pub node: Node,
    body: Body,
    is_read: AtomicBool,
}

enum Body {
    Original(Reader),
    MadeUp(Bytes),
}

impl OpenFile {
    pub fn original(node: Node, reader: Reader) -> OpenFile {
        OpenFile { node, body: Body::Original(reader), is_read: AtomicBool::new(false) }
    }

    pub fn made_up(node: Node, bytes: Bytes) -> OpenFile {
        OpenFile { node, body: Body::MadeUp(bytes), is_read: AtomicBool::new(false) }
    }

    /// Whether this is an original that nobody has read through this handle before.
    pub fn is_first_read(&self) -> bool {
        matches!(self.body, Body::Original(_)) && !self.is_read.swap(true, Ordering::Relaxed)
    }

    pub fn read_now(&self, offset: u64, length: u64) -> Result<Option<Bytes>, ContentError> {
        match &self.body {
            Body::Original(reader) => reader.read_now(offset, length),
            Body::MadeUp(bytes) => Ok(Some(cut(bytes, offset, length))),
        }
    }

    /// The original's file, if all of it is on this machine.
    pub fn whole(&self) -> Result<Option<Arc<File>>, ContentError> {
        match &self.body {
            Body::Original(reader) => reader.whole(),
            Body::MadeUp(_) => Ok(None),
        }
    }

    /// Whether it is not known that its bytes can be had.
    pub fn is_doubtful(&self) -> bool {
        matches!(&self.body, Body::Original(reader) if reader.hope() == Hope::Unknown)
    }

    /// Waits until its first bytes are here.
    pub async fn assure(&self) -> Result<(), ContentError> {
        match &self.body {
            Body::Original(reader) => reader.assure().await,
            Body::MadeUp(_) => Ok(()),
        }
    }

    pub async fn read(&self, offset: u64, length: u64) -> Result<Bytes, ContentError> {
        match &self.body {
            Body::Original(reader) => reader.read(offset, length).await,
            Body::MadeUp(bytes) => Ok(cut(bytes, offset, length)),
        }
    }
}

fn cut(bytes: &Bytes, offset: u64, length: u64) -> Bytes {
    let size = bytes.len() as u64;
    let (start, end) = (offset.min(size), offset.saturating_add(length).min(size));
    bytes.slice(start as usize..end as usize)
}

/// Numbers for what is open. A number is never used twice.
pub struct Handles {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Handle>>,
}

impl Default for Handles {
    fn default() -> Handles {
        Handles { next: AtomicU64::new(1), open: Mutex::default() }
    }
}

impl Handles {
    pub fn insert(&self, handle: Handle) -> Result<u64, VfsError> {
        let mut open = self.open.lock().expect("no panic while locked");
        if open.len() >= MAX_OPEN {
            return Err(VfsError::TooManyOpen);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        open.insert(number, handle);
        Ok(number)
    }

    pub fn file(&self, number: u64) -> Result<Arc<OpenFile>, VfsError> {
        match self.open.lock().expect("no panic while locked").get(&number) {
            Some(Handle::File(file)) => Ok(file.clone()),
            Some(Handle::Directory(_)) => Err(VfsError::IsDirectory),
            None => Err(VfsError::BadHandle),
        }
    }

    pub fn directory(&self, number: u64) -> Result<Arc<OpenDirectory>, VfsError> {
        match self.open.lock().expect("no panic while locked").get(&number) {
            Some(Handle::Directory(directory)) => Ok(directory.clone()),
            Some(Handle::File(_)) => Err(VfsError::NotDirectory),
            None => Err(VfsError::BadHandle),
        }
    }

    pub fn remove(&self, number: u64) -> Result<(), VfsError> {
        let removed = self.open.lock().expect("no panic while locked").remove(&number);
        // Dropped here, after the lock: closing may take a moment.
        removed.map(drop).ok_or(VfsError::BadHandle)
    }
}
