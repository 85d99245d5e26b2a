//! The photo database (CloudKit web services): zones, queries, changes and look-ups over the [`crate::library`].
//!
//! Written from photos.md §0–§5. What no correct client sends is refused and recorded as a breach.

mod batch;
mod changes;
mod counts;
mod fields;
mod indexes;
mod listing;
mod lookup;
mod marker;
mod query;
mod records;
mod refusal;
mod request;
mod zones;

use std::sync::Arc;

use axum::http::Method;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::call::Call;
use crate::download::Links;
use crate::library::{Area, Cloud};
use crate::state::State;
use crate::{accounts, reply};
use refusal::Refusal;

const PREFIX: &str = "/database/1/com.apple.photos.cloud/production/";

/// No answer has more records, whatever is asked for (photos.md §2.5).
const MOST_RECORDS: usize = 200;

/// One authorised request on its way through an operation.
struct Context<'a> {
    state: &'a State,
    /// The libraries of whoever asks.
    cloud: Cloud,
    area: Area,
    links: Links,
    /// The query asked for the zone's sync token.
    wants_token: bool,
}

pub async fn handle(state: Arc<State>, call: Call) -> Response {
    let signed = match accounts::authorise(&state, &call) {
        Ok(signed) => signed,
        Err(refusal) => return *refusal,
    };
    let mut response = match answer(&state, state.cloud_of(&signed.dsid), &call) {
        Ok(body) => reply::json(200, &body),
        Err(refusal) => refused(&state, &call, &refusal),
    };
    signed.set_cookies(&call, &mut response);
    reply::set(&mut response, "x-apple-cloudkit-version", "1.0");
    reply::set(&mut response, "x-apple-user-partition", "61");
    reply::set(&mut response, "x-apple-request-uuid", &request_uuid());
    response
}

fn refused(state: &State, call: &Call, refusal: &Refusal) -> Response {
    if refusal.is_breach {
        state.breaches.record(format!("{}: {}", call.line(), refusal.reason));
    }
    reply::json(refusal.status, &refusal.body(&request_uuid()))
}

fn request_uuid() -> String {
    crate::library::Uuid::derived(rand::random(), 0).to_string().to_lowercase()
}

fn answer(state: &State, cloud: Cloud, call: &Call) -> Result<Box<RawValue>, Refusal> {
    let (area, operation) = operation(&call.path)?;
    if call.method != Method::POST {
        return Err(Refusal::breach(format!("{} is not how operations are called", call.method)));
    }
    let links = Links::new(&cloud, call.front.content_url());
    let wants_token = call.query("getCurrentSyncToken").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let context = Context { state, cloud, area, links, wants_token };
    match operation {
        "zones/list" => zones::list(&context, &call.body).map(|body| written(&body)),
        "changes/database" => zones::changed(&context, &call.body).map(|body| written(&body)),
        "changes/zone" => changes::answer(&context, request::read(&call.body)?),
        "records/query" => query::answer(&context, request::read(&call.body)?),
        "internal/records/query/batch" => batch::answer(&context, request::read(&call.body)?),
        "records/lookup" => lookup::answer(&context, request::read(&call.body)?),
        other => Err(Refusal::breach(format!("there is no operation {other} for a client that only reads"))),
    }
}

/// An answer, or a part of one, as text.
fn written(body: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(body).expect("text for keys, and numbers that JSON has")
}

fn operation(path: &str) -> Result<(Area, &str), Refusal> {
    let rest = path.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/'));
    match rest {
        Some(("private", operation)) => Ok((Area::Private, operation)),
        Some(("shared", operation)) => Ok((Area::Shared, operation)),
        _ => Err(Refusal::breach("there is no such container, environment or database")),
    }
}

#[cfg(test)]
mod tests;
