//! The fields of one record: envelopes, and only the keys that were asked for (photos.md §0).

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

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
    map: Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(desired: &'a DesiredKeys) -> Fields<'a> {
        Fields { desired, map: Map::new() }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.map)
    }

    pub(super) fn wants(&self, key: &str) -> bool {
        self.desired.wants(key)
    }

    /// Adds a field of any type, made only if it is wanted.
    pub(super) fn put(&mut self, key: &str, kind: &str, value: impl FnOnce() -> Value) {
        if self.wants(key) {
            self.map.insert(key.to_owned(), json!({"value": value(), "type": kind}));
        }
    }

    pub(super) fn int(&mut self, key: &str, value: i64) {
        self.put(key, "INT64", || value.into());
    }

    pub(super) fn time(&mut self, key: &str, ms: i64) {
        self.put(key, "TIMESTAMP", || ms.into());
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.put(key, "STRING", || value.into());
    }

    /// ENCRYPTED_BYTES: the gateway has decrypted them, so they are base64 of clear bytes.
    pub(super) fn encrypted(&mut self, key: &str, bytes: impl FnOnce() -> Vec<u8>) {
        self.put(key, "ENCRYPTED_BYTES", || STANDARD.encode(bytes()).into());
    }

    pub(super) fn encrypted_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.encrypted(key, || text.as_bytes().to_vec());
        }
    }
}
