//! Record names: upper-case UUIDs, made from a seed so that a library is the same on every run.

use std::fmt;

use super::random;

/// The record name of an asset or album. Displays as an upper-case UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Uuid(u128);

impl Uuid {
    /// A name that nothing has.
    pub(crate) const NOBODY: Uuid = Uuid(0);

    pub(crate) fn derived(seed: u64, n: u64) -> Uuid {
        let high = random::mix(seed, n.wrapping_mul(2));
        let low = random::mix(seed, n.wrapping_mul(2) + 1);
        let version_4 = (high & !0xf000) | 0x4000;
        let variant_1 = (low & !(0b11 << 62)) | (0b10 << 62);
        Uuid((u128::from(version_4) << 64) | u128::from(variant_1))
    }

    /// Reads a name in its one form, upper case with hyphens.
    pub fn parse(text: &str) -> Option<Uuid> {
        let uuid = u128::from_str_radix(&text.replace('-', ""), 16).map(Uuid).ok()?;
        (uuid.to_string() == text).then_some(uuid)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        let (a, b, c) = ((n >> 96) as u32, (n >> 80) as u16, (n >> 64) as u16);
        write!(f, "{a:08X}-{b:04X}-{c:04X}-{:04X}-{:012X}", (n >> 48) as u16, n & 0xffff_ffff_ffff)
    }
}

impl serde::Serialize for Uuid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_only_in_its_own_form() {
        let name = Uuid::derived(1, 2);
        assert_eq!(Uuid::parse(&name.to_string()), Some(name));
        assert_eq!(Uuid::parse(&name.to_string().to_lowercase()), None);
        assert_eq!(&name.to_string()[14..15], "4");
    }
}
