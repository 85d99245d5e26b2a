//! What a fault does.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Change, Damage};
use crate::control::Command;
use crate::reply;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// An error answer instead of the real one.
    Fail(Failure),
    /// 200 with a web page.
    Html,
    /// The connection is closed without an answer.
    Reset,
    /// The answer comes late.
    Delay { ms: u64 },
    /// The whole file, with 200, though a range was asked for.
    IgnoreRange,
    /// The body arrives damaged, or slowly.
    Body(Damage),
    /// A JSON answer says something else.
    Answer(Change),
    /// Somebody changes the library just before the answer is made.
    Meanwhile(Vec<Command>),
}

/// An error answer. [`Failure::new`] has the recorded shape of CloudKit (photos.md §1.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// HTTP status. 200 makes it an error inside a good answer, at the top level.
    pub status: u16,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    /// Seconds, in the header `Retry-After`.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// Seconds, in the body's `retryAfter`.
    #[serde(default)]
    pub retry_after_in_body: Option<u64>,
}

/// At which depth of a good answer an error sits (photos.md §1.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Every zone of a `changes/zone` answer.
    Zone,
    /// The first record.
    FirstRecord,
    /// Every record.
    EveryRecord,
}

impl Failure {
    pub fn new(status: u16, code: &str, reason: &str) -> Failure {
        let (code, reason) = (Some(code.to_owned()), Some(reason.to_owned()));
        Failure { status, code, reason, retry_after: None, retry_after_in_body: None }
    }

    /// A status without a body.
    pub fn bare(status: u16) -> Failure {
        Failure { status, code: None, reason: None, retry_after: None, retry_after_in_body: None }
    }

    /// Waiting is asked for in the header and in the body.
    pub fn with_retry_after(self, seconds: u64) -> Failure {
        Failure { retry_after: Some(seconds), retry_after_in_body: Some(seconds), ..self }
    }

    pub(super) fn response(&self) -> Response {
        let mut response = match &self.code {
            Some(code) => reply::json(self.status, &self.body(code)),
            None => reply::empty(self.status),
        };
        if let Some(seconds) = self.retry_after {
            reply::set(&mut response, "retry-after", &seconds.to_string());
        }
        response
    }

    fn body(&self, code: &str) -> Value {
        let uuid = crate::library::Uuid::derived(rand::random(), 0).to_string().to_lowercase();
        let mut body = json!({"uuid": uuid, "serverErrorCode": code});
        if let Some(reason) = &self.reason {
            body["reason"] = reason.as_str().into();
        }
        if let Some(seconds) = self.retry_after_in_body {
            body["retryAfter"] = seconds.into();
        }
        body
    }
}
