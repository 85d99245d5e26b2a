//! From rows to directory entries, inside the transaction that changes the rows.
//!
//! Names and inode numbers that were given stay as long as what they stand for is there: see [`crate::tree::name_files`]
//! and [`Layout::free_ino`].

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::record::{Shown, kind_from, kind_number, load};
use super::{Index, IndexError, RESERVED, ROOT, TreeChange};
use crate::config::{AlbumStyle, TreeOptions};
use crate::photos::ResourceKind;
use crate::tree::{self, File};

/// Numbers up to here are exact in every program, JSON and floating point included.
const INO_BITS: u32 = 53;
const NANOS: i64 = 1_000_000;

/// Lays out entries in a transaction, and takes down what changed.
pub struct Layout<'t> {
    pub(super) tx: &'t Connection,
    pub(super) options: &'t TreeOptions,
    change: TreeChange,
    /// Directories that lost an entry: they may be empty now.
    thinned: BTreeSet<u64>,
    /// The record time that entries made or removed now carry: nanoseconds.
    stamp: i64,
}

/// A file's entry as it is now.
struct Present {
    parent: u64,
    name: String,
    ino: u64,
    kind: ResourceKind,
}

/// A file's entry as it should be.
struct Wanted<'a> {
    name: String,
    file: &'a File,
    ino: u64,
}

