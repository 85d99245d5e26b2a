//! One step in a library's history.

use serde::{Deserialize, Serialize};

use super::{Album, Asset, Master, Member};
use crate::cloudkit::Record;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    Asset(Box<Asset>),
    Master(Box<Master>),
    Album(Album),
    /// An asset is now in an album.
    Joined(Member),
    /// An asset is no longer in an album.
    Left(Member),
    /// A tombstone: the record of this name is gone for good, whatever it was.
    Gone(String),
    /// The service was asked for the record of this name and does not have it; nobody told of its end.
    Vanished(String),
}

impl Change {
    /// The end of a record of which nothing but the name is known.
    pub fn tombstone(record_name: &str) -> Change {
        match Member::from_name(record_name) {
            Some(member) => Change::Left(member),
            None => Change::Gone(record_name.to_owned()),
        }
    }

    /// A record that the service does not have when it is asked for.
    pub fn absent(record_name: &str) -> Change {
        match Change::tombstone(record_name) {
            Change::Gone(name) => Change::Vanished(name),
            left => left,
        }
    }

    /// Reads a record of the change log; `None` for the kinds photosfs has no use for (faces, memories, counters …).
    pub fn read(record: &Record<'_>) -> Option<Change> {
        if record.deleted {
            return Some(Change::tombstone(&record.name));
        }
        match record.record_type()? {
            "CPLAsset" if record.flag("isExpunged") => Some(Change::Gone(record.name.clone())),
            "CPLAsset" => Asset::read(record).map(|asset| Change::Asset(Box::new(asset))),
            "CPLMaster" => Some(Change::Master(Box::new(Master::read(record)))),
            "CPLAlbum" => Album::read(record).map(Change::Album),
            "CPLContainerRelation" => {
                let member = Member::read(record)?;
                Some(if record.flag("isDeleted") { Change::Left(member) } else { Change::Joined(member) })
            }
            _ => None,
        }
    }
}
