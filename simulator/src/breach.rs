//! What a correct client never does, kept as lines of text.

use std::sync::{Mutex, PoisonError};

/// Enough to explain any failing test, and a bound for a client that loops.
const KEPT: usize = 1000;

/// Breaches fail a test ([`crate::Simulator::assert_clean`]); notes are tolerated because a client that works against
/// Apple does the same (protocol/auth.md §9.7).
#[derive(Debug, Default)]
pub struct Breaches {
    breaches: Mutex<Vec<String>>,
    notes: Mutex<Vec<String>>,
}

impl Breaches {
    /// Records something no correct client does. `line` must hold no secret.
    pub fn record(&self, line: impl Into<String>) {
        let line = line.into();
        tracing::warn!("breach: {line}");
        keep(&self.breaches, line);
    }

    /// Records a leniency that was used.
    pub fn note(&self, line: impl Into<String>) {
        keep(&self.notes, line.into());
    }

    pub fn all(&self) -> Vec<String> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn keep(list: &Mutex<Vec<String>>, line: String) {
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    if list.len() < KEPT {
        list.push(line);
    }
}
