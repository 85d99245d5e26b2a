//! The table of what was measured, in the section of its size.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Every figure of every run, by scenario in the order they were measured.
#[derive(Default)]
pub struct Report {
    scenarios: Vec<String>,
    figures: BTreeMap<(String, String), Vec<f64>>,
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/listing.md");
const HEAD: &str = "# Libraries of many photos

Written by `cargo bench --bench listing -- N`, a section for each N: a simulated iCloud, 40 ms added to every answer; photosfs,
`rclone mount`, the simulator and `find -printf %s` each a process, over TLS, side by side in one run, and the same tree as
sparse files on the local ext4. Figures are min / **median** / max; ratios are of medians, photosfs to the other.

rclone has one directory of all photos and shows part of an album, so from nothing and once each it lists that, and photosfs
everything with albums complete. The whole tree is of photosfs' own shape.
";

/// Who is measured, and beside whom; there is no column for one who was not.
const OWN: &str = "photosfs";
const OTHERS: [&str; 2] = ["rclone", "local disk"];

impl Report {
    pub fn add(&mut self, scenario: &str, who: &str, figure: f64) {
        eprintln!("  {scenario}: {who} {figure:.3}");
        if !self.scenarios.iter().any(|known| known == scenario) {
            self.scenarios.push(scenario.into());
        }
        self.figures.entry((scenario.into(), who.into())).or_default().push(figure);
    }

    /// Puts the section of this size into the file, and leaves the others; those without a size come last.
    pub fn write(&self, assets: usize) {
        let before = std::fs::read_to_string(FILE).unwrap_or_default();
        let (mut sections, mut notes) = (BTreeMap::new(), String::new());
        for section in before.split("\n## ").skip(1).map(|section| format!("## {}\n", section.trim())) {
            match section[3..].split(' ').next().and_then(|size| size.parse::<usize>().ok()) {
                Some(size) => drop(sections.insert(size, section)),
                None => notes.extend(["\n", section.as_str()]),
            }
        }
        sections.insert(assets, self.section(assets));
        let text = sections.values().fold(HEAD.to_owned(), |text, section| format!("{text}\n{section}")) + &notes;
        self.print(assets);
        std::fs::write(FILE, text).expect("benches/listing.md");
    }

    pub fn print(&self, assets: usize) {
        print!("{}", self.section(assets));
    }

    fn section(&self, assets: usize) -> String {
        format!("## {assets} assets\n\n{}\n\n{}", self.runs(), self.table())
    }

    /// How many runs there were: what is measured once at the end of them has one figure only.
    fn runs(&self) -> String {
        match self.figures.values().map(Vec::len).max().unwrap_or_default() {
            1 => "One run.".into(),
            2 => "Two runs.".into(),
            3 => "Three runs.".into(),
            more => format!("{more} runs."),
        }
    }

    fn table(&self) -> String {
        let others: Vec<&str> =
            OTHERS.into_iter().filter(|other| self.figures.keys().any(|(_, who)| who == other)).collect();
        let head: String = others.iter().map(|other| format!(" {other} | ratio |")).collect();
        let mut text = format!("| scenario | photosfs |{head}\n|---|---|{}\n", "---|---|".repeat(others.len()));
        for scenario in &self.scenarios {
            let own = self.figures(scenario, OWN);
            write!(text, "| {scenario} | {} |", spread(&own)).unwrap();
            for figures in others.iter().map(|other| self.figures(scenario, other)) {
                write!(text, " {} | {} |", spread(&figures), ratio(&own, &figures)).unwrap();
            }
            text.push('\n');
        }
        text
    }

    fn figures(&self, scenario: &str, who: &str) -> Vec<f64> {
        let mut figures = self.figures.get(&(scenario.into(), who.into())).cloned().unwrap_or_default();
        figures.sort_by(f64::total_cmp);
        figures
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn ratio(own: &[f64], other: &[f64]) -> String {
    match (median(own), median(other)) {
        (Some(own), Some(other)) if other > 0.0 => format!("{:.2}", own / other),
        _ => String::new(),
    }
}

fn spread(sorted: &[f64]) -> String {
    let Some(middle) = median(sorted) else { return String::new() };
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let digits = if middle < 10.0 { 2 } else { 0 };
    match low == high {
        true => format!("**{middle:.digits$}**"),
        false => format!("{low:.digits$} / **{middle:.digits$}** / {high:.digits$}"),
    }
}
