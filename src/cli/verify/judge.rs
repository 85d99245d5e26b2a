//! What a copy lacks.

use serde::Serialize;

use super::copy::{Copy, key};
use crate::photos::Checksum;

/// A file a whole copy must hold.
pub struct Original {
    /// Where it is in the tree.
    pub path: String,
    pub size: u64,
    pub checksum: Checksum,
}

/// The outcome. Every original is in exactly one of whole, size only, missing and damaged.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Judgement {
    pub originals: usize,
    /// Found byte for byte, whatever its name.
    pub whole: usize,
    /// Found by name and size; the checksum is one only Apple can compute.
    pub size_only: usize,
    /// Paths in the tree.
    pub missing: Vec<String>,
    /// Paths in the tree: a file is there in the copy, but it is not the original.
    pub damaged: Vec<String>,
    /// Files and folders of the copy that could not be read, and why.
    pub unreadable: Vec<String>,
}

pub fn judge(originals: Vec<Original>, copy: &Copy) -> Judgement {
    let mut judgement =
        Judgement { originals: originals.len(), unreadable: copy.unreadable.clone(), ..Judgement::default() };
    for original in originals {
        let namesakes = copy.files.get(&key(original.path.as_ref())).map_or(&[][..], Vec::as_slice);
        if original.checksum.is_verifiable() && copy.checksums.contains(&original.checksum) {
            judgement.whole += 1;
        } else if !original.checksum.is_verifiable() && namesakes.iter().any(|(_, size)| *size == original.size) {
            judgement.size_only += 1;
        } else if namesakes.is_empty() {
            judgement.missing.push(original.path);
        } else {
            judgement.damaged.push(original.path);
        }
    }
    judgement.missing.sort_unstable();
    judgement.damaged.sort_unstable();
    judgement
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::verify::copy::Copy;

    fn original(path: &str, bytes: &str) -> Original {
        Original { path: path.into(), size: bytes.len() as u64, checksum: Checksum::of(bytes.as_bytes()) }
    }

    #[test]
    fn whole_renamed_missing_and_damaged_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        write("2024-03/whole.jpg", "whole");
        write("elsewhere/other name.jpg", "renamed");
        write("2024-03/flipped.jpg", "flippeD");
        write("2024-03/short.jpg", "shor");
        write("2024-03/keyed.mov", "keyed");
        let keyed =
            |bytes: &str| Original { checksum: Checksum::new("BAAA"), ..original("Y/2024-03/keyed.mov", bytes) };
        let originals = vec![
            original("Years/2024/2024-03/whole.jpg", "whole"),
            original("Years/2024/2024-03/renamed.jpg", "renamed"),
            original("Years/2024/2024-03/flipped.jpg", "flipped"),
            original("Years/2024/2024-03/short.jpg", "short"),
            original("Years/2024/2024-03/gone.jpg", "gone"),
            keyed("keyed"),
            keyed("longer"),
        ];
        let sizes: Vec<u64> = originals.iter().map(|original| original.size).collect();
        let copy = Copy::read(folder.path(), |size| sizes.contains(&size)).unwrap();
        let judgement = judge(originals, &copy);
        assert_eq!((judgement.originals, judgement.whole, judgement.size_only), (7, 2, 1));
        assert_eq!(judgement.missing, ["Years/2024/2024-03/gone.jpg"]);
        assert_eq!(
            judgement.damaged,
            ["Y/2024-03/keyed.mov", "Years/2024/2024-03/flipped.jpg", "Years/2024/2024-03/short.jpg"]
        );
    }
}
