//! Names of the query indexes and of their counts (photos.md §2.2).

use super::records::ROOT_FOLDERS;
use super::refusal::Refusal;
use super::request::{Filter, QueryBody};
use crate::library::{AlbumIndex, Listing, MemberOrder, Smart, Uuid, Zone};

/// What a query asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Index {
    /// Assets, with their masters or without.
    Assets {
        listing: Listing,
        with_masters: bool,
    },
    Members {
        album: Uuid,
        order: MemberOrder,
    },
    Albums {
        parent: Option<Uuid>,
    },
    IndexingState,
    Counts,
}

/// The values of the filters a query may have.
#[derive(Clone, Default, Debug)]
pub(super) struct Filters {
    pub(super) start_rank: usize,
    pub(super) descending: bool,
    pub(super) record_name: Option<Uuid>,
    pub(super) counts: Vec<String>,
    smart_album: Option<Smart>,
    parent: Option<Uuid>,
}

const SMART: [(&str, &str, Smart); 11] = [
    ("FAVORITE", "Favorite", Smart::Favourite),
    ("VIDEO", "Video", Smart::Video),
    ("LIVE", "Live", Smart::Live),
    ("SCREENSHOT", "Screenshot", Smart::Screenshot),
    ("PANORAMA", "Panorama", Smart::Panorama),
    ("SLOMO", "Slomo", Smart::SlowMotion),
    ("TIMELAPSE", "Timelapse", Smart::TimeLapse),
    ("DEPTH", "Depth", Smart::Portrait),
    ("EXPOSURE", "Exposure", Smart::LongExposure),
    ("ANIMATED", "Animated", Smart::Animated),
    ("SELFIE", "Selfie", Smart::Selfie),
];

/// Listings without a filter of their own: name with masters, name without, name of the count.
const LISTINGS: [(&str, &str, &str, Listing); 6] = [
    (
        "CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted",
        "CPLAssetByAssetDateWithoutHiddenOrDeleted",
        "CPLAssetByAssetDateWithoutHiddenOrDeleted",
        Listing::Visible,
    ),
    ("CPLAssetAndMasterByAddedDate", "CPLAssetByAddedDate", "CPLAssetByAddedDate", Listing::ByAddedDate),
    ("CPLAssetAndMasterByAssetDate", "CPLAssetByAssetDate", "CPLAssetByAssetDate", Listing::ByAssetDate),
    (
        "CPLBurstStackAssetAndMasterByAssetDate",
        "CPLBurstStackAssetByAssetDate",
        "CPLAssetBurstStackAssetByAssetDate",
        Listing::Bursts,
    ),
    ("CPLAssetAndMasterHiddenByAssetDate", "CPLAssetHiddenByAssetDate", "CPLAssetHiddenByAssetDate", Listing::Hidden),
    (
        "CPLAssetAndMasterDeletedByExpungedDate",
        "CPLAssetDeletedByExpungedDate",
        "CPLAssetDeletedByExpungedDate",
        Listing::RecentlyDeleted,
    ),
];

const SMART_LISTING: &str = "CPLAssetAndMasterInSmartAlbumByAssetDate";
const SMART_LISTING_ALONE: &str = "CPLAssetInSmartAlbumByAssetDate";
const MEMBERS_COUNT: &str = "CPLContainerRelationNotDeletedByAssetDate:";
const ALBUMS: &str = "CPLAlbumByPositionLive";

/// Finds the index and checks that it has the filters it needs, and no others.
pub(super) fn read(query: &QueryBody) -> Result<(Index, Filters), Refusal> {
    let filters = filters(query.filters())?;
    let index = index(&query.record_type, &filters)?;
    filters.suit(&index)?;
    Ok((index, filters))
}

fn index(record_type: &str, filters: &Filters) -> Result<Index, Refusal> {
    if let Some((name, _, _, listing)) =
        LISTINGS.iter().find(|(with, without, ..)| [*with, *without].contains(&record_type))
    {
        return Ok(Index::Assets { listing: *listing, with_masters: *name == record_type });
    }
    Ok(match record_type {
        SMART_LISTING | SMART_LISTING_ALONE => {
            let smart =
                filters.smart_album.ok_or_else(|| Refusal::breach("a smart album needs the filter smartAlbum"))?;
            Index::Assets { listing: Listing::Smart(smart), with_masters: record_type == SMART_LISTING }
        }
        "CPLContainerRelationLiveByAssetDate" => members(filters, MemberOrder::AssetDate)?,
        "CPLContainerRelationLiveByPosition" => members(filters, MemberOrder::Position)?,
        ALBUMS => Index::Albums { parent: filters.parent },
        "CheckIndexingState" => Index::IndexingState,
        "HyperionIndexCountLookup" => Index::Counts,
        other => return Err(Refusal::breach(format!("Type is not marked indexable: {other}"))),
    })
}

