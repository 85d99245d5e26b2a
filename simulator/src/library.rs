//! The account's photo libraries: a model of iCloud Photos that a test can read and change while clients look at it.
//!
//! [`Cloud`] is the handle. Photos come in as [`NewPhoto`]; every action writes the change log the way the real service
//! does (photos.md §3.4); [`Cloud::truth`] says what a faithful client must show.

mod actions;
mod album;
mod album_actions;
mod asset;
mod body;
mod checksum;
mod listing;
mod log;
mod name;
mod photo;
mod random;
mod resource;
mod stamp;
mod token;
mod truth;
mod zone;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use body::Body;
pub use checksum::Checksum;
pub use name::Uuid;
pub use photo::{Burst, Edit, FileName, Location, NewPhoto};
pub use resource::{Resource, Slot};
pub use truth::{Truth, TruthAlbum, TruthAsset, TruthLibrary, TruthResource, TruthState};
pub use zone::Area;

pub(crate) use album::{AlbumIndex, RelationIndex};
pub(crate) use asset::{Asset, AssetIndex, Master, MasterIndex, Trashed};
pub(crate) use listing::{Listing, MemberOrder, Smart};
pub(crate) use log::{BEGINNING, Subject};
pub(crate) use random::{Stream, mix};
pub(crate) use stamp::{Presence, Stamp};
pub(crate) use zone::{Kind, Zone};
pub(crate) mod tokens {
    pub(crate) use super::token::{BadToken, database_counter, of_database, of_zone, seal, zone_counter};
}

use crate::clock::Clock;
use crate::download::LinkKey;

/// The account's own user, who writes every record.
pub(crate) const OWNER: &str = "_0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// Somebody else: the owner of every zone that is reached through the shared database (photos.md §1.3).
const ANOTHER: &str = "_9f8e7d6c5b4a39281706f5e4d3c2b1a0";

/// A zone of the account, as this handle names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ZoneId(pub(crate) usize);

/// An asset, as this handle names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AssetId {
    pub zone: ZoneId,
    /// Its record name.
    pub name: Uuid,
}

/// An album or folder, as this handle names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AlbumId {
    pub zone: ZoneId,
    /// Its record name.
    pub name: Uuid,
}

/// What an action was asked to do and cannot.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoSuch {
    #[error("there is no asset {0}")]
    Asset(Uuid),
    #[error("there is no album or folder {0}")]
    Album(Uuid),
    #[error("asset {0} is not in that album")]
    Member(Uuid),
    #[error("there is no library {0}")]
    Library(String),
    #[error("there is nothing named {0:?}")]
    Named(String),
}

/// The photo libraries of the account. Cheap to clone; all clones are the same libraries.
#[derive(Clone)]
pub struct Cloud {
    model: Arc<Mutex<Model>>,
    clock: Arc<Clock>,
}

/// Everything behind the lock. Locks are short and never held across an await.
pub(crate) struct Model {
    pub(crate) zones: Vec<Zone>,
    /// Bodies by the checksum in their download address; filled when an address is signed.
    pub(crate) published: HashMap<Checksum, Body>,
    /// Counts changes over all zones.
    pub(crate) generation: u64,
    /// How often all tokens of databases given out before were forgotten.
    pub(crate) forgotten: u32,
    /// Signs download addresses.
    pub(crate) link_key: LinkKey,
    /// Counts database tokens, which never repeat.
    pub(crate) nonce: u64,
    /// Counts record names.
    names: u64,
}

/// Seed of all record names: the same library has the same names on every run.
const NAMES_SEED: u64 = 0x7068_6f74_6f73;

impl Cloud {
    /// An account with an empty personal library, and the zones beside it that are no libraries (photos.md §1.3).
    pub fn new(clock: Arc<Clock>) -> Cloud {
        let now = clock.now_ms();
        let mut zones = vec![Zone::new("PrimarySync", Area::Private, Kind::Personal, now)];
        zones.extend(decoys(now));
        let (published, link_key, nonce, names) = (HashMap::new(), LinkKey::new(), 0, 0);
        let mut generation = 0;
        for zone in &mut zones {
            generation += 1;
            zone.generation = generation;
        }
        let model = Model { zones, published, generation, forgotten: 0, link_key, nonce, names };
        Cloud { model: Arc::new(Mutex::new(model)), clock }
    }

    /// The personal library, `PrimarySync`.
    pub fn primary(&self) -> ZoneId {
        ZoneId(0)
    }

    /// Makes an iCloud Shared Photo Library: reached through the private database by its owner, through the shared one by
    /// others.
    pub fn add_shared_library(&self, area: Area) -> ZoneId {
        let now = self.clock.now_ms();
        let mut model = self.model();
        let name = format!("SharedSync-{}", model.new_name());
        model.generation += 1;
        let mut zone = Zone::new(name, area, Kind::SharedLibrary, now);
        zone.generation = model.generation;
        model.zones.push(zone);
        ZoneId(model.zones.len() - 1)
    }

    /// The zone of this name.
    pub fn zone(&self, name: &str) -> Option<ZoneId> {
        self.model().zones.iter().position(|zone| zone.name == name).map(ZoneId)
    }

