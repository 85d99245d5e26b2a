//! Logs on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; a filter that cannot be read is replaced by `warn`.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    // fuser reports every reply that comes after an unmount as an error (fuse.md §9, 15).
    let filter = filter.add_directive("fuser=off".parse().expect("a constant directive"));
    // The way to the keyring tells of every message it carries.
    let filter = filter.add_directive("zbus=warn".parse().expect("a constant directive"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // Else what cannot be written, as to a full disk or a closed pipe, is told on standard error with a panic.
        .log_internal_errors(false)
        .init();
}
