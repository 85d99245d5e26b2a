//! (room: sync)
