//! Libraries: what is known of each.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::note::notes;
use super::{Index, IndexError, NoteKind};
use crate::photos::{Album, AlbumKind, Area, Library, LibraryId, Member, SyncToken, View, Zone};

/// Under what the numbers of rounds are remembered.
const BEGUN: &str = "rounds begun";
const ENDED: &str = "last round ended";

/// A library as the index knows it.
#[derive(Clone, Debug)]
pub struct LibraryState {
    pub library: Library,
    pub token: Option<SyncToken>,
    /// Whether its first listing is proven, so that it is in the tree.
    pub shown: bool,
    /// Whether it was shown by an index that was damaged, and is not listed again yet, or lacks more than may leave without a
    /// person.
    pub awaited: bool,
    /// Whether iCloud no longer has it, and nobody has let it go.
    pub missing: bool,
    /// When iCloud last confirmed what is shown: milliseconds since 1970.
    pub synced: Option<i64>,
    /// When everything in it was last listed: milliseconds since 1970.
    pub listed: Option<i64>,
    /// What a person should know of it, in a line, such as a count that does not agree.
    pub note: Option<String>,
}

impl LibraryState {
    /// Whether it is somebody else's, which this person takes part in.
    pub fn is_shared(&self) -> bool {
        self.library.zone.area == Area::Shared
    }
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
            "SELECT zone, area, owner, zone_type, token, shown, synced, id, awaited, listed,
                 id IN (SELECT library FROM held WHERE removal = 4) FROM library WHERE NOT gone ORDER BY id",
        )?;
        let libraries = query.query_map([], |row| state(&reader, row))?.collect::<Result<Vec<_>, _>>()?;
        Ok(libraries.into_iter().flatten().collect())
    }

    /// Whether the tree was once all that iCloud has, and lacks nothing that a damaged index showed. What is served before
    /// that would look to a backup like deletions.
    pub fn has_everything(&self) -> Result<bool, IndexError> {
        let libraries = self.libraries()?;
        let has_shared = self.zones_token(Area::Shared)?.is_some() || self.is_noted(NoteKind::Shared)?;
        let is_read = has_shared && self.zones_token(Area::Private)?.is_some();
        Ok(is_read && libraries.iter().any(|state| state.shown) && !libraries.iter().any(|state| state.awaited))
    }

    /// The token that an area's news are asked with; there is one once all libraries of the area are in the tree.
    pub fn zones_token(&self, area: Area) -> Result<Option<SyncToken>, IndexError> {
        Ok(self.remembered(&zones_key(area))?.and_then(SyncToken::new))
    }

    /// Takes down that everything in an area is in the tree, up to this token.
    pub fn keep_zones_token(&self, area: Area, token: &SyncToken) -> Result<(), IndexError> {
        self.remember(&zones_key(area), token.as_str())
    }

    /// Names of a library's assets that are in a view.
    pub fn names_in(&self, library: &LibraryId, view: &View) -> Result<BTreeSet<String>, IndexError> {
        let condition = match view {
            View::Visible => "NOT a.trashed AND NOT a.hidden",
            View::Hidden => "NOT a.trashed AND a.hidden",
            View::Trashed => "a.trashed",
            View::Album(album) => return self.members(album, false),
        };
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(&format!(
            "SELECT a.name FROM asset a JOIN library l ON l.id = a.library
             WHERE l.zone = ?1 AND NOT a.gone AND {condition}"
        ))?;
        Ok(query.query_map([&library.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Names of a library's albums and folders.
    pub fn album_names(&self, library: &LibraryId) -> Result<BTreeSet<String>, IndexError> {
        let reader = self.reader()?;
        let mut query =
            reader.prepare_cached("SELECT b.name FROM album b JOIN library l ON l.id = b.library WHERE l.zone = ?1")?;
        Ok(query.query_map([&library.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Record names of an album's memberships; with `visible`, of those whose asset is known and neither hidden nor trashed.
    pub fn members(&self, album: &str, visible: bool) -> Result<BTreeSet<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT m.asset || '-IN-' || m.album FROM member m WHERE m.album = ?1 AND (NOT ?2 OR EXISTS (
                 SELECT 1 FROM asset a WHERE a.name = m.asset AND NOT (a.hidden OR a.trashed OR a.gone)))",
        )?;
        Ok(query.query_map(params![album, visible], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Record names of memberships that an album would have of photos that are not known to be in it.
    pub fn not_in_album(&self, album: &str) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT DISTINCT a.name || '-IN-' || ?1 FROM asset a WHERE NOT (a.gone OR a.trashed)
                 AND NOT EXISTS (SELECT 1 FROM member m WHERE m.album = ?1 AND m.asset = a.name)",
        )?;
        Ok(query.query_map([album], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Record names of all albums that hold photos.
    pub fn albums(&self) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT name FROM album WHERE kind = 0 ORDER BY name")?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// A library's assets by the view their fields put them in; those that are not ready are known once it is shown.
    pub fn view_counts(&self, library: &LibraryId) -> Result<ViewCounts, IndexError> {
        let reader = self.reader()?;
        let mut query =
            reader.prepare_cached("SELECT visible, hidden, trashed, unready FROM library WHERE zone = ?1")?;
        let counts = query.query_row([&library.0], |row| {
            let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)? as u64);
            Ok(ViewCounts { visible: count(0)?, hidden: count(1)?, trashed: count(2)?, unready: count(3)? })
        });
        Ok(counts.optional()?.unwrap_or_default())
    }

    /// Takes note that everything in a library has been listed.
    pub fn note_listing(&self, library: &LibraryId) -> Result<(), IndexError> {
        let now = Timestamp::now().as_millisecond();
        self.writer().execute("UPDATE library SET listed = ?2 WHERE zone = ?1", params![library.0, now])?;
        Ok(())
    }

    /// Takes note that a library is gone from iCloud before it was ever shown.
    pub fn drop_unshown(&self, library: &LibraryId) -> Result<(), IndexError> {
        self.writer().execute("UPDATE library SET gone = 1 WHERE zone = ?1 AND NOT shown", [&library.0])?;
        Ok(())
    }

    /// Names of masters that are not known, without which photos of a library that is shown are not ready.
    pub fn masters_waited_for(&self, library: &LibraryId) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT DISTINCT a.master FROM asset a JOIN library l ON l.id = a.library
             WHERE l.zone = ?1 AND l.unready > 0 AND a.unready AND NOT a.gone
               AND NOT EXISTS (SELECT 1 FROM master m WHERE m.library = a.library AND m.name = a.master)",
        )?;
        Ok(query.query_map([&library.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Remembers that iCloud was asked and had no news.
    pub fn confirm(&self, library: &LibraryId) -> Result<(), IndexError> {
        let now = Timestamp::now().as_millisecond();
        // No news of a library that iCloud no longer has are no confirmation.
        self.writer().execute(
            "UPDATE library SET synced = ?2
             WHERE zone = ?1 AND id NOT IN (SELECT library FROM held WHERE removal = 4)",
            params![library.0, now],
        )?;
        Ok(())
    }

    /// A value that outlives the process, such as a database token.
    pub fn remembered(&self, key: &str) -> Result<Option<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Takes down that a round of changes begins, and gives its number. By time it could not be told which of two rounds
    /// was the later one: clocks are set back.
    pub fn begin_round(&self) -> Result<u64, IndexError> {
        let number = self.rounds_begun()? + 1;
        self.remember(BEGUN, &number.to_string())?;
        Ok(number)
    }

    /// How many rounds have begun.
    pub fn rounds_begun(&self) -> Result<u64, IndexError> {
        self.round_in(BEGUN)
    }

    /// Takes down that a round ended, and why it failed if it did.
    pub fn end_round(&self, number: u64, error: Option<&str>) -> Result<(), IndexError> {
        let mut writer = self.writer();
        // Together: who waits for this round must not read how the one before it ended.
        let tx = writer.transaction()?;
        remember(&tx, ENDED, &number.to_string())?;
        remember(&tx, "last error", error.unwrap_or_default())?;
        Ok(tx.commit()?)
    }

    /// The number of the last round that has ended; 0 if none has.
    pub fn last_round(&self) -> Result<u64, IndexError> {
        self.round_in(ENDED)
    }

    fn round_in(&self, what: &str) -> Result<u64, IndexError> {
        self.remembered(what)?.map_or(Ok(0), |number| Ok(super::record::json(0, &number)?))
    }

    /// Takes down how a round of this process went, in memory alone: a full disk takes no word of it.
    pub fn know_failure(&self, error: Option<String>) {
        *self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = error;
    }

    /// Why the last round failed; `None` if it did not.
    pub fn last_error(&self) -> Result<Option<String>, IndexError> {
        let known = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        if known.is_some() {
            return Ok(known);
        }
        Ok(self.remembered("last error")?.filter(|error| !error.is_empty()))
    }

    /// Names of zones that are no libraries, as far as the account told of them.
    pub fn ignored_zones(&self) -> Result<Vec<String>, IndexError> {
        let zones = self.remembered("ignored zones")?;
        Ok(zones.map_or(Ok(Vec::new()), |text| super::record::json(0, &text))?)
    }

    /// Takes down the names of zones that are no libraries.
    pub fn ignore_zones(&self, names: &[String]) -> Result<(), IndexError> {
        let mut zones = self.ignored_zones()?;
        let known = zones.len();
        zones.extend(names.iter().filter(|name| !zones.contains(name)).cloned().collect::<Vec<_>>());
        match zones.len() == known {
            true => Ok(()),
            false => self.remember("ignored zones", &serde_json::json!(zones).to_string()),
        }
    }

    pub fn remember(&self, key: &str, value: &str) -> Result<(), IndexError> {
        remember(&self.writer(), key, value)
    }
}

fn zones_key(area: Area) -> String {
    format!("zones of {}", area.as_str())
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
fn state(reader: &Connection, row: &Row<'_>) -> rusqlite::Result<Option<LibraryState>> {
    let area = match row.get::<_, String>(1)?.as_str() {
        "shared" => Area::Shared,
        _ => Area::Private,
    };
    let zone = Zone { area, name: row.get(0)?, owner: row.get(2)?, zone_type: row.get(3)? };
    let (token, shown, synced) = (row.get::<_, Option<String>>(4)?, row.get(5)?, row.get(6)?);
    let (note, awaited, listed) = (notes(reader, row.get(7)?)?, row.get(8)?, row.get(9)?);
    let missing = row.get(10)?;
    let token = token.and_then(SyncToken::new);
    Ok(Library::of(zone).map(|library| LibraryState { library, token, shown, awaited, missing, synced, listed, note }))
}
