//! `records/query`: one page of an index (photos.md §2).

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::indexes::{self, Filters, Index};
use super::listing::{self, Page};
use super::marker::Marker;
use super::refusal::Refusal;
use super::request::{self, QueryRequest, ZoneRef};
use super::{Context, counts, records, written};
use crate::library::{Kind, Model, Zone};

/// A query, read and checked.
pub(super) struct Query {
    pub(super) index: Index,
    pub(super) filters: Filters,
    pub(super) limit: usize,
    pub(super) marker: Option<Marker>,
    pub(super) desired: super::fields::DesiredKeys,
}

pub(super) fn answer(context: &Context<'_>, request: QueryRequest) -> Result<Box<RawValue>, Refusal> {
    let zone_ref = request.zone_id.clone();
    let query = read(request)?;
    let mut model = context.cloud.model();
    let now_ms = context.state.clock.now_ms();
    let zone = zone_of(&mut model, context, &zone_ref)?;
    let page = match &query.index {
        Index::IndexingState => indexing_state(zone, now_ms)?,
        Index::Counts => counts::page(zone, &query.filters.counts, now_ms)?,
        _ if zone.kind == Kind::Decoy => return Err(Refusal::invalid_index()),
        Index::Albums { .. } if zone.kind == Kind::SharedLibrary => return Err(Refusal::invalid_index()),
        Index::Assets { listing, .. } if !zone.keeps(*listing) => return Err(Refusal::invalid_index()),
        _ => listing::page(zone, &query, &context.links)?,
    };
    let token = zone.token(zone.log.now());
    let Page { records, marker, published } = page;
    records::publish(&mut model, published);
    // A page is 200 kB of text: others need not wait for it to be written.
    drop(model);
    let sync_token = (context.wants_token && query.limit > 1).then_some(token);
    Ok(written(&Body { records, continuation_marker: marker.map(|marker| marker.encode()), sync_token }))
}

fn read(request: QueryRequest) -> Result<Query, Refusal> {
    let (index, filters) = indexes::read(&request.query)?;
    let marker = match &request.continuation_marker {
        Some(text) => Some(Marker::decode(text).ok_or_else(|| Refusal::breach("a continuationMarker never issued"))?),
        None => None,
    };
    let limit = request::limit(request.results_limit)?;
    Ok(Query { index, filters, limit, marker, desired: request.desired_keys.into() })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    records: Vec<records::Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_token: Option<String>,
}

/// The living zone a request names; shared zones must be named whole (photos.md §1.3).
pub(super) fn zone_of<'m>(
    model: &'m mut Model,
    context: &Context<'_>,
    wanted: &ZoneRef,
) -> Result<&'m mut Zone, Refusal> {
    let owner = wanted.owner_record_name.as_deref();
    if wanted.zone_type.as_deref().is_some_and(|kind| kind != "REGULAR_CUSTOM_ZONE") {
        return Err(Refusal::breach("a zoneType never issued"));
    }
    if wanted.zone_name.starts_with("SharedSync-") && (owner.is_none() || wanted.zone_type.is_none()) {
        return Err(Refusal::breach("a shared zone must be named with its owner and type"));
    }
    let zone = model.zone_in(context.area, &wanted.zone_name);
    zone.filter(|zone| owner.is_none_or(|owner| owner == zone.owner())).ok_or_else(Refusal::zone_not_found)
}

/// `CMM-` zones keep no indexes at all; every other zone answers, even where its queries fail (photos.md §1.3).
fn indexing_state(zone: &Zone, now_ms: i64) -> Result<Page, Refusal> {
    if zone.name.starts_with("CMM-") {
        return Err(Refusal::invalid_index());
    }
    let fields = json!({"progress": {"value": 100, "type": "INT64"}, "state": {"value": "FINISHED", "type": "STRING"}});
    let name = "_6a0d6a52-0f5e-4a3e-8a51-000000000001";
    Ok(Page::of(vec![records::computed(zone, name, "CheckIndexingState", fields, now_ms).into()]))
}
