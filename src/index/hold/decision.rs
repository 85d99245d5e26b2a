//! What a person has decided, and how it is carried out.

use std::path::Path;

use rusqlite::{Connection, Row};

use crate::index::apply::Touched;
use crate::index::layout::Layout;
use crate::index::library::remember;
use crate::index::store::connect_beside;
use crate::index::{Index, IndexError, TreeChange, awaited, journal};
use crate::photos::LibraryId;

/// What a person has decided about removals that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Reject,
}

/// Under which a decision is left for the process that serves the account.
const DECISION: &str = "decision";

impl Index {
    /// Leaves a decision about one library, or about all, for the process that serves the account, which carries it out
    /// before its next round.
    pub fn leave_decision(path: &Path, decision: Decision, library: Option<&LibraryId>) -> Result<(), IndexError> {
        let word = match decision {
            Decision::Accept => "accept",
            Decision::Reject => "reject",
        };
        let text = format!("{word} {}", library.map_or("", |library| &library.0));
        remember(&connect_beside(path)?, DECISION, &text)
    }

    /// Carries out a decision that was left; `None` if there is none.
    pub fn carry_out_decision(&self) -> Result<Option<TreeChange>, IndexError> {
        let left = self.remembered(DECISION)?.unwrap_or_default();
        let (word, zone) = left.split_once(' ').unwrap_or((&left, ""));
        let decision = match word {
            "accept" => Decision::Accept,
            "reject" => Decision::Reject,
            _ => return Ok(None),
        };
        let library = (!zone.is_empty()).then(|| LibraryId(zone.to_owned()));
        let change = self.decide(decision, library.as_ref())?;
        self.remember(DECISION, "")?;
        Ok(Some(change))
    }

    /// Lets everything that waits go as iCloud says, or keeps it in the tree for good; of one library, or of all.
    pub fn decide(&self, decision: Decision, library: Option<&LibraryId>) -> Result<TreeChange, IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let mut layout = Layout::new(&tx, &self.options);
        for (id, zone, shown) in decided(&tx, library)? {
            // The person has seen how many leave: the week begins anew.
            journal::settle(&tx, &zone, None)?;
            let gone = "SELECT 1 FROM held WHERE library = ?1 AND removal = 4 AND state = 0";
            // One that iCloud no longer has, and the index neither, is waited for no more.
            if tx.prepare_cached(gone)?.exists([id])? || decision == Decision::Accept && shown {
                awaited::wait_no_more(&tx, id)?;
            }
            match decision {
                Decision::Accept => accept(&tx, &mut layout, id, &zone)?,
                Decision::Reject => reject(&tx, id)?,
            }
        }
        let change = layout.finish()?;
        tx.execute("DELETE FROM note WHERE kind = 'held'", [])?;
        tx.commit()?;
        drop(writer);
        self.copy_held_or_warn();
        Ok(TreeChange { holds: true, ..change })
    }
}

/// The libraries that a decision is about: row, zone, whether they are shown.
fn decided(tx: &Connection, library: Option<&LibraryId>) -> Result<Vec<(i64, String, bool)>, IndexError> {
    let mut query =
        tx.prepare_cached("SELECT id, zone, shown FROM library WHERE coalesce(zone = ?1, 1) ORDER BY id")?;
    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(query.query_map([library.map(|library| &library.0)], columns)?.collect::<Result<_, _>>()?)
}

fn reject(tx: &Connection, library: i64) -> Result<(), IndexError> {
    // What is kept although the library itself is gone needs no further word.
    tx.execute(
        "DELETE FROM note WHERE kind = 'gone' AND library IN
             (SELECT library FROM held WHERE library = ?1 AND removal = 4 AND state = 0)",
        [library],
    )?;
    tx.execute("UPDATE held SET state = 1 WHERE state = 0 AND library = ?1", [library])?;
    Ok(())
}

fn accept(tx: &Connection, layout: &mut Layout<'_>, library: i64, zone: &str) -> Result<(), IndexError> {
    let names = |removals: &str| -> Result<Vec<String>, IndexError> {
        let statement = format!(
            "SELECT record FROM held WHERE library = ?1 AND state = 0 AND removal IN ({removals}) ORDER BY record"
        );
        Ok(tx.prepare(&statement)?.query_map([library], |row| row.get(0))?.collect::<Result<_, _>>()?)
    };
    let (assets, albums, whole) = (names("0, 1, 2")?, names("3")?, !names("4")?.is_empty());
    for statement in [
        "UPDATE asset SET trashed = 1, expires = h.expires FROM held h
         WHERE h.library = asset.library AND h.record = asset.name AND h.library = ?1 AND h.state = 0 AND h.removal = 0",
        "UPDATE asset SET gone = 1 FROM held h
         WHERE h.library = asset.library AND h.record = asset.name AND h.library = ?1 AND h.state = 0 AND h.removal IN (1, 2)",
        "DELETE FROM held WHERE library = ?1 AND state = 0",
    ] {
        tx.execute(statement, [library])?;
    }
    let mut touched = Touched::default();
    for album in &albums {
        touched.drop_album(tx, album)?;
    }
    for asset in &assets {
        touched.asset(tx, library, asset)?;
    }
    touched.place_all(layout)?;
    if whole {
        layout.drop_library(library, zone)?;
    }
    Ok(())
}
