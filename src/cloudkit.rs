//! CloudKit's database service, as iCloud's web site speaks it: zones, queries, look-ups and changes of records.
//!
//! The shapes of requests and answers are private to this room (`cloudkit/wire.rs`); what leaves it is [`Record`],
//! [`Zone`] and [`SyncToken`]. Errors that hide inside a 200 answer, at any of their three levels
//! (protocol/photos.md §1.5), come out as [`CloudKitError`] like all others.

mod database;
mod error;
mod pace;
mod record;
mod times;
mod trail;
mod wire;
mod zone;

pub use database::{ChangePage, Database, PAGE_RECORDS, Query, QueryPage, ZoneNews};
pub use error::CloudKitError;
pub use pace::MOST as MOST_CALLS;
pub use record::{AssetValue, Record};
pub use trail::Trail;
pub use zone::{Area, SyncToken, Zone};
