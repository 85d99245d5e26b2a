//! The setup service: from a session token to cookies and the data service's address, and back out again
//! (protocol/auth.md §4).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::AccountError;
use super::browser::{Browser, REPAIR_COOKIE, SESSION_COOKIE};
use super::cookies::Absorbed;
use super::refusal::{Step, refusal, true_status};
use super::secret::Secret;
use super::session::{Services, Session};
use crate::http::Reply;

const JSON: &str = "application/json";

/// What accountLogin and validate tell of the account. Everything may be missing.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AccountReply {
    ds_info: Option<DsInfo>,
    webservices: WebServices,
    hsa_trusted_browser: bool,
    hsa_challenge_required: bool,
    terms_update_needed: bool,
    is_repair_needed: bool,
    domain_to_use: Option<String>,
    has_error: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DsInfo {
    /// Text, as recorded; a number would mean the same.
    dsid: Value,
    hsa_version: u32,
    is_web_access_allowed: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WebServices {
    ckdatabasews: Option<WebService>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WebService {
    url: Option<String>,
    status: Option<String>,
}

/// Exchanges the session token for cookies.
///
/// # Errors
/// [`AccountError::SessionOver`] if the token is dead, [`AccountError::CodeNeeded`] if it is good but not trusted, and one for
/// each thing that Apple wants done first.
pub async fn account_login(browser: &Browser, session: &mut Session) -> Result<(), AccountError> {
    let token = session.token.as_ref().ok_or(AccountError::SignInNeeded)?;
    let body = json!({
        "accountCountryCode": session.country,
        "dsWebAuthToken": token.expose(),
        "extended_login": true,
        "trustToken": session.trust.as_ref().map_or("", |trust| trust.token.expose()),
    });
    let (reply, absorbed) = browser.setup_call(&mut session.cookies, "accountLogin", JSON, body.to_string()).await?;
    let account = parse(Step::Login, &reply)?;
    if let Some(domain) = account.domain_to_use {
        return Err(AccountError::OtherRegion { domain: domain.to_lowercase() });
    }
    judge_session(&account, &absorbed)?;
    adopt(browser, session, &account)
}

/// Asks whether the cookies still stand; takes over what has moved.
///
/// # Errors
/// [`AccountError::SessionOver`] if they do not.
pub async fn validate(browser: &Browser, session: &mut Session) -> Result<(), AccountError> {
    let (reply, _) = browser.setup_call(&mut session.cookies, "validate", JSON, "null".into()).await?;
    let account = parse(Step::Validate, &reply)?;
    adopt(browser, session, &account)
}

/// Ends the session, and the trust in this installation with it.
pub async fn log_out(browser: &Browser, session: &mut Session) -> Result<(), AccountError> {
    let body = json!({"trustBrowser": false, "allBrowsers": false}).to_string();
    let (reply, _) = browser.setup_call(&mut session.cookies, "logout", "text/plain;charset=UTF-8", body).await?;
    match true_status(&reply) {
        // 421: it was over already.
        200..=299 | 421 => Ok(()),
        _ => Err(refusal(Step::Logout, &reply)),
    }
}

fn parse(step: Step, reply: &Reply) -> Result<AccountReply, AccountError> {
    if !(200..300).contains(&true_status(reply)) {
        return Err(refusal(step, reply));
    }
    let account: AccountReply = reply.json().map_err(|e| AccountError::Unexpected { step, reason: e.to_string() })?;
    match account.has_error {
        true => Err(refusal(step, reply)),
        false => Ok(account),
    }
}

/// Whether a good accountLogin gave a session that is fit for use; if not, why.
fn judge_session(account: &AccountReply, absorbed: &Absorbed) -> Result<(), AccountError> {
    let Some(info) = &account.ds_info else {
        return Err(unexpected("it tells nothing of the account"));
    };
    if info.is_web_access_allowed == Some(false) {
        return Err(AccountError::WebAccessOff);
    }
    let trusted = account.hsa_trusted_browser && !account.hsa_challenge_required;
    let has_cookie = absorbed.has(SESSION_COOKIE);
    let pending = account.terms_update_needed || account.is_repair_needed;
    match info.hsa_version {
        1 if !trusted => Err(AccountError::OldTwoStep),
        2 if !trusted => Err(AccountError::CodeNeeded),
        _ if has_cookie => Ok(()),
        _ if pending || absorbed.has(REPAIR_COOKIE) => Err(AccountError::TermsPending),
        _ => Err(unexpected("no session cookie")),
    }
}

/// Takes over where the data are.
fn adopt(browser: &Browser, session: &mut Session, account: &AccountReply) -> Result<(), AccountError> {
    let dsid = match account.ds_info.as_ref().map(|info| &info.dsid) {
        Some(Value::String(text)) if !text.is_empty() => Secret::new(text),
        Some(Value::Number(number)) => Secret::new(&number.to_string()),
        _ => return Err(unexpected("no account number")),
    };
    let service =
        account.webservices.ckdatabasews.as_ref().filter(|service| service.status.as_deref() == Some("active"));
    let address = service.and_then(|service| service.url.as_deref()).ok_or(AccountError::NoPhotos)?;
    let data = browser
        .data_address(address)
        .ok_or_else(|| unexpected("a data host that is not Apple's, or not over https"))?;
    session.services = Some(Services { dsid, data });
    session.confirmed = Some(Timestamp::now());
    Ok(())
}

fn unexpected(reason: &str) -> AccountError {
    AccountError::Unexpected { step: Step::Login, reason: reason.into() }
}
