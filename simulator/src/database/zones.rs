//! `zones/list` and `changes/database`: which zones there are, and which changed (photos.md §1.1, §1.2).

use serde_json::{Value, json};

use super::Context;
use super::records::zone_id;
use super::refusal::Refusal;
use super::request::{self, DatabaseRequest};
use crate::library::{Area, Model, Zone, tokens};

pub(super) fn list(context: &Context<'_>, body: &[u8]) -> Result<Value, Refusal> {
    read(body)?;
    let model = context.cloud.model();
    let zones: Vec<_> = model.zones_in(context.area).map(entry).collect();
    let mut answer = json!({"moreComing": false, "zones": zones});
    if let Some(token) = model.zones_in(context.area).next().map(token) {
        answer["syncToken"] = token.into();
    }
    Ok(answer)
}

pub(super) fn changed(context: &Context<'_>, body: &[u8]) -> Result<Value, Refusal> {
    let request = read(body)?;
    let mut model = context.cloud.model();
    let since = since(&model, context.area, request.sync_token.as_deref())?;
    let mut zones: Vec<_> = model.zones_in(context.area).filter(|zone| zone.generation > since).collect();
    let most = context.state.switches().zones_per_page;
    let more_coming = zones.len() > most;
    if more_coming {
        zones.sort_by_key(|zone| zone.generation);
        zones.truncate(most);
    }
    let until = zones.last().filter(|_| more_coming).map_or(model.generation, |zone| zone.generation);
    let zones: Vec<_> = zones.into_iter().map(entry).collect();
    model.nonce += 1;
    let seal = tokens::seal(area_name(context.area), model.forgotten);
    let token = tokens::of_database(&seal, until, model.nonce);
    Ok(json!({"syncToken": token, "moreComing": more_coming, "zones": zones}))
}

fn since(model: &Model, area: Area, token: Option<&str>) -> Result<u64, Refusal> {
    let Some(token) = token else { return Ok(0) };
    let read = |forgotten| tokens::database_counter(&tokens::seal(area_name(area), forgotten), token);
    if (0..model.forgotten).any(|forgotten| read(forgotten).is_ok()) {
        return Err(Refusal::bad_request(tokens::BadToken::Unknown.to_string()));
    }
    let counter = read(model.forgotten).map_err(|bad| Refusal::breach(bad.to_string()))?;
    if counter > model.generation {
        return Err(Refusal::breach(tokens::BadToken::Unknown.to_string()));
    }
    Ok(counter)
}

fn read(body: &[u8]) -> Result<DatabaseRequest, Refusal> {
    if body.is_empty() { Ok(DatabaseRequest::default()) } else { request::read(body) }
}

fn entry(zone: &Zone) -> Value {
    json!({"zoneID": zone_id(zone), "syncToken": token(zone), "deleted": zone.deleted})
}

fn token(zone: &Zone) -> String {
    zone.token(zone.log.now())
}

fn area_name(area: Area) -> &'static str {
    match area {
        Area::Private => "private",
        Area::Shared => "shared",
    }
}
