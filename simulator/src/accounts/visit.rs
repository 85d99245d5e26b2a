//! One request to the account services, with what its handler may look at.

use axum::response::Response;
use serde_json::{Value, json};

use crate::breach::Breaches;
use crate::call::Call;
use crate::options::Switches;
use crate::reply;

pub struct Visit<'a> {
    pub call: &'a Call,
    pub switches: Switches,
    pub now_s: i64,
    pub breaches: &'a Breaches,
}

impl Visit<'_> {
    /// Records what no correct client does, at this request.
    pub fn breach(&self, what: &str) {
        self.breaches.record(format!("{}: {what}", self.call.line()));
    }

    /// Records a leniency used at this request, or a breach where none is granted ([`Switches::strict`]).
    pub fn note(&self, what: &str) {
        match self.switches.strict {
            true => self.breach(what),
            false => self.breaches.note(format!("{}: {what}", self.call.line())),
        }
    }

    /// The body as JSON; anything else is a malformed payload.
    pub fn body(&self) -> Result<Value, Response> {
        self.call.json().filter(Value::is_object).ok_or_else(|| {
            self.breach("the body is not a JSON object");
            reply::json(400, &json!({"serviceErrors": [{"code": "-20001", "message": "Malformed request"}]}))
        })
    }
}
