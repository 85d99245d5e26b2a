//! Names that every file system a backup may go to can hold.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// The longest name, in bytes of UTF-8, that Linux file systems hold; Apple's and Microsoft's hold as many and more.
const LONGEST: usize = 255;

/// The form under which names are compared: two names of one form are never shown in one directory, because macOS and
/// Windows take them for the same file, and a copy there would overwrite one by the other.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// Makes a text safe as one component of a path: NFC, and `_` for what exFAT, SMB, macOS or a shell's `*` would not take:
/// separators, control characters, `<>:"|?*`, a dot in front, a dot or space at the end. The name as it was
/// is kept in an extended attribute. Empty if nothing is left.
pub fn safe(name: &str) -> String {
    let replaced = |c: char| match c {
        '/' | '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    let mut name: String = match name.is_ascii() {
        true => name.chars().map(replaced).collect(),
        false => name.nfc().map(replaced).collect(),
    };
    if name.trim().is_empty() {
        return String::new();
    }
    if name.starts_with('.') {
        name.replace_range(..1, "_");
    }
    if name.ends_with(['.', ' ']) {
        name.pop();
        name.push('_');
    }
    name
}

/// Seven digits that stand for an asset in names: of a digest of its record name, because record names of one import may
/// begin alike.
pub fn short_id(record_name: &str) -> String {
    Sha256::digest(record_name).iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>()[..7].to_owned()
}

/// `stem` + `suffix` + `.extension`, with the stem cut so that the whole fits.
pub fn with_suffix(stem: &str, suffix: &str, extension: &str) -> String {
    let tail = match extension.is_empty() {
        true => suffix.to_owned(),
        false => format!("{suffix}.{extension}"),
    };
    let room = LONGEST.saturating_sub(tail.len());
    format!("{}{tail}", cut(stem, room))
}

/// The longest beginning of at most `room` bytes that does not split a character.
fn cut(text: &str, room: usize) -> &str {
    let end = (0..=room.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}

/// A file name's stem and extension. An extension is short and without spaces; what is not is part of the stem.
pub(super) fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, extension))
            if !stem.is_empty()
                && (1..=8).contains(&extension.len())
                && extension.chars().all(|c| c.is_ascii_alphanumeric()) =>
        {
            (stem, extension)
        }
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_become_safe() {
        for (odd, expected) in [
            ("IMG_0042.HEIC", "IMG_0042.HEIC"),
            ("24/12/2020", "24_12_2020"),
            ("a\\b:c*d?e", "a_b_c_d_e"),
            (".hidden.jpg", "_hidden.jpg"),
            ("..", "__"),
            (".", "_"),
            ("", ""),
            ("  ", ""),
            ("dot.", "dot_"),
            ("space ", "space_"),
            ("bell\u{7}.jpg", "bell_.jpg"),
            ("cafe\u{301}.jpg", "caf\u{e9}.jpg"),
            ("Screenshot 9.41.00\u{202f}AM.png", "Screenshot 9.41.00\u{202f}AM.png"),
            ("🏔️ Norway", "🏔️ Norway"),
        ] {
            assert_eq!(safe(odd), expected, "{odd:?}");
        }
    }

    #[test]
    fn twins_fold_alike() {
        assert_eq!(fold("IMG_1.JPG"), fold("img_1.jpg"));
        assert_eq!(fold("CAFE\u{301}"), fold("caf\u{e9}"));
        assert_ne!(fold("a"), fold("b"));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = with_suffix(&"é".repeat(200), "_1234567 (edited)", "HEIC");
        assert!(name.len() <= LONGEST && name.len() > LONGEST - 3, "{}", name.len());
        assert!(name.ends_with("é_1234567 (edited).HEIC"));
    }

    #[test]
    fn extensions_are_what_looks_like_one() {
        assert_eq!(split("IMG_1.JPG"), ("IMG_1", "JPG"));
        assert_eq!(split("Screenshot 9.41.00 AM"), ("Screenshot 9.41.00 AM", ""));
        assert_eq!(split("noextension"), ("noextension", ""));
        assert_eq!(split("a.tar.gz"), ("a.tar", "gz"));
    }
}
