//! A folder that may hold originals, and what is in its files.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use walkdir::WalkDir;

use crate::photos::{Checksum, Verifier};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// A copy's files.
pub struct Copy {
    /// By its last two components, every file's path and size.
    pub files: HashMap<String, Vec<(PathBuf, u64)>>,
    /// Checksums of all files whose size is one that was asked for.
    pub checksums: HashSet<Checksum>,
    /// What could not be read, and why.
    pub unreadable: Vec<String>,
}

impl Copy {
    /// Walks a folder and hashes files whose size is `wanted`, each once however many links it has.
    pub fn read(folder: &Path, wanted: impl Fn(u64) -> bool) -> io::Result<Copy> {
        fs::read_dir(folder).map_err(|error| io::Error::other(format!("{}: {error}", folder.display())))?;
        let mut copy = Copy { files: HashMap::new(), checksums: HashSet::new(), unreadable: Vec::new() };
        let mut to_hash = Vec::new();
        let mut seen = HashSet::new();
        for entry in WalkDir::new(folder).follow_links(false) {
            match entry.map_err(io::Error::from).and_then(|entry| Ok((entry.metadata()?, entry))) {
                Ok((meta, entry)) if meta.is_file() => {
                    let path = entry.into_path();
                    copy.files.entry(key(&path)).or_default().push((path.clone(), meta.len()));
                    if wanted(meta.len()) && seen.insert((meta.dev(), meta.ino())) {
                        to_hash.push(path);
                    }
                }
                Ok(_) => {}
                Err(error) => copy.unreadable.push(error.to_string()),
            }
        }
        for (path, outcome) in hash_all(&to_hash) {
            match outcome {
                Ok(checksum) => {
                    copy.checksums.insert(checksum);
                }
                Err(error) => copy.unreadable.push(format!("{}: {error}", path.display())),
            }
        }
        Ok(copy)
    }
}

/// A path's last two components, folded: folder and name are what a copy keeps, wherever its top is.
pub fn key(path: &Path) -> String {
    let mut parts: Vec<_> = path.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.reverse();
    crate::tree::fold(&parts.join("/"))
}

/// Hashes files on all cores.
fn hash_all(paths: &[PathBuf]) -> Vec<(PathBuf, io::Result<Checksum>)> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    // Draws on a terminal only.
    let bar = ProgressBar::new(paths.len() as u64).with_style(bar_style());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = hash(path);
                    bar.inc(1);
                    done.lock().expect("no panic while held").push((path.clone(), outcome));
                }
            });
        }
    });
    bar.finish_and_clear();
    done.into_inner().expect("no panic while held")
}

fn bar_style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} files read  {elapsed}, about {eta} left");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn hash(path: &Path) -> io::Result<Checksum> {
    let mut file = File::open(path)?;
    let mut verifier = Verifier::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(verifier.finish()),
            read => verifier.update(&chunk[..read]),
        }
    }
}
