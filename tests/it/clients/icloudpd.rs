//! icloudpd: a program on a Python of its own. It asks for password and code on the console.

use icloud_simulator::library::{AssetId, Slot, TruthAsset, TruthResource, TruthState, Uuid};
use icloud_simulator::options::CodeReply;

use super::album;
use super::copied::Copied;
use super::dialogue::{Dialogue, Ended};
use super::listed;
use super::stage::Stage;
use super::unpacked::Unpacked;

const CODE_WANTED: &str = "two-factor authentication code or device index";
const DONE: &str = "Authentication completed successfully";

/// A stage with icloudpd on it, and the folder it copies to.
struct Icloudpd {
    stage: Stage,
    unpacked: Unpacked,
}

impl Icloudpd {
    async fn on(stage: Stage) -> Self {
        let unpacked = Unpacked::new(&stage).await;
        std::fs::create_dir(stage.path("copy")).expect("a folder for the copy");
        Self { stage, unpacked }
    }

    fn start(&self, arguments: &[&str]) -> Dialogue {
        let mut command = self.unpacked.command();
        command.args(["--username", &self.stage.apple_id(), "--password-provider", "console"]);
        command.args(["--mfa-provider", "console", "--no-progress-bar", "--directory"]).arg(self.stage.path("copy"));
        Dialogue::start({
            command.args(arguments);
            command
        })
    }

    /// Signs in with password and code, and lets the client do what its arguments say.
    async fn sign_in(&self, arguments: &[&str]) -> Ended {
        let mut dialogue = self.begin(arguments, &self.stage.password()).await;
        dialogue.wait_for(CODE_WANTED).await;
        dialogue.answer(&self.stage.code()).await;
        dialogue.end().await.succeeded()
    }

    async fn begin(&self, arguments: &[&str], password: &str) -> Dialogue {
        let mut dialogue = self.start(arguments);
        dialogue.wait_for("iCloud Password").await;
        dialogue.answer(password).await;
        dialogue
    }

    /// What has been copied since this was last asked.
    fn taken(&self) -> Copied {
        let folder = self.stage.path("copy");
        let copied = Copied::read(&folder);
        std::fs::remove_dir_all(&folder).expect("the copy");
        std::fs::create_dir(&folder).expect("a folder for the next copy");
        copied
    }
}

/// What icloudpd brings of an asset: of a picture the still of its edit too, of a video the original only.
fn brought(asset: &TruthAsset) -> impl Iterator<Item = &TruthResource> {
    let slots = [Slot::Original, Slot::Alternative, Slot::LiveVideo, Slot::EditedPicture];
    slots.into_iter().filter_map(|slot| asset.resource(slot))
}

/// Takes from the library what icloudpd dies of, with all that comes after it undone: uploads that never finished.
fn spare(stage: &Stage) {
    let cloud = stage.simulator.cloud();
    let fatal = stage.personal().assets.into_iter().filter(|asset| asset.resource(Slot::Original).is_none());
    for asset in fatal {
        let name = Uuid::parse(&asset.record_name).expect("an asset's name");
        cloud.purge(AssetId { zone: cloud.primary(), name }).expect("it is there");
    }
}

