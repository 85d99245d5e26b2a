//! A record and its typed fields.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

use super::wire::{Fields, Text};

/// The size a file may have: 16 TiB, more than the largest plan of iCloud holds. Beyond it sizes and their sums would leave
/// what SQLite and the kernel count with.
const LARGEST: u64 = 1 << 44;

/// A record as it lies in an answer, or the tombstone of one.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    pub name: String,
    pub deleted: bool,
    /// Milliseconds since 1970.
    pub modified: Option<i64>,
    pub(super) record_type: Option<Text<'a>>,
    pub(super) fields: Fields<'a>,
}

/// The value of a field of type ASSETID: a file in Apple's store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AssetValue {
    #[serde(rename = "fileChecksum")]
    pub checksum: String,
    pub size: u64,
    /// Missing while an upload is not finished.
    #[serde(rename = "downloadURL")]
    pub download_url: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "recordName")]
    record_name: String,
}

impl<'a> Record<'a> {
    /// What it is; `None` for a tombstone: what that was must be remembered by whoever saw it alive.
    pub fn record_type(&self) -> Option<&str> {
        self.record_type.as_deref()
    }

    /// Text: a STRING as it is, ENCRYPTED_BYTES as the UTF-8 inside (the gateway has decrypted it already).
    pub fn text(&self, field: &str) -> Option<String> {
        let kind = self.fields.get(field)?.kind.as_deref();
        match kind.map_or(field.ends_with("Enc"), |kind| kind == "ENCRYPTED_BYTES") {
            true => String::from_utf8(self.bytes(field)?).ok(),
            false => self.read(field),
        }
    }

    /// Whether a field is there, and is not null.
    pub fn has(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|field| field.value.is_some())
    }

    /// The clear bytes of a field of type ENCRYPTED_BYTES.
    pub fn bytes(&self, field: &str) -> Option<Vec<u8>> {
        STANDARD.decode(&*self.read::<Text<'a>>(field)?).ok()
    }

    /// A whole number: INT64, TIMESTAMP (milliseconds since 1970), a flag sent as true or false, a DOUBLE cut off.
    pub fn int(&self, field: &str) -> Option<i64> {
        let value: Value = self.read(field)?;
        value.as_i64().or_else(|| value.as_bool().map(i64::from)).or_else(|| value.as_f64().map(|v| v as i64))
    }

    /// A flag: absent, null and 0 are no.
    pub fn flag(&self, field: &str) -> bool {
        self.int(field).unwrap_or(0) != 0
    }

    /// A floating-point number.
    pub fn double(&self, field: &str) -> Option<f64> {
        self.read(field)
    }

    /// The record name a REFERENCE points to.
    pub fn reference(&self, field: &str) -> Option<String> {
        Some(self.read::<Reference>(field)?.record_name)
    }

    /// A file; `None` unless both its checksum and a size that a file can have are there.
    pub fn asset(&self, field: &str) -> Option<AssetValue> {
        self.read(field).filter(|file: &AssetValue| file.size <= LARGEST)
    }

    /// A field's value, if it is of this shape.
    fn read<T: Deserialize<'a>>(&self, field: &str) -> Option<T> {
        serde_json::from_str(self.fields.get(field)?.value?.get()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{RecordWire, read};
    use super::*;

    fn record(fields: &str) -> String {
        format!(r#"{{"recordName":"R","recordType":"CPLAsset","fields":{fields},"modified":{{"timestamp":7}}}}"#)
    }

    #[test]
    fn fields_are_read_as_the_service_spells_them() {
        let json = record(
            r#"{"a":{"value":"plain \"\u00e9\"","type":"STRING"},
                "b":{"value":"aMOp","type":"ENCRYPTED_BYTES"}, "captionEnc":{"value":"aMOp"},
                "i":{"value":-3,"type":"INT64"}, "t":{"value":true}, "d":{"value":2.9,"type":"DOUBLE"},
                "n":{"value":null,"type":"STRING"}, "none":{"type":"STRING"},
                "ref":{"value":{"recordName":"M","action":"DELETE_SELF","zoneID":{"zoneName":"Z"}},"type":"REFERENCE"},
                "file":{"value":{"fileChecksum":"AQ","size":9,"wrappingKey":"w","downloadURL":"https:\/\/x"},"type":"ASSETID"},
                "half":{"value":{"fileChecksum":"AQ","size":9}}, "bad":{"value":{"fileChecksum":"AQ","size":-9}},
                "huge":{"value":{"fileChecksum":"AQ","size":9223372036854775808}}}"#,
        );
        let record = read::<RecordWire<'_>>(json.as_bytes()).unwrap().into_record().unwrap();
        assert_eq!((record.record_type(), record.modified, record.deleted), (Some("CPLAsset"), Some(7), false));
        assert_eq!(record.text("a").as_deref(), Some("plain \"é\""));
        assert_eq!([record.text("b"), record.text("captionEnc")], [Some("hé".into()), Some("hé".into())]);
        assert_eq!(["i", "t", "d", "n", "a"].map(|field| record.int(field)), [Some(-3), Some(1), Some(2), None, None]);
        assert_eq!((record.double("d"), record.double("i"), record.double("a")), (Some(2.9), Some(-3.0), None));
        assert!(record.flag("t") && !record.flag("n") && !record.flag("unknown"));
        assert_eq!([record.text("n"), record.text("none"), record.text("i")], [None, None, None]);
        assert_eq!(record.reference("ref").as_deref(), Some("M"));
        let file =
            |url: Option<&str>| AssetValue { checksum: "AQ".into(), size: 9, download_url: url.map(str::to_owned) };
        assert_eq!(record.asset("file"), Some(file(Some("https://x"))));
        assert_eq!(["half", "bad", "huge"].map(|field| record.asset(field)), [Some(file(None)), None, None]);
    }

    #[test]
    fn a_tombstone_has_no_fields_however_it_says_so() {
        for json in [
            r#"{"recordName":"R","deleted":true}"#,
            r#"{"recordName":"R","recordType":null,"fields":null,"modified":null,"deleted":true}"#,
        ] {
            let record = read::<RecordWire<'_>>(json.as_bytes()).unwrap().into_record().unwrap();
            assert_eq!((record.deleted, record.record_type(), record.has("isDeleted")), (true, None, false), "{json}");
        }
    }

    #[test]
    fn an_error_in_the_place_of_a_record_or_an_answer_is_one() {
        let fault = r#"{"recordName":"R","serverErrorCode":"NOT_FOUND","reason":"none","retryAfter":2}"#;
        let record = read::<RecordWire<'_>>(br#"{"recordName":"R"}"#).unwrap().into_record().unwrap();
        assert_eq!((record.name.as_str(), record.record_type()), ("R", None));
        let wire: RecordWire<'_> = serde_json::from_str(fault).unwrap();
        assert_eq!(wire.into_record().unwrap_err().to_string(), "iCloud answers NOT_FOUND: none");
        assert_eq!(read::<RecordWire<'_>>(fault.as_bytes()).unwrap_err().to_string(), "iCloud answers NOT_FOUND: none");
        let error = read::<RecordWire<'_>>(b"<html>").unwrap_err().to_string();
        assert!(error.ends_with("an answer that is not JSON"), "{error}");
    }
}
