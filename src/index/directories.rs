//! Directories: found by what they are, made when first needed, removed when empty.

use rusqlite::{OptionalExtension, params};

use super::layout::Layout;
use super::{IndexError, ROOT};
use crate::photos::Library;
use crate::tree::{self, Directory};

/// Folders nested deeper than this are taken for a circle in the records.
const DEEPEST: usize = 64;

impl Layout<'_> {
    /// The directories a library always has, also while they are empty.
    pub(super) fn standing_directories(&mut self, zone: &str) -> Result<(), IndexError> {
        let root = self.library_root(zone)?;
        self.ensure(&format!("years:{zone}"), root, "Years")?;
        if zone == Library::PRIMARY {
            self.albums_root()?;
            self.ensure(&format!("smart:{zone}"), root, "Smart Albums")?;
            self.ensure(&format!("trash:{zone}"), root, "Recently Deleted")?;
            if self.options.hidden {
                self.ensure(&format!("hidden:{zone}"), root, "Hidden")?;
            }
        }
        Ok(())
    }

    /// The inode of a directory of a library, made with all above it if there is none.
    pub(super) fn directory(&mut self, zone: &str, directory: &Directory) -> Result<u64, IndexError> {
        let known = self.found.get(zone).and_then(|found| found.get(directory));
        if let Some(ino) = known {
            return Ok(*ino);
        }
        let ino = self.find(zone, directory)?;
        self.found.entry(zone.to_owned()).or_default().insert(directory.clone(), ino);
        Ok(ino)
    }

    fn find(&mut self, zone: &str, directory: &Directory) -> Result<u64, IndexError> {
        let root = match directory {
            Directory::Album(album) => return self.album(album),
            _ => self.library_root(zone)?,
        };
        match directory {
            Directory::Album(_) => unreachable!("answered above"),
            Directory::Hidden => self.ensure(&format!("hidden:{zone}"), root, "Hidden"),
            Directory::Years(folders) => {
                let top = self.ensure(&format!("years:{zone}"), root, "Years")?;
                let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
                self.below(&format!("years:{zone}"), top, &folders)
            }
            Directory::Smart(title) => {
                let top = self.ensure(&format!("smart:{zone}"), root, "Smart Albums")?;
                self.below(&format!("smart:{zone}"), top, &[title])
            }
            Directory::Trashed(day) => {
                let top = self.ensure(&format!("trash:{zone}"), root, "Recently Deleted")?;
                self.below(&format!("trash:{zone}"), top, &[day])
            }
        }
    }

    fn below(&mut self, key: &str, top: u64, folders: &[&str]) -> Result<u64, IndexError> {
        let (mut key, mut at) = (key.to_owned(), top);
        for folder in folders {
            key = format!("{key}/{folder}");
            at = self.ensure(&key, at, folder)?;
        }
        Ok(at)
    }

    /// Where a library's own directories are: the person's own at the top, a shared one in a directory of its own.
    fn library_root(&mut self, zone: &str) -> Result<u64, IndexError> {
        match zone {
            Library::PRIMARY => Ok(ROOT),
            _ => self.ensure(&format!("shared:{zone}"), ROOT, "Shared Library"),
        }
    }

    fn albums_root(&mut self) -> Result<u64, IndexError> {
        self.ensure("albums", ROOT, "Albums")
    }

    /// The directory with this key, made in `parent` if there is none or if it is shown nowhere.
    fn ensure(&mut self, key: &str, parent: u64, wanted: &str) -> Result<u64, IndexError> {
        let (ino, linked) = self.directory_node(key)?;
        if !linked {
            let name = tree::name_album(key, Some(wanted), None, |fold| self.is_taken(parent, fold));
            self.link_directory(parent, &name, ino)?;
        }
        Ok(ino)
    }

    /// An album's or folder's directory, brought up to date with its record: name and folder may have changed.
    pub(super) fn album(&mut self, album: &str) -> Result<u64, IndexError> {
        self.album_within(album, 0)
    }

    fn album_within(&mut self, album: &str, depth: usize) -> Result<u64, IndexError> {
        let row: Option<(Option<String>, Option<String>)> = self
            .tx
            .prepare_cached("SELECT title, parent FROM album WHERE name = ?1")?
            .query_row([album], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (title, folder) = row.unwrap_or_default();
        let parent = match folder {
            Some(folder) if depth < DEEPEST && self.album_exists(&folder)? => self.album_within(&folder, depth + 1)?,
            _ => self.albums_root()?,
        };
        let (ino, _) = self.directory_node(&format!("album:{album}"))?;
        self.settle(ino, parent, album, title.as_deref())?;
        Ok(ino)
    }

    /// Puts an album's directory where it belongs, if it is not there.
    fn settle(&mut self, ino: u64, parent: u64, album: &str, title: Option<&str>) -> Result<(), IndexError> {
        let present = self.entry_of(ino)?;
        let stays = present.as_ref().filter(|(at, _)| *at == parent).map(|(_, name)| name.as_str());
        let name = tree::name_album(album, title, stays, |fold| self.is_taken(parent, fold));
        if stays == Some(name.as_str()) {
            return Ok(());
        }
        if let Some((at, old)) = present {
            self.unlink_directory(at, &old, ino)?;
        }
        self.link_directory(parent, &name, ino)
    }

    fn album_exists(&self, album: &str) -> Result<bool, IndexError> {
        Ok(self.tx.prepare_cached("SELECT 1 FROM album WHERE name = ?1")?.exists([album])?)
    }

    /// Takes away the directory of an album that is gone. What was in it has been placed anew before.
    pub(super) fn drop_album(&mut self, album: &str) -> Result<(), IndexError> {
        let (ino, linked) = self.directory_node(&format!("album:{album}"))?;
        if linked && let Some((parent, name)) = self.entry_of(ino)? {
            self.unlink_directory(parent, &name, ino)?;
        }
        Ok(())
    }

    /// Takes everything of a library out of the tree, with its directories; those of the person's own stand.
    pub(super) fn drop_library(&mut self, library: i64, zone: &str) -> Result<(), IndexError> {
        self.tx.execute("UPDATE asset SET gone = 1 WHERE library = ?1", [library])?;
        self.tx.execute("UPDATE library SET gone = 1 WHERE id = ?1", [library])?;
        self.tx.execute("DELETE FROM note WHERE library = ?1", [library])?;
        for asset in self.rows("SELECT id FROM asset WHERE library = ?1 ORDER BY id", library)? {
            self.place(asset)?;
        }
        let albums = self.names("SELECT name FROM album WHERE library = ?1", library)?;
        self.tx.execute("DELETE FROM album WHERE library = ?1", [library])?;
        for album in albums {
            self.drop_album(&album)?;
        }
        self.prune_thinned()?;
        let own = ["years", "smart", "trash", "hidden", "shared"].map(|kind| format!("{kind}:{zone}"));
        for key in own.iter().filter(|_| zone != Library::PRIMARY) {
            let (ino, linked) = self.directory_node(key)?;
            if linked && let Some((parent, name)) = self.entry_of(ino)? {
                self.unlink_directory(parent, &name, ino)?;
            }
        }
        Ok(())
    }

    /// Removes a directory that has become empty, and those above it. Top-level ones and albums stand while empty.
    pub(super) fn prune(&mut self, directory: u64) -> Result<(), IndexError> {
        let mut at = directory;
        loop {
            let key: Option<String> = self
                .tx
                .prepare_cached("SELECT key FROM node WHERE ino = ?1")?
                .query_row([super::read::number(at)], |row| row.get(0))?;
            let removable = key.is_some_and(|key| key.contains('/'));
            let empty = !self.tx.prepare_cached("SELECT 1 FROM dentry WHERE parent = ?1")?.exists([at as i64])?;
            if !removable || !empty {
                return Ok(());
            }
            let Some((parent, name)) = self.entry_of(at)? else { return Ok(()) };
            self.unlink_directory(parent, &name, at)?;
            at = parent;
        }
    }

    fn link_directory(&mut self, parent: u64, name: &str, ino: u64) -> Result<(), IndexError> {
        self.link(parent, name, ino)?;
        self.count_subdirectory(parent, 1);
        Ok(())
    }

    fn unlink_directory(&mut self, parent: u64, name: &str, ino: u64) -> Result<(), IndexError> {
        self.unlink(parent, name, ino)?;
        self.count_subdirectory(parent, -1);
        self.found.clear();
        Ok(())
    }

    /// A directory's links are its own name, its `.`, and the `..` of each directory in it.
    fn count_subdirectory(&mut self, parent: u64, by: i64) {
        *self.pending.links.entry(parent).or_default() += by;
    }

    /// The inode of the directory with this key, and whether it is in the tree.
    fn directory_node(&mut self, key: &str) -> Result<(u64, bool), IndexError> {
        let found: Option<i64> = self
            .tx
            .prepare_cached("SELECT ino FROM node WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        if let Some(ino) = found {
            return Ok((ino as u64, self.entry_of(ino as u64)?.is_some()));
        }
        let ino = self.free_ino(key, None)?;
        self.tx
            .prepare_cached(
                "INSERT INTO node (ino, kind, key, mtime, ctime, btime, nlink) VALUES (?1, 0, ?2, 0, 0, 0, 1)",
            )?
            .execute(params![ino as i64, key])?;
        Ok((ino, false))
    }
}
