//! Scenarios that are measured together, in one world.

use std::time::Duration;

use crate::RUNS;
use crate::library::{EIGHT, FILM, HOME, LOOKS, MANY, PHOTOS, SHOOT, SMALL, Shelf, USERS};
use crate::peer::{Peer, User};
use crate::report::Report;
use crate::scenario::{self, Place};
use crate::world::{Distance, World};

/// Each connection brings 20 MB/s, 40 ms away.
const FAST: Distance = Distance { latency: Duration::from_millis(40), connection: Some(20_000_000), line: None };
/// 50 Mbit/s for everything, 25 ms away.
const AT_HOME: Distance = Distance { latency: Duration::from_millis(25), connection: None, line: Some(6_250_000) };

pub struct Group {
    pub name: &'static str,
    distance: Distance,
    shelves: &'static [&'static Shelf],
    users: &'static [User],
    measure: fn(&Place, &mut Report),
    /// What is measured of photosfs alone, after that.
    own: fn(&Place, &mut Report),
}

pub const ALL: [Group; 5] = [
    Group {
        name: "copy",
        distance: FAST,
        shelves: &[&PHOTOS, &SHOOT, &FILM, &EIGHT],
        users: &[User::Root, User::Rclone],
        measure: scenario::copy,
        own: scenario::copy_alone,
    },
    Group {
        name: "small",
        distance: FAST,
        shelves: &[&SMALL, &MANY],
        users: &[User::Root, User::Rclone],
        measure: scenario::small,
        own: scenario::small_alone,
    },
    Group {
        name: "look",
        distance: FAST,
        shelves: &[&LOOKS],
        users: &[User::Root, User::Rclone],
        measure: scenario::look,
        own: |_, _| {},
    },
    Group {
        name: "user",
        distance: FAST,
        shelves: &[&USERS],
        users: &[User::Nobody],
        measure: scenario::user,
        own: |_, _| {},
    },
    Group {
        name: "line",
        distance: AT_HOME,
        shelves: &[&HOME, &LOOKS],
        users: &[User::Root, User::Rclone],
        measure: scenario::at_home,
        own: |_, _| {},
    },
];

impl Group {
    pub fn measure(&self, alone: bool, report: &mut Report) {
        let world = World::new(&self.distance, self.shelves, RUNS);
        let users = self.users.iter().filter(|user| !alone || **user != User::Rclone);
        let peers: Vec<Peer> = users.map(|user| Peer::new(*user, world.folder.path(), &world.wires)).collect();
        for run in 0..RUNS {
            eprintln!("{}, run {} of {RUNS}", self.name, run + 1);
            for peer in &peers {
                (self.measure)(&Place::new(&world, peer, run), report);
            }
            (self.own)(&Place::new(&world, &peers[0], run), report);
        }
        for peer in &peers {
            report.add(&format!("memory at its peak, group {}, MB", self.name), peer.name, peer.peak_memory());
        }
    }
}
