//! What a simulator is started with, and what may be switched while it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How a simulator starts. The default is the demo: loopback, free ports, plain HTTP, one account.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where sign-in, account and database answer. Loopback only; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where content (the bytes of photos) answers.
    pub content_listen: SocketAddr,
    /// A TLS listener beside the plain one, which answers for every Apple name.
    pub tls: Option<Tls>,
    /// Where the control port answers, if one is wanted.
    pub control: Option<SocketAddr>,
    /// `None`: the demo library. `Some(n)`: `n` assets whose bodies are made from a seed when asked for.
    pub assets: Option<usize>,
    /// Mean size in bytes of the originals of such a library. Listing it hashes them all, so small is quick.
    pub body_size: u64,
    /// Added to every answer.
    pub latency: Duration,
    /// Bytes per second of one content answer; unlimited if `None`.
    pub bandwidth: Option<u64>,
    /// Bytes that a connection to the content host carries before it is closed, wherever it is; unlimited if `None`.
    pub connection_bytes: Option<u64>,
    /// The one person who has an account.
    pub account: Person,
    /// The code that the trusted device shows; `None` draws a new one at every push.
    pub code: Option<String>,
    /// Behaviour that may also be changed at run time.
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: loopback,
            content_listen: loopback,
            tls: None,
            control: None,
            assets: None,
            body_size: 4096,
            latency: Duration::ZERO,
            bandwidth: None,
            connection_bytes: None,
            account: Person::default(),
            code: Some("123456".into()),
            switches: Switches::default(),
        }
    }
}

/// A TLS listener: where, and the PEM files it proves itself with.
#[derive(Clone, Debug)]
pub struct Tls {
    pub listen: SocketAddr,
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Somebody with an Apple Account.
#[derive(Clone)]
pub struct Person {
    pub apple_id: String,
    pub password: String,
    pub first_name: String,
    pub last_name: String,
    /// Directory services id: decimal digits.
    pub dsid: String,
    pub phones: Vec<Phone>,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            apple_id: "demo@example.invalid".into(),
            password: "demo-library-2026".into(),
            first_name: "Dana".into(),
            last_name: "Demo".into(),
            dsid: "10000000001".into(),
            phones: vec![Phone { id: 1, last_two: "42".into() }, Phone { id: 2, last_two: "17".into() }],
        }
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("apple_id", &self.apple_id).finish_non_exhaustive()
    }
}

/// A trusted phone number, as far as Apple shows it.
#[derive(Clone, Debug)]
pub struct Phone {
    pub id: u32,
    pub last_two: String,
}

