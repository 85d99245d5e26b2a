//! The first listing of a library: staged page by page, so that it can go on after an end, and shown all at once.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::layout::Layout;
use super::library::{library_row, put_album, put_member, set_token};
use super::record::{put_asset, put_master};
use super::{Index, IndexError, TreeChange, awaited};
use crate::photos::{Album, Asset, Library, LibraryId, Master, Member, SyncToken, Zone};

/// A page of a list, from a rank on.
pub struct ListedPage {
    pub list: &'static str,
    pub rank: u64,
    pub assets: Vec<Asset>,
    pub masters: Vec<Master>,
}

impl Index {
    /// Makes room for a library's first listing, whose changes will be asked for from `token` on: rows that an earlier
    /// attempt left are dropped. A library that is shown keeps what it has; one that a person let go, and that is back, is not
    /// shown before it is listed, but keeps its rows: none is in the tree, and names and inode numbers go by them.
    pub fn begin_listing(&self, library: &Library, token: Option<&SyncToken>) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let Zone { area, name, owner, zone_type } = &library.zone;
        let was_shown = tx.prepare_cached("SELECT 1 FROM library WHERE zone = ?1 AND shown")?.exists([name])?;
        tx.prepare_cached(
            "INSERT INTO library (zone, area, owner, zone_type) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (zone) DO UPDATE SET area = ?2, owner = ?3, zone_type = ?4, shown = shown AND NOT gone, gone = 0",
        )?
        .execute(params![name, area.as_str(), owner, zone_type])?;
        let (id, is_shown) = library_row(&tx, name)?;
        if !was_shown {
            clear(&tx, id)?;
        }
        if !is_shown {
            begin_anew(&tx, id, token)?;
        }
        Ok(tx.commit()?)
    }

    /// The token that an unfinished listing goes on from; `None` if there is none.
    pub fn unfinished_listing(&self, library: &LibraryId) -> Result<Option<SyncToken>, IndexError> {
        let known = self.libraries()?.into_iter().find(|state| state.library.id() == *library);
        Ok(known.filter(|state| !state.shown).and_then(|state| state.token))
    }

    /// Adds to a listing that is not shown yet.
    pub fn stage(&self, library: &LibraryId, assets: &[Asset], masters: &[Master]) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        put_page(&tx, id, assets, masters)?;
        Ok(tx.commit()?)
    }

    /// Adds pages of lists, and remembers that they are in; gives how many of their assets are new.
    pub fn stage_pages(&self, library: &LibraryId, pages: &[ListedPage]) -> Result<u64, IndexError> {
        self.stage_with(|tx| {
            let (id, _) = library_row(tx, &library.0)?;
            let mut new = 0;
            for ListedPage { list, rank, assets, masters } in pages {
                new += put_page(tx, id, assets, masters)?;
                if !assets.is_empty() {
                    put_walked(tx, id, list, *rank, assets.len() as u64)?;
                }
            }
            Ok(new)
        })
    }

    /// Adds albums and members to a listing that is not shown yet; `list` is an album whose members are all in.
    pub fn stage_albums(
        &self,
        library: &LibraryId,
        albums: &[Album],
        members: &[Member],
        list: Option<&str>,
    ) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        for album in albums {
            super::hold::forget(&tx, &album.name, id)?;
            put_album(&tx, id, album)?;
        }
        for member in members {
            put_member(&tx, member)?;
        }
        if let Some(list) = list {
            put_walked(&tx, id, list, 0, members.len() as u64)?;
        }
        Ok(tx.commit()?)
    }

    /// What is in of a list: from each rank that was asked for, how many.
    pub fn walked(&self, library: &LibraryId, list: &str) -> Result<HashMap<u64, u64>, IndexError> {
        let reader = self.reader()?;
        let (id, _) = library_row(&reader, &library.0)?;
        let mut query = reader.prepare_cached("SELECT rank, covered FROM walked WHERE library = ?1 AND list = ?2")?;
        let rows = query
            .query_map(params![id, list], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lists are to be read again from their beginning; what was found stays.
    pub fn forget_walked(&self, library: &LibraryId) -> Result<(), IndexError> {
        self.writer()
            .execute("DELETE FROM walked WHERE library = (SELECT id FROM library WHERE zone = ?1)", [&library.0])?;
        Ok(())
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

    /// Shows a library whose listing is proven: all at once, with the token that its changes go on from.
    pub fn show(&self, library: &LibraryId, token: &SyncToken) -> Result<TreeChange, IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        // It sees what was staged, which is all that a layout reads.
        let ahead = self.reader()?;
        let now = Timestamp::now().as_millisecond();
        tx.execute("UPDATE library SET shown = 1, listed = ?2 WHERE id = ?1", [id, now])?;
        let missing = awaited::settle(&tx)?;
        tx.execute("DELETE FROM walked WHERE library = ?1", [id])?;
        set_token(&tx, id, token)?;
        let mut layout = Layout::new(&tx, &self.options);
        layout.library(id, &library.0, Some(ahead))?;
        let change = layout.finish()?;
        tx.commit()?;
        writer.execute_batch("PRAGMA shrink_memory")?;
        drop(writer);
        if missing > 0 {
            tracing::warn!(missing, "so many photos are gone since the index was damaged that a person has to look");
        }
        self.copy_held_or_warn();
        Ok(TreeChange { holds: change.holds || missing > 0, ..change })
    }
}

/// Nothing of an earlier listing counts as read, and no change from before this one is applied after it.
fn begin_anew(tx: &Connection, library: i64, token: Option<&SyncToken>) -> Result<(), IndexError> {
    tx.execute("DELETE FROM walked WHERE library = ?1", [library])?;
    super::news::forget(tx, library)?;
    tx.execute("UPDATE library SET token = ?2 WHERE id = ?1", params![library, token.map(SyncToken::as_str)])?;
    Ok(())
}

/// Drops the rows of a library that is not shown, but for what is held: no listing would bring it back.
fn clear(tx: &Connection, library: i64) -> Result<(), IndexError> {
    const HELD: &str = "SELECT record FROM held WHERE library = ?1";
    for statement in [
        format!(
            "DELETE FROM member WHERE album IN (SELECT name FROM album WHERE library = ?1)
             AND album NOT IN ({HELD}) AND asset NOT IN ({HELD})"
        ),
        format!("DELETE FROM album WHERE library = ?1 AND name NOT IN ({HELD})"),
        format!("DELETE FROM asset WHERE library = ?1 AND name NOT IN ({HELD})"),
        "DELETE FROM master WHERE library = ?1 AND name NOT IN (SELECT master FROM asset WHERE library = ?1)"
            .to_owned(),
        // A row's number may be given again: nothing may be left that goes by it.
        "DELETE FROM claim WHERE ino IN (SELECT ino FROM node WHERE asset NOT IN (SELECT id FROM asset))".to_owned(),
        "DELETE FROM node WHERE asset IS NOT NULL AND asset NOT IN (SELECT id FROM asset)".to_owned(),
        "DELETE FROM note WHERE library = ?1".to_owned(),
    ] {
        let mut statement = tx.prepare(&statement)?;
        match statement.parameter_count() {
            0 => statement.execute([])?,
            _ => statement.execute([library])?,
        };
    }
    Ok(())
}

/// Writes a page; gives how many of the assets were not known.
fn put_page(tx: &Connection, library: i64, assets: &[Asset], masters: &[Master]) -> Result<u64, IndexError> {
    // Rows are numbered as they come.
    let last: i64 = tx.prepare_cached("SELECT coalesce(max(id), 0) FROM asset")?.query_row([], |row| row.get(0))?;
    for master in masters {
        put_master(tx, library, master)?;
    }
    let mut new = 0;
    for asset in assets {
        let asset = super::hold::as_shown(tx, library, asset)?;
        new += u64::from(put_asset(tx, library, &asset)? > last);
    }
    Ok(new)
}

fn put_walked(tx: &Connection, library: i64, list: &str, rank: u64, covered: u64) -> Result<(), IndexError> {
    tx.prepare_cached("INSERT OR REPLACE INTO walked (library, list, rank, covered) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![library, list, rank as i64, covered as i64])?;
    Ok(())
}
