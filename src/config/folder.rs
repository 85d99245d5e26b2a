//! Where a user's files lie.

use std::path::PathBuf;

/// The user's folders: XDG's on Linux, Apple's on macOS.
#[derive(Clone, Copy)]
pub(super) enum Folder {
    Config,
    State,
    Cache,
}

impl Folder {
    pub fn of_user(self) -> Option<PathBuf> {
        let home = std::env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from);
        if cfg!(target_os = "macos") {
            let library = home?.join("Library");
            return Some(match self {
                Folder::Config | Folder::State => library.join("Application Support/photosfs"),
                Folder::Cache => library.join("Caches/photosfs"),
            });
        }
        let (variable, fallback) = match self {
            Folder::Config => ("XDG_CONFIG_HOME", ".config"),
            Folder::State => ("XDG_STATE_HOME", ".local/state"),
            Folder::Cache => ("XDG_CACHE_HOME", ".cache"),
        };
        let set = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.is_absolute());
        set.or_else(|| Some(home?.join(fallback))).map(|p| p.join("photosfs"))
    }
}
