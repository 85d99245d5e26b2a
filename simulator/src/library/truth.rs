//! What a faithful client must show, taken from the model and not from any answer.

use serde::Serialize;

use super::album::{Album, AlbumIndex};
use super::asset::Asset;
use super::body::Body;
use super::resource::{Resource, Slot};
use super::zone::{Kind, Zone};
use super::{Cloud, Uuid};

/// Every library of the account.
#[derive(Clone, Debug, Serialize)]
pub struct Truth {
    pub libraries: Vec<TruthLibrary>,
}

#[derive(Clone, Debug, Serialize)]
pub struct TruthLibrary {
    /// Zone name.
    pub zone: String,
    pub shared: bool,
    /// Every asset that exists for a person, trashed ones too, in no particular order.
    pub assets: Vec<TruthAsset>,
    /// Albums and folders.
    pub albums: Vec<TruthAlbum>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TruthState {
    Visible,
    Hidden,
    Trashed,
}

#[derive(Clone, Debug, Serialize)]
pub struct TruthAsset {
    pub record_name: String,
    pub master_name: String,
    pub state: TruthState,
    /// `None`: the record has no file name.
    pub file_name: Option<String>,
    /// Milliseconds since 1970 UTC.
    pub captured_ms: i64,
    pub added_ms: i64,
    /// Seconds east of UTC.
    pub utc_offset_s: Option<i32>,
    pub favourite: bool,
    /// A frame of a burst that is not its key frame: in the change log, in no listing.
    pub lesser_burst_frame: bool,
    pub resources: Vec<TruthResource>,
}

/// One file. Only those that can be downloaded are here.
#[derive(Clone, Debug, Serialize)]
pub struct TruthResource {
    pub slot: Slot,
    pub uti: String,
    pub size: u64,
    /// Plain SHA-1, lower-case hex.
    pub sha1: String,
    /// `fileChecksum`, as on the wire.
    pub checksum: String,
    /// Whether the checksum can be recomputed from the bytes.
    pub verifiable: bool,
    #[serde(skip)]
    pub body: Body,
}

#[derive(Clone, Debug, Serialize)]
pub struct TruthAlbum {
    pub record_name: String,
    pub is_folder: bool,
    /// Names from the root level down, its own last.
    pub path: Vec<String>,
    /// Asset record names, in manual order. Trashed members are left out, hidden ones are not.
    pub members: Vec<String>,
}

impl TruthAsset {
    pub fn resource(&self, slot: Slot) -> Option<&TruthResource> {
        self.resources.iter().find(|resource| resource.slot == slot)
    }
}

impl Truth {
    pub fn library(&self, zone: &str) -> Option<&TruthLibrary> {
        self.libraries.iter().find(|library| library.zone == zone)
    }

    /// Assets of all libraries.
    pub fn assets(&self) -> impl Iterator<Item = &TruthAsset> {
        self.libraries.iter().flat_map(|library| &library.assets)
    }
}

impl Cloud {
    /// What a faithful client must show now. Hashes every body, once.
    pub fn truth(&self) -> Truth {
        let model = self.model();
        let libraries = model.zones.iter().filter(|zone| zone.is_library());
        Truth { libraries: libraries.map(|zone| library(zone, &model.zones)).collect() }
    }
}

fn library(zone: &Zone, zones: &[Zone]) -> TruthLibrary {
    let assets = zone.assets.iter().filter(|asset| asset.stamp.is_here());
    let albums = (0..zone.albums.len() as u32).map(AlbumIndex).filter(|index| zone.album(*index).is_live());
    TruthLibrary {
        zone: zone.name.clone(),
        shared: zone.kind == Kind::SharedLibrary,
        assets: assets.filter_map(|asset| Some(truth_of(zone, asset, state(asset)?))).collect(),
        albums: albums.map(|index| album(zone, index, zones)).collect(),
    }
}

/// `None` for an asset that moved to another library.
fn state(asset: &Asset) -> Option<TruthState> {
    match asset.trashed {
        Some(trashed) if trashed.expunged => None,
        Some(_) => Some(TruthState::Trashed),
        None if asset.hidden => Some(TruthState::Hidden),
        None => Some(TruthState::Visible),
    }
}

fn truth_of(zone: &Zone, asset: &Asset, state: TruthState) -> TruthAsset {
    let master = zone.master(asset.master);
    let edited = asset.edit.iter().flat_map(|edit| edit.resources.iter());
    let of_master = master.resources.iter().filter(|(slot, _)| !is_edited(asset, *slot));
    let shown = of_master.chain(edited).filter(|(_, resource)| !resource.without_url);
    TruthAsset {
        record_name: asset.id.to_string(),
        master_name: master.name(),
        state,
        file_name: master.file_name.text().map(str::to_owned),
        captured_ms: asset.captured_ms,
        added_ms: asset.added_ms,
        utc_offset_s: asset.utc_offset_s,
        favourite: asset.favourite,
        lesser_burst_frame: asset.burst.as_ref().is_some_and(|burst| !burst.pick),
        resources: shown.map(|(slot, resource)| truth_of_resource(slot, resource)).collect(),
    }
}

/// Whether the edit has its own rendering for this slot, which then counts.
fn is_edited(asset: &Asset, slot: Slot) -> bool {
    asset.edit.as_ref().is_some_and(|edit| edit.resources.get(slot).is_some())
}

fn truth_of_resource(slot: Slot, resource: &Resource) -> TruthResource {
    TruthResource {
        slot,
        uti: resource.uti.to_string(),
        size: resource.body.size(),
        sha1: resource.body.sha1(),
        checksum: resource.checksum().to_string(),
        verifiable: !resource.keyed_checksum,
        body: resource.body.clone(),
    }
}

fn album(zone: &Zone, index: AlbumIndex, zones: &[Zone]) -> TruthAlbum {
    let album = zone.album(index);
    let mut members: Vec<_> = zone.members(index).map(|member| zone.relation(member)).collect();
    members.sort_by_key(|relation| relation.position);
    let shown = members.into_iter().filter(|relation| is_shown(relation.item, zones));
    TruthAlbum {
        record_name: album.id.to_string(),
        is_folder: album.is_folder,
        path: path(zone, album),
        members: shown.map(|relation| relation.item.to_string()).collect(),
    }
}

/// Members may live in any zone.
fn is_shown(item: Uuid, zones: &[Zone]) -> bool {
    let assets = zones.iter().filter_map(|zone| zone.asset_named(item).map(|index| zone.asset(index)));
    assets.into_iter().any(|asset| asset.stamp.is_here() && asset.trashed.is_none())
}

fn path(zone: &Zone, album: &Album) -> Vec<String> {
    let mut path = vec![album.name.clone()];
    let mut parent = album.parent;
    while let Some(folder) = parent.and_then(|id| zone.album_named(id)) {
        path.insert(0, zone.album(folder).name.clone());
        parent = zone.album(folder).parent;
    }
    path
}
