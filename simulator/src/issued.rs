//! Secrets that were handed out, for tests that search where they must not be.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};

use crate::server::Simulator;

/// The latest are kept; a large library has a signature for every file in every answer.
const KEPT: usize = 20_000;
/// Shorter cookies are no secrets: the language, or which account it is.
const SHORTEST: usize = 24;
/// Headers whose values let their holder act for the person.
const HEADERS: [&str; 4] = ["scnt", "x-apple-id-session-id", "x-apple-session-token", "x-apple-twosv-trust-token"];

/// What each secret was called, and the secret.
#[derive(Debug, Default)]
pub struct Issued(Mutex<VecDeque<(String, String)>>);

impl Issued {
    pub(crate) fn note(&self, name: &str, secret: &str) {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if issued.len() == KEPT {
            issued.pop_front();
        }
        issued.push_back((name.to_owned(), secret.to_owned()));
    }

    /// Notes the secrets in the head of an answer.
    pub(crate) fn note_headers(&self, headers: &HeaderMap) {
        for name in HEADERS {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.for_each(|value| self.note(name, value));
        }
        for cookie in headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=')
                && value.trim_matches('"').len() >= SHORTEST
            {
                self.note(name, value.trim_matches('"'));
            }
        }
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Simulator {
    /// Session and trust tokens, cookies and signatures of download addresses handed out lately, each with its name. The
    /// password and the codes are the options'.
    pub fn secrets_issued(&self) -> Vec<(String, String)> {
        let mut secrets = self.state().issued.all();
        secrets.extend(self.state().clouds().iter().flat_map(|cloud| cloud.link_key().issued.all()));
        secrets
    }
}
