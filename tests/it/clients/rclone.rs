//! rclone: its iCloud Photos backend signs in during `config create`, in two steps, and asks nothing on a console.

use std::collections::BTreeSet;

use icloud_simulator::library::{Slot, TruthAsset, TruthLibrary, TruthResource, TruthState};
use serde_json::Value;
use tokio::process::Command;

use super::album;
use super::copied::Copied;
use super::dialogue::{Ended, run};
use super::masters;
use super::stage::Stage;

const REMOTE: &str = "photos";

fn rclone(stage: &Stage, arguments: &[&str]) -> Command {
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

async fn sign_in(stage: &Stage) {
    let asked: Value = serde_json::from_str(&create(stage, &stage.password()).await.succeeded().stdout).unwrap();
    assert_eq!(asked["Option"]["Name"], "config_2fa", "a code is asked for: {asked}");
    let state = asked["State"].as_str().unwrap();
    let go_on = ["config", "update", REMOTE, "--continue", "--state", state, "--result", &stage.code()];
    let done = run(rclone(stage, &[&go_on[..], &["--non-interactive"]].concat())).await.succeeded();
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(done["State"], "", "nothing more is asked: {done}");
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

/// What rclone shows of these assets: of an edited Live Photo the still only, and of slow motion no edit.
fn shown<'a>(assets: impl IntoIterator<Item = &'a TruthAsset>) -> impl Iterator<Item = &'a TruthResource> {
    let downloadable = masters::one_asset_each(assets).filter(|asset| asset.resource(Slot::Original).is_some());
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

fn in_state(library: &TruthLibrary, state: TruthState) -> impl Iterator<Item = &TruthAsset> {
    library.assets.iter().filter(move |asset| asset.state == state && !asset.lesser_burst_frame)
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_is_refused_with_a_wrong_password() {
    let stage = Stage::demo().await;
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
    let library = stage.library();
    let visible = downloaded(&stage, "PrimarySync/All Photos").await;
    visible.assert_are(shown(in_state(&library, TruthState::Visible)));
    let hidden = downloaded(&stage, "PrimarySync/Hidden").await;
    hidden.assert_are(shown(in_state(&library, TruthState::Hidden)));
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
async fn rclone_lists_66_of_every_100_photos_of_an_album() {
    let stage = Stage::empty().await;
    album::fill(&stage.simulator.cloud(), "Long", 103);
    sign_in(&stage).await;
    let listed = run(rclone(&stage, &["lsf", "photos:PrimarySync/Long"])).await.succeeded();
    // Its stride is 100 where a page of an album holds 66 (protocol/photos.md §2.5), and the newest photo comes first.
    let ranks = (0..album::PAGE).chain(100..103);
    let names: BTreeSet<_> = ranks.map(|rank| format!("IMG_{:04}.JPG", 102 - rank)).collect();
    assert_eq!(listed.stdout.lines().map(str::to_owned).collect::<BTreeSet<_>>(), names);
    stage.assert_clean();
}
