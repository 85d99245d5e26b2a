//! The second factor: a code that Apple shows on the person's devices, and the trust that spares the next one
//! (protocol/auth.md §3, §4.1).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::AccountError;
use super::refusal::{CodeFlags, Step, refusal, true_status};
use super::secret::Secret;
use super::session::Trust;
use super::sign_in::{Dialogue, wants_escrow};
use crate::http::{Method, Reply};

/// Six is all that was ever seen; Apple says how many.
const DIGITS: usize = 6;
const DEVICE_CODE: &str = "verify/trusteddevice/securitycode";

/// A code was right.
pub enum CodeAccepted {
    Fully,
    /// But the password has to be proved a second time.
    ButEscrow,
}

/// What is told of the second factor, at the password and when asked.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SecondFactor {
    fsa_challenge: Option<Value>,
    key_names: Option<Vec<Value>>,
    security_code: Option<CodeFlags>,
    phone_number_verification: Option<Box<SecondFactor>>,
}

impl Dialogue<'_> {
    /// Has Apple show a code on the person's devices, once, because each new code makes the last one useless. Tells how many
    /// digits it has.
    pub async fn ask_for_code(&mut self) -> Result<usize, AccountError> {
        let state = self.call(Method::GET, "", None).await?;
        let factor = SecondFactor::of(&state);
        factor.check()?;
        let pushed = self.call(Method::PUT, DEVICE_CODE, None).await?;
        if !(200..300).contains(&true_status(&pushed)) {
            // Not the end: a code can be had from a device's settings, too.
            match refusal(Step::SecondFactor, &pushed) {
                error @ (AccountError::TooManyCodes | AccountError::Throttled { .. }) => return Err(error),
                error => tracing::warn!(target: "photosfs::account", %error, "no code was shown on the devices"),
            }
        }
        Ok(factor.digits().unwrap_or(DIGITS))
    }

    /// Hands in a code.
    pub async fn submit_code(&mut self, code: &str) -> Result<CodeAccepted, AccountError> {
        let had = self.exchange.token.clone();
        let body = json!({"securityCode": {"code": code}});
        let reply = self.call(Method::POST, DEVICE_CODE, Some(&body)).await?;
        let has = self.exchange.token.as_ref();
        judge_code(&reply, has.map(Secret::expose) != had.as_ref().map(Secret::expose))?;
        Ok(if wants_escrow(&reply) { CodeAccepted::ButEscrow } else { CodeAccepted::Fully })
    }

    /// Has this installation trusted, so that the next sign-in needs no code.
    pub async fn trust(&mut self) -> Result<Trust, AccountError> {
        let reply = self.call(Method::GET, "2sv/trust", None).await?;
        if !(200..300).contains(&true_status(&reply)) {
            return Err(refusal(Step::Trust, &reply));
        }
        match reply.header("x-apple-twosv-trust-token") {
            Some(token) => Ok(Trust { token: Secret::new(token), since: Timestamp::now() }),
            None => Err(AccountError::Unexpected { step: Step::Trust, reason: "no trust token".into() }),
        }
    }
}

/// Since 2026 a right code may be answered with 409 (protocol/auth.md §3.3).
fn judge_code(reply: &Reply, new_token: bool) -> Result<(), AccountError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Verdict {
        #[serde(rename = "hasError", alias = "has_error")]
        has_error: bool,
        #[serde(rename = "securityCode")]
        security_code: Option<CodeFlags>,
    }
    let verdict: Verdict = reply.json().unwrap_or_default();
    match true_status(reply) {
        200..=299 if !verdict.has_error => Ok(()),
        409 if new_token || verdict.security_code.is_some_and(|code| code.valid) => Ok(()),
        409 => match refusal(Step::Code, reply) {
            error @ AccountError::TooManyCodes => Err(error),
            _ => Err(AccountError::WrongCode),
        },
        _ => Err(refusal(Step::Code, reply)),
    }
}

impl SecondFactor {
    /// What a reply tells; nothing, if it is a page for people, as it may be (protocol/auth.md §3.1).
    pub fn of(reply: &Reply) -> SecondFactor {
        reply.json().unwrap_or_default()
    }

    /// With security keys the code is a dead end (protocol/auth.md §3.6); with the flags set, so is every other.
    pub fn check(&self) -> Result<(), AccountError> {
        let has_keys = self.key_names.as_ref().is_some_and(|names| !names.is_empty());
        if has_keys || self.fsa_challenge.is_some() {
            return Err(AccountError::SecurityKeys);
        }
        if self.security_code.as_ref().is_some_and(CodeFlags::is_locked) {
            return Err(AccountError::TooManyCodes);
        }
        self.phone_number_verification.as_ref().map_or(Ok(()), |inner| inner.check())
    }

    fn digits(&self) -> Option<usize> {
        let inner = self.phone_number_verification.as_ref().and_then(|inner| inner.digits());
        self.security_code.as_ref().and_then(|code| code.length).or(inner).filter(|digits| (4..=12).contains(digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderMap;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::new(status, HeaderMap::new(), body.to_owned())
    }

    #[test]
    fn when_a_code_is_right() {
        let valid = r#"{"securityCode":{"code":"123456","valid":true},"authenticationType":"hsa2"}"#;
        for (status, body, new_token, right) in [
            (204, "", false, true),
            (200, "{}", false, true),
            (200, r#"{"hasError":true}"#, false, false),
            (409, valid, true, true),
            (409, valid, false, true),
            (409, "{}", true, true),
            (409, "{}", false, false),
            (400, r#"{"service_errors":[{"code":"-21669"}],"hasError":true}"#, false, false),
            (412, "{}", false, false),
        ] {
            assert_eq!(judge_code(&reply(status, body), new_token).is_ok(), right, "{status} {body} {new_token}");
        }
        assert_eq!(judge_code(&reply(409, "{}"), false), Err(AccountError::WrongCode));
    }

    #[test]
    fn security_keys_and_locks_stop_the_second_factor() {
        let check = |body: &str| serde_json::from_str::<SecondFactor>(body).unwrap().check();
        assert_eq!(check(r#"{"authType":"hsa2"}"#), Ok(()));
        assert_eq!(check(r#"{"keyNames":["Blue key"]}"#), Err(AccountError::SecurityKeys));
        assert_eq!(check(r#"{"fsaChallenge":{"challenge":"kJ3"}}"#), Err(AccountError::SecurityKeys));
        let locked = r#"{"phoneNumberVerification":{"securityCode":{"length":6,"tooManyCodesSent":true}}}"#;
        assert_eq!(check(locked), Err(AccountError::TooManyCodes));
    }
}
