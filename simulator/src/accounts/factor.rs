//! The second factor: challenge, codes on devices and phones, trust (protocol/auth.md §3, §4.1).

use axum::response::Response;
use serde_json::{Value, json};

use super::idmsa::{self, Stage};
use super::visit::Visit;
use super::{Accounts, challenge};
use crate::options::{ChallengeShape, CodeReply};
use crate::reply;

/// What can be asked for, and the flags that say "wait". JSON only for those who ask for it.
pub fn challenge(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let name = waiting(accounts, visit)?.1;
    let state = state(accounts, visit, &name);
    let wants_json = visit.call.header("accept").unwrap_or_default().contains("application/json");
    let page = |state| reply::typed(200, "text/html;charset=UTF-8", challenge::page(state, &visit.switches));
    Ok(match visit.switches.challenge {
        ChallengeShape::Asked if wants_json => reply::json(200, &state),
        ChallengeShape::Wrapped if wants_json => reply::json(200, &json!({"phoneNumberVerification": state})),
        _ => page(state),
    })
}

fn state(accounts: &Accounts, visit: &Visit, name: &str) -> Value {
    challenge::state(&accounts.known[name], &visit.switches, visit.now_s)
}

/// Makes the trusted devices show a code.
pub fn push(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let name = waiting_for_code(accounts, visit)?.1;
    let account = accounts.account(&name);
    account.push();
    let too_many = account.too_many_sent();
    let state = state(accounts, visit, &name);
    if too_many {
        return Err(reply::json(423, &state));
    }
    let body =
        json!({"trustedDeviceCount": 2, "securityCode": state["securityCode"], "phoneNumberVerification": state});
    Ok(reply::json(202, &body))
}

/// Sends a code to a phone number.
pub fn text(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let name = waiting_for_code(accounts, visit)?.1;
    let body = visit.body()?;
    let sent_to = state(accounts, visit, &name);
    if !knows_phone(visit, &sent_to, &body) || !matches!(body["mode"].as_str(), Some("sms" | "voice")) {
        visit.breach("unknown phone number id or mode");
        return Err(refusal(412, "-28248", "A code cannot be sent to this number"));
    }
    if visit.switches.phones_refused {
        return Err(refusal(412, "-28248", "A code cannot be sent to this number now"));
    }
    let account = accounts.account(&name);
    account.text();
    if account.too_many_sent() {
        return Err(reply::json(423, &state(accounts, visit, &name)));
    }
    Ok(reply::json(200, &with(sent_to, "mode", body["mode"].clone())))
}

/// Verifies a code shown on a device.
pub fn device_code(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let (id, name) = waiting_for_code(accounts, visit)?;
    let code = code(visit, &visit.body()?)?;
    if code != accounts.account(&name).device_code {
        return Err(wrong_code(accounts, visit, &name));
    }
    let mode = visit.switches.code_reply;
    let mut state = state(accounts, visit, &name);
    if mode == CodeReply::ConflictRefused {
        return Err(reply::json(409, &state));
    }
    let token = accept(accounts, visit, &id, &name, mode != CodeReply::ConflictWithoutToken);
    state["securityCode"]["code"] = json!(code);
    state["securityCode"]["valid"] = json!(true);
    let mut response = match mode {
        _ if visit.switches.escrow.is_some() => wanting_escrow(&state),
        CodeReply::NoContent => reply::typed(204, "application/json;charset=UTF-8", ""),
        _ => reply::json(409, &state),
    };
    if let Some(token) = token {
        accepted_headers(&mut response, &token);
    }
    Ok(response)
}

/// A code was right, and a second proof of the password is wanted (protocol/auth.md §1.7).
fn wanting_escrow(state: &Value) -> Response {
    let mut response = reply::json(409, state);
    reply::set(&mut response, "x-apple-pdp", "true");
    response
}

/// Verifies a code sent to a phone number. 200 unless more is wanted: one client takes nothing else here.
pub fn phone_code(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let (id, name) = waiting_for_code(accounts, visit)?;
    let body = visit.body()?;
    let code = code(visit, &body)?;
    let mut state = state(accounts, visit, &name);
    if !knows_phone(visit, &state, &body) {
        visit.breach("unknown phone number id");
        return Err(refusal(412, "-28248", "Unknown phone number"));
    }
    if accounts.account(&name).sms_code.as_ref() != Some(&code) {
        return Err(wrong_code(accounts, visit, &name));
    }
    let token = accept(accounts, visit, &id, &name, true).expect("a token was asked for");
    state["securityCode"]["valid"] = json!(true);
    let mut response = match visit.switches.escrow {
        Some(_) => wanting_escrow(&state),
        None => reply::json(200, &state),
    };
    accepted_headers(&mut response, &token);
    Ok(response)
}

