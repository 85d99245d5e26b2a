//! The control port: what the Rust handle can do, for scripts and other processes. Loopback only.
//!
//! `GET /truth`, `/breaches`, `/notes`, `/requests`; `POST /command` with a [`Command`], `POST /fault` with a
//! [`Fault`]; `DELETE /faults`. Bodies are JSON and must say so, which keeps web pages out.

mod command;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State as With;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fault::Fault;
use crate::library::Truth;
use crate::state::State;
pub use command::{Command, SeededPhoto};

pub async fn serve(state: Arc<State>, listener: TcpListener) {
    if let Err(error) = axum::serve(listener, routes(state)).await {
        tracing::error!("control port: {error}");
    }
}

fn routes(state: Arc<State>) -> Router {
    Router::new()
        .route("/truth", get(truth))
        .route("/breaches", get(breaches))
        .route("/notes", get(notes))
        .route("/requests", get(requests))
        .route("/command", post(command))
        .route("/fault", post(fault))
        .route("/faults", delete(clear_faults))
        .with_state(state)
}

type World = With<Arc<State>>;

/// Hashing a large library takes a while: not on a thread that answers others.
async fn truth(With(state): World) -> Result<Json<Truth>, StatusCode> {
    let truth = tokio::task::spawn_blocking(move || state.cloud.truth()).await;
    truth.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn breaches(With(state): World) -> Json<Vec<String>> {
    Json(state.breaches.all())
}

async fn notes(With(state): World) -> Json<Vec<String>> {
    Json(state.breaches.notes())
}

async fn requests(With(state): World) -> Json<BTreeMap<String, u64>> {
    Json(state.requests.counts())
}

async fn command(With(state): World, Json(command): Json<Command>) -> (StatusCode, Json<Value>) {
    match command.run(&state) {
        Ok(result) => (StatusCode::OK, Json(result)),
        Err(error) => (StatusCode::NOT_FOUND, Json(json!({"error": error.to_string()}))),
    }
}

async fn fault(With(state): World, Json(fault): Json<Fault>) -> Json<Value> {
    state.faults.add(fault);
    Json(json!({}))
}

async fn clear_faults(With(state): World) -> Json<Value> {
    state.faults.clear();
    Json(json!({}))
}

#[cfg(test)]
mod tests;
