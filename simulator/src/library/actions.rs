//! What people do with photos. Each action writes the change log as the real service does (photos.md §3.4).

use super::album::AlbumIndex;
use super::asset::{Asset, AssetIndex, Edited, Master, MasterIndex, Trashed};
use super::log::Subject;
use super::name::Uuid;
use super::photo::{Edit, NewPhoto};
use super::resource::{Resource, Resources, Slot};
use super::stamp::{Presence, Stamp};
use super::zone::Zone;
use super::{AssetId, Cloud, Model, NoSuch, ZoneId};

/// `trashReason` of a photo that a person deleted; 0 is one that moved to another library.
const DELETED_BY_PERSON: i64 = 1;

impl Cloud {
    /// Adds a photo. One whose original has the bytes of a photo already there shares its master, as after "Duplicate".
    pub fn add_photo(&self, zone: ZoneId, photo: NewPhoto) -> AssetId {
        let now = self.now_ms();
        let mut model = self.model();
        let (asset_name, spare_name) = (model.new_name(), model.new_name());
        let new = Parts::of(photo, asset_name, spare_name, now);
        model.change(zone, now, |zone| {
            let master = zone.put_master(new.master);
            let asset = zone.put_asset(Asset { master, ..new.asset });
            zone.log(Subject::Master(master), now);
            zone.log(Subject::Asset(asset), now);
        });
        AssetId { zone, name: asset_name }
    }

    /// Adds a second asset over the same master.
    pub fn duplicate(&self, of: AssetId) -> Result<AssetId, NoSuch> {
        let now = self.now_ms();
        let mut model = self.model();
        let name = model.new_name();
        let index = model.asset(of)?;
        model.change(of.zone, now, |zone| {
            let stamp = Stamp::new(now);
            let copy = Asset { id: name, stamp, added_ms: now, edit: None, ..zone.asset(index).clone() };
            let copy = zone.put_asset(copy);
            zone.log(Subject::Asset(copy), now);
        });
        Ok(AssetId { zone: of.zone, name })
    }

    /// Moves a photo to Recently Deleted, as a device does: asset and master are marked.
    pub fn trash(&self, photo: AssetId) -> Result<(), NoSuch> {
        let trashed = Trashed { at_ms: self.now_ms(), reason: DELETED_BY_PERSON, expunged: false };
        self.mark_trashed(photo, trashed, true)
    }

    /// Moves a photo to Recently Deleted, as icloud.com does: only the asset is marked.
    pub fn trash_on_web(&self, photo: AssetId) -> Result<(), NoSuch> {
        let trashed = Trashed { at_ms: self.now_ms(), reason: DELETED_BY_PERSON, expunged: false };
        self.mark_trashed(photo, trashed, false)
    }

