//! The faults of the matrix (backup-tools.md §5.2, §5.3; protocol/photos.md §1.5, §5.6), and what each must come to.

use icloud_simulator::fault::{Change, Damage, Effect, Failure, Fault, Place};

use super::lab::Lab;

pub struct Row {
    pub name: &'static str,
    pub strike: Strike,
    pub then: Then,
    /// Each tool gets a lab of its own: because a turn waits for deadlines, or cannot be undone.
    pub alone: bool,
    /// Videos of several blocks are among what is read.
    pub films: bool,
    /// photosfs keeps away from what failed for minutes: it is restarted when the fault is over.
    pub restart: bool,
}

pub enum Strike {
    /// The service fails while originals are read.
    Reads(Fault),
    /// The service fails while photosfs asks for changes, with `photosfs sync` or `photosfs sync --full`.
    Rounds { fault: Fault, full: bool, says: Says },
    /// Something happens to the machine or to the library.
    Happens { begin: fn(&Lab), meanwhile: Option<fn(&Lab)>, end: fn(&Lab) },
    /// The same, and the tools are told to copy the folders of the mount, not the mount point.
    HappensToFolders { begin: fn(&Lab), end: fn(&Lab) },
}

/// What `photosfs sync` comes to under a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    /// It succeeds, and the tree has all that is new.
    Done,
    /// It succeeds, and the tree lacks some of what is new, for nothing that can be counted tells of it.
    Short,
    /// It fails, and the tree stays as it was.
    Failed,
    /// The news were had, and the full listing after them fails: the tree has all that is new.
    FailedAfterwards,
}

/// What a run of a tool comes to while the fault lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// All of the tree is in the backup, and the tool says so.
    Whole,
    /// New originals are refused: the backup lacks them, the tool says that it failed, and so does `photosfs verify`.
    Refused,
    /// The tool cannot read anything, and says so.
    Nothing,
    /// All of the tree is in the backup, or the tool says that it failed.
    Told,
}

impl Row {
    fn new(name: &'static str, strike: Strike, then: Then) -> Row {
        Row { name, strike, then, alone: false, films: false, restart: false }
    }

    fn alone(self) -> Row {
        Row { alone: true, ..self }
    }

    fn with_films(self) -> Row {
        Row { films: true, ..self }
    }

    fn restarted(self) -> Row {
        Row { restart: true, ..self }
    }
}

/// All downloads fail so.
fn reads(name: &'static str, effect: Effect) -> Row {
    Row::new(name, Strike::Reads(Fault::every("download", effect)), Then::Refused)
}

/// The first downloads of a turn fail so.
fn reads_at_first(name: &'static str, times: u64, effect: Effect) -> Row {
    Row::new(name, Strike::Reads(Fault::every("download", effect).times(times)), Then::Whole)
}

fn lookups(name: &'static str, fault: fn(Fault) -> Fault, effect: Effect, then: Then) -> Row {
    Row::new(name, Strike::Reads(fault(Fault::every("records/lookup", effect))), then)
}

/// Every call for changes fails so.
fn rounds(name: &'static str, effect: Effect, says: Says) -> Row {
    Row::new(name, Strike::Rounds { fault: Fault::every("changes/zone", effect), full: false, says }, Then::Whole)
}

/// The first call for changes fails so.
fn round_at_first(name: &'static str, effect: Effect) -> Row {
    let fault = Fault::nth("changes/zone", 1, effect);
    Row::new(name, Strike::Rounds { fault, full: false, says: Says::Done }, Then::Whole)
}

fn listing(name: &'static str, fault: Fault) -> Row {
    Row::new(name, Strike::Rounds { fault, full: true, says: Says::FailedAfterwards }, Then::Whole)
}

fn status(status: u16) -> Effect {
    Effect::Fail(Failure::bare(status))
}

fn refusal(status: u16, code: &str) -> Effect {
    Effect::Fail(Failure::new(status, code, "scripted"))
}

/// An error inside a good answer.
fn inside(place: Place) -> Effect {
    Effect::Answer(Change::ErrorInside { place, code: "INTERNAL_ERROR".into(), reason: "scripted".into() })
}

/// The list.
pub fn rows() -> Vec<Row> {
    // What takes longest begins first.
    [happening(), reading(), reading_parts(), asking(), listing_anew()].into_iter().flatten().collect()
}

fn busy(status: u16) -> Effect {
    Effect::Fail(Failure::new(status, "TRY_AGAIN_LATER", "scripted").with_retry_after(1))
}

fn reading() -> Vec<Row> {
    let once = |fault: Fault| fault.times(1);
    let stall = Effect::Body(Damage::StallAfter { bytes: 0, ms: 120_000 });
    vec![
        reads_at_first("a download stands still", 1, stall).alone(),
        reads("500 for every original", status(500)),
        reads_at_first("503 with Retry-After", 2, busy(503)),
        reads_at_first("429 with Retry-After", 2, busy(429)),
        reads("410 for every address", status(410)),
        reads_at_first("410 for an address", 1, status(410)),
        lookups("look-ups find no record", |fault| fault, refusal(404, "NOT_FOUND"), Then::Refused),
        lookups("421 at a look-up", once, refusal(421, "AUTHENTICATION_REQUIRED"), Then::Whole),
        reads_at_first("connections are reset at first", 2, Effect::Reset),
        Row::new("every connection is reset", Strike::Reads(Fault::every("*", Effect::Reset)), Then::Refused),
    ]
}

