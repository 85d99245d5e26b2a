//! The content host: signed links to the bytes of photos.

use std::sync::Arc;

use axum::response::Response;

use crate::call::Call;
use crate::reply;
use crate::state::State;

pub async fn handle(_state: Arc<State>, _call: Call) -> Response {
    reply::empty(404)
}
