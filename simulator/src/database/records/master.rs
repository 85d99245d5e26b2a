//! CPLMaster (photos.md §4.1).

use super::{Record, Writer};
use crate::database::fields::Fields;
use crate::library::{FileName, MasterIndex, Trashed};

impl Writer<'_> {
    pub(in crate::database) fn master(&mut self, index: MasterIndex) -> Record {
        let master = self.zone.master(index);
        let mut fields = self.fields();
        file_name(&mut fields, &master.file_name);
        if let Some(item_type) = &master.item_type {
            fields.text("itemType", item_type);
        }
        fields.int("dataClassType", if master.video { 2 } else { 1 });
        fields.int("originalOrientation", i64::from(master.orientation));
        fields.time("importDate", master.stamp.created_ms);
        for (slot, resource) in master.resources.iter() {
            self.resource(&mut fields, slot, resource);
        }
        trashed(&mut fields, master.trashed.as_ref());
        let expiration = master.trashed.as_ref().map(Trashed::expiration_time_s);
        self.envelope(master.name(), "CPLMaster", &master.stamp, fields).expiring(expiration)
    }
}

fn file_name(fields: &mut Fields<'_>, name: &FileName) {
    match name {
        FileName::Encrypted(name) => fields.encrypted_text("filenameEnc", Some(name)),
        FileName::Plain(name) => fields.text("filenameEnc", name),
        FileName::Missing => (),
    }
}

/// What trashing writes on either record (photos.md §3.4).
pub(super) fn trashed(fields: &mut Fields<'_>, trashed: Option<&Trashed>) {
    let Some(trashed) = trashed else { return };
    fields.int("isDeleted", 1);
    fields.int("isExpunged", i64::from(trashed.expunged));
    fields.time("dateExpunged", trashed.date_expunged_ms());
}
