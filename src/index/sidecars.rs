//! Sidecars: files that the index makes of what it knows, beside the originals they describe.
//!
//! A sidecar is at home only, not in albums. As with an edit's rendering, other bytes are another inode under the same
//! name. The row has a digest of the bytes; they are made when they are asked for.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::inodes::{Inode, Made, NANOS, SIDECAR, distinct};
use super::layout::Layout;
use super::placing::{Home, Placing, Present};
use super::read::number;
use super::record::{kind_at, kind_number};
use super::{Index, IndexError, facts};
use crate::config::Sidecars;
use crate::photos::ResourceKind;
use crate::tree;

impl Layout<'_> {
    /// Brings the sidecars of a photo up to date with its rows, where its files are at home, if they are anywhere.
    pub(super) fn place_sidecars(&mut self, placing: &mut Placing, present: &[Present]) -> Result<(), IndexError> {
        let wanted = match self.options.sidecars {
            Sidecars::Xmp => self.wanted_sidecars(placing, present)?,
            Sidecars::None => Vec::new(),
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
        &mut self,
        placing: &mut Placing,
        present: &[Present],
    ) -> Result<Vec<(u64, String, u64)>, IndexError> {
        let Some(Home { directory, names }) = &placing.home else { return Ok(Vec::new()) };
        let (directory, originals) = (*directory, names.clone());
        let own: Vec<u64> = present.iter().map(|entry| entry.ino).collect();
        let mut wanted: Vec<(u64, String, u64)> = Vec::new();
        for (kind, original) in originals.iter().filter(|(kind, _)| is_described(*kind)) {
            let Some(ino) = self.sidecar_ino(placing, *kind)? else { continue };
            let kept = present.iter().find(|entry| entry.parent == directory && entry.kind == *kind);
            let taken = |fold: &str| {
                self.is_taken_by_other(directory, fold, &own)
                    || wanted.iter().any(|(_, name, _)| tree::fold(name) == fold)
            };
            let kept = kept.map(|entry| entry.name.as_str());
            let name = tree::name_sidecar(&placing.shown.photo.asset, original, kept, taken);
            wanted.push((directory, name, ino));
        }
        Ok(wanted)
    }

    /// The inode of the sidecar that an original should have now.
    fn sidecar_ino(&mut self, placing: &mut Placing, kind: ResourceKind) -> Result<Option<u64>, IndexError> {
        let Some(facts) = facts::of_original(self.tx, placing.shown.asset, kind)? else { return Ok(None) };
        let bytes = tree::xmp(&facts);
        match placing.inodes.find(SIDECAR, kind_number(kind), &digest(&bytes), 0) {
            Some(inode) => Ok(Some(inode.ino)),
            None => self.make_sidecar(placing, kind, &bytes).map(Some),
        }
    }

    fn make_sidecar(&mut self, placing: &mut Placing, kind: ResourceKind, bytes: &[u8]) -> Result<u64, IndexError> {
        // Facts come from records only: these bytes are as old as the later one's change.
        let (stamp, size, checksum) = (self.stamp, bytes.len() as i64, digest(bytes));
        let btime = placing.shown.photo.added.map_or(stamp, |added| added.saturating_mul(NANOS));
        let inode = Inode::new(SIDECAR, kind_number(kind), checksum, stamp);
        self.make(placing, inode, |ino| Made { size, ctime: distinct(stamp / NANOS, ino), btime })
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
