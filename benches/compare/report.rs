//! The table of what was measured.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Every figure of every run, by scenario in the order they were measured.
#[derive(Default)]
pub struct Report {
    scenarios: Vec<String>,
    figures: BTreeMap<(usize, String), Vec<f64>>,
}

impl Report {
    pub fn add(&mut self, scenario: &str, who: &str, figure: f64) {
        eprintln!("  {scenario}: {who} {figure:.1}");
        let known = self.scenarios.iter().position(|known| known == scenario);
        let place = known.unwrap_or_else(|| {
            self.scenarios.push(scenario.into());
            self.scenarios.len() - 1
        });
        self.figures.entry((place, who.into())).or_default().push(figure);
    }

    /// A figure that says more of a scenario.
    pub fn add_to(&mut self, scenario: &str, what: &str, who: &str, figure: f64) {
        if !self.scenarios.iter().any(|known| known == scenario) {
            self.scenarios.push(scenario.into());
        }
        self.add(&format!("{scenario}{OF}{what}"), who, figure);
    }

    /// Keeps the figures of a group for the report, until it is measured again.
    pub fn keep(&self, group: &str) {
        let mut text = String::new();
        for ((place, who), figures) in &self.figures {
            let figures: Vec<String> = figures.iter().map(f64::to_string).collect();
            writeln!(text, "{place}\t{}\t{who}\t{}", self.scenarios[*place], figures.join(" ")).unwrap();
        }
        fs::create_dir_all(FOLDER).expect("a folder for figures");
        fs::write(Path::new(FOLDER).join(group), text).expect("the figures are kept");
    }

    fn read(group: &str) -> Report {
        let mut report = Report::default();
        let text = fs::read_to_string(Path::new(FOLDER).join(group)).unwrap_or_default();
        for line in text.lines() {
            let [place, scenario, who, figures] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else { continue };
            let place: usize = place.parse().expect("as it was written");
            report.scenarios.resize(report.scenarios.len().max(place + 1), String::new());
            report.scenarios[place] = scenario.into();
            let mut figures: Vec<f64> = figures.split(' ').filter_map(|figure| figure.parse().ok()).collect();
            figures.sort_by(f64::total_cmp);
            report.figures.insert((place, who.into()), figures);
        }
        report
    }

    fn rows(&self, text: &mut String) {
        for (place, scenario) in self.scenarios.iter().enumerate() {
            let figures = |who: &str| self.figures.get(&(place, who.to_owned()));
            let own = figures("photosfs").or_else(|| figures("photosfs as a user"));
            let [peer, local] = ["rclone", "local disk"].map(figures);
            let ratio = |other: Option<&Vec<f64>>| match (own, other) {
                (Some(own), Some(other)) => format!("{:.2}", median(own) / median(other)),
                _ => "".into(),
            };
            let scenario = scenario.rsplit_once(OF).map_or(scenario.clone(), |(_, what)| format!("– {what}"));
            let shown = [own, peer, local].map(|figures| figures.map_or(String::new(), |all| spread(all)));
            let [own, theirs, disk] = shown;
            writeln!(text, "| {scenario} | {own} | {theirs} | {} | {disk} | {} |", ratio(peer), ratio(local)).unwrap();
        }
    }
}

/// Between a scenario and what more is said of it.
const OF: &str = ": its ";

/// Where figures are kept between runs of the program.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/compare");

/// What is known of all groups.
pub fn text(groups: impl Iterator<Item = &'static str>) -> String {
    let mut text = format!("{}\n", HEAD.replace("MACHINE", &machine()));
    groups.for_each(|group| Report::read(group).rows(&mut text));
    text
}

const HEAD: &str = "# photosfs beside `rclone mount`

Written by `cargo bench --bench compare`: a simulated iCloud, 40 ms added to every answer, 20 MB/s for each connection;
both programs over TLS and, if nothing else is said, as root, side by side in one run. Figures are the least, the
**median** and the most of all runs, each scenario of each run with photos of its own; ratios are of medians, photosfs
to the other. MACHINE

| scenario | photosfs | rclone | ratio | local disk | ratio |
|---|---|---|---|---|---|";

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn spread(sorted: &[f64]) -> String {
    let digits = if median(sorted) < 10.0 { 2 } else { 0 };
    let [low, middle, high] = [sorted[0], median(sorted), sorted[sorted.len() - 1]];
    if sorted.len() == 1 {
        return format!("{middle:.digits$}");
    }
    format!("{low:.digits$} / **{middle:.digits$}** / {high:.digits$}")
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = read("/proc/cpuinfo");
    let processor =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).unwrap_or_default().1;
    let memory: f64 = read("/proc/meminfo").split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0.0);
    let release = kernel.split('-').next().unwrap_or_default().trim();
    format!("Machine: {cores} cores of {processor}, {:.0} GiB, Linux {release}.", memory / 1048576.0)
}
