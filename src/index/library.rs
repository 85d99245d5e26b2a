//! Libraries: what is known of each, and the staging of its first listing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::layout::Layout;
use super::record::{put_asset, put_master};
use super::{Index, IndexError, TreeChange};
use crate::photos::{Album, AlbumKind, Area, Asset, Library, LibraryId, Master, Member, SyncToken, Zone};

/// A library as the index knows it.
#[derive(Clone, Debug)]
pub struct LibraryState {
    pub library: Library,
    pub token: Option<SyncToken>,
    /// Whether its first listing is proven, so that it is in the tree.
    pub shown: bool,
    /// When iCloud last confirmed what is shown: milliseconds since 1970.
    pub synced: Option<i64>,
    /// What a person should know of it, such as a count that does not agree.
    pub note: Option<String>,
}

/// How many assets of a library each view should hold by their fields, and how many of all cannot be shown yet because their
/// original is not ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewCounts {
    pub visible: u64,
    pub hidden: u64,
    pub trashed: u64,
    pub unready: u64,
}

impl Index {
    /// All libraries, in the order they were first seen.
    pub fn libraries(&self) -> Result<Vec<LibraryState>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT zone, area, owner, zone_type, token, shown, synced, note FROM library ORDER BY id",
        )?;
        let libraries = query.query_map([], state)?.collect::<Result<Vec<_>, _>>()?;
        Ok(libraries.into_iter().flatten().collect())
    }

    /// Makes room for a library's first listing: rows that an earlier attempt left are dropped. A library that is
    /// shown keeps what it has.
    pub fn begin_listing(&self, library: &Library) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let Zone { area, name, owner, zone_type } = &library.zone;
        tx.prepare_cached(
            "INSERT INTO library (zone, area, owner, zone_type) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (zone) DO UPDATE SET area = ?2, owner = ?3, zone_type = ?4",
        )?
        .execute(params![name, area.as_str(), owner, zone_type])?;
        let (id, shown) = library_row(&tx, name)?;
        if !shown {
            for statement in [
                "DELETE FROM member WHERE album IN (SELECT name FROM album WHERE library = ?1)",
                "DELETE FROM album WHERE library = ?1",
                "DELETE FROM resource WHERE library = ?1",
                "DELETE FROM master WHERE library = ?1",
                "DELETE FROM asset WHERE library = ?1",
            ] {
                tx.execute(statement, [id])?;
            }
        }
        Ok(tx.commit()?)
    }

    /// Adds to a listing that is not shown yet.
    pub fn stage(&self, library: &LibraryId, assets: &[Asset], masters: &[Master]) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        for master in masters {
            put_master(&tx, id, master)?;
        }
        for asset in assets {
            put_asset(&tx, id, asset)?;
        }
        Ok(tx.commit()?)
    }

    /// Adds albums and their members to a listing that is not shown yet.
    pub fn stage_albums(&self, library: &LibraryId, albums: &[Album], members: &[Member]) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        for album in albums {
            put_album(&tx, id, album)?;
        }
        for member in members {
            put_member(&tx, member)?;
        }
        Ok(tx.commit()?)
    }

    /// Assets whose master has not been seen: its name, once each.
    pub fn missing_masters(&self, library: &LibraryId) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT DISTINCT a.master FROM asset a JOIN library l ON l.id = a.library
             WHERE l.zone = ?1 AND NOT a.gone
               AND NOT EXISTS (SELECT 1 FROM master m WHERE m.library = a.library AND m.name = a.master)",
        )?;
        Ok(query.query_map([&library.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Names of all records of a library that a listing should show: assets, albums, memberships.
    pub fn record_names(&self, library: &LibraryId) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT a.name FROM asset a JOIN library l ON l.id = a.library WHERE l.zone = ?1 AND NOT a.gone
             UNION ALL SELECT b.name FROM album b JOIN library l ON l.id = b.library WHERE l.zone = ?1
             UNION ALL SELECT m.asset || '-IN-' || m.album FROM member m
                 JOIN album b ON b.name = m.album JOIN library l ON l.id = b.library WHERE l.zone = ?1",
        )?;
        Ok(query.query_map([&library.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Record names of all albums that hold photos.
    pub fn albums(&self) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT name FROM album WHERE kind = 0 ORDER BY name")?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Those of some assets that are known, and are hidden, trashed or gone.
    pub fn absent_from_years(&self, library: &LibraryId, assets: &[String]) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT 1 FROM asset a JOIN library l ON l.id = a.library
             WHERE a.name = ?1 AND l.zone = ?2 AND (a.hidden OR a.trashed OR a.gone)",
        )?;
        let mut absent = Vec::new();
        for asset in assets {
            if query.exists([asset, &library.0])? {
                absent.push(asset.clone());
            }
        }
        Ok(absent)
    }

    /// Counts a library's assets by the view their fields put them in.
    pub fn view_counts(&self, library: &LibraryId) -> Result<ViewCounts, IndexError> {
        self.memo.counts(library, || {
            let reader = self.reader()?;
            let mut query = reader.prepare_cached(
                "SELECT count(*) FILTER (WHERE NOT a.trashed AND NOT a.hidden),
                        count(*) FILTER (WHERE NOT a.trashed AND a.hidden),
                        count(*) FILTER (WHERE a.trashed),
                        count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM resource r
                            WHERE r.library = a.library AND r.record = a.master AND r.kind = 0 AND r.ready))
                 FROM asset a JOIN library l ON l.id = a.library WHERE l.zone = ?1 AND NOT a.gone",
            )?;
            Ok(query.query_row([&library.0], |row| {
                let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)? as u64);
                Ok(ViewCounts { visible: count(0)?, hidden: count(1)?, trashed: count(2)?, unready: count(3)? })
            })?)
        })
    }

    /// Shows a library whose listing is proven: all at once, with the token that its changes go on from.
    pub fn show(&self, library: &LibraryId, token: &SyncToken, note: Option<&str>) -> Result<TreeChange, IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        tx.execute("UPDATE library SET shown = 1, note = ?2 WHERE id = ?1", params![id, note])?;
        set_token(&tx, id, token)?;
        let mut layout = Layout::new(&tx, &self.options);
        layout.library(id, &library.0)?;
        let change = layout.finish()?;
        tx.commit()?;
        Ok(change)
    }

    /// Remembers that iCloud was asked and had no news.
    pub fn confirm(&self, library: &LibraryId) -> Result<(), IndexError> {
        let now = Timestamp::now().as_millisecond();
        self.writer().execute("UPDATE library SET synced = ?2 WHERE zone = ?1", params![library.0, now])?;
        Ok(())
    }

    /// What a person should know of a library.
    pub fn note(&self, library: &LibraryId, note: &str) -> Result<(), IndexError> {
        self.writer().execute("UPDATE library SET note = ?2 WHERE zone = ?1", [&library.0, note])?;
        Ok(())
    }

    /// Tells that a library holds less than is announced, or takes that back.
    pub fn note_shortfall(&self, library: &LibraryId, shortfall: Option<&str>) -> Result<(), IndexError> {
        const MARK: &str = "photos are missing: ";
        let known = self.libraries()?.into_iter().find(|state| state.library.id() == *library);
        let marked = known.and_then(|state| state.note).is_some_and(|note| note.starts_with(MARK));
        match shortfall {
            Some(shortfall) => self.note(library, &format!("{MARK}{shortfall}")),
            None if marked => {
                self.writer().execute("UPDATE library SET note = NULL WHERE zone = ?1", [&library.0])?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A value that outlives the process, such as a database token.
    pub fn remembered(&self, key: &str) -> Result<Option<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Takes down that a round of changes ended, when it began, and why it failed if it did.
    pub fn end_round(&self, began: Timestamp, error: Option<&str>) -> Result<(), IndexError> {
        let writer = self.writer();
        remember(&writer, "last round", &began.to_string())?;
        remember(&writer, "last error", error.unwrap_or_default())
    }

    /// When the last round that has ended began.
    pub fn last_round(&self) -> Result<Option<Timestamp>, IndexError> {
        Ok(self.remembered("last round")?.and_then(|began| began.parse().ok()))
    }

    /// Why the last round failed; `None` if it did not.
    pub fn last_error(&self) -> Result<Option<String>, IndexError> {
        Ok(self.remembered("last error")?.filter(|error| !error.is_empty()))
    }

    pub fn remember(&self, key: &str, value: &str) -> Result<(), IndexError> {
        remember(&self.writer(), key, value)
    }
}

pub(super) fn remember(connection: &Connection, key: &str, value: &str) -> Result<(), IndexError> {
    let statement = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
    connection.execute(statement, [key, value])?;
    Ok(())
}

/// A library's row and whether it is shown.
pub(super) fn library_row(tx: &Connection, zone: &str) -> Result<(i64, bool), IndexError> {
    let mut query = tx.prepare_cached("SELECT id, shown FROM library WHERE zone = ?1")?;
    let row = query.query_row([zone], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    row.ok_or_else(|| IndexError::UnknownLibrary(zone.to_owned()))
}

/// The token that goes with what the transaction wrote.
pub(super) fn set_token(tx: &Connection, library: i64, token: &SyncToken) -> Result<(), IndexError> {
    let now = Timestamp::now().as_millisecond();
    tx.prepare_cached("UPDATE library SET token = ?2, synced = ?3 WHERE id = ?1")?.execute(params![
        library,
        token.as_str(),
        now
    ])?;
    Ok(())
}

pub(super) fn put_album(tx: &Connection, library: i64, album: &Album) -> Result<(), IndexError> {
    tx.prepare_cached(
        "INSERT INTO album (name, library, title, kind, parent, modified) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (name) DO UPDATE SET title = ?3, kind = ?4, parent = ?5, modified = ?6",
    )?
    .execute(params![album.name, library, album.title, album_kind(album.kind), album.parent, album.modified])?;
    Ok(())
}

pub(super) fn put_member(tx: &Connection, member: &Member) -> Result<(), IndexError> {
    tx.prepare_cached("INSERT OR IGNORE INTO member (album, asset) VALUES (?1, ?2)")?
        .execute([&member.album, &member.asset])?;
    Ok(())
}

fn album_kind(kind: AlbumKind) -> i64 {
    match kind {
        AlbumKind::Album => 0,
        AlbumKind::Folder => 3,
        AlbumKind::Other => 6,
    }
}

/// `None` for a zone that is not taken for a library (any more).
fn state(row: &Row<'_>) -> rusqlite::Result<Option<LibraryState>> {
    let area = match row.get::<_, String>(1)?.as_str() {
        "shared" => Area::Shared,
        _ => Area::Private,
    };
    let zone = Zone { area, name: row.get(0)?, owner: row.get(2)?, zone_type: row.get(3)? };
    let (token, shown, synced, note) = (row.get::<_, Option<String>>(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
    let token = token.and_then(SyncToken::new);
    Ok(Library::of(zone).map(|library| LibraryState { library, token, shown, synced, note }))
}
