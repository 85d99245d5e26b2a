//! Inodes of files: one for each resource with each checksum it ever had.

use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use super::layout::Layout;
use super::placing::Placing;
use super::record::{Shown, kind_number};
use super::{IndexError, RESERVED};
use crate::config::AlbumStyle;
use crate::photos::ResourceKind;
use crate::tree::File;

/// Nanoseconds in a millisecond.
pub(super) const NANOS: i64 = 1_000_000;
/// A number is the minute in which the photo was added, since 2000 and until 2063, and below it bits of a digest: what was
/// added together lies together in the tables and is listed together, most of a directory on a few pages. All bits together
/// are six bytes of a row, and exact in every program, JSON and floating point included.
const MINUTE_BITS: u32 = 25;
const DIGEST_BITS: u32 = 22;
const YEAR_2000: i64 = 946_684_800_000;
const MINUTE: i64 = 60_000;

/// `node.kind` of a file, of a symlink and of a sidecar; the `resource` of a sidecar is that of the original, its `checksum` a
/// digest of its own bytes.
const FILE: i64 = 1;
const SYMLINK: i64 = 2;
pub(super) const SIDECAR: i64 = 3;

/// An inode of one of an asset's files.
pub(super) struct Inode {
    pub ino: u64,
    pub kind: i64,
    pub resource: i64,
    pub checksum: String,
    /// 0, or for copies and symlinks the directory they are in.
    pub place: u64,
    /// A symlink's.
    pub target: Option<String>,
    /// Nanoseconds.
    pub mtime: i64,
    /// What else the row will have, if it is not written yet.
    made: Option<Made>,
}

/// Size, and times in nanoseconds.
pub(super) struct Made {
    pub size: i64,
    pub ctime: i64,
    pub btime: i64,
}

/// All inodes of an asset: what it shows, what it showed before, and what is made for it now.
#[derive(Default)]
pub(super) struct Inodes(Vec<Inode>);

impl Inode {
    /// One of the file itself, without a number yet.
    pub fn new(kind: i64, resource: i64, checksum: String, mtime: i64) -> Inode {
        Inode { ino: 0, kind, resource, checksum, place: 0, target: None, mtime, made: None }
    }

    /// From a row of number, kind, resource, checksum, place, target and mtime.
    pub fn of_row(row: &Row<'_>) -> rusqlite::Result<Inode> {
        Ok(Inode {
            ino: row.get::<_, i64>(0)? as u64,
            kind: row.get(1)?,
            resource: row.get(2)?,
            checksum: row.get(3)?,
            place: row.get::<_, i64>(4)? as u64,
            target: row.get(5)?,
            mtime: row.get(6)?,
            made: None,
        })
    }
}

impl Inodes {
    /// Adds one that there is.
    pub fn add(&mut self, inode: Inode) {
        if self.0.iter().all(|known| known.ino != inode.ino) {
            self.0.push(inode);
        }
    }

    /// The one that stands for a resource with a checksum in a place.
    pub fn find(&mut self, kind: i64, resource: i64, checksum: &str, place: u64) -> Option<&mut Inode> {
        let is_it = |inode: &&mut Inode| {
            (inode.kind, inode.resource, inode.place) == (kind, resource, place) && inode.checksum == checksum
        };
        self.0.iter_mut().find(is_it)
    }
}

