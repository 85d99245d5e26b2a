//! The JSON of answers, read where it lies: a page of records is some 200 kB, and most of it is never looked at. Private to
//! this room: unknown members are ignored, missing ones are errors here.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{CloudKitError, Record, SyncToken, Zone};

/// Text of an answer: borrowed, unless characters in it are escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Either).map(Text)
    }
}

/// A field of a record. Its value is read when it is asked for.
#[derive(Clone, Debug, Deserialize)]
pub struct Field<'a> {
    #[serde(borrow)]
    pub value: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
}

/// The fields of a record, in a list: to look through some twenty names costs less than to hash each of them.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a>(Vec<(Text<'a>, Field<'a>)>);

impl<'a> Fields<'a> {
    pub fn get(&self, name: &str) -> Option<&Field<'a>> {
        self.0.iter().rev().find(|(known, _)| **known == *name).map(|(_, field)| field)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'a>, D::Error> {
        struct Entries<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Entries<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields by name")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'a>, M::Error> {
                let mut fields = Vec::with_capacity(USUAL_FIELDS);
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Of an asset, of those that are asked for.
const USUAL_FIELDS: usize = 20;

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
pub struct RecordWire<'a> {
    pub record_name: Option<String>,
    #[serde(borrow)]
    record_type: Option<Text<'a>>,
    /// A tombstone has none, and its type may be null (protocol/photos.md §3.2): null is taken here, too.
    #[serde(borrow)]
    fields: Option<Fields<'a>>,
    modified: Option<Stamp>,
    deleted: Option<bool>,
    // Those of a [`Fault`]: flattening one would copy every member that is not known.
    server_error_code: Option<String>,
    reason: Option<String>,
    retry_after: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Stamp {
    timestamp: Option<i64>,
}

impl<'a> RecordWire<'a> {
    /// The record, or the error that came in its place.
    pub fn into_record(self) -> Result<Record<'a>, CloudKitError> {
        let RecordWire { server_error_code, reason, retry_after, .. } = self;
        Fault { server_error_code, reason, retry_after }.check(200)?;
        Ok(Record {
            name: self.record_name.ok_or_else(|| CloudKitError::malformed("a record without a name"))?,
            record_type: self.record_type,
            deleted: self.deleted.unwrap_or(false),
            modified: self.modified.and_then(|s| s.timestamp),
            fields: self.fields.unwrap_or_default(),
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Records<'a> {
    #[serde(borrow)]
    pub records: Vec<RecordWire<'a>>,
    pub sync_token: Option<String>,
    pub continuation_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Batch<'a> {
    #[serde(borrow)]
    pub batch: Vec<&'a RawValue>,
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
pub struct ZoneChanges<'a> {
    #[serde(borrow)]
    pub zones: Vec<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZonePage<'a> {
    #[serde(borrow, default)]
    pub records: Vec<RecordWire<'a>>,
    pub sync_token: String,
    pub more_coming: Option<bool>,
}

/// Reads an answer or a part of one, after looking for an error in its place.
pub fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, CloudKitError> {
    let no_json = || CloudKitError::malformed("an answer that is not JSON");
    let text = std::str::from_utf8(json).map_err(|_| no_json())?;
    // To look for the word costs a tenth of reading all of it twice.
    if text.contains("serverErrorCode")
        && let Ok(fault) = serde_json::from_str::<Fault>(text)
    {
        fault.check(200)?;
    }
    serde_json::from_str(text).map_err(|error| match error.is_data() {
        true => CloudKitError::malformed(error),
        false => no_json(),
    })
}

/// What is wanted of each record; fails if one came as an error.
pub fn records<T>(
    records: Vec<RecordWire<'_>>,
    read: impl Fn(&Record<'_>) -> Option<T>,
) -> Result<Vec<T>, CloudKitError> {
    records.into_iter().filter_map(|record| record.into_record().map(|record| read(&record)).transpose()).collect()
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
