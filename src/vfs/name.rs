//! Names as programs send them.

use std::borrow::Cow;
use std::ffi::OsStr;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The name in the form the index keeps (NFC); macOS and some copies of file lists send NFD. `None` if it is not
/// UTF-8: no name of ours is.
pub fn canonical(name: &OsStr) -> Option<Cow<'_, str>> {
    let name = name.to_str()?;
    Some(if is_nfc(name) { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) })
}

/// Names that desktops and indexers ask for in every directory: `._IMG_0001.JPG`, `.DS_Store`, `.hidden`, `.Trash-1000`
/// (desktop.md §3.4, §7). No name of the tree begins with a dot (`tree::safe`), so they are answered without asking the
/// index.
pub fn is_probe(name: &str) -> bool {
    name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_names_are_composed() {
        assert_eq!(canonical(OsStr::new("Cafe\u{301}.jpg")).unwrap(), "Café.jpg");
        assert!(matches!(canonical(OsStr::new("Café.jpg")), Some(Cow::Borrowed("Café.jpg"))));
    }

    #[test]
    fn probes_are_known() {
        assert!(is_probe("._IMG_0001.JPG") && is_probe(".DS_Store"));
        assert!(!is_probe("IMG_0001.JPG") && !is_probe("desktop.ini"));
    }
}
