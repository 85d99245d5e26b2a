use base64::prelude::{BASE64_STANDARD, Engine as _};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// As many as Apple's own stretching of passwords (protocol/auth.md §1.3): the mark gives a guesser no more than that.
const ROUNDS: u32 = 20_000;

/// By which a password that Apple refused is known again, without keeping it.
#[derive(Clone, Serialize, Deserialize)]
pub struct PasswordMark {
    salt: String,
    hash: String,
}

impl PasswordMark {
    /// Takes its time on purpose: not for a thread that serves others.
    pub fn of(password: &SecretString) -> PasswordMark {
        let salt = BASE64_STANDARD.encode(rand::random::<[u8; 16]>());
        PasswordMark { hash: hash(&salt, password), salt }
    }

    /// Whether it is the mark of this password; as slow.
    pub fn is_of(&self, password: &SecretString) -> bool {
        self.hash == hash(&self.salt, password)
    }
}

fn hash(salt: &str, password: &SecretString) -> String {
    let mut bytes = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.expose_secret().as_bytes(), salt.as_bytes(), ROUNDS, &mut bytes);
    BASE64_STANDARD.encode(bytes)
}

impl std::fmt::Debug for PasswordMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordMark")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_knows_its_password_and_does_not_hold_it() {
        let password = SecretString::from("Correct Horse");
        let mark = PasswordMark::of(&password);
        assert!(mark.is_of(&password) && !mark.is_of(&SecretString::from("Correct Horse ")));
        assert!(!serde_json::to_string(&mark).unwrap().contains("Correct"));
        assert_ne!(mark.hash, PasswordMark::of(&password).hash, "salted");
    }
}
