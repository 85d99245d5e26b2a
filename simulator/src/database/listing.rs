//! The page generator: which ranks a page takes, and the records they become (photos.md §12.3).

use std::collections::HashSet;

use super::indexes::{Filters, Index};
use super::marker::Marker;
use super::query::Query;
use super::records::{Entry, ROOT_FOLDERS, Record, Writer};
use super::refusal::Refusal;
use crate::download::Links;
use crate::library::{AlbumIndex, AssetIndex, Body, Checksum, RelationIndex, Uuid, Zone};

/// One page of an answer.
#[derive(Default)]
pub(super) struct Page {
    pub(super) records: Vec<Entry>,
    /// Where to go on; `None` on the last page.
    pub(super) marker: Option<Marker>,
    /// Bodies whose addresses were signed for this page.
    pub(super) published: Vec<(Checksum, Body)>,
}

impl Page {
    pub(super) fn of(records: Vec<Entry>) -> Page {
        Page { records, ..Page::default() }
    }

    fn new(records: Vec<Record>, marker: Option<Marker>, published: Vec<(Checksum, Body)>) -> Page {
        Page { records: records.into_iter().map(Entry::from).collect(), marker, published }
    }
}

/// Records per photo: relation, asset and master in albums; asset and master elsewhere; or the asset alone.
const PER_MEMBER: usize = 3;
const PER_PAIR: usize = 2;
const PER_ASSET: usize = 1;

pub(super) fn page(zone: &mut Zone, query: &Query, links: &Links) -> Result<Page, Refusal> {
    match query.index {
        Index::Assets { listing, with_masters } => {
            let ranked = zone.ranked(listing);
            let per = if with_masters { PER_PAIR } else { PER_ASSET };
            let mut taken = take(query, &ranked, per, |index| zone.asset(*index).id);
            taken.items.retain(|index| !zone.unlisted.contains(&zone.asset(*index).id));
            Ok(asset_page(zone, query, links, with_masters, taken))
        }
        Index::Members { album, order } => {
            let Some(album) = zone.album_named(album) else { return Ok(Page::default()) };
            let ranked = zone.ranked_members(album, order);
            let mut taken = take(query, &ranked, PER_MEMBER, |index| zone.relation(*index).item);
            taken.items.retain(|index| !zone.unlisted.contains(&zone.relation(*index).item));
            Ok(member_page(zone, query, links, taken))
        }
        Index::Albums { parent } => Ok(album_page(zone, query, links, parent)),
        Index::IndexingState | Index::Counts => unreachable!("these are no lists"),
    }
}

/// The items a page takes, and where the next one begins.
struct Taken<T> {
    items: Vec<T>,
    marker: Option<Marker>,
}

fn take<T: Copy>(query: &Query, ranked: &[T], per: usize, name: impl Fn(&T) -> Uuid) -> Taken<T> {
    if let Some(wanted) = query.filters.record_name {
        return Taken { items: ranked.iter().filter(|item| name(item) == wanted).copied().collect(), marker: None };
    }
    let ranks = ranks(&query.filters, ranked.len(), (query.limit / per).max(1), |filters| {
        query.marker.map_or(filters.start_rank as i64, |marker| {
            let last = ranked.iter().position(|item| name(item) == marker.last);
            let step = if filters.descending { -1 } else { 1 };
            // An item that is gone has let the next one slip into its rank.
            last.map_or(marker.rank as i64 + step.min(0), |last| last as i64 + step)
        })
    });
    let more =
        ranks.last().is_some_and(|last| if query.filters.descending { *last > 0 } else { last + 1 < ranked.len() });
    let last = ranks.last().filter(|_| more);
    let marker = last.map(|rank| Marker { last: name(&ranked[*rank]), rank: *rank });
    Taken { items: ranks.into_iter().map(|rank| ranked[rank]).collect(), marker }
}

/// Ranks of one page: upwards from the start, or downwards from it to 0.
fn ranks(filters: &Filters, total: usize, most: usize, start: impl Fn(&Filters) -> i64) -> Vec<usize> {
    let start = start(filters);
    if start < 0 {
        return Vec::new();
    }
    let start = start as usize;
    match filters.descending {
        false => (start.min(total)..total).take(most).collect(),
        true => (0..total.min(start + 1)).rev().take(most).collect(),
    }
}

fn asset_page(zone: &mut Zone, query: &Query, links: &Links, with_masters: bool, taken: Taken<AssetIndex>) -> Page {
    let mut writer = Writer::new(zone, links, &query.desired);
    let mut records = if with_masters { masters(&mut writer, &taken.items) } else { Vec::new() };
    records.extend(taken.items.iter().map(|asset| writer.asset(*asset)));
    // A limit below one whole photo cuts it.
    records.truncate(query.limit);
    let published = writer.published;
    name_masters(zone, &taken.items);
    Page::new(records, taken.marker, published)
}

/// The masters of some assets, each once.
fn masters(writer: &mut Writer<'_>, assets: &[AssetIndex]) -> Vec<Record> {
    let mut seen = HashSet::new();
    let masters = assets.iter().map(|asset| writer.zone.asset(*asset).master);
    let unique: Vec<_> = masters.filter(|master| seen.insert(*master)).collect();
    unique.into_iter().map(|master| writer.master(master)).collect()
}

fn name_masters(zone: &mut Zone, assets: &[AssetIndex]) {
    for asset in assets {
        zone.name_master(zone.asset(*asset).master);
    }
}

/// Members that live in another zone show their relation only (photos.md §1.3).
fn member_page(zone: &mut Zone, query: &Query, links: &Links, taken: Taken<RelationIndex>) -> Page {
    let items = taken.items.iter().map(|relation| zone.relation(*relation).item);
    let assets: Vec<_> = items.filter_map(|item| zone.asset_named(item)).collect();
    let mut writer = Writer::new(zone, links, &query.desired);
    let mut records = masters(&mut writer, &assets);
    records.extend(assets.iter().map(|asset| writer.asset(*asset)));
    records.extend(taken.items.iter().map(|relation| writer.relation(*relation)));
    records.truncate(query.limit);
    let published = writer.published;
    name_masters(zone, &assets);
    Page::new(records, taken.marker, published)
}

fn album_page(zone: &Zone, query: &Query, links: &Links, parent: Option<Uuid>) -> Page {
    let ranked: Vec<AlbumIndex> = zone.albums_under(parent);
    let mut taken = take(query, &ranked, 1, |index| zone.album(*index).id);
    taken.items.retain(|index| !zone.unlisted.contains(&zone.album(*index).id));
    let mut writer = Writer::new(zone, links, &query.desired);
    let is_first = query.marker.is_none() && query.filters.start_rank == 0;
    let roots = if parent.is_none() && is_first { 0..ROOT_FOLDERS.len() } else { 0..0 };
    let mut records: Vec<_> = roots.map(|n| writer.root_folder(n)).collect();
    records.extend(taken.items.iter().map(|album| writer.album(*album)));
    Page::new(records, taken.marker, Vec::new())
}
