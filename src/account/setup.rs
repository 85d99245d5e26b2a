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
    judge_session(browser, &account, &absorbed)?;
    adopt(Step::Login, browser, session, &account)
}

/// Asks whether the cookies still stand; takes over what has moved.
///
/// # Errors
/// [`AccountError::SessionOver`] if they do not.
pub async fn validate(browser: &Browser, session: &mut Session) -> Result<(), AccountError> {
    let (reply, _) = browser.setup_call(&mut session.cookies, "validate", JSON, "null".into()).await?;
    let account = parse(Step::Validate, &reply)?;
    adopt(Step::Validate, browser, session, &account)
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
    // 302: what one account of another region was told with (protocol/auth.md §4.5).
    if !matches!(true_status(reply), 200..=299 | 302) {
        return Err(refusal(step, reply));
    }
    let account: AccountReply = reply.json().map_err(|e| AccountError::Unexpected { step, reason: e.to_string() })?;
    match account.has_error {
        true => Err(refusal(step, reply)),
        false => Ok(account),
    }
}

/// Whether a good accountLogin gave a session that is fit for use; if not, why.
fn judge_session(browser: &Browser, account: &AccountReply, absorbed: &Absorbed) -> Result<(), AccountError> {
    let domain = account.domain_to_use.as_deref().map(str::to_lowercase);
    if let Some(domain) = domain.filter(|domain| !browser.is_at(domain)) {
        return Err(AccountError::OtherRegion { domain });
    }
    let Some(info) = &account.ds_info else {
        return Err(unexpected(Step::Login, "it tells nothing of the account"));
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
        _ => Err(unexpected(Step::Login, "no session cookie")),
    }
}

/// Takes over where the data are.
fn adopt(step: Step, browser: &Browser, session: &mut Session, account: &AccountReply) -> Result<(), AccountError> {
    let dsid = match account.ds_info.as_ref().map(|info| &info.dsid) {
        Some(Value::String(text)) if !text.is_empty() => Secret::new(text),
        Some(Value::Number(number)) => Secret::new(&number.to_string()),
        _ => return Err(unexpected(step, "no account number")),
    };
    let service =
        account.webservices.ckdatabasews.as_ref().filter(|service| service.status.as_deref() == Some("active"));
    let address = service.and_then(|service| service.url.as_deref()).ok_or(AccountError::NoPhotos)?;
    let data = browser
        .data_address(address)
        .ok_or_else(|| unexpected(step, "a data host that is not Apple's, or not over https"))?;
    session.services = Some(Services { dsid, data });
    session.confirmed = Some(Timestamp::now());
    Ok(())
}

fn unexpected(step: Step, reason: &str) -> AccountError {
    AccountError::Unexpected { step, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Endpoints;
    use crate::http::{HeaderMap, Http};

    fn browser() -> Browser {
        let url = |text| url::Url::parse(text).unwrap();
        let (auth, setup) = (url("https://idmsa.apple.com/appleauth/auth"), url("https://setup.icloud.com/setup/ws/1"));
        let endpoints = Endpoints { auth, setup, home: "https://www.icloud.com", loopback: false, first_wait: None };
        Browser::new(Http::new(&endpoints).unwrap(), endpoints)
    }

    /// The outcome of an accountLogin that answered `body` and set `cookies`.
    fn outcome(body: &Value, cookies: &[&str]) -> Result<Services, AccountError> {
        let browser = browser();
        let account = parse(Step::Login, &Reply::new(200, HeaderMap::new(), body.to_string()))?;
        let set = cookies.iter().map(|name| (*name).to_owned()).collect();
        judge_session(&browser, &account, &Absorbed { set, removed: false })?;
        let mut session = Session::new(browser.service().clone());
        adopt(Step::Login, &browser, &mut session, &account)?;
        Ok(session.services.unwrap())
    }

    fn good() -> Value {
        json!({
            "dsInfo": {"dsid": "10000000001", "hsaVersion": 2, "isWebAccessAllowed": true},
            "hsaTrustedBrowser": true, "hsaChallengeRequired": false, "termsUpdateNeeded": false,
            "webservices": {
                "ckdatabasews": {"url": "https://p61-ckdatabasews.icloud.com:443", "status": "active"},
                "schoolwork": {},
            },
        })
    }

    /// `good` with one thing changed.
    fn with(pointer: &str, value: Value) -> Value {
        let mut body = good();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    }

    #[test]
    fn a_good_session_has_an_account_and_an_address() {
        for dsid in [json!("10000000001"), json!(10_000_000_001_u64)] {
            let services = outcome(&with("/dsInfo/dsid", dsid), &[SESSION_COOKIE]).unwrap();
            assert_eq!(services.dsid.expose(), "10000000001");
            assert_eq!(services.data.as_str(), "https://p61-ckdatabasews.icloud.com/");
        }
        let mut own_region = good();
        own_region["domainToUse"] = "iCloud.com".into();
        assert!(outcome(&own_region, &[SESSION_COOKIE]).is_ok());
        let no_second_factor = with("/dsInfo/hsaVersion", json!(0));
        assert!(outcome(&no_second_factor, &[SESSION_COOKIE]).is_ok());
    }

    #[test]
    fn what_apple_wants_first_has_a_name() {
        let untrusted = |version: u32| {
            let mut body = with("/dsInfo/hsaVersion", json!(version));
            body["hsaTrustedBrowser"] = false.into();
            body
        };
        let inactive = with("/webservices/ckdatabasews/status", json!("disabled"));
        for (body, cookies, expected) in [
            (with("/dsInfo/isWebAccessAllowed", json!(false)), vec![SESSION_COOKIE], AccountError::WebAccessOff),
            (untrusted(2), vec![], AccountError::CodeNeeded),
            (untrusted(1), vec![], AccountError::OldTwoStep),
            (with("/termsUpdateNeeded", json!(true)), vec![], AccountError::TermsPending),
            (good(), vec![REPAIR_COOKIE], AccountError::TermsPending),
            (good(), vec![], unexpected(Step::Login, "no session cookie")),
            (
                json!({"domainToUse": "iCloud.com.cn"}),
                vec![],
                AccountError::OtherRegion { domain: "icloud.com.cn".into() },
            ),
            (inactive, vec![SESSION_COOKIE], AccountError::NoPhotos),
            (with("/webservices/ckdatabasews", json!({})), vec![SESSION_COOKIE], AccountError::NoPhotos),
        ] {
            assert_eq!(outcome(&body, &cookies).map(|_| ()), Err(expected), "{body}");
        }
    }

    #[test]
    fn what_is_missing_is_told_where_it_was_missed() {
        for step in [Step::Login, Step::Validate] {
            let account = parse(step, &Reply::new(200, HeaderMap::new(), "{}")).unwrap();
            let browser = browser();
            let error = adopt(step, &browser, &mut Session::new(browser.service().clone()), &account).unwrap_err();
            assert_eq!(error, unexpected(step, "no account number"));
        }
    }

    #[test]
    fn a_data_host_that_is_not_apples_is_refused() {
        for address in ["https://evil.example", "http://p61-ckdatabasews.icloud.com", "http://127.0.0.1:8080"] {
            let body = with("/webservices/ckdatabasews/url", json!(address));
            let error = outcome(&body, &[SESSION_COOKIE]).unwrap_err();
            assert!(matches!(error, AccountError::Unexpected { .. }), "{address}: {error:?}");
        }
    }
}
