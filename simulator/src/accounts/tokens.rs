//! What was handed out: session tokens, trust tokens, web cookies.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::idmsa::Stage;
use crate::options::Switches;

/// Every token ever issued. A dead one is kept, so that one never issued can be told from it.
#[derive(Default)]
pub struct Tokens {
    session: HashMap<String, SessionToken>,
    trust: HashMap<String, TrustToken>,
    web: HashMap<String, WebToken>,
    pcs: HashMap<String, Keys>,
    logins: u64,
    /// Of the request that is being answered.
    now_s: i64,
    session_life_s: i64,
    trust_life_s: i64,
}

/// What `accountLogin` takes.
#[derive(Clone)]
pub struct SessionToken {
    pub account: String,
    /// How far the sign-in it came from had come.
    pub stage: Stage,
    born_s: i64,
    dead: bool,
}

/// What spares the second factor.
pub struct TrustToken {
    account: String,
    born_s: i64,
    dead: bool,
}

/// What a PCS cookie stands for.
struct Keys {
    account: String,
    gone: bool,
}

/// The value of `X-APPLE-WEBAUTH-TOKEN`.
#[derive(Clone)]
pub struct WebToken {
    pub account: String,
    /// Which login it belongs to: a refresh gives a new value for the same login.
    pub login: u64,
    born_s: i64,
    expires_s: i64,
    dead: bool,
}

impl WebToken {
    pub fn holds(&self, now_s: i64) -> bool {
        !self.dead && now_s < self.expires_s
    }

    /// Whether more than half of its life is over.
    pub fn is_old(&self, now_s: i64) -> bool {
        now_s - self.born_s > self.expires_s - now_s
    }
}

impl Tokens {
    /// Told with every request.
    pub fn set_time(&mut self, now_s: i64, switches: &Switches) {
        self.now_s = now_s;
        self.session_life_s = seconds(switches.token_life);
        self.trust_life_s = seconds(switches.trust_life);
    }

    pub fn new_session(&mut self, account: &str, stage: Stage) -> String {
        let token = random(180);
        self.session
            .insert(token.clone(), SessionToken { account: account.into(), stage, born_s: self.now_s, dead: false });
        token
    }

    pub fn session(&self, token: &str) -> Option<&SessionToken> {
        self.session.get(token)
    }

    /// Whether accountLogin takes it.
    pub fn session_holds(&self, token: &SessionToken) -> bool {
        !token.dead && self.now_s - token.born_s < self.session_life_s
    }

    /// The sign-in that this token came from has come further.
    pub fn promote_session(&mut self, token: &str, stage: Stage) {
        if let Some(token) = self.session.get_mut(token) {
            token.stage = stage;
        }
    }

    pub fn new_trust(&mut self, account: &str) -> String {
        let token = format!("HSARMTKNSRV{}SRVX", random(180));
        self.trust.insert(token.clone(), TrustToken { account: account.into(), born_s: self.now_s, dead: false });
        token
    }

    pub fn trusts(&self, token: &str, account: &str) -> bool {
        let holds = |token: &TrustToken| !token.dead && self.now_s - token.born_s < self.trust_life_s;
        self.trust.get(token).is_some_and(|token| holds(token) && token.account == account)
    }

    /// Whose trust token this is, or was.
    pub fn trust_owner(&self, token: &str) -> Option<&str> {
        self.trust.get(token).map(|token| token.account.as_str())
    }

    pub fn new_login(&mut self) -> u64 {
        self.logins += 1;
        self.logins
    }

    pub fn new_web(&mut self, account: &str, login: u64, expires_s: i64) -> String {
        let token = format!("v=2:t={}", random(120));
        self.web.insert(
            token.clone(),
            WebToken { account: account.into(), login, born_s: self.now_s, expires_s, dead: false },
        );
        token
    }

    pub fn web(&self, token: &str) -> Option<&WebToken> {
        self.web.get(token)
    }

    /// The value of a PCS cookie.
    pub fn new_pcs(&mut self, account: &str) -> String {
        let value = random(60);
        self.pcs.insert(value.clone(), Keys { account: account.into(), gone: false });
        value
    }

    pub fn pcs_of(&self, value: &str, account: &str) -> bool {
        self.pcs.get(value).is_some_and(|keys| keys.account == account && !keys.gone)
    }

    /// Whether it was this account's, at any time.
    pub fn pcs_was_of(&self, value: &str, account: &str) -> bool {
        self.pcs.get(value).is_some_and(|keys| keys.account == account)
    }

    /// The keys behind the PCS cookies are gone, though the cookies are not.
    pub fn end_pcs(&mut self) {
        self.pcs.values_mut().for_each(|keys| keys.gone = true);
    }

    pub fn end_login(&mut self, login: u64) {
        self.web.values_mut().filter(|token| token.login == login).for_each(|token| token.dead = true);
    }

    pub fn end_cookies(&mut self) {
        self.web.values_mut().for_each(|token| token.dead = true);
    }

    pub fn end_sessions(&mut self) {
        self.session.values_mut().for_each(|token| token.dead = true);
    }

    pub fn end_trust_of(&mut self, account: &str) {
        self.trust.values_mut().filter(|token| token.account == account).for_each(|token| token.dead = true);
    }

    pub fn end_cookies_of(&mut self, account: &str) {
        self.web.values_mut().filter(|token| token.account == account).for_each(|token| token.dead = true);
    }

    pub fn end_sessions_of(&mut self, account: &str) {
        self.session.values_mut().filter(|token| token.account == account).for_each(|token| token.dead = true);
    }

    pub fn end_trust(&mut self) {
        self.trust.values_mut().for_each(|token| token.dead = true);
    }

    /// Whether this text is one of the secrets, so that it can be recognised where it must not be.
    pub fn issued(&self, text: &str) -> bool {
        self.session.contains_key(text)
            || self.trust.contains_key(text)
            || self.web.contains_key(text)
            || self.pcs.contains_key(text)
    }
}

fn seconds(life: Duration) -> i64 {
    i64::try_from(life.as_secs()).unwrap_or(i64::MAX)
}

/// Random URL-safe text of that many bytes' worth.
pub fn random(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    rand::fill(&mut buffer[..]);
    BASE64_URL_SAFE_NO_PAD.encode(buffer)
}

/// A second-factor code.
pub fn six_digits() -> String {
    format!("{:06}", rand::random::<u32>() % 1_000_000)
}

/// A version-4 UUID, lower case.
pub fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = super::srp::hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
