//! `accountLogin` and `validate`: from a session token to cookies and the addresses of the services
//! (protocol/auth.md §4.2 to §4.4).

use axum::response::Response;
use serde_json::{Value, json};

use super::Accounts;
use super::account::Account;
use super::cookies::Baker;
use super::idmsa::Stage;
use super::setup::{self, failure};
use super::tokens::{self, SessionToken};
use super::visit::Visit;
use crate::call::Front;
use crate::options::{BeforeEscrow, Switches};
use crate::reply;

const DAY_S: i64 = 86_400;

/// Services whose cookies protect data.
const PCS: [&str; 8] = ["Photos", "Sharing", "Cloudkit", "Documents", "Mail", "Notes", "News", "Safari"];

/// Trades a session token for cookies.
pub fn account_login(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    let body = visit.body()?;
    let token = session_token(accounts, visit, &body)?;
    if let Some((status, domain)) = visit.switches.domain_to_use {
        return Err(reply::json(status, &json!({"domainToUse": domain})));
    }
    let trust = body["trustToken"].as_str().unwrap_or_default();
    match accounts.tokens.trust_owner(trust) {
        Some(owner) if owner != token.account => visit.breach("another account's trust token"),
        None if !trust.is_empty() => visit.note("a trust token of another simulator"),
        _ => {}
    }
    let trusting = !visit.switches.trust_tokens_dead && accounts.tokens.trusts(trust, &token.account);
    let trusted = match (token.stage, visit.switches.escrow) {
        (Stage::Escrow, Some(BeforeEscrow::Untrusted)) => false,
        (Stage::Escrow, Some(BeforeEscrow::Refused)) => {
            return Err(failure(421, "Missing X-APPLE-WEBAUTH-TOKEN cookie"));
        }
        (stage, _) => stage >= Stage::Escrow || trusting,
    };
    let mut response = reply::json(200, &account_json(&accounts.known[&token.account], visit, trusted));
    let login = accounts.tokens.new_login();
    always_cookies(accounts, visit, &token.account, &mut response);
    match trusted {
        true => trusted_cookies(accounts, visit, &token.account, login, &mut response),
        false => untrusted_cookies(visit, &mut response),
    }
    Ok(response)
}

fn session_token(accounts: &Accounts, visit: &Visit, body: &Value) -> Result<SessionToken, Response> {
    let sent = body["dsWebAuthToken"].as_str().unwrap_or_default();
    let Some(token) = accounts.tokens.session(sent) else {
        visit.breach("a session token that was never issued");
        return Err(failure(400, "Invalid Session Token"));
    };
    if !accounts.tokens.session_holds(token) {
        return Err(failure(421, "Missing X-APPLE-WEBAUTH-TOKEN cookie"));
    }
    Ok(token.clone())
}

/// Checks the cookies, and refreshes them.
pub fn validate(accounts: &mut Accounts, visit: &Visit) -> Result<Response, Response> {
    if visit.switches.terms_pending {
        return Err(failure(421, "Missing X-APPLE-WEBAUTH-TOKEN cookie"));
    }
    let token = setup::web_session(accounts, visit)?;
    let mut response = reply::json(200, &account_json(&accounts.known[&token.account], visit, true));
    let expires_s = expiry(visit);
    let fresh = accounts.tokens.new_web(&token.account, token.login, expires_s);
    let mut baker = Baker { front: &visit.call.front, response: &mut response };
    baker.set("X-APPLE-WEBAUTH-TOKEN", &fresh, Some(expires_s));
    Ok(response)
}

/// When a session that is made or refreshed now runs out: seconds since 1970.
pub fn expiry(visit: &Visit) -> i64 {
    visit.now_s + i64::try_from(visit.switches.session_life.as_secs()).unwrap_or(DAY_S)
}

fn always_cookies(accounts: &Accounts, visit: &Visit, account: &str, response: &mut Response) {
    let dsid = &accounts.known[account].person.dsid;
    let mut baker = Baker { front: &visit.call.front, response };
    baker.set("X-APPLE-UNIQUE-CLIENT-ID", &tokens::random(12), None);
    baker.set("X-APPLE-WEBAUTH-VALIDATE", &format!("v=1:t={}", tokens::random(30)), None);
    baker.set("X-APPLE-WEBAUTH-USER", &format!("v=1:s=1:d={dsid}"), Some(visit.now_s + 30 * DAY_S));
    baker.set(&format!("X_APPLE_WEB_KB-{}", tokens::random(12)), "v=1:t=", Some(visit.now_s + 60 * DAY_S));
    baker.set("X-APPLE-DS-WEB-SESSION-TOKEN", &tokens::random(60), Some(visit.now_s + 30 * DAY_S));
}

/// Enough to see that a second factor is wanted, and no more.
fn untrusted_cookies(visit: &Visit, response: &mut Response) {
    let mut baker = Baker { front: &visit.call.front, response };
    baker.set("X-APPLE-WEBAUTH-LOGIN", &format!("v=1:t={}", tokens::random(30)), None);
    baker.set("X-APPLE-WEBAUTH-HSA-LOGIN", &format!("v=1:t={}", tokens::random(30)), None);
}

