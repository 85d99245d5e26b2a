//! `records/lookup`: records by name, their addresses signed anew (photos.md §5.4).

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::fields::DesiredKeys;
use super::query::zone_of;
use super::records::{Entry, ROOT_FOLDERS, Writer, library_info_name, publish};
use super::refusal::Refusal;
use super::request::LookupRequest;
use super::{Context, written};
use crate::library::{Kind, Subject, Uuid, Zone};

/// CloudKit's documented limit per request.
const MOST_NAMES: usize = 200;

pub(super) fn answer(context: &Context<'_>, request: LookupRequest) -> Result<Box<RawValue>, Refusal> {
    if request.records.is_empty() || request.records.len() > MOST_NAMES {
        return Err(Refusal::breach(format!("a look-up of {} names", request.records.len())));
    }
    let desired = DesiredKeys::from(request.desired_keys);
    let mut model = context.cloud.model();
    let zone = zone_of(&mut model, context, &request.zone_id)?;
    let found: Vec<_> = request.records.iter().map(|record| find(zone, &record.record_name)).collect();
    let mut writer = Writer::new(zone, &context.links, &desired);
    let records: Vec<_> = request
        .records
        .iter()
        .zip(found)
        .map(|(record, found)| {
            let there = found.and_then(|subject| writer.subject(subject)).map(Entry::from);
            there.unwrap_or_else(|| missing(&record.record_name))
        })
        .collect();
    let published = writer.published;
    let sync_token = context.wants_token.then(|| zone.token(zone.log.now()));
    publish(&mut model, published);
    Ok(written(&Body { records, sync_token }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    records: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_token: Option<String>,
}

fn missing(name: &str) -> Entry {
    json!({"recordName": name, "serverErrorCode": "NOT_FOUND", "reason": "Record not found"}).into()
}

/// The living record of this name.
fn find(zone: &mut Zone, name: &str) -> Option<Subject> {
    if let Some(n) = ROOT_FOLDERS.iter().position(|root| *root == name) {
        return (zone.kind == Kind::Personal).then_some(Subject::RootFolder(n));
    }
    let subject = match name.split_once("-IN-") {
        Some((item, album)) => {
            let album = zone.album_named(Uuid::parse(album)?)?;
            Subject::Relation(zone.relation_of(album, Uuid::parse(item)?)?)
        }
        None if name == library_info_name(zone) => Subject::LibraryInfo,
        None => match Uuid::parse(name) {
            Some(id) => zone.asset_named(id).map(Subject::Asset).or(zone.album_named(id).map(Subject::Album))?,
            None => Subject::Master(zone.master_named(name)?),
        },
    };
    zone.stamp(subject).is_some_and(|stamp| stamp.is_here()).then_some(subject)
}
