//! Sync tokens: opaque to clients, counters to us (photos.md §3.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::random;

const LENGTH: usize = 33;
const MIDDLE: [u8; 8] = [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
/// Gives database tokens their own beginning, `dbAA`.
const DATABASE: [u8; 3] = [0x75, 0xb0, 0x00];

/// What is wrong with a token that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BadToken {
    #[error("Unknown sync continuation type")]
    Unknown,
    #[error("Invalid continuation format")]
    Malformed,
}

/// A zone's token for a position in its log.
pub(crate) fn of_zone(zone: &str, counter: u64) -> String {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(0x01);
    bytes.extend(counter.to_be_bytes());
    bytes.extend(MIDDLE);
    bytes.extend(opaque(zone));
    STANDARD.encode(bytes)
}

/// The position a zone's token stands for.
pub(crate) fn zone_counter(zone: &str, token: &str) -> Result<u64, BadToken> {
    let bytes = STANDARD.decode(token).map_err(|_| BadToken::Unknown)?;
    if bytes.first() != Some(&0x01) {
        return Err(BadToken::Unknown);
    }
    let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| BadToken::Malformed)?;
    if bytes[9..17] != MIDDLE || bytes[17..] != opaque(zone) {
        return Err(BadToken::Unknown);
    }
    Ok(u64::from_be_bytes(bytes[1..9].try_into().expect("eight bytes")))
}

/// What the tokens of a zone or database are made for, since they were last forgotten.
pub(crate) fn seal(name: &str, forgotten: u32) -> String {
    if forgotten == 0 { name.to_owned() } else { format!("{name} {forgotten}") }
}

/// 16 bytes that stay the same for a zone.
fn opaque(zone: &str) -> [u8; 16] {
    let seed = zone.bytes().fold(0, |seed, byte| random::mix(seed, u64::from(byte)));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random::mix(seed, 1).to_be_bytes());
    bytes[8..].copy_from_slice(&random::mix(seed, 2).to_be_bytes());
    bytes
}

/// A database's token; `nonce` makes two answers differ although nothing changed (photos.md §1.2).
pub(crate) fn of_database(area: &str, counter: u64, nonce: u64) -> String {
    let mut bytes = DATABASE.to_vec();
    bytes.extend(counter.to_be_bytes());
    bytes.extend(nonce.to_be_bytes());
    bytes.extend(&opaque(area)[..8]);
    STANDARD.encode(bytes)
}

/// The position a database's token stands for.
pub(crate) fn database_counter(area: &str, token: &str) -> Result<u64, BadToken> {
    let bytes: [u8; 27] =
        STANDARD.decode(token).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(BadToken::Unknown)?;
    if bytes[..3] != DATABASE || bytes[19..] != opaque(area)[..8] {
        return Err(BadToken::Unknown);
    }
    Ok(u64::from_be_bytes(bytes[3..11].try_into().expect("eight bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_token_has_the_recorded_shape_and_reads_back() {
        let token = of_zone("PrimarySync", 0x1445b);
        let bytes = STANDARD.decode(&token).unwrap();
        assert_eq!((bytes.len(), bytes[0], &bytes[9..17]), (33, 1, &MIDDLE[..]));
        assert_eq!(zone_counter("PrimarySync", &token), Ok(0x1445b));
    }

    #[test]
    fn tokens_of_others_and_torn_ones_are_told_apart() {
        let token = of_zone("PrimarySync", 9);
        assert_eq!(zone_counter("SharedSync-1", &token), Err(BadToken::Unknown));
        assert_eq!(zone_counter("PrimarySync", &token[..24]), Err(BadToken::Malformed));
        assert_eq!(zone_counter("PrimarySync", "Z2FyYmFnZQ=="), Err(BadToken::Unknown));
        assert_eq!(zone_counter("PrimarySync", &of_database("private", 9, 1)), Err(BadToken::Unknown));
    }

    #[test]
    fn database_tokens_differ_and_mean_the_same() {
        let (one, two) = (of_database("private", 5, 1), of_database("private", 5, 2));
        assert_ne!(one, two);
        assert!(one.starts_with("dbAA"));
        assert_eq!((database_counter("private", &one), database_counter("private", &two)), (Ok(5), Ok(5)));
    }
}
