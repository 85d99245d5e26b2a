//! Where records live.

use serde_json::{Value, json};

/// Which of an account's databases: its own zones, or those others share with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    Private,
    Shared,
}

impl Area {
    pub fn as_str(self) -> &'static str {
        match self {
            Area::Private => "private",
            Area::Shared => "shared",
        }
    }
}

/// A zone, with all that a request must say of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zone {
    pub area: Area,
    pub name: String,
    /// The owner's user record; must be sent along for shared zones.
    pub owner: Option<String>,
    pub zone_type: Option<String>,
}

impl Zone {
    /// The `zoneID` of a request.
    pub(super) fn id(&self) -> Value {
        let mut id = json!({"zoneName": self.name});
        if let Some(owner) = &self.owner {
            id["ownerRecordName"] = json!(owner);
        }
        if let Some(zone_type) = &self.zone_type {
            id["zoneType"] = json!(zone_type);
        }
        id
    }
}

/// A point in a zone's history, or (another name space) in a database's. Opaque, never empty: an empty token would
/// mean "caught up" to the service (protocol/photos.md §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncToken(String);

impl SyncToken {
    /// `None` for an empty text.
    pub fn new(text: impl Into<String>) -> Option<SyncToken> {
        Some(text.into()).filter(|t: &String| !t.is_empty()).map(SyncToken)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
