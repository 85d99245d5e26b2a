//! `changes/zone`: what changed since a token (photos.md §3).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fields::DesiredKeys;
use super::query::zone_of;
use super::records::{Entry, Writer, ZoneId, publish, zone_id};
use super::refusal::Refusal;
use super::request::{self, ChangesRequest, ZoneChanges};
use super::{Context, written};
use crate::library::{BEGINNING, Subject, Zone, tokens};

pub(super) fn answer(context: &Context<'_>, request: ChangesRequest) -> Result<Box<RawValue>, Refusal> {
    let mut zones = Vec::new();
    for zone in request.zones {
        let named = json!({"zoneName": zone.zone_id.zone_name});
        match of_zone(context, zone, request.results_limit) {
            Ok(changes) => zones.push(changes),
            Err(refusal) => zones.push(written(&failed(context, &named, &refusal))),
        }
    }
    Ok(written(&BTreeMap::from([("zones", zones)])))
}

/// Whatever is wrong with one zone is said in its own entry, inside HTTP 200.
fn failed(context: &Context<'_>, zone: &Value, refusal: &Refusal) -> Value {
    if refusal.is_breach {
        context.state.breaches.record(format!("changes/zone {}: {}", zone["zoneName"], refusal.reason));
    }
    json!({"zoneID": zone, "serverErrorCode": refusal.code, "reason": refusal.reason})
}

fn of_zone(context: &Context<'_>, request: ZoneChanges, shared_limit: Option<i64>) -> Result<Box<RawValue>, Refusal> {
    if request.reverse == Some(true) {
        return Err(Refusal::breach("no client asks for changes in reverse"));
    }
    let limit = request::limit(request.results_limit.or(shared_limit))?;
    let desired = DesiredKeys::from(request.desired_keys);
    let mut model = context.cloud.model();
    let zone = zone_of(&mut model, context, &request.zone_id)?;
    let start = start(zone, request.sync_token.as_deref())?;
    let mut writer = Writer::new(zone, &context.links, &desired);
    let page = page(&mut writer, start, limit);
    let published = writer.published;
    let more = page.end < zone.log.now();
    let body = Body {
        zone: zone_id(zone),
        sync_token: zone.token(page.end),
        more_coming: Some(more).filter(|more| *more || page.end.is_multiple_of(2)),
        records: page.records,
    };
    publish(&mut model, published);
    Ok(written(&body))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "zoneID")]
    zone: ZoneId,
    sync_token: String,
    /// That nothing more comes is said or left unsaid (photos.md §3.2): both occur here.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_coming: Option<bool>,
    records: Vec<Entry>,
}

/// Where a walk begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Start {
    /// Without a token: the first page of the history is empty, as observed.
    History,
    At(u64),
}

/// No token: everything. The empty one: caught up, which is a trap (photos.md §3.3).
fn start(zone: &Zone, token: Option<&str>) -> Result<Start, Refusal> {
    match token {
        None => Ok(Start::History),
        Some("") => Ok(Start::At(zone.log.now())),
        Some(token) => {
            let read = |forgotten| tokens::zone_counter(&tokens::seal(&zone.name, forgotten), token);
            if (0..zone.forgotten).any(|forgotten| read(forgotten).is_ok()) {
                return Err(Refusal::bad_request(tokens::BadToken::Unknown.to_string()));
            }
            let counter = read(zone.forgotten).map_err(|bad| Refusal::breach(bad.to_string()))?;
            let known = zone.log.knows(counter).then_some(Start::At(counter));
            known.ok_or_else(|| Refusal::breach(tokens::BadToken::Unknown.to_string()))
        }
    }
}

struct Page {
    records: Vec<Entry>,
    /// The counter its token carries.
    end: u64,
}

/// Entries that were overtaken by later ones give no record, and a gap ends a page: both make short and empty pages.
fn page(writer: &mut Writer<'_>, start: Start, limit: usize) -> Page {
    let Start::At(start) = start else { return Page { records: Vec::new(), end: BEGINNING } };
    let mut page = Page { records: Vec::new(), end: start };
    let zone = writer.zone;
    for (counter, subject) in zone.log.after(start) {
        if page.records.len() == limit {
            break;
        }
        page.end = counter;
        if subject == Subject::Gap {
            break;
        }
        page.records.extend(writer.change(subject, counter));
    }
    page
}
