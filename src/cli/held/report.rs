//! What waits, in words: for the terminal, and for `.photosfs/HELD`.

use std::fmt::Write;

use crate::cli::changes::tsv::escaped;
use crate::index::Waiting;

/// What a person should know before letting them go.
pub const UNNAMED: &str = "Only the damaged index knew which, and nothing is shown until you let them go: \
    look in Recently Deleted at icloud.com first. Afterwards rsync --delete --dry-run names what only your copy has.";

/// "150 removals and 12 deleted albums".
pub fn what(waiting: &Waiting) -> String {
    let Waiting { photos, vanished, albums, unnamed, whole, .. } = waiting;
    let mut parts = Vec::new();
    if *whole {
        parts.push("the whole library".to_owned());
    }
    match (*photos, *vanished) {
        (0, _) => {}
        (photos, 0) => parts.push(counted(photos, "removal")),
        (photos, vanished) => {
            parts.push(format!("{} ({vanished} of them without a deletion)", counted(photos, "removal")));
        }
    }
    if *albums > 0 {
        parts.push(counted(*albums, "deleted album"));
    }
    if *unnamed > 0 {
        parts.push(format!("{} that left while the index was damaged", counted(*unnamed, "photo")));
    }
    parts.join(" and ")
}

/// "1 removal" or "2 removals".
pub fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// As [`what`], of all libraries together; named where there are several.
pub fn what_all(holds: &[Waiting]) -> String {
    if let [one] = holds {
        return what(one);
    }
    let all: Vec<String> = holds.iter().map(|waiting| format!("{} in {}", what(waiting), waiting.library.0)).collect();
    all.join(", ")
}

/// "PrimarySync: 150 removals; SharedSync-1: the whole library".
pub fn by_library(holds: &[Waiting]) -> String {
    holds.iter().map(|waiting| format!("{}: {}", waiting.library.0, what(waiting))).collect::<Vec<_>>().join("; ")
}

/// The text of `.photosfs/HELD`; `None` while nothing waits.
pub fn report(holds: &[Waiting]) -> Option<String> {
    if holds.is_empty() {
        return None;
    }
    let mut text = "photosfs is holding removals until a person has looked at them.\n\
        What is held is gone from iCloud, or was moved to Recently Deleted there; here it is shown as it was.\n"
        .to_owned();
    for waiting in holds {
        let _ = writeln!(text, "\n{}: {}, since {:.0}", waiting.library.0, what(waiting), waiting.since);
        if waiting.unnamed > 0 {
            let _ = writeln!(text, "  {UNNAMED}");
        }
        for path in &waiting.first {
            let _ = writeln!(text, "  {}", escaped(path));
        }
        if waiting.whole || waiting.photos + waiting.albums > waiting.first.len() as u64 {
            let _ = writeln!(text, "  ...");
        }
    }
    text += "\nphotosfs held list     names all of them\n\
        photosfs held accept   lets them go, as iCloud says\n\
        photosfs held reject   keeps them in the tree, for as long as their originals can be had\n\
        photosfs changes       tells what left before\n";
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::LibraryId;

    fn waiting() -> Waiting {
        Waiting {
            library: LibraryId("PrimarySync".into()),
            photos: 150,
            vanished: 1,
            albums: 12,
            unnamed: 0,
            whole: false,
            since: "2026-11-22T20:14:05Z".parse().unwrap(),
            first: vec!["Years/2024/2024-03/IMG_1.JPG".into()],
        }
    }

    #[test]
    fn one_is_told_in_the_singular() {
        let one = Waiting { photos: 1, vanished: 0, albums: 1, ..waiting() };
        assert_eq!(what(&one), "1 removal and 1 deleted album");
        assert_eq!(what(&Waiting { photos: 2, albums: 0, ..one }), "2 removals");
    }

    #[test]
    fn a_person_learns_what_waits_and_what_to_do() {
        assert_eq!(report(&[]), None);
        let text = report(&[waiting()]).unwrap();
        let line = "PrimarySync: 150 removals (1 of them without a deletion) and 12 deleted albums, since 2026-11-22T20:14:05Z";
        for part in [line, "  Years/2024/2024-03/IMG_1.JPG\n  ...\n", "photosfs held accept"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
