//! The table of what was measured.

use std::collections::BTreeMap;
use std::fmt::Write;

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

    pub fn text(&self) -> String {
        let mut text = format!("{}\n", HEAD.replace("MACHINE", &machine()));
        for (place, scenario) in self.scenarios.iter().enumerate() {
            let [own, peer, local] = ["photosfs", "rclone", "local disk"].map(|who| self.figures(place, who));
            let ratio = |other: &Option<Vec<f64>>| match (&own, other) {
                (Some(own), Some(other)) => format!("{:.2}", median(own) / median(other)),
                _ => "".into(),
            };
            let (against_peer, against_disk) = (ratio(&peer), ratio(&local));
            let shown = [&own, &peer, &local].map(|figures| figures.as_ref().map_or(String::new(), |all| spread(all)));
            let [own, peer, local] = shown;
            writeln!(text, "| {scenario} | {own} | {peer} | {against_peer} | {local} | {against_disk} |").unwrap();
        }
        text
    }

    fn figures(&self, place: usize, who: &str) -> Option<Vec<f64>> {
        let mut figures = self.figures.get(&(place, who.to_owned()))?.clone();
        figures.sort_by(f64::total_cmp);
        Some(figures)
    }
}

const HEAD: &str = "# photosfs beside `rclone mount`

Written by `cargo bench --bench compare`: a simulated iCloud, 40 ms added to every answer, 20 MB/s for each connection;
both programs as root over TLS, side by side in one run. Figures are min / **median** / max of three runs, each with
photos of its own; ratios are of medians, photosfs to the other. MACHINE

| scenario | photosfs | rclone | ratio | local disk | ratio |
|---|---|---|---|---|---|";

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn spread(sorted: &[f64]) -> String {
    let digits = if median(sorted) < 10.0 { 2 } else { 0 };
    let [low, middle, high] = [sorted[0], median(sorted), sorted[sorted.len() - 1]];
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
