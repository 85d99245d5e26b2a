use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::*;
use crate::call::Front;
use crate::library::{AssetId, Body, NewPhoto, Resource};
use crate::options::Options;

fn state() -> Arc<State> {
    Arc::new(State::new(Options { assets: Some(0), ..Options::default() }).unwrap())
}

fn call(area: &str, operation: &str, body: &Value) -> Call {
    Call {
        method: Method::POST,
        path: format!("{PREFIX}{area}/{operation}"),
        query: vec![("getCurrentSyncToken".into(), "True".into()), ("remapEnums".into(), "true".into())],
        headers: HeaderMap::new(),
        body: body.to_string().into(),
        front: Front::Loopback { services: "http://127.0.0.1:1".into(), content: "http://127.0.0.1:2".into() },
    }
}

fn ask(state: &State, operation: &str, body: Value) -> Value {
    let answer = answer(state, state.cloud.clone(), &call("private", operation, &body))
        .unwrap_or_else(|refusal| panic!("{operation} {body}: {refusal:?}"));
    serde_json::from_str(answer.get()).unwrap()
}

fn refuse(state: &State, operation: &str, body: Value) -> Refusal {
    answer(state, state.cloud.clone(), &call("private", operation, &body)).expect_err("a refusal")
}

fn primary() -> Value {
    json!({"zoneName": "PrimarySync"})
}

fn photo(n: usize) -> NewPhoto {
    let body = Body::bytes(format!("photo {n}").into_bytes());
    let captured = 1_700_000_000_000 + n as i64 * 1000;
    NewPhoto::new(&format!("IMG_{n:04}.JPG"), Resource::new("public.jpeg", body), captured)
}

fn add(state: &State, count: usize) -> Vec<AssetId> {
    (0..count).map(|n| state.cloud.add_photo(state.cloud.primary(), photo(n))).collect()
}

fn list(record_type: &str, filters: &[(&str, Value)]) -> Value {
    let filter = |(name, value): &(&str, Value)| {
        let kind = if value.is_number() { "INT64" } else { "STRING" };
        json!({"fieldName": name, "comparator": "EQUALS", "fieldValue": {"type": kind, "value": value}})
    };
    let filters: Vec<_> = filters.iter().map(filter).collect();
    json!({"query": {"recordType": record_type, "filterBy": filters}, "resultsLimit": 200, "zoneID": primary()})
}

const VISIBLE: &str = "CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted";

fn visible(rank: usize, direction: &str) -> Value {
    list(VISIBLE, &[("startRank", rank.into()), ("direction", direction.into())])
}

fn of_type(answer: &Value, kind: &str) -> Vec<String> {
    let records = answer["records"].as_array().unwrap().iter().filter(|record| record["recordType"] == kind);
    records.map(|record| record["recordName"].as_str().unwrap().to_owned()).collect()
}

fn names(ids: &[AssetId]) -> Vec<String> {
    ids.iter().map(|id| id.name.to_string()).collect()
}

#[test]
fn a_page_has_100_photos_masters_first_newest_first() {
    let state = state();
    let mut ids = add(&state, 250);
    ids.reverse();
    let page = ask(&state, "records/query", visible(0, "ASCENDING"));
    assert_eq!(page["records"].as_array().unwrap().len(), 200);
    assert_eq!(of_type(&page, "CPLAsset"), names(&ids[..100]));
    assert!(page["records"].as_array().unwrap()[..100].iter().all(|record| record["recordType"] == "CPLMaster"));
    for n in 0..100 {
        let (master, asset) = (&page["records"][n], &page["records"][100 + n]);
        assert_eq!(asset["fields"]["masterRef"]["value"]["recordName"], master["recordName"]);
    }
    let last = ask(&state, "records/query", visible(200, "ASCENDING"));
    assert_eq!(of_type(&last, "CPLAsset"), names(&ids[200..]));
    assert!(last.get("continuationMarker").is_none());
    let beyond = ask(&state, "records/query", visible(250, "ASCENDING"));
    assert_eq!(beyond, json!({"records": [], "syncToken": page["syncToken"]}));
}

#[test]
fn descending_walks_down_to_rank_0() {
    let state = state();
    let mut ids = add(&state, 150);
    ids.reverse();
    let page = ask(&state, "records/query", visible(149, "DESCENDING"));
    assert_eq!(of_type(&page, "CPLAsset"), names(&ids[50..].iter().rev().copied().collect::<Vec<_>>()));
    let one = ask(&state, "records/query", visible(0, "DESCENDING"));
    assert_eq!(of_type(&one, "CPLAsset"), names(&ids[..1]));
    assert!(one.get("continuationMarker").is_none());
}

