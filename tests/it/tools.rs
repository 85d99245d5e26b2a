//! The tools that people back up with, on a real mount of the demo library: every byte compared with the simulator's
//! truth, and a second run that reads nothing.

mod archives;
mod calls;
mod copies;

use crate::installation::Installation;

type Happen = fn(&Installation);

/// What may happen between two backups of a library in which nothing changed.
const BETWEEN: [(&str, Happen); 3] = [
    ("nothing", |_| {}),
    ("a full listing", |installation| {
        installation.run(&["sync", "--full"]);
    }),
    ("a remount", Installation::remount),
];