    /// The zone's name, for example `PrimarySync`.
    pub fn zone_name(&self, zone: ZoneId) -> String {
        self.model().zones[zone.0].name.clone()
    }

    /// The living asset with this record name, in any library.
    pub fn asset_named(&self, name: &str) -> Result<AssetId, NoSuch> {
        let found = |zone: &Zone, id| zone.asset_named(id).is_some_and(|index| zone.asset(index).stamp.is_here());
        self.find(name, found).map(|(zone, name)| AssetId { zone, name })
    }

    /// The living album or folder with this record name, in any library.
    pub fn album_named(&self, name: &str) -> Result<AlbumId, NoSuch> {
        let found = |zone: &Zone, id| zone.album_named(id).is_some_and(|index| zone.album(index).is_live());
        self.find(name, found).map(|(zone, name)| AlbumId { zone, name })
    }

    fn find(&self, name: &str, found: impl Fn(&Zone, Uuid) -> bool) -> Result<(ZoneId, Uuid), NoSuch> {
        let missing = || NoSuch::Named(name.to_owned());
        let id = Uuid::parse(name).ok_or_else(missing)?;
        let zone = self.model().zones.iter().position(|zone| found(zone, id));
        zone.map(|zone| (ZoneId(zone), id)).ok_or_else(missing)
    }

    /// The zone is gone from now on: listed as deleted, and no longer found.
    pub fn delete_zone(&self, zone: ZoneId) {
        self.set_deleted(zone, true);
    }

    /// A zone that was gone is back as it was, as when a person joins a shared library again.
    pub fn restore_zone(&self, zone: ZoneId) {
        self.set_deleted(zone, false);
    }

    fn set_deleted(&self, zone: ZoneId, deleted: bool) {
        let mut model = self.model();
        model.generation += 1;
        let generation = model.generation;
        let zone = &mut model.zones[zone.0];
        (zone.deleted, zone.generation) = (deleted, generation);
    }

    /// A shared library answers only those lists that clients have proven; Apple's answer to the others is not known
    /// (photos.md §1.3).
    pub fn keep_proven_lists_only(&self, zone: ZoneId) {
        self.model().zones[zone.0].proven_lists_only = true;
    }

    /// Lists leave an asset or album out from now on, though their counts do not: only the change log shows it.
    pub fn leave_out_of_lists(&self, zone: ZoneId, name: Uuid) {
        self.model().zones[zone.0].unlisted.insert(name);
    }

    /// The count of an index is off by so much from now on, and for good (photos.md §2.4).
    pub fn miscount(&self, zone: ZoneId, index: &str, by: i64) {
        self.model().zones[zone.0].miscounted.insert(index.to_owned(), by);
    }

    /// All sync tokens that were given out are taken no more, those of zones and those of databases. Nobody has reported
    /// that of the real service, which promises nothing (photos.md §3.3).
    pub fn forget_tokens(&self) {
        let mut model = self.model();
        model.forgotten += 1;
        model.zones.iter_mut().for_each(|zone| zone.forgotten += 1);
    }

    /// How long download addresses hold that are signed from now on. One hour unless said otherwise.
    pub fn set_link_life(&self, life: Duration) {
        self.model().link_key.life_s = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    }

    pub(crate) fn link_key(&self) -> LinkKey {
        self.model().link_key.clone()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A handler that panicked has already failed its test; the others go on with what it left.
    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Model {
    pub(crate) fn new_name(&mut self) -> Uuid {
        self.names += 1;
        Uuid::derived(NAMES_SEED, self.names)
    }

    /// Zones of one database, in the order they are listed: libraries first, for clients stop at the first odd one.
    pub(crate) fn zones_in(&self, area: Area) -> impl Iterator<Item = &Zone> {
        let libraries = self.zones.iter().filter(|zone| zone.kind != Kind::Decoy);
        let decoys = self.zones.iter().filter(|zone| zone.kind == Kind::Decoy);
        libraries.chain(decoys).filter(move |zone| zone.area == area)
    }

    /// The living zone of this name in one database.
    pub(crate) fn zone_in(&mut self, area: Area, name: &str) -> Option<&mut Zone> {
        self.zones.iter_mut().find(|zone| zone.area == area && zone.name == name && !zone.deleted)
    }
}

fn decoys(now_ms: i64) -> Vec<Zone> {
    let uuid = |n| Uuid::derived(NAMES_SEED ^ 0xdec0, n);
    let zone = |name: String, area| Zone::new(name, area, Kind::Decoy, now_ms);
    let mut left_over = zone(format!("SharedSync-{}", uuid(4)), Area::Private);
    left_over.deleted = true;
    vec![
        zone(format!("SharedCollection-{}", uuid(1)), Area::Private),
        zone(format!("AppLibrarySync-com.apple.GenerativePlayground-{}", uuid(2)), Area::Private),
        zone("CustomZone".into(), Area::Private),
        left_over,
        zone(format!("CMM-{}", uuid(3)), Area::Shared),
    ]
}

#[cfg(test)]
mod tests;
