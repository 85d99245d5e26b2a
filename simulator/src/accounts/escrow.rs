//! The second proof of the password, which hands over the session key (protocol/auth.md §1.7).

use axum::response::Response;
use serde_json::json;

use super::idmsa::{self, Stage, service_errors};
use super::srp::Form;
use super::visit::Visit;
use super::{Accounts, signin};
use crate::reply;

/// The client's public value, of a new handshake that names no account.
pub fn init(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let body = visit.body()?;
    let (id, sign_in) = idmsa::sign_in(accounts, visit, Stage::Escrow)?;
    if sign_in.stage != Stage::Escrow || body["accountName"] != json!("") {
        visit.breach("a second proof that is not wanted, or that names an account");
        return Err(service_errors(400, "-20001", "Malformed request"));
    }
    let name = sign_in.account.clone();
    let (c, handshake, response) = signin::challenged(accounts, visit, &body, &name, &id)?;
    accounts.escrows.insert(c, handshake);
    Ok(response)
}

/// The proofs over the empty name, and the key: the sign-in is through.
pub fn complete(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let body = visit.body()?;
    let (id, _) = idmsa::sign_in(accounts, visit, Stage::Escrow)?;
    let handshake = body["c"].as_str().and_then(|c| accounts.escrows.remove(c));
    let Some(handshake) = handshake.filter(|handshake| handshake.session_id == id) else {
        visit.breach("`c` was never issued to this sign-in, or was used before");
        return Err(service_errors(400, "-20001", "Malformed request"));
    };
    let form = signin::proof(visit, &body).and_then(|proof| handshake.exchange.form_of(&proof, "", &handshake.salt));
    let Some(form) = form else { return Err(signin::wrong_password(visit)) };
    if signin::binary(&body["k"]).is_none_or(|key| !is_key(&handshake, &key)) {
        visit.breach("`k` is not the session key");
        return Err(service_errors(400, "-20001", "Malformed request"));
    }
    tracing::info!("{}: proven a second time, {form:?}", visit.call.line());
    accounts.proofs.push(form);
    let token = accounts.tokens.new_session(&handshake.name, Stage::Proven);
    if let Some(sign_in) = accounts.sign_ins.get_mut(&id) {
        sign_in.stage = Stage::Proven;
        sign_in.session_token = Some(token.clone());
    }
    let mut response = reply::empty(200);
    reply::set(&mut response, "x-apple-session-token", &token);
    Ok(response)
}

fn is_key(handshake: &signin::Handshake, key: &[u8]) -> bool {
    [Form::Padded, Form::Shortest].into_iter().any(|form| handshake.exchange.key(form) == key)
}
