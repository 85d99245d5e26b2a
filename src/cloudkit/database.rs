//! The calls: zones, queries, look-ups, changes, counts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::pace::{Ending, Pace};
use super::wire::{self, Batch, DatabaseChanges, Fault, Records, ZoneChanges, ZonePage, ZoneWire};
use super::{Area, CloudKitError, Record, SyncToken, Trail, Zone};
use crate::account::Account;
use crate::http::{self, Bytes, Reach, Reached, Reply};

/// Every path of the Photos container begins so.
const CONTAINER: &str = "database/1/com.apple.photos.cloud/production";

/// Records of one answer, whatever a request asks for (protocol/photos.md §2.5).
pub const PAGE_RECORDS: usize = 200;

/// Entries that an index may announce, ten times those of the largest library that is known of. A list is walked as far as it
/// announces: one that announces beyond all measure would be walked without an end.
const MOST_ENTRIES: u64 = 10_000_000;

/// The database service of the Photos container, for one account. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    account: Arc<Account>,
    pace: Arc<Pace>,
    reach: Arc<Reach>,
}

/// A question for records of one index.
pub struct Query<'a> {
    /// The index, such as `CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted`.
    pub index: &'static str,
    /// Field, type tag and value, compared by EQUALS.
    pub filters: Vec<(&'a str, &'a str, Value)>,
    pub keys: &'a [&'a str],
    pub continuation: Option<&'a str>,
}

/// One answer to a query.
pub struct QueryPage<T> {
    pub records: Vec<T>,
    /// The zone's token at the moment of the answer.
    pub token: Option<SyncToken>,
    /// Present when more follows.
    pub continuation: Option<String>,
}

/// One step through a zone's history.
pub struct ChangePage<T> {
    pub records: Vec<T>,
    pub token: SyncToken,
    /// Empty pages with more to come are normal (protocol/photos.md §3.2).
    pub more_coming: bool,
}

/// Zones that changed since a database token, and the token to ask with next time.
pub struct ZoneNews {
    pub changed: Vec<Zone>,
    /// Names of zones that exist no more.
    pub deleted: Vec<String>,
    pub token: SyncToken,
}

/// A call of the service.
struct Call {
    area: Area,
    operation: &'static str,
    /// What its answer is like: the operation, or the index that is queried.
    asked: &'static str,
    body: Value,
}

impl Call {
    fn new(area: Area, operation: &'static str, body: Value) -> Call {
        Call { area, operation, asked: operation, body }
    }
}

impl Database {
    pub fn new(account: Arc<Account>) -> Database {
        Database { account, pace: Arc::default(), reach: Arc::default() }
    }

    /// Whether the service can be reached, as far as is known.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// How long the service is left alone before it is asked the same again.
    pub fn pause(&self) -> Duration {
        self.account.retry_policy().first_wait
    }

    /// Zones that changed since `token`; without one, all there are.
    pub async fn zones(&self, area: Area, token: Option<&SyncToken>) -> Result<ZoneNews, CloudKitError> {
        let mut token = token.cloned();
        let (mut changed, mut deleted) = (Vec::new(), Vec::new());
        let mut trail = Trail::new("the list of zones", Trail::LIST);
        loop {
            let body = token.as_ref().map_or(json!({}), |t| json!({"syncToken": t.as_str()}));
            let page: DatabaseChanges =
                self.call(Call::new(area, "changes/database", body), |answer| wire::read(answer)).await?;
            for ZoneWire { id, deleted: gone, fault } in page.zones {
                fault.check(200)?;
                match gone {
                    Some(true) => deleted.push(id.zone_name),
                    _ => changed.push(id.into_zone(area)),
                }
            }
            let next = wire::token(page.sync_token)?;
            if page.more_coming != Some(true) {
                return Ok(ZoneNews { changed, deleted, token: next });
            }
            trail.step(next.as_str())?;
            token = Some(next);
        }
    }

