//! `setup.icloud.com/setup/ws/1`: login with a token, validation of cookies, logout, web access.

use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::cookies::{self, Baker};
use super::tokens::WebToken;
use super::visit::Visit;
use super::{Accounts, keys, login, tokens};
use crate::reply;

/// Answers one request, with the headers that every answer carries.
pub fn answer(accounts: &mut Accounts, visit: &Visit) -> Response {
    origin(visit);
    let mut response = route(accounts, visit).unwrap_or_else(|refusal| refusal);
    reply::set(&mut response, "x-apple-request-uuid", &tokens::uuid());
    reply::set(&mut response, "x-apple-user-partition", "61");
    response
}

fn route(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let handler: Handler = match visit.call.path.trim_start_matches("/setup/ws/1/") {
        "accountLogin" => login::account_login,
        "validate" => login::validate,
        "logout" => logout,
        "requestWebAccessState" => keys::web_access_state,
        "enableDeviceConsentForPCS" => keys::device_consent,
        "requestPCS" => keys::request_pcs,
        _ => {
            visit.breach("no such endpoint");
            return Err(reply::empty(404));
        }
    };
    if visit.call.method != Method::POST {
        visit.breach("wrong method");
        return Err(reply::empty(405));
    }
    handler(accounts, visit)
}

type Handler = fn(&mut Accounts, &Visit) -> Result<Response, Response>;

/// The page that the web client runs in.
pub fn origin(visit: &Visit) {
    let header = |name| visit.call.header(name).unwrap_or_default();
    let is_of_icloud = |name| header(name).starts_with("https://www.icloud.com");
    if !is_of_icloud("origin") || !is_of_icloud("referer") {
        visit.note("no Origin and Referer of www.icloud.com");
    }
}

/// How the web client says that it sends JSON.
pub fn content_type(visit: &Visit, expected: &str) {
    if !visit.call.header("content-type").unwrap_or_default().starts_with(expected) {
        visit.note("another Content-Type than the web client's");
    }
}

/// The web session of this request, if its cookies hold.
pub fn web_session(accounts: &Accounts, visit: &Visit) -> Result<WebToken, Response> {
    let cookies = cookies::sent(&visit.call.headers);
    let sent = cookies.get("X-APPLE-WEBAUTH-TOKEN").filter(|value| !value.is_empty());
    let token = sent.and_then(|value| accounts.tokens.web(value));
    if sent.is_some() && token.is_none() {
        visit.note("an X-APPLE-WEBAUTH-TOKEN of another simulator");
    }
    token.filter(|token| token.holds(visit.now_s)).cloned().ok_or_else(|| signed_out(421))
}

pub fn signed_out(status: u16) -> Response {
    failure(status, "Missing X-APPLE-WEBAUTH-TOKEN cookie")
}

/// An error in the shape of the account service.
pub fn failure(status: u16, error: &str) -> Response {
    reply::json(status, &json!({"success": false, "error": error}))
}

fn logout(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let token = web_session(accounts, visit)?;
    let body = visit.body()?;
    accounts.tokens.end_login(token.login);
    if body["trustBrowser"] == Value::Bool(false) {
        accounts.tokens.end_trust_of(&token.account);
    }
    if body["allBrowsers"] == Value::Bool(true) {
        accounts.tokens.end_cookies_of(&token.account);
        accounts.tokens.end_sessions_of(&token.account);
    }
    let mut response = reply::json(200, &json!({"success": true}));
    let mut baker = Baker { front: &visit.call.front, response: &mut response };
    baker.delete("X-APPLE-WEBAUTH-TOKEN");
    baker.delete("X-APPLE-WEBAUTH-PCS-Photos");
    baker.delete("X-APPLE-WEBAUTH-PCS-Sharing");
    Ok(response)
}
