//! The sign-in service: proving the password (protocol/auth.md §1).

use std::borrow::Cow;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::AccountError;
use super::browser::Browser;
use super::challenge_state::ChallengeState;
use super::refusal::{Step, refusal, true_status};
use super::session::{Exchange, Session, Trust};
use super::srp::{Challenge, Handshake, Proof, Protocol};
use crate::http::{Method, Reply};

/// One sign-in, from the password to the trust.
pub struct Dialogue<'a> {
    browser: Cow<'a, Browser>,
    client_id: String,
    /// What has to go on to whoever continues.
    pub exchange: Exchange,
}

/// What Apple thinks of the password.
#[derive(Debug, PartialEq, Eq)]
pub enum Password {
    /// Right, and no code is wanted.
    Trusted,
    /// Right, and a code is wanted too.
    CodeNeeded,
}

#[derive(Deserialize)]
struct ChallengeReply {
    iteration: u32,
    salt: String,
    protocol: String,
    b: String,
    /// Opaque; goes back as it came.
    c: Value,
}

impl<'a> Dialogue<'a> {
    pub fn begin(browser: &'a Browser, session: &Session) -> Dialogue<'a> {
        Dialogue::resume(browser, session, Exchange::default())
    }

    pub fn resume(browser: &'a Browser, session: &Session, exchange: Exchange) -> Dialogue<'a> {
        Dialogue { browser: Cow::Borrowed(browser), client_id: session.client_id.clone(), exchange }
    }

    /// Proves the password, once: each time counts against the account. Only where Apple lost the thread before it judged
    /// the password, one more attempt is made over a new connection (protocol/auth.md §1.6, §6.2).
    pub async fn prove_password(
        &mut self,
        account: &str,
        password: &SecretString,
        trust: Option<&Trust>,
    ) -> Result<Password, AccountError> {
        match self.prove_once(account, password, trust).await {
            Err(AccountError::SessionOver { step: Step::Challenge | Step::Proof, status }) => {
                tracing::info!(target: "photosfs::account", status, "beginning the sign-in anew, over a new connection");
                self.browser = Cow::Owned(self.browser.reconnected()?);
                self.exchange = Exchange::default();
                self.prove_once(account, password, trust).await
            }
            outcome => outcome,
        }
    }

    async fn prove_once(
        &mut self,
        account: &str,
        password: &SecretString,
        trust: Option<&Trust>,
    ) -> Result<Password, AccountError> {
        let (proof, echo) = self.handshake(Step::Challenge, "signin/init", account, password).await?;
        let complete = json!({
            "accountName": account,
            "c": echo,
            "m1": BASE64_STANDARD.encode(proof.m1),
            "m2": BASE64_STANDARD.encode(proof.m2),
            "rememberMe": true,
            "trustTokens": trust.iter().map(|trust| trust.token.expose()).collect::<Vec<_>>(),
        });
        let path = "signin/complete?isRememberMeEnabled=true";
        let reply = self.call(Method::POST, path, Some(&complete)).await?;
        match true_status(&reply) {
            200 => Ok(Password::Trusted),
            409 if trust.is_some() && wants_escrow(&reply) => {
                self.prove_again(password).await?;
                Ok(Password::Trusted)
            }
            409 => {
                ChallengeState::of(&reply).check()?;
                Ok(Password::CodeNeeded)
            }
            412 => self.pass_notice().await,
            _ => Err(refusal(Step::Proof, &reply)),
        }
    }

    /// The second proof, with no account name, which hands over the shared key (protocol/auth.md §1.7).
    pub async fn prove_again(&mut self, password: &SecretString) -> Result<(), AccountError> {
        let (proof, echo) = self.handshake(Step::Escrow, "escrow/init", "", password).await?;
        let complete = json!({
            "m1": BASE64_STANDARD.encode(proof.m1),
            "m2": BASE64_STANDARD.encode(proof.m2),
            "c": echo,
            "k": BASE64_STANDARD.encode(*proof.key),
        });
        let reply = self.call(Method::POST, "escrow/complete", Some(&complete)).await?;
        match true_status(&reply) {
            200..=299 => Ok(()),
            _ => Err(refusal(Step::Escrow, &reply)),
        }
    }

    /// An account without a second factor, or a notice that can be passed over.
    async fn pass_notice(&mut self) -> Result<Password, AccountError> {
        let reply = self.call(Method::POST, "repair/complete", Some(&json!({}))).await?;
        match true_status(&reply) {
            200..=299 => Ok(Password::Trusted),
            _ => Err(refusal(Step::Repair, &reply)),
        }
    }

    /// From A to the proofs, and what has to be echoed with them.
    async fn handshake(
        &mut self,
        step: Step,
        path: &str,
        account: &str,
        password: &SecretString,
    ) -> Result<(Proof, Value), AccountError> {
        let handshake = Handshake::new();
        let init = json!({
            "a": BASE64_STANDARD.encode(handshake.public()),
            "accountName": account,
            "protocols": ["s2k", "s2k_fo"],
        });
        let reply = self.call(Method::POST, path, Some(&init)).await?;
        if true_status(&reply) != 200 {
            return Err(refusal(step, &reply));
        }
        let (challenge, echo) = challenge(&reply)?;
        Ok((compute(handshake, account, password, challenge).await?, echo))
    }

    pub(super) async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, AccountError> {
        self.browser.sign_in_call(&self.client_id, &mut self.exchange, method, path, body).await
    }
}

fn challenge(reply: &Reply) -> Result<(Challenge, Value), AccountError> {
    let unexpected = |reason: String| AccountError::Unexpected { step: Step::Challenge, reason };
    let parsed: ChallengeReply = reply.json().map_err(|e| unexpected(e.to_string()))?;
    let decode = |text: &str| BASE64_STANDARD.decode(text).map_err(|e| unexpected(format!("base64: {e}")));
    let protocol = Protocol::named(&parsed.protocol)
        .ok_or_else(|| unexpected("it names a way of hashing the password that photosfs does not know".into()))?;
    let challenge =
        Challenge { protocol, iterations: parsed.iteration, salt: decode(&parsed.salt)?, public: decode(&parsed.b)? };
    Ok((challenge, parsed.c))
}

/// Off the threads that serve others: stretching the password takes its time on purpose.
async fn compute(
    handshake: Handshake,
    account: &str,
    password: &SecretString,
    challenge: Challenge,
) -> Result<Proof, AccountError> {
    let (account, password) = (account.to_owned(), password.clone());
    let work = tokio::task::spawn_blocking(move || handshake.prove(&account, &password, &challenge));
    let unexpected = |reason: String| AccountError::Unexpected { step: Step::Challenge, reason };
    work.await.map_err(|e| unexpected(e.to_string()))?.map_err(|e| unexpected(e.to_string()))
}

/// Whether Apple wants the password proved a second time.
pub fn wants_escrow(reply: &Reply) -> bool {
    reply.headers.contains_key("x-apple-edp") || reply.headers.contains_key("x-apple-pdp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderMap;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::new(status, HeaderMap::new(), body.to_owned())
    }

    #[test]
    fn a_challenge_must_be_whole() {
        let good = r#"{"iteration":20309,"salt":"WgE=","protocol":"s2k","b":"itM=","c":{"any":1}}"#;
        let (parsed, echo) = challenge(&reply(200, good)).unwrap();
        assert_eq!((parsed.iterations, parsed.salt, echo), (20_309, vec![0x5a, 1], json!({"any": 1})));
        for bad in [good.replace("s2k", "s3k"), good.replace("WgE=", "%"), "{}".into(), "<html>".into()] {
            assert!(matches!(challenge(&reply(200, &bad)), Err(AccountError::Unexpected { .. })), "{bad}");
        }
    }
}
