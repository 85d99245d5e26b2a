//! Scripted failures: which request is struck, and how.
//!
//! A [`Fault`] is data, so a test can write it down and the control port can take it as JSON. It strikes between the
//! listener and the handlers, and bends what they answer; the handlers know nothing of it.

mod answers;
mod bodies;
mod effect;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::control::Command;
use crate::library::mix;
use crate::reply;
use crate::requests::endpoint;
use crate::state::State;
pub use effect::{Effect, Failure, Place};

/// One rule: at which endpoint, when, how often, and what happens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// As the counters name it: `records/query`, `changes/zone`, `download`, `signin/init` …; `*` is any.
    pub endpoint: String,
    #[serde(default)]
    pub when: When,
    /// It strikes no more often than this.
    #[serde(default)]
    pub times: Option<u64>,
    pub effect: Effect,
}

/// Which calls of the endpoint are struck, counted from 1 since the rule was made.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    #[default]
    Every,
    Nth(u64),
    From(u64),
    /// So many percent of the calls, the same ones for the same seed.
    Rate {
        percent: u64,
        seed: u64,
    },
}

impl When {
    fn strikes(self, call: u64) -> bool {
        match self {
            When::Every => true,
            When::Nth(n) => call == n,
            When::From(n) => call >= n,
            When::Rate { percent, seed } => mix(seed, call) % 100 < percent,
        }
    }
}

impl Fault {
    pub fn every(endpoint: &str, effect: Effect) -> Fault {
        Fault { endpoint: endpoint.to_owned(), when: When::Every, times: None, effect }
    }

    /// The `n`-th call from now on, counted from 1.
    pub fn nth(endpoint: &str, n: u64, effect: Effect) -> Fault {
        Fault { when: When::Nth(n), ..Fault::every(endpoint, effect) }
    }

    pub fn from(endpoint: &str, n: u64, effect: Effect) -> Fault {
        Fault { when: When::From(n), ..Fault::every(endpoint, effect) }
    }

    pub fn rate(endpoint: &str, percent: u64, seed: u64, effect: Effect) -> Fault {
        Fault { when: When::Rate { percent, seed }, ..Fault::every(endpoint, effect) }
    }

    pub fn times(self, times: u64) -> Fault {
        Fault { times: Some(times), ..self }
    }
}

/// All rules of a simulator. The first that strikes a call wins; rules after it do not count that call.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Rule>>);

#[derive(Debug)]
struct Rule {
    fault: Fault,
    calls: u64,
    struck: u64,
}

impl Rule {
    fn strike(&mut self, endpoint: &str) -> Option<Effect> {
        if self.fault.endpoint != "*" && self.fault.endpoint != endpoint {
            return None;
        }
        self.calls += 1;
        let spent = self.fault.times.is_some_and(|times| self.struck >= times);
        if spent || !self.fault.when.strikes(self.calls) {
            return None;
        }
        self.struck += 1;
        Some(self.fault.effect.clone())
    }
}

impl Faults {
    pub fn add(&self, fault: Fault) {
        self.rules().push(Rule { fault, calls: 0, struck: 0 });
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// Scripted faults that never struck; those at a rate are left to chance.
    pub fn unfired(&self) -> Vec<String> {
        let rules = self.rules();
        let missed = rules.iter().filter(|rule| rule.struck == 0 && !matches!(rule.fault.when, When::Rate { .. }));
        missed.map(|rule| format!("{:?}", rule.fault)).collect()
    }

    fn strike(&self, endpoint: &str) -> Option<Effect> {
        self.rules().iter_mut().filter_map(|rule| rule.strike(endpoint)).next()
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a call, through the fault that strikes it if one does. An error resets the connection.
pub async fn through<F>(state: &State, mut call: Call, serve: impl FnOnce(Call) -> F) -> io::Result<Response>
where
    F: Future<Output = Response>,
{
    let Some(effect) = state.faults.strike(endpoint(&call.path)) else { return Ok(serve(call).await) };
    tracing::info!("{} is struck: {effect:?}", call.line());
    match effect {
        Effect::Fail(failure) => Ok(failure.response()),
        Effect::Html => Ok(reply::typed(200, "text/html; charset=UTF-8", HTML)),
        Effect::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Effect::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(serve(call).await)
        }
        Effect::IgnoreRange => {
            call.headers.remove(header::RANGE);
            Ok(serve(call).await)
        }
        Effect::Body(damage) => Ok(bodies::damage(serve(call).await, damage)),
        Effect::Answer(change) => answers::change(serve(call).await, change).await,
        Effect::Meanwhile(commands) => {
            commands.into_iter().for_each(|command| meanwhile(state, command));
            Ok(serve(call).await)
        }
    }
}

/// What cannot be done is a mistake of the script.
fn meanwhile(state: &State, command: Command) {
    if let Err(error) = command.run(state) {
        state.breaches.record(format!("a scripted change: {error}"));
    }
}

/// The kind of page that content hosts and gateways put in the place of an answer.
const HTML: &str = "<html><head><title>Service Unavailable</title></head><body><h1>Please try again</h1></body></html>";

pub use answers::Change;
pub use bodies::Damage;

#[cfg(test)]
mod tests;