impl<'t> Layout<'t> {
    pub fn new(tx: &'t Connection, options: &'t TreeOptions) -> Layout<'t> {
        Layout { tx, options, change: TreeChange::default(), thinned: BTreeSet::new(), stamp: 0 }
    }

    /// Every asset of a library that is to be shown for the first time, the one added first getting its plain name.
    pub fn library(&mut self, library: i64, zone: &str) -> Result<(), IndexError> {
        self.standing_directories(zone)?;
        let albums: Vec<String> =
            self.names("SELECT name FROM album WHERE library = ?1 AND kind != 6 ORDER BY name", library)?;
        for album in albums {
            self.album(&album)?;
        }
        let assets: Vec<i64> = {
            let mut query = self.tx.prepare_cached("SELECT id FROM asset WHERE library = ?1 ORDER BY added, name")?;
            query.query_map([library], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        assets.into_iter().try_for_each(|asset| self.place(asset))
    }

    fn names(&self, statement: &str, id: i64) -> Result<Vec<String>, IndexError> {
        Ok(self.tx.prepare_cached(statement)?.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// What changed, once directories that became empty are gone.
    pub fn finish(mut self) -> Result<TreeChange, IndexError> {
        while let Some(directory) = self.thinned.pop_first() {
            self.prune(directory)?;
        }
        self.change.tidy();
        Ok(self.change)
    }

    /// Brings an asset's entries up to date with its rows.
    pub fn place(&mut self, asset: i64) -> Result<(), IndexError> {
        let Some(shown) = load(self.tx, asset)? else { return Ok(()) };
        self.stamp = shown.asset_modified.max(shown.master_modified).saturating_mul(NANOS);
        let directories = self.directories_of(&shown)?;
        let present = self.present(asset)?;
        for entry in present.iter().filter(|entry| !directories.contains(&entry.parent)) {
            self.unlink(entry.parent, &entry.name, entry.ino)?;
            self.thinned.insert(entry.parent);
        }
        let mut home: Option<(u64, Vec<(ResourceKind, String)>)> = None;
        for directory in directories {
            let here: Vec<&Present> = present.iter().filter(|entry| entry.parent == directory).collect();
            let names = self.place_in(asset, &shown, directory, &here, home.as_ref())?;
            home.get_or_insert((directory, names));
        }
        Ok(())
    }

    /// The directories an asset should be in, its home first; none if it cannot be shown.
    fn directories_of(&mut self, shown: &Shown) -> Result<Vec<u64>, IndexError> {
        if shown.gone || shown.photo.files.is_empty() {
            return Ok(Vec::new());
        }
        let albums: Vec<String> = {
            let mut query = self.tx.prepare_cached(
                "SELECT m.album FROM member m JOIN album a ON a.name = m.album AND a.kind = 0
                 WHERE m.asset = ?1 ORDER BY m.album",
            )?;
            query.query_map([&shown.photo.asset], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        let places = tree::places(&shown.photo, &albums, &self.options.years, self.options.hidden);
        places.iter().map(|place| self.directory(&shown.zone, place)).collect()
    }

    /// Brings an asset's entries in one directory up to date; gives their names.
    fn place_in(
        &mut self,
        asset: i64,
        shown: &Shown,
        directory: u64,
        here: &[&Present],
        home: Option<&(u64, Vec<(ResourceKind, String)>)>,
    ) -> Result<Vec<(ResourceKind, String)>, IndexError> {
        let kept: Vec<_> = here.iter().map(|entry| (entry.kind, entry.name.clone())).collect();
        let own: Vec<u64> = here.iter().map(|entry| entry.ino).collect();
        let names = tree::name_files(&shown.photo, &kept, |fold| self.is_taken_by_other(directory, fold, &own));
        let mut wanted = Vec::new();
        for (kind, name) in &names {
            let file = shown.photo.file(*kind).expect("named because it is there");
            let ino = self.file_node(asset, shown, file, directory, home)?;
            wanted.push(Wanted { name: name.clone(), file, ino });
        }
        let is_wanted = |entry: &Present| wanted.iter().any(|w| w.ino == entry.ino && w.name == entry.name);
        for entry in here.iter().filter(|entry| !is_wanted(entry)) {
            self.unlink(entry.parent, &entry.name, entry.ino)?;
        }
        let is_here = |w: &Wanted<'_>| here.iter().any(|entry| w.ino == entry.ino && w.name == entry.name);
        for want in wanted.iter().filter(|want| !is_here(want)) {
            debug_assert!(shown.photo.files.contains(want.file));
            self.link(directory, &want.name, want.ino)?;
        }
        Ok(names)
    }

    /// The inode of a file in a directory: at home and for hard links the one of the file itself, else one of its own.
    fn file_node(
        &mut self,
        asset: i64,
        shown: &Shown,
        file: &File,
        directory: u64,
        home: Option<&(u64, Vec<(ResourceKind, String)>)>,
    ) -> Result<u64, IndexError> {
        match (self.options.albums, home) {
            (_, None) | (AlbumStyle::Hardlink, _) => self.node(asset, shown, file, 0, None),
            (AlbumStyle::Copy, Some(_)) => self.node(asset, shown, file, directory, None),
            (AlbumStyle::Symlink, Some((at, names))) => {
                let name = names.iter().find(|(kind, _)| *kind == file.kind).map(|(_, name)| name.as_str());
                let target = self.relative(directory, *at, name.unwrap_or_default())?;
                self.node(asset, shown, file, directory, Some(&target))
            }
        }
    }

    /// The inode of an asset's file with these bytes, made if there never was one.
    fn node(
        &mut self,
        asset: i64,
        shown: &Shown,
        file: &File,
        place: u64,
        target: Option<&str>,
    ) -> Result<u64, IndexError> {
        let (kind, checksum) = (kind_number(file.kind), file.checksum.as_str());
        let node_kind = if target.is_some() { 2 } else { 1 };
        let found: Option<(i64, i64, Option<String>)> = self
            .tx
            .prepare_cached(
                "SELECT ino, mtime, target FROM node WHERE asset = ?1 AND resource = ?2 AND checksum = ?3 AND place = ?4 AND kind = ?5",
            )?
            .query_row(params![asset, kind, checksum, place as i64, node_kind], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let is_edit = matches!(file.kind, ResourceKind::Edited | ResourceKind::EditedVideo);
        let captured = shown.photo.date().saturating_mul(NANOS);
        if let Some((ino, mtime, old)) = found {
            let mtime_now = if is_edit { mtime } else { captured };
            if mtime_now != mtime || old.as_deref() != target {
                self.touch_file(ino, mtime_now, target)?;
            }
            return Ok(ino as u64);
        }
        // The rendering of an edit is as old as the edit; what changes an asset later does not change its bytes.
        let (mtime, changed) = match is_edit {
            true => (shown.asset_modified.saturating_mul(NANOS), shown.asset_modified),
            false => (captured, shown.master_modified),
        };
        let ino =
            self.free_ino(&format!("{}/{}/{kind}/{checksum}/{place}/{node_kind}", shown.zone, shown.photo.asset))?;
        let added = shown.photo.added.unwrap_or(changed).saturating_mul(NANOS);
        self.tx
            .prepare_cached(
                "INSERT INTO node (ino, kind, asset, resource, checksum, place, target, size, mtime, ctime, btime)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                ino as i64,
                node_kind,
                asset,
                kind,
                checksum,
                place as i64,
                target,
                target.map_or(file.size as i64, |target| target.len() as i64),
                mtime,
                distinct(changed, ino),
                added,
            ])?;
        Ok(ino)
    }

    fn touch_file(&mut self, ino: i64, mtime: i64, target: Option<&str>) -> Result<(), IndexError> {
        let ctime = distinct(self.stamp / NANOS, ino as u64);
        self.tx
            .prepare_cached(
                "UPDATE node SET mtime = ?2, ctime = max(ctime, ?3), target = ?4,
                     size = CASE WHEN ?4 IS NULL THEN size ELSE length(CAST(?4 AS BLOB)) END WHERE ino = ?1",
            )?
            .execute(params![ino, mtime, ctime, target])?;
        self.change.attributes.push(ino as u64);
        Ok(())
    }

    /// The way from a directory to a file in another.
    fn relative(&self, from: u64, to: u64, name: &str) -> Result<String, IndexError> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", from.len() - shared);
        let down = to[shared..].iter().map(String::as_str).chain([name]);
        Ok(up.chain(down).collect::<Vec<_>>().join("/"))
    }

    fn path(&self, directory: u64) -> Result<Vec<String>, IndexError> {
        let mut parts = Vec::new();
        let mut at = directory;
        while at != ROOT
            && let Some((parent, name)) = self.entry_of(at)?
        {
            parts.push(name);
            at = parent;
        }
        parts.reverse();
        Ok(parts)
    }

    fn present(&self, asset: i64) -> Result<Vec<Present>, IndexError> {
        let mut query = self.tx.prepare_cached(
            "SELECT d.parent, d.name, d.ino, n.resource FROM node n JOIN dentry d ON d.ino = n.ino WHERE n.asset = ?1",
        )?;
        let present = |row: &Row<'_>| {
            Ok(Present {
                parent: row.get::<_, i64>(0)? as u64,
                name: row.get(1)?,
                ino: row.get::<_, i64>(2)? as u64,
                kind: kind_from(row.get(3)?),
            })
        };
        Ok(query.query_map([asset], present)?.collect::<Result<_, _>>()?)
    }

    /// The one entry of a directory.
    pub(super) fn entry_of(&self, ino: u64) -> Result<Option<(u64, String)>, IndexError> {
        let mut query = self.tx.prepare_cached("SELECT parent, name FROM dentry WHERE ino = ?1")?;
        Ok(query.query_row([ino as i64], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))).optional()?)
    }

    pub(super) fn is_taken(&self, parent: u64, fold: &str) -> bool {
        self.is_taken_by_other(parent, fold, &[])
    }

    /// A name whose state cannot be read is taken: the next form is tried, and the transaction will fail by itself.
    fn is_taken_by_other(&self, parent: u64, fold: &str, own: &[u64]) -> bool {
        let found = self
            .tx
            .prepare_cached("SELECT ino FROM dentry WHERE parent = ?1 AND fold = ?2")
            .and_then(|mut query| query.query_row(params![parent as i64, fold], |row| row.get::<_, i64>(0)).optional());
        match found {
            Ok(Some(ino)) => !own.contains(&(ino as u64)),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    pub(super) fn link(&mut self, parent: u64, name: &str, ino: u64) -> Result<(), IndexError> {
        self.tx
            .prepare_cached("INSERT INTO dentry (parent, fold, name, ino) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![parent as i64, tree::fold(name), name, ino as i64])?;
        self.entry_changed(parent, name, ino, 1)
    }

    pub(super) fn unlink(&mut self, parent: u64, name: &str, ino: u64) -> Result<(), IndexError> {
        self.tx
            .prepare_cached("DELETE FROM dentry WHERE parent = ?1 AND fold = ?2")?
            .execute(params![parent as i64, tree::fold(name)])?;
        self.entry_changed(parent, name, ino, -1)
    }

    fn entry_changed(&mut self, parent: u64, name: &str, ino: u64, links: i64) -> Result<(), IndexError> {
        self.tx
            .prepare_cached("UPDATE node SET nlink = nlink + ?2 WHERE ino = ?1")?
            .execute(params![ino as i64, links])?;
        self.tx
            .prepare_cached("UPDATE node SET mtime = max(mtime, ?2), ctime = max(ctime, ?2) WHERE ino = ?1")?
            .execute(params![parent as i64, self.stamp])?;
        self.change.entries.push((parent, name.to_owned()));
        self.change.attributes.push(ino);
        Ok(())
    }

    /// A number for a new inode: derived from what it stands for, so that it comes back the same if the index is lost, and
    /// the next free one if that is taken. Rows are never removed, so no number is ever given again.
    pub(super) fn free_ino(&self, key: &str) -> Result<u64, IndexError> {
        let digest = Sha256::digest(key);
        let number = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes")) >> (64 - INO_BITS);
        let mut ino = number.max(RESERVED + 1);
        while self.tx.prepare_cached("SELECT 1 FROM node WHERE ino = ?1")?.exists([ino as i64])? {
            ino += 1;
        }
        Ok(ino)
    }
}

/// A change time of its own for each inode: borg takes files that share the newest one for changed at every run.
/// The record's millisecond, and below it nanoseconds from the inode's number.
fn distinct(millisecond: i64, ino: u64) -> i64 {
    millisecond.saturating_mul(NANOS).saturating_add((ino % NANOS as u64) as i64)
}

impl Index {
    /// Lays everything out again if the options of the tree are not those it was laid out with.
    pub(super) fn lay_out_anew_if_changed(&self) -> Result<(), IndexError> {
        let TreeOptions { years, albums, hidden } = &self.options;
        let layout = format!("{years} {albums:?} {hidden}");
        if self.remembered("layout")?.as_deref() == Some(layout.as_str()) {
            return Ok(());
        }
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        tx.execute(
            "INSERT OR IGNORE INTO node (ino, kind, key, mtime, ctime, btime, nlink) VALUES (?1, 0, '', 0, 0, 0, 2)",
            [ROOT as i64],
        )?;
        let mut laid_out = Layout::new(&tx, &self.options);
        let shown: Vec<(i64, String)> = {
            let mut query = tx.prepare("SELECT id, zone FROM library WHERE shown ORDER BY id")?;
            query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        for (id, zone) in shown {
            laid_out.library(id, &zone)?;
        }
        laid_out.finish()?;
        super::library::remember(&tx, "layout", &layout)?;
        Ok(tx.commit()?)
    }
}
