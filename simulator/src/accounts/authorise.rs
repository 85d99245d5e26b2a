//! Whether a call to the database may see the account's data (protocol/auth.md §5.4, §6.2).

use std::collections::HashMap;

use axum::response::Response;
use serde_json::json;

use super::cookies::Baker;
use super::tokens::WebToken;
use super::visit::Visit;
use super::{Accounts, cookies, login, setup, tokens};
use crate::call::Call;
use crate::reply;
use crate::state::State;

/// Somebody whose cookies were verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The account's directory services id.
    pub dsid: String,
    /// A new value of the session's cookie, and when it runs out: the one that was sent has grown old.
    fresh: Option<(String, i64)>,
}

impl Signed {
    /// Sets the cookies that an answer of the data service brings (protocol/auth.md §4.4).
    pub fn set_cookies(&self, call: &Call, response: &mut Response) {
        if let Some((token, expires_s)) = &self.fresh {
            Baker { front: &call.front, response }.set("X-APPLE-WEBAUTH-TOKEN", token, Some(*expires_s));
        }
    }
}

/// Verifies the web session of a data call: the answer to give instead, if it does not hold. The database calls this
/// before it looks at the request.
pub fn authorise(state: &State, call: &Call) -> Result<Signed, Box<Response>> {
    let visit = Visit { call, switches: state.switches(), now_s: state.clock.now_s(), breaches: &state.breaches };
    setup::origin(&visit);
    setup::content_type(&visit, "text/plain");
    let mut accounts = state.accounts();
    accounts.tokens.set_time(visit.now_s, &visit.switches);
    verified(&mut accounts, &visit).map_err(Box::new)
}

fn verified(accounts: &mut Accounts, visit: &Visit) -> Result<Signed, Response> {
    if !visit.call.front.is_at(visit.switches.partition) {
        return Err(reply::text(421, "Misdirected Request"));
    }
    let cookies = cookies::sent(&visit.call.headers);
    let token = token_of(accounts, visit, &cookies)?;
    let account = token.account.clone();
    let dsid = accounts.known[&account].person.dsid.clone();
    user_cookie(&cookies, visit, &dsid)?;
    if visit.call.query("dsid").is_some_and(|sent| sent != dsid) {
        visit.breach("another account's dsid in the query");
        return Err(cloudkit(401, "AUTHENTICATION_FAILED", "no auth method found"));
    }
    if !visit.switches.web_access {
        return Err(cloudkit(403, "ACCESS_DENIED", "private db access disabled for this account"));
    }
    pcs_cookies(accounts, visit, &cookies, &account)?;
    let fresh = token.is_old(visit.now_s).then(|| {
        let expires_s = login::expiry(visit);
        (accounts.tokens.new_web(&account, token.login, expires_s), expires_s)
    });
    Ok(Signed { dsid, fresh })
}

/// What the token cookie stands for.
fn token_of(accounts: &Accounts, visit: &Visit, cookies: &HashMap<String, String>) -> Result<WebToken, Response> {
    let Some(sent) = cookies.get("X-APPLE-WEBAUTH-TOKEN").filter(|value| !value.is_empty()) else {
        return Err(cloudkit(421, "AUTHENTICATION_REQUIRED", "Missing X-APPLE-WEBAUTH-TOKEN cookie"));
    };
    let Some(token) = accounts.tokens.web(sent) else {
        visit.note("an X-APPLE-WEBAUTH-TOKEN of another simulator");
        return Err(cloudkit(401, "AUTHENTICATION_FAILED", "no auth method found"));
    };
    if !token.holds(visit.now_s) {
        return Err(cloudkit(421, "AUTHENTICATION_REQUIRED", "Invalid global session"));
    }
    Ok(token.clone())
}

fn user_cookie(cookies: &HashMap<String, String>, visit: &Visit, dsid: &str) -> Result<(), Response> {
    let Some(user) = cookies.get("X-APPLE-WEBAUTH-USER") else {
        return Err(cloudkit(421, "AUTHENTICATION_REQUIRED", "Missing X-APPLE-WEBAUTH-USER cookie"));
    };
    if user.split(':').any(|part| part.strip_prefix("d=") == Some(dsid)) {
        return Ok(());
    }
    visit.breach("X-APPLE-WEBAUTH-USER names another account than the token");
    Err(cloudkit(401, "AUTHENTICATION_FAILED", "no auth method found"))
}

fn pcs_cookies(
    accounts: &Accounts,
    visit: &Visit,
    cookies: &HashMap<String, String>,
    account: &str,
) -> Result<(), Response> {
    for name in ["X-APPLE-WEBAUTH-PCS-Photos", "X-APPLE-WEBAUTH-PCS-Sharing"] {
        let sent = cookies.get(name);
        if sent.is_some_and(|value| accounts.tokens.pcs_of(value, account)) {
            continue;
        }
        if sent.is_some_and(|value| !value.is_empty() && !accounts.tokens.pcs_was_of(value, account)) {
            visit.breach(&format!("a {name} that was never issued to this account"));
        }
        let reason = "Missing PCS cookies from the request";
        return Err(reply::json(423, &json!({"requestUUID": tokens::uuid(), "errorReason": reason, "errorCode": 423})));
    }
    Ok(())
}

/// An error in CloudKit's shape.
fn cloudkit(status: u16, code: &str, reason: &str) -> Response {
    reply::json(status, &json!({"uuid": tokens::uuid(), "serverErrorCode": code, "reason": reason}))
}
