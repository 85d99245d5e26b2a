//! `HyperionIndexCountLookup`: how many items an index holds (photos.md §2.4).

use serde_json::json;

use super::indexes;
use super::listing::Page;
use super::records;
use super::refusal::Refusal;
use crate::library::Zone;

pub(super) fn page(zone: &mut Zone, ids: &[String], now_ms: i64) -> Result<Page, Refusal> {
    if ids.is_empty() {
        return Err(Refusal::breach("a count needs the filter indexCountID"));
    }
    let mut counts = Vec::new();
    for id in ids {
        let count = indexes::count(zone, id).ok_or_else(|| Refusal::breach(format!("there is no index {id}")))?;
        let count = (count as u64).saturating_add_signed(zone.miscounted.get(id).copied().unwrap_or(0));
        let fields = json!({"itemCount": {"value": count, "type": "INT64"}});
        counts.push(records::computed(zone, id, "IndexCountResult", fields, now_ms).into());
    }
    Ok(Page::of(counts))
}
