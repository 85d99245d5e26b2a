//! What a reply that is no success means (protocol/auth.md §1.6, §3.3, §6.2).

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::AccountError;
use crate::http::Reply;

/// Where in the protocol a reply came from: the same status means other things at other steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Asking for the challenge of the password.
    Challenge,
    /// Proving the password.
    Proof,
    /// Proving it a second time.
    Escrow,
    /// A notice that Apple shows between password and session.
    Repair,
    /// What the second factor looks like, and asking for a code.
    SecondFactor,
    /// Handing in a code.
    Code,
    /// Trust for this installation.
    Trust,
    /// Exchanging the session token for cookies.
    Login,
    /// Asking whether the session still stands.
    Validate,
    Logout,
    /// Borrowing keys from a device.
    Keys,
    /// The data service.
    Data,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Challenge => "the start of the sign-in",
            Step::Proof => "the password",
            Step::Escrow => "the second proof of the password",
            Step::Repair => "a notice before the session",
            Step::SecondFactor => "the second factor",
            Step::Code => "the code",
            Step::Trust => "trusting this computer",
            Step::Login => "the session",
            Step::Validate => "checking the session",
            Step::Logout => "the sign-out",
            Step::Keys => "the keys",
            Step::Data => "the data",
        })
    }
}

/// The error bodies of the sign-in service, in both their spellings, and of the setup service.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(alias = "service_errors", rename = "serviceErrors")]
    service_errors: Option<Vec<ServiceError>>,
    #[serde(rename = "securityCode")]
    security_code: Option<CodeFlags>,
    error: Value,
    reason: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceError {
    code: Value,
    title: Value,
    message: Value,
}

/// Any of these says that no more codes are taken for hours.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CodeFlags {
    pub length: Option<usize>,
    pub valid: bool,
    too_many_codes_sent: bool,
    too_many_codes_validated: bool,
    security_code_locked: bool,
    security_code_cooldown: bool,
}

impl CodeFlags {
    pub fn is_locked(&self) -> bool {
        self.too_many_codes_sent
            || self.too_many_codes_validated
            || self.security_code_locked
            || self.security_code_cooldown
    }
}

/// The status that counts: a 200 may carry a refusal in a header (protocol/auth.md §1.6).
pub fn true_status(reply: &Reply) -> u16 {
    let inner = reply.header("x-apple-i-rscd").and_then(|text| text.parse().ok());
    match (reply.status, inner) {
        (200, Some(refused @ (401 | 403))) => refused,
        (status, _) => status,
    }
}

/// Names the failure that a reply at `step` tells of.
pub fn refusal(step: Step, reply: &Reply) -> AccountError {
    let status = true_status(reply);
    let body: ErrorBody = reply.json().unwrap_or_default();
    let first = body.service_errors.as_ref().and_then(|errors| errors.first());
    let code = first.and_then(|error| text(&error.code)).or_else(|| reply.header("x-apple-i-ercd").map(clean));
    tracing::debug!(target: "photosfs::account", ?step, status, code, "refused");
    match code.as_deref() {
        // Where nothing was proven the code only means that Apple has lost the thread.
        Some("-20101") if matches!(step, Step::Proof | Step::Escrow) => return AccountError::WrongPassword,
        Some("-20209") => return AccountError::Locked,
        Some("-21669") => return AccountError::WrongCode,
        Some("-28248") => return AccountError::NumberUnusable,
        Some("-22982") => return AccountError::TooManyCodes,
        _ if body.security_code.is_some_and(|flags| flags.is_locked()) => return AccountError::TooManyCodes,
        _ => {}
    }
    let message = first
        .and_then(|error| text(&error.message).or_else(|| text(&error.title)))
        .or_else(|| text(&body.error))
        .or_else(|| text(&body.reason));
    by_status(step, status, reply, code, message)
}

fn by_status(step: Step, status: u16, reply: &Reply, code: Option<String>, message: Option<String>) -> AccountError {
    match (step, status) {
        (Step::Proof, 401) => AccountError::WrongPassword,
        (Step::Proof, 423) => AccountError::Locked,
        (Step::SecondFactor | Step::Code, 423) => AccountError::TooManyCodes,
        (Step::Data, 423) => AccountError::KeysNeeded,
        (_, 429 | 503) => AccountError::Throttled { retry_after: reply.retry_after() },
        (Step::SecondFactor | Step::Code, 401 | 421) => AccountError::NoCodeExpected,
        // "Invalid Session Token", and 500, which two clients take for the same (protocol/auth.md §6.2).
        (Step::Login, 400 | 500) => AccountError::SessionOver { step, status },
        (_, 401 | 421 | 450) => AccountError::SessionOver { step, status },
        (_, 500..=599) => AccountError::Service { step, status },
        (_, 403 | 409 | 412 | 423) => AccountError::Refused { step, status, code, message },
        _ => {
            let said = [code, message].into_iter().flatten().map(|part| format!(", {part}")).collect::<String>();
            AccountError::Unexpected { step, reason: format!("status {status}{said}") }
        }
    }
}

