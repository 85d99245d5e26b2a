//! `internal/records/query/batch`: several queries in one request, answered in order (photos.md §2.4).

use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;

use super::refusal::Refusal;
use super::request::BatchRequest;
use super::{Context, query, written};

pub(super) fn answer(context: &Context<'_>, request: BatchRequest) -> Result<Box<RawValue>, Refusal> {
    let mut answers = Vec::new();
    for entry in request.batch {
        match query::answer(context, entry) {
            Ok(answer) => answers.push(answer),
            Err(refusal) if refusal.is_breach => return Err(refusal),
            Err(refusal) => {
                answers.push(written(&json!({"serverErrorCode": refusal.code, "reason": refusal.reason})));
            }
        }
    }
    Ok(written(&BTreeMap::from([("batch", answers)])))
}
