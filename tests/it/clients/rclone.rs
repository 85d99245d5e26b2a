//! rclone: its iCloud Photos backend signs in during `config create`, in two steps, and asks nothing on a console.

use std::collections::BTreeSet;

use icloud_simulator::fault::{Change, Damage, Effect, Failure, Fault, Place};
use icloud_simulator::library::{Slot, TruthAsset, TruthResource, TruthState};
use icloud_simulator::options::CodeReply;
use serde_json::Value;
use tokio::process::Command;
use unicode_normalization::UnicodeNormalization;

use super::album;
use super::copied::Copied;
use super::dialogue::{Ended, run};
use super::listed;
use super::stage::Stage;

const REMOTE: &str = "photos";

/// What it shows beside the person's own albums, and instead of one with the same name.
const SMART_ALBUMS: [&str; 14] = [
    "All Photos",
    "Animated",
    "Bursts",
    "Favorites",
    "Hidden",
    "Live",
    "Long Exposure",
    "Panoramas",
    "Portrait",
    "Recently Deleted",
    "Screenshots",
    "Slo-mo",
    "Time-lapse",
    "Videos",
];

pub(super) fn rclone(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = stage.client("rclone");
    command.arg("--config").arg(stage.path("rclone.conf"));
    command.arg("--cache-dir").arg(stage.path("rclone-cache"));
    command.arg("--ca-cert").arg(&stage.authority.trusted);
    // A real failure must be seen, not waited out.
    command.args(["--retries", "1", "--low-level-retries", "1", "--log-level", "INFO"]).args(arguments);
    command
}

/// The first step: as far as Apple asks for a code. What comes back names the state to go on from.
async fn create(stage: &Stage, password: &str) -> Ended {
    let (apple_id, password) = (format!("apple_id={}", stage.apple_id()), format!("password={password}"));
    let settings = ["config", "create", REMOTE, "iclouddrive", "service=photos", &apple_id, &password];
    run(rclone(stage, &[&settings[..], &["--non-interactive", "--obscure"]].concat())).await
}

/// The second step.
async fn give_code(stage: &Stage, state: &str, code: &str) -> Ended {
    let settings = ["config", "update", REMOTE, "--continue", "--state", state, "--result", code, "--non-interactive"];
    run(rclone(stage, &settings)).await
}

/// Both steps, with that code.
async fn sign_in_with(stage: &Stage, code: &str) -> Ended {
    let asked: Value = serde_json::from_str(&create(stage, &stage.password()).await.succeeded().stdout).unwrap();
    assert_eq!(asked["Option"]["Name"], "config_2fa", "a code is asked for: {asked}");
    give_code(stage, asked["State"].as_str().unwrap(), code).await
}

pub(super) async fn sign_in(stage: &Stage) {
    let done = sign_in_with(stage, &stage.code()).await.succeeded();
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(done["State"], "", "nothing more is asked: {done}");
}

/// Takes away the session and leaves the trust token.
fn forget_session(stage: &Stage) {
    let settings = std::fs::read_to_string(stage.path("rclone.conf")).unwrap();
    let kept: Vec<_> = settings.lines().filter(|line| !line.starts_with("cookies")).collect();
    assert_eq!(kept.len(), settings.lines().count() - 1, "one line holds the cookies");
    std::fs::write(stage.path("rclone.conf"), kept.join("\n")).unwrap();
    std::fs::remove_dir_all(stage.path("rclone-cache")).unwrap();
}

/// Downloads every file of an album, and writes none: what rclone calls it may be no name for a file.
async fn downloaded(stage: &Stage, album: &str) -> Copied {
    let source = format!("{REMOTE}:{album}");
    let sums = run(rclone(stage, &["hashsum", "SHA1", "--download", &source])).await.succeeded();
    let lines = sums.stdout.lines().map(|line| line.split_once("  ").expect("a sum, two spaces and a name"));
    Copied(lines.map(|(sha1, name)| (name.to_owned(), sha1.to_owned())).collect())
}

async fn folders(stage: &Stage, path: &str) -> BTreeSet<String> {
    let listed = run(rclone(stage, &["lsf", "--dirs-only", &format!("{REMOTE}:{path}")])).await.succeeded();
    listed.stdout.lines().map(|line| line.trim_end_matches('/').to_owned()).collect()
}

/// How it spells names: composed, and none that would lead elsewhere.
fn spelled(name: &str) -> String {
    let composed: String = name.nfc().collect();
    if composed == ".." { "．．".into() } else { composed.replace('/', "／") }
}

/// What rclone shows of these assets: of an edited Live Photo the still only, and of slow motion no edit.
fn shown<'a>(assets: impl IntoIterator<Item = &'a TruthAsset>) -> impl Iterator<Item = &'a TruthResource> {
    let downloadable = listed::one_asset_each(assets).filter(|asset| asset.resource(Slot::Original).is_some());
    downloadable.flat_map(files)
}

