//! The fields of one record: envelopes, and only the keys that were asked for (photos.md §0).

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::records::ZoneId;

/// The keys a request wants; none named means all.
#[derive(Clone, Debug, Default)]
pub(super) struct DesiredKeys(Option<HashSet<String>>);

impl From<Option<Vec<String>>> for DesiredKeys {
    fn from(keys: Option<Vec<String>>) -> DesiredKeys {
        DesiredKeys(keys.map(|keys| keys.into_iter().collect()))
    }
}

impl DesiredKeys {
    pub(super) fn wants(&self, key: &str) -> bool {
        self.0.as_ref().is_none_or(|keys| keys.contains(key))
    }
}

/// Collects fields; those nobody asked for cost nothing.
pub(super) struct Fields<'a> {
    desired: &'a DesiredKeys,
    list: FieldList,
}

/// The fields of a record. Serialises as an object.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldList(Vec<(Cow<'static, str>, Field)>);

#[derive(Clone, Debug, Serialize)]
struct Field {
    value: Content,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// What a field holds.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content {
    Int(i64),
    Text(String),
    Reference(Reference),
    File(Box<File>),
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) record_name: String,
    pub(super) action: &'static str,
    #[serde(rename = "zoneID")]
    pub(super) zone: ZoneId,
}

/// The value of an ASSETID.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    pub(super) file_checksum: String,
    pub(super) size: u64,
    pub(super) wrapping_key: String,
    pub(super) reference_checksum: String,
    #[serde(rename = "downloadURL", skip_serializing_if = "Option::is_none")]
    pub(super) download_url: Option<String>,
}

impl Serialize for FieldList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, field)| (key, field)))
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(desired: &'a DesiredKeys) -> Fields<'a> {
        Fields { desired, list: FieldList::default() }
    }

    pub(super) fn into_list(self) -> FieldList {
        self.list
    }

    pub(super) fn wants(&self, key: &str) -> bool {
        self.desired.wants(key)
    }

    /// Adds a field of any type, made only if it is wanted.
    pub(super) fn put(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        kind: &'static str,
        value: impl FnOnce() -> Content,
    ) {
        let key = key.into();
        if self.wants(&key) {
            self.list.0.push((key, Field { value: value(), kind }));
        }
    }

    pub(super) fn int(&mut self, key: impl Into<Cow<'static, str>>, value: i64) {
        self.put(key, "INT64", || Content::Int(value));
    }

    pub(super) fn time(&mut self, key: &'static str, ms: i64) {
        self.put(key, "TIMESTAMP", || Content::Int(ms));
    }

    pub(super) fn text(&mut self, key: impl Into<Cow<'static, str>>, value: &str) {
        self.put(key, "STRING", || Content::Text(value.to_owned()));
    }

    /// ENCRYPTED_BYTES: the gateway has decrypted them, so they are base64 of clear bytes.
    pub(super) fn encrypted(&mut self, key: &'static str, bytes: impl FnOnce() -> Vec<u8>) {
        self.put(key, "ENCRYPTED_BYTES", || Content::Text(STANDARD.encode(bytes())));
    }

    pub(super) fn encrypted_text(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.encrypted(key, || text.as_bytes().to_vec());
        }
    }
}