    fn mark_trashed(&self, photo: AssetId, trashed: Trashed, with_master: bool) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, now| {
            let master = zone.asset(index).master;
            zone.assets[index.0 as usize].trashed = Some(trashed);
            if with_master && no_other_shown(zone, master, index) {
                zone.masters[master.0 as usize].trashed = Some(trashed);
                zone.log(Subject::Master(master), now);
            }
        })
    }

    /// Takes a photo back from Recently Deleted.
    pub fn restore(&self, photo: AssetId) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, now| {
            let master = zone.asset(index).master;
            zone.assets[index.0 as usize].trashed = None;
            if zone.masters[master.0 as usize].trashed.take().is_some() {
                zone.log(Subject::Master(master), now);
            }
        })
    }

    /// Deletes a photo for good: tombstones for the asset and, when nothing else shows it, its master.
    pub fn purge(&self, photo: AssetId) -> Result<(), NoSuch> {
        self.change_found(photo, |zone, index, now| {
            let master = zone.asset(index).master;
            zone.bury(Subject::Asset(index), now);
            if zone.users_of(master) == 0 {
                zone.bury(Subject::Master(master), now);
            }
            for album in (0..zone.albums.len() as u32).map(AlbumIndex) {
                bury_membership(zone, album, photo.name, now);
            }
        })
    }

    /// Takes a photo out of everything without a trace in the change log: what no correct service does.
    pub fn vanish(&self, photo: AssetId) -> Result<(), NoSuch> {
        let mut model = self.model();
        let index = model.asset(photo)?;
        let zone = &mut model.zones[photo.zone.0];
        let master = zone.asset(index).master;
        zone.assets[index.0 as usize].stamp.presence = Presence::Vanished;
        if zone.users_of(master) == 0 {
            zone.masters[master.0 as usize].stamp.presence = Presence::Vanished;
        }
        zone.listings.clear();
        Ok(())
    }

    /// The upload of a photo's original ends: it can be downloaded from now on.
    pub fn finish_upload(&self, photo: AssetId) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, now| {
            let master = zone.asset(index).master;
            zone.masters[master.0 as usize].resources.finish();
            zone.log(Subject::Master(master), now);
        })
    }

    /// Every master of a library is written anew: in its history they come after all assets, hundreds of pages on
    /// (photos.md §3.5).
    pub fn rewrite_masters(&self, zone: ZoneId) {
        let now = self.now_ms();
        self.model().change(zone, now, |zone| {
            let here = |index: &MasterIndex| zone.master(*index).stamp.is_here();
            let masters: Vec<_> = (0..zone.masters.len() as u32).map(MasterIndex).filter(here).collect();
            masters.into_iter().for_each(|master| zone.log(Subject::Master(master), now));
        });
    }

    pub fn set_hidden(&self, photo: AssetId, hidden: bool) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, _| zone.assets[index.0 as usize].hidden = hidden)
    }

    pub fn set_favourite(&self, photo: AssetId, favourite: bool) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, _| zone.assets[index.0 as usize].favourite = favourite)
    }

    /// Sets the title. The file name stays what it was at import.
    pub fn retitle(&self, photo: AssetId, caption: &str) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, _| zone.assets[index.0 as usize].caption = Some(caption.into()))
    }

    /// Changes the capture date: milliseconds since 1970 UTC, and seconds east of UTC.
    pub fn set_date(&self, photo: AssetId, captured_ms: i64, utc_offset_s: Option<i32>) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, _| {
            let asset = &mut zone.assets[index.0 as usize];
            (asset.captured_ms, asset.utc_offset_s) = (captured_ms, utc_offset_s);
        })
    }

    /// Edits a photo, or edits it again: the renderings of the edit replace what was there.
    pub fn edit(&self, photo: AssetId, edit: Edit) -> Result<(), NoSuch> {
        let edited = Box::new(Edited::from(edit));
        self.change_asset(photo, |zone, index, _| zone.assets[index.0 as usize].edit = Some(edited))
    }

    /// Reverts a photo to its original.
    pub fn revert(&self, photo: AssetId) -> Result<(), NoSuch> {
        self.change_asset(photo, |zone, index, _| zone.assets[index.0 as usize].edit = None)
    }

    /// Moves a photo to another library: a new pair there, over the same content, and a deleted pair here.
    pub fn move_to(&self, photo: AssetId, target: ZoneId) -> Result<AssetId, NoSuch> {
        let now = self.now_ms();
        let moved = self.copy_to(photo, target, now)?;
        let gone = Trashed { at_ms: now, reason: 0, expunged: true };
        self.mark_trashed(photo, gone, true)?;
        Ok(moved)
    }

    fn copy_to(&self, photo: AssetId, target: ZoneId, now: i64) -> Result<AssetId, NoSuch> {
        let mut model = self.model();
        let index = model.asset(photo)?;
        let name = model.new_name();
        let zone = &model.zones[photo.zone.0];
        let asset = zone.asset(index).clone();
        let master = zone.master(asset.master).clone();
        model.change(target, now, |zone| {
            let stamp = Stamp::new(now);
            let master = zone.put_master(Master { stamp, ..master });
            let asset = zone.put_asset(Asset { id: name, stamp, master, ..asset });
            zone.log(Subject::Master(master), now);
            zone.log(Subject::Asset(asset), now);
        });
        Ok(AssetId { zone: target, name })
    }

    /// Writes tombstones of `count` records that were deleted before this simulator began; a long-used library has one
    /// for every two records that live (photos.md §3.5).
    pub fn add_old_tombstones(&self, zone: ZoneId, count: u32) {
        let now = self.now_ms();
        self.model().change(zone, now, |zone| {
            for _ in 0..count {
                zone.log(Subject::Ghost(zone.ghosts), now);
                zone.ghosts += 1;
            }
        });
    }

    /// Changes an asset and logs it.
    fn change_asset(&self, photo: AssetId, change: impl FnOnce(&mut Zone, AssetIndex, i64)) -> Result<(), NoSuch> {
        self.change_found(photo, |zone, index, now| {
            change(zone, index, now);
            zone.log(Subject::Asset(index), now);
        })
    }

    fn change_found(&self, photo: AssetId, change: impl FnOnce(&mut Zone, AssetIndex, i64)) -> Result<(), NoSuch> {
        let now = self.now_ms();
        let mut model = self.model();
        let index = model.asset(photo)?;
        model.change(photo.zone, now, |zone| change(zone, index, now));
        Ok(())
    }
}

