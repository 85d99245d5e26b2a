//! Sign-in (idmsa) and account (setup) services: proofs are verified, tokens are ones that were issued, and every
//! step needs the one before it. Written from protocol/auth.md; §9 there is the specification.

mod account;
mod authorise;
mod challenge;
mod cookies;
mod escrow;
mod factor;
mod guard;
mod idmsa;
mod keys;
mod login;
mod setup;
mod signin;
mod srp;
mod tokens;
mod visit;

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::header;
use axum::response::Response;

use crate::call::{Call, Front, Service};
use crate::library::Cloud;
use crate::options::{Options, Person};
use crate::server::Simulator;
use crate::state::State;
use account::Account;
pub use authorise::{Signed, authorise};
use idmsa::SignIn;
use signin::Handshake;
pub use srp::Form;
use tokens::Tokens;
use visit::Visit;

/// Who is known, and everything that was handed out to them.
pub struct Accounts {
    /// By lower-cased Apple ID.
    known: HashMap<String, Account>,
    /// Whose codes and counters the handle tells of, unless it is asked for another's.
    first: String,
    /// Between `signin/init` and `signin/complete`, by `c`.
    handshakes: HashMap<String, Handshake>,
    /// Between `escrow/init` and `escrow/complete`, by `c`.
    escrows: HashMap<String, Handshake>,
    /// By `X-Apple-ID-Session-Id`.
    sign_ins: HashMap<String, SignIn>,
    tokens: Tokens,
    /// How each right proof was written.
    proofs: Vec<Form>,
}

impl Accounts {
    pub fn new(options: &Options) -> Self {
        let account = Account::new(options.account.clone(), options.code.clone());
        Self {
            first: account.name(),
            known: HashMap::from([(account.name(), account)]),
            handshakes: HashMap::new(),
            escrows: HashMap::new(),
            sign_ins: HashMap::new(),
            tokens: Tokens::default(),
            proofs: Vec::new(),
        }
    }

    /// Ends web sessions; the session token still gives new ones.
    pub fn end_cookies(&mut self) {
        self.tokens.end_cookies();
    }

    /// Ends web sessions and session tokens.
    pub fn end_sessions(&mut self) {
        self.end_cookies();
        self.tokens.end_sessions();
    }

    /// The account of a sign-in that has proven its password, which only a known account can.
    fn account(&mut self, name: &str) -> &mut Account {
        self.known.get_mut(name).expect("only known accounts prove a password")
    }

    fn first(&self) -> &Account {
        &self.known[&self.first]
    }

    /// Whether this is somebody's password.
    fn is_password(&self, text: &str) -> bool {
        self.known.values().any(|account| account.person.password == text)
    }
}

/// Answers one request to sign-in or account service.
pub async fn handle(state: Arc<State>, call: Call) -> Response {
    let visit =
        Visit { call: &call, switches: state.switches(), now_s: state.clock.now_s(), breaches: &state.breaches };
    let mut accounts = state.accounts();
    accounts.tokens.set_time(visit.now_s, &visit.switches);
    match Service::of_path(&call.path) {
        Some(Service::Setup) => setup::answer(&mut accounts, &visit),
        _ => idmsa::answer(&mut accounts, &visit),
    }
}

/// Records secrets in places they must not reach: any URL, the content host, Apple hosts of another domain.
pub fn look_for_leaks(state: &State, call: &Call, service: Service) {
    let accounts = state.accounts();
    let secret = |text: &str| accounts.tokens.issued(text) || accounts.is_password(text);
    if let Some((name, _)) = call.query.iter().find(|(_, value)| secret(value)) {
        state.breaches.record(format!("{}: a secret in query parameter {name}", call.line()));
    }
    let cookies = call.headers.contains_key(header::COOKIE);
    if cookies && service == Service::Content {
        state.breaches.record(format!("{}: cookies sent to the content host", call.line()));
    }
    let foreign = matches!(call.front, Front::Apple { .. }) && service == Service::Idmsa;
    if foreign && cookies::sent(&call.headers).keys().any(|name| name.starts_with("X-APPLE-WEBAUTH")) {
        state.breaches.record(format!("{}: cookies of icloud.com sent to apple.com", call.line()));
    }
}

/// The account side of the handle.
impl Simulator {
    /// Opens an account for another person, with an empty library. Codes are drawn anew at every push.
    pub fn add_person(&self, person: Person) -> Cloud {
        let (dsid, account) = (person.dsid.clone(), Account::new(person, None));
        self.state().accounts().known.insert(account.name(), account);
        self.state().open_cloud(&dsid)
    }

    /// The code that this person's devices show now.
    pub fn device_code_of(&self, apple_id: &str) -> String {
        self.state().accounts().known[apple_id].device_code.clone()
    }

    /// The code that the trusted devices show now.
    pub fn device_code(&self) -> String {
        self.state().accounts().first().device_code.clone()
    }

    /// The code in the last text message, if one was sent since the last sign-in.
    pub fn sms_code(&self) -> Option<String> {
        self.state().accounts().first().sms_code.clone()
    }

    /// How often devices were made to show a code. A good sign-in does it once.
    pub fn pushes(&self) -> u32 {
        self.state().accounts().first().pushes
    }

    /// How often a text message or call was asked for.
    pub fn texts(&self) -> u32 {
        self.state().accounts().first().texts
    }

    /// How each right password proof was written, oldest first.
    pub fn proof_forms(&self) -> Vec<Form> {
        self.state().accounts().proofs.clone()
    }

    /// How often devices were asked to approve access to protected data.
    pub fn prompts(&self) -> u32 {
        self.state().accounts().first().prompts
    }

    /// The person takes another password: every session ends, and every browser is forgotten.
    pub fn change_password(&self, password: &str) {
        let mut accounts = self.state().accounts();
        let name = accounts.first.clone();
        accounts.account(&name).change_password(password);
        accounts.tokens.end_cookies_of(&name);
        accounts.tokens.end_sessions_of(&name);
        accounts.tokens.end_trust_of(&name);
    }

    /// How often the account was locked (see [`crate::Switches::locks_accounts`]).
    pub fn lock_outs(&self) -> u32 {
        self.state().accounts().first().guard.lock_outs
    }

    /// Wrong passwords that were tried.
    pub fn wrong_passwords(&self) -> u32 {
        self.state().accounts().first().guard.wrong_passwords
    }

    /// When passwords were tried: seconds since the Unix epoch, by the simulator's clock.
    pub fn password_times(&self) -> Vec<i64> {
        self.state().accounts().first().guard.times.clone()
    }

    /// The keys that a device has lent are gone: data calls are answered 423 until `requestPCS` gives new cookies.
    pub fn forget_keys(&self) {
        let mut accounts = self.state().accounts();
        accounts.tokens.end_pcs();
        accounts.known.values_mut().for_each(|account| account.consent_polls = None);
    }

    /// Ends web sessions: cookies are refused, the session token still gives new ones.
    pub fn expire_cookies(&self) {
        self.state().accounts().end_cookies();
    }

    /// Ends web sessions and session tokens: only the password (and a trust token) helps.
    pub fn expire_sessions(&self) {
        self.state().accounts().end_sessions();
    }

    /// Forgets every trusted browser, as a change of password does.
    pub fn forget_browsers(&self) {
        self.state().accounts().tokens.end_trust();
    }
}
