//! Asking for changes fails: the tree stays as it was, says so, and catches up once it can.

use icloud_simulator::fault::{Change, Effect, Failure, Fault};
use icloud_simulator::library::{Body, Cloud, NewPhoto, Resource};

use super::{each, refusals, rsync};
use crate::compared::Compared;
use crate::installation::Installation;

/// Something for the next round to find: two photos more and one less.
fn change(cloud: &Cloud, seed: u64) {
    for n in [seed, seed + 1] {
        let picture = Resource::new("public.jpeg", Body::seeded(n, 3_000));
        cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("NEW_{n}.JPG"), picture, 1_500_000_000_000));
    }
    let truth = cloud.truth();
    let visible = truth.assets().find(|asset| asset.state == icloud_simulator::library::TruthState::Visible).unwrap();
    cloud.trash(cloud.asset_named(&visible.record_name).unwrap()).unwrap();
}

/// A copy stays what it was through failed rounds, and is brought up to date by a good one.
fn survives(endpoint: &str, effect: Effect) {
    let installation = Installation::mounted(60);
    let (files, copy) = (installation.files(), installation.path("copy"));
    assert!(rsync(&installation, &copy).status.success());
    change(&installation.simulator.cloud(), 7_000);
    installation.simulator.fault(Fault::every(endpoint, effect));
    let round = installation.sync();
    assert_eq!(round.status.code(), Some(1), "{}", String::from_utf8_lossy(&round.stdout));
    assert!(installation.status()["last_error"].is_string(), "status.json tells of it");
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &files);
    installation.simulator.assert_clean();
    installation.simulator.state().faults.clear();
    assert!(installation.sync().status.success());
    assert!(installation.status()["last_error"].is_null());
    let files = installation.files();
    assert_eq!(files.keys().filter(|path| path.starts_with("Years/") && path.contains("NEW_")).count(), 2);
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &files);
    installation.simulator.assert_clean();
}

#[test]
fn changes_of_a_library_that_cannot_be_had_change_nothing() {
    each(refusals(), |effect| survives("changes/zone", effect));
}

#[test]
fn changes_of_the_database_that_cannot_be_had_change_nothing() {
    // Its answer has zones in the place of records.
    let in_records = |name: &str| name.ends_with("record");
    each(refusals().into_iter().filter(|(name, _)| !in_records(name)).collect(), |effect| {
        survives("changes/database", effect);
    });
}

/// An answer that says too little in good form: nothing may leave because of it.
#[test]
fn answers_that_are_short_take_nothing_away() {
    let short = vec![
        ("changes/zone, empty", ("changes/zone", Effect::Answer(Change::EmptyListing))),
        ("changes/zone, half", ("changes/zone", Effect::Answer(Change::HalfPage))),
        ("changes/zone, no masters", ("changes/zone", Effect::Answer(Change::WithoutMasters))),
        (
            "changes/zone, no files",
            ("changes/zone", Effect::Answer(Change::WithoutFields(vec!["resOriginalRes".into()]))),
        ),
        ("changes/zone, no names", ("changes/zone", Effect::Answer(Change::WithoutFields(vec!["filenameEnc".into()])))),
        ("changes/zone, no addresses", ("changes/zone", Effect::Answer(Change::WithoutUrls))),
        ("the first two calls fail", ("*", Effect::Fail(Failure::bare(503)))),
    ];
    each(short, |(endpoint, effect)| {
        let installation = Installation::mounted(60);
        let (files, copy) = (installation.files(), installation.path("copy"));
        assert!(rsync(&installation, &copy).status.success());
        change(&installation.simulator.cloud(), 8_000);
        installation.simulator.fault(Fault::every(endpoint, effect).times(2));
        installation.sync();
        let now = installation.files();
        for (path, file) in &files {
            let left = now.values().any(|other| other.sha1 == file.sha1);
            assert!(left, "{path} has gone though the cloud has it");
        }
        assert!(rsync(&installation, &copy).status.success());
        Compared::assert_whole(&copy, &now);
        installation.simulator.assert_clean();
    });
}