/// Remembers this browser: its trust token spares the next code.
pub fn trust(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let (id, sign_in) = idmsa::sign_in(accounts, visit, Stage::Proven)?;
    let name = sign_in.account.clone();
    let session_token = accounts.tokens.new_session(&name, Stage::Proven);
    let trust_token = accounts.tokens.new_trust(&name);
    if let Some(sign_in) = accounts.sign_ins.get_mut(&id) {
        sign_in.session_token = Some(session_token.clone());
    }
    let mut response = reply::empty(204);
    accepted_headers(&mut response, &session_token);
    reply::set(&mut response, "x-apple-twosv-trust-token", &trust_token);
    reply::set(&mut response, "x-apple-twosv-trust-eligible", "true");
    Ok(response)
}

/// A sign-in whose password is proven: its id and account.
fn waiting(accounts: &mut Accounts, visit: &Visit) -> Result<(String, String), Response> {
    let (id, sign_in) = idmsa::sign_in(accounts, visit, Stage::Password)?;
    Ok((id, sign_in.account.clone()))
}

/// The same, for the calls that make or take codes: not once one was accepted, not while locked out.
fn waiting_for_code(accounts: &mut Accounts, visit: &Visit) -> Result<(String, String), Response> {
    let (id, name) = waiting(accounts, visit)?;
    if accounts.sign_ins[&id].stage >= Stage::Escrow {
        visit.breach("the second factor is already proven");
    }
    if accounts.known[&name].locked_out(visit.now_s) {
        return Err(locked(accounts, visit, &name));
    }
    Ok((id, name))
}

/// The code in a body: six digits as a string, so that leading zeros survive.
fn code(visit: &Visit, body: &Value) -> Result<String, Response> {
    let code = body["securityCode"]["code"].as_str().unwrap_or_default();
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(code.to_owned());
    }
    visit.breach("the code is not a string of six digits");
    Err(refusal(400, "-21669", "Incorrect verification code"))
}

/// Whether the body names a trusted number, in the way that it was told of: one that came with `nonFTEU` set has to go
/// back with it (protocol/auth.md §3.4).
fn knows_phone(visit: &Visit, state: &Value, body: &Value) -> bool {
    let sent = &body["phoneNumber"];
    let phones = state["trustedPhoneNumbers"].as_array();
    let Some(phone) = phones.into_iter().flatten().find(|phone| phone["id"] == sent["id"]) else { return false };
    if phone["nonFTEU"] == json!(true) && sent["nonFTEU"] != json!(true) {
        visit.note("a phone number without its nonFTEU");
        return false;
    }
    true
}

/// Moves the sign-in past the second factor; a new session token if asked for, else the old one is promoted.
fn accept(accounts: &mut Accounts, visit: &Visit, id: &str, name: &str, fresh: bool) -> Option<String> {
    tracing::info!("{}: code accepted", visit.call.line());
    accounts.account(name).right_code();
    let stage = if visit.switches.escrow.is_some() { Stage::Escrow } else { Stage::Proven };
    let token = fresh.then(|| accounts.tokens.new_session(name, stage));
    let sign_in = accounts.sign_ins.get_mut(id)?;
    sign_in.stage = stage;
    match &token {
        Some(token) => sign_in.session_token = Some(token.clone()),
        None => sign_in.session_token.iter().for_each(|token| accounts.tokens.promote_session(token, stage)),
    }
    token
}

fn accepted_headers(response: &mut Response, session_token: &str) {
    reply::set(response, "x-apple-session-token", session_token);
    reply::set(response, "x-apple-id-account-country", "USA");
    reply::set(response, "x-apple-oauth-grant-code", &super::tokens::random(40));
}

fn wrong_code(accounts: &mut Accounts, visit: &Visit, name: &str) -> Response {
    accounts.account(name).wrong_code(visit.switches.wrong_codes_allowed, visit.now_s);
    if accounts.known[name].locked_out(visit.now_s) {
        return locked(accounts, visit, name);
    }
    if !visit.switches.refusal_in_header_only {
        return refusal(400, "-21669", "Incorrect verification code");
    }
    let mut response = refusal(200, "-21669", "Incorrect verification code");
    reply::set(&mut response, "x-apple-i-rscd", "401");
    response
}

fn locked(accounts: &Accounts, visit: &Visit, name: &str) -> Response {
    let mut body = state(accounts, visit, name);
    body["service_errors"] = errors("-22982", "Too many verification codes");
    body["hasError"] = json!(true);
    let mut response = reply::json(423, &body);
    reply::set(&mut response, "x-apple-i-ercd", "-22982");
    response
}

/// An error in the shape of the code endpoints.
fn refusal(status: u16, code: &str, message: &str) -> Response {
    let mut response = reply::json(status, &json!({"service_errors": errors(code, message), "hasError": true}));
    reply::set(&mut response, "x-apple-i-ercd", code);
    response
}

fn errors(code: &str, message: &str) -> Value {
    json!([{"code": code, "title": message, "message": message, "suppressDismissal": false}])
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    object[key] = value;
    object
}
