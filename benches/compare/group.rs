//! Scenarios that are measured together, in one world.

use std::time::Duration;

use crate::library::{EIGHT, FILM, HOME, KEYED, LOOKS, MANY, OPENED, PHOTOS, SHOOT, SMALL, Shelf, TEN_THOUSAND, USERS};
use crate::peer::{Peer, User};
use crate::report::Report;
use crate::scenario::{self, Place};
use crate::world::{Distance, World};

/// Each connection brings 20 MB/s, 40 ms away.
const FAST: Distance = Distance { latency: Duration::from_millis(40), connection: Some(20_000_000), line: None };
/// 50 Mbit/s for everything, 25 ms away.
const AT_HOME: Distance = Distance { latency: Duration::from_millis(25), connection: None, line: Some(6_250_000) };

const BOTH: &[User] = &[User::Root, User::Rclone];
const OURS: &[User] = &[User::Root];

pub struct Group {
    pub name: &'static str,
    distance: Distance,
    shelves: &'static [&'static Shelf],
    users: &'static [User],
    /// However many are asked for.
    most_runs: usize,
    measure: fn(&Place, &mut Report),
}

const fn group(
    name: &'static str,
    users: &'static [User],
    shelves: &'static [&'static Shelf],
    measure: fn(&Place, &mut Report),
) -> Group {
    Group { name, distance: FAST, shelves, users, most_runs: usize::MAX, measure }
}

pub const ALL: [Group; 9] = [
    group("copy", BOTH, &[&PHOTOS, &FILM], scenario::copy),
    group("eight", BOTH, &[&EIGHT], scenario::eight),
    group("shoot", OURS, &[&SHOOT, &KEYED], scenario::shoot),
    group("small", BOTH, &[&SMALL], scenario::small),
    group("many", OURS, &[&MANY], scenario::many),
    Group { most_runs: 1, ..group("ten-thousand", OURS, &[&TEN_THOUSAND], scenario::ten_thousand) },
    group("look", BOTH, &[&LOOKS], scenario::look),
    group("user", &[User::Nobody], &[&USERS], scenario::user),
    Group { distance: AT_HOME, ..group("line", BOTH, &[&HOME, &LOOKS, &OPENED], scenario::at_home) },
];

impl Group {
    pub fn measure(&self, runs: usize, alone: bool, report: &mut Report) {
        let runs = runs.min(self.most_runs);
        let world = World::new(&self.distance, self.shelves, runs);
        let users = self.users.iter().filter(|user| !alone || **user != User::Rclone);
        let peers: Vec<Peer> = users.map(|user| Peer::new(*user, world.folder.path(), &world.wires)).collect();
        for run in 0..runs {
            eprintln!("{}, run {} of {runs}", self.name, run + 1);
            for peer in &peers {
                (self.measure)(&Place::new(&world, peer, run), report);
            }
        }
        for peer in &peers {
            report.add(&format!("memory at its peak, group {}, MB", self.name), peer.name, peer.peak_memory());
        }
    }
}
