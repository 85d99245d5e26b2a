//! What a transaction does to assets and albums, found by comparing before with after.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{DAY, Departure, Entry, How, of_album, of_asset, settle};
use crate::index::IndexError;
use crate::photos::Member;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Live,
    Trashed,
    Gone,
}

/// Assets and albums of one library as they were before a transaction changed them.
#[derive(Default)]
pub struct Transitions {
    /// By record name; `None` for one that was not known.
    assets: BTreeMap<String, Option<Presence>>,
    vanished: BTreeSet<String>,
    albums: BTreeSet<String>,
    /// Assets taken out of an album, by album.
    left: BTreeMap<String, Vec<String>>,
}

impl Transitions {
    /// Notes an asset before its row changes.
    pub fn asset(&mut self, tx: &Connection, library: i64, name: &str) -> Result<(), IndexError> {
        if !self.assets.contains_key(name) {
            let was = find(tx, library, name)?.map(|(_, presence)| presence);
            self.assets.insert(name.to_owned(), was);
        }
        Ok(())
    }

    /// Notes that an asset's end was found by asking for it, not told.
    pub fn vanished(&mut self, name: &str) {
        self.vanished.insert(name.to_owned());
    }

    /// Notes that an album goes.
    pub fn album(&mut self, name: &str) {
        self.albums.insert(name.to_owned());
    }

    /// Notes that an asset leaves an album.
    pub fn left(&mut self, member: &Member) {
        self.left.entry(member.album.clone()).or_default().push(member.asset.clone());
    }

    /// Writes what happened. Called when all rows are changed and no directory entry yet: paths are still those of before.
    pub fn write(&self, tx: &Connection, library: i64, zone: &str) -> Result<(), IndexError> {
        let mut gone = BTreeSet::new();
        for (name, was) in &self.assets {
            let Some((id, now)) = find(tx, library, name)? else { continue };
            if now != Presence::Live {
                gone.insert(name);
            }
            match (was, now) {
                (Some(Presence::Live), Presence::Trashed) => leave(tx, zone, name, id, How::Trashed, true)?,
                (Some(Presence::Live), Presence::Gone) if self.vanished.contains(name) => {
                    leave(tx, zone, name, id, How::Vanished, true)?;
                }
                (Some(Presence::Live), Presence::Gone) => leave(tx, zone, name, id, How::Expunged, true)?,
                (Some(Presence::Trashed), Presence::Gone) => leave(tx, zone, name, id, How::Expunged, false)?,
                (Some(Presence::Trashed | Presence::Gone), Presence::Live) => restored(tx, zone, name, id)?,
                (None, Presence::Live) => arrived(tx, zone, id)?,
                _ => {}
            }
        }
        for album in &self.albums {
            let details = of_album(tx, album, None)?;
            entry(How::AlbumDeleted, zone, album, true, &details).write(tx)?;
        }
        for (album, assets) in self.left.iter().filter(|(album, _)| !self.albums.contains(*album)) {
            let assets: Vec<String> = assets.iter().filter(|asset| !gone.contains(asset)).cloned().collect();
            let details = of_album(tx, album, Some(&assets))?;
            if !details.files.is_empty() {
                entry(How::AlbumLeft, zone, album, false, &details).write(tx)?;
            }
        }
        Ok(())
    }
}

fn entry<'a>(how: How, zone: &'a str, record: &'a str, counted: bool, details: &'a super::Details) -> Entry<'a> {
    Entry { how, zone, record, master: None, other: None, counted, details }
}

fn find(tx: &Connection, library: i64, name: &str) -> Result<Option<(i64, Presence)>, IndexError> {
    let mut query = tx.prepare_cached("SELECT id, trashed, gone FROM asset WHERE name = ?1 AND library = ?2")?;
    let row = query.query_row(params![name, library], |row| {
        let presence = match (row.get(2)?, row.get(1)?) {
            (true, _) => Presence::Gone,
            (false, true) => Presence::Trashed,
            (false, false) => Presence::Live,
        };
        Ok((row.get(0)?, presence))
    });
    Ok(row.optional()?)
}

/// An asset leaves. If another library has the same original, that is told, and an end there is a move.
fn leave(tx: &Connection, zone: &str, name: &str, id: i64, how: How, counted: bool) -> Result<(), IndexError> {
    let (details, master) = of_asset(tx, id)?;
    let other = elsewhere(tx, zone, &master)?;
    let how = if how == How::Expunged && other.is_some() { How::Moved } else { how };
    Entry { how, zone, record: name, master: Some(&master), other: other.as_deref(), counted, details: &details }
        .write(tx)
}

/// A library besides this one in which an original is shown.
pub(super) fn elsewhere(tx: &Connection, zone: &str, master: &str) -> Result<Option<String>, IndexError> {
    let mut query = tx.prepare_cached(
        "SELECT l.zone FROM asset a JOIN library l ON l.id = a.library
         WHERE a.master = ?1 AND l.zone != ?2 AND l.shown AND NOT l.gone AND NOT a.gone AND NOT a.trashed LIMIT 1",
    )?;
    Ok(query.query_row([master, zone], |row| row.get(0)).optional()?)
}

fn restored(tx: &Connection, zone: &str, name: &str, id: i64) -> Result<(), IndexError> {
    settle(tx, zone, Some(name))?;
    let (details, master) = of_asset(tx, id)?;
    Entry {
        how: How::Restored,
        zone,
        record: name,
        master: Some(&master),
        other: None,
        counted: false,
        details: &details,
    }
    .write(tx)
}

/// A new asset whose original left another library within the last day has moved here.
fn arrived(tx: &Connection, zone: &str, id: i64) -> Result<(), IndexError> {
    let master: String =
        tx.prepare_cached("SELECT master FROM asset WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
    let since = Timestamp::now().as_millisecond() - DAY;
    let mut query = tx.prepare_cached(
        "SELECT noticed, library, record, how, other, details FROM journal j
         WHERE master = ?1 AND library != ?2 AND how IN ('trashed', 'expunged') AND noticed > ?3
           AND NOT EXISTS (SELECT 1 FROM journal k WHERE k.master = ?1 AND k.record = j.record AND k.id > j.id)",
    )?;
    let rows = query.query_map(params![master, zone, since], super::departure)?;
    let left: Vec<Departure> = rows.collect::<Result<_, _>>()?;
    for Departure { library, record, details, .. } in &left {
        let (master, other) = (Some(master.as_str()), Some(zone));
        Entry { how: How::Moved, zone: library, record, master, other, counted: false, details }.write(tx)?;
    }
    Ok(())
}
