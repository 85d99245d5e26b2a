//! From rows to directory entries, inside the transaction that changes the rows.
//!
//! Names and inode numbers that were given stay as long as what they stand for is there: see
//! [`crate::tree::FileNames`] and `inodes.rs`.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, params};

use super::inodes::{Inode, Inodes, NANOS, SIDECAR};
use super::links::Pending;
use super::record::{Shown, kind_at, load};
use super::{Index, IndexError, ROOT, TreeChange};
use crate::config::{Sidecars, TreeOptions};
use crate::photos::ResourceKind;
use crate::tree::{self, Directory, FileNames};

/// Lays out entries in a transaction, and takes down what changed.
pub struct Layout<'t> {
    pub(super) tx: &'t Connection,
    pub(super) options: &'t TreeOptions,
    pub(super) change: TreeChange,
    /// Whether of the entries that change only their directories are told.
    pub(super) coarse: bool,
    /// Directories that lost an entry: they may be empty now.
    pub(super) thinned: BTreeSet<u64>,
    /// Directories that are sure to be in the tree, by library; forgotten when one leaves it.
    pub(super) found: HashMap<String, HashMap<Directory, u64>>,
    pub(super) pending: Pending,
    /// The record time that entries made or removed now carry: nanoseconds.
    pub(super) stamp: i64,
}

/// A photo on its way into its directories.
pub(super) struct Placing<'a> {
    pub shown: &'a Shown,
    names: FileNames<'a>,
    pub inodes: Inodes,
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

