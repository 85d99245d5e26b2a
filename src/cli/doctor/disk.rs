use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::finding::Finding;

/// Whether a folder, or the one it will be made in, has room.
pub fn room(folder: &Path, needed: u64, purpose: &str) -> Finding {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match statvfs(existing) {
        Ok(disk) => {
            // Their width differs between systems.
            #[allow(clippy::unnecessary_cast)]
            let free = disk.blocks_available() as u64 * disk.fragment_size() as u64;
            let size = bytesize::ByteSize::b(free);
            match free >= needed {
                true => Finding::good(format!("{size} free for {purpose}")),
                false => Finding::bad(
                    format!("only {size} free for {purpose}, in {}", existing.display()),
                    "make room, or choose another place with --cache-dir and --state-dir",
                ),
            }
        }
        Err(e) => Finding::bad(format!("{}: {e}", existing.display()), "make that folder readable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_measured_where_the_folder_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let later = folder.path().join("not/yet/there");
        assert!(room(&later, 1, "the cache").trouble.is_none());
        assert!(room(&later, u64::MAX, "the cache").what.contains("only"));
    }
}
