use axum::body::to_bytes;
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::*;
use crate::call::Front;

fn call(path: &str) -> Call {
    let front = Front::Loopback { services: "http://127.0.0.1:1".into(), content: "http://127.0.0.1:2".into() };
    let (query, headers) = (Vec::new(), HeaderMap::new());
    Call { method: Method::POST, path: path.into(), query, headers, body: Default::default(), front }
}

async fn answered(fault: Fault, response: impl Fn() -> Response) -> io::Result<Response> {
    let state = state();
    state.faults.add(fault);
    through(&state, call("/B/x/y"), async |_| response()).await
}

fn state() -> State {
    State::new(crate::Options { assets: Some(0), ..crate::Options::default() }).unwrap()
}

fn page() -> Response {
    reply::json(
        200,
        &json!({"syncToken": "t", "continuationMarker": "m", "records": [
        {"recordName": "M", "recordType": "CPLMaster", "fields": {"filenameEnc": {"value": "x"}, "resOriginalRes": {"value": {"size": 1, "downloadURL": "u"}}}},
        {"recordName": "A", "recordType": "CPLAsset", "fields": {}}]}),
    )
}

async fn changed(change: Change) -> Value {
    let response = answered(Fault::every("download", Effect::Answer(change)), page).await.unwrap();
    serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
}

#[test]
fn rules_strike_when_they_say() {
    let struck = |fault: Fault| {
        let faults = Faults::default();
        faults.add(fault);
        (1..=5).filter(|_| faults.strike("a").is_some()).count()
    };
    assert_eq!(struck(Fault::every("a", Effect::Reset)), 5);
    assert_eq!(struck(Fault::every("*", Effect::Reset).times(2)), 2);
    assert_eq!(struck(Fault::nth("a", 3, Effect::Reset)), 1);
    assert_eq!(struck(Fault::from("a", 3, Effect::Reset)), 3);
    assert_eq!(struck(Fault::every("b", Effect::Reset)), 0);
    assert_eq!(struck(Fault::rate("a", 100, 1, Effect::Reset)), 5);
}

#[tokio::test]
async fn the_library_changes_before_the_answer_is_made() {
    let state = state();
    let made = Command::AddAlbum { name: "Trip".into(), folder: None, zone: None };
    let impossible = Command::Trash { asset: "nobody".into() };
    state.faults.add(Fault::every("download", Effect::Meanwhile(vec![made, impossible])));
    let albums = async |_| reply::text(200, &state.cloud.truth().libraries[0].albums.len().to_string());
    let response = through(&state, call("/B/x/y"), albums).await.unwrap();
    assert_eq!(to_bytes(response.into_body(), 9).await.unwrap(), "1");
    assert!(state.breaches.all()[0].contains("a scripted change"), "a mistake of the script is found");
}

#[test]
fn a_fault_that_never_struck_is_named() {
    let faults = Faults::default();
    faults.add(Fault::nth("records/query", 9, Effect::Html));
    assert!(faults.unfired()[0].contains("records/query"));
    faults.clear();
    assert!(faults.unfired().is_empty());
}

#[test]
fn faults_are_written_as_json() {
    let text = r#"{"endpoint": "records/query", "when": {"nth": 3}, "effect": {"fail": {"status": 503, "code": "TRY_AGAIN_LATER", "retry_after": 2}}}"#;
    let fault: Fault = serde_json::from_str(text).unwrap();
    assert_eq!(fault.when, When::Nth(3));
    let body: Fault =
        serde_json::from_str(r#"{"endpoint": "download", "effect": {"body": {"cut_after": 10}}}"#).unwrap();
    assert!(matches!(body.effect, Effect::Body(Damage::CutAfter(10))));
}

#[tokio::test]
async fn a_failure_has_the_recorded_shape() {
    let failure = Failure::new(503, "TRY_AGAIN_LATER", "busy").with_retry_after(7);
    let response = answered(Fault::every("download", Effect::Fail(failure)), page).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"7".parse().unwrap()));
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body(), 9999).await.unwrap()).unwrap();
    assert_eq!((&body["serverErrorCode"], &body["retryAfter"]), (&json!("TRY_AGAIN_LATER"), &json!(7)));
}

#[tokio::test]
async fn answers_can_be_made_to_lie() {
    assert_eq!(changed(Change::EmptyListing).await, json!({"syncToken": "t", "records": []}));
    assert_eq!(changed(Change::HalfPage).await["records"].as_array().unwrap().len(), 1);
    assert_eq!(changed(Change::WithoutMasters).await["records"][0]["recordName"], "A");
    let bare = changed(Change::WithoutFields(vec!["filenameEnc".into()])).await;
    assert!(bare["records"][0]["fields"].get("filenameEnc").is_none());
    let unlinked = changed(Change::WithoutUrls).await;
    assert_eq!(unlinked["records"][0]["fields"]["resOriginalRes"]["value"], json!({"size": 1}));
    let (code, reason) = ("INTERNAL_ERROR".to_owned(), "x".to_owned());
    let failed = changed(Change::ErrorInside { place: Place::FirstRecord, code, reason }).await;
    assert_eq!(failed["records"][0], json!({"recordName": "M", "serverErrorCode": "INTERNAL_ERROR", "reason": "x"}));
    assert_eq!(failed["records"][1]["recordName"], "A");
}

#[tokio::test]
async fn bodies_can_be_cut_bent_and_misdescribed() {
    let whole = || {
        let mut response = reply::typed(200, "application/octet-stream", vec![7_u8; 1000]);
        reply::set(&mut response, "content-length", "1000");
        response
    };
    let damaged = async |damage| answered(Fault::every("download", Effect::Body(damage)), whole).await.unwrap();
    assert!(to_bytes(damaged(Damage::CutAfter(10)).await.into_body(), 9999).await.is_err());
    let bent = to_bytes(damaged(Damage::WrongBytes).await.into_body(), 9999).await.unwrap();
    assert_eq!((bent.len(), bent.iter().filter(|byte| **byte != 7).count()), (1000, 1));
    assert_eq!(damaged(Damage::LengthOff(-3)).await.headers()["content-length"], "997");
    assert!(answered(Fault::every("download", Effect::Reset), whole).await.is_err());
}
