//! A photo on its way into its directories: what its rows say of where it belongs, and which entries it has.
//!
//! Reading is half of the work of a layout and changes nothing, so a whole library is read ahead by another connection.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use rusqlite::Connection;

use super::IndexError;
use super::inodes::{Inode, Inodes, SIDECAR};
use super::record::{Shown, kind_at, load};
use crate::config::TreeOptions;
use crate::photos::ResourceKind;
use crate::tree::{self, Directory, FileNames};

pub(super) struct Placing {
    pub shown: Arc<Shown>,
    pub names: FileNames,
    /// The directories it should be in, its home first; none if it cannot be shown.
    pub places: Vec<Directory>,
    pub inodes: Inodes,
    /// Its files' entries, and those of its sidecars.
    pub files: Vec<Present>,
    pub sidecars: Vec<Present>,
    pub home: Option<Home>,
}

/// Where a photo is at home, and under which names: what symlinks elsewhere point to.
pub(super) struct Home {
    pub directory: u64,
    pub names: Vec<(ResourceKind, String)>,
}

/// A file's entry as it is now.
pub(super) struct Present {
    pub parent: u64,
    pub name: String,
    pub ino: u64,
    pub kind: ResourceKind,
}

impl Placing {
    /// Reads an asset; `None` if there is no such row.
    pub fn read(connection: &Connection, options: &TreeOptions, asset: i64) -> Result<Option<Placing>, IndexError> {
        let Some(shown) = load(connection, asset)? else { return Ok(None) };
        let (names, places) = (FileNames::of(&shown.photo), places(connection, options, &shown)?);
        let placing = Placing {
            shown: Arc::new(shown),
            names,
            places,
            inodes: Inodes::default(),
            files: vec![],
            sidecars: vec![],
            home: None,
        };
        placing.with_present(connection, asset).map(Some)
    }

    /// Reads assets in their order and hands them on, a batch at a time; ends early if nobody takes them. Those that come back
    /// are freed here: an allocator that frees what another thread took makes each wait for the other at every step.
    pub fn read_ahead(
        connection: &mut Connection,
        options: &TreeOptions,
        assets: &[i64],
        to: &SyncSender<Result<Vec<Placing>, IndexError>>,
        back: &Receiver<Vec<Placing>>,
    ) -> Result<(), IndexError> {
        // One snapshot, which also spares each query its locks.
        let snapshot = connection.transaction()?;
        for batch in assets.chunks(BATCH) {
            let read = batch.iter().filter_map(|asset| Placing::read(&snapshot, options, *asset).transpose());
            let read = read.inspect(|read| read.iter().for_each(|placing| placing.names.form_ahead()));
            if to.send(read.collect()).is_err() {
                break;
            }
            back.try_iter().for_each(drop);
        }
        Ok(())
    }

    /// With the inodes of the asset, and the entries of its files and of its sidecars.
    fn with_present(mut self, connection: &Connection, asset: i64) -> Result<Placing, IndexError> {
        let mut query = connection.prepare_cached(
            "SELECT n.ino, n.kind, n.resource, n.checksum, n.place, n.target, n.mtime, d.parent, d.name
             FROM node n LEFT JOIN dentry d ON d.ino = n.ino WHERE n.asset = ?1",
        )?;
        let mut rows = query.query([asset])?;
        while let Some(row) = rows.next()? {
            let inode = Inode::of_row(row)?;
            if let Some(parent) = row.get::<_, Option<i64>>(7)? {
                let (parent, name, kind) = (parent as u64, row.get(8)?, kind_at(row, 2)?);
                let entry = Present { parent, name, ino: inode.ino, kind };
                if inode.kind == SIDECAR { self.sidecars.push(entry) } else { self.files.push(entry) }
            }
            self.inodes.add(inode);
        }
        Ok(self)
    }
}

/// Photos that are handed on together, and how many such batches may wait: some hundred kilobytes.
const BATCH: usize = 64;
pub(super) const BATCHES: usize = 4;

/// The directories an asset should be in, its home first; none if it cannot be shown.
pub(super) fn places(
    connection: &Connection,
    options: &TreeOptions,
    shown: &Shown,
) -> Result<Vec<Directory>, IndexError> {
    if shown.gone || shown.photo.files.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = connection.prepare_cached(
        "SELECT m.album FROM member m JOIN album a ON a.name = m.album AND a.kind = 0
         WHERE m.asset = ?1 ORDER BY m.album",
    )?;
    let albums: Vec<String> = query.query_map([&shown.photo.asset], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(tree::places(&shown.photo, &albums, &options.years, options.hidden))
}
