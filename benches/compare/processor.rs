//! Processor time, of a process and of everything.

use std::fs;

/// The kernel counts in hundredths of a second.
const TICKS: f64 = 100.0;

/// Seconds that a process has had, and the system on its behalf.
pub fn seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    ticks(after_name.skip(11).take(2))
}

/// Seconds that all processors were at work.
pub fn all() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let counts: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).collect();
    // Waiting for nothing, or for a disk, is no work; a guest's time is in the user's already.
    ticks(counts.iter().enumerate().filter(|(place, _)| !matches!(place, 3 | 4 | 8..)).map(|(_, count)| *count))
}

fn ticks<'a>(counts: impl Iterator<Item = &'a str>) -> f64 {
    counts.filter_map(|count| count.parse::<f64>().ok()).sum::<f64>() / TICKS
}