fn members(filters: &Filters, order: MemberOrder) -> Result<Index, Refusal> {
    let album = filters.parent.ok_or_else(|| Refusal::breach("members of an album need the filter parentId"))?;
    Ok(Index::Members { album, order })
}

fn filters(list: &[Filter]) -> Result<Filters, Refusal> {
    let mut filters = Filters::default();
    for filter in list {
        filters.take(filter)?;
    }
    Ok(filters)
}

impl Filters {
    fn take(&mut self, filter: &Filter) -> Result<(), Refusal> {
        let Filter { field_name, comparator, field_value } = filter;
        let wrong = || Refusal::breach(format!("filter {field_name} has an unknown form"));
        let expected = match field_name.as_str() {
            "startRank" => ("EQUALS", "INT64"),
            "indexCountID" => ("IN", "STRING_LIST"),
            _ => ("EQUALS", "STRING"),
        };
        if (comparator.as_str(), field_value.kind.as_deref().unwrap_or(expected.1)) != expected {
            return Err(wrong());
        }
        let text = || field_value.value.as_str().ok_or_else(wrong);
        match field_name.as_str() {
            "startRank" => self.start_rank = field_value.value.as_u64().ok_or_else(wrong)? as usize,
            "direction" => self.descending = descending(text()?).ok_or_else(wrong)?,
            "smartAlbum" => self.smart_album = Some(smart(text()?).ok_or_else(wrong)?),
            "parentId" => self.parent = Some(folder(text()?).ok_or_else(wrong)?),
            "recordName" => self.record_name = Some(Uuid::parse(text()?).ok_or_else(wrong)?),
            "indexCountID" => self.counts = strings(&field_value.value).ok_or_else(wrong)?,
            other => return Err(Refusal::breach(format!("there is no filter {other}"))),
        }
        Ok(())
    }

    fn suit(&self, index: &Index) -> Result<(), Refusal> {
        let smart = matches!(index, Index::Assets { listing: Listing::Smart(_), .. });
        let parent = matches!(index, Index::Members { .. } | Index::Albums { .. });
        let stray = [
            (self.smart_album.is_some() && !smart, "smartAlbum"),
            (self.parent.is_some() && !parent, "parentId"),
            (!self.counts.is_empty() && *index != Index::Counts, "indexCountID"),
        ];
        match stray.iter().find(|(is_stray, _)| *is_stray) {
            Some((_, name)) => Err(Refusal::breach(format!("this index takes no filter {name}"))),
            None => Ok(()),
        }
    }
}

fn descending(direction: &str) -> Option<bool> {
    match direction {
        "ASCENDING" => Some(false),
        "DESCENDING" => Some(true),
        _ => None,
    }
}

/// Albums at the root level have no parent, so the two pseudo folders hold nothing; pyicloud looks into them all the same.
fn folder(name: &str) -> Option<Uuid> {
    if ROOT_FOLDERS.contains(&name) { Some(Uuid::NOBODY) } else { Uuid::parse(name) }
}

fn smart(name: &str) -> Option<Smart> {
    SMART.iter().find(|(filter, ..)| *filter == name).map(|(.., smart)| *smart)
}

fn strings(value: &serde_json::Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// How many assets (for albums: albums) the index of this count id holds.
pub(super) fn count(zone: &mut Zone, id: &str) -> Option<usize> {
    if let Some((.., listing)) = LISTINGS.iter().find(|(_, _, count, _)| *count == id) {
        return Some(zone.ranked(*listing).len());
    }
    if id == ALBUMS {
        return Some(zone.albums.iter().filter(|album| album.is_live()).count());
    }
    if let Some(smart) = id.strip_prefix(SMART_LISTING_ALONE).and_then(|rest| rest.strip_prefix(':')) {
        let (.., smart) = SMART.iter().find(|(_, name, _)| *name == smart)?;
        return Some(zone.ranked(Listing::Smart(*smart)).len());
    }
    let album = id.strip_prefix(MEMBERS_COUNT)?;
    Some(album_named(zone, album).map_or(0, |album| zone.ranked_members(album, MemberOrder::AssetDate).len()))
}

fn album_named(zone: &Zone, name: &str) -> Option<AlbumIndex> {
    Uuid::parse(name).and_then(|id| zone.album_named(id)).filter(|album| zone.album(*album).is_live())
}