fn reading_parts() -> Vec<Row> {
    let whole = |row: Row| Row { then: Then::Whole, ..row };
    vec![
        reads("bodies end at once", Effect::Body(Damage::CutAfter(0))),
        reads_at_first("bodies are cut at first", 3, Effect::Body(Damage::CutAfter(1_000))),
        whole(reads("bodies are cut at 1 MiB", Effect::Body(Damage::CutAfter(1 << 20))).with_films()),
        reads("bodies are too short by their head", Effect::Body(Damage::LengthOff(-3))),
        reads("bodies are too long by their head", Effect::Body(Damage::LengthOff(3))),
        reads("a web page for every original", Effect::Html),
        reads_at_first("a web page for one", 1, Effect::Html),
        reads_at_first("the whole for a range", 3, Effect::IgnoreRange).with_films(),
        reads_at_first("wrong bytes once", 1, Effect::Body(Damage::WrongBytes)),
        reads("wrong bytes for ever", Effect::Body(Damage::WrongBytes)).restarted(),
    ]
}

fn asking() -> Vec<Row> {
    use Says::{Done, Failed, Short};
    let token = Effect::Answer(Change::ErrorInside {
        place: Place::Zone,
        code: "BAD_REQUEST".into(),
        reason: "Unknown sync continuation type".into(),
    });
    let zones = Strike::Rounds {
        fault: Fault::every("changes/database", Effect::Answer(Change::NoZones)),
        full: false,
        says: Short,
    };
    vec![
        rounds("500 when asked for changes", status(500), Failed),
        rounds("a web page when asked for changes", Effect::Html, Failed),
        round_at_first("503 with Retry-After when asked for changes", busy(503)),
        round_at_first("429 with Retry-After when asked for changes", busy(429)),
        round_at_first("421 when asked for changes", refusal(421, "AUTHENTICATION_REQUIRED")),
        rounds("421 for ever when asked for changes", refusal(421, "AUTHENTICATION_REQUIRED"), Failed).restarted(),
        rounds("403 when asked for changes", refusal(403, "ACCESS_DENIED"), Failed),
        rounds("an error in the zone, inside 200", inside(Place::Zone), Failed),
        rounds("an error in each record, inside 200", inside(Place::EveryRecord), Failed),
        round_at_first("the sync token is refused", token),
        // A shortfall is made good by a listing, one a day: each tool gets a day of its own.
        rounds("empty pages of changes", Effect::Answer(Change::EmptyListing), Done).alone(),
        rounds("half pages of changes", Effect::Answer(Change::HalfPage), Short),
        Row::new("no library is listed", zones, Then::Whole),
    ]
}

fn listing_anew() -> Vec<Row> {
    let empty = || Effect::Answer(Change::EmptyListing);
    vec![
        listing("half pages of the listing", Fault::from("records/query", 2, Effect::Answer(Change::HalfPage))),
        listing("the listing is empty", Fault::every("records/query", empty())),
        listing("pages of the listing are lost", Fault::from("records/query", 2, empty())),
    ]
}

fn happening() -> Vec<Row> {
    let happens = |begin, end| Strike::Happens { begin, meanwhile: None, end };
    let jumps = |meanwhile| Strike::Happens {
        begin: Lab::take_the_clock,
        meanwhile: Some(meanwhile),
        end: Lab::set_clock_right,
    };
    let detached = Strike::Happens {
        begin: Lab::make_downloads_slow,
        meanwhile: Some(Lab::detach_while_it_downloads),
        end: Lab::mount_again,
    };
    let ahead = happens(|lab| lab.clock(true), |lab| lab.clock(false));
    let behind = happens(|lab| lab.clock(false), |lab| lab.clock(true));
    let killed = Strike::Happens {
        begin: Lab::make_downloads_slow,
        meanwhile: Some(Lab::kill_while_it_downloads),
        end: |lab| lab.installation.mount(),
    };
    let unmounted =
        Strike::HappensToFolders { begin: |lab| lab.installation.unmount(), end: |lab| lab.installation.mount() };
    vec![
        Row::new("nearly all is deleted for good", happens(Lab::purge_nearly_all, Lab::reject), Then::Whole).alone(),
        Row::new("nearly all is thrown away", happens(Lab::trash_nearly_all, Lab::restore_all), Then::Whole),
        Row::new("the shared library vanishes", happens(Lab::delete_shared_library, |_| {}), Then::Whole),
        Row::new("the cache's disk is full", happens(Lab::shrink_disk, Lab::widen_disk), Then::Whole),
        Row::new("the clock is five hours behind Apple's", ahead, Then::Whole),
        Row::new("the clock is five hours ahead of Apple's", behind, Then::Whole),
        Row::new("the clock jumps three days ahead", jumps(|lab| lab.set_clock_while_it_downloads("+3d")), Then::Whole),
        Row::new("the clock jumps three days back", jumps(|lab| lab.set_clock_while_it_downloads("-3d")), Then::Whole),
        Row::new("umount -l in the middle", detached, Then::Told),
        Row::new("photosfs is killed in the middle", killed, Then::Refused),
        Row::new("the library is not mounted", unmounted, Then::Nothing),
    ]
}
