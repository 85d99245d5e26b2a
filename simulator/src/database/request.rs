//! Request bodies. A member that no client of the real service sends is refused.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refusal::Refusal;

/// Reads a JSON body, whatever its content type said.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::breach(format!("malformed body: {error}")))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ZoneRef {
    pub(super) zone_name: String,
    pub(super) owner_record_name: Option<String>,
    pub(super) zone_type: Option<String>,
}

/// `records/query`, and one entry of a batch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct QueryRequest {
    pub(super) query: QueryBody,
    #[serde(rename = "zoneID")]
    pub(super) zone_id: ZoneRef,
    #[serde(rename = "zoneWide")]
    pub(super) _zone_wide: Option<bool>,
    pub(super) results_limit: Option<i64>,
    pub(super) desired_keys: Option<Vec<String>>,
    pub(super) continuation_marker: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct QueryBody {
    pub(super) record_type: String,
    filter_by: Option<OneOrMany<Filter>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Filter {
    pub(super) field_name: String,
    pub(super) comparator: String,
    pub(super) field_value: FieldValue,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct FieldValue {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) value: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchRequest {
    pub(super) batch: Vec<QueryRequest>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LookupRequest {
    pub(super) records: Vec<NamedRecord>,
    pub(super) desired_keys: Option<Vec<String>>,
    #[serde(rename = "zoneID")]
    pub(super) zone_id: ZoneRef,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NamedRecord {
    pub(super) record_name: String,
}

/// `changes/zone`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ChangesRequest {
    pub(super) zones: Vec<ZoneChanges>,
    pub(super) results_limit: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ZoneChanges {
    #[serde(rename = "zoneID")]
    pub(super) zone_id: ZoneRef,
    pub(super) sync_token: Option<String>,
    pub(super) results_limit: Option<i64>,
    pub(super) desired_keys: Option<Vec<String>>,
    /// Taken and not obeyed: the real service may return other types all the same (photos.md §3.1).
    #[serde(rename = "desiredRecordTypes")]
    pub(super) _desired_record_types: Option<Vec<String>>,
    pub(super) reverse: Option<bool>,
}

/// `zones/list` and `changes/database`; an empty body counts as `{}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DatabaseRequest {
    pub(super) sync_token: Option<String>,
}

impl QueryBody {
    pub(super) fn filters(&self) -> &[Filter] {
        match &self.filter_by {
            None => &[],
            Some(OneOrMany::Many(filters)) => filters,
            Some(OneOrMany::One(filter)) => std::slice::from_ref(filter),
        }
    }
}

/// How many records an answer may hold.
pub(super) fn limit(asked: Option<i64>) -> Result<usize, Refusal> {
    match asked {
        None => Ok(super::MOST_RECORDS),
        Some(limit) if limit > 0 => Ok((limit as usize).min(super::MOST_RECORDS)),
        Some(limit) => Err(Refusal::breach(format!("resultsLimit {limit} is not a number of records"))),
    }
}
