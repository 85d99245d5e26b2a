//! `on_attention`: a person is called when one is needed, once, and told when it is over.

use std::fs;

use icloud_simulator::Options;

use crate::crash::lose_rows;
use crate::installation::{Installation, eventually};

/// Mounts with a command that writes down what it is told, and everything else that it could tell others.
fn mount(installation: &Installation) {
    let told = installation.path("told");
    let command =
        format!("echo \"$PHOTOSFS_REASON\" >>'{0}'; env >>'{0}.env'; echo \"$0 $*\" >>'{0}.env'", told.display());
    let point = installation.point();
    let arguments = ["mount", "--background", point.to_str().unwrap()];
    let output = installation.command(&arguments).env("PHOTOSFS_ON_ATTENTION", command).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn told(installation: &Installation) -> Vec<String> {
    let text = fs::read_to_string(installation.path("told")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_person_is_called_once_for_each_reason_and_told_when_it_is_over() {
    let installation = Installation::new(Options { assets: Some(40), ..Options::default() });
    mount(&installation);
    let simulator = &installation.simulator;
    simulator.forget_browsers();
    simulator.expire_sessions();
    assert!(!installation.sync().status.success());
    eventually("the code is asked for", || told(&installation) == ["code"]);

    assert_eq!(installation.output(&["login"]).status.code(), Some(3));
    installation.run(&["login", "--code", &simulator.device_code()]);
    installation.run(&["sync"]);
    eventually("it is over", || told(&installation) == ["code", "resolved"]);

    let cloud = simulator.cloud();
    let assets: Vec<_> = cloud.truth().assets().take(20).map(|asset| asset.record_name.clone()).collect();
    for name in assets {
        cloud.trash(cloud.asset_named(&name).unwrap()).unwrap();
    }
    installation.run(&["sync"]);
    eventually("a hold is told", || told(&installation) == ["code", "resolved", "hold"]);

    // A mount that is started again has read what was told, and looks several times a second here.
    installation.unmount();
    mount(&installation);
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(told(&installation), ["code", "resolved", "hold"]);
    installation.run(&["held", "accept"]);
    eventually("the hold is over", || told(&installation).len() == 4 && told(&installation)[3] == "resolved");

    let seen = fs::read_to_string(installation.path("told.env")).unwrap();
    assert!(seen.contains("PHOTOSFS_ADVICE=") && seen.contains("PHOTOSFS_MOUNTPOINT="), "{seen}");
    let found: Vec<_> = simulator.secrets_issued().into_iter().filter(|(_, secret)| seen.contains(secret)).collect();
    assert!(found.is_empty() && !seen.contains("demo-library-2026"), "the command learns no secret: {found:?}");
    simulator.assert_clean();
}

#[test]
fn a_person_is_called_for_a_damaged_index_although_it_is_mended_by_itself() {
    let installation = Installation::mounted(40);
    let files = installation.files();
    installation.unmount();
    lose_rows(&installation, &files);
    mount(&installation);
    eventually("it is told, and that it is over", || told(&installation) == ["index", "resolved"]);
    assert_eq!(installation.files(), files);
    let seen = fs::read_to_string(installation.path("told.env")).unwrap();
    assert!(seen.contains("look after the disk"), "{seen}");
    installation.simulator.assert_clean();
}
