//! pyicloud: a Python library, driven by tests/clients/pyicloud_driver.py.

use std::collections::BTreeMap;

use icloud_simulator::library::{Slot, TruthAsset, TruthState};
use icloud_simulator::options::CodeReply;
use serde_json::Value;

use super::album;
use super::dialogue::{Dialogue, Ended};
use super::listed;
use super::stage::Stage;

/// The driver's exit status for a refused sign-in.
const REFUSED: i32 = 4;
/// How many albums it knows that nobody made.
const SMART_ALBUMS: usize = 11;

/// Where the code comes from: pyicloud asks for a text message, and takes a device's code without asking for one.
const SMS: &str = "sms";
const DEVICE: &str = "device";

fn driver(stage: &Stage, source: &str, places: &[&str]) -> Dialogue {
    let mut command = stage.client("python");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/pyicloud_driver.py"));
    command.arg(stage.apple_id()).arg(stage.path("pyicloud")).arg(source).args(places);
    Dialogue::start(command)
}

/// Signs in with that code, then lists the libraries and downloads the albums of these places.
async fn sign_in_with(stage: &Stage, source: &str, code: &str, places: &[&str]) -> Ended {
    let mut dialogue = driver(stage, source, places);
    dialogue.answer(&stage.password()).await;
    dialogue.wait_for("code?").await;
    dialogue.answer(code).await;
    dialogue.end().await
}

async fn sign_in(stage: &Stage, source: &str, places: &[&str]) -> Value {
    let report = report(sign_in_with(stage, source, &stage.code(), places).await);
    assert_eq!((&report["code_asked"], &report["trusted"]), (&Value::Bool(true), &Value::Bool(true)));
    report
}

/// Runs it again, with no code at hand.
async fn again(stage: &Stage, password: &str, places: &[&str]) -> Value {
    let mut dialogue = driver(stage, DEVICE, places);
    dialogue.answer(password).await;
    let report = report(dialogue.end().await);
    assert_eq!((&report["code_asked"], &report["trusted"]), (&Value::Bool(false), &Value::Bool(true)));
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
    let stage = Stage::empty().await;
    let mut dialogue = driver(&stage, SMS, &[]);
    dialogue.answer("not-the-password").await;
    let refused = dialogue.end().await;
    assert_eq!(refused.status.code(), Some(REFUSED), "{refused:?}");
    assert!(refused.stderr.contains("Invalid email/password"), "{refused:?}");
    assert_eq!(stage.simulator.requests("accountLogin"), 0);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_is_refused_with_a_wrong_code() {
    let stage = Stage::empty().await;
    for source in [SMS, DEVICE] {
        let refused = sign_in_with(&stage, source, "000000", &[]).await;
        assert_eq!(refused.status.code(), Some(REFUSED), "{source}: {refused:?}");
    }
    assert_eq!(stage.simulator.requests("2sv/trust"), 0);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_takes_a_conflict_for_a_yes_with_and_without_a_new_token() {
    let stage = Stage::empty().await;
    for reply in [CodeReply::ConflictWithToken, CodeReply::ConflictWithoutToken] {
        stage.simulator.change_switches(|switches| switches.code_reply = reply);
        sign_in(&stage, DEVICE, &[]).await;
        std::fs::remove_dir_all(stage.path("pyicloud")).expect("its session");
    }
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_downloads_every_original_byte_for_byte() {
    let stage = Stage::demo().await;
    let (personal, shared) = (stage.personal(), stage.shared());
    let shared_place = format!("shared:{}/Library", shared.zone);
    let places = [
        ("root/Library", &personal, TruthState::Visible),
        ("root/Hidden", &personal, TruthState::Hidden),
        ("root/Recently Deleted", &personal, TruthState::Trashed),
        (&shared_place, &shared, TruthState::Visible),
    ];
    let report = sign_in(&stage, SMS, &places.map(|(place, ..)| place)).await;
    for (place, library, state) in places {
        let held = held(listed::in_state(library, state));
        assert!(!held.is_empty(), "{place} has something to compare");
        assert_eq!(downloaded(&report, place), held, "{place}");
    }
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_lists_and_counts_every_album() {
    let stage = Stage::demo().await;
    let report = sign_in(&stage, DEVICE, &["root/Panoramas"]).await;
    let listed: BTreeMap<String, usize> = serde_json::from_value(report["albums"]["root"].clone()).unwrap();
    let library = stage.personal();
    for album in &library.albums {
        assert_eq!(listed.get(&album.record_name), Some(&album.members.len()), "{:?}", album.path);
    }
    for (name, state) in [("Library", TruthState::Visible), ("Hidden", TruthState::Hidden)] {
        assert_eq!(listed[name], listed::in_state(&library, state).count(), "{name}");
    }
    assert_eq!(listed.len(), library.albums.len() + SMART_ALBUMS);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_signs_in_again_without_password_or_code() {
    let stage = Stage::empty().await;
    sign_in(&stage, SMS, &[]).await;
    again(&stage, "this password is never sent", &["root/Library"]).await;
    assert_eq!(stage.simulator.requests("signin/init"), 1);
    assert_eq!(stage.simulator.requests("validate"), 1);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_is_trusted_without_a_code_when_its_session_is_gone() {
    let stage = Stage::empty().await;
    sign_in(&stage, DEVICE, &[]).await;
    stage.forget_session(&stage.path("pyicloud"));
    again(&stage, &stage.password(), &["root/Library"]).await;
    assert_eq!(stage.simulator.requests("signin/init"), 2);
    assert_eq!(stage.simulator.requests("verify/trusteddevice/securitycode"), 1, "one code");
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_walks_an_album_of_more_than_one_page() {
    let stage = Stage::empty().await;
    album::fill(&stage.simulator.cloud(), "A long one", 2 * album::PAGE + 1);
    let report = sign_in(&stage, DEVICE, &["root/A long one"]).await;
    assert_eq!(downloaded(&report, "root/A long one"), held(&stage.personal().assets));
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_finds_a_library_that_somebody_else_shares() {
    let stage = Stage::participant().await;
    let shared = stage.shared();
    let place = format!("shared:{}/Library", shared.zone);
    let report = sign_in(&stage, DEVICE, &[&place]).await;
    assert_eq!(downloaded(&report, &place), held(&shared.assets));
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pyicloud_signs_in_with_the_other_derivation() {
    let stage = Stage::with_the_other_derivation().await;
    sign_in(&stage, DEVICE, &[]).await;
    stage.assert_clean();
}
