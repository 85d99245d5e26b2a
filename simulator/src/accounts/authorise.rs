//! Whether a call to the database may see the account's data (protocol/auth.md §5.4, §6.2).

use std::collections::HashMap;

use axum::response::Response;
use serde_json::json;

use super::visit::Visit;
use super::{Accounts, cookies, setup, tokens};
use crate::call::Call;
use crate::reply;
use crate::state::State;

/// Somebody whose cookies were verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The account's directory services id.
    pub dsid: String,
}

/// Verifies the web session of a data call: the answer to give instead, if it does not hold. The database calls this
/// before it looks at the request.
pub fn authorise(state: &State, call: &Call) -> Result<Signed, Box<Response>> {
    let visit = Visit { call, switches: state.switches(), now_s: state.clock.now_s(), breaches: &state.breaches };
    setup::origin(&visit);
    verified(&state.accounts(), &visit).map_err(Box::new)
}

fn verified(accounts: &Accounts, visit: &Visit) -> Result<Signed, Response> {
    let cookies = cookies::sent(&visit.call.headers);
    let account = token_holder(accounts, visit, &cookies)?;
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
    Ok(Signed { dsid })
}

/// The account that the token cookie was issued to.
fn token_holder(accounts: &Accounts, visit: &Visit, cookies: &HashMap<String, String>) -> Result<String, Response> {
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
    Ok(token.account.clone())
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
