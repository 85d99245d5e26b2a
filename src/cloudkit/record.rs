//! A record and its typed fields.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::wire::Field;

/// A record, or the tombstone of one.
#[derive(Clone, Debug)]
pub struct Record {
    pub name: String,
    /// `None` for a tombstone: what it was must be remembered by whoever saw it alive.
    pub record_type: Option<String>,
    pub deleted: bool,
    pub change_tag: String,
    /// Milliseconds since 1970.
    pub modified: Option<i64>,
    /// Milliseconds since 1970.
    pub created: Option<i64>,
    pub(super) fields: HashMap<String, Field>,
}

/// The value of a field of type ASSETID: a file in Apple's store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetValue {
    pub checksum: String,
    pub size: u64,
    /// Missing while an upload is not finished.
    pub download_url: Option<String>,
}

impl Record {
    /// Text: a STRING as it is, ENCRYPTED_BYTES as the UTF-8 inside (the gateway has decrypted it already).
    pub fn text(&self, field: &str) -> Option<String> {
        let Field { value, kind } = self.fields.get(field)?;
        let text = value.as_str()?;
        let encoded = kind.as_deref().map_or(field.ends_with("Enc"), |kind| kind == "ENCRYPTED_BYTES");
        match encoded {
            true => String::from_utf8(STANDARD.decode(text).ok()?).ok(),
            false => Some(text.to_owned()),
        }
    }

    /// The clear bytes of a field of type ENCRYPTED_BYTES.
    pub fn bytes(&self, field: &str) -> Option<Vec<u8>> {
        STANDARD.decode(self.fields.get(field)?.value.as_str()?).ok()
    }

    /// A whole number: INT64, TIMESTAMP (milliseconds since 1970), a flag sent as true or false, a DOUBLE cut off.
    pub fn int(&self, field: &str) -> Option<i64> {
        let value = &self.fields.get(field)?.value;
        value.as_i64().or_else(|| value.as_bool().map(i64::from)).or_else(|| value.as_f64().map(|v| v as i64))
    }

    /// A flag: absent, null and 0 are no.
    pub fn flag(&self, field: &str) -> bool {
        self.int(field).unwrap_or(0) != 0
    }

    /// A floating-point number.
    pub fn double(&self, field: &str) -> Option<f64> {
        self.fields.get(field)?.value.as_f64()
    }

    /// The record name a REFERENCE points to.
    pub fn reference(&self, field: &str) -> Option<String> {
        Some(self.fields.get(field)?.value.get("recordName")?.as_str()?.to_owned())
    }

    /// A file; `None` unless both its size and its checksum are there.
    pub fn asset(&self, field: &str) -> Option<AssetValue> {
        let value = &self.fields.get(field)?.value;
        Some(AssetValue {
            checksum: value.get("fileChecksum")?.as_str()?.to_owned(),
            size: value.get("size").and_then(Value::as_u64)?,
            download_url: value.get("downloadURL").and_then(Value::as_str).map(str::to_owned),
        })
    }
}