fn trusted_cookies(accounts: &mut Accounts, visit: &Visit, account: &str, login: u64, response: &mut Response) {
    let expires_s = expiry(visit);
    let mut baker = Baker { front: &visit.call.front, response };
    if visit.switches.terms_pending {
        return baker.set("X-APPLE-WEBAUTH-REPAIR", &tokens::random(60), None);
    }
    let token = accounts.tokens.new_web(account, login, expires_s);
    baker.delete("X-APPLE-WEBAUTH-HSA-LOGIN");
    baker.set("X-APPLE-WEBAUTH-HSA-TRUST", &tokens::random(60), Some(visit.now_s + 90 * DAY_S));
    baker.set("X-APPLE-WEBAUTH-TOKEN", &token, Some(expires_s));
    if visit.switches.web_access && visit.switches.protection.is_none() {
        pcs_cookies(accounts, visit, account, response);
    }
}

/// The cookies without which protected data is refused.
pub fn pcs_cookies(accounts: &mut Accounts, visit: &Visit, account: &str, response: &mut Response) {
    let mut baker = Baker { front: &visit.call.front, response };
    for service in PCS {
        let value = accounts.tokens.new_pcs(account);
        baker.set(&format!("X-APPLE-WEBAUTH-PCS-{service}"), &value, Some(expiry(visit)));
    }
}

/// Who this is, and where the services are.
fn account_json(account: &Account, visit: &Visit, trusted: bool) -> Value {
    let challenged = visit.switches.two_factor && !trusted;
    json!({
        "dsInfo": person_json(account, &visit.switches),
        "hsaTrustedBrowser": !challenged, "hsaChallengeRequired": challenged, "isExtendedLogin": true, "version": 2,
        "iCDPEnabled": visit.switches.protection.is_some(), "pcsEnabled": true, "pcsDeleted": false, "pcsServiceIdentitiesIncluded": false,
        "hasMinimumDeviceForPhotosWeb": true, "termsUpdateNeeded": visit.switches.terms_pending, "isRepairNeeded": false,
        "webservices": services_json(&visit.call.front, visit.switches.partition),
        "configBag": {"urls": {}, "accountCreateEnabled": true},
        "apps": {"photos": {}, "iclouddrive": {}, "find": {"canLaunchWithOneFactor": true},
                 "settings": {"canLaunchWithOneFactor": true}},
        "appsOrder": ["mail", "photos", "iclouddrive"],
        "requestInfo": {"country": "US", "timeZone": "EST", "region": "NC"}
    })
}

fn person_json(account: &Account, switches: &Switches) -> Value {
    let person = &account.person;
    let name = account.name();
    json!({
        "dsid": person.dsid, "hsaVersion": hsa_version(switches), "hsaEnabled": switches.two_factor,
        "hasICloudQualifyingDevice": true, "isWebAccessAllowed": switches.web_access, "iCDPEnabled": switches.protection.is_some(),
        "locked": false, "statusCode": 2, "pcsDeleted": false, "appleId": name, "primaryEmail": name,
        "appleIdEntries": [{"isPrimary": true, "type": "EMAIL", "value": name}],
        "fullName": format!("{} {}", person.first_name, person.last_name),
        "firstName": person.first_name, "lastName": person.last_name,
        "languageCode": "en-us", "locale": "en-us_US", "countryCode": "USA", "aDsID": format!("000123-05-{}", person.dsid),
        "notificationId": "00000000-0000-4000-8000-000000000001", "ICDRSCapableDeviceCount": 0, "isManagedAppleID": false
    })
}

fn hsa_version(switches: &Switches) -> u32 {
    match (switches.two_factor, switches.old_two_step) {
        (_, true) => 1,
        (true, false) => 2,
        (false, false) => 0,
    }
}

/// The map of services. Some entries have no address or no status, as Apple's do.
fn services_json(front: &Front, partition: u16) -> Value {
    let url = |service: &str| front.partition_url(service, partition);
    let at = |service: &str| json!({"url": url(service), "status": "active"});
    let protected = |service: &str| json!({"pcsRequired": true, "url": url(service), "status": "active"});
    let mut photos = protected("photosws");
    photos["uploadUrl"] = json!(url("uploadphotosws"));
    let mut account = at("setup");
    account["iCloudEnv"] = json!({"shortId": "p", "vipSuffix": "prod"});
    json!({
        "ckdatabasews": protected("ckdatabasews"), "photos": photos, "photosupload": protected("uploadphotosws"),
        "uploadimagews": at("uploadimagews"), "sharedstreams": at("sharedstreams"),
        "sharedlibrary": {"url": front.icloud_url("sharedlibrary"), "status": "active"},
        "drivews": protected("drivews"), "docws": protected("docws"), "account": account,
        "ckdeviceservice": {"url": url("ckdevice")}, "schoolwork": {}
    })
}
