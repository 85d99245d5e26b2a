//! What people do with albums and folders (photos.md §3.4).

use super::actions::bury_membership;
use super::album::{Album, AlbumIndex, Relation, RelationIndex};
use super::log::Subject;
use super::stamp::{Presence, Stamp};
use super::zone::Zone;
use super::{AlbumId, AssetId, Cloud, Model, NoSuch, ZoneId};

/// Step between the positions of neighbours, which leaves room for moving things between them.
const STEP: i64 = 1024;

impl Cloud {
    /// Makes an album, at the root level or in a folder of the same zone.
    pub fn add_album(&self, zone: ZoneId, name: &str, folder: Option<AlbumId>) -> AlbumId {
        self.add_container(zone, name, folder, false)
    }

    /// Makes a folder, at the root level or in another folder.
    pub fn add_folder(&self, zone: ZoneId, name: &str, folder: Option<AlbumId>) -> AlbumId {
        self.add_container(zone, name, folder, true)
    }

    fn add_container(&self, zone: ZoneId, name: &str, folder: Option<AlbumId>, is_folder: bool) -> AlbumId {
        let now = self.now_ms();
        let mut model = self.model();
        let id = model.new_name();
        let parent = folder.map(|folder| folder.name);
        model.change(zone, now, |zone| {
            let position = STEP * (zone.albums.len() as i64 + 1);
            let (stamp, name) = (Stamp::new(now), name.to_owned());
            let index = zone.put_album(Album { stamp, id, name, is_folder, parent, position, deleted_ms: None });
            zone.log(Subject::Album(index), now);
        });
        AlbumId { zone, name: id }
    }

    pub fn rename_album(&self, album: AlbumId, name: &str) -> Result<(), NoSuch> {
        self.change_album(album, |zone, index, _| zone.albums[index.0 as usize].name = name.to_owned())
    }

    /// Moves an album or folder into another folder, or to the root level.
    pub fn move_album(&self, album: AlbumId, folder: Option<AlbumId>) -> Result<(), NoSuch> {
        let parent = folder.map(|folder| folder.name);
        self.change_album(album, |zone, index, _| zone.albums[index.0 as usize].parent = parent)
    }

    /// Deletes an album, or a folder with all it holds. Their relations are not listed one by one.
    pub fn delete_album(&self, album: AlbumId) -> Result<(), NoSuch> {
        self.change_album(album, delete_tree)
    }

    /// Puts a photo into an album; it may live in another zone (photos.md §1.3).
    pub fn add_to_album(&self, photo: AssetId, album: AlbumId) -> Result<(), NoSuch> {
        let now = self.now_ms();
        let mut model = self.model();
        let asset = model.asset(photo)?;
        let captured_ms = model.zones[photo.zone.0].asset(asset).captured_ms;
        let foreign_ms = (photo.zone != album.zone).then_some(captured_ms);
        let index = model.album(album)?;
        model.change(album.zone, now, |zone| {
            let relation = put_membership(zone, index, photo, foreign_ms, now);
            zone.log(Subject::Album(index), now);
            zone.log(Subject::Relation(relation), now);
        });
        Ok(())
    }

    /// Takes a photo out of an album: a tombstone of the relation, and the album anew.
    pub fn remove_from_album(&self, photo: AssetId, album: AlbumId) -> Result<(), NoSuch> {
        let mut was_member = false;
        self.change_album(album, |zone, index, now| was_member = bury_membership(zone, index, photo.name, now))?;
        if was_member { Ok(()) } else { Err(NoSuch::Member(photo.name)) }
    }

    fn change_album(&self, album: AlbumId, change: impl FnOnce(&mut Zone, AlbumIndex, i64)) -> Result<(), NoSuch> {
        let now = self.now_ms();
        let mut model = self.model();
        let index = model.album(album)?;
        model.change(album.zone, now, |zone| {
            change(zone, index, now);
            zone.log(Subject::Album(index), now);
        });
        Ok(())
    }
}

impl Model {
    fn album(&self, album: AlbumId) -> Result<AlbumIndex, NoSuch> {
        let zone = &self.zones[album.zone.0];
        zone.album_named(album.name).filter(|index| zone.album(*index).is_live()).ok_or(NoSuch::Album(album.name))
    }
}

fn put_membership(
    zone: &mut Zone,
    album: AlbumIndex,
    photo: AssetId,
    foreign_ms: Option<i64>,
    now: i64,
) -> RelationIndex {
    let position = STEP * (zone.relations.len() as i64 + 1);
    let Some(index) = zone.relation_of(album, photo.name) else {
        let stamp = Stamp::new(now);
        return zone.put_relation(Relation { stamp, album, item: photo.name, position, foreign_ms });
    };
    let relation = &mut zone.relations[index.0 as usize];
    relation.stamp.presence = Presence::Here;
    relation.position = position;
    index
}

/// Marks an album as deleted, and everything under it; only what is under it is logged here.
fn delete_tree(zone: &mut Zone, index: AlbumIndex, now: i64) {
    for child in zone.albums_under(Some(zone.album(index).id)) {
        delete_tree(zone, child, now);
        zone.log(Subject::Album(child), now);
    }
    zone.albums[index.0 as usize].deleted_ms = Some(now);
}
