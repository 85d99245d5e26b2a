//! One record in its envelope (photos.md §0).

use serde::Serialize;
use serde_json::Value;

use crate::database::fields::FieldList;
use crate::library::{OWNER, Stamp, Zone};

/// The device that wrote everything, and the one that changed it.
const DEVICE: &str = "0F4E2D1C3B5A69788796A5B4C3D2E1F00F4E2D1C3B5A69788796A5B4C3D2E1F0";
const CHANGED_BY: &str = "2";

/// An entry of a list of records.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(in crate::database) enum Entry {
    Record(Box<Record>),
    /// A tombstone, an error in the place of a record, or a record that the service computes when asked.
    Other(Value),
}

/// A record that a person's device wrote.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::database) struct Record {
    record_name: String,
    record_type: &'static str,
    fields: FieldList,
    plugin_fields: Nothing,
    record_change_tag: String,
    created: Written,
    modified: Written,
    deleted: bool,
    #[serde(rename = "zoneID")]
    zone: ZoneId,
    /// Seconds, and only on what is trashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_time: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
struct Nothing {}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    timestamp: i64,
    user_record_name: &'static str,
    #[serde(rename = "deviceID")]
    device: &'static str,
}

/// A zone as records name it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::database) struct ZoneId {
    zone_name: String,
    owner_record_name: &'static str,
    zone_type: &'static str,
}

impl ZoneId {
    pub(in crate::database) fn of(zone: &Zone) -> ZoneId {
        ZoneId { zone_name: zone.name.clone(), owner_record_name: zone.owner(), zone_type: "REGULAR_CUSTOM_ZONE" }
    }
}

impl Record {
    pub(super) fn new(name: String, kind: &'static str, stamp: &Stamp, fields: FieldList, zone: ZoneId) -> Record {
        let by = |timestamp, device| Written { timestamp, user_record_name: OWNER, device };
        Record {
            record_name: name,
            record_type: kind,
            fields,
            plugin_fields: Nothing {},
            record_change_tag: stamp.tag(),
            created: by(stamp.created_ms, DEVICE),
            modified: by(stamp.modified_ms, CHANGED_BY),
            deleted: false,
            zone,
            expiration_time: None,
        }
    }

    /// The same, gone for good at a moment if there is one: seconds since 1970.
    pub(super) fn expiring(self, expiration_time: Option<i64>) -> Record {
        Record { expiration_time, ..self }
    }
}

impl From<Record> for Entry {
    fn from(record: Record) -> Entry {
        Entry::Record(Box::new(record))
    }
}

impl From<Value> for Entry {
    fn from(value: Value) -> Entry {
        Entry::Other(value)
    }
}