#[test]
fn an_album_of_68_takes_two_pages_of_66_and_2() {
    let state = state();
    let ids = add(&state, 68);
    let album = state.cloud.add_album(state.cloud.primary(), "Lake trip", None);
    for id in &ids {
        state.cloud.add_to_album(*id, album).unwrap();
    }
    let ask_album = |rank: usize| {
        let filters = [("startRank", rank.into()), ("parentId", album.name.to_string().into())];
        ask(&state, "records/query", list("CPLContainerRelationLiveByAssetDate", &filters))
    };
    let first = ask_album(0);
    assert_eq!(first["records"].as_array().unwrap().len(), 198);
    assert_eq!(of_type(&first, "CPLContainerRelation").len(), 66);
    let marker = first["continuationMarker"].clone();
    assert!(marker.is_string());
    let rest = ask_album(66);
    assert_eq!(of_type(&rest, "CPLAsset").len(), 2);
    let mut by_marker = list("CPLContainerRelationLiveByAssetDate", &[("parentId", album.name.to_string().into())]);
    by_marker["continuationMarker"] = marker;
    assert_eq!(of_type(&ask(&state, "records/query", by_marker), "CPLAsset"), of_type(&rest, "CPLAsset"));
}

#[test]
fn a_marker_does_not_slip_when_photos_are_added() {
    let state = state();
    add(&state, 150);
    let first = ask(&state, "records/query", visible(0, "ASCENDING"));
    state.cloud.add_photo(state.cloud.primary(), photo(500));
    let mut next = visible(0, "ASCENDING");
    next["continuationMarker"] = first["continuationMarker"].clone();
    let second = ask(&state, "records/query", next);
    let mut all = of_type(&first, "CPLAsset");
    all.extend(of_type(&second, "CPLAsset"));
    assert_eq!(all.len(), 150);
    let slipped = ask(&state, "records/query", visible(100, "ASCENDING"));
    assert_eq!(of_type(&slipped, "CPLAsset").len(), 51, "by rank the last of the first page comes again");
}

#[test]
fn a_shared_master_is_on_the_page_once() {
    let state = state();
    let ids = add(&state, 3);
    state.cloud.duplicate(ids[0]).unwrap();
    let page = ask(&state, "records/query", visible(0, "ASCENDING"));
    assert_eq!((of_type(&page, "CPLMaster").len(), of_type(&page, "CPLAsset").len()), (3, 4));
}

