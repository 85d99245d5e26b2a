//! Records as they stand in answers: envelope and fields (photos.md §0, §4).

mod album;
mod asset;
mod info;
mod master;
mod other;
mod record;
mod resource;

use serde_json::{Value, json};

use super::fields::{DesiredKeys, Fields};
use crate::download::Links;
use crate::library::{AlbumIndex, AssetIndex, MasterIndex, Model, Presence, RelationIndex, Stamp, Subject, Uuid, Zone};

pub(super) use album::ROOT_FOLDERS;
pub(super) use info::library_info_name;
pub(super) use record::{Entry, Record, ZoneId};

/// Writes records of one zone.
pub(super) struct Writer<'a> {
    pub(super) zone: &'a Zone,
    pub(super) links: &'a Links,
    pub(super) desired: &'a DesiredKeys,
    /// Bodies whose addresses were signed while writing.
    pub(super) published: Vec<(crate::library::Checksum, crate::library::Body)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(zone: &'a Zone, links: &'a Links, desired: &'a DesiredKeys) -> Writer<'a> {
        Writer { zone, links, desired, published: Vec::new() }
    }

    fn fields(&self) -> Fields<'a> {
        Fields::new(self.desired)
    }

    /// A record as `changes/zone` shows it: tombstones for what is gone, nothing for what vanished or never was.
    pub(super) fn change(&mut self, subject: Subject, counter: u64) -> Option<Entry> {
        match subject {
            Subject::Ghost(n) => {
                return Some(self.tombstone(&Uuid::derived(0x6705, u64::from(n)).to_string(), counter).into());
            }
            Subject::RootFolder(_) | Subject::Other(_) => return self.subject(subject).map(Entry::from),
            _ => {}
        }
        let stamp = *self.zone.stamp(subject)?;
        if stamp.changed != counter {
            return None;
        }
        match stamp.presence {
            Presence::Here => self.subject(subject).map(Entry::from),
            Presence::Tombstone => Some(self.tombstone(&self.name(subject)?, counter).into()),
            Presence::Vanished => None,
        }
    }

    /// A record that is there.
    pub(super) fn subject(&mut self, subject: Subject) -> Option<Record> {
        Some(match subject {
            Subject::Asset(index) => self.asset(index),
            Subject::Master(index) => self.master(index),
            Subject::Album(index) => self.album(index),
            Subject::Relation(index) => self.relation(index),
            Subject::LibraryInfo => self.library_info(),
            Subject::RootFolder(n) => self.root_folder(n),
            Subject::Other(n) => self.other(n),
            Subject::Ghost(_) | Subject::Gap => return None,
        })
    }

    fn name(&self, subject: Subject) -> Option<String> {
        Some(match subject {
            Subject::Asset(AssetIndex(n)) => self.zone.assets[n as usize].id.to_string(),
            Subject::Master(MasterIndex(n)) => self.zone.masters[n as usize].name(),
            Subject::Album(AlbumIndex(n)) => self.zone.albums[n as usize].id.to_string(),
            Subject::Relation(index) => self.relation_name(index),
            Subject::LibraryInfo => library_info_name(self.zone),
            Subject::RootFolder(_) | Subject::Other(_) | Subject::Ghost(_) | Subject::Gap => return None,
        })
    }

    fn relation_name(&self, index: RelationIndex) -> String {
        let relation = self.zone.relation(index);
        format!("{}-IN-{}", relation.item, self.zone.album(relation.album).id)
    }

    /// Real tombstones have a null type or none at all (photos.md §3.2): both occur here.
    fn tombstone(&self, name: &str, counter: u64) -> Value {
        let tag = Stamp { changed: counter, ..Stamp::new(0) }.tag();
        let mut tombstone =
            json!({"recordName": name, "deleted": true, "recordChangeTag": tag, "zoneID": zone_id(self.zone)});
        if counter.is_multiple_of(2) {
            tombstone["recordType"] = Value::Null;
        }
        tombstone
    }

    /// The full envelope around a record's fields.
    fn envelope(&self, name: String, kind: &'static str, stamp: &Stamp, fields: Fields<'_>) -> Record {
        Record::new(name, kind, stamp, fields.into_list(), zone_id(self.zone))
    }
}

pub(super) fn zone_id(zone: &Zone) -> ZoneId {
    ZoneId::of(zone)
}

/// A record the service computes when asked, such as a count.
pub(super) fn computed(zone: &Zone, name: &str, kind: &str, fields: Value, now_ms: i64) -> Value {
    let by = json!({"timestamp": now_ms, "userRecordName": "_10", "deviceID": "1"});
    json!({
        "recordName": name, "recordType": kind, "fields": fields, "pluginFields": {}, "recordChangeTag": "0",
        "created": by, "modified": by, "deleted": false, "zoneID": zone_id(zone),
    })
}

/// Makes the bodies behind signed addresses known to the content host.
pub(super) fn publish(model: &mut Model, published: Vec<(crate::library::Checksum, crate::library::Body)>) {
    for (checksum, body) in published {
        model.published.entry(checksum).or_insert(body);
    }
}
