//! Apple's flavour of SRP-6a (protocol/auth.md §1.4): the 2048-bit group of RFC 5054, SHA-256, no account name in x, and
//! every number padded to 256 bytes wherever it is hashed.
//!
//! The arithmetic is the `srp` crate's. Its own proofs use the shortest form of the numbers, which differs from Apple's
//! whenever A, B or S begins with a zero byte (1.2 % of all sign-ins), so the proofs are put together here.

use pbkdf2::pbkdf2_hmac;
use rand::Rng as _;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use srp::bigint::BoxedUint;
use srp::utils::compute_k;
use srp::{ClientG2048, Group, groups::G2048};
use thiserror::Error;

/// The size of N, and of everything padded to it.
const SIZE: usize = 256;
type Number = [u8; SIZE];
type Hash = [u8; 32];

/// What the server said that must not be answered.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SrpError {
    /// Fewer rounds would give the password away to a guesser, more would keep this machine busy for minutes.
    #[error("{0} rounds of key stretching")]
    Iterations(u32),
    #[error("a public number that is out of range")]
    PublicNumber,
}

/// How the password is hashed before it is stretched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    S2k,
    /// As s2k, but with the hash in hexadecimal letters.
    S2kFo,
}

impl Protocol {
    pub fn named(name: &str) -> Option<Protocol> {
        match name {
            "s2k" => Some(Protocol::S2k),
            "s2k_fo" => Some(Protocol::S2kFo),
            _ => None,
        }
    }
}

/// What the server answers to A.
pub struct Challenge {
    pub protocol: Protocol,
    pub iterations: u32,
    pub salt: Vec<u8>,
    /// B, as it came: with or without leading zeros.
    pub public: Vec<u8>,
}

/// Both proofs, and the key that both sides now share.
pub struct Proof {
    pub m1: Hash,
    pub m2: Hash,
    /// K. Asked for in escrow only; as secret as the password.
    pub key: Zeroizing<Hash>,
}

/// One run of the protocol, from a fresh secret number to the proof.
pub struct Handshake {
    client: ClientG2048<Sha256>,
    secret: Zeroizing<Vec<u8>>,
    public: Number,
}

impl Handshake {
    pub fn new() -> Handshake {
        let mut secret = Zeroizing::new(vec![0; SIZE]);
        rand::rng().fill_bytes(&mut secret);
        Handshake::with_secret(secret)
    }

    fn with_secret(secret: Zeroizing<Vec<u8>>) -> Handshake {
        let client = ClientG2048::new_with_options(false);
        let public = padded(&client.compute_g_x(&number(&secret)));
        Handshake { client, secret, public }
    }

    /// A.
    pub fn public(&self) -> &Number {
        &self.public
    }

    /// Proves to know the password of `account` (in lower case; empty in escrow).
    ///
    /// Takes some ten milliseconds of computing.
    ///
    /// # Errors
    /// [`SrpError`] if the challenge is one that no honest server gives.
    pub fn prove(&self, account: &str, password: &SecretString, challenge: &Challenge) -> Result<Proof, SrpError> {
        let x = private_key(password, challenge)?;
        let public = checked_public(&challenge.public)?;
        let their_public = padded(&public);
        let u = number(&hash([&self.public[..], &their_public]));
        if bool::from(u.is_zero()) {
            return Err(SrpError::PublicNumber);
        }
        let k = compute_k::<Sha256>(&G2048::generator());
        let shared = self.client.compute_premaster_secret(&public, &k, &x, &number(&self.secret), &u);
        let key = Zeroizing::new(hash([&Zeroizing::new(padded(&shared))[..]]));
        let group = group_hash();
        let account = hash([account.as_bytes()]);
        let m1 = hash([&group[..], &account, &challenge.salt, &self.public, &their_public, &key[..]]);
        let m2 = hash([&self.public[..], &m1, &key[..]]);
        Ok(Proof { m1, m2, key })
    }
}

/// x, from the stretched password.
fn private_key(password: &SecretString, challenge: &Challenge) -> Result<BoxedUint, SrpError> {
    if !(1_000..=1_000_000).contains(&challenge.iterations) {
        return Err(SrpError::Iterations(challenge.iterations));
    }
    let digest = Zeroizing::new(hash([password.expose_secret().as_bytes()]));
    let hashed = Zeroizing::new(match challenge.protocol {
        Protocol::S2k => digest.to_vec(),
        Protocol::S2kFo => digest.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
    });
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2_hmac::<Sha256>(&hashed, &challenge.salt, challenge.iterations, &mut key[..]);
    let inner = Zeroizing::new(hash([&b":"[..], &key[..]]));
    Ok(number(&*Zeroizing::new(hash([&challenge.salt[..], &inner[..]]))))
}

