//! `idmsa.apple.com/appleauth/auth`: the endpoints, the headers they ask for and the headers they all give.

use std::collections::VecDeque;

use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use super::visit::Visit;
use super::{Accounts, escrow, factor, signin, tokens};
use crate::reply;

/// The public key of icloud.com's sign-in widget.
const WIDGET_KEY: &str = "d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1a815d";

/// What every working client sends (protocol/auth.md §2.1).
const REQUIRED: [(&str, &str); 5] = [
    ("x-apple-widget-key", WIDGET_KEY),
    ("x-apple-oauth-client-id", WIDGET_KEY),
    ("x-apple-oauth-client-type", "firstPartyAuth"),
    ("x-apple-oauth-response-mode", "web_message"),
    ("x-apple-oauth-response-type", "code"),
];

/// Values of `scnt` that are still taken: some clients send an older one on purpose or by accident.
const SCNTS_KEPT: usize = 64;

/// How far a sign-in has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Stage {
    /// Nothing is proven.
    Begun,
    /// The password is proven; a second factor is wanted.
    Password,
    /// So is the second factor, or a trust token has spared it; a second proof of the password is wanted.
    Escrow,
    /// Everything that was wanted is proven.
    Proven,
}

/// One sign-in, known to its client by `X-Apple-ID-Session-Id`.
pub struct SignIn {
    pub account: String,
    pub stage: Stage,
    /// The newest session token given to it.
    pub session_token: Option<String>,
    scnts: VecDeque<String>,
}

impl SignIn {
    pub fn new(account: &str) -> Self {
        Self { account: account.into(), stage: Stage::Begun, session_token: None, scnts: VecDeque::new() }
    }

    fn issue_scnt(&mut self) -> String {
        if self.scnts.len() == SCNTS_KEPT {
            self.scnts.pop_front();
        }
        let scnt = tokens::random(90);
        self.scnts.push_back(scnt.clone());
        scnt
    }
}

/// Answers one request, with the headers that every answer carries.
pub fn answer(accounts: &mut Accounts, visit: &Visit) -> Response {
    let mut response = route(accounts, visit).unwrap_or_else(|refusal| refusal);
    standing_headers(accounts, visit, &mut response);
    response
}

fn route(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let path = visit.call.path.trim_start_matches("/appleauth/auth").trim_matches('/');
    let (expected, handler): (&[Method], Handler) = match path {
        "authorize/signin" => (&[Method::GET], signin::authorize),
        "federate" => (&[Method::POST], signin::federate),
        "signin/init" => (&[Method::POST], signin::init),
        "signin/complete" => (&[Method::POST], signin::complete),
        "escrow/init" => (&[Method::POST], escrow::init),
        "escrow/complete" => (&[Method::POST], escrow::complete),
        "repair/complete" => (&[Method::POST], signin::repair),
        "" => (&[Method::GET], factor::challenge),
        "verify/trusteddevice/securitycode" if visit.call.method == Method::PUT => (&[Method::PUT], factor::push),
        "verify/trusteddevice/securitycode" => (&[Method::POST], factor::device_code),
        "verify/phone" => (&[Method::PUT], factor::text),
        "verify/phone/securitycode" => (&[Method::POST], factor::phone_code),
        "2sv/trust" => (&[Method::GET], factor::trust),
        // Apple closed this path; what follows it is alive.
        "verify/trusteddevice" => (&[], factor::challenge),
        _ => {
            visit.breach("no such endpoint");
            return Err(reply::empty(404));
        }
    };
    if !expected.contains(&visit.call.method) {
        visit.breach("wrong method");
        return Err(reply::empty(405));
    }
    if path != "authorize/signin" {
        required_headers(visit, path)?;
    }
    handler(accounts, visit)
}

type Handler = fn(&mut Accounts, &Visit) -> Result<Response, Response>;

