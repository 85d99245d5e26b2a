//! The JSON of answers. Private to this room: unknown members are ignored, missing ones are errors here.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CloudKitError, Record, SyncToken, Zone};

#[derive(Clone, Debug, Deserialize)]
pub struct Field {
    #[serde(default)]
    pub value: Value,
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// An error as the service spells it, at the top level, in a zone or in a record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    pub server_error_code: Option<String>,
    pub reason: Option<String>,
    /// Seconds.
    pub retry_after: Option<f64>,
}

impl Fault {
    /// This fault as an error, if it is one.
    pub fn check(self, status: u16) -> Result<(), CloudKitError> {
        match self.server_error_code {
            None => Ok(()),
            Some(code) => Err(CloudKitError::Refused {
                status,
                code,
                reason: self.reason.unwrap_or_else(|| "no reason given".into()),
                retry_after: self.retry_after.and_then(|s| Duration::try_from_secs_f64(s).ok()),
            }),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordWire {
    pub record_name: Option<String>,
    record_type: Option<String>,
    #[serde(default)]
    fields: HashMap<String, Field>,
    record_change_tag: Option<String>,
    created: Option<Stamp>,
    modified: Option<Stamp>,
    deleted: Option<bool>,
    #[serde(flatten)]
    fault: Fault,
}

#[derive(Debug, Deserialize)]
struct Stamp {
    timestamp: Option<i64>,
}

impl RecordWire {
    /// The record, or the error that came in its place.
    pub fn into_record(self) -> Result<Record, CloudKitError> {
        self.fault.check(200)?;
        Ok(Record {
            name: self.record_name.ok_or_else(|| CloudKitError::malformed("a record without a name"))?,
            record_type: self.record_type,
            deleted: self.deleted.unwrap_or(false),
            change_tag: self.record_change_tag.unwrap_or_default(),
            modified: self.modified.and_then(|s| s.timestamp),
            created: self.created.and_then(|s| s.timestamp),
            fields: self.fields,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Records {
    pub records: Vec<RecordWire>,
    pub sync_token: Option<String>,
    pub continuation_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Batch {
    pub batch: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseChanges {
    pub zones: Vec<ZoneWire>,
    pub sync_token: String,
    pub more_coming: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneWire {
    #[serde(rename = "zoneID")]
    pub id: ZoneId,
    pub deleted: Option<bool>,
    #[serde(flatten)]
    pub fault: Fault,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneId {
    pub zone_name: String,
    pub owner_record_name: Option<String>,
    pub zone_type: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct ZoneChanges {
    pub zones: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZonePage {
    #[serde(default)]
    pub records: Vec<RecordWire>,
    pub sync_token: String,
    pub more_coming: Option<bool>,
}

/// Reads a value, after looking for an error in its place.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, CloudKitError> {
    if let Ok(fault) = Fault::deserialize(&value) {
        fault.check(200)?;
    }
    serde_json::from_value(value).map_err(CloudKitError::malformed)
}

/// A token that must not be empty.
pub fn token(text: String) -> Result<SyncToken, CloudKitError> {
    SyncToken::new(text).ok_or_else(|| CloudKitError::malformed("an empty sync token"))
}

impl ZoneId {
    pub fn into_zone(self, area: super::Area) -> Zone {
        Zone { area, name: self.zone_name, owner: self.owner_record_name, zone_type: self.zone_type }
    }
}
