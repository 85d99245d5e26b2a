//! The fields of one resource (photos.md §5.1).

use serde_json::json;

use super::Writer;
use crate::database::fields::Fields;
use crate::library::{Resource, Slot};

impl Writer<'_> {
    pub(super) fn resource(&mut self, fields: &mut Fields<'_>, slot: Slot, resource: &Resource) {
        let prefix = slot.prefix();
        let key = |suffix: &str| format!("{prefix}{suffix}");
        fields.text(&key("FileType"), &resource.uti);
        if resource.width > 0 {
            fields.int(&key("Width"), i64::from(resource.width));
            fields.int(&key("Height"), i64::from(resource.height));
        }
        fields.put(&key("Fingerprint"), "STRING", || resource.checksum().to_string().into());
        if fields.wants(&key("Res")) {
            let value = self.asset_id(resource);
            fields.put(&key("Res"), "ASSETID", || value);
        }
    }

    /// An ASSETID value, its address freshly signed.
    fn asset_id(&mut self, resource: &Resource) -> serde_json::Value {
        let checksum = resource.checksum();
        let link = self.links.sign(&self.zone.name, checksum);
        let mut value = json!({
            "fileChecksum": checksum.to_string(),
            "size": resource.body.size(),
            "wrappingKey": link.wrapping_key,
            "referenceChecksum": link.reference_checksum,
        });
        if !resource.without_url {
            value["downloadURL"] = link.url.into();
            self.published.push((checksum, resource.body.clone()));
        }
        value
    }
}
