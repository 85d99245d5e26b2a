use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::cookies::Cookies;
use super::phone::{CodeSent, Phone};
use super::secret::Secret;
use super::unattended::Unattended;
use crate::http::Reply;

/// All that is kept of a session, in `session.json` (protocol/auth.md §6.1). The password is not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The service this belongs to: its tokens are never shown to another, nor to another region's.
    pub service: Url,
    /// This installation, as Apple knows it. Kept for ever: another one would look like a new browser.
    pub client_id: String,
    /// From the second factor: with it a later sign-in needs no code.
    pub trust: Option<Trust>,
    /// What accountLogin exchanges for cookies.
    pub token: Option<Secret>,
    pub country: Option<String>,
    /// A sign-in that waits for its code.
    pub pending: Option<Pending>,
    pub cookies: Cookies,
    pub services: Option<Services>,
    /// When Apple last confirmed the session; none if it is known to be over.
    pub confirmed: Option<Timestamp>,
    #[serde(default)]
    pub unattended: Unattended,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trust {
    pub token: Secret,
    pub since: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    pub exchange: Exchange,
    pub digits: usize,
    pub since: Timestamp,
    /// Whether Apple was asked what the second factor looks like.
    #[serde(default)]
    pub looked: bool,
    #[serde(default)]
    pub phones: Vec<Phone>,
    #[serde(default)]
    pub no_devices: bool,
    /// Where the newest code went; none if none was sent.
    #[serde(default)]
    pub sent: Option<CodeSent>,
}

/// Where the account's data are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Services {
    /// The account's number, a parameter of every data call.
    pub dsid: Secret,
    /// The data service's host; it may move to another partition at any sign-in.
    pub data: Url,
}

/// What the sign-in service hands out from reply to reply within one sign-in (protocol/auth.md §0.4).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Exchange {
    pub scnt: Option<Secret>,
    pub session_id: Option<Secret>,
    pub attributes: Option<Secret>,
    /// The newest session token. Good for accountLogin once the sign-in is through.
    pub token: Option<Secret>,
    pub country: Option<String>,
}

impl Session {
    pub fn new(service: Url) -> Session {
        Session {
            service,
            client_id: format!("auth-{}", uuid::Uuid::new_v4()),
            trust: None,
            token: None,
            country: None,
            pending: None,
            cookies: Cookies::default(),
            services: None,
            confirmed: None,
            unattended: Unattended::default(),
        }
    }

    /// The sign-in went through: its token is the session's now.
    pub fn adopt(&mut self, exchange: Exchange) {
        self.token = exchange.token;
        self.country = exchange.country.or(self.country.take());
        self.pending = None;
    }
}

impl Pending {
    /// A sign-in whose password is proven.
    pub fn new(exchange: Exchange, since: Timestamp) -> Pending {
        Pending { exchange, digits: 6, since, looked: false, phones: Vec::new(), no_devices: false, sent: None }
    }
}

impl Exchange {
    /// Keeps what a reply hands out, of any status; what it does not mention stays.
    pub fn absorb(&mut self, reply: &Reply) {
        let keep = |slot: &mut Option<Secret>, name| {
            if let Some(value) = reply.header(name) {
                *slot = Some(Secret::new(value));
            }
        };
        keep(&mut self.scnt, "scnt");
        keep(&mut self.session_id, "x-apple-id-session-id");
        keep(&mut self.attributes, "x-apple-auth-attributes");
        keep(&mut self.token, "x-apple-session-token");
        if let Some(country) = reply.header("x-apple-id-account-country") {
            self.country = Some(country.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderMap;

    /// A session in the middle of everything, with `s3cret` wherever a secret can be.
    fn full() -> Session {
        let secret = || Some(Secret::new("s3cret"));
        let mut exchange = Exchange {
            scnt: secret(),
            session_id: secret(),
            attributes: secret(),
            token: secret(),
            country: Some("USA".into()),
        };
        let mut headers = HeaderMap::new();
        headers.insert("scnt", "s3cret-2".parse().unwrap());
        headers.insert("set-cookie", "name=s3cret; Domain=.icloud.com; Path=/".parse().unwrap());
        exchange.absorb(&Reply::new(409, headers.clone(), "s3cret"));
        let service = Url::parse("https://setup.icloud.com/setup/ws/1").unwrap();
        let mut session = Session::new(service.clone());
        session.cookies.absorb(&service, &headers);
        session.token = secret();
        session.trust = Some(Trust { token: Secret::new("s3cret"), since: Timestamp::now() });
        session.pending = Some(Pending::new(exchange, Timestamp::now()));
        let data = Url::parse("https://p61-ckdatabasews.icloud.com").unwrap();
        session.services = Some(Services { dsid: Secret::new("s3cret"), data });
        session
    }

    #[test]
    fn nothing_that_can_be_printed_holds_a_secret() {
        let session = full();
        let printed = format!("{session:?} {session:#?}");
        assert!(printed.contains("client_id") && !printed.contains("s3cret"), "{printed}");
        let kept = serde_json::to_string(&session).unwrap();
        assert_eq!(kept.matches("s3cret").count(), 8, "while the file keeps each");
    }

    #[test]
    fn the_newest_of_what_is_handed_out_counts() {
        let exchange = full().pending.unwrap().exchange;
        assert_eq!(exchange.scnt.unwrap().expose(), "s3cret-2");
        assert_eq!(exchange.token.unwrap().expose(), "s3cret", "what a reply does not mention stays");
    }
}
