//! `fileChecksum`: Apple's own checksum of a resource, and how far it can be checked here.
//!
//! A decoded value of 21 bytes that begins with 0x01 is SHA-1 over a fixed salt and the file's bytes (protocol/photos.md
//! §6, verified on recorded traffic). One that begins with 0x04 is keyed with a secret only Apple's devices hold: for
//! those the size is all that can be compared, and everything that reports a result says so.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// What is hashed before the file's bytes.
const SALT: &[u8] = b"com.apple.XattrObjectSalt\0com.apple.DataObjectSalt\0";

/// A resource's `fileChecksum` as the service sent it: base64 text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Checksum(String);

impl Checksum {
    /// Takes the base64 text of a record. Any text is accepted: what cannot be checked is still an identity.
    pub fn new(base64: impl Into<String>) -> Checksum {
        Checksum(base64.into())
    }

    /// The base64 text, as in the record.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The salted SHA-1 inside, if this is a checksum that can be computed from the bytes alone.
    pub fn sha1(&self) -> Option<[u8; 20]> {
        match STANDARD.decode(&self.0).ok()?.split_first()? {
            (0x01, hash) => hash.try_into().ok(),
            _ => None,
        }
    }

    /// Whether a whole file can be checked against it; if not, only its size can.
    pub fn is_verifiable(&self) -> bool {
        self.sha1().is_some()
    }

    /// A name safe for a path: lower-case hexadecimal of the text's bytes once decoded (42 digits for Apple's own).
    pub fn file_name(&self) -> String {
        let bytes = STANDARD.decode(&self.0).unwrap_or_else(|_| self.0.clone().into_bytes());
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Computes the checksum of a whole file's bytes.
    pub fn of(bytes: &[u8]) -> Checksum {
        let mut verifier = Verifier::new();
        verifier.update(bytes);
        verifier.finish()
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({})", self.0)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The outcome of comparing a whole file with what the record promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The bytes are those Apple has.
    Whole,
    /// The length is right; the checksum is of a kind only Apple can compute.
    SizeOnly,
    /// The bytes are not those the record promises.
    Damaged,
}

/// Computes the checksum of a file that passes by in order.
#[derive(Clone)]
pub struct Verifier {
    hash: Sha1,
    length: u64,
}

impl Verifier {
    /// Starts with Apple's salt.
    pub fn new() -> Verifier {
        Verifier { hash: Sha1::new_with_prefix(SALT), length: 0 }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// How many bytes have been taken so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The checksum of everything taken.
    pub fn finish(self) -> Checksum {
        let mut value = [0x01; 21];
        value[1..].copy_from_slice(&self.hash.finalize());
        Checksum(STANDARD.encode(value))
    }

    /// Compares everything taken with a record's size and checksum.
    pub fn judge(self, size: u64, expected: &Checksum) -> Verdict {
        if self.length != size {
            return Verdict::Damaged;
        }
        match expected.is_verifiable() {
            false => Verdict::SizeOnly,
            true if self.finish() == *expected => Verdict::Whole,
            true => Verdict::Damaged,
        }
    }
}

impl Default for Verifier {
    fn default() -> Verifier {
        Verifier::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of protocol/photos.md §6.
    #[test]
    fn matches_the_dossiers_vectors() {
        assert_eq!(Checksum::of(b"").as_str(), "AW2cWT2PxzWixMKuuNMTHJ8CJ3sH");
        assert_eq!(Checksum::of(b"hello world\n").as_str(), "ARqdPZjFmdSZOG/4FrBl60A1BEXf");
        let bytes: Vec<u8> = (0..4).flat_map(|_| 0..=255u8).collect();
        assert_eq!(Checksum::of(&bytes).as_str(), "AQR8dG4T4nfi4BwvrBQIJ9PId19/");
    }

    #[test]
    fn judges_length_before_hash() {
        let mut verifier = Verifier::new();
        verifier.update(b"hello world\n");
        let expected = Checksum::of(b"hello world\n");
        assert_eq!(verifier.clone().judge(12, &expected), Verdict::Whole);
        assert_eq!(verifier.clone().judge(11, &expected), Verdict::Damaged);
        assert_eq!(verifier.judge(12, &Checksum::of(b"other")), Verdict::Damaged);
    }

    #[test]
    fn a_keyed_checksum_is_size_only() {
        let keyed = Checksum::new(STANDARD.encode([4u8; 21]));
        assert!(!keyed.is_verifiable());
        assert_eq!(Verifier::new().judge(0, &keyed), Verdict::SizeOnly);
        assert_eq!(Verifier::new().judge(1, &keyed), Verdict::Damaged);
    }

    #[test]
    fn file_names_are_hexadecimal() {
        assert_eq!(Checksum::of(b"").file_name(), "016d9c593d8fc735a2c4c2aeb8d3131c9f02277b07");
        assert_eq!(Checksum::new("not base64!").file_name(), "6e6f742062617365363421");
    }
}
