//! What `rclone mount` makes of Apple's service where a backup of it can be hurt (docs/peers.md).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use icloud_simulator::fault::{Change, Effect, Fault, Place};
use icloud_simulator::library::{Area, AssetId, Body, Edit, NewPhoto, Resource};
use nix::mount::{MntFlags, umount2};
use tokio::process::Child;

use super::album;
use super::rclone::{rclone, sign_in};
use super::stage::Stage;
use crate::installation::{eventually, tool_output};

/// `rclone mount`, which asks anew for every directory that is read, so that nobody has to wait five minutes for news.
struct Mounted {
    stage: Stage,
    point: PathBuf,
    process: Option<Child>,
}

impl Mounted {
    async fn of(stage: Stage) -> Mounted {
        sign_in(&stage).await;
        let point = stage.path("mnt");
        fs::create_dir(&point).unwrap();
        let mut mounted = Mounted { stage, point, process: None };
        mounted.mount(&[]);
        mounted
    }

    fn mount(&mut self, options: &[&str]) {
        let point = self.point.to_str().unwrap();
        // As many tries as it makes unless it is told otherwise.
        let fixed = ["mount", "photos:", point, "--read-only", "--dir-cache-time", "0", "--low-level-retries", "10"];
        let mut command = rclone(&self.stage, &[&fixed[..], options].concat());
        command.stderr(fs::File::options().create(true).append(true).open(self.stage.path("log")).unwrap());
        self.process = Some(command.spawn().unwrap());
        eventually("it is mounted", || fs::read_to_string("/proc/self/mounts").unwrap().contains(point));
    }

    async fn remount(&mut self, options: &[&str]) {
        umount2(&self.point, MntFlags::empty()).unwrap();
        self.process.take().unwrap().wait().await.unwrap();
        self.mount(options);
    }

    /// Runs a command line in the mount; `$COPY` is a place to copy to.
    fn sh(&self, line: &str) -> Output {
        let line = format!("cd '{}' && COPY='{}' && {line}", self.point.display(), self.stage.path("copy").display());
        tool_output("timeout", &[&"120", &"bash", &"-c", &line])
    }

