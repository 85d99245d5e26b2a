//! Pictures and films made at start.