#[test]
fn desired_keys_are_all_that_comes() {
    let state = state();
    add(&state, 1);
    let mut request = visible(0, "ASCENDING");
    request["desiredKeys"] = json!(["filenameEnc", "assetDate", "resOriginalRes"]);
    let page = ask(&state, "records/query", request);
    let keys = |n: usize| page["records"][n]["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((keys(0), keys(1)), (vec!["filenameEnc".into(), "resOriginalRes".into()], vec!["assetDate".to_owned()]));
    assert_eq!(
        page["records"][0]["fields"]["filenameEnc"],
        json!({"value": "SU1HXzAwMDAuSlBH", "type": "ENCRYPTED_BYTES"})
    );
}

#[test]
fn counts_come_in_the_order_asked() {
    let state = state();
    let ids = add(&state, 5);
    state.cloud.set_hidden(ids[0], true).unwrap();
    state.cloud.trash(ids[1]).unwrap();
    let count = |id: &str| {
        let filter = json!({"fieldName": "indexCountID", "comparator": "IN", "fieldValue": {"type": "STRING_LIST", "value": [id]}});
        json!({"resultsLimit": 1, "query": {"recordType": "HyperionIndexCountLookup", "filterBy": filter},
            "zoneWide": true, "zoneID": primary()})
    };
    let ids =
        ["CPLAssetByAssetDateWithoutHiddenOrDeleted", "CPLAssetHiddenByAssetDate", "CPLAssetDeletedByExpungedDate"];
    let answer = ask(&state, "internal/records/query/batch", json!({"batch": ids.map(count)}));
    let counts = answer["batch"].as_array().unwrap().iter();
    let counts: Vec<_> = counts.map(|entry| entry["records"][0]["fields"]["itemCount"]["value"].clone()).collect();
    assert_eq!(counts, [3, 1, 1]);
}

fn changes(state: &State, token: Option<&Value>) -> Value {
    let mut zone = json!({"zoneID": primary()});
    if let Some(token) = token {
        zone["syncToken"] = token.clone();
    }
    ask(state, "changes/zone", json!({"zones": [zone]}))["zones"][0].clone()
}

/// Nothing said is no.
fn more_coming(page: &Value) -> bool {
    page["moreComing"].as_bool().unwrap_or(false)
}

#[test]
fn a_query_token_is_a_change_token_and_what_follows_is_the_delta() {
    let state = state();
    let ids = add(&state, 3);
    let token = ask(&state, "records/query", visible(0, "ASCENDING"))["syncToken"].clone();
    let caught_up = changes(&state, Some(&token));
    assert_eq!((&caught_up["syncToken"], &caught_up["records"]), (&token, &json!([])));
    assert!(!more_coming(&caught_up));
    state.cloud.trash_on_web(ids[0]).unwrap();
    state.cloud.purge(ids[1]).unwrap();
    let delta = changes(&state, Some(&token));
    let trashed = &delta["records"][0];
    assert_eq!((&trashed["recordName"], &trashed["deleted"]), (&json!(ids[0].name), &json!(false)));
    let (fields, modified) = (&trashed["fields"], trashed["modified"]["timestamp"].as_i64().unwrap());
    assert_eq!(fields["isDeleted"]["value"], 1);
    assert_eq!(fields["dateExpunged"]["value"].as_i64().unwrap() / 1000, (modified + 30 * 86_400_000) / 1000);
    assert_eq!(trashed["expirationTime"].as_i64().unwrap(), (modified + 40 * 86_400_000) / 1000);
    let tombstones: Vec<_> =
        delta["records"].as_array().unwrap().iter().filter(|record| record["deleted"] == true).collect();
    assert_eq!(tombstones.len(), 2, "asset and master");
    assert!(tombstones.iter().all(|record| record.get("fields").is_none() && record["recordType"].is_null()));
    assert_eq!(of_type(&delta, "CPLLibraryInfo"), ["PrimarySync-0000-LI"]);
}

#[test]
fn the_whole_history_holds_every_record_once_and_has_empty_pages() {
    let state = state();
    let ids = add(&state, 600);
    let (mut assets, mut empty, mut token) = (Vec::new(), 0, None);
    loop {
        let page = changes(&state, token.as_ref());
        assets.extend(of_type(&page, "CPLAsset"));
        empty += usize::from(page["records"].as_array().unwrap().is_empty());
        token = Some(page["syncToken"].clone());
        if !more_coming(&page) {
            break;
        }
    }
    assets.sort();
    let mut expected = names(&ids);
    expected.sort();
    assert_eq!(assets, expected);
    assert!(empty > 1, "{empty} empty pages");
}

#[test]
fn taking_a_photo_out_of_an_album_leaves_a_tombstone_with_both_names() {
    let state = state();
    let ids = add(&state, 1);
    let album = state.cloud.add_album(state.cloud.primary(), "A", None);
    state.cloud.add_to_album(ids[0], album).unwrap();
    let token = ask(&state, "records/query", visible(0, "ASCENDING"))["syncToken"].clone();
    state.cloud.remove_from_album(ids[0], album).unwrap();
    let delta = changes(&state, Some(&token));
    assert_eq!(delta["records"][0]["recordName"], format!("{}-IN-{}", ids[0].name, album.name));
    assert_eq!(delta["records"][0]["deleted"], true);
    assert_eq!(of_type(&delta, "CPLAlbum"), [album.name.to_string()]);
}

#[test]
fn bad_tokens_are_zone_errors_inside_200_and_breaches() {
    let state = state();
    add(&state, 1);
    assert!(!more_coming(&changes(&state, Some(&json!("")))));
    assert_eq!(state.breaches.all().len(), 0);
    let garbage = changes(&state, Some(&json!("Z2FyYmFnZQ==")));
    assert_eq!(
        (&garbage["serverErrorCode"], &garbage["reason"]),
        (&json!("BAD_REQUEST"), &json!("Unknown sync continuation type"))
    );
    assert_eq!(state.breaches.all().len(), 1);
    let mut other = json!({"zones": [{"zoneID": {"zoneName": "NoSuchSync"}}]});
    assert_eq!(ask(&state, "changes/zone", other.take())["zones"][0]["serverErrorCode"], "ZONE_NOT_FOUND");
}

#[test]
fn the_database_tells_which_zones_changed() {
    let state = state();
    let first = ask(&state, "changes/database", json!({}));
    assert_eq!(first["zones"][0]["zoneID"]["zoneName"], "PrimarySync");
    let since = |token: &Value| ask(&state, "changes/database", json!({"syncToken": token}));
    let quiet = since(&first["syncToken"]);
    assert_eq!(quiet["zones"], json!([]));
    assert_ne!(quiet["syncToken"], first["syncToken"]);
    add(&state, 1);
    assert_eq!(since(&first["syncToken"])["zones"].as_array().unwrap().len(), 1);
}

#[test]
fn lookups_sign_anew_and_name_what_is_missing() {
    let state = state();
    let ids = add(&state, 2);
    let page = ask(&state, "records/query", visible(0, "ASCENDING"));
    let master = page["records"][0]["recordName"].clone();
    state.cloud.purge(ids[0]).unwrap();
    let wanted = [master, json!(ids[1].name), json!(ids[0].name)].map(|name| json!({"recordName": name}));
    let found = ask(&state, "records/lookup", json!({"records": wanted, "zoneID": primary()}));
    let url = |record: &Value| record["fields"]["resOriginalRes"]["value"]["downloadURL"].clone();
    assert!(url(&found["records"][0]).is_string());
    assert_ne!(url(&found["records"][0]), url(&page["records"][0]));
    assert_eq!(found["records"][1]["recordType"], "CPLAsset");
    assert_eq!(found["records"][2]["serverErrorCode"], "NOT_FOUND");
    let many = vec![json!({"recordName": "x"}); 201];
    assert!(refuse(&state, "records/lookup", json!({"records": many, "zoneID": primary()})).is_breach);
}

#[test]
fn unknown_things_are_refused_as_breaches() {
    let state = state();
    let raw = refuse(&state, "records/query", list("CPLMaster", &[]));
    assert_eq!((raw.code, raw.reason.as_str()), ("BAD_REQUEST", "Type is not marked indexable: CPLMaster"));
    assert!(refuse(&state, "records/query", list(VISIBLE, &[("fileName", "x".into())])).is_breach);
    assert!(
        refuse(&state, "records/query", json!({"query": {"recordType": VISIBLE}, "zoneID": primary(), "x": 1}))
            .is_breach
    );
    assert!(refuse(&state, "records/modify", json!({})).is_breach);
    let lost =
        refuse(&state, "records/query", json!({"query": {"recordType": VISIBLE}, "zoneID": {"zoneName": "Lost"}}));
    assert_eq!((lost.status, lost.code, lost.is_breach), (404, "ZONE_NOT_FOUND", false));
}

#[test]
fn a_shared_library_keeps_no_albums_and_a_member_from_it_shows_its_relation_only() {
    let state = state();
    let zone = state.cloud.add_shared_library(Area::Private);
    let name = state.cloud.zone_name(zone);
    let shared = state.cloud.add_photo(zone, photo(1));
    let album = state.cloud.add_album(state.cloud.primary(), "Mixed", None);
    state.cloud.add_to_album(shared, album).unwrap();
    let zone_id =
        json!({"zoneName": name, "ownerRecordName": crate::library::OWNER, "zoneType": "REGULAR_CUSTOM_ZONE"});
    let refusal =
        refuse(&state, "records/query", json!({"query": {"recordType": "CPLAlbumByPositionLive"}, "zoneID": zone_id}));
    assert_eq!((refusal.status, refusal.reason.as_str(), refusal.is_breach), (400, "Index has invalid data", false));
    let members = ask(
        &state,
        "records/query",
        list("CPLContainerRelationLiveByPosition", &[("parentId", album.name.to_string().into())]),
    );
    assert_eq!(members["records"].as_array().unwrap().len(), 1);
    assert_eq!(members["records"][0]["fields"]["itemId"]["value"], json!(shared.name));
}

#[test]
fn albums_are_asked_for_level_by_level() {
    let state = state();
    let folder = state.cloud.add_folder(state.cloud.primary(), "Norway", None);
    let album = state.cloud.add_album(state.cloud.primary(), "Day 1", Some(folder));
    let root = ask(&state, "records/query", list("CPLAlbumByPositionLive", &[]));
    assert_eq!(
        of_type(&root, "CPLAlbum"),
        ["----Root-Folder----".to_owned(), "----Project-Root-Folder----".into(), folder.name.to_string()]
    );
    let below =
        ask(&state, "records/query", list("CPLAlbumByPositionLive", &[("parentId", folder.name.to_string().into())]));
    assert_eq!(of_type(&below, "CPLAlbum"), [album.name.to_string()]);
}
