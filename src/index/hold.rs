//! Mass deletions are held until a person has looked at them (design.md §2, rule 4).

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::layout::Layout;
use super::library::{library_row, remember};
use super::{Index, IndexError, TreeChange};
use crate::config::TreeOptions;
use crate::photos::{Change, LibraryId};

/// How an asset leaves what a backup copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Moved to Recently Deleted, to be gone at this time: milliseconds since 1970.
    Trashed(Option<i64>),
    Gone,
}

/// What a person has decided about removals that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Reject,
}

/// Under which a decision is left for the process that serves the account.
const DECISION: &str = "decision";

/// An asset that would leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The asset's row.
    asset: i64,
    /// Its record name.
    pub name: String,
    pub removal: Removal,
}

/// How many assets may leave a library of this size in one sync: more wait for a person.
pub fn limit(assets: u64) -> u64 {
    (assets / 20).clamp(10, 500)
}

impl Held {
    /// Takes note of it; one that was rejected before stays so.
    pub(super) fn keep(&self, tx: &Connection) -> Result<(), IndexError> {
        let (kind, expires) = match self.removal {
            Removal::Trashed(expires) => (0, expires),
            Removal::Gone => (1, None),
        };
        let now = jiff::Timestamp::now().as_millisecond();
        tx.prepare_cached(
            "INSERT INTO held (asset, removal, expires, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (asset) DO UPDATE SET removal = ?2, expires = ?3",
        )?
        .execute(params![self.asset, kind, expires, now])?;
        Ok(())
    }
}

pub(super) fn is_held(tx: &Connection, asset: &str, library: i64) -> Result<bool, IndexError> {
    let mut query =
        tx.prepare_cached("SELECT 1 FROM held h JOIN asset a ON a.id = h.asset WHERE a.name = ?1 AND a.library = ?2")?;
    Ok(query.exists(params![asset, library])?)
}

/// The asset is back in the cloud: there is nothing to decide any more.
pub(super) fn forget(tx: &Connection, asset: &str, library: i64) -> Result<(), IndexError> {
    tx.prepare_cached("DELETE FROM held WHERE asset = (SELECT id FROM asset WHERE name = ?1 AND library = ?2)")?
        .execute(params![asset, library])?;
    Ok(())
}

impl Index {
    /// Those removals among the changes put down and some more that must wait: all of them, if there are more than [`limit`] or if others of this
    /// library wait already; else those of assets whose removal a person has rejected.
    pub fn removals_to_hold(&self, library: &LibraryId, changes: &[Change]) -> Result<Vec<Held>, IndexError> {
        let reader = self.reader()?;
        let (id, _) = library_row(&reader, &library.0)?;
        let count = |statement: &str| reader.query_row(statement, [id], |row| row.get::<_, i64>(0));
        let live = count("SELECT count(*) FROM asset WHERE library = ?1 AND NOT gone AND NOT trashed")?;
        let waiting =
            count("SELECT count(*) FROM held h JOIN asset a ON a.id = h.asset WHERE a.library = ?1 AND h.state = 0")?;
        let mut removals = Vec::new();
        let mut leaving = super::news::removals(&reader, id)?;
        for (name, removal) in last_states(changes) {
            match removal {
                Some(removal) => drop(leaving.insert(name.to_owned(), removal)),
                None => drop(leaving.remove(name)),
            }
        }
        for (name, removal) in leaving {
            if let Some(asset) = live_asset(&reader, id, &name)? {
                removals.push(Held { asset, name, removal });
            }
        }
        if removals.len() as u64 > limit(live as u64) || (waiting > 0 && !removals.is_empty()) {
            return Ok(removals);
        }
        let mut rejected = reader.prepare_cached("SELECT 1 FROM held WHERE asset = ?1")?;
        removals
            .into_iter()
            .filter_map(|held| match rejected.exists([held.asset]) {
                Ok(true) => Some(Ok(held)),
                Ok(false) => None,
                Err(error) => Some(Err(error.into())),
            })
            .collect()
    }

