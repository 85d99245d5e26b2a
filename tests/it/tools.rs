//! The tools that people back up with, on a real mount of the demo library: every byte compared with the simulator's
//! truth, and a second run that reads nothing.

mod archives;
mod calls;
mod copies;
