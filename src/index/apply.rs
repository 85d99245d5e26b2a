//! News of a library: rows, entries and token in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::aside::Aside;
use super::journal::Transitions;
use super::layout::Layout;
use super::library::{library_row, put_album, put_member, set_token};
use super::record::{put_asset, put_master};
use super::{Held, Index, IndexError, news};
use crate::config::TreeOptions;
use crate::photos::{Album, Asset, Change, LibraryId, Member, SyncToken};

/// What the kernel must be told after a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeChange {
    /// Names that came, went or stand for another inode: the directory's inode and the name.
    pub entries: Vec<(u64, String)>,
    /// Inodes whose size, times or number of links changed.
    pub attributes: Vec<u64>,
    /// Directories whose list of names changed.
    pub directories: Vec<u64>,
    /// More entries and attributes, where there are very many: on the disk, so that memory does not grow with the change.
    pub aside: Vec<Arc<Aside>>,
    /// Whether it changed what waits for a person ([`Index::holds`]).
    pub holds: bool,
    /// Whether the index is another one, so that nothing holds that was ever told of the tree: not even which file a number
    /// stands for.
    pub anew: bool,
}

impl TreeChange {
    pub fn is_empty(&self) -> bool {
        let is_told = self.holds || self.anew || !self.aside.is_empty();
        !is_told && self.entries.is_empty() && self.attributes.is_empty() && self.directories.is_empty()
    }

    /// Entries that are in memory at the most: some 5 MB.
    pub const MOST: usize = 50_000;

    pub(super) fn add(&mut self, parent: u64, name: &str, ino: u64) {
        self.entries.push((parent, name.to_owned()));
        self.attributes.push(ino);
        // Where nothing can be set aside it is not tried again at every entry.
        if self.entries.len().is_multiple_of(Self::MOST) {
            self.set_aside();
        }
    }

    /// Adds a later change.
    pub fn extend(&mut self, more: TreeChange) {
        self.entries.extend(more.entries);
        self.attributes.extend(more.attributes);
        self.directories.extend(more.directories);
        self.aside.extend(more.aside);
        self.holds |= more.holds;
        self.anew |= more.anew;
        if self.entries.len() + self.attributes.len() > 2 * Self::MOST {
            self.set_aside();
        }
    }

    /// Moves entries and attributes to the disk. If that fails, they stay in memory: nothing is left untold.
    fn set_aside(&mut self) {
        self.tidy();
        match Aside::write(&self.entries, &self.attributes) {
            Ok(aside) => {
                self.aside.push(Arc::new(aside));
                (self.entries, self.attributes) = Default::default();
            }
            Err(error) => tracing::warn!(%error, "a large change is kept in memory"),
        }
    }

    /// Everything once, directories derived.
    pub(super) fn tidy(&mut self) {
        let parents: Vec<u64> = self.entries.iter().map(|(parent, _)| *parent).collect();
        self.attributes.extend(&parents);
        self.directories.extend(parents);
        self.entries.sort_unstable();
        self.entries.dedup();
        for list in [&mut self.attributes, &mut self.directories] {
            list.sort_unstable();
            list.dedup();
        }
    }
}

/// Changes of one library, oldest first, up to a token.
pub struct Batch<'a> {
    /// What comes after the changes that were staged (`Index::stage_changes`).
    pub changes: &'a [Change],
    pub token: &'a SyncToken,
    /// Removals among the changes that must wait for a person.
    pub held: &'a [Held],
}

/// What a batch touches, to be laid out when all its rows are written.
#[derive(Default)]
pub(super) struct Touched {
    /// By order of arrival in the library, so that the first one added gets the plain name.
    assets: BTreeMap<(Option<i64>, String), i64>,
    albums: BTreeSet<String>,
    dropped: BTreeSet<String>,
    transitions: Transitions,
}

impl Index {
    /// Applies changes to a library. One that is not shown yet gets rows only.
    pub fn apply(&self, library: &LibraryId, batch: &Batch<'_>) -> Result<TreeChange, IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, shown) = library_row(&tx, &library.0)?;
        let holds = super::hold::fingerprint(&tx)?;
        // It answers: it is there.
        super::hold::forget(&tx, &library.0, id)?;
        for held in batch.held {
            held.keep(&tx, id, &library.0)?;
        }
        let mut touched = Touched::default();
        news::each(&tx, id, |change| touched.write(&tx, id, change))?;
        news::forget(&tx, id)?;
        for change in batch.changes {
            touched.write(&tx, id, change)?;
        }
        let mut change = TreeChange::default();
        if shown {
            change = touched.journal_and_lay_out(&tx, &self.options, (id, &library.0))?;
        }
        set_token(&tx, id, batch.token)?;
        change.holds = super::hold::fingerprint(&tx)? != holds;
        tx.commit()?;
        drop(writer);
        self.copy_journal_or_warn();
        self.copy_held_or_warn();
        Ok(change)
    }
}