fn required_headers(visit: &Visit, path: &str) -> Result<(), Response> {
    let wrong: Vec<&str> =
        REQUIRED.iter().filter(|(name, value)| visit.call.header(name) != Some(value)).map(|(name, _)| *name).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    if may_be_missing(visit, path, &wrong) {
        visit.note(&format!("without {}", wrong.join(", ")));
        return Ok(());
    }
    visit.breach(&format!("missing or wrong: {}", wrong.join(", ")));
    Err(service_errors(400, "-20001", "Malformed request"))
}

/// icloudpd asks for the challenge and for text messages without saying how it wants to be answered, and gets along.
fn may_be_missing(visit: &Visit, path: &str, wrong: &[&str]) -> bool {
    let lenient = matches!(path, "" | "verify/phone" | "verify/phone/securitycode");
    let response = |name: &&str| name.starts_with("x-apple-oauth-response-") && visit.call.header(name).is_none();
    lenient && wrong.iter().all(response)
}

/// Every answer rotates `scnt` and tells its real status; an answer within a sign-in names that sign-in.
fn standing_headers(accounts: &mut Accounts, visit: &Visit, response: &mut Response) {
    let status = response.status().as_u16().to_string();
    if !response.headers().contains_key("x-apple-i-rscd") {
        reply::set(response, "x-apple-i-rscd", &status);
    }
    let given = response.headers().get("x-apple-id-session-id").or(visit.call.headers.get("x-apple-id-session-id"));
    let id = given.and_then(|id| id.to_str().ok()).map(str::to_owned);
    let known = id.and_then(|id| accounts.sign_ins.get_mut(&id).map(|sign_in| (id, sign_in)));
    let scnt = match known {
        Some((id, sign_in)) => {
            reply::set(response, "x-apple-id-session-id", &id);
            sign_in.issue_scnt()
        }
        None => tokens::random(90),
    };
    reply::set(response, "scnt", &scnt);
    reply::set(response, "x-apple-auth-attributes", &tokens::random(60));
    reply::set(response, "x-apple-i-request-id", &tokens::uuid());
    reply::set(response, "x-buildversion", "R4_1");
}

/// The sign-in that this request belongs to, if it has come at least that far.
pub fn sign_in<'a>(
    accounts: &'a mut Accounts,
    visit: &Visit,
    least: Stage,
) -> Result<(String, &'a mut SignIn), Response> {
    let gone = || service_errors(401, "-20101", "Your session has ended. Sign in again");
    let Some(id) = visit.call.header("x-apple-id-session-id") else {
        visit.breach("no X-Apple-ID-Session-Id");
        return Err(gone());
    };
    let Some(sign_in) = accounts.sign_ins.get_mut(id) else {
        visit.breach("a session id that was never issued");
        return Err(gone());
    };
    check_scnt(sign_in, visit).map_err(|()| gone())?;
    if sign_in.stage < least {
        visit.breach(&format!("asked too early: this sign-in is only {:?}", sign_in.stage));
        return Err(gone());
    }
    Ok((id.to_owned(), sign_in))
}

fn check_scnt(sign_in: &SignIn, visit: &Visit) -> Result<(), ()> {
    let Some(scnt) = visit.call.header("scnt") else {
        visit.breach("no scnt");
        return Err(());
    };
    if sign_in.scnts.back().is_some_and(|newest| newest == scnt) {
        return Ok(());
    }
    if !sign_in.scnts.iter().any(|older| older == scnt) {
        visit.breach("an scnt that was never issued to this sign-in");
        return Err(());
    }
    visit.note("an older scnt");
    Ok(())
}

/// An error in the shape of the sign-in endpoints.
pub fn service_errors(status: u16, code: &str, message: &str) -> Response {
    let error = json!({"code": code, "message": message, "suppressDismissal": false});
    let mut response = reply::json(status, &json!({"serviceErrors": [error]}));
    reply::set(&mut response, "x-apple-i-ercd", code);
    response
}
