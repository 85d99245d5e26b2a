//! From rows to directory entries, inside the transaction that changes the rows.
//!
//! Names and inode numbers that were given stay as long as what they stand for is there: see
//! [`crate::tree::FileNames`] and `inodes.rs`.

use std::collections::{BTreeSet, HashMap};
use std::sync::mpsc;

use rusqlite::{Connection, params};

use super::inodes::NANOS;
use super::links::Pending;
use super::placing::{BATCHES, Home, Placing, Present};
use super::record::Shown;
use super::store::Reader;
use super::{Index, IndexError, ROOT, TreeChange};
use crate::config::{Sidecars, TreeOptions};
use crate::photos::ResourceKind;
use crate::tree::{self, Directory};

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

    /// Every asset of a library that is to be shown for the first time, the one added first getting its plain name. With a
    /// connection that sees the assets, too, they are read by it on a thread of its own while others are placed.
    pub fn library(&mut self, library: i64, zone: &str, ahead: Option<Reader<'_>>) -> Result<(), IndexError> {
        // Nobody knows of any of its entries.
        self.coarse = true;
        self.standing_directories(zone)?;
        let albums: Vec<String> =
            self.names("SELECT name FROM album WHERE library = ?1 AND kind != 6 ORDER BY name", library)?;
        for album in albums {
            self.album(&album)?;
        }
        let claimed = self.claim(library)?;
        let assets = self.rows("SELECT id FROM asset WHERE library = ?1 ORDER BY added, name", library)?;
        match ahead.filter(|_| !claimed) {
            Some(reader) => self.place_read_ahead(&assets, reader),
            None => assets.into_iter().try_for_each(|asset| self.place(asset)),
        }
    }

    fn place_read_ahead(&mut self, assets: &[i64], mut reader: Reader<'_>) -> Result<(), IndexError> {
        let options = self.options;
        let ((to, read), (give_back, back)) = (mpsc::sync_channel(BATCHES), mpsc::channel());
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || Placing::read_ahead(&mut reader, options, assets, &to, &back));
            // The receiver goes with this: a reader whose photos nobody takes any more is not waited for.
            let placed = read.into_iter().try_for_each(|batch: Result<Vec<Placing>, IndexError>| {
                let mut batch = batch?;
                batch.iter_mut().try_for_each(|placing| self.settle_in(placing))?;
                // An error: the reader has ended before.
                let _ = give_back.send(batch);
                Ok(())
            });
            let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            placed.and(read)
        })
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
        match Placing::read(self.tx, self.options, asset)? {
            Some(mut placing) => self.settle_in(&mut placing),
            None => Ok(()),
        }
    }

    fn settle_in(&mut self, placing: &mut Placing) -> Result<(), IndexError> {
        let Shown { asset_modified, master_modified, ref zone, .. } = *placing.shown;
        self.stamp = asset_modified.max(master_modified).saturating_mul(NANOS);
        self.note_ready(&placing.shown)?;
        let directories = self.directories(zone, &placing.places)?;
        let present = std::mem::take(&mut placing.files);
        for entry in present.iter().filter(|entry| !directories.contains(&entry.parent)) {
            self.unlink(entry.parent, &entry.name, entry.ino)?;
            self.thinned.insert(entry.parent);
        }
        for directory in directories {
            let here: Vec<&Present> = present.iter().filter(|entry| entry.parent == directory).collect();
            let names = self.place_in(placing, directory, &here)?;
            placing.home.get_or_insert(Home { directory, names });
        }
        let sidecars = std::mem::take(&mut placing.sidecars);
        self.place_sidecars(placing, &sidecars)?;
        self.write_made(placing)?;
        (placing.inodes, placing.home) = Default::default();
        self.write_pending_if_much()
    }

    /// Takes down whether an asset can be shown.
    fn note_ready(&self, shown: &Shown) -> Result<(), IndexError> {
        let unready = !shown.gone && shown.photo.files.is_empty();
        if unready != shown.unready {
            let mut update = self.tx.prepare_cached("UPDATE asset SET unready = ?2 WHERE id = ?1")?;
            update.execute(params![shown.asset, unready])?;
        }
        Ok(())
    }

    pub(super) fn directories(&mut self, zone: &str, places: &[Directory]) -> Result<Vec<u64>, IndexError> {
        places.iter().map(|place| self.directory(zone, place)).collect()
    }

    /// Brings an asset's entries in one directory up to date; gives their names.
    fn place_in(
        &mut self,
        placing: &mut Placing,
        directory: u64,
        here: &[&Present],
    ) -> Result<Vec<(ResourceKind, String)>, IndexError> {
        let kept: Vec<_> = here.iter().map(|entry| (entry.kind, entry.name.clone())).collect();
        let own: Vec<u64> = here.iter().map(|entry| entry.ino).collect();
        let names = placing.names.in_directory(&kept, |fold| self.is_taken_by_other(directory, fold, &own));
        let (shown, mut wanted) = (placing.shown.clone(), Vec::<(&str, u64)>::new());
        for (kind, name) in &names {
            let file = shown.photo.file(*kind).expect("named because it is there");
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
            laid_out.library(id, &zone, None)?;
        }
        laid_out.finish()?;
        super::library::remember(&tx, "layout", &layout)?;
        Ok(tx.commit()?)
    }
}