    /// How many removals wait for a decision, by library.
    pub fn waiting(&self) -> Result<Vec<(LibraryId, u64)>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT l.zone, count(*) FROM held h JOIN asset a ON a.id = h.asset JOIN library l ON l.id = a.library
             WHERE h.state = 0 GROUP BY l.id ORDER BY l.id",
        )?;
        let rows = query.query_map([], |row| Ok((LibraryId(row.get(0)?), row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Inodes of the originals whose removal waits for a decision.
    pub fn waiting_inodes(&self) -> Result<Vec<u64>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT n.ino FROM held h JOIN node n ON n.asset = h.asset
             WHERE h.state = 0 AND n.kind = 1 AND n.resource = 0 AND n.place = 0 AND n.nlink > 0 ORDER BY n.ino",
        )?;
        Ok(query.query_map([], |row| Ok(row.get::<_, i64>(0)? as u64))?.collect::<Result<_, _>>()?)
    }

    /// Leaves a decision for the process that serves the account, which carries it out before its next round.
    pub fn leave_decision(path: &Path, decision: Decision) -> Result<(), IndexError> {
        let text = match decision {
            Decision::Accept => "accept",
            Decision::Reject => "reject",
        };
        remember(&super::store::connect_beside(path)?, DECISION, text)
    }

    /// Carries out a decision that was left; `None` if there is none.
    pub fn carry_out_decision(&self) -> Result<Option<TreeChange>, IndexError> {
        let decision = match self.remembered(DECISION)?.as_deref() {
            Some("accept") => Decision::Accept,
            Some("reject") => Decision::Reject,
            _ => return Ok(None),
        };
        let change = self.decide(decision)?;
        self.remember(DECISION, "")?;
        Ok(Some(change))
    }

    /// Lets everything that waits go as iCloud says, or keeps it in the tree for good.
    pub fn decide(&self, decision: Decision) -> Result<TreeChange, IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let change = match decision {
            Decision::Accept => accept(&tx, &self.options)?,
            Decision::Reject => {
                tx.execute("UPDATE held SET state = 1 WHERE state = 0", [])?;
                TreeChange::default()
            }
        };
        tx.commit()?;
        Ok(change)
    }
}

fn accept(tx: &Connection, options: &TreeOptions) -> Result<TreeChange, IndexError> {
    let assets: Vec<i64> = {
        let mut query = tx.prepare("SELECT asset FROM held WHERE state = 0")?;
        query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    for statement in [
        "UPDATE asset SET trashed = 1, expires = (SELECT expires FROM held WHERE held.asset = asset.id)
         WHERE id IN (SELECT asset FROM held WHERE state = 0 AND removal = 0)",
        "UPDATE asset SET gone = 1 WHERE id IN (SELECT asset FROM held WHERE state = 0 AND removal = 1)",
        "DELETE FROM held WHERE state = 0",
    ] {
        tx.execute(statement, [])?;
    }
    let mut layout = Layout::new(tx, options);
    for asset in assets {
        layout.place(asset)?;
    }
    layout.finish()
}

/// What each asset or tombstone of some changes comes to in the end.
fn last_states(changes: &[Change]) -> BTreeMap<&str, Option<Removal>> {
    let mut last = BTreeMap::new();
    for change in changes {
        match change {
            Change::Asset(asset) => {
                last.insert(asset.name.as_str(), asset.trashed.then_some(Removal::Trashed(asset.expires)));
            }
            Change::Gone(name) => {
                last.insert(name.as_str(), Some(Removal::Gone));
            }
            _ => {}
        }
    }
    last
}

fn live_asset(connection: &Connection, library: i64, name: &str) -> Result<Option<i64>, IndexError> {
    let mut query = connection
        .prepare_cached("SELECT id FROM asset WHERE name = ?1 AND library = ?2 AND NOT gone AND NOT trashed")?;
    Ok(query.query_row(params![name, library], |row| row.get(0)).optional()?)
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn the_limit_is_design_rule_4() {
        assert_eq!([0, 60, 200, 1_000, 9_999, 10_000, 1_000_000].map(limit), [10, 10, 10, 50, 499, 500, 500]);
    }
}