impl Layout<'_> {
    /// The inode of a photo's file in a directory: at home and for hard links the one of the file itself, else one of its own.
    pub(super) fn file_ino(&mut self, placing: &mut Placing, file: &File, directory: u64) -> Result<u64, IndexError> {
        let (place, target) = match (self.options.albums, &placing.home) {
            (_, None) | (AlbumStyle::Hardlink, _) => (0, None),
            (AlbumStyle::Copy, Some(_)) => (directory, None),
            (AlbumStyle::Symlink, Some(home)) => {
                let name = home.names.iter().find(|(kind, _)| *kind == file.kind).map(|(_, name)| name.as_str());
                (directory, Some(self.relative(directory, home.directory, name.unwrap_or_default())?))
            }
        };
        let kind = if target.is_some() { SYMLINK } else { FILE };
        let shown = &placing.shown;
        match placing.inodes.find(kind, kind_number(file.kind), file.checksum.as_str(), place) {
            Some(inode) => {
                let mtime = if is_edit(file) { inode.mtime } else { captured(shown) };
                self.bring_up_to_date(inode, mtime, target)?;
                Ok(inode.ino)
            }
            None => self.make_file(placing, file, place, target),
        }
    }

    fn make_file(
        &mut self,
        placing: &mut Placing,
        file: &File,
        place: u64,
        target: Option<String>,
    ) -> Result<u64, IndexError> {
        let shown = &placing.shown;
        // The rendering of an edit is as old as the edit; what changes an asset later does not change its bytes.
        let (mtime, changed) = match is_edit(file) {
            true => (shown.asset_modified.saturating_mul(NANOS), shown.asset_modified),
            false => (captured(shown), shown.master_modified),
        };
        let size = target.as_ref().map_or(file.size as i64, |target| target.len() as i64);
        let btime = shown.photo.added.unwrap_or(changed).saturating_mul(NANOS);
        let kind = if target.is_some() { SYMLINK } else { FILE };
        let of_file = Inode::new(kind, kind_number(file.kind), file.checksum.as_str().to_owned(), mtime);
        let inode = Inode { place, target, ..of_file };
        self.make(placing, inode, |ino| Made { size, ctime: distinct(changed, ino), btime })
    }

    /// Gives an inode its number; its row is written when its links are known.
    pub(super) fn make(
        &mut self,
        placing: &mut Placing,
        inode: Inode,
        made: impl FnOnce(u64) -> Made,
    ) -> Result<u64, IndexError> {
        let (zone, name) = (&placing.shown.zone, &placing.shown.photo.asset);
        let Inode { kind, resource, checksum, place, .. } = &inode;
        let key = format!("{zone}/{name}/{resource}/{checksum}/{place}/{kind}");
        let mut ino = self.free_ino(&key, placing.shown.photo.added)?;
        while placing.inodes.0.iter().any(|other| other.ino == ino) {
            ino = self.free_from(ino + 1)?;
        }
        placing.inodes.0.push(Inode { ino, made: Some(made(ino)), ..inode });
        Ok(ino)
    }

    /// Writes the rows of the inodes that were made, with the links they have got.
    pub(super) fn write_made(&mut self, placing: &Placing) -> Result<(), IndexError> {
        for inode in &placing.inodes.0 {
            let Some(made) = &inode.made else { continue };
            let links = self.pending.links.remove(&inode.ino).unwrap_or(0);
            self.tx
                .prepare_cached(
                    "INSERT INTO node (ino, kind, asset, resource, checksum, place, target, size, mtime, ctime, btime, nlink)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                )?
                .execute(params![
                    inode.ino as i64,
                    inode.kind,
                    placing.shown.asset,
                    inode.resource,
                    inode.checksum,
                    inode.place as i64,
                    inode.target,
                    made.size,
                    inode.mtime,
                    made.ctime,
                    made.btime,
                    links
                ])?;
        }
        Ok(())
    }

    /// Writes a new time or target of an inode that has a row.
    fn bring_up_to_date(&mut self, inode: &mut Inode, mtime: i64, target: Option<String>) -> Result<(), IndexError> {
        if inode.mtime == mtime && inode.target == target {
            return Ok(());
        }
        let ctime = distinct(self.stamp / NANOS, inode.ino);
        self.tx
            .prepare_cached(
                "UPDATE node SET mtime = ?2, ctime = max(ctime, ?3), target = ?4,
                     size = CASE WHEN ?4 IS NULL THEN size ELSE length(CAST(?4 AS BLOB)) END WHERE ino = ?1",
            )?
            .execute(params![inode.ino as i64, mtime, ctime, target])?;
        (inode.mtime, inode.target) = (mtime, target);
        self.change.attributes.push(inode.ino);
        Ok(())
    }

    /// A number for a new inode: derived from what it stands for and when that was added, so that it comes back the same if
    /// the index is lost, and the next free one if that is taken. Rows are never removed, so no number is ever given again.
    pub(super) fn free_ino(&self, key: &str, added: Option<i64>) -> Result<u64, IndexError> {
        self.free_from(derived(key, added).max(RESERVED + 1))
    }

    fn free_from(&self, mut ino: u64) -> Result<u64, IndexError> {
        while self.tx.prepare_cached("SELECT 1 FROM node WHERE ino = ?1")?.exists([ino as i64])? {
            ino += 1;
        }
        Ok(ino)
    }
}

fn derived(key: &str, added: Option<i64>) -> u64 {
    let digest = Sha256::digest(key);
    let digest = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"));
    let Some(added) = added else { return digest >> (64 - MINUTE_BITS - DIGEST_BITS) };
    let minute = (added.saturating_sub(YEAR_2000) / MINUTE).clamp(0, (1 << MINUTE_BITS) - 1);
    (minute as u64) << DIGEST_BITS | digest >> (64 - DIGEST_BITS)
}

fn is_edit(file: &File) -> bool {
    matches!(file.kind, ResourceKind::Edited | ResourceKind::EditedVideo)
}

fn captured(shown: &Shown) -> i64 {
    shown.photo.date().saturating_mul(NANOS)
}

/// A change time of its own for each inode: borg takes files that share the newest one for changed at every run.
/// The record's millisecond, and below it nanoseconds from the inode's number.
pub(super) fn distinct(millisecond: i64, ino: u64) -> i64 {
    millisecond.saturating_mul(NANOS).saturating_add((ino % NANOS as u64) as i64)
}
