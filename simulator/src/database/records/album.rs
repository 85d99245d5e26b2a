//! CPLAlbum and CPLContainerRelation (photos.md §4.3, §4.4).

use super::{Record, Writer};
use crate::library::{AlbumIndex, RelationIndex, Stamp};

const DAY_MS: i64 = 86_400_000;
/// `albumType`: a user's album, and a folder.
const ALBUM: i64 = 0;
const FOLDER: i64 = 3;

impl Writer<'_> {
    pub(in crate::database) fn album(&mut self, index: AlbumIndex) -> Record {
        let album = self.zone.album(index);
        let mut fields = self.fields();
        fields.encrypted_text("albumNameEnc", Some(&album.name));
        fields.int("albumType", if album.is_folder { FOLDER } else { ALBUM });
        if let Some(parent) = album.parent {
            fields.text("parentId", &parent.to_string());
        }
        fields.int("position", album.position);
        fields.int("sortType", 0);
        fields.int("sortTypeExt", 0);
        fields.int("sortAscending", 1);
        fields.time("recordModificationDate", album.stamp.modified_ms);
        if let Some(at) = album.deleted_ms {
            fields.int("isDeleted", 1);
            fields.time("dateExpunged", at + 30 * DAY_MS);
        }
        let expiration = album.deleted_ms.map(|at| (at + 40 * DAY_MS).div_euclid(1000));
        self.envelope(album.id.to_string(), "CPLAlbum", &album.stamp, fields).expiring(expiration)
    }

    pub(in crate::database) fn relation(&mut self, index: RelationIndex) -> Record {
        let relation = self.zone.relation(index);
        let mut fields = self.fields();
        fields.text("containerId", &self.zone.album(relation.album).id.to_string());
        fields.text("itemId", &relation.item.to_string());
        fields.int("position", relation.position);
        fields.int("isKeyAsset", 0);
        fields.time("recordModificationDate", relation.stamp.modified_ms);
        self.envelope(self.relation_name(index), "CPLContainerRelation", &relation.stamp, fields)
    }
}

/// Two folders without a name that the root level always shows (photos.md §2.3).
pub(in crate::database) const ROOT_FOLDERS: [&str; 2] = ["----Root-Folder----", "----Project-Root-Folder----"];

pub(in crate::database) fn root_folders(writer: &Writer<'_>) -> Vec<Record> {
    let folder = |name: &str| {
        let mut fields = writer.fields();
        fields.int("albumType", FOLDER);
        fields.int("position", 0);
        writer.envelope(name.to_owned(), "CPLAlbum", &Stamp::new(writer.zone.info.created_ms), fields)
    };
    ROOT_FOLDERS.map(folder).into()
}
