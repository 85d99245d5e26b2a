//! The cloud side over HTTP: a whole library listed, changed and downloaded, and what faults do to that.

#[allow(dead_code, reason = "its tests bend the sign-in; these only use it")]
#[path = "../account/client.rs"]
mod client;

use std::collections::BTreeSet;

use client::{Client, http};
use icloud_simulator::Simulator;
use icloud_simulator::fault::{Damage, Effect, Failure, Fault};
use icloud_simulator::library::{Slot, TruthState};
use icloud_simulator::options::Options;
use reqwest::Method;
use serde_json::{Value, json};

const DATABASE: &str = "/database/1/com.apple.photos.cloud/production/private";

async fn signed_in(assets: usize) -> (Simulator, Client) {
    let simulator = Simulator::start(Options { assets: Some(assets), ..Options::default() }).unwrap();
    let mut client = Client::new(&simulator);
    client.sign_in(&simulator).await;
    (simulator, client)
}

/// An operation of the private database.
async fn database(client: &Client, operation: &str, body: Value) -> reqwest::Response {
    let path = format!("{DATABASE}/{operation}?remapEnums=true&getCurrentSyncToken=true");
    let request = client.request(Method::POST, &path).header("content-type", "text/plain");
    request.body(body.to_string()).send().await.unwrap()
}

async fn json(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn page_at(rank: usize) -> Value {
    let filter = |name: &str, kind: &str, value: Value| json!({"fieldName": name, "comparator": "EQUALS", "fieldValue": {"type": kind, "value": value}});
    json!({
        "query": {"recordType": "CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted",
                  "filterBy": [filter("startRank", "INT64", rank.into()), filter("direction", "STRING", "ASCENDING".into())]},
        "resultsLimit": 200,
        "zoneID": {"zoneName": "PrimarySync"},
    })
}

/// Every record of the visible library.
async fn listed(client: &Client) -> Vec<Value> {
    let (mut records, mut rank) = (Vec::new(), 0);
    loop {
        let page = json(database(client, "records/query", page_at(rank)).await).await;
        let found = page["records"].as_array().unwrap().clone();
        rank += found.iter().filter(|record| record["recordType"] == "CPLAsset").count();
        if found.is_empty() {
            return records;
        }
        records.extend(found);
    }
}

fn url(record: &Value) -> String {
    record["fields"]["resOriginalRes"]["value"]["downloadURL"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_visible_asset_is_listed_and_its_bytes_are_the_true_ones() {
    let (simulator, client) = signed_in(500).await;
    let truth = simulator.cloud().truth();
    let records = listed(&client).await;
    let assets = records.iter().filter(|record| record["recordType"] == "CPLAsset");
    let names: BTreeSet<_> = assets.map(|record| record["recordName"].as_str().unwrap().to_owned()).collect();
    let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible);
    assert_eq!(names, visible.map(|asset| asset.record_name.clone()).collect());
    for record in records.iter().filter(|record| record["recordType"] == "CPLMaster").step_by(25) {
        let asset = truth.assets().find(|asset| asset.master_name == record["recordName"].as_str().unwrap()).unwrap();
        let bytes = http().get(url(record)).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes, asset.resource(Slot::Original).unwrap().body.to_bytes());
    }
    simulator.assert_clean();
}

#[tokio::test]
async fn a_change_while_looking_arrives_with_the_first_pages_token() {
    let (simulator, client) = signed_in(30).await;
    let token = json(database(&client, "records/query", page_at(0)).await).await["syncToken"].clone();
    let cloud = simulator.cloud();
    let asset = cloud.truth().assets().find(|asset| asset.state == TruthState::Visible).unwrap().record_name.clone();
    cloud.purge(cloud.asset_named(&asset).unwrap()).unwrap();
    let request = json!({"zones": [{"zoneID": {"zoneName": "PrimarySync"}, "syncToken": token}]});
    let delta = json(database(&client, "changes/zone", request).await).await;
    let gone =
        delta["zones"][0]["records"].as_array().unwrap().iter().find(|record| record["deleted"] == true).unwrap();
    assert_eq!(gone["recordName"], asset);
    simulator.assert_clean();
}

#[tokio::test]
async fn a_scripted_failure_strikes_the_call_it_names_and_no_other() {
    let (simulator, client) = signed_in(5).await;
    let failure = Failure::new(503, "TRY_AGAIN_LATER", "busy").with_retry_after(1);
    simulator.fault(Fault::nth("records/query", 2, Effect::Fail(failure)));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(database(&client, "records/query", page_at(0)).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 503, 200]);
    simulator.assert_clean();
}

#[tokio::test]
async fn a_cut_body_and_a_reset_reach_the_client_as_such() {
    let (simulator, client) = signed_in(5).await;
    let records = listed(&client).await;
    simulator.fault(Fault::nth("download", 1, Effect::Body(Damage::CutAfter(100))));
    simulator.fault(Fault::nth("download", 1, Effect::Reset));
    let cut = http().get(url(&records[0])).send().await.unwrap();
    assert!(cut.content_length().unwrap() > 100);
    assert!(cut.bytes().await.is_err());
    assert!(http().get(url(&records[0])).send().await.is_err());
    let whole = http().get(url(&records[0])).send().await.unwrap();
    assert_eq!(whole.content_length().unwrap(), whole.bytes().await.unwrap().len() as u64);
}
