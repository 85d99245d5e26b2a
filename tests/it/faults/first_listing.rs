//! The first listing fails: nothing is mounted. It succeeds: everything is there.

use std::fs;

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Failure, Fault};

use super::{each, refusals, rsync};
use crate::compared::Compared;
use crate::installation::{Files, Installation};

fn library() -> Installation {
    Installation::new(Options { assets: Some(260), ..Options::default() })
}

/// Tries to mount; gives whether it did, and that nothing is shown if it did not.
fn mounts(installation: &Installation) -> bool {
    let point = installation.point();
    let output = installation.output(&["mount", "--background", point.to_str().unwrap()]);
    if !output.status.success() {
        assert!(matches!(output.status.code(), Some(1 | 4 | 5)), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.lines().any(|line| line.starts_with("photosfs: ")), "{said}");
        assert_eq!(fs::read_dir(&point).unwrap().count(), 0, "nothing is mounted");
        return false;
    }
    true
}

/// Every file of the cloud that a tree must show, by its bytes.
fn assert_everything(installation: &Installation, files: &Files) {
    let truth = installation.simulator.cloud().truth();
    for asset in truth.assets().filter(|asset| !asset.lesser_burst_frame) {
        let original = &asset.resources[0];
        assert!(files.values().any(|file| file.sha1 == original.sha1), "{:?} is not shown", asset.file_name);
    }
}

fn is_refused(endpoint: &str, effect: Effect) {
    let installation = library();
    installation.simulator.fault(Fault::every(endpoint, effect));
    assert!(!mounts(&installation));
    installation.simulator.assert_clean();
    installation.simulator.state().faults.clear();
    assert!(mounts(&installation));
    let (files, copy) = (installation.files(), installation.path("copy"));
    assert_everything(&installation, &files);
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &files);
    installation.simulator.assert_clean();
}

#[test]
fn a_listing_that_cannot_be_had_is_not_shown() {
    let refusals: Vec<_> = refusals().into_iter().filter(|(name, _)| !name.contains("zone")).collect();
    each(refusals, |effect| is_refused("records/query", effect));
}

#[test]
fn counts_that_cannot_be_had_are_not_guessed() {
    let refusals = refusals().into_iter().filter(|(name, _)| name.starts_with('5') || name.starts_with("a ")).collect();
    each(refusals, |effect| is_refused("internal/records/query/batch", effect));
}

/// Lies of a listing: it is found out and refused, or made good; never is a part shown.
#[test]
fn a_listing_that_lies_is_refused_or_made_good() {
    let every = |effect| Fault::from("records/query", 3, effect);
    let lies = vec![
        ("pages are empty", every(Effect::Answer(Change::EmptyListing))),
        ("pages are halved", every(Effect::Answer(Change::HalfPage))),
        ("masters are missing", every(Effect::Answer(Change::WithoutMasters))),
        ("some pages are empty", Fault::rate("records/query", 30, 5, Effect::Answer(Change::EmptyListing))),
        ("some pages are halved", Fault::rate("records/query", 50, 5, Effect::Answer(Change::HalfPage))),
        ("some calls fail", Fault::rate("*", 20, 5, Effect::Fail(Failure::new(503, "TRY_AGAIN_LATER", "scripted")))),
        ("some connections are closed", Fault::rate("*", 20, 6, Effect::Reset)),
        ("too much is announced", Fault::every("internal/records/query/batch", Effect::Answer(Change::CountsOff(100)))),
        (
            "too little is announced",
            Fault::every("internal/records/query/batch", Effect::Answer(Change::CountsOff(-100))),
        ),
        (
            "nothing is announced",
            Fault::every("internal/records/query/batch", Effect::Answer(Change::CountsOff(-1000))),
        ),
        ("the log is empty", Fault::every("changes/zone", Effect::Answer(Change::EmptyListing))),
    ];
    each(lies, |fault| {
        let installation = library();
        installation.simulator.fault(fault);
        if mounts(&installation) {
            assert_everything(&installation, &installation.files());
        } else {
            installation.simulator.state().faults.clear();
            assert!(mounts(&installation));
            assert_everything(&installation, &installation.files());
        }
    });
}