/// Behaviour of the account side that differs between accounts, places and days.
#[derive(Clone, Debug)]
pub struct Switches {
    /// The account has two-factor authentication; without it `signin/complete` answers 412.
    pub two_factor: bool,
    /// How a right device code is answered.
    pub code_reply: CodeReply,
    /// The password derivation that `signin/init` chooses.
    pub protocol: Protocol,
    /// PBKDF2 iterations.
    pub iterations: u32,
    /// How long a web session's cookies hold.
    pub session_life: Duration,
    /// How long `accountLogin` takes a session token.
    pub token_life: Duration,
    /// How long a trust token spares the code.
    pub trust_life: Duration,
    /// Lock the account after three wrong passwords in a row, or more than ten sign-ins in an hour.
    pub locks_accounts: bool,
    /// Wrong codes until the account is locked out of the second factor.
    pub wrong_codes_allowed: u32,
    /// Trust tokens are no longer honoured (as after a password change).
    pub trust_tokens_dead: bool,
    /// `signin/init` answers 503, as it does when an address signs in too often.
    pub throttled: bool,
    /// The account is locked: 403 and -20209 at `signin/complete`.
    pub locked: bool,
    /// Answer a wrong password with 200 and say so only in `X-Apple-I-Rscd`.
    pub refusal_in_header_only: bool,
    /// Take a proof over the account name as typed, which Apple refuses.
    pub name_as_typed: bool,
    /// The HTML challenge offers the websocket bridge (`auth/bridge/step`).
    pub bridge: bool,
    /// Apple wants the password proven a second time, where a trust token or a code would have been enough.
    pub escrow: Option<BeforeEscrow>,
    /// In what shape the state of the second factor is told.
    pub challenge: ChallengeShape,
    /// The account has devices that can show a code.
    pub trusted_devices: bool,
    /// No code can be sent to a phone now (-28248).
    pub phones_refused: bool,
    /// The account signs in with security keys.
    pub security_keys: bool,
    /// The account has the old two-step verification (`hsaVersion` 1).
    pub old_two_step: bool,
    /// New terms wait to be accepted: a login gives X-APPLE-WEBAUTH-REPAIR in place of X-APPLE-WEBAUTH-TOKEN.
    pub terms_pending: bool,
    /// The account lives in another region: `accountLogin` answers with this status, and this `domainToUse`.
    pub domain_to_use: Option<(u16, &'static str)>,
    /// Advanced Data Protection: a device has to lend its keys.
    pub protection: Option<Protection>,
    /// `Access iCloud Data on the Web`.
    pub web_access: bool,
    /// Where the account's data is: `p61` of host names. Data calls to another partition are misdirected (421).
    pub partition: u16,
    /// Zones in one answer of `changes/database`, the longest unchanged first.
    pub zones_per_page: usize,
    /// What is tolerated only because some client that works against Apple does it is a breach, too.
    pub strict: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            two_factor: true,
            code_reply: CodeReply::NoContent,
            protocol: Protocol::S2k,
            iterations: 20_309,
            session_life: Duration::from_secs(30 * 86_400),
            token_life: Duration::from_secs(60 * 86_400),
            trust_life: Duration::from_secs(90 * 86_400),
            locks_accounts: false,
            wrong_codes_allowed: 3,
            trust_tokens_dead: false,
            throttled: false,
            locked: false,
            refusal_in_header_only: false,
            name_as_typed: false,
            bridge: false,
            escrow: None,
            challenge: ChallengeShape::Asked,
            trusted_devices: true,
            phones_refused: false,
            security_keys: false,
            old_two_step: false,
            terms_pending: false,
            domain_to_use: None,
            protection: None,
            web_access: true,
            partition: 61,
            zones_per_page: usize::MAX,
            strict: true,
        }
    }
}

/// How the password becomes the input of PBKDF2 (protocol/auth.md §1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    S2k,
    S2kFo,
}

/// How Advanced Data Protection behaves (protocol/auth.md §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// How often `requestWebAccessState` is asked, after the prompt, until the person has approved; `None`: never.
    pub approved_after: Option<u32>,
    /// Answers of `requestPCS` before the one with the cookies.
    pub cookies_after: u32,
    /// `requestPCS` answers 500, as it does after many sign-ins.
    pub arming_refused: bool,
}

/// What `accountLogin` makes of a session token whose second proof is still missing: nobody knows (protocol/auth.md §8.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeforeEscrow {
    Trusted,
    Untrusted,
    /// 421.
    Refused,
}

/// How `GET /appleauth/auth` tells the state of the second factor (protocol/auth.md §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeShape {
    /// JSON for those who ask for it, a page for others, with the phones in both places.
    Asked,
    /// JSON, one level down.
    Wrapped,
    /// A page for everybody, with the phones where older clients look.
    Page,
    /// A page for everybody, with the phones in the data of the bridge alone.
    BridgePage,
}

/// How a right device code is answered (protocol/auth.md §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeReply {
    /// 204, empty.
    NoContent,
    /// 409 with `securityCode.valid` and a new session token.
    ConflictWithToken,
    /// 409 with `securityCode.valid` and no token.
    ConflictWithoutToken,
    /// 409 that says neither: a refusal.
    ConflictRefused,
}
