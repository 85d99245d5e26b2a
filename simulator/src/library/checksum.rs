//! Apple's content checksums and the signature of a wrapping key (photos.md §6).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// Every first-generation checksum hashes this before the bytes.
const SALT: &[u8; 51] = b"com.apple.XattrObjectSalt\0com.apple.DataObjectSalt\0";
const FIRST_GENERATION: u8 = 0x01;
const KEYED: u8 = 0x04;

/// 21 bytes: a scheme byte and 20 bytes of digest. Displays as base64, 28 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Checksum([u8; 21]);

impl Checksum {
    /// A hasher that has seen the salt; feed it the bytes, then call [`Checksum::finish`].
    pub(crate) fn hasher() -> Sha1 {
        Sha1::new().chain_update(SALT)
    }

    pub(crate) fn finish(hasher: Sha1) -> Checksum {
        Checksum::tagged(FIRST_GENERATION, &hasher.finalize())
    }

    /// The signature of a wrapping key, sent as `referenceChecksum`.
    pub(crate) fn of_key(key: &[u8; 16]) -> Checksum {
        Checksum::tagged(FIRST_GENERATION, &Sha1::digest(key))
    }

    /// What a second-generation upload shows instead of a content hash: keyed by a secret no client has.
    pub(crate) fn keyed(content: Checksum) -> Checksum {
        Checksum::tagged(KEYED, &Sha256::new().chain_update(b"boundary key").chain_update(content.0).finalize()[..20])
    }

    fn tagged(scheme: u8, digest: &[u8]) -> Checksum {
        let mut bytes = [scheme; 21];
        bytes[1..].copy_from_slice(digest);
        Checksum(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 21] {
        &self.0
    }

    /// The form used in paths of download addresses.
    pub(crate) fn url_safe(&self) -> String {
        URL_SAFE.encode(self.0)
    }

    pub(crate) fn from_url_safe(text: &str) -> Option<Checksum> {
        URL_SAFE.decode(text).ok()?.try_into().ok().map(Checksum)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(bytes: &[u8]) -> String {
        Checksum::finish(Checksum::hasher().chain_update(bytes)).to_string()
    }

    #[test]
    fn recorded_vectors_hold() {
        assert_eq!(checksum(b""), "AW2cWT2PxzWixMKuuNMTHJ8CJ3sH");
        assert_eq!(checksum(b"hello world\n"), "ARqdPZjFmdSZOG/4FrBl60A1BEXf");
        let counting: Vec<u8> = (0..4).flat_map(|_| 0..=255).collect();
        assert_eq!(checksum(&counting), "AQR8dG4T4nfi4BwvrBQIJ9PId19/");
    }

    #[test]
    fn a_wrapping_key_has_its_recorded_signature() {
        let key: [u8; 16] = std::array::from_fn(|i| i as u8);
        assert_eq!(Checksum::of_key(&key).to_string(), "AVYXi4alf6wiiZqZZBhcLMlufaWJ");
    }

    #[test]
    fn the_url_safe_form_comes_back() {
        let sum = Checksum::keyed(Checksum::finish(Checksum::hasher()));
        assert_eq!(sum.as_bytes()[0], KEYED);
        assert_eq!(Checksum::from_url_safe(&sum.url_safe()), Some(sum));
    }
}