    /// What a command line says that must succeed.
    fn said(&self, line: &str) -> String {
        let output = self.sh(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        self.said(&format!("ls '{folder}'")).lines().map(str::to_owned).collect()
    }

    /// Requests that something takes, by endpoint.
    fn asked(&self, during: impl FnOnce()) -> BTreeMap<String, u64> {
        let counts = || self.stage.simulator.state().requests.counts();
        let before = counts();
        during();
        let more = |(endpoint, count): (String, u64)| {
            let more = count - before.get(&endpoint).copied().unwrap_or(0);
            (endpoint, more)
        };
        counts().into_iter().map(more).filter(|(_, more)| *more > 0).collect()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Its process ends with it.
        let _ = umount2(&self.point, MntFlags::MNT_DETACH);
    }
}

const ALL: &str = "PrimarySync/All Photos";

fn picture(seed: u64, size: u64) -> Resource {
    Resource::new("public.jpeg", Body::seeded(seed, size)).sized(40, 30)
}

/// An album of so many photos.
fn fill(stage: &Stage, name: &str, count: usize) -> Vec<AssetId> {
    let cloud = stage.simulator.cloud();
    let album = cloud.add_album(cloud.primary(), name, None);
    let photos = album::add_photos(&cloud, cloud.primary(), count);
    photos.iter().for_each(|photo| cloud.add_to_album(*photo, album).unwrap());
    photos
}

fn edit(seed: u64, size: u64) -> Edit {
    Edit { picture: Some(picture(seed, size)), ..Edit::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn albums_are_empty_or_hidden_by_their_names() {
    let stage = Stage::empty().await;
    for (name, count) in [("24/12/2020", 3), ("Videos", 3), ("Trip", 3), ("Trip", 5)] {
        fill(&stage, name, count);
    }
    let cloud = stage.simulator.cloud();
    cloud.add_folder(cloud.primary(), "Favorites", None);
    cloud.set_favourite(fill(&stage, "Plain", 1)[0], true).unwrap();
    let mounted = Mounted::of(stage).await;
    let names = mounted.names("PrimarySync");
    assert_eq!(names.iter().filter(|name| *name == "Trip").count(), 1, "of two albums of one name one: {names:?}");
    let shown = ["24／12／2020", "Videos", "Trip", "Favorites", "Plain"];
    let shown = shown.map(|name| mounted.names(&format!("PrimarySync/{name}")).len());
    assert_eq!(shown, [0, 0, 5, 0, 1], "an empty album, a smart album of no videos, the last one, an empty folder");
    mounted.said("rsync -a PrimarySync/24* PrimarySync/Videos $COPY");
    assert_eq!(mounted.said("find $COPY -type f"), "", "copied with success");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attributes_tell_little() {
    let stage = Stage::empty().await;
    fill(&stage, "Album", 2);
    let mut mounted = Mounted::of(stage).await;
    let stat = |mounted: &Mounted, path: &str| mounted.said(&format!("stat -c '%X %Y %Z %h' '{path}'"));
    assert_eq!(
        stat(&mounted, &format!("{ALL}/IMG_0001.JPG")),
        "1700000060 1700000060 1700000060 1\n",
        "one time, no link"
    );
    let (space, folder) = (mounted.said("df -B1 --output=size,itotal ."), stat(&mounted, ALL));
    assert!(space.contains("1125899906842624 1000000000"), "{space}");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    mounted.remount(&[]).await;
    assert_ne!(stat(&mounted, ALL), folder, "a directory is as old as the process");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_list_without_libraries_empties_a_mirror() {
    let stage = Stage::empty().await;
    fill(&stage, "Trip", 4);
    let mounted = Mounted::of(stage).await;
    let mirror = "rsync -a --delete --include=/PrimarySync/ --include=/PrimarySync/Trip/*** --exclude=* ./ $COPY";
    let copied = || mounted.said(&format!("{mirror} && find $COPY -name '*.JPG' | wc -l")).trim().to_owned();
    assert_eq!(copied(), "4");
    mounted.stage.simulator.fault(Fault::every("changes/database", Effect::Answer(Change::NoZones)));
    assert_eq!(copied(), "0", "all gone, with success");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_library_that_is_told_of_on_another_page_is_not_there() {
    let stage = Stage::empty().await;
    let cloud = stage.simulator.cloud();
    album::add_photos(&cloud, cloud.add_shared_library(Area::Private), 2);
    fill(&stage, "Album", 2);
    let mut mounted = Mounted::of(stage).await;
    assert_eq!(mounted.names(".").len(), 2);
    // Those that are no libraries come first, then the one that has not changed for longer.
    mounted.stage.simulator.change_switches(|switches| switches.zones_per_page = 5);
    mounted.remount(&[]).await;
    let names = mounted.names(".");
    assert!(names.len() == 1 && names[0].starts_with("SharedSync-"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_edit_that_grew_is_cut_and_a_whole_body_is_taken_for_a_range() {
    let stage = Stage::empty().await;
    let photos = fill(&stage, "Album", 1);
    let cloud = stage.simulator.cloud();
    cloud.edit(photos[0], edit(900, 700)).unwrap();
    let mounted = Mounted::of(stage).await;
    assert_eq!(mounted.names("PrimarySync/Album"), ["IMG_0000-edited.jpg", "IMG_0000.JPG"]);
    cloud.edit(photos[0], edit(901, 5_000)).unwrap();
    let copied = "rsync -a PrimarySync/Album/ $COPY && cp PrimarySync/Album/*edited.jpg $COPY/by-cp";
    let sizes = mounted.said(&format!("{copied} && stat -c %s $COPY/*edited.jpg $COPY/by-cp"));
    assert_eq!(sizes, "700\n700\n", "of 5000 bytes, with success");
    cloud.add_photo(cloud.primary(), NewPhoto::new("BIG.JPG", picture(5, 3_000_000), 1_700_000_000_000));
    let end = Body::seeded(5, 3_000_000).read(2_000_000, 1_000_000);
    let tail = || mounted.sh(&format!("tail -c 1000000 '{ALL}/BIG.JPG'"));
    mounted.stage.simulator.fault(Fault::every("download", Effect::IgnoreRange));
    let wrong = tail();
    assert!(
        wrong.status.success() && wrong.stdout.len() == 1_000_000 && wrong.stdout != end,
        "other bytes, with success"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twins_change_each_others_names_and_what_is_gone_stays_listed() {
    let stage = Stage::empty().await;
    let cloud = stage.simulator.cloud();
    let photo = |seed| NewPhoto::new("IMG_0001.JPG", picture(seed, 1_000), 1_700_000_000_000);
    cloud.add_photo(cloud.primary(), photo(1));
    let mounted = Mounted::of(stage).await;
    let mirror = || mounted.said(&format!("rsync -ai --delete '{ALL}/' $COPY"));
    mirror();
    let twin = cloud.add_photo(cloud.primary(), photo(2));
    let changed = mirror();
    let lines = |start: &str| changed.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((lines(">f+++"), lines("*deleting")), (2, 1), "the first one is copied again: {changed}");
    let before = mounted.names(ALL);
    cloud.purge(twin).unwrap();
    assert_eq!(mounted.names(ALL), before);
    let read = mounted.sh(&format!("rm -r $COPY; rsync -a '{ALL}/' $COPY"));
    assert_eq!(read.status.code(), Some(23), "one of them cannot be read: {read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_error_in_a_zone_ends_all_news_and_a_session_that_ends_ends_all() {
    let stage = Stage::empty().await;
    fill(&stage, "Album", 3);
    let cloud = stage.simulator.cloud();
    let mut mounted = Mounted::of(stage).await;
    assert_eq!(mounted.names(ALL).len(), 3);
    let (code, reason) = ("INTERNAL_ERROR".to_owned(), "scripted".to_owned());
    let error = Change::ErrorInside { place: Place::Zone, code, reason };
    mounted.stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(error)));
    for (n, name) in ["ONE.JPG", "TWO.JPG", "THREE.JPG"].into_iter().enumerate() {
        cloud.add_photo(cloud.primary(), NewPhoto::new(name, picture(40 + n as u64, 500), 1_700_000_000_000));
        assert_eq!(mounted.names(ALL).len(), 3, "{name} is not shown, with success");
    }
    mounted.stage.simulator.expire_cookies();
    let refused = |mounted: &Mounted| {
        let output = mounted.sh(&format!("cat '{ALL}/IMG_0001.JPG'"));
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("Input/output error"));
    };
    refused(&mounted);
    mounted.remount(&[]).await;
    refused(&mounted);
    assert_eq!(mounted.stage.simulator.requests("signin/init"), 1, "though it has the password");
    assert_eq!(mounted.stage.simulator.requests("accountLogin"), 1, "and a token that would be taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_favourite_costs_a_listing_and_each_file_a_look_up() {
    let stage = Stage::empty().await;
    let photos = fill(&stage, "Album", 500);
    let cloud = stage.simulator.cloud();
    let mounted = Mounted::of(stage).await;
    assert_eq!(mounted.names(ALL).len(), 500);
    let listed = |mounted: &Mounted| assert_eq!(mounted.names(ALL).len(), 500);
    let quiet = mounted.asked(|| listed(&mounted));
    assert!(!quiet.contains_key("records/query"), "to list it again: {quiet:?}");
    cloud.set_favourite(photos[5], true).unwrap();
    let after = mounted.asked(|| listed(&mounted));
    assert!(after["records/query"] >= 5, "after one favourite: {after:?}");
    let read = mounted.asked(|| drop(mounted.said(&format!("cat '{ALL}'/IMG_000*.JPG | wc -c"))));
    assert_eq!((read["records/lookup"], read["download"]), (10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_there_after_a_start_without_a_network() {
    let stage = Stage::empty().await;
    fill(&stage, "Album", 3);
    let mut mounted = Mounted::of(stage).await;
    assert_eq!(mounted.names(ALL).len(), 3);
    mounted.stage.simulator.fault(Fault::every("*", Effect::Reset));
    mounted.remount(&["--low-level-retries", "1"]).await;
    assert_eq!(mounted.sh(&format!("ls '{ALL}'")).status.code(), Some(2));
}
