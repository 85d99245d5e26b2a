//! Continuation markers: where a page ended, as a small protobuf in base64 (photos.md §2.5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::library::Uuid;

/// The last item of a page and its rank, for when the item is gone by the next page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Marker {
    pub(super) last: Uuid,
    pub(super) rank: usize,
}

impl Marker {
    /// Field 2: six opaque bytes. Field 3: the item's name, and a 1.
    pub(super) fn encode(&self) -> String {
        let mut bytes = vec![0x12, 6, 0x19, 0];
        bytes.extend((self.rank as u32).to_be_bytes());
        bytes.extend([0x1a, 40, 0x0a, 36]);
        bytes.extend(self.last.to_string().bytes());
        bytes.extend([0x10, 1]);
        STANDARD.encode(bytes)
    }

    pub(super) fn decode(text: &str) -> Option<Marker> {
        let bytes: [u8; 50] = STANDARD.decode(text).ok()?.try_into().ok()?;
        let last = Uuid::parse(std::str::from_utf8(&bytes[12..48]).ok()?)?;
        let rank = u32::from_be_bytes(bytes[4..8].try_into().ok()?) as usize;
        let marker = Marker { last, rank };
        (marker.encode() == text).then_some(marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_and_a_torn_one_does_not() {
        let marker = Marker { last: Uuid::derived(1, 2), rank: 99 };
        let text = marker.encode();
        assert_eq!(Marker::decode(&text), Some(marker));
        assert_eq!(Marker::decode(&text[4..]), None);
        assert!(text.starts_with("EgYZAAAAAGMaKAok"));
    }
}
