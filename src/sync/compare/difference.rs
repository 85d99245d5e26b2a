//! How a library differs from what iCloud announces of it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::index::{ALBUM_LIST, Index, IndexError, Offset};
use crate::photos::{Announced, Library, View};
use crate::sync::albums::{PSEUDO_FOLDERS, beyond_key};
use crate::sync::{LibrarySync, SyncError};

/// What was counted: views, the list of albums, some albums.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sync) struct Difference(BTreeMap<String, Counted>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    announced: u64,
    /// How many more are announced than there should be.
    beyond: i64,
    /// Whether that is how it was when everything had been looked for.
    is_known: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    View,
    AlbumList,
    Album,
}

impl Difference {
    /// Whether there is nothing to do about it.
    pub fn is_none(&self) -> bool {
        self.0.values().all(|counted| counted.is_known)
    }

    /// Whether views differ from how they were listed.
    pub fn is_of_views(&self) -> bool {
        self.differing(Kind::View).next().is_some()
    }

    pub fn is_of_album_list(&self) -> bool {
        self.differing(Kind::AlbumList).next().is_some()
    }

    /// Albums whose members differ, and how many are announced.
    pub fn albums(&self) -> BTreeMap<String, u64> {
        self.differing(Kind::Album).map(|(album, counted)| (album.clone(), counted.announced)).collect()
    }

    fn differing(&self, kind: Kind) -> impl Iterator<Item = (&String, &Counted)> {
        self.0.iter().filter(move |(_, counted)| counted.kind == kind && !counted.is_known)
    }

    /// How all of them are off. `is_listed` tells whether everything was just listed; without that, of a view nothing is sure.
    /// What an album has too many of was looked for when its list was read.
    pub fn offsets(&self, is_listed: bool) -> Vec<Offset> {
        let sought = |counted: &Counted| match counted.kind {
            Kind::View => is_listed,
            Kind::AlbumList | Kind::Album => counted.beyond < 0,
        };
        let offset = |(list, counted): (&String, &Counted)| Offset {
            list: list.clone(),
            beyond: counted.beyond,
            sought: sought(counted),
        };
        self.0.iter().map(offset).collect()
    }

    /// Says that some lists are off by as much although all was asked that could show what is missing.
    pub fn sought_for(&self, lists: &[String]) -> Vec<Offset> {
        let off = lists.iter().filter_map(|list| Some((list, self.0.get(list)?)));
        off.map(|(list, counted)| Offset { list: list.clone(), beyond: counted.beyond, sought: true }).collect()
    }
}

impl LibrarySync {
    /// Counts a library's views, its albums and the members of some of them: one request.
    pub(super) async fn difference(&self, library: &Library, albums: &[String]) -> Result<Difference, SyncError> {
        let announced = self.photos.announced(library, albums).await?;
        let (library, albums) = (library.clone(), albums.to_vec());
        self.on_index(move |index| difference(index, &library, &announced, albums)).await
    }
}

fn difference(
    index: &Index,
    library: &Library,
    announced: &Announced,
    albums: Vec<String>,
) -> Result<Difference, IndexError> {
    let id = library.id();
    let discrepancies = index.discrepancies_of(&id)?.into_iter().filter(|discrepancy| discrepancy.offset.sought);
    let known: BTreeMap<String, i64> =
        discrepancies.map(|discrepancy| (discrepancy.offset.list, discrepancy.offset.beyond)).collect();
    let mut lists = BTreeMap::new();
    let mut count = |list: String, kind, announced: Option<u64>, expected: RangeInclusive<u64>| {
        let Some(announced) = announced else { return };
        let beyond = offset(announced, &expected);
        let is_known = is_known(known.get(&list).copied().unwrap_or(0), beyond);
        lists.insert(list, Counted { announced, beyond, is_known, kind });
    };
    for ((view, announced), expected) in View::ALL.iter().zip(&announced.views).zip(index.expected_views(&id)?) {
        count(view.to_string(), Kind::View, *announced, expected);
    }
    if announced.list.is_some() {
        count(ALBUM_LIST.to_owned(), Kind::AlbumList, announced.list, expected_albums(index, library)?);
    }
    for (album, announced) in albums.into_iter().zip(&announced.members) {
        let expected = index.expected_members(&album)?;
        count(album, Kind::Album, *announced, expected);
    }
    Ok(Difference(lists))
}

/// Without what a list holds: that goes on changing, and a count that is wrong for good stays wrong by as much.
fn offset(announced: u64, expected: &RangeInclusive<u64>) -> i64 {
    let nearest = announced.clamp(*expected.start(), *expected.end());
    announced.cast_signed() - nearest.cast_signed()
}

/// Whether a list is off as it was when everything had been looked for, or no more. A count that was too low and is right is
/// another matter: something may be missing here by now.
fn is_known(before: i64, now: i64) -> bool {
    now == before || (now == 0 && before > 0)
}

/// How many albums and folders may be announced: as many more than are here as when all were here, if that is known.
fn expected_albums(index: &Index, library: &Library) -> Result<RangeInclusive<u64>, IndexError> {
    let here = index.listed_albums(&library.id())?.len() as u64;
    let beyond = index.remembered(&beyond_key(library))?.and_then(|beyond| beyond.parse::<i64>().ok());
    Ok(match beyond.map(|beyond| here.saturating_add_signed(beyond)) {
        Some(expected) => expected..=expected,
        None => here..=here + PSEUDO_FOLDERS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_from_what_is_expected_at_most_or_at_least() {
        let said = |announced| offset(announced, &(7..=10));
        assert_eq!([7, 10, 12, 4].map(said), [0, 0, 2, -3]);
    }

    #[test]
    fn what_is_missing_no_more_is_no_news_and_all_else_is() {
        assert!(is_known(0, 0) && is_known(2, 2) && is_known(-1, -1) && is_known(2, 0));
        assert!(!is_known(0, 1) && !is_known(2, 1) && !is_known(2, 3) && !is_known(0, -1));
        assert!(!is_known(-1, 0), "one may be missing, and counted as one too few");
    }
}
