//! Error answers, in the recorded shapes (photos.md §1.5).

use serde_json::{Value, json};

/// Why an operation, or one zone or record of it, fails.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// HTTP status when the whole request fails.
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// No correct client gets this answer.
    pub(super) is_breach: bool,
}

impl Refusal {
    pub(super) fn bad_request(reason: impl Into<String>) -> Refusal {
        Refusal { status: 400, code: "BAD_REQUEST", reason: reason.into(), is_breach: false }
    }

    /// A request that no correct client sends.
    pub(super) fn breach(reason: impl Into<String>) -> Refusal {
        Refusal { is_breach: true, ..Refusal::bad_request(reason) }
    }

    pub(super) fn zone_not_found() -> Refusal {
        Refusal { status: 404, code: "ZONE_NOT_FOUND", reason: "Zone does not exist".into(), is_breach: false }
    }

    /// The answer of a zone that keeps no such index, for example of albums in a shared library (photos.md §1.3).
    pub(super) fn invalid_index() -> Refusal {
        Refusal::bad_request("Index has invalid data")
    }

    /// The body of a failed request.
    pub(super) fn body(&self, uuid: &str) -> Value {
        json!({"uuid": uuid, "serverErrorCode": self.code, "reason": self.reason})
    }
}
