//! Sidecars: files that the index makes of what it knows, beside the originals they describe.
//!
//! A sidecar is at home only, not in albums. As with an edit's rendering, other bytes are another inode under the same
//! name. The row has a digest of the bytes; they are made when they are asked for.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::inodes::{NANOS, distinct};
use super::layout::{Home, Layout, Present};
use super::read::number;
use super::record::{Shown, kind_at, kind_number};
use super::{Index, IndexError, facts};
use crate::config::Sidecars;
use crate::photos::ResourceKind;
use crate::tree;

/// `node.kind` of a sidecar; its `resource` is that of the original, its `checksum` a digest of its own bytes.
pub(super) const SIDECAR: i64 = 3;

impl Layout<'_> {
    /// Brings the sidecars of a photo up to date with its rows; `home` is where its files are at home, if they are anywhere.
    pub(super) fn place_sidecars(
        &mut self,
        shown: &Shown,
        home: Option<&Home>,
        present: &[Present],
    ) -> Result<(), IndexError> {
        let wanted = match (self.options.sidecars, home) {
            (Sidecars::Xmp, Some(home)) => self.wanted_sidecars(shown, home, present)?,
            _ => Vec::new(),
        };
        let stays = |entry: &Present, (parent, name, ino): &(u64, String, u64)| {
            (entry.parent, entry.name.as_str(), entry.ino) == (*parent, name.as_str(), *ino)
        };
        for entry in present.iter().filter(|entry| !wanted.iter().any(|want| stays(entry, want))) {
            self.unlink(entry.parent, &entry.name, entry.ino)?;
            self.thinned.insert(entry.parent);
        }
        for want in wanted.iter().filter(|want| !present.iter().any(|entry| stays(entry, want))) {
            self.link(want.0, &want.1, want.2)?;
        }
        Ok(())
    }

    /// Directory, name and inode of each sidecar there should be.
    fn wanted_sidecars(
        &self,
        shown: &Shown,
        home: &Home,
        present: &[Present],
    ) -> Result<Vec<(u64, String, u64)>, IndexError> {
        let own: Vec<u64> = present.iter().map(|entry| entry.ino).collect();
        let mut wanted: Vec<(u64, String, u64)> = Vec::new();
        for (kind, original) in home.names.iter().filter(|(kind, _)| is_described(*kind)) {
            let Some(ino) = self.sidecar_ino(shown, *kind)? else { continue };
            let kept = present.iter().find(|entry| entry.parent == home.directory && entry.kind == *kind);
            let taken = |fold: &str| {
                self.is_taken_by_other(home.directory, fold, &own)
                    || wanted.iter().any(|(_, name, _)| tree::fold(name) == fold)
            };
            let kept = kept.map(|entry| entry.name.as_str());
            let name = tree::name_sidecar(&shown.photo.asset, original, kept, taken);
            wanted.push((home.directory, name, ino));
        }
        Ok(wanted)
    }

    /// The inode of the sidecar that an original should have now.
    fn sidecar_ino(&self, shown: &Shown, kind: ResourceKind) -> Result<Option<u64>, IndexError> {
        let Some(facts) = facts::of_original(self.tx, shown.asset, kind)? else { return Ok(None) };
        let bytes = tree::xmp(&facts);
        let (resource, digest) = (kind_number(kind), digest(&bytes));
        let known = self
            .tx
            .prepare_cached(
                "SELECT ino FROM node
                 WHERE asset = ?1 AND resource = ?2 AND checksum = ?3 AND place = 0 AND kind = ?4",
            )?
            .query_row(params![shown.asset, resource, digest, SIDECAR], |row| row.get::<_, i64>(0))
            .optional()?;
        if let Some(ino) = known {
            return Ok(Some(ino as u64));
        }
        let key = format!("{}/{}/{resource}/{digest}/0/{SIDECAR}", shown.zone, shown.photo.asset);
        let ino = self.free_ino(&key, shown.photo.added)?;
        let added = shown.photo.added.map_or(self.stamp, |added| added.saturating_mul(NANOS));
        // Facts come from records only: these bytes are as old as the later one's change.
        self.tx
            .prepare_cached(
                "INSERT INTO node (ino, kind, asset, resource, checksum, size, mtime, ctime, btime)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                ino as i64,
                SIDECAR,
                shown.asset,
                resource,
                digest,
                bytes.len() as i64,
                self.stamp,
                distinct(self.stamp / NANOS, ino),
                added
            ])?;
        Ok(Some(ino))
    }
}

/// Which files of a photo have a sidecar: the originals that a program for photos would open.
fn is_described(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::Original | ResourceKind::Alternative)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Index {
    /// The bytes of a sidecar; `None` for every other file, and for a sidecar whose photo is described otherwise by now.
    pub fn sidecar(&self, ino: u64) -> Result<Option<Vec<u8>>, IndexError> {
        let reader = self.reader()?;
        let row = reader
            .prepare_cached("SELECT asset, resource, checksum FROM node WHERE ino = ?1 AND kind = ?2")?
            .query_row(params![number(ino), SIDECAR], |row| {
                Ok((row.get(0)?, kind_at(row, 1)?, row.get::<_, String>(2)?))
            })
            .optional()?;
        let Some((asset, kind, shown)) = row else { return Ok(None) };
        let facts = facts::of_original(&reader, asset, kind)?;
        Ok(facts.map(|facts| tree::xmp(&facts)).filter(|bytes| digest(bytes) == shown))
    }
}
