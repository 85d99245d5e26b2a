//! Extended attributes: what is known of the photo behind a file, as `user.photosfs.NAME`.

use crate::index::Facts;

pub const PREFIX: &str = "user.photosfs.";

/// The part of an attribute's name after our prefix; `None` for everybody else's names.
pub fn ours(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// All attributes of a file, in a fixed order, as text.
pub fn of(facts: &Facts) -> Vec<(&'static str, Vec<u8>)> {
    let flag = |value: bool| Some(if value { "1" } else { "0" }.to_owned());
    let keywords = (!facts.keywords.is_empty()).then(|| facts.keywords.join("\n"));
    let all = [
        ("asset", Some(facts.asset.clone())),
        ("library", Some(facts.library.0.clone())),
        ("checksum", Some(facts.checksum.clone())),
        ("original_name", facts.original_name.clone()),
        ("favorite", flag(facts.favourite)),
        ("hidden", flag(facts.hidden)),
        ("title", facts.title.clone()),
        ("description", facts.description.clone()),
        ("keywords", keywords),
        ("place", facts.place.map(|(north, east)| format!("{north},{east}"))),
        ("expires", facts.expires.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()).map(|at| at.to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?.into_bytes()))).collect()
}
