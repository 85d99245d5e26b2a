//! The tools that people back up with, on a real mount of the demo library: every byte compared with the simulator's
//! truth, and a second run that reads nothing.

mod archives;
mod calls;
mod copies;

use crate::installation::Installation;

/// What may happen between two backups of a library in which nothing changed.
const BETWEEN: [(&str, fn(&Installation)); 3] = [
    ("nothing", |_| {}),
    ("a full listing", |installation| {
        installation.run(&["sync", "--full"]);
    }),
    ("a remount", Installation::remount),
];
