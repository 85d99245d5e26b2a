//! The second factor: a code that Apple shows on the person's devices or sends to a phone, and the trust that spares the next one
//! (protocol/auth.md §3, §4.1).

use serde::Deserialize;
use serde_json::json;

use super::AccountError;
use super::challenge_state::ChallengeState;
use super::phone::{CodeBy, CodeSent, Phone};
use super::refusal::{CodeFlags, Step, refusal, true_status};
use super::secret::Secret;
use super::session::Pending;
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

impl Dialogue<'_> {
    /// Learns what the second factor looks like, once: on older accounts the very question shows a code.
    async fn look(&mut self, pending: &mut Pending) -> Result<(), AccountError> {
        let state = ChallengeState::of(&self.call(Method::GET, "", None).await?);
        state.check()?;
        pending.digits = state.digits().unwrap_or(DIGITS);
        pending.phones = state.phones();
        pending.no_devices = state.has_no_devices();
        pending.looked = true;
        Ok(())
    }

    /// Has Apple send a code, once, because each new code makes the last one useless.
    pub async fn ask_for_code(&mut self, pending: &mut Pending, by: CodeBy) -> Result<CodeSent, AccountError> {
        if !pending.looked {
            self.look(pending).await?;
        }
        match by {
            CodeBy::Devices if !pending.no_devices => self.push().await,
            CodeBy::Devices => self.send(choose(&pending.phones, None)?, false).await,
            CodeBy::Phone { number, voice } => self.send(choose(&pending.phones, number)?, voice).await,
        }
    }

    /// Shows a code on the trusted devices.
    async fn push(&mut self) -> Result<CodeSent, AccountError> {
        let pushed = self.call(Method::PUT, DEVICE_CODE, None).await?;
        if !(200..300).contains(&true_status(&pushed)) {
            // Otherwise not the end: a code can be had from a device's settings, too.
            match refusal(Step::SecondFactor, &pushed) {
                error
                @ (AccountError::TooManyCodes | AccountError::Throttled { .. } | AccountError::NoCodeExpected) => {
                    return Err(error);
                }
                error => tracing::warn!(target: "photosfs::account", %error, "no code was shown on the devices"),
            }
        }
        Ok(CodeSent::Devices)
    }

    /// Sends a code to a trusted number (protocol/auth.md §3.4).
    async fn send(&mut self, phone: Phone, voice: bool) -> Result<CodeSent, AccountError> {
        let body = json!({"phoneNumber": phone.json(), "mode": mode(voice)});
        let sent = self.call(Method::PUT, "verify/phone", Some(&body)).await?;
        match true_status(&sent) {
            200..=299 => Ok(CodeSent::Phone { phone, voice }),
            _ => Err(refusal(Step::SecondFactor, &sent)),
        }
    }

    /// Hands in the code that was sent there.
    pub async fn submit_code(&mut self, code: &str, sent: &CodeSent) -> Result<CodeAccepted, AccountError> {
        let had = self.exchange.token.clone();
        let code = json!({"code": code});
        let (path, body) = match sent {
            CodeSent::Devices => (DEVICE_CODE, json!({"securityCode": code})),
            CodeSent::Phone { phone, voice } => (
                "verify/phone/securitycode",
                json!({"phoneNumber": phone.json(), "securityCode": code, "mode": mode(*voice)}),
            ),
        };
        let reply = self.call(Method::POST, path, Some(&body)).await?;
        let has = self.exchange.token.as_ref();
        judge_code(&reply, has.map(Secret::expose) != had.as_ref().map(Secret::expose))?;
        Ok(if wants_escrow(&reply) { CodeAccepted::ButEscrow } else { CodeAccepted::Fully })
    }

    /// Has this installation trusted, so that the next sign-in needs no code.
    pub async fn trust(&mut self) -> Result<Secret, AccountError> {
        let reply = self.call(Method::GET, "2sv/trust", None).await?;
        if !(200..300).contains(&true_status(&reply)) {
            return Err(refusal(Step::Trust, &reply));
        }
        match reply.header("x-apple-twosv-trust-token") {
            Some(token) => Ok(Secret::new(token)),
            None => Err(AccountError::Unexpected { step: Step::Trust, reason: "no trust token".into() }),
        }
    }
}

fn mode(voice: bool) -> &'static str {
    if voice { "voice" } else { "sms" }
}

/// The number with this id; without one, the only number.
fn choose(phones: &[Phone], number: Option<u64>) -> Result<Phone, AccountError> {
    match (number, phones) {
        (None, [only]) => Ok(only.clone()),
        (None, [_, _, ..]) => Err(AccountError::WhichNumber { phones: phones.to_vec() }),
        (number, _) => phones
            .iter()
            .find(|phone| Some(phone.id) == number)
            .cloned()
            .ok_or_else(|| AccountError::NoSuchNumber { phones: phones.to_vec() }),
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
}
