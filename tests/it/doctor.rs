//! `photosfs doctor`: each thing that is not in order is named, with the one thing to do, in words and in JSON.

use std::time::Duration;

use icloud_simulator::Options;
use icloud_simulator::fault::{Effect, Failure, Fault};
use icloud_simulator::library::TruthState;
use icloud_simulator::options::Protection;
use serde_json::Value;

use crate::world::{CODE, PASSWORD, World};

/// What the doctor says, and whether it found everything in order.
fn findings(world: &World) -> (bool, String) {
    let output = world.run(&["doctor"]);
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn signed_in() -> World {
    let world = World::of(Options { assets: Some(3), code: Some(CODE.into()), ..Options::default() }, PASSWORD);
    assert_eq!(world.run(&["login"]).status.code(), Some(3));
    assert_eq!(world.run(&["login", "--code", CODE]).status.code(), Some(0));
    world
}

/// Writes a line into the configuration, above its tables.
fn configure(world: &World, line: &str) {
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    std::fs::write(world.path("config.toml"), format!("{line}\n{text}")).unwrap();
}

#[test]
fn a_library_that_was_never_read_is_not_told_of_as_an_empty_one() {
    let world = signed_in();
    world.simulator.fault(Fault::every("records/query", Effect::Fail(Failure::bare(403))));
    assert!(!world.run(&["sync"]).status.success());
    let status = world.run(&["status"]);
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(text.contains("no library has been read yet") && !text.contains("0 files"), "{text}");
}

#[test]
fn everything_in_order_for_people_and_for_programs() {
    let world = signed_in();
    configure(&world, "keep_free = '1M'");
    let (sound, text) = findings(&world);
    assert!(!sound && text.contains("!!  the library has not been read yet\n"), "{text}");
    assert!(world.run(&["sync"]).status.success());
    let (sound, text) = findings(&world);
    assert!(sound && !text.contains("!!"), "{text}");
    for line in ["127.0.0.1 answers", "the clock is right", "signed in", "the data are open", "libraries: PrimarySync"]
    {
        assert!(text.contains(&format!("ok  {line}")), "{line}: {text}");
    }
    let report: Value = serde_json::from_slice(&world.run(&["doctor", "--json"]).stdout).unwrap();
    let steps = report["steps"].as_array().unwrap();
    assert!(
        report["ok"] == true && steps.iter().all(|step| step["ok"] == true && step["advice"].is_null()),
        "{report}"
    );
    let mut words: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    words.dedup();
    let ladder = ["fuse", "configuration", "host", "clock", "session", "host", "access", "libraries", "disk", "index"];
    assert!(words.iter().take(10).eq(&ladder), "{words:?}");
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let says = |world: &World, what: &str, advice: &str| {
        let (sound, text) = findings(world);
        let lines: Vec<&str> = text.lines().collect();
        let at = lines.iter().position(|line| line.starts_with("!!") && line.contains(what));
        let next = at.and_then(|at| lines.get(at + 1)).unwrap_or_else(|| panic!("no {what}:\n{text}"));
        assert!(!sound && next.contains(advice), "{what}, {advice}:\n{text}");
        text
    };
    let world = World::new();
    says(&world, "not signed in", "photosfs login");
    let world = signed_in();
    world.simulator.state().clock.advance(Duration::from_secs(600));
    says(&world, "s slow", "timedatectl");

    let world = signed_in();
    world.simulator.change_switches(|switches| switches.web_access = false);
    says(&world, "access to iCloud data on the web is turned off", "Access iCloud Data on the Web");

    let world = signed_in();
    let nobody = Protection { approved_after: None, cookies_after: 0, arming_refused: false };
    world.simulator.change_switches(|switches| switches.protection = Some(nobody));
    world.simulator.forget_keys();
    says(&world, "Advanced Data Protection is on", "photosfs login");
    assert_eq!(world.simulator.prompts(), 0, "no device was bothered");

    configure(&world, "keep_free = '1000000T'");
    says(&world, "free for the cache", "make room");
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    let elsewhere = text.replace(&world.simulator.url(), "http://127.0.0.1:1");
    std::fs::write(world.path("config.toml"), elsewhere).unwrap();
    let said = says(&world, "127.0.0.1:1 cannot be reached", "check the network");
    assert!(!said.contains("libraries"), "what depends on it is not asked: {said}");
    configure(&world, "nonsense = 1");
    says(&world, "nonsense", "mend the configuration");
}

#[test]
fn an_index_that_is_damaged_is_mended_as_told() {
    let world = signed_in();
    configure(&world, "keep_free = '1M'");
    assert!(world.run(&["sync"]).status.success());
    let file = world.config().state.join("index.sqlite");
    let bytes = std::fs::read(&file).unwrap();
    let mut page_lost = bytes.clone();
    page_lost[8192..12288].fill(0);
    for (what, harmed, told) in
        [("a page lost", page_lost, "the index is damaged"), ("empty", Vec::new(), "the index is of another photosfs")]
    {
        std::fs::write(&file, harmed).unwrap();
        let (sound, text) = findings(&world);
        let advice = text.lines().skip_while(|line| !line.contains(told)).nth(1).unwrap_or_default();
        assert!(!sound && advice.contains("listed anew: photosfs sync"), "{what}: {text}");
        assert!(world.run(&["sync"]).status.success(), "{what}");
        let (sound, text) = findings(&world);
        assert!(sound && text.contains("ok  the library has been read"), "{what}: {text}");
    }
}

#[test]
fn the_tree_is_compared_with_what_is_announced_and_listed() {
    let world = World::of(Options { assets: Some(250), code: Some(CODE.into()), ..Options::default() }, PASSWORD);
    configure(&world, "keep_free = '1M'");
    assert_eq!(world.run(&["login"]).status.code(), Some(3));
    assert_eq!(world.run(&["login", "--code", CODE]).status.code(), Some(0));
    assert!(world.run(&["sync"]).status.success());
    let listing = || {
        let report: Value = serde_json::from_slice(&world.run(&["doctor", "--listing", "--json"]).stdout).unwrap();
        let steps = report["steps"].as_array().unwrap().clone();
        steps.into_iter().filter(|step| step["step"] == "listing").collect::<Vec<_>>()
    };
    let steps = listing();
    assert_eq!(steps.len(), 3 + 1 + 40, "three views, the albums, and each of them: {steps:#?}");
    assert!(steps.iter().all(|step| step["ok"] == true), "{steps:#?}");
    let cloud = world.simulator.cloud();
    let truth = cloud.truth();
    let album = truth.libraries[0].albums.iter().find(|album| !album.is_folder && album.members.len() > 10).unwrap();
    let is_visible = |name: &&String| truth.assets().any(|a| a.record_name == **name && a.state == TruthState::Visible);
    let left = album.members.iter().find(is_visible).unwrap();
    let photo = cloud.asset_named(left).unwrap();
    cloud.remove_from_album(photo, cloud.album_named(&album.record_name).unwrap()).unwrap();
    let lost = truth.assets().find(|asset| !album.members.contains(&asset.record_name)).unwrap();
    cloud.purge(cloud.asset_named(&lost.record_name).unwrap()).unwrap();
    let output = world.run(&["doctor", "--listing"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("only here: {}\n", lost.record_name)), "{text}");
    assert!(text.contains(&format!("only here: {left}-IN-{}\n", album.record_name)), "{text}");
    assert!(world.run(&["sync"]).status.success());
    assert!(listing().iter().all(|step| step["ok"] == true), "{:#?}", listing());
    let sign_ins = world.sign_ins();
    world.simulator.expire_sessions();
    let steps = listing();
    assert!(matches!(&steps[..], [only] if only["what"] == "not signed in"), "{steps:#?}");
    assert_eq!(world.sign_ins(), sign_ins, "the doctor tries no password");
}
