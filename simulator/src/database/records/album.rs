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

    /// The `n`-th of [`ROOT_FOLDERS`].
    pub(in crate::database) fn root_folder(&self, n: usize) -> Record {
        let mut fields = self.fields();
        fields.int("albumType", FOLDER);
        fields.int("position", 0);
        let stamp = Stamp::new(self.zone.info.created_ms);
        self.envelope(ROOT_FOLDERS[n].to_owned(), "CPLAlbum", &stamp, fields)
    }
}

/// Two folders without a name, which the root level and the change log show (photos.md §2.3).
pub(in crate::database) const ROOT_FOLDERS: [&str; 2] = ["----Root-Folder----", "----Project-Root-Folder----"];
