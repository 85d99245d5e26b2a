//! Records of the change log that have nothing to do with files (photos.md §3.7).

use super::{Record, Writer};
use crate::library::{Kind, Stamp, Uuid};

const PERSONAL: [&str; 4] = ["CPLFaceCrop", "CPLPerson", "CPLMemory", "CPLSuggestion"];
const SHARED: [&str; 2] = ["cloudkit.share", "CPLSharedLibraryQuota"];

impl Writer<'_> {
    /// The `n`-th of them: its kind and name are always the same.
    pub(in crate::database) fn other(&self, n: u32) -> Record {
        let kinds = if self.zone.kind == Kind::SharedLibrary { &SHARED[..] } else { &PERSONAL };
        let stamp = Stamp::new(self.zone.info.created_ms);
        let mut fields = self.fields();
        fields.time("recordModificationDate", stamp.modified_ms);
        let name = Uuid::derived(0x07e4, u64::from(n)).to_string();
        self.envelope(name, kinds[n as usize % kinds.len()], &stamp, fields)
    }
}
