//! One person's account: what proves the password, and the state of the second factor.

use std::collections::HashMap;

use num_bigint::BigUint;

use super::guard::Guard;
use super::srp;
use super::tokens;
use crate::options::{Person, Protection, Protocol};

/// Codes that may be asked for before Apple makes the user wait. The true number is not known.
const PUSHES_ALLOWED: u32 = 5;
/// "Hours" is all that is known of a lock-out (protocol/auth.md §6.4).
const LOCKED_FOR_S: i64 = 8 * 3600;

pub struct Account {
    pub person: Person,
    pub salt: [u8; 16],
    verifiers: HashMap<(Protocol, u32), BigUint>,
    /// The code that is always shown, or `None` for a new one at every push.
    fixed_code: Option<String>,
    /// What the trusted devices show, or would under Settings → Get Verification Code.
    pub device_code: String,
    /// What the last text message held.
    pub sms_code: Option<String>,
    /// How often devices were made to show a code.
    pub pushes: u32,
    /// How often a text message or call was asked for.
    pub texts: u32,
    /// How often devices were asked to approve access to protected data.
    pub prompts: u32,
    /// Questions since that prompt, until approved.
    pub consent_polls: Option<u32>,
    /// Answers of `requestPCS` since cookies were last given.
    pub key_polls: u32,
    /// What Apple counts of the sign-ins.
    pub guard: Guard,
    sent_since_success: u32,
    wrong_codes: u32,
    locked_until_s: i64,
}

/// A salt that does not begin with a zero byte: Python's `srp` reads salts as numbers and drops such bytes, so that the
/// right password fails (13 of 3000 random salts, all of these). How Apple's own accounts with such a salt fare with the
/// clients that use it is not known.
fn new_salt() -> [u8; 16] {
    let mut salt: [u8; 16] = rand::random();
    salt[0] = salt[0].max(1);
    salt
}

impl Account {
    pub fn new(person: Person, fixed_code: Option<String>) -> Self {
        Self {
            person,
            salt: new_salt(),
            verifiers: HashMap::new(),
            device_code: fixed_code.clone().unwrap_or_else(tokens::six_digits),
            fixed_code,
            sms_code: None,
            pushes: 0,
            texts: 0,
            prompts: 0,
            consent_polls: None,
            key_polls: 0,
            guard: Guard::default(),
            sent_since_success: 0,
            wrong_codes: 0,
            locked_until_s: 0,
        }
    }

    /// The lower-cased Apple ID, under which the account is known and hashed.
    pub fn name(&self) -> String {
        self.person.apple_id.trim().to_lowercase()
    }

    pub fn verifier(&mut self, protocol: Protocol, iterations: u32) -> BigUint {
        let derive = || srp::verifier(&self.person.password, &self.salt, iterations, protocol);
        self.verifiers.entry((protocol, iterations)).or_insert_with(derive).clone()
    }

    pub fn change_password(&mut self, password: &str) {
        self.person.password = password.into();
        self.salt = new_salt();
        self.verifiers.clear();
    }

    /// Makes the devices show a code; whatever they showed before is worthless then.
    pub fn push(&mut self) {
        self.pushes += 1;
        self.sent_since_success += 1;
        self.device_code = self.fresh_code();
    }

    pub fn text(&mut self) {
        self.texts += 1;
        self.sent_since_success += 1;
        self.sms_code = Some(self.fresh_code());
    }

    /// Whether the person has approved, by now.
    pub fn consented(&self, protection: &Protection) -> bool {
        self.consent_polls.zip(protection.approved_after).is_some_and(|(polls, after)| polls >= after)
    }

    fn fresh_code(&self) -> String {
        self.fixed_code.clone().unwrap_or_else(tokens::six_digits)
    }

    pub fn too_many_sent(&self) -> bool {
        self.sent_since_success > PUSHES_ALLOWED
    }

    pub fn locked_out(&self, now_s: i64) -> bool {
        now_s < self.locked_until_s
    }

    /// Counts a wrong code; the `allowed`-th locks the second factor.
    pub fn wrong_code(&mut self, allowed: u32, now_s: i64) {
        self.wrong_codes += 1;
        if self.wrong_codes >= allowed {
            self.wrong_codes = 0;
            self.locked_until_s = now_s + LOCKED_FOR_S;
        }
    }

    pub fn right_code(&mut self) {
        self.wrong_codes = 0;
        self.sent_since_success = 0;
        self.sms_code = None;
        self.device_code = self.fresh_code();
    }
}