    /// One page of a query, its records as `read` has them; those it has no use for are left out. A page with a failed
    /// record is a failed page: a failed record is not an absent one.
    pub async fn query<T>(
        &self,
        zone: &Zone,
        query: &Query<'_>,
        read: impl Fn(&Record<'_>) -> Option<T>,
    ) -> Result<QueryPage<T>, CloudKitError> {
        let filters: Vec<Value> = query
            .filters
            .iter()
            .map(|(field, kind, value)| {
                json!({"fieldName": field, "comparator": "EQUALS", "fieldValue": {"type": kind, "value": value}})
            })
            .collect();
        let mut body = json!({"query": {"recordType": query.index}, "resultsLimit": PAGE_RECORDS, "zoneID": zone.id()});
        if !filters.is_empty() {
            body["query"]["filterBy"] = json!(filters);
        }
        if !query.keys.is_empty() {
            body["desiredKeys"] = json!(query.keys);
        }
        if let Some(marker) = query.continuation {
            body["continuationMarker"] = json!(marker);
        }
        let call = Call { asked: query.index, ..Call::new(zone.area, "records/query", body) };
        self.call(call, |answer| {
            let page: Records<'_> = wire::read(answer)?;
            Ok(QueryPage {
                records: wire::records(page.records, &read)?,
                token: page.sync_token.and_then(SyncToken::new),
                continuation: page.continuation_marker,
            })
        })
        .await
    }

    /// How many entries each of some indexes of a zone announces, in their order; `None` for one the zone does not have.
    pub async fn counts(&self, zone: &Zone, indexes: &[String]) -> Result<Vec<Option<u64>>, CloudKitError> {
        let entry = |index: &String| {
            json!({
                "resultsLimit": 1,
                "query": {"recordType": "HyperionIndexCountLookup", "filterBy": {
                    "fieldName": "indexCountID", "comparator": "IN",
                    "fieldValue": {"type": "STRING_LIST", "value": [index]}}},
                "zoneWide": true,
                "zoneID": zone.id(),
            })
        };
        let batch: Vec<Value> = indexes.iter().map(entry).collect();
        let count = |entry: &RawValue| match read_count(entry) {
            Err(error) if error.is_bad_request() => Ok(None),
            outcome => outcome.map(Some),
        };
        let call = Call::new(zone.area, "internal/records/query/batch", json!({"batch": batch}));
        self.call(call, |answer| {
            let answer: Batch<'_> = wire::read(answer)?;
            if answer.batch.len() != indexes.len() {
                return Err(CloudKitError::malformed("a batch of another length than asked for"));
            }
            answer.batch.into_iter().map(count).collect()
        })
        .await
    }

    /// Records by name, in any order, fresh download addresses included, as `read` has them. A name that fails is an
    /// error of its own. At most [`PAGE_RECORDS`] names.
    pub async fn lookup<T>(
        &self,
        zone: &Zone,
        names: &[String],
        keys: &[&str],
        read: impl Fn(&Record<'_>) -> T,
    ) -> Result<Vec<(String, Result<T, CloudKitError>)>, CloudKitError> {
        let records: Vec<Value> = names.iter().map(|name| json!({"recordName": name})).collect();
        let body = json!({"records": records, "desiredKeys": keys, "zoneID": zone.id()});
        let named = |record: wire::RecordWire<'_>| {
            let name = record.record_name.clone().ok_or_else(|| CloudKitError::malformed("an unnamed look-up"))?;
            Ok((name, record.into_record().map(|record| read(&record))))
        };
        self.call(Call::new(zone.area, "records/lookup", body), |answer| {
            wire::read::<Records<'_>>(answer)?.records.into_iter().map(named).collect()
        })
        .await
    }

    /// What happened in a zone since `token`, oldest first; without one, its whole history. Its records as `read` has them;
    /// those it has no use for are left out.
    pub async fn changes<T>(
        &self,
        zone: &Zone,
        token: Option<&SyncToken>,
        keys: &[&str],
        read: impl Fn(&Record<'_>) -> Option<T>,
    ) -> Result<ChangePage<T>, CloudKitError> {
        let mut entry = json!({"zoneID": zone.id(), "resultsLimit": PAGE_RECORDS, "desiredKeys": keys});
        if let Some(token) = token {
            entry["syncToken"] = json!(token.as_str());
        }
        // An error inside the zone's entry fails the call, which is repeated for it.
        let call = Call::new(zone.area, "changes/zone", json!({"zones": [entry]}));
        self.call(call, |answer| {
            let [page] = <[&RawValue; 1]>::try_from(wire::read::<ZoneChanges<'_>>(answer)?.zones)
                .map_err(|_| CloudKitError::malformed("changes of another number of zones than asked for"))?;
            let page: ZonePage<'_> = wire::read(page.get().as_bytes())?;
            Ok(ChangePage {
                records: wire::records(page.records, &read)?,
                token: wire::token(page.sync_token)?,
                more_coming: page.more_coming.unwrap_or(false),
            })
        })
        .await
    }

    /// Makes a call, and repeats it as often as is good; `read` takes what is wanted from the JSON of its answer.
    async fn call<T>(&self, call: Call, read: impl Fn(&[u8]) -> Result<T, CloudKitError>) -> Result<T, CloudKitError> {
        self.noted(http::retry(&self.account.retry_policy(), |_| self.once(&call, &read)).await)
    }

    /// The outcome of a call with all its repetitions, for what it tells of the next one.
    fn noted<T>(&self, outcome: Result<T, CloudKitError>) -> Result<T, CloudKitError> {
        self.reach.note(outcome.as_ref().err().map_or(Reached::Answer, CloudKitError::reached));
        outcome
    }

    async fn once<T>(
        &self,
        call: &Call,
        read: &impl Fn(&[u8]) -> Result<T, CloudKitError>,
    ) -> Result<T, CloudKitError> {
        let path = format!("{CONTAINER}/{}/{}", call.area.as_str(), call.operation);
        let turn = self.pace.enter(call.asked).await;
        let body = self.account.post(&path, &call.body).await.map_err(CloudKitError::from).and_then(good);
        let bytes = body.as_ref().map_or(0, Bytes::len);
        let outcome = body.and_then(|body| read(&body));
        turn.end(match &outcome {
            Ok(_) => Ending::Answered(bytes),
            Err(error) => error.ending(),
        });
        outcome
    }
}

/// The body of a good answer, or the error that another stands for.
fn good(reply: Reply) -> Result<Bytes, CloudKitError> {
    if reply.status == 200 {
        return Ok(reply.body);
    }
    let fault = serde_json::from_slice::<Fault>(&reply.body).ok();
    let (code, reason, own) = fault.map_or((None, None, None), |f| (f.server_error_code, f.reason, f.retry_after));
    let own = own.and_then(|s| std::time::Duration::try_from_secs_f64(s).ok());
    Err(CloudKitError::Refused {
        status: reply.status,
        code: code.unwrap_or_default(),
        reason: reason.unwrap_or_else(|| format!("HTTP status {}", reply.status)),
        retry_after: reply.retry_after().or(own),
    })
}

fn read_count(entry: &RawValue) -> Result<u64, CloudKitError> {
    let answer: Records<'_> = wire::read(entry.get().as_bytes())?;
    let record = answer.records.into_iter().next().ok_or_else(|| CloudKitError::malformed("an empty count"))?;
    let count = record.into_record()?.int("itemCount").and_then(|n| u64::try_from(n).ok());
    match count {
        None => Err(CloudKitError::malformed("a count without a number")),
        Some(count) if count > MOST_ENTRIES => Err(CloudKitError::malformed(format!("a count of {count}"))),
        Some(count) => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_number_that_a_library_can_have() {
        let count = |value: &str| {
            let fields = format!(r#"{{"itemCount": {{"value": {value}, "type": "INT64"}}}}"#);
            let entry = format!(r#"{{"records": [{{"recordName": "c", "fields": {fields}}}]}}"#);
            read_count(&RawValue::from_string(entry).unwrap()).ok()
        };
        assert_eq!((count("0"), count("1000000")), (Some(0), Some(1_000_000)));
        for wrong in ["-1", "null", "9223372036854775807", "1e15"] {
            assert_eq!(count(wrong), None, "{wrong}");
        }
    }
}
