//! Advanced Data Protection: consent on a device, and the cookies that its keys stand behind (protocol/auth.md §5.2).

use axum::response::Response;
use serde_json::{Value, json};

use super::visit::Visit;
use super::{Accounts, login, setup};
use crate::reply;

/// Whether devices have consented. Without the protection there is nothing to consent to.
pub fn web_access_state(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let name = setup::web_session(accounts, visit)?.account;
    let account = accounts.account(&name);
    account.consent_polls = account.consent_polls.map(|polls| polls + 1);
    let protection = visit.switches.protection;
    let consented = protection.is_none_or(|protection| account.consented(&protection));
    Ok(reply::json(
        200,
        &json!({"isICDRSDisabled": protection.is_some(), "isDeviceConsentedForPCS": consented,
                "isWebAccessAllowed": visit.switches.web_access}),
    ))
}

/// Shows the prompt on the devices.
pub fn device_consent(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let name = setup::web_session(accounts, visit)?.account;
    prompt(accounts, &name);
    Ok(reply::json(200, &json!({"isDeviceConsentNotificationSent": true})))
}

fn prompt(accounts: &mut Accounts, name: &str) {
    let account = accounts.account(name);
    account.prompts += 1;
    account.consent_polls.get_or_insert(0);
}

/// The cookies that let a browser read protected data: at once, or when a device has lent its keys.
pub fn request_pcs(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let token = setup::web_session(accounts, visit).map_err(|_| setup::signed_out(500))?;
    let body = visit.body()?;
    if body["appName"] != json!("photos") && body["appName"] != json!("iclouddrive") {
        visit.note(&format!("keys for {}", body["appName"]));
    }
    if !visit.switches.web_access {
        return Err(reply::json(500, &json!({"isWebAccessAllowed": false, "status": "failure"})));
    }
    if let Some(waiting) = still_waiting(accounts, visit, &token.account, &body) {
        return Err(waiting);
    }
    let body = json!({"isWebAccessAllowed": true, "status": "success", "message": "Cookies attached."});
    let mut response = reply::json(200, &body);
    login::pcs_cookies(accounts, visit, &token.account, &mut response);
    Ok(response)
}

/// The answer until the cookies are there. Some clients come here without having asked for consent: this call prompts, too.
fn still_waiting(accounts: &mut Accounts, visit: &Visit, name: &str, body: &Value) -> Option<Response> {
    let protection = visit.switches.protection?;
    if protection.arming_refused {
        let message = "Issue requesting IDMS for arming.";
        return Some(reply::json(500, &json!({"message": message, "isDeviceConsentedForPCS": false})));
    }
    if accounts.account(name).consent_polls.is_none() && body["derivedFromUserAction"] == Value::Bool(true) {
        prompt(accounts, name);
    }
    let account = accounts.account(name);
    account.consent_polls = account.consent_polls.map(|polls| polls + 1);
    let polls = account.key_polls;
    account.key_polls += 1;
    if account.consented(&protection) && polls >= protection.cookies_after {
        account.key_polls = 0;
        return None;
    }
    let message = match polls {
        0 => "Requested the device to upload cookies.",
        1 => "Requested a new device arming to upload cookies.",
        _ => "Cookies not available yet on server.",
    };
    Some(reply::json(200, &json!({"isWebAccessAllowed": true, "status": "failure", "message": message})))
}
