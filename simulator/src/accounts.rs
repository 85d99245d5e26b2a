//! Sign-in (idmsa) and account (setup) services.

use std::sync::Arc;

use axum::response::Response;

use crate::call::Call;
use crate::options::Options;
use crate::reply;
use crate::state::State;

/// Who is known, and everything that was handed out to them.
pub struct Accounts {}

impl Accounts {
    pub fn new(_options: &Options) -> Self {
        Self {}
    }
}

/// Somebody whose cookies were verified.
#[derive(Clone, Debug)]
pub struct Signed {
    pub dsid: String,
}

pub async fn handle(_state: Arc<State>, _call: Call) -> Response {
    reply::empty(404)
}

/// Verifies the web session of a data call: the answer to give instead, if it does not hold. Called first by the
/// database, before it looks at the request.
pub fn authorise(state: &State, _call: &Call) -> Result<Signed, Box<Response>> {
    Ok(Signed { dsid: state.options.account.dsid.clone() })
}
