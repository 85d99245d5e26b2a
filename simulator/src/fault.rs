//! Scripted failures.

use axum::response::Response;

use crate::call::Call;
use crate::state::State;

#[derive(Debug, Default)]
pub struct Faults {}

impl Faults {
    /// Scripted faults that never struck.
    pub fn unfired(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The failure that strikes this request, if one does.
pub async fn before(_state: &State, _call: &Call) -> Option<Response> {
    None
}
