//! pyicloud: a Python library, driven by tests/clients/pyicloud_driver.py.

use std::collections::BTreeMap;

use icloud_simulator::library::{Slot, TruthAsset, TruthState};
use serde_json::Value;

use super::album;
use super::dialogue::{Dialogue, Ended};
use super::stage::Stage;

/// The driver's exit status for a refused sign-in.
const REFUSED: i32 = 4;

fn driver(stage: &Stage, places: &[&str]) -> Dialogue {
    let mut command = stage.client("python");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/pyicloud_driver.py"));
    command.arg(stage.apple_id()).arg(stage.path("pyicloud")).args(places);
    Dialogue::start(command)
}

/// Signs in with the code, then lists the libraries and downloads the albums of these places.
async fn sign_in(stage: &Stage, places: &[&str]) -> Value {
    let mut dialogue = driver(stage, places);
    dialogue.answer(&stage.password()).await;
    dialogue.wait_for("code?").await;
    dialogue.answer(&stage.code()).await;
    let report = report(dialogue.end().await);
    assert_eq!((&report["code_asked"], &report["trusted"]), (&Value::Bool(true), &Value::Bool(true)));
    report
}

fn report(ended: Ended) -> Value {
    serde_json::from_str(&ended.succeeded().stdout).expect("the driver reports JSON")
}

/// The SHA-1 of every original, by asset and by pyicloud's name for the original.
type Originals = BTreeMap<String, BTreeMap<String, String>>;

fn downloaded(report: &Value, place: &str) -> Originals {
    let photos = report["downloads"][place].as_array().expect("the album was downloaded");
    let originals = |photo: &Value| serde_json::from_value(photo["originals"].clone()).unwrap();
    let by_asset: Originals =
        photos.iter().map(|photo| (photo["asset"].as_str().unwrap().to_owned(), originals(photo))).collect();
    assert_eq!(by_asset.len(), photos.len(), "{place}: an asset came twice");
    by_asset
}

/// What the library holds, in the same shape. Edits are not shown by pyicloud.
fn held<'a>(assets: impl IntoIterator<Item = &'a TruthAsset>) -> Originals {
    let slots = [("original", Slot::Original), ("alternative", Slot::Alternative), ("original_video", Slot::LiveVideo)];
    let originals = |asset: &TruthAsset| {
        let found = slots.iter().filter_map(|(name, slot)| Some((name, asset.resource(*slot)?)));
        found.map(|(name, original)| (name.to_string(), original.sha1.clone())).collect()
    };
    assets.into_iter().map(|asset| (asset.record_name.clone(), originals(asset))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_is_refused_with_a_wrong_password() {
    let stage = Stage::demo().await;
    let mut dialogue = driver(&stage, &[]);
    dialogue.answer("not-the-password").await;
    let refused = dialogue.end().await;
    assert_eq!(refused.status.code(), Some(REFUSED), "{refused:?}");
    assert!(refused.stderr.contains("Invalid email/password"), "{refused:?}");
    assert_eq!(stage.simulator.requests("accountLogin"), 0);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_is_refused_with_a_wrong_code() {
    let stage = Stage::demo().await;
    let mut dialogue = driver(&stage, &[]);
    dialogue.answer(&stage.password()).await;
    dialogue.wait_for("code?").await;
    dialogue.answer("000000").await;
    let refused = dialogue.end().await;
    assert_eq!(refused.status.code(), Some(REFUSED), "{refused:?}");
    assert_eq!(stage.simulator.requests("2sv/trust"), 0);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_downloads_every_original_byte_for_byte() {
    let stage = Stage::demo().await;
    let report = sign_in(&stage, &["root/Library", "root/Hidden", "root/Recently Deleted"]).await;
    let library = stage.library();
    let places = [
        ("root/Library", TruthState::Visible),
        ("root/Hidden", TruthState::Hidden),
        ("root/Recently Deleted", TruthState::Trashed),
    ];
    for (place, state) in places {
        let assets = library.assets.iter().filter(|asset| asset.state == state && !asset.lesser_burst_frame);
        let held = held(assets);
        assert!(!held.is_empty(), "{place} has something to compare");
        assert_eq!(downloaded(&report, place), held, "{place}");
    }
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_signs_in_again_without_password_or_code() {
    let stage = Stage::empty().await;
    sign_in(&stage, &[]).await;
    let mut dialogue = driver(&stage, &["root/Library"]);
    dialogue.answer("this password is never sent").await;
    let report = report(dialogue.end().await);
    assert_eq!((&report["code_asked"], &report["trusted"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(stage.simulator.requests("signin/init"), 1);
    assert_eq!(stage.simulator.requests("validate"), 1);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_walks_an_album_of_more_than_one_page() {
    let stage = Stage::empty().await;
    album::fill(&stage.simulator.cloud(), "Long", 2 * album::PAGE + 1);
    let report = sign_in(&stage, &["root/Long"]).await;
    assert_eq!(report["albums"]["root"]["Long"], 2 * album::PAGE + 1);
    assert_eq!(downloaded(&report, "root/Long"), held(&stage.library().assets));
    stage.assert_clean();
}