fn files(asset: &TruthAsset) -> impl Iterator<Item = &TruthResource> {
    let edited = asset.resource(Slot::EditedPicture).or_else(|| asset.resource(Slot::EditedVideo));
    [Slot::Original, Slot::LiveVideo, Slot::Alternative]
        .map(|slot| asset.resource(slot))
        .into_iter()
        .flatten()
        .chain(edited)
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_is_refused_with_a_wrong_password() {
    let stage = Stage::empty().await;
    let refused = create(&stage, "not-the-password").await;
    assert!(!refused.status.success(), "{refused:?}");
    assert!(refused.stderr.contains("401"), "{refused:?}");
    assert_eq!(stage.simulator.requests("signin/complete"), 1);
    assert_eq!(stage.simulator.requests("accountLogin"), 0);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_downloads_every_original_byte_for_byte() {
    let stage = Stage::demo().await;
    sign_in(&stage).await;
    let library = stage.personal();
    let visible = downloaded(&stage, "PrimarySync/All Photos").await;
    visible.assert_are(shown(listed::in_state(&library, TruthState::Visible)));
    let hidden = downloaded(&stage, "PrimarySync/Hidden").await;
    hidden.assert_are(shown(listed::in_state(&library, TruthState::Hidden)));
    assert_eq!(stage.simulator.requests("signin/init"), 1, "the session of the sign-in is used again");
    assert_eq!(stage.simulator.requests("verify/trusteddevice/securitycode"), 2, "one push, one code");
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_copies_all_but_names_too_long_for_a_file() {
    let stage = Stage::demo().await;
    sign_in(&stage).await;
    let target = stage.path("copy");
    // Without --inplace a name of 255 bytes has no room for rclone's own suffix while it is being copied.
    let copy = ["copy", "--inplace", "photos:PrimarySync/All Photos", target.to_str().unwrap()];
    let ended = run(rclone(&stage, &copy)).await;
    assert!(ended.stderr.contains("file name too long"), "{ended:?}");
    let all = downloaded(&stage, "PrimarySync/All Photos").await;
    let fit_for_a_file = all.0.iter().filter(|(name, _)| name.len() <= 255).map(|(_, sha1)| sha1);
    assert_eq!(sorted(Copied::read(&target).0.values()), sorted(fit_for_a_file));
    stage.assert_clean();
}

fn sorted<'a>(sums: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut sums: Vec<_> = sums.collect();
    sums.sort();
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_is_refused_with_a_wrong_code() {
    let stage = Stage::empty().await;
    let refused = sign_in_with(&stage, "000000").await;
    assert!(!refused.status.success(), "{refused:?}");
    assert_eq!(stage.simulator.requests("2sv/trust"), 0);
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_takes_a_conflict_for_a_yes_only_with_a_new_token() {
    let stage = Stage::empty().await;
    stage.simulator.change_switches(|switches| switches.code_reply = CodeReply::ConflictWithToken);
    sign_in(&stage).await;
    stage.simulator.change_switches(|switches| switches.code_reply = CodeReply::ConflictWithoutToken);
    let refused = sign_in_with(&stage, &stage.code()).await;
    assert!(refused.stderr.contains("validate2FACode failed"), "{refused:?}");
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_is_trusted_without_a_code_when_its_session_is_gone() {
    let stage = Stage::empty().await;
    album::fill(&stage.simulator.cloud(), "Short", 3);
    sign_in(&stage).await;
    assert_eq!(downloaded(&stage, "PrimarySync/Short").await.0.len(), 3);
    forget_session(&stage);
    assert_eq!(downloaded(&stage, "PrimarySync/Short").await.0.len(), 3);
    assert_eq!(stage.simulator.requests("signin/init"), 2);
    assert_eq!(stage.simulator.requests("verify/trusteddevice/securitycode"), 2, "one push, one code");
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_shows_libraries_and_albums() {
    let stage = Stage::demo().await;
    sign_in(&stage).await;
    let shared = stage.shared();
    assert_eq!(folders(&stage, "").await, BTreeSet::from(["PrimarySync".to_owned(), shared.zone.clone()]));
    let own = stage.personal().albums.into_iter().filter(|album| album.path.len() == 1);
    let own: BTreeSet<_> = own.map(|album| spelled(&album.path[0])).collect();
    assert_eq!(folders(&stage, "PrimarySync").await, SMART_ALBUMS.map(str::to_owned).into_iter().chain(own).collect());
    assert_eq!(folders(&stage, &shared.zone).await, SMART_ALBUMS.map(str::to_owned).into());
    assert_eq!(folders(&stage, "PrimarySync/Norway").await, ["Day 1", "Day 2", "Hikes"].map(str::to_owned).into());
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_downloads_the_shared_library_and_a_nested_album() {
    let stage = Stage::demo().await;
    sign_in(&stage).await;
    let (personal, shared) = (stage.personal(), stage.shared());
    let all = downloaded(&stage, &format!("{}/All Photos", shared.zone)).await;
    all.assert_are(shown(listed::in_state(&shared, TruthState::Visible)));
    let nested = downloaded(&stage, "PrimarySync/Norway/Hikes/Segla").await;
    nested.assert_are(shown(listed::members(&personal, &["Norway", "Hikes", "Segla"])));
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_finds_a_library_that_somebody_else_shares() {
    let stage = Stage::participant().await;
    sign_in(&stage).await;
    let shared = stage.shared();
    let all = downloaded(&stage, &format!("{}/All Photos", shared.zone)).await;
    all.assert_are(shown(&shared.assets));
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_signs_in_with_the_other_derivation() {
    let stage = Stage::with_the_other_derivation().await;
    sign_in(&stage).await;
    stage.assert_clean();
}

/// A fault, whether rclone ends with success, how many of 20 photos it gives, and how many of these have the right bytes.
struct Row(Fault, bool, usize, usize);

/// What rclone makes of answers that photosfs shows as they are: errors, or the last proven state (docs/peers.md).
#[tokio::test(flavor = "multi_thread")]
async fn rclone_takes_broken_answers_for_whole_ones() {
    let inside = |place| Change::ErrorInside { place, code: "INTERNAL_ERROR".into(), reason: "scripted".into() };
    let answer = |change| Fault::every("records/query", Effect::Answer(change));
    let fail = |status| Fault::every("records/query", Effect::Fail(Failure::bare(status)));
    for Row(fault, succeeds, given, right) in [
        Row(answer(inside(Place::FirstRecord)), true, 19, 19),
        Row(answer(inside(Place::EveryRecord)), true, 0, 0),
        Row(answer(Change::EmptyListing), true, 0, 0),
        Row(answer(Change::HalfPage), true, 20, 20),
        Row(fail(500), false, 0, 0),
        Row(fail(421), false, 0, 0),
        Row(Fault::every("download", Effect::Body(Damage::WrongBytes)), true, 20, 0),
        Row(Fault::every("download", Effect::Body(Damage::CutAfter(500))), false, 0, 0),
    ] {
        let what = format!("{fault:?}");
        assert_eq!(under(fault).await, (succeeds, given, right), "{what}");
    }
}

/// Downloads a library of 20 photos in the face of a fault.
async fn under(fault: Fault) -> (bool, usize, usize) {
    let stage = Stage::empty().await;
    album::add_photos(&stage.simulator.cloud(), stage.simulator.cloud().primary(), 20);
    sign_in(&stage).await;
    stage.simulator.fault(fault);
    let ended = run(rclone(&stage, &["hashsum", "SHA1", "--download", "photos:PrimarySync/All Photos"])).await;
    let library = stage.personal();
    let known: BTreeSet<_> = library.assets.iter().flat_map(files).map(|file| file.sha1.as_str()).collect();
    let sums: Vec<&str> = ended.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    let right = sums.iter().filter(|sum| known.contains(*sum)).count();
    (ended.status.success(), sums.len(), right)
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_walks_recently_deleted_the_wrong_way_round() {
    let stage = Stage::demo().await;
    sign_in(&stage).await;
    let library = stage.personal();
    let trashed: Vec<_> = listed::in_state(&library, TruthState::Trashed).collect();
    assert!(trashed.len() > 1);
    // It asks for descending ranks from 0, of which there is one (protocol/photos.md §2.6).
    let seen = downloaded(&stage, "PrimarySync/Recently Deleted").await;
    let is_all = |asset: &TruthAsset| sorted(files(asset).map(|file| &file.sha1)) == sorted(seen.0.values());
    assert!(trashed.into_iter().any(is_all), "one asset and nothing else: {seen:?}");
    stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_lists_66_of_every_100_photos_of_an_album() {
    let stage = Stage::empty().await;
    album::fill(&stage.simulator.cloud(), "Long", 103);
    sign_in(&stage).await;
    let library = stage.personal();
    // Its stride is 100 where a page of an album holds 66 (protocol/photos.md §2.5), and the newest photo comes first.
    let ranks = (0..album::PAGE).chain(100..103);
    let names: BTreeSet<_> = ranks.map(|rank| format!("IMG_{:04}.JPG", 102 - rank)).collect();
    let seen = downloaded(&stage, "PrimarySync/Long").await;
    assert_eq!(seen.0.keys().cloned().collect::<BTreeSet<_>>(), names);
    let is_seen = |asset: &&TruthAsset| asset.file_name.as_ref().is_some_and(|name| names.contains(name));
    seen.assert_are(shown(library.assets.iter().filter(is_seen)));
    stage.assert_clean();
}