/// Whether no asset but this one shows the master and is not trashed.
fn no_other_shown(zone: &Zone, master: MasterIndex, but: AssetIndex) -> bool {
    let others = zone.assets.iter().enumerate().filter(|(index, _)| *index != but.0 as usize);
    !others.into_iter().any(|(_, asset)| asset.master == master && asset.stamp.is_here() && asset.trashed.is_none())
}

pub(super) fn bury_membership(zone: &mut Zone, album: AlbumIndex, item: Uuid, now: i64) -> bool {
    let found = zone.relation_of(album, item).filter(|index| zone.relation(*index).stamp.is_here());
    if let Some(index) = found {
        zone.bury(Subject::Relation(index), now);
    }
    found.is_some()
}

impl Model {
    /// Runs one change of a zone; afterwards every delta carries CPLLibraryInfo and all rankings are made anew.
    pub(super) fn change<T>(&mut self, zone: ZoneId, now: i64, change: impl FnOnce(&mut Zone) -> T) -> T {
        self.generation += 1;
        let zone = &mut self.zones[zone.0];
        zone.generation = self.generation;
        let result = change(zone);
        zone.log(Subject::LibraryInfo, now);
        zone.listings.clear();
        result
    }

    pub(super) fn asset(&self, photo: AssetId) -> Result<AssetIndex, NoSuch> {
        let zone = &self.zones[photo.zone.0];
        zone.asset_named(photo.name).filter(|index| zone.asset(*index).stamp.is_here()).ok_or(NoSuch::Asset(photo.name))
    }
}

/// A new photo as its two records.
struct Parts {
    master: Master,
    asset: Asset,
}

impl Parts {
    fn of(photo: NewPhoto, asset_name: Uuid, spare_name: Uuid, now: i64) -> Parts {
        let stamp = Stamp::new(now);
        let trashed = photo.trashed_ms.map(|at_ms| Trashed { at_ms, reason: DELETED_BY_PERSON, expunged: false });
        let asset = asset_of(&photo, asset_name, stamp, trashed, now);
        let master = Master {
            stamp,
            file_name: photo.file_name.clone(),
            item_type: photo.item_type.as_deref().map(Into::into),
            video: photo.video,
            orientation: photo.orientation,
            trashed,
            fallback_name: spare_name,
            resources: master_resources(photo),
        };
        Parts { master, asset }
    }
}

/// The asset record of a new photo; its master is filled in when it has one.
fn asset_of(photo: &NewPhoto, id: Uuid, stamp: Stamp, trashed: Option<Trashed>, now: i64) -> Asset {
    Asset {
        stamp,
        id,
        master: MasterIndex(0),
        captured_ms: photo.captured_ms,
        added_ms: photo.added_ms.unwrap_or(now),
        utc_offset_s: photo.utc_offset_s,
        time_zone: photo.time_zone.as_deref().map(Into::into),
        favourite: photo.favourite,
        hidden: photo.hidden,
        trashed,
        duration_ms: photo.duration_ms,
        orientation: photo.orientation,
        subtype: photo.subtype,
        subtype_v2: photo.subtype_v2,
        burst: photo.burst.clone(),
        edit: photo.edit.clone().map(|edit| Box::new(Edited::from(edit))),
        caption: photo.caption.as_deref().map(Into::into),
        description: photo.description.as_deref().map(Into::into),
        keywords: photo.keywords.clone(),
        location: photo.location,
    }
}

fn master_resources(photo: NewPhoto) -> Resources {
    let slot = |slot: Slot, resource: Option<Resource>| resource.map(|resource| (slot, resource));
    let originals = [
        slot(Slot::Original, photo.original),
        slot(Slot::Alternative, photo.alternative),
        slot(Slot::LiveVideo, photo.live_video),
        slot(Slot::Sidecar, photo.sidecar),
    ];
    originals.into_iter().flatten().chain(photo.renditions).collect()
}
