//! The fields of one resource (photos.md §5.1).

use super::Writer;
use crate::database::fields::{Content, Fields, File};
use crate::library::{Resource, Slot};

impl Writer<'_> {
    pub(super) fn resource(&mut self, fields: &mut Fields<'_>, slot: Slot, resource: &Resource) {
        let prefix = slot.prefix();
        let key = |suffix: &str| format!("{prefix}{suffix}");
        fields.text(key("FileType"), &resource.uti);
        if resource.width > 0 {
            fields.int(key("Width"), i64::from(resource.width));
            fields.int(key("Height"), i64::from(resource.height));
        }
        fields.put(key("Fingerprint"), "STRING", || Content::Text(resource.checksum().to_string()));
        fields.put(key("Res"), "ASSETID", || Content::File(Box::new(self.file(resource))));
    }

    /// An ASSETID value, its address freshly signed.
    fn file(&mut self, resource: &Resource) -> File {
        let checksum = resource.checksum();
        let link = self.links.sign(&self.zone.name, checksum);
        if !resource.without_url {
            self.published.push((checksum, resource.body.clone()));
        }
        File {
            file_checksum: checksum.to_string(),
            size: resource.body.size(),
            wrapping_key: link.wrapping_key,
            reference_checksum: link.reference_checksum,
            download_url: (!resource.without_url).then_some(link.url),
        }
    }
}