/// Everything it can bring, under names that are never the same for two photos.
const EVERYTHING: [&str; 10] = [
    "--size",
    "original",
    "--size",
    "adjusted",
    "--size",
    "alternative",
    "--file-match-policy",
    "name-id7",
    "--live-photo-mov-filename-policy",
    "original",
];

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_is_refused_with_a_wrong_password() {
    let client = Icloudpd::on(Stage::empty().await).await;
    // Its exit status says nothing: it is 0.
    let refused = client.begin(&["--auth-only"], "not-the-password").await.end().await;
    assert!(refused.stdout.contains("Invalid email/password combination"), "{refused:?}");
    assert_eq!(client.stage.simulator.requests("signin/complete"), 1);
    assert_eq!(client.stage.simulator.requests("accountLogin"), 0);
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_is_refused_with_a_wrong_code() {
    let client = Icloudpd::on(Stage::empty().await).await;
    let mut dialogue = client.begin(&["--auth-only"], &client.stage.password()).await;
    dialogue.wait_for(CODE_WANTED).await;
    dialogue.answer("000000").await;
    let refused = dialogue.end().await;
    assert!(refused.stdout.contains("Failed to verify two-factor authentication code"), "{refused:?}");
    assert_eq!(client.stage.simulator.requests("2sv/trust"), 0);
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_takes_the_code_of_a_text_message() {
    let client = Icloudpd::on(Stage::empty().await).await;
    let mut dialogue = client.begin(&["--auth-only"], &client.stage.password()).await;
    dialogue.wait_for(CODE_WANTED).await;
    dialogue.answer("a").await;
    dialogue.wait_for("received over SMS").await;
    dialogue.answer(&client.stage.code()).await;
    let done = dialogue.end().await.succeeded();
    assert!(done.stdout.contains(DONE), "{done:?}");
    assert_eq!(client.stage.simulator.requests("verify/phone/securitycode"), 1);
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_takes_a_conflict_for_a_yes_with_and_without_a_new_token() {
    let client = Icloudpd::on(Stage::empty().await).await;
    for reply in [CodeReply::ConflictWithToken, CodeReply::ConflictWithoutToken] {
        client.stage.simulator.change_switches(|switches| switches.code_reply = reply);
        let done = client.sign_in(&["--auth-only"]).await;
        assert!(done.stdout.contains(DONE), "{done:?}");
        std::fs::remove_dir_all(client.stage.home().join(".pyicloud")).expect("its session");
    }
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_downloads_hidden_deleted_and_shared_photos() {
    let client = Icloudpd::on(Stage::demo().await).await;
    let (personal, shared) = (client.stage.personal(), client.stage.shared());
    client.sign_in(&[&["--album", "Hidden"], &EVERYTHING[..]].concat()).await;
    client.taken().assert_are(listed::in_state(&personal, TruthState::Hidden).flat_map(brought));
    client.start(&[&["--album", "Recently Deleted"], &EVERYTHING[..]].concat()).end().await.succeeded();
    client.taken().assert_are(listed::in_state(&personal, TruthState::Trashed).flat_map(brought));
    client.start(&[&["--library", &shared.zone], &EVERYTHING[..]].concat()).end().await.succeeded();
    client.taken().assert_are(listed::in_state(&shared, TruthState::Visible).flat_map(brought));
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_downloads_every_original_byte_for_byte() {
    let client = Icloudpd::on(Stage::demo().await).await;
    spare(&client.stage);
    client.sign_in(&EVERYTHING).await;
    let library = client.stage.personal();
    let visible = listed::in_state(&library, TruthState::Visible);
    client.taken().assert_are(listed::one_asset_each(visible).flat_map(brought));
    assert_eq!(client.stage.simulator.requests("verify/trusteddevice/securitycode"), 2, "one push, one code");
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_signs_in_again_without_password_or_code() {
    let client = Icloudpd::on(Stage::empty().await).await;
    client.sign_in(&["--auth-only"]).await;
    let again = client.start(&["--auth-only"]).end().await.succeeded();
    assert!(again.stdout.contains(DONE), "{again:?}");
    assert_eq!(client.stage.simulator.requests("signin/init"), 1);
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_is_trusted_without_a_code_when_its_session_is_gone() {
    let client = Icloudpd::on(Stage::empty().await).await;
    client.sign_in(&["--auth-only"]).await;
    client.stage.forget_session(&client.stage.home().join(".pyicloud"));
    let again = client.begin(&["--auth-only"], &client.stage.password()).await.end().await.succeeded();
    assert!(again.stdout.contains(DONE), "{again:?}");
    assert_eq!(client.stage.simulator.requests("signin/init"), 2);
    assert_eq!(client.stage.simulator.requests("verify/trusteddevice/securitycode"), 2, "one push, one code");
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_walks_an_album_of_more_than_one_page() {
    let client = Icloudpd::on(Stage::empty().await).await;
    album::fill(&client.stage.simulator.cloud(), "Long", 2 * album::PAGE + 1);
    client.sign_in(&["--album", "Long"]).await;
    client.taken().assert_are(client.stage.personal().assets.iter().flat_map(brought));
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_finds_a_library_that_somebody_else_shares() {
    let client = Icloudpd::on(Stage::participant().await).await;
    let shared = client.stage.shared();
    client.sign_in(&["--library", &shared.zone]).await;
    client.taken().assert_are(shared.assets.iter().flat_map(brought));
    client.stage.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn icloudpd_signs_in_with_the_other_derivation() {
    let client = Icloudpd::on(Stage::with_the_other_derivation().await).await;
    let done = client.sign_in(&["--auth-only"]).await;
    assert!(done.stdout.contains(DONE), "{done:?}");
    client.stage.assert_clean();
}
