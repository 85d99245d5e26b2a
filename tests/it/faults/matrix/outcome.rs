//! What the runs came to, and the table of it.

use std::fmt::Write;

/// What one fault came to with one tool.
#[derive(Debug, Default)]
pub struct Outcome {
    pub fault: &'static str,
    pub tool: &'static str,
    /// The tool's exit code while the fault lasted; none if it hung and was ended.
    pub code: Option<i32>,
    /// Runs of the tool.
    pub runs: usize,
    /// Files compared byte for byte.
    pub compared: usize,
    /// Files that the backup made under the fault lacks, each name counted.
    pub lacking: usize,
    /// Files that the tool left unfinished, with an exit code that says so.
    pub unfinished: usize,
}

/// The table and its sums. Of losses and wrong bytes there are none: each is a failed assertion.
pub fn table(outcomes: &[Outcome], tools: &[&'static str]) -> String {
    let mut faults: Vec<&str> = outcomes.iter().map(|outcome| outcome.fault).collect();
    faults.sort_unstable();
    faults.dedup();
    let mut text = format!("| fault | {} |\n| --- |{}\n", tools.join(" | "), " --- |".repeat(tools.len()));
    for fault in &faults {
        let cells = tools.iter().map(|tool| {
            let found = outcomes.iter().find(|outcome| outcome.fault == *fault && outcome.tool == *tool);
            found.map_or_else(|| "not run".to_owned(), cell)
        });
        writeln!(text, "| {fault} | {} |", cells.collect::<Vec<_>>().join(" | ")).unwrap();
    }
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let (runs, compared) = (sum(|outcome| outcome.runs), sum(|outcome| outcome.compared));
    let cases = outcomes.len();
    writeln!(text, "\n{cases} cases of {} faults, {runs} runs, {compared} files compared", faults.len()).unwrap();
    writeln!(text, "files lost: 0, wrong bytes: 0, left unfinished by a tool that says so: {}", sum(|o| o.unfinished))
        .unwrap();
    text
}

/// The exit code, and what the backup of that run lacks until the next.
fn cell(outcome: &Outcome) -> String {
    let code = outcome.code.map_or_else(|| "ended".to_owned(), |code| code.to_string());
    match (outcome.lacking, outcome.unfinished) {
        (0, 0) => format!("{code}, whole"),
        (lacking, 0) => format!("{code}, lacks {lacking}"),
        (lacking, unfinished) => format!("{code}, lacks {lacking}, unfinished {unfinished}"),
    }
}
