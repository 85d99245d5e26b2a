//! photosfs itself as it meets Apple: no address is configured, so that hosts, certificates, the domains of cookies and the
//! partition of the account are what they are there. Every other test goes to one address over plain HTTP.

use std::collections::BTreeSet;

use icloud_simulator::Options;
use icloud_simulator::library::{Area, Slot};
use tokio::process::Command;

use super::album;
use super::copied::Copied;
use super::dialogue::{Ended, run};
use super::stage::Stage;

fn photosfs(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_photosfs"));
    command
        .env_clear()
        .env("HOME", stage.home())
        .env("HTTPS_PROXY", stage.proxy.url())
        .env("SSL_CERT_FILE", &stage.authority.trusted)
        .arg("--config")
        .arg(stage.path("config.toml"))
        .args(arguments)
        .kill_on_drop(true);
    command
}

/// Configured and signed in, code and all.
async fn signed_in(mut options: Options, region: &str) -> Stage {
    // The demo's account is never shown to Apple.
    options.account.apple_id = "Jane.Appleseed@example.com".into();
    let stage = Stage::open(options).await;
    stage.simulator.change_switches(|switches| switches.strict = true);
    let config = format!(
        "apple_id = '{}'\nregion = '{region}'\npassword_command = 'echo {}'\nstate_dir = '{2}/state'\ncache_dir = '{2}/cache'\nkeep_free = '1M'\n",
        stage.apple_id(),
        stage.password(),
        stage.home().display(),
    );
    std::fs::write(stage.path("config.toml"), config).unwrap();
    let asked = run(photosfs(&stage, &["login"])).await;
    assert_eq!(asked.status.code(), Some(3), "a code is asked for: {}", asked.stderr);
    succeeded(&stage, &["login", "--code", &stage.code()]).await;
    stage
}

async fn succeeded(stage: &Stage, arguments: &[&str]) -> Ended {
    run(photosfs(stage, arguments)).await.succeeded()
}

/// Digests of the originals in the cache, which keeps equal ones once.
fn kept(stage: &Stage) -> BTreeSet<String> {
    Copied::read(&stage.home().join("cache").join(stage.apple_id().to_lowercase()).join("originals"))
        .0
        .into_values()
        .collect()
}

/// Digests of all that the cloud has but for previews.
fn wanted(stage: &Stage) -> BTreeSet<String> {
    let preview = |slot| matches!(slot, Slot::MediumPicture | Slot::Thumbnail | Slot::MediumVideo | Slot::SmallVideo);
    let truth = stage.simulator.cloud().truth();
    let shown = truth.assets().filter(|asset| asset.resource(Slot::Original).is_some());
    let files = shown.flat_map(|asset| asset.resources.iter().filter(|file| !preview(file.slot)));
    files.map(|file| file.sha1.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn photosfs_brings_every_original_from_apples_own_names() {
    for (options, region, least) in
        [(Options::default(), "com", 50), (Options { assets: Some(5), ..Options::default() }, "cn", 10)]
    {
        let stage = signed_in(options, region).await;
        let cloud = stage.simulator.cloud();
        album::add_photos(&cloud, cloud.add_shared_library(Area::Shared), 5);
        succeeded(&stage, &["sync"]).await;
        succeeded(&stage, &["prefetch", "/"]).await;
        let wanted = wanted(&stage);
        assert!(wanted.len() >= least, "{region}: {}", wanted.len());
        assert_eq!(kept(&stage), wanted, "{region}");
        stage.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn photosfs_follows_an_account_that_moves_to_another_partition() {
    let stage = signed_in(Options { assets: Some(5), ..Options::default() }, "com").await;
    succeeded(&stage, &["sync"]).await;
    stage.simulator.change_switches(|switches| switches.partition = 62);
    succeeded(&stage, &["sync"]).await;
    assert_eq!((stage.simulator.requests("signin/init"), stage.simulator.pushes()), (1, 1), "without the password");
    stage.assert_clean();
}
