//! What the system that mounts the library expects of names.

use std::borrow::Cow;
use std::time::Duration;

use unicode_normalization::UnicodeNormalization;

/// The longest name in bytes that macOS takes from a directory.
const LONGEST: usize = 255;

/// A system that mounts file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Names are what they are, to the byte.
    Linux,
    /// Names are listed decomposed, and found in any case (desktop.md §2.2, §3.2).
    MacOs,
}

impl System {
    /// The one this program was built for.
    pub const OWN: System = if cfg!(target_os = "macos") { System::MacOs } else { System::Linux };

    /// How long the kernel may keep an answer from the index. Long, because every change is announced to it (fuse.md §7, 6:
    /// one hour and one minute cost the same, zero costs forty times as much); a minute on macOS, where the kernel may know
    /// an entry by a name of another case than the one that is announced.
    pub fn ttl(self) -> Duration {
        match self {
            System::Linux => Duration::from_secs(3600),
            System::MacOs => Duration::from_secs(60),
        }
    }

    /// A name of the index (NFC) as this system lists it. One that would grow too long stays as it is: macOS finds it all
    /// the same, while one name too long would spoil the listing.
    pub fn listed(self, name: &str) -> Cow<'_, str> {
        if self == System::Linux || name.is_ascii() {
            return Cow::Borrowed(name);
        }
        let decomposed: String = name.nfd().collect();
        if decomposed.len() > LONGEST { Cow::Borrowed(name) } else { Cow::Owned(decomposed) }
    }

    /// Gives entries the names they were listed with: the kernel knows them by no others.
    pub fn as_listed(self, entries: &mut [(u64, String)]) {
        for (_, name) in entries {
            if let Cow::Owned(listed) = self.listed(name) {
                *name = listed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_decomposed_where_that_is_expected() {
        assert_eq!(System::Linux.listed("Caf\u{e9}.jpg"), "Caf\u{e9}.jpg");
        assert_eq!(System::MacOs.listed("Caf\u{e9}.jpg"), "Cafe\u{301}.jpg");
        assert!(matches!(System::MacOs.listed("IMG_0001.HEIC"), Cow::Borrowed("IMG_0001.HEIC")));
        let long = "\u{d55c}".repeat(80);
        assert_eq!(System::MacOs.listed(&long), long, "240 bytes, decomposed 720");
    }
}
