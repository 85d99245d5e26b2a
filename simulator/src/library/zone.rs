//! One record zone: its records, their change log, and the ways to find them.

use std::collections::{HashMap, HashSet};

use super::album::{Album, AlbumIndex, Relation, RelationIndex};
use super::asset::{Asset, AssetIndex, Master, MasterIndex};
use super::body::Identity;
use super::listing::Listings;
use super::listing::{Listing, Smart};
use super::log::{Log, Subject};
use super::name::Uuid;
use super::stamp::{Presence, Stamp};
use super::{ANOTHER, OWNER, tokens};

/// Which database a zone is reached through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    Private,
    Shared,
}

/// What a zone is for (photos.md §1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Personal,
    SharedLibrary,
    /// Not a photo library; a client must leave it alone.
    Decoy,
}

pub(crate) struct Zone {
    pub(crate) name: String,
    pub(crate) area: Area,
    pub(crate) kind: Kind,
    /// Listed with `deleted: true`.
    pub(crate) deleted: bool,
    /// Keeps no list but those that are proven for a shared library: all visible, and favourites (photos.md §1.3).
    pub(crate) proven_lists_only: bool,
    /// Record names that every list leaves out, though they are counted: an index that lags behind (photos.md §2.4).
    pub(crate) unlisted: HashSet<Uuid>,
    /// By how much the counts of which indexes are off.
    pub(crate) miscounted: HashMap<String, i64>,
    /// The database-wide count of changes at this zone's latest one.
    pub(crate) generation: u64,
    pub(crate) assets: Vec<Asset>,
    pub(crate) masters: Vec<Master>,
    pub(crate) albums: Vec<Album>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) info: Stamp,
    pub(crate) ghosts: u32,
    pub(crate) log: Log,
    /// How often all tokens given out before were forgotten.
    pub(crate) forgotten: u32,
    pub(crate) listings: Listings,
    by_asset: HashMap<Uuid, AssetIndex>,
    by_album: HashMap<Uuid, AlbumIndex>,
    by_pair: HashMap<(AlbumIndex, Uuid), RelationIndex>,
    by_content: HashMap<Identity, MasterIndex>,
    by_master: HashMap<String, MasterIndex>,
    /// Masters from here on are not in `by_master` yet: their names cost a hash over their content.
    unnamed: usize,
}

impl Zone {
    /// Whether this zone keeps a list.
    pub(crate) fn keeps(&self, listing: Listing) -> bool {
        !self.proven_lists_only || matches!(listing, Listing::Visible | Listing::Smart(Smart::Favourite))
    }

    pub(crate) fn new(name: impl Into<String>, area: Area, kind: Kind, now_ms: i64) -> Zone {
        let mut log = Log::default();
        if kind == Kind::Personal {
            (0..2).for_each(|n| _ = log.push(Subject::RootFolder(n)));
        }
        Zone {
            name: name.into(),
            area,
            kind,
            deleted: false,
            proven_lists_only: false,
            unlisted: HashSet::new(),
            miscounted: HashMap::new(),
            generation: 0,
            assets: Vec::new(),
            masters: Vec::new(),
            albums: Vec::new(),
            relations: Vec::new(),
            info: Stamp::new(now_ms),
            ghosts: 0,
            log,
            forgotten: 0,
            listings: Listings::default(),
            by_asset: HashMap::new(),
            by_album: HashMap::new(),
            by_pair: HashMap::new(),
            by_content: HashMap::new(),
            by_master: HashMap::new(),
            unnamed: 0,
        }
    }

