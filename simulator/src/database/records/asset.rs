//! CPLAsset (photos.md §4.2).

use plist::{Dictionary, Value as Plist};

use super::master::trashed;
use super::{Record, Writer, zone_id};
use crate::database::fields::{Content, Fields, Reference};
use crate::library::{Asset, AssetIndex, Location, Master, Slot, Trashed};

/// Length of every live video, as value over scale seconds.
const LIVE_LENGTH: i64 = 2_400_000_000;
const LIVE_SCALE: i64 = 1_000_000_000;

impl Writer<'_> {
    pub(in crate::database) fn asset(&mut self, index: AssetIndex) -> Record {
        let asset = self.zone.asset(index);
        let master = self.zone.master(asset.master);
        let mut fields = self.fields();
        self.master_reference(&mut fields, master);
        dates(&mut fields, asset);
        kind(&mut fields, asset);
        live(&mut fields, master);
        descriptions(&mut fields, asset);
        self.edit(&mut fields, asset);
        trashed(&mut fields, asset.trashed.as_ref());
        if let Some(trashed) = asset.trashed {
            fields.int("trashReason", trashed.reason);
        }
        let expiration = asset.trashed.as_ref().map(Trashed::expiration_time_s);
        self.envelope(asset.id.to_string(), "CPLAsset", &asset.stamp, fields).expiring(expiration)
    }

    fn master_reference(&self, fields: &mut Fields<'_>, master: &Master) {
        let zone = || zone_id(self.zone);
        let reference = || Reference { record_name: master.name(), action: "DELETE_SELF", zone: zone() };
        fields.put("masterRef", "REFERENCE", || Content::Reference(reference()));
    }

    fn edit(&mut self, fields: &mut Fields<'_>, asset: &Asset) {
        fields.int("adjustmentRenderType", asset.render_type());
        let Some(edit) = &asset.edit else { return };
        fields.text("adjustmentType", &edit.adjustment_type);
        for (slot, resource) in edit.resources.iter() {
            self.resource(fields, slot, resource);
        }
    }
}

fn dates(fields: &mut Fields<'_>, asset: &Asset) {
    fields.time("assetDate", asset.captured_ms);
    fields.time("addedDate", asset.added_ms);
    if let Some(offset) = asset.utc_offset_s {
        fields.int("timeZoneOffset", i64::from(offset));
    }
    fields.encrypted_text("timeZoneNameEnc", asset.time_zone.as_deref());
}

fn kind(fields: &mut Fields<'_>, asset: &Asset) {
    fields.int("isFavorite", i64::from(asset.favourite));
    fields.int("isHidden", i64::from(asset.hidden));
    fields.int("duration", asset.duration_ms);
    fields.int("orientation", i64::from(asset.orientation));
    fields.int("assetSubtype", asset.subtype);
    fields.int("assetSubtypeV2", asset.subtype_v2);
    fields.int("assetHDRType", 0);
    fields.int("customRenderedValue", 0);
    fields.int("burstFlags", asset.burst.as_ref().map_or(0, |burst| burst.flags));
    if let Some(burst) = &asset.burst {
        fields.text("burstId", &burst.id);
    }
}

fn live(fields: &mut Fields<'_>, master: &Master) {
    let is_live = master.resources.get(Slot::LiveVideo).is_some();
    let (length, scale) = if is_live { (LIVE_LENGTH, LIVE_SCALE) } else { (0, 0) };
    fields.int("vidComplDurValue", length);
    fields.int("vidComplDurScale", scale);
    fields.int("vidComplDispValue", length / 2);
    fields.int("vidComplDispScale", scale);
    fields.int("vidComplVisibilityState", 0);
}

fn descriptions(fields: &mut Fields<'_>, asset: &Asset) {
    fields.encrypted_text("captionEnc", asset.caption.as_deref());
    fields.encrypted_text("extendedDescEnc", asset.description.as_deref());
    if !asset.keywords.is_empty() {
        let keywords = asset.keywords.iter().cloned().map(Plist::String).collect();
        fields.encrypted("keywordsEnc", || binary(&Plist::Array(keywords)));
    }
    if let Some(location) = &asset.location {
        fields.encrypted("locationEnc", || binary(&place(location)));
    }
}

fn place(location: &Location) -> Plist {
    let numbers = [
        ("lat", location.latitude),
        ("lon", location.longitude),
        ("alt", location.altitude),
        ("course", 0.0),
        ("speed", 0.0),
        ("horzAcc", 8.0),
        ("vertAcc", 4.0),
    ];
    let numbers = numbers.into_iter().map(|(key, value)| (key.to_owned(), Plist::Real(value)));
    Plist::Dictionary(numbers.collect::<Dictionary>())
}

fn binary(value: &Plist) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.to_writer_binary(&mut bytes).expect("a property list of strings and numbers is written to memory");
    bytes
}
