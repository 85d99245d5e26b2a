use std::path::Path;

use bytesize::ByteSize;

use super::finding::Finding;
use crate::content::free_space;

/// Whether a folder, or the one it will be made in, has room.
pub fn room(folder: &Path, needed: u64, purpose: &str) -> Finding {
    match free_space(folder) {
        Ok(free) => {
            let size = ByteSize(free);
            match free >= needed {
                true => Finding::good(format!("{size} free for {purpose}")),
                false => Finding::bad(
                    format!("only {size} free for {purpose}, in {}", folder.display()),
                    "make room, or choose another place with --cache-dir and --state-dir",
                ),
            }
        }
        Err(e) => Finding::bad(format!("{}: {e}", folder.display()), "make that folder readable"),
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
