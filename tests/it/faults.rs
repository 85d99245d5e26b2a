//! A service that fails in every way it is known to, and a copy made with `rsync --delete-after` all the while: it never
//! loses a file and never gains a wrong byte.

mod clock;
mod downloads;
mod first_listing;
mod gigabyte;
mod matrix;
mod moving;
mod removals;
mod rounds;
mod stalled;

use std::path::Path;
use std::process::Output;
use std::sync::Mutex;

use icloud_simulator::fault::{Change, Effect, Failure, Place};

use crate::installation::{Installation, tool_output};

/// A copy as people are told to make it.
fn rsync(installation: &Installation, copy: &Path) -> Output {
    let source = format!("{}/", installation.point().display());
    tool_output("rsync", &[&"-aH", &"--delete-after", &"--exclude=/.photosfs", &source, &copy])
}

/// Runs cases six at a time: they wait for deadlines more than they work. Panics with the names of those that did.
fn each<T: Send>(cases: Vec<(&'static str, T)>, check: impl Fn(T) + Sync) {
    let cases = cases.into_iter().map(|(name, case)| (name.to_owned(), case)).collect();
    side_by_side(6, cases, check);
}

/// Runs so many cases at a time. Panics with the names of those that did.
fn side_by_side<T: Send>(at_once: usize, cases: Vec<(String, T)>, check: impl Fn(T) + Sync) {
    let (queue, failed) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    let next = || queue.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some((name, case)) = next() {
                    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case)));
                    if checked.is_err() {
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "not held: {failed:?}");
}

/// Answers that are no answers: whatever is asked, nothing may be concluded from them.
fn refusals() -> Vec<(&'static str, Effect)> {
    let inside = |place| {
        let (code, reason) = ("INTERNAL_ERROR".to_owned(), "scripted".to_owned());
        Effect::Answer(Change::ErrorInside { place, code, reason })
    };
    vec![
        ("500", Effect::Fail(Failure::bare(500))),
        ("503 TRY_AGAIN_LATER", Effect::Fail(Failure::new(503, "TRY_AGAIN_LATER", "scripted"))),
        ("403 ACCESS_DENIED", Effect::Fail(Failure::new(403, "ACCESS_DENIED", "scripted"))),
        ("404 ZONE_NOT_FOUND", Effect::Fail(Failure::new(404, "ZONE_NOT_FOUND", "scripted"))),
        ("200 with an error at the top", Effect::Fail(Failure::new(200, "INTERNAL_ERROR", "scripted"))),
        ("200 with an error in the zone", inside(Place::Zone)),
        ("200 with an error in the first record", inside(Place::FirstRecord)),
        ("200 with an error in every record", inside(Place::EveryRecord)),
        ("a web page", Effect::Html),
        ("a connection that is closed", Effect::Reset),
    ]
}