impl<'t> Layout<'t> {
    pub fn new(tx: &'t Connection, options: &'t TreeOptions) -> Layout<'t> {
        Layout {
            tx,
            options,
            change: TreeChange::default(),
            coarse: false,
            thinned: BTreeSet::new(),
            found: HashMap::new(),
            pending: Pending::default(),
            stamp: 0,
        }
    }

    /// Every asset of a library that is to be shown for the first time, the one added first getting its plain name.
    pub fn library(&mut self, library: i64, zone: &str) -> Result<(), IndexError> {
        // Nobody knows of any of its entries.
        self.coarse = true;
        self.standing_directories(zone)?;
        let albums: Vec<String> =
            self.names("SELECT name FROM album WHERE library = ?1 AND kind != 6 ORDER BY name", library)?;
        for album in albums {
            self.album(&album)?;
        }
        self.claim(library)?;
        let assets = self.rows("SELECT id FROM asset WHERE library = ?1 ORDER BY added, name", library)?;
        assets.into_iter().try_for_each(|asset| self.place(asset))
    }

    pub(super) fn rows(&self, statement: &str, id: i64) -> Result<Vec<i64>, IndexError> {
        Ok(self.tx.prepare_cached(statement)?.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    pub(super) fn names(&self, statement: &str, id: i64) -> Result<Vec<String>, IndexError> {
        Ok(self.tx.prepare_cached(statement)?.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// What changed, once directories that became empty are gone.
    pub fn finish(mut self) -> Result<TreeChange, IndexError> {
        self.prune_thinned()?;
        self.write_pending()?;
        self.change.tidy();
        Ok(self.change)
    }

    pub(super) fn prune_thinned(&mut self) -> Result<(), IndexError> {
        while let Some(directory) = self.thinned.pop_first() {
            self.prune(directory)?;
        }
        Ok(())
    }

    /// Brings an asset's entries up to date with its rows.
    pub fn place(&mut self, asset: i64) -> Result<(), IndexError> {
        let Some(shown) = load(self.tx, asset)? else { return Ok(()) };
        self.stamp = shown.asset_modified.max(shown.master_modified).saturating_mul(NANOS);
        let unready = !shown.gone && shown.photo.files.is_empty();
        if unready != shown.unready {
            self.tx.prepare_cached("UPDATE asset SET unready = ?2 WHERE id = ?1")?.execute(params![asset, unready])?;
        }
        let directories = self.directories_of(&shown)?;
        let (inodes, present, sidecars) = self.present(asset)?;
        for entry in present.iter().filter(|entry| !directories.contains(&entry.parent)) {
            self.unlink(entry.parent, &entry.name, entry.ino)?;
            self.thinned.insert(entry.parent);
        }
        let mut placing = Placing { shown: &shown, names: FileNames::of(&shown.photo), inodes, home: None };
        for directory in directories {
            let here: Vec<&Present> = present.iter().filter(|entry| entry.parent == directory).collect();
            let names = self.place_in(&mut placing, directory, &here)?;
            placing.home.get_or_insert(Home { directory, names });
        }
        self.place_sidecars(&mut placing, &sidecars)?;
        self.write_made(&placing)?;
        self.write_pending_if_much()
    }

    /// The directories an asset should be in, its home first; none if it cannot be shown.
    pub(super) fn directories_of(&mut self, shown: &Shown) -> Result<Vec<u64>, IndexError> {
        if shown.gone || shown.photo.files.is_empty() {
            return Ok(Vec::new());
        }
        let albums: Vec<String> = {
            let mut query = self.tx.prepare_cached(
                "SELECT m.album FROM member m JOIN album a ON a.name = m.album AND a.kind = 0
                 WHERE m.asset = ?1 ORDER BY m.album",
            )?;
            query.query_map([&shown.photo.asset], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        let places = tree::places(&shown.photo, &albums, &self.options.years, self.options.hidden);
        places.iter().map(|place| self.directory(&shown.zone, place)).collect()
    }

    /// Brings an asset's entries in one directory up to date; gives their names.
    fn place_in(
        &mut self,
        placing: &mut Placing<'_>,
        directory: u64,
        here: &[&Present],
    ) -> Result<Vec<(ResourceKind, String)>, IndexError> {
        let kept: Vec<_> = here.iter().map(|entry| (entry.kind, entry.name.clone())).collect();
        let own: Vec<u64> = here.iter().map(|entry| entry.ino).collect();
        let names = placing.names.in_directory(&kept, |fold| self.is_taken_by_other(directory, fold, &own));
        let mut wanted: Vec<(&str, u64)> = Vec::new();
        for (kind, name) in &names {
            let file = placing.shown.photo.file(*kind).expect("named because it is there");
            wanted.push((name, self.file_ino(placing, file, directory)?));
        }
        for entry in here.iter().filter(|entry| !wanted.contains(&(entry.name.as_str(), entry.ino))) {
            self.unlink(entry.parent, &entry.name, entry.ino)?;
        }
        for (name, ino) in wanted {
            if !here.iter().any(|entry| (entry.name.as_str(), entry.ino) == (name, ino)) {
                self.link(directory, name, ino)?;
            }
        }
        Ok(names)
    }

    /// The way from a directory to a file in another.
    pub(super) fn relative(&self, from: u64, to: u64, name: &str) -> Result<String, IndexError> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", from.len() - shared);
        let down = to[shared..].iter().map(String::as_str).chain([name]);
        Ok(up.chain(down).collect::<Vec<_>>().join("/"))
    }

    fn path(&self, directory: u64) -> Result<Vec<String>, IndexError> {
        let mut parts = Vec::new();
        let mut at = directory;
        while at != ROOT
            && let Some((parent, name)) = self.entry_of(at)?
        {
            parts.push(name);
            at = parent;
        }
        parts.reverse();
        Ok(parts)
    }

    /// The inodes of an asset, the entries of its files, and those of its sidecars.
    fn present(&self, asset: i64) -> Result<(Inodes, Vec<Present>, Vec<Present>), IndexError> {
        let mut query = self.tx.prepare_cached(
            "SELECT n.ino, n.kind, n.resource, n.checksum, n.place, n.target, n.mtime, d.parent, d.name
             FROM node n LEFT JOIN dentry d ON d.ino = n.ino WHERE n.asset = ?1",
        )?;
        let (mut inodes, mut files, mut sidecars) = (Inodes::default(), Vec::new(), Vec::new());
        let mut rows = query.query([asset])?;
        while let Some(row) = rows.next()? {
            let inode = Inode::of_row(row)?;
            if let Some(parent) = row.get::<_, Option<i64>>(7)? {
                let (parent, name, kind) = (parent as u64, row.get(8)?, kind_at(row, 2)?);
                let entry = Present { parent, name, ino: inode.ino, kind };
                if inode.kind == SIDECAR { sidecars.push(entry) } else { files.push(entry) }
            }
            inodes.add(inode);
        }
        Ok((inodes, files, sidecars))
    }
}

impl Index {
    /// Lays everything out again if the options of the tree are not those it was laid out with.
    pub(super) fn lay_out_anew_if_changed(&self) -> Result<(), IndexError> {
        let TreeOptions { years, albums, hidden, sidecars } = &self.options;
        let layout = match sidecars {
            Sidecars::None => format!("{years} {albums:?} {hidden}"),
            Sidecars::Xmp => format!("{years} {albums:?} {hidden} xmp {}", tree::XMP_FORMAT),
        };
        if self.remembered("layout")?.as_deref() == Some(layout.as_str()) {
            return Ok(());
        }
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        tx.execute(
            "INSERT OR IGNORE INTO node (ino, kind, key, mtime, ctime, btime, nlink) VALUES (?1, 0, '', 0, 0, 0, 2)",
            [ROOT as i64],
        )?;
        let mut laid_out = Layout::new(&tx, &self.options);
        let shown: Vec<(i64, String)> = {
            let mut query = tx.prepare("SELECT id, zone FROM library WHERE shown AND NOT gone ORDER BY id")?;
            query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        for (id, zone) in shown {
            laid_out.library(id, &zone)?;
        }
        laid_out.finish()?;
        super::library::remember(&tx, "layout", &layout)?;
        Ok(tx.commit()?)
    }
}
