//! A copy, compared with what it must hold.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha1::{Digest, Sha1};
use walkdir::WalkDir;

use crate::installation::Files;

/// What a comparison found. The made-up folder `.photosfs` is not looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Files that are as they must be, each name counted.
    pub files: usize,
    /// Their bytes, each inode of the copy counted once.
    pub bytes: u64,
    /// Distinct inodes of the copy among them.
    pub inodes: usize,
    pub wrong: Vec<String>,
    pub missing: Vec<String>,
    pub surplus: Vec<String>,
}

impl Compared {
    /// Reads every byte of a copy.
    pub fn new(copy: &Path, files: &Files) -> Compared {
        let mut compared = Compared::default();
        let mut hashes: HashMap<u64, String> = HashMap::new();
        let mut seen = std::collections::HashSet::new();
        for entry in WalkDir::new(copy).min_depth(1).sort_by_file_name() {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(copy).unwrap().to_str().unwrap().to_owned();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() || path.starts_with(".photosfs/") {
                continue;
            }
            let Some(file) = files.get(&path) else {
                compared.surplus.push(path);
                continue;
            };
            seen.insert(path.clone());
            let hash = hashes.entry(metadata.ino()).or_insert_with(|| {
                (compared.bytes, compared.inodes) = (compared.bytes + metadata.len(), compared.inodes + 1);
                sha1(entry.path())
            });
            match metadata.len() == file.size && *hash == file.sha1 {
                true => compared.files += 1,
                false => compared.wrong.push(path),
            }
        }
        compared.missing = files.keys().filter(|path| !seen.contains(*path)).cloned().collect();
        compared
    }

    /// Panics unless the copy holds every file, byte for byte, and no other.
    pub fn assert_whole(copy: &Path, files: &Files) -> Compared {
        let compared = Compared::new(copy, files);
        let Compared { wrong, missing, surplus, .. } = &compared;
        assert!(wrong.is_empty() && missing.is_empty() && surplus.is_empty(), "{}: {compared:#?}", copy.display());
        assert_eq!(compared.files, files.len());
        compared
    }

    /// Panics if a file of the copy has a byte that is not its own; it may lack some.
    pub fn assert_no_wrong_byte(copy: &Path, files: &Files) -> Compared {
        let compared = Compared::new(copy, files);
        assert!(compared.wrong.is_empty() && compared.surplus.is_empty(), "{}: {compared:#?}", copy.display());
        compared
    }
}

/// SHA-1 of a file, in hex.
pub fn sha1(path: &Path) -> String {
    let mut hash = Sha1::new();
    let mut file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            0 => return hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            read => hash.update(&piece[..read]),
        }
    }
}
