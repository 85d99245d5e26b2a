//! How a library differs from what iCloud announces of it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::index::{Index, IndexError};
use crate::photos::{Announced, Library, View};
use crate::sync::albums::{PSEUDO_FOLDERS, beyond_key};
use crate::sync::shortfall::Shortfall;
use crate::sync::{LibrarySync, SyncError};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// How many more or fewer are announced of which views; empty if none.
    pub views: String,
    /// Whether the views differ as they did when everything had just been listed, or not at all.
    pub is_known: bool,
    /// A view that holds less than is announced, known or not.
    pub short: Option<Shortfall>,
    /// Albums whose members differ, and how many are announced.
    pub albums: BTreeMap<String, u64>,
    /// Albums and folders that are announced, if that differs.
    pub list: Option<u64>,
}

impl Difference {
    /// Whether there is nothing to do about it.
    pub fn is_none(&self) -> bool {
        self.is_known && self.albums.is_empty() && self.list.is_none()
    }
}

/// Under which it is remembered how the views of a library differ for good.
pub(super) fn key(library: &Library) -> String {
    format!("difference of {}", library.zone.name)
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
    let expected = index.expected_views(&id)?;
    let counted = View::ALL.into_iter().zip(&announced.views).zip(expected);
    let views: Vec<String> =
        counted.filter_map(|((view, count), expected)| offset(&view, (*count)?, &expected)).collect();
    let views = views.join(", ");
    Ok(Difference {
        is_known: views.is_empty() || index.remembered(&key(library))?.as_ref() == Some(&views),
        views,
        short: Shortfall::of(&announced.views, &index.listed_counts(&id)?),
        albums: differing_albums(index, albums, &announced.members)?,
        list: differing_list(index, library, announced.list)?,
    })
}

/// Such as `visible +1`; none if it is as expected. Without what a view holds: that goes on changing, and a count that is
/// wrong for good stays wrong by as much.
fn offset(view: &View, announced: u64, expected: &RangeInclusive<u64>) -> Option<String> {
    let nearest = announced.clamp(*expected.start(), *expected.end());
    let offset = announced.cast_signed() - nearest.cast_signed();
    (offset != 0).then(|| format!("{view} {offset:+}"))
}

fn differing_albums(
    index: &Index,
    albums: Vec<String>,
    announced: &[Option<u64>],
) -> Result<BTreeMap<String, u64>, IndexError> {
    let mut differing = BTreeMap::new();
    for (album, count) in albums.into_iter().zip(announced) {
        if let Some(count) = *count
            && !index.may_announce(&album, count)?
        {
            differing.insert(album, count);
        }
    }
    Ok(differing)
}

fn differing_list(index: &Index, library: &Library, announced: Option<u64>) -> Result<Option<u64>, IndexError> {
    let Some(announced) = announced else { return Ok(None) };
    let here = index.listed_albums(&library.id())?.len() as u64;
    // How many more are announced when all are here, if that is known.
    let beyond = index.remembered(&beyond_key(library))?.and_then(|beyond| beyond.parse::<i64>().ok());
    let is_expected = match beyond {
        Some(beyond) => announced.cast_signed() == here.cast_signed() + beyond,
        None => (here..=here + PSEUDO_FOLDERS).contains(&announced),
    };
    Ok((!is_expected).then_some(announced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_from_what_is_expected_at_most_or_at_least() {
        let said = |announced| offset(&View::Visible, announced, &(7..=10));
        assert_eq!([said(7), said(10)], [None, None]);
        assert_eq!([said(12), said(4)].map(Option::unwrap), ["visible +2", "visible -3"]);
    }
}
