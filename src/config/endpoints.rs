//! Which hosts the account is asked at, and the proof that a simulator's are on this machine.

use std::time::Duration;

use url::{Host, Url};

use super::{ConfigError, EndpointSettings, Region, setting};

/// Where the service is (protocol/auth.md §0.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// `https://idmsa.apple.com/appleauth/auth`, without a trailing slash.
    pub auth: Url,
    /// `https://setup.icloud.com/setup/ws/1`, without a trailing slash.
    pub setup: Url,
    /// The web site the client speaks as: its Origin and redirect address.
    pub home: &'static str,
    /// Plain http to this machine: only then are http data and content hosts accepted, and only on loopback.
    pub loopback: bool,
    /// The wait before a failed call is tried again, if it is not to be the usual one.
    pub first_wait: Option<Duration>,
}

pub(super) fn endpoints(region: Region, own: Option<&EndpointSettings>) -> Result<Endpoints, ConfigError> {
    let (auth, setup, home) = match region {
        Region::Com => ("https://idmsa.apple.com", "https://setup.icloud.com", "https://www.icloud.com"),
        // Clients disagree on the sign-in host for China; the com host is the likelier (protocol/auth.md §8.3).
        Region::Cn => ("https://idmsa.apple.com", "https://setup.icloud.com.cn", "https://www.icloud.com.cn"),
    };
    let address = |name, text: &str| base_url(text).map_err(|reason| setting(name, text, reason));
    let (auth, setup) = match own {
        Some(own) => (address("endpoints.auth", &own.auth)?, address("endpoints.setup", &own.setup)?),
        None => (
            address("endpoints.auth", &format!("{auth}/appleauth/auth"))?,
            address("endpoints.setup", &format!("{setup}/setup/ws/1"))?,
        ),
    };
    let loopback = is_loopback(&auth) && is_loopback(&setup);
    let first_wait = first_wait(own.and_then(|own| own.first_wait), loopback)?;
    Ok(Endpoints { auth, setup, home, loopback, first_wait })
}

fn first_wait(own: Option<jiff::SignedDuration>, loopback: bool) -> Result<Option<Duration>, ConfigError> {
    let Some(own) = own else { return Ok(None) };
    match Duration::try_from(own) {
        Ok(wait) if loopback => Ok(Some(wait)),
        _ => Err(setting("endpoints.first_wait", own.to_string(), "can be set for servers on this machine only")),
    }
}

/// An https address, or plain http to this very machine.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim_end_matches('/')).map_err(|e| e.to_string())?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err("only https is accepted, and http to a loopback address".into()),
    }
}

/// Whether an address is a literal one of this machine. Names are not: they could be made to point elsewhere.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    }
}
