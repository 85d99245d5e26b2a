//! `photosfs ready`: the question a backup script asks before it reads a single file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use super::service::index_file;
use super::status::{LibraryReport, MissingReport, Report};
use super::{Context, Failure, running, status};
use crate::config::Config;
use crate::fuse::{self, MountError};
use crate::index::Index;
use crate::sync::Round;

/// What a clock may be set back by when it is put right now and then.
const CLOCK_STEP: SignedDuration = SignedDuration::from_mins(1);

/// Tell whether a backup may be made now: mounted, complete, nothing held, confirmed not long ago
#[derive(clap::Args)]
pub struct Args {
    /// Where the library should be mounted
    #[arg(value_name = "MOUNTPOINT")]
    point: PathBuf,
    /// How long ago iCloud may have confirmed what is shown, such as 12h
    #[arg(long, value_name = "TIME", default_value = "72h")]
    max_age: SignedDuration,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    if !fuse::is_mounted(&args.point)? {
        return Err(MountError::NotMounted(args.point).into());
    }
    let config = context.config()?;
    is_of_account(&args.point, &config)?;
    if let Some(failure) = obstacle(&status::report(&config)?, args.max_age, Timestamp::now()) {
        return Err(failure);
    }
    // What a disk has spoiled would look like deletions. The mount looks for it, too, but may not be through yet.
    Index::check(&index_file(&config)).inspect_err(|_| have_mended(&config))?;
    Ok(ExitCode::SUCCESS)
}

/// The mount sees that damage was found when it asks for changes next: now.
fn have_mended(config: &Config) {
    if let Err(failure) = running::ask(config, Round::News) {
        tracing::warn!(reason = failure.reason, "the mount is not told of it");
    }
}

/// What is copied and what the copy is judged by must be the same library.
fn is_of_account(point: &Path, config: &Config) -> Result<(), Failure> {
    let own = running::mountpoint(config);
    let same = |own: &String| matches!((fs::canonicalize(own), fs::canonicalize(point)), (Ok(a), Ok(b)) if a == b);
    match own {
        Some(own) if same(&own) => Ok(()),
        _ => Err(Failure::plain(
            format!("what is mounted on {} is not the library of {}", point.display(), config.apple_id),
            "name its account: --apple-id, or PHOTOSFS_APPLE_ID",
        )),
    }
}

/// The first thing that stands against a backup.
fn obstacle(report: &Report, max_age: SignedDuration, now: Timestamp) -> Option<Failure> {
    if let Some(damage) = &report.index_damage {
        return Some(Failure::plain(damage, super::damage::ADVICE));
    }
    if let Some((library, missing)) = open(report) {
        let advice = match missing.sought {
            true => "look for them in Photos; if nothing is missing there: photosfs held list says how to accept it",
            false => "look for them everywhere: photosfs sync --full",
        };
        return Some(Failure::plain(format!("{}: {}", library.name, missing.words), advice));
    }
    if !report.complete {
        return Some(Failure::plain("the library is not complete", "see photosfs status; wait, or run photosfs sync"));
    }
    if report.held > 0 {
        let reason = match report.held {
            1 => "1 removal is held and waits for you".to_owned(),
            held => format!("{held} removals are held and wait for you"),
        };
        return Some(Failure::plain(reason, "look at them: photosfs held list"));
    }
    // A time to come says nothing: the clock was wrong then, or is now.
    let recent = |at: Timestamp| (-CLOCK_STEP..=max_age).contains(&now.duration_since(at));
    let outdated = |at: Option<Timestamp>| !at.is_some_and(recent);
    let library = report.libraries.iter().find(|library| outdated(library.synced))?;
    let since = library.synced.map_or("never".to_owned(), |at| format!("last at {at:.0}"));
    let reason = format!("iCloud has not confirmed {} for too long: {since}", library.name);
    Some(Failure::plain(reason, "see photosfs status; then: photosfs sync"))
}

/// The first of what iCloud announces and shows nowhere that nobody has accepted.
fn open(report: &Report) -> Option<(&LibraryReport, &MissingReport)> {
    let all = report.libraries.iter().flat_map(|library| library.missing.iter().map(move |missing| (library, missing)));
    all.into_iter().find(|(_, missing)| !missing.accepted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::SessionStatus;

    fn report() -> Report {
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        let library = LibraryReport {
            name: "PrimarySync".into(),
            shown: true,
            synced: Some(at),
            listed: Some(at),
            visible: 1,
            hidden: 0,
            recently_deleted: 0,
            not_ready: 0,
            unread: 0,
            held: 0,
            missing: Vec::new(),
            history: None,
            note: None,
        };
        let session = SessionStatus {
            signed_in: false,
            since: None,
            trusted_since: None,
            needs: None,
            ..SessionStatus::default()
        };
        Report {
            version: "0",
            at,
            complete: true,
            libraries: vec![library],
            files: 1,
            bytes: 1,
            held: 0,
            session,
            mountpoint: None,
            note: None,
            ignored_zones: Vec::new(),
            last_error: None,
            index_damage: None,
            damaged: Vec::new(),
            length_only: Vec::new(),
        }
    }

    fn said(report: &Report, hours: i64) -> Option<String> {
        let now = report.at + SignedDuration::from_hours(hours);
        obstacle(report, SignedDuration::from_hours(72), now).map(|failure| failure.reason)
    }

    #[test]
    fn each_obstacle_is_named() {
        assert_eq!(said(&report(), 72), None);
        assert!(said(&report(), 73).unwrap().contains("PrimarySync for too long: last at 2026-11-22T12:00:00Z"));
        assert!(said(&report(), -1).unwrap().contains("too long"), "confirmed by a clock that has been set back since");
        let damaged = Report { index_damage: Some("the index is damaged".into()), complete: false, ..report() };
        assert_eq!(said(&damaged, 0).unwrap(), "the index is damaged");
        assert!(said(&Report { complete: false, ..report() }, 0).unwrap().contains("not complete"));
        assert!(said(&Report { held: 30, ..report() }, 0).unwrap().contains("30 removals"));
        let mut never = report();
        never.libraries[0].synced = None;
        assert!(said(&never, 0).unwrap().contains("never"));
    }
}