/// Whether the data service says that the account's data are not to be had on the web (protocol/auth.md §5.4). Any other 403
/// may mean anything.
pub fn is_web_access_off(reply: &Reply) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Denied {
        #[serde(rename = "serverErrorCode")]
        code: String,
        reason: String,
    }
    let denied: Denied = reply.json().unwrap_or_default();
    denied.code == "ACCESS_DENIED" && denied.reason.starts_with("private db access disabled")
}

/// Codes come as text and as numbers.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(clean(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Apple's words, fit for one line of a terminal.
fn clean(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderMap;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::new(status, HeaderMap::new(), body.to_owned())
    }

    #[test]
    fn the_table_of_outcomes() {
        use AccountError::*;
        let error = |code: &str| format!(r#"{{"serviceErrors":[{{"code":"{code}","message":"Sorry.\n"}}]}}"#);
        let over = |step, status| SessionOver { step, status };
        let rows = [
            (Step::Proof, 401, error("-20101"), WrongPassword),
            (Step::Proof, 401, String::new(), WrongPassword),
            (Step::Proof, 403, error("-20209"), Locked),
            (Step::Proof, 403, error("-20101"), WrongPassword),
            (Step::Proof, 423, String::new(), Locked),
            (Step::Proof, 503, "Service Temporary Unavailable".into(), Throttled { retry_after: None }),
            (Step::Proof, 429, String::new(), Throttled { retry_after: None }),
            (Step::Proof, 502, String::new(), Service { step: Step::Proof, status: 502 }),
            (Step::Challenge, 401, String::new(), over(Step::Challenge, 401)),
            (Step::Challenge, 421, String::new(), over(Step::Challenge, 421)),
            (Step::Proof, 450, String::new(), over(Step::Proof, 450)),
            (Step::Code, 400, r#"{"service_errors":[{"code":-21669}],"hasError":true}"#.into(), WrongCode),
            (Step::Challenge, 401, error("-20101"), over(Step::Challenge, 401)),
            (Step::Code, 401, error("-20101"), NoCodeExpected),
            (Step::SecondFactor, 401, String::new(), NoCodeExpected),
            (Step::SecondFactor, 412, error("-28248"), NumberUnusable),
            (Step::Code, 423, String::new(), TooManyCodes),
            (Step::Code, 400, error("-22982"), TooManyCodes),
            (Step::Code, 409, r#"{"securityCode":{"securityCodeLocked":true}}"#.into(), TooManyCodes),
            (Step::Code, 401, String::new(), NoCodeExpected),
            (Step::Login, 400, r#"{"success":false,"error":"Invalid Session Token"}"#.into(), over(Step::Login, 400)),
            (Step::Login, 421, String::new(), over(Step::Login, 421)),
            (Step::Validate, 421, String::new(), over(Step::Validate, 421)),
            (Step::Validate, 500, String::new(), Service { step: Step::Validate, status: 500 }),
            (Step::Data, 423, String::new(), KeysNeeded),
        ];
        for (step, status, body, expected) in rows {
            assert_eq!(refusal(step, &reply(status, &body)), expected, "{step:?} {status} {body}");
        }
    }

    #[test]
    fn a_403_keeps_apples_code_and_words() {
        let body = r#"{"serviceErrors":[{"code":"-20751","message":"Not\u001b[31m  now.\nSorry."}]}"#;
        let error = refusal(Step::Proof, &reply(403, body));
        assert_eq!(error.to_string(), "Apple refused at the password (status 403, -20751, Not [31m now. Sorry.)");
        let error = refusal(Step::Proof, &reply(400, "{}"));
        assert!(matches!(&error, AccountError::Unexpected { .. }), "{error:?}");
    }

    #[test]
    fn a_success_may_hide_a_refusal() {
        let mut headers = HeaderMap::new();
        headers.insert("x-apple-i-rscd", "401".parse().unwrap());
        let reply = Reply::new(200, headers, String::new());
        assert_eq!(true_status(&reply), 401);
        assert_eq!(refusal(Step::Proof, &reply), AccountError::WrongPassword);
    }
}
