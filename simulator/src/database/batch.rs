//! `internal/records/query/batch`: several queries in one request, answered in order (photos.md §2.4).

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::request::BatchRequest;
use super::{Context, query};

pub(super) fn answer(context: &Context<'_>, request: BatchRequest) -> Result<Value, Refusal> {
    let mut answers = Vec::new();
    for entry in request.batch {
        match query::answer(context, entry) {
            Ok(answer) => answers.push(answer),
            Err(refusal) if refusal.is_breach => return Err(refusal),
            Err(refusal) => answers.push(json!({"serverErrorCode": refusal.code, "reason": refusal.reason})),
        }
    }
    Ok(json!({"batch": answers}))
}
