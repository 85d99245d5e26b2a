//! A stand-in for Apple's iCloud Photos web services: sign-in, account, photo database and content, over loopback HTTP.
//!
//! It is written from the protocol dossiers, not from any client, and shares no type with one. It is strict: what
//! Apple would refuse it refuses, and what no correct client ever does it also records ([`Simulator::breaches`]).
//!
//! A request walks: [`server`] (connection, names, log) → `fault` (does a scripted failure strike?) → `accounts` |
//! `database` | `download`, told apart by path.
//!
//! ```no_run
//! let simulator = icloud_simulator::Simulator::start(icloud_simulator::Options::default())?;
//! println!("{} {}", simulator.idmsa_url(), simulator.setup_url());
//! simulator.assert_clean();
//! # Ok::<(), std::io::Error>(())
//! ```

#![allow(clippy::result_large_err, reason = "a refusal is a whole answer, made once a request")]

pub mod accounts;
pub mod breach;
pub mod call;
pub mod clock;
pub mod control;
pub mod database;
pub mod demo;
pub mod download;
pub mod fault;
pub mod issued;
pub mod library;
pub mod media;
pub mod options;
pub mod reply;
pub mod requests;
pub mod seeded;
pub mod server;
pub mod state;
mod tls;

pub use call::Call;
pub use options::{Options, Switches};
pub use server::Simulator;
pub use state::State;