impl Touched {
    pub(super) fn write(&mut self, tx: &Connection, library: i64, change: &Change) -> Result<(), IndexError> {
        match change {
            Change::Asset(asset) => self.put_asset(tx, library, asset)?,
            Change::Master(master) => {
                put_master(tx, library, master)?;
                self.assets_where(tx, "master = ?1 AND library = ?2", params![master.name, library])?;
            }
            Change::Album(album) if album.deleted && super::hold::is_held(tx, &album.name, library)? => {}
            Change::Album(album) if album.deleted => self.drop_album(tx, &album.name)?,
            Change::Album(album) => {
                super::hold::forget(tx, &album.name, library)?;
                self.put_album(tx, library, album)?;
            }
            Change::Joined(member) => {
                put_member(tx, member)?;
                self.member_changed(tx, member)?;
            }
            // A purge takes a photo out of its albums, too: while that is held, it stays in them. Whether it was more than
            // that is found out by the album's list, once nothing of it is held.
            Change::Left(member)
                if super::hold::is_held(tx, &member.asset, library)?
                    || super::hold::is_held(tx, &member.album, library)? =>
            {
                tx.prepare_cached("UPDATE album SET doubt = 1 WHERE name = ?1")?.execute([&member.album])?;
            }
            Change::Left(member) => {
                self.transitions.left(member);
                tx.prepare_cached("DELETE FROM member WHERE album = ?1 AND asset = ?2")?
                    .execute([&member.album, &member.asset])?;
                self.member_changed(tx, member)?;
            }
            Change::Gone(name) => self.gone(tx, library, name)?,
            Change::Vanished(name) => {
                self.transitions.vanished(name);
                self.gone(tx, library, name)?;
            }
        }
        Ok(())
    }

    /// One whose removal is held stays where it is, but is what it has become: its edit may be as new as its removal.
    fn put_asset(&mut self, tx: &Connection, library: i64, asset: &Asset) -> Result<(), IndexError> {
        let shown = super::hold::as_shown(tx, library, asset)?;
        self.transitions.asset(tx, library, &asset.name)?;
        let id = put_asset(tx, library, &shown)?;
        self.assets.insert((asset.added, asset.name.clone()), id);
        Ok(())
    }

    fn put_album(&mut self, tx: &Connection, library: i64, album: &Album) -> Result<(), IndexError> {
        let was: Option<Option<String>> = tx
            .prepare_cached("SELECT parent FROM album WHERE name = ?1")?
            .query_row([&album.name], |row| row.get(0))
            .optional()?;
        put_album(tx, library, album)?;
        self.albums.insert(album.name.clone());
        // A folder that was not known may be where others belong; a move changes where symlinks point.
        let mut query = tx.prepare_cached("SELECT name FROM album WHERE parent = ?1")?;
        let inside = query.query_map([&album.name], |row| row.get::<_, String>(0))?;
        self.albums.extend(inside.collect::<Result<Vec<_>, _>>()?);
        match was {
            Some(parent) if parent == album.parent => Ok(()),
            _ => self.assets_where(tx, "name IN (SELECT asset FROM member WHERE album = ?1)", params![album.name]),
        }
    }

    pub(super) fn drop_album(&mut self, tx: &Connection, album: &str) -> Result<(), IndexError> {
        self.transitions.album(album);
        self.assets_where(tx, "name IN (SELECT asset FROM member WHERE album = ?1)", params![album])?;
        let mut query = tx.prepare_cached("SELECT name FROM album WHERE parent = ?1")?;
        let inside = query.query_map([album], |row| row.get::<_, String>(0))?;
        self.albums.extend(inside.collect::<Result<Vec<_>, _>>()?);
        tx.prepare_cached("DELETE FROM member WHERE album = ?1")?.execute([album])?;
        tx.prepare_cached("DELETE FROM album WHERE name = ?1")?.execute([album])?;
        tx.prepare_cached("DELETE FROM discrepancy WHERE list = ?1")?.execute([album])?;
        self.albums.remove(album);
        self.dropped.insert(album.to_owned());
        Ok(())
    }

    fn member_changed(&mut self, tx: &Connection, member: &Member) -> Result<(), IndexError> {
        self.assets_where(tx, "name = ?1", params![member.asset])
    }

    /// A tombstone, whose kind the service does not tell.
    fn gone(&mut self, tx: &Connection, library: i64, name: &str) -> Result<(), IndexError> {
        if super::hold::is_held(tx, name, library)? {
            return Ok(());
        }
        let is_album = tx
            .prepare_cached("SELECT 1 FROM album WHERE name = ?1 AND library = ?2")?
            .exists(params![name, library])?;
        if is_album {
            return self.drop_album(tx, name);
        }
        self.asset(tx, library, name)?;
        self.transitions.asset(tx, library, name)?;
        tx.prepare_cached("UPDATE asset SET gone = 1 WHERE name = ?1 AND library = ?2")?
            .execute(params![name, library])?;
        Ok(())
    }

    /// An asset has to be laid out anew.
    pub(super) fn asset(&mut self, tx: &Connection, library: i64, name: &str) -> Result<(), IndexError> {
        self.assets_where(tx, "name = ?1 AND library = ?2", params![name, library])
    }

    fn assets_where(
        &mut self,
        tx: &Connection,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<(), IndexError> {
        let mut query = tx.prepare_cached(&format!(
            "SELECT added, name, id FROM asset
             WHERE {condition} AND library IN (SELECT id FROM library WHERE shown)"
        ))?;
        let rows = query.query_map(values, |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
        self.assets.extend(rows.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }

    /// Writes what happened to the journal, and brings the tree up to date.
    pub(super) fn journal_and_lay_out(
        self,
        tx: &Connection,
        options: &TreeOptions,
        (library, zone): (i64, &str),
    ) -> Result<TreeChange, IndexError> {
        self.transitions.write(tx, library, zone)?;
        self.lay_out(Layout::new(tx, options))
    }

    fn lay_out(self, mut layout: Layout<'_>) -> Result<TreeChange, IndexError> {
        self.place_all(&mut layout)?;
        layout.finish()
    }

    pub(super) fn place_all(self, layout: &mut Layout<'_>) -> Result<(), IndexError> {
        for album in &self.albums {
            layout.album(album)?;
        }
        for asset in self.assets.into_values() {
            layout.place(asset)?;
        }
        for album in &self.dropped {
            layout.drop_album(album)?;
        }
        Ok(())
    }
}
