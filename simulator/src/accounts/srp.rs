//! The server's half of SRP-6a as Apple runs it (protocol/auth.md §1.4), in its own arithmetic.

use std::sync::LazyLock;

use num_bigint::BigUint;
use pbkdf2::pbkdf2_hmac_array;
use sha2::{Digest, Sha256};

use crate::options::Protocol;

/// Bytes of the group's prime, and so of every padded number.
pub const WIDTH: usize = 256;

/// The 2048-bit group of RFC 5054, appendix A; its generator is 2.
const PRIME: &[u8] = b"\
AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050A37329CBB4A099ED8193E0757767A13DD52312AB4B03310D\
CD7F48A9DA04FD50E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B855F97993EC975EEAA80D740ADBF4FF74\
7359D041D5C33EA71D281E446B14773BCA97B43A23FB801676BD207A436C6481F1D2B9078717461A5B9D32E688F87748544523B524B0D57D\
5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6AF874E7303CE53299CCC041C7BC308D82A5698F3A8D0C38271AE35F8E9DBFBB6\
94B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F9E4AFF73";

static N: LazyLock<BigUint> = LazyLock::new(|| BigUint::parse_bytes(PRIME, 16).expect("the prime is hexadecimal"));
static G: LazyLock<BigUint> = LazyLock::new(|| BigUint::from(2u8));
static K: LazyLock<BigUint> = LazyLock::new(|| number(&hash(&[&padded(&N), &padded(&G)])));

/// How a client writes A, B and S when it hashes them. Apple wants them padded; three working clients send the
/// shortest form, which differs for 1.2 % of sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Padded,
    Shortest,
}

impl Form {
    fn write(self, number: &BigUint) -> Vec<u8> {
        match self {
            Form::Padded => padded(number),
            Form::Shortest => number.to_bytes_be(),
        }
    }
}

/// The client's two proofs, both sent to the server.
#[derive(PartialEq, Eq)]
pub struct Proof {
    pub m1: Vec<u8>,
    pub m2: Vec<u8>,
}

/// What the server keeps instead of the password.
pub fn verifier(password: &str, salt: &[u8], iterations: u32, protocol: Protocol) -> BigUint {
    let digest: [u8; 32] = Sha256::digest(password.as_bytes()).into();
    let input = match protocol {
        Protocol::S2k => digest.to_vec(),
        Protocol::S2kFo => hex(&digest).into_bytes(),
    };
    let key = pbkdf2_hmac_array::<Sha256, 32>(&input, salt, iterations);
    let x = number(&hash(&[salt, &hash(&[b":", &key])]));
    G.modpow(&x, &N)
}

/// One sign-in between `init` and `complete`.
pub struct Exchange {
    a: BigUint,
    b: BigUint,
    secret: BigUint,
}

impl Exchange {
    /// `a` is the client's public value, `exponent` the server's private one. `None` if `a` is zero modulo the prime
    /// or not below it: with it anybody could sign in without the password.
    pub fn new(a: &[u8], verifier: &BigUint, exponent: &BigUint) -> Option<Exchange> {
        let a = number(a);
        if a == BigUint::ZERO || a >= *N {
            return None;
        }
        let b = (&*K * verifier + G.modpow(exponent, &N)) % &*N;
        let u = number(&hash(&[&padded(&a), &padded(&b)]));
        let secret = (&a * verifier.modpow(&u, &N)).modpow(exponent, &N);
        Some(Exchange { a, b, secret })
    }

    /// The server's public value, always 256 bytes.
    pub fn b(&self) -> Vec<u8> {
        padded(&self.b)
    }

    /// The form in which this proof is right, if in any.
    pub fn form_of(&self, proof: &Proof, name: &str, salt: &[u8]) -> Option<Form> {
        [Form::Padded, Form::Shortest].into_iter().find(|form| self.proof(*form, name, salt) == *proof)
    }

    /// The proof a client that knows the password sends.
    fn proof(&self, form: Form, name: &str, salt: &[u8]) -> Proof {
        let (a, b, key) = (form.write(&self.a), form.write(&self.b), self.key(form));
        let group: Vec<u8> =
            hash(&[&padded(&N)]).iter().zip(hash(&[&padded(&G)])).map(|(prime, base)| prime ^ base).collect();
        let m1 = hash(&[&group, &hash(&[name.as_bytes()]), salt, &a, &b, &key]);
        let m2 = hash(&[&a, &m1, &key]);
        Proof { m1: m1.to_vec(), m2: m2.to_vec() }
    }

    /// The session key of both sides.
    pub fn key(&self, form: Form) -> [u8; 32] {
        hash(&[&form.write(&self.secret)])
    }
}

/// Big-endian, filled with zeros from the left to the width of the prime.
fn padded(number: &BigUint) -> Vec<u8> {
    let short = number.to_bytes_be();
    let mut bytes = vec![0; WIDTH - short.len()];
    bytes.extend(short);
    bytes
}

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "srp_vectors.rs"]
mod vectors;
