//! JSON answers that say something else than the handlers meant.

use std::io;

use axum::body::{Body, to_bytes};
use axum::http::header;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Place;

/// How an answer is changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// No records, and nothing more to come; the token stays.
    EmptyListing,
    /// No zones: neither what changed in them nor that they are there.
    NoZones,
    /// The second half of the records is missing.
    HalfPage,
    /// Assets come without their masters.
    WithoutMasters,
    /// Records come without these fields.
    WithoutFields(Vec<String>),
    /// These fields of records hold bytes that are nothing.
    Garbled(Vec<String>),
    /// Resources come without a download address.
    WithoutUrls,
    /// Counts are off by so many, never below 0.
    CountsOff(i64),
    /// Indexing is still running, so many percent done.
    Indexing(u64),
    /// More is said to come, always.
    MoreComing,
    /// An error inside HTTP 200.
    ErrorInside { place: Place, code: String, reason: String },
}

/// Changes an answer of 200; others pass.
pub(super) async fn change(response: Response, change: Change) -> io::Result<Response> {
    if response.status() != 200 {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(io::Error::other)?;
    let Ok(mut answer) = serde_json::from_slice::<Value>(&bytes) else {
        return Ok(Response::from_parts(parts, Body::from(bytes)));
    };
    if matches!(change, Change::NoZones) {
        answer
            .as_object_mut()
            .and_then(|whole| whole.get_mut("zones"))
            .into_iter()
            .for_each(|zones| *zones = json!([]));
    }
    each_part(&mut answer, &|part| apply(part, &change));
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(answer.to_string())))
}

/// The parts of an answer that hold records: itself, or the entries of a batch or of several zones.
fn each_part(answer: &mut Value, apply: &dyn Fn(&mut Map<String, Value>)) {
    for list in ["batch", "zones"] {
        let parts = answer.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        parts.filter_map(Value::as_object_mut).for_each(apply);
    }
    match answer.as_object_mut() {
        Some(whole) if whole.contains_key("records") || whole.contains_key("moreComing") => apply(whole),
        _ => (),
    }
}

fn apply(part: &mut Map<String, Value>, change: &Change) {
    match change {
        Change::EmptyListing => {
            part.insert("records".into(), json!([]));
            part.remove("continuationMarker");
        }
        Change::HalfPage => edit_records(part, |records| records.truncate(records.len() / 2)),
        Change::WithoutMasters => {
            edit_records(part, |records| records.retain(|record| record["recordType"] != "CPLMaster"))
        }
        Change::ErrorInside { place, code, reason } => error_inside(part, *place, code, reason),
        Change::WithoutFields(names) => each_fields(part, |fields| fields.retain(|name, _| !names.contains(name))),
        Change::Garbled(names) => each_fields(part, |fields| garble(fields, names)),
        Change::WithoutUrls => each_fields(part, without_urls),
        Change::CountsOff(by) => each_fields(part, |fields| count_off(fields, *by)),
        Change::MoreComing => drop(part.insert("moreComing".into(), true.into())),
        Change::NoZones => {}
        Change::Indexing(percent) => each_fields(part, |fields| indexing(fields, *percent)),
    }
}

fn edit_records(part: &mut Map<String, Value>, edit: impl FnOnce(&mut Vec<Value>)) {
    if let Some(records) = part.get_mut("records").and_then(Value::as_array_mut) {
        edit(records);
    }
}

fn each_fields(part: &mut Map<String, Value>, edit: impl Fn(&mut Map<String, Value>)) {
    let records = part.get_mut("records").and_then(Value::as_array_mut).into_iter().flatten();
    records.filter_map(|record| record.get_mut("fields").and_then(Value::as_object_mut)).for_each(edit);
}

/// Eight bytes in base64.
fn garble(fields: &mut Map<String, Value>, names: &[String]) {
    for name in names {
        if let Some(field) = fields.get_mut(name) {
            field["value"] = "Z2FyYmFnZSE=".into();
        }
    }
}

fn without_urls(fields: &mut Map<String, Value>) {
    let values = fields.values_mut().filter_map(|field| field.get_mut("value").and_then(Value::as_object_mut));
    values.for_each(|value| drop(value.remove("downloadURL")));
}

fn count_off(fields: &mut Map<String, Value>, by: i64) {
    if let Some(count) = fields.get_mut("itemCount") {
        count["value"] = (count["value"].as_i64().unwrap_or(0) + by).max(0).into();
    }
}

fn indexing(fields: &mut Map<String, Value>, percent: u64) {
    if fields.contains_key("progress") {
        fields["progress"]["value"] = percent.into();
        fields["state"]["value"] = "RUNNING".into();
    }
}

fn error_inside(part: &mut Map<String, Value>, place: Place, code: &str, reason: &str) {
    let failed = |mut known: Map<String, Value>| {
        known.insert("serverErrorCode".into(), code.into());
        known.insert("reason".into(), reason.into());
        known
    };
    if place == Place::Zone {
        *part = failed(
            part.iter().filter(|(key, _)| *key == "zoneID").map(|(key, value)| (key.clone(), value.clone())).collect(),
        );
        return;
    }
    let many = if place == Place::FirstRecord { 1 } else { usize::MAX };
    let records = part.get_mut("records").and_then(Value::as_array_mut).into_iter().flatten();
    for record in records.take(many) {
        let name = Map::from_iter([("recordName".to_owned(), record["recordName"].clone())]);
        *record = Value::Object(failed(name));
    }
}