/// B, if it is between 0 and N. The length is checked first: the crate panics on a number longer than N.
fn checked_public(bytes: &[u8]) -> Result<BoxedUint, SrpError> {
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let group = G2048::generator();
    let in_range = significant.len() <= SIZE
        && !significant.is_empty()
        && pad(significant) < padded(group.params().modulus().as_ref());
    match in_range {
        true => Ok(number(significant)),
        false => Err(SrpError::PublicNumber),
    }
}

/// H(N) xor H(PAD(g)).
fn group_hash() -> Hash {
    let group = G2048::generator();
    let n = hash([&padded(group.params().modulus().as_ref())[..]]);
    let g = hash([&padded(&group.retrieve())[..]]);
    std::array::from_fn(|i| n[i] ^ g[i])
}

fn hash<const PARTS: usize>(parts: [&[u8]; PARTS]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn number(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

fn padded(number: &BoxedUint) -> Number {
    pad(&number.to_be_bytes_trimmed_vartime())
}

/// Fills up with zeros on the left; `bytes` are no more than N's.
fn pad(bytes: &[u8]) -> Number {
    let mut padded = [0; SIZE];
    padded[SIZE - bytes.len()..].copy_from_slice(bytes);
    padded
}

#[cfg(test)]
mod independent;

#[cfg(test)]
mod tests {
    //! The vectors of protocol/auth.md §1.8, computed there by other means.

    use base64::prelude::{BASE64_STANDARD, Engine as _};

    use super::*;

    const ACCOUNT: &str = "jane.appleseed@example.com";
    const SECRET_A: &str = "icloud-srp-vector-a";
    const SECRET_B: &str = "icloud-srp-vector-b";

    fn password() -> SecretString {
        SecretString::from("Correct-Horse-9")
    }

    /// SHA-256 of a name, top bit set, plus a shift in its last bytes.
    fn secret(name: &str, shift: u16) -> Zeroizing<Vec<u8>> {
        let mut bytes = hash([name.as_bytes()]).to_vec();
        bytes[0] |= 0x80;
        let mut carry = u32::from(shift);
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte);
            *byte = carry as u8;
            carry >>= 8;
        }
        Zeroizing::new(bytes)
    }

    /// The challenge of a server with the secret b: B = k·v + g^b, computed with the crate's parts.
    fn challenge(protocol: Protocol, shift: u16) -> Challenge {
        let salt = (0..16).map(|i| if i == 0 { 0x5a } else { i }).collect();
        let mut challenge = Challenge { protocol, iterations: 20_309, salt, public: Vec::new() };
        let x = private_key(&password(), &challenge).unwrap();
        let group = G2048::generator();
        let k = srp::bigint::modular::BoxedMontyForm::new(
            srp::bigint::Resize::resize(compute_k::<Sha256>(&group), 2048),
            group.params(),
        );
        let public = k * group.pow(&x) + group.pow(&number(&secret(SECRET_B, shift)));
        challenge.public = padded(&public.retrieve()).to_vec();
        challenge
    }

    fn run(protocol: Protocol, shift_a: u16, shift_b: u16, account: &str) -> (Handshake, Challenge, Proof) {
        let handshake = Handshake::with_secret(secret(SECRET_A, shift_a));
        let challenge = challenge(protocol, shift_b);
        let proof = handshake.prove(account, &password(), &challenge).unwrap();
        (handshake, challenge, proof)
    }

    fn base64(bytes: &[u8]) -> String {
        BASE64_STANDARD.encode(bytes)
    }

    #[test]
    fn s2k() {
        let (handshake, challenge, proof) = run(Protocol::S2k, 0, 0, ACCOUNT);
        assert!(base64(handshake.public()).starts_with("DyEYPjtFLc89Xu75TjZQxYTWSFp5WEpXwWEYC53Q48ze7ni6V"));
        assert!(base64(&challenge.public).starts_with("itMsbWgTJ/t2xxXaqhOHcmflN1ofMHNHbF6FiG+Pz/1cToJrS"));
        assert_eq!(base64(&proof.m1), "vjgwLIDkAru1xpAlSuOrvD60cfD6t56zNomcRssHwd0=");
        assert_eq!(base64(&proof.m2), "n4kde0LltYXB3qAYWD9IP1yFMpf4YadHgo66YV7Tq3c=");
        assert_eq!(base64(&*proof.key), "2scWjjhZYjvW9T2gMW2JeCqxtPWe6o9Xyd2/LzqMb0I=");
    }

    #[test]
    fn s2k_fo() {
        let (_, _, proof) = run(Protocol::S2kFo, 0, 0, ACCOUNT);
        assert_eq!(base64(&proof.m1), "wp6/8lN79yAjOblec9frh26azN9yWg0tXhWXWoZMgMs=");
        assert_eq!(base64(&proof.m2), "/L8ny8N84AnUJ593eTv0Cd6TWBmlAi+Lwle4cbOyeS0=");
        assert_eq!(base64(&*proof.key), "6TdUWjFfTJ4uiuWgPeDIS/Hgcqa02KlDyIRLYsDGKwc=");
    }

    #[test]
    fn escrow_has_no_account_name() {
        for (protocol, m1, m2) in [
            (
                Protocol::S2k,
                "4J/N91floPlWq95W97/Bga7028biXvrXba8TJwqRwdU=",
                "C0BFoBqZ455+Iy3JAf1LlR9BbPQ28YBvXp/hFKMeyOg=",
            ),
            (
                Protocol::S2kFo,
                "D9efpsSJFc8TQgXMO7A2/LSh7haiA1b3N/P6MdkdcBA=",
                "tvny8gDIUtKDtje1fw9DleWz9gkG+xtd5IHJCtDxISA=",
            ),
        ] {
            let (_, _, proof) = run(protocol, 0, 0, "");
            assert_eq!((base64(&proof.m1).as_str(), base64(&proof.m2).as_str()), (m1, m2));
        }
    }

    #[test]
    fn leading_zeros_are_hashed_too() {
        let (handshake, _, proof) = run(Protocol::S2k, 290, 0, ACCOUNT);
        assert_eq!(handshake.public()[..3], [0x00, 0xcb, 0xe5]);
        assert_eq!(base64(&proof.m1), "/buA6/sqhI1DnDzpXMiEV1nqJMBAw8X5HdacHD3zt4U=");

        let (_, challenge, proof) = run(Protocol::S2k, 0, 399, ACCOUNT);
        assert_eq!(challenge.public[..3], [0x00, 0x59, 0x12]);
        assert_eq!(base64(&proof.m1), "z2Zbptg7WwRt3XsOsK87ZkCDVgHxVXjWtOCNxDpav04=");

        let (_, _, proof) = run(Protocol::S2k, 331, 0, ACCOUNT);
        assert_eq!(base64(&*proof.key), "LooNZcV5g48AEq/B/fvyePs0xwY32psNXxyS4ayN31U=");
        assert_eq!(base64(&proof.m1), "nrK9kM2eci35fmt29VJX4HrPF7+HaKFhAPGdUrHh7M0=");
    }

    #[test]
    fn the_form_in_which_b_arrives_does_not_matter() {
        let handshake = Handshake::with_secret(secret(SECRET_A, 0));
        let padded = challenge(Protocol::S2k, 399);
        let short = Challenge { public: padded.public[1..].to_vec(), salt: padded.salt.clone(), ..padded };
        let long = Challenge { public: [&[0; 44], &padded.public[..]].concat(), salt: padded.salt.clone(), ..padded };
        for challenge in [&short, &long] {
            let proof = handshake.prove(ACCOUNT, &password(), challenge).unwrap();
            assert_eq!(base64(&proof.m1), "z2Zbptg7WwRt3XsOsK87ZkCDVgHxVXjWtOCNxDpav04=");
        }
    }

    #[test]
    fn dishonest_challenges_are_refused() {
        let prove = |public: Vec<u8>, iterations: u32| {
            let challenge = Challenge { public, iterations, ..challenge(Protocol::S2k, 0) };
            Handshake::new().prove(ACCOUNT, &password(), &challenge).map(|_| ())
        };
        let modulus = padded(G2048::generator().params().modulus().as_ref()).to_vec();
        for bad in [vec![], vec![0; 256], modulus, vec![0xff; 256], vec![1; 300]] {
            assert_eq!(prove(bad, 20_000), Err(SrpError::PublicNumber));
        }
        assert_eq!(prove(vec![2], 999), Err(SrpError::Iterations(999)));
        assert_eq!(prove(vec![2], 1_000_001), Err(SrpError::Iterations(1_000_001)));
        assert_eq!(prove(vec![2], 1_000), Ok(()));
    }

    #[test]
    fn every_handshake_is_another() {
        assert_ne!(Handshake::new().public(), Handshake::new().public());
    }
}