    /// Whose it is, as requests and records name them.
    pub(crate) fn owner(&self) -> &'static str {
        match self.area {
            Area::Private => OWNER,
            Area::Shared => ANOTHER,
        }
    }

    /// Its token for a position in its log.
    pub(crate) fn token(&self, counter: u64) -> String {
        tokens::of_zone(&tokens::seal(&self.name, self.forgotten), counter)
    }

    pub(crate) fn is_library(&self) -> bool {
        self.kind != Kind::Decoy && !self.deleted
    }

    pub(crate) fn asset(&self, index: AssetIndex) -> &Asset {
        &self.assets[index.0 as usize]
    }

    pub(crate) fn master(&self, index: MasterIndex) -> &Master {
        &self.masters[index.0 as usize]
    }

    pub(crate) fn album(&self, index: AlbumIndex) -> &Album {
        &self.albums[index.0 as usize]
    }

    pub(crate) fn relation(&self, index: RelationIndex) -> &Relation {
        &self.relations[index.0 as usize]
    }

    pub(crate) fn asset_named(&self, id: Uuid) -> Option<AssetIndex> {
        self.by_asset.get(&id).copied()
    }

    pub(crate) fn album_named(&self, id: Uuid) -> Option<AlbumIndex> {
        self.by_album.get(&id).copied()
    }

    pub(crate) fn relation_of(&self, album: AlbumIndex, item: Uuid) -> Option<RelationIndex> {
        self.by_pair.get(&(album, item)).copied()
    }

    /// Finds a master by record name; names every master that has none yet only if that is needed.
    pub(crate) fn master_named(&mut self, name: &str) -> Option<MasterIndex> {
        while !self.by_master.contains_key(name) && self.unnamed < self.masters.len() {
            self.name_master(MasterIndex(self.unnamed as u32));
            self.unnamed += 1;
        }
        self.by_master.get(name).copied()
    }

    /// Remembers the record name of a master that was shown, so that a lookup finds it at once.
    pub(crate) fn name_master(&mut self, index: MasterIndex) {
        if self.master(index).stamp.is_here() {
            let name = self.master(index).name();
            self.by_master.insert(name, index);
        }
    }

    pub(crate) fn put_asset(&mut self, asset: Asset) -> AssetIndex {
        let index = AssetIndex(self.assets.len() as u32);
        self.by_asset.insert(asset.id, index);
        self.assets.push(asset);
        index
    }

    /// Keeps a master; one whose original has the same content is used again, for its record name would be the same.
    pub(crate) fn put_master(&mut self, master: Master) -> MasterIndex {
        let content = master.original().map(|original| original.body.identity());
        let held = content.and_then(|content| self.by_content.get(&content).copied());
        if let Some(held) = held.filter(|held| self.master(*held).stamp.is_here()) {
            return held;
        }
        let index = MasterIndex(self.masters.len() as u32);
        self.by_content.extend(content.map(|content| (content, index)));
        self.masters.push(master);
        index
    }

    pub(crate) fn put_album(&mut self, album: Album) -> AlbumIndex {
        let index = AlbumIndex(self.albums.len() as u32);
        self.by_album.insert(album.id, index);
        self.albums.push(album);
        index
    }

    pub(crate) fn put_relation(&mut self, relation: Relation) -> RelationIndex {
        let index = RelationIndex(self.relations.len() as u32);
        self.by_pair.insert((relation.album, relation.item), index);
        self.relations.push(relation);
        index
    }

    /// Living albums and folders directly under `parent` (`None`: the root level), in their order.
    pub(crate) fn albums_under(&self, parent: Option<Uuid>) -> Vec<AlbumIndex> {
        let all = (0..self.albums.len() as u32).map(AlbumIndex);
        let mut found: Vec<_> =
            all.filter(|index| self.album(*index).is_live() && self.album(*index).parent == parent).collect();
        found.sort_by_key(|index| self.album(*index).position);
        found
    }

    /// Living relations of an album.
    pub(crate) fn members(&self, album: AlbumIndex) -> impl Iterator<Item = RelationIndex> + '_ {
        let all = (0..self.relations.len() as u32).map(RelationIndex);
        all.filter(move |index| self.relation(*index).album == album && self.relation(*index).stamp.is_here())
    }

    /// How many living assets show this master.
    pub(crate) fn users_of(&self, master: MasterIndex) -> usize {
        self.assets.iter().filter(|asset| asset.master == master && asset.stamp.is_here()).count()
    }

    /// Writes a change of a record to the log and into its stamp.
    pub(crate) fn log(&mut self, subject: Subject, now_ms: i64) {
        let counter = self.log.push(subject);
        if let Some(stamp) = self.stamp_mut(subject) {
            stamp.changed = counter;
            stamp.modified_ms = now_ms;
        }
    }

    /// Deletes a record for good: its tombstone goes to the log.
    pub(crate) fn bury(&mut self, subject: Subject, now_ms: i64) {
        if let Some(stamp) = self.stamp_mut(subject) {
            stamp.presence = Presence::Tombstone;
        }
        self.log(subject, now_ms);
    }

    pub(crate) fn stamp_mut(&mut self, subject: Subject) -> Option<&mut Stamp> {
        Some(match subject {
            Subject::Asset(index) => &mut self.assets[index.0 as usize].stamp,
            Subject::Master(index) => &mut self.masters[index.0 as usize].stamp,
            Subject::Album(index) => &mut self.albums[index.0 as usize].stamp,
            Subject::Relation(index) => &mut self.relations[index.0 as usize].stamp,
            Subject::LibraryInfo => &mut self.info,
            Subject::RootFolder(_) | Subject::Other(_) | Subject::Ghost(_) | Subject::Gap => return None,
        })
    }

    pub(crate) fn stamp(&self, subject: Subject) -> Option<&Stamp> {
        Some(match subject {
            Subject::Asset(index) => &self.asset(index).stamp,
            Subject::Master(index) => &self.master(index).stamp,
            Subject::Album(index) => &self.album(index).stamp,
            Subject::Relation(index) => &self.relation(index).stamp,
            Subject::LibraryInfo => &self.info,
            Subject::RootFolder(_) | Subject::Other(_) | Subject::Ghost(_) | Subject::Gap => return None,
        })
    }
}
