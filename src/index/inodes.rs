//! Inodes of files: one for each resource with each checksum it ever had.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::layout::{Home, Layout};
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

/// What an inode of a file stands for.
struct Identity<'a> {
    asset: i64,
    resource: i64,
    checksum: &'a str,
    /// 0, or for copies and symlinks the directory they are in.
    place: u64,
    /// A symlink's target.
    target: Option<String>,
}

impl Identity<'_> {
    /// 1 a file, 2 a symlink.
    fn kind(&self) -> i64 {
        if self.target.is_some() { 2 } else { 1 }
    }
}

impl Layout<'_> {
    /// The inode of a photo's file in a directory: at home and for hard links the one of the file itself, else one of its own.
    pub(super) fn file_ino(
        &mut self,
        shown: &Shown,
        file: &File,
        directory: u64,
        home: Option<&Home>,
    ) -> Result<u64, IndexError> {
        let (place, target) = match (self.options.albums, home) {
            (_, None) | (AlbumStyle::Hardlink, _) => (0, None),
            (AlbumStyle::Copy, Some(_)) => (directory, None),
            (AlbumStyle::Symlink, Some(home)) => {
                let name = home.names.iter().find(|(kind, _)| *kind == file.kind).map(|(_, name)| name.as_str());
                (directory, Some(self.relative(directory, home.directory, name.unwrap_or_default())?))
            }
        };
        let (resource, checksum) = (kind_number(file.kind), file.checksum.as_str());
        let identity = Identity { asset: shown.asset, resource, checksum, place, target };
        match self.known(&identity, shown, file)? {
            Some(ino) => Ok(ino),
            None => self.make(&identity, shown, file),
        }
    }

    /// The inode that has stood for this before, with its times brought up to date.
    fn known(&mut self, identity: &Identity<'_>, shown: &Shown, file: &File) -> Result<Option<u64>, IndexError> {
        let Identity { asset, resource, checksum, place, target } = identity;
        // Few files have the same asset: the rest of what they stand for is compared in their rows.
        let found: Option<(i64, i64, Option<String>)> = self
            .tx
            .prepare_cached(
                "SELECT ino, mtime, target FROM node
                 WHERE asset = ?1 AND resource = ?2 AND checksum = ?3 AND place = ?4 AND kind = ?5",
            )?
            .query_row(params![asset, resource, checksum, *place as i64, identity.kind()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((ino, mtime, old)) = found else { return Ok(None) };
        let mtime_now = if is_edit(file) { mtime } else { captured(shown) };
        if mtime_now != mtime || old != *target {
            self.touch(ino, mtime_now, target.as_deref())?;
        }
        Ok(Some(ino as u64))
    }

    fn make(&mut self, identity: &Identity<'_>, shown: &Shown, file: &File) -> Result<u64, IndexError> {
        let Identity { asset, resource, checksum, place, target } = identity;
        let (zone, name, kind) = (&shown.zone, &shown.photo.asset, identity.kind());
        let key = format!("{zone}/{name}/{resource}/{checksum}/{place}/{kind}");
        let ino = self.free_ino(&key, shown.photo.added)?;
        // The rendering of an edit is as old as the edit; what changes an asset later does not change its bytes.
        let (mtime, changed) = match is_edit(file) {
            true => (shown.asset_modified.saturating_mul(NANOS), shown.asset_modified),
            false => (captured(shown), shown.master_modified),
        };
        let size = target.as_ref().map_or(file.size as i64, |target| target.len() as i64);
        let added = shown.photo.added.unwrap_or(changed).saturating_mul(NANOS);
        let changed = distinct(changed, ino);
        self.tx
            .prepare_cached(
                "INSERT INTO node (ino, kind, asset, resource, checksum, place, target, size, mtime, ctime, btime)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                ino as i64,
                kind,
                asset,
                resource,
                checksum,
                *place as i64,
                target,
                size,
                mtime,
                changed,
                added
            ])?;
        Ok(ino)
    }

    fn touch(&mut self, ino: i64, mtime: i64, target: Option<&str>) -> Result<(), IndexError> {
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

    /// A number for a new inode: derived from what it stands for and when that was added, so that it comes back the same if
    /// the index is lost, and the next free one if that is taken. Rows are never removed, so no number is ever given again.
    pub(super) fn free_ino(&self, key: &str, added: Option<i64>) -> Result<u64, IndexError> {
        let mut ino = derived(key, added).max(RESERVED + 1);
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
