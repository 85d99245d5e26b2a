//! Download addresses: their recorded shape, a signature over it, and their life.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::issued::Issued;
use crate::library::{Checksum, Cloud, Uuid};

/// Parameters in the order they are written; `s`, the signature over path and parameters, comes last.
const SIGNED: [&str; 12] = ["o", "v", "x", "a", "e", "fl", "r", "k", "ckc", "ckz", "y", "p"];

/// What signs addresses.
#[derive(Clone, Debug)]
pub(crate) struct LinkKey {
    pub(crate) secret: [u8; 32],
    /// Seconds an address holds; 3600 in every recording.
    pub(crate) life_s: i64,
    /// Signatures given out; shared by all clones.
    pub(crate) issued: Arc<Issued>,
}

impl LinkKey {
    pub(crate) fn new() -> LinkKey {
        LinkKey { secret: rand::random(), life_s: 3600, issued: Arc::default() }
    }

    fn hash(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.secret).chain_update(purpose).chain_update(data).finalize().into()
    }

    fn text(&self, purpose: &str, data: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(&self.hash(purpose, data)[..18])
    }

    fn signature<'a>(&self, path: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let mut signed = path.to_owned();
        for (name, value) in parameters {
            signed.extend(["&", name, "=", value]);
        }
        self.text("signature", signed.as_bytes())
    }
}

/// Signs addresses for one request.
pub(crate) struct Links {
    key: LinkKey,
    base: String,
    expires_s: i64,
    request: String,
}

/// A signed address and what an ASSETID says beside it.
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) wrapping_key: String,
    pub(crate) reference_checksum: String,
}

impl Links {
    /// `base`: the content host, as the client knows it.
    pub(crate) fn new(cloud: &Cloud, base: String) -> Links {
        let key = cloud.link_key();
        let expires_s = cloud.now_ms().div_euclid(1000) + key.life_s;
        let request = Uuid::derived(rand::random(), 0).to_string().to_lowercase();
        Links { key, base, expires_s, request }
    }

    pub(crate) fn sign(&self, zone: &str, checksum: Checksum) -> Link {
        let wrapping_key = self.wrapping_key(checksum);
        let reference = Checksum::of_key(&wrapping_key);
        let path = format!("{}{}", checksum.url_safe(), reference.url_safe());
        let values = self.values(zone, &path, &wrapping_key);
        let parameters = || SIGNED.into_iter().zip(values.iter().map(String::as_str));
        let signature = self.key.signature(&path, parameters());
        self.key.issued.note("signature of a download address", &signature);
        let query: Vec<_> = parameters().map(|(name, value)| format!("{name}={value}")).collect();
        Link {
            url: format!("{}/B/{path}/${{f}}?{}&s={signature}", self.base, query.join("&")),
            wrapping_key: STANDARD.encode(wrapping_key),
            reference_checksum: reference.to_string(),
        }
    }

    fn values(&self, zone: &str, path: &str, wrapping_key: &[u8; 16]) -> [String; SIGNED.len()] {
        [
            self.key.text("o", path.as_bytes()),
            "1".into(),
            "3".into(),
            self.key.text("a", path.as_bytes()),
            self.expires_s.to_string(),
            String::new(),
            format!("{}-1", self.request),
            URL_SAFE_NO_PAD.encode(wrapping_key),
            "com.apple.photos.cloud".into(),
            zone.to_owned(),
            "1".into(),
            "61".into(),
        ]
    }

    /// The same key for the same content, so that equal resources look equal in every answer.
    fn wrapping_key(&self, checksum: Checksum) -> [u8; 16] {
        let hash = Sha256::new().chain_update(b"wrapping key").chain_update(checksum.as_bytes()).finalize();
        std::array::from_fn(|i| hash[i])
    }
}

/// What an address is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Good(Checksum),
    Expired,
    Forged,
}

/// The file name in the path is not signed: clients may replace `${f}` or send it encoded.
pub(super) fn verify(cloud: &Cloud, call: &Call, now_s: i64) -> Verdict {
    let Some(path) = call.path.strip_prefix("/B/").and_then(|rest| rest.split('/').next()) else {
        return Verdict::Forged;
    };
    let Some(checksum) = path.get(..28).and_then(Checksum::from_url_safe) else { return Verdict::Forged };
    let Some(values) = signed_values(call) else { return Verdict::Forged };
    let signature = cloud.link_key().signature(path, values.iter().copied());
    if call.query("s") != Some(signature.as_str()) {
        return Verdict::Forged;
    }
    match call.query("e").and_then(|expiry| expiry.parse::<i64>().ok()) {
        Some(expiry) if now_s < expiry => Verdict::Good(checksum),
        _ => Verdict::Expired,
    }
}

fn signed_values(call: &Call) -> Option<Vec<(&'static str, &str)>> {
    SIGNED.into_iter().map(|name| Some((name, call.query(name)?))).collect()
}
