//! The photo database (CloudKit web services).

use std::sync::Arc;

use axum::response::Response;

use crate::call::Call;
use crate::state::State;
use crate::{accounts, reply};

pub async fn handle(state: Arc<State>, call: Call) -> Response {
    match accounts::authorise(&state, &call) {
        Ok(_signed) => reply::empty(404),
        Err(refusal) => *refusal,
    }
}
