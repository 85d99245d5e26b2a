//! Names that held photos had in an index that was damaged: no other photo may take them.

use rusqlite::{Row, params};

use super::IndexError;
use super::inodes::NANOS;
use super::layout::Layout;
use super::placing::places;
use super::record::load;
use crate::tree;

impl Layout<'_> {
    /// Gives the names back, before any other photo of the library is placed; tells whether there were any.
    pub(super) fn claim(&mut self, library: i64) -> Result<bool, IndexError> {
        let claimants = "SELECT DISTINCT a.id FROM claim c JOIN node n ON n.ino = c.ino JOIN asset a ON a.id = n.asset
             WHERE a.library = ?1 ORDER BY a.added, a.name";
        let claimants = self.rows(claimants, library)?;
        for asset in &claimants {
            self.claim_for(*asset)?;
        }
        self.tx.prepare_cached(
            "DELETE FROM claim WHERE ino IN (SELECT n.ino FROM node n JOIN asset a ON a.id = n.asset WHERE a.library = ?1)",
        )?
        .execute([library])?;
        Ok(!claimants.is_empty())
    }

    fn claim_for(&mut self, asset: i64) -> Result<(), IndexError> {
        let Some(shown) = load(self.tx, asset)? else { return Ok(()) };
        self.stamp = shown.asset_modified.max(shown.master_modified).saturating_mul(NANOS);
        let places = places(self.tx, self.options, &shown)?;
        for directory in self.directories(&shown.zone, &places)? {
            for (name, ino) in self.claims(asset, directory)? {
                if !self.is_taken(directory, &tree::fold(&name)) {
                    self.link(directory, &name, ino)?;
                }
            }
        }
        Ok(())
    }

    fn claims(&self, asset: i64, directory: u64) -> Result<Vec<(String, u64)>, IndexError> {
        let mut query = self.tx.prepare_cached(
            "SELECT c.name, c.ino FROM node n JOIN claim c ON c.ino = n.ino
             JOIN node d ON d.key = c.directory AND d.ino = ?2 WHERE n.asset = ?1",
        )?;
        let claim = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64));
        Ok(query.query_map(params![asset, directory as i64], claim)?.collect::<Result<_, _>>()?)
    }
}
