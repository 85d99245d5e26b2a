//! What is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cloud::Cloud;
use crate::disk::{copy_tree, forget_names};
use crate::report::Report;

/// The tree that photosfs shows, on the local disk.
const LOCAL: &str = "local";

/// The scenarios that are wanted.
pub struct Only(Option<Vec<String>>);

impl Only {
    /// Read from nothing (the others begin with it); started, listed and kept in memory; one added photo; 25,000 of them.
    pub const NAMES: [&str; 4] = ["nothing", "tree", "one", "many"];

    /// From names with commas between; everything if there are none. `None` if a name is none of [`Only::NAMES`].
    pub fn of(names: Option<&str>) -> Option<Only> {
        let names: Option<Vec<String>> = names.map(|names| names.split(',').map(str::to_owned).collect());
        let known = names.iter().flatten().all(|name| Only::NAMES.contains(&name.as_str()));
        known.then_some(Only(names))
    }

    pub fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    pub fn wants(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }
}

pub fn all(client: &Client, cloud: &Cloud, report: &mut Report, only: &Only, first: bool) {
    from_nothing(client, cloud, report);
    if only.wants("tree") || only.wants("one") {
        from_full(client, cloud, report, only, first);
    }
}

/// Started from what was read before.
fn from_full(client: &Client, cloud: &Cloud, report: &mut Report, only: &Only, first: bool) {
    let name = client.name;
    let mut mounted = None;
    let start = time(|| mounted = Some(client.mount()));
    report.add("start from what was read before until it answers, s", name, start);
    let mounted = mounted.expect("mounted just now");
    let whole = start + time(|| assert!(list(&client.point) > 0));
    report.add("the same until everything is listed with sizes, s", name, whole);
    if only.wants("tree") {
        listings(name, [&client.point, &client.photos, &client.flat].map(|path| path.as_path()), report);
        report.add("memory while serving, MB", name, mounted.memory().0);
    }
    if name == "photosfs" && only.wants("one") {
        one_photo(client, &mounted, cloud, report);
    }
    if name == "photosfs" && only.wants("tree") && first {
        copy_tree(&client.point, &client.point.parent().unwrap().with_file_name(LOCAL));
    }
}

/// Everything proven and listed, albums included; of rclone one directory, its albums being short and asked for one by one.
fn from_nothing(client: &Client, cloud: &Cloud, report: &mut Report) {
    let ((requests, bytes), simulated) = (cloud.traffic(), cloud.cpu());
    let mut mounted = None;
    let took = time(|| {
        mounted = Some(client.mount());
        let shown = if client.name == "photosfs" { &client.point } else { &client.photos };
        assert!(list(shown) > 0, "{} lists nothing", client.name);
    });
    let mounted = mounted.expect("mounted just now");
    let traffic = cloud.traffic();
    let name = client.name;
    report.add("from nothing until everything is listed, s", name, took);
    report.add("requests for it", name, (traffic.0 - requests) as f64);
    report.add("megabytes for it", name, (traffic.1 - bytes) as f64 / 1e6);
    report.add("processor time for it, s", name, mounted.cpu());
    report.add("the simulator's processor time for it, s", name, cloud.cpu() - simulated);
    report.add("memory at its peak, MB", name, mounted.memory().1);
    drop(mounted);
    if name == "photosfs" {
        let state = client.point.with_file_name("state");
        let files = walkdir::WalkDir::new(state).into_iter().filter_map(Result::ok);
        let index = files.filter(|file| file.file_name().to_string_lossy().starts_with("index.sqlite"));
        let size: u64 = index.map(|file| file.metadata().unwrap().len()).sum();
        report.add("index, MB", name, size as f64 / 1e6);
    }
}

pub fn local(folder: &Path, report: &mut Report) {
    let tree = folder.join(LOCAL);
    let paths = [PathBuf::new(), "Years".into(), "Smart Albums/Not in an Album".into()].map(|path| tree.join(path));
    list(&tree);
    listings("local disk", [&paths[0], &paths[1], &paths[2]], report);
}

/// Everything, everything by date, and one flat directory.
fn listings(name: &str, paths: [&Path; 3], report: &mut Report) {
    let whats = ["the whole tree", "every photo once", "one flat directory"];
    // What is one directory for rclone is listed once.
    let differs = |place: usize| !paths[..place].contains(&paths[place]);
    for (what, path) in (0..paths.len()).filter(|place| differs(*place)).map(|place| (whats[place], paths[place])) {
        let mut counted = 0;
        forget_names();
        report.add(&format!("{what}, names forgotten by the kernel, s"), name, time(|| counted = list(path)));
        report.add(&format!("{what}, again, s"), name, time(|| counted = counted.max(list(path))));
        report.add(&format!("{what}: names"), name, counted as f64);
    }
}

/// Sizes of everything below a path; gives how many names there are.
fn list(path: &Path) -> usize {
    let find = Command::new("find").arg(path).args(["-printf", "%s\n"]).stdout(Stdio::piped()).output().unwrap();
    assert!(find.status.success(), "{} is listed whole", path.display());
    find.stdout.iter().filter(|byte| **byte == b'\n').count()
}

/// A photo is added to the library: until it is seen in the mount.
fn one_photo(client: &Client, mounted: &crate::client::Mounted<'_>, cloud: &Cloud, report: &mut Report) {
    // The round that every mount begins with is over.
    std::thread::sleep(Duration::from_secs(3));
    let (before, cpu) = (cloud.traffic(), mounted.cpu());
    let name = format!("NEW_{:.0}.JPG", before.0);
    cloud.add_photo(&name, before.0 + 1_000_000_000);
    mounted.ask_for_news();
    let begun = Instant::now();
    while fs::symlink_metadata(client.newest.join(&name)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the photo does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
    report.add("one added photo until it is seen, s", client.name, begun.elapsed().as_secs_f64());
    std::thread::sleep(Duration::from_secs(3));
    report.add("requests for it, to the end of the round", client.name, (cloud.traffic().0 - before.0) as f64);
    report.add("processor time for the round, s", client.name, mounted.cpu() - cpu);
}

/// As many photos are added as make 50,000 records: until they are seen, while the mount serves reads.
pub fn much_news(client: &Client, cloud: &Cloud, report: &mut Report) {
    const COUNT: u32 = 25_000;
    let mounted = client.mount();
    std::thread::sleep(Duration::from_secs(3));
    cloud.add_photos(COUNT);
    let (cpu, begun) = (mounted.cpu(), Instant::now());
    mounted.ask_for_news();
    // A minute each: more than two weeks.
    let last = client.newest.join(format!("MANY_{}.JPG", COUNT - 1));
    let mut slowest = 0.0_f64;
    while fs::symlink_metadata(&last).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(600), "the photos do not come");
        slowest = slowest.max(time(|| assert!(fs::read(client.point.join(".photosfs/status.json")).is_ok())));
        std::thread::sleep(Duration::from_millis(20));
    }
    report.add("25,000 added photos until they are seen, s", client.name, begun.elapsed().as_secs_f64());
    report.add("processor time for them, s", client.name, mounted.cpu() - cpu);
    report.add("memory at its peak, with them, MB", client.name, mounted.memory().1);
    report.add("the slowest answer meanwhile, s", client.name, slowest);
}

fn time(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}
