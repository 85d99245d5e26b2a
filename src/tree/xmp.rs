//! A photo's description as an XMP sidecar: what digiKam, darktable, Lightroom and exiftool read beside a picture.
//!
//! The bytes depend on the facts alone, so that they are the same at every run. Albums are not told here: they are
//! directories, and a photo's record has no time at which it joined one, so that a tool that goes by times would miss it.
//! A favourite is no `xmp:Rating`: five stars would replace those that the person may have given in the picture itself.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Facts;
use super::facts::instant;
use crate::photos::Place;

/// Raised whenever the same facts give other bytes: sidecars are then written anew.
pub const XMP_FORMAT: u32 = 1;

const NAMESPACES: [(&str, &str); 6] = [
    ("rdf:about", ""),
    ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
    ("xmlns:xmpMM", "http://ns.adobe.com/xap/1.0/mm/"),
    ("xmlns:exif", "http://ns.adobe.com/exif/1.0/"),
    ("xmlns:photoshop", "http://ns.adobe.com/photoshop/1.0/"),
    ("xmlns:photosfs", "urn:photosfs:xmp:1/"),
];

type Xml = Writer<Vec<u8>>;

/// The sidecar of an original.
pub fn xmp(facts: &Facts) -> Vec<u8> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 1);
    write(&mut xml, facts).expect("memory takes every byte");
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    bytes
}

fn write(xml: &mut Xml, facts: &Facts) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let meta = xml.create_element("x:xmpmeta").with_attribute(("xmlns:x", "adobe:ns:meta/"));
    meta.write_inner_content(|xml| {
        let rdf = xml.create_element("rdf:RDF");
        rdf.with_attribute(("xmlns:rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#")).write_inner_content(
            |xml| {
                let description = xml.create_element("rdf:Description").with_attributes(NAMESPACES);
                description.write_inner_content(|xml| properties(xml, facts))?;
                Ok(())
            },
        )?;
        Ok(())
    })?;
    Ok(())
}

fn properties(xml: &mut Xml, facts: &Facts) -> io::Result<()> {
    described(xml, "dc:title", facts.title.as_deref())?;
    described(xml, "dc:description", facts.description.as_deref())?;
    if !facts.keywords.is_empty() {
        items(xml, "dc:subject", "rdf:Bag", None, &facts.keywords)?;
    }
    let captured = facts.captured_text();
    property(xml, "exif:DateTimeOriginal", captured.as_deref())?;
    property(xml, "photoshop:DateCreated", captured.as_deref())?;
    if let Some(place) = &facts.place {
        position(xml, place)?;
    }
    property(xml, "xmpMM:PreservedFileName", facts.original_name.as_deref())?;
    property(xml, "photosfs:Favorite", Some(if facts.favourite { "True" } else { "False" }))?;
    property(xml, "photosfs:Added", facts.added.and_then(instant).as_deref())?;
    property(xml, "photosfs:Asset", Some(&facts.asset))?;
    property(xml, "photosfs:Library", Some(&facts.library.0))?;
    property(xml, "photosfs:Checksum", Some(&facts.checksum))
}

fn property(xml: &mut Xml, name: &str, text: Option<&str>) -> io::Result<()> {
    if let Some(text) = text {
        xml.create_element(name).write_text_content(BytesText::new(&legal(text)))?;
    }
    Ok(())
}

/// A text for people, which may be in several languages; this one is for all of them.
fn described(xml: &mut Xml, name: &str, text: Option<&str>) -> io::Result<()> {
    match text {
        Some(text) => items(xml, name, "rdf:Alt", Some("x-default"), &[text.to_owned()]),
        None => Ok(()),
    }
}

fn items(xml: &mut Xml, name: &str, container: &str, language: Option<&str>, texts: &[String]) -> io::Result<()> {
    let within = |xml: &mut Xml| {
        for text in texts {
            let item = xml.create_element("rdf:li").with_attributes(language.map(|language| ("xml:lang", language)));
            item.write_text_content(BytesText::new(&legal(text)))?;
        }
        Ok(())
    };
    let outer = |xml: &mut Xml| xml.create_element(container).write_inner_content(within).map(drop);
    xml.create_element(name).write_inner_content(outer).map(drop)
}

fn position(xml: &mut Xml, place: &Place) -> io::Result<()> {
    property(xml, "exif:GPSVersionID", Some("2.3.0.0"))?;
    property(xml, "exif:GPSMapDatum", Some("WGS-84"))?;
    property(xml, "exif:GPSLatitude", Some(&coordinate(place.north, ['N', 'S'])))?;
    property(xml, "exif:GPSLongitude", Some(&coordinate(place.east, ['E', 'W'])))?;
    if let Some(altitude) = place.altitude {
        let millimetres = (altitude.abs() * 1e3).round() as u64;
        let below = altitude < 0.0 && millimetres > 0;
        property(xml, "exif:GPSAltitudeRef", Some(if below { "1" } else { "0" }))?;
        property(xml, "exif:GPSAltitude", Some(&format!("{millimetres}/1000")))?;
    }
    Ok(())
}

/// Degrees and minutes, as XMP has them: `33,51.408000S`. The millionth of a minute is 2 mm.
fn coordinate(degrees: f64, [positive, negative]: [char; 2]) -> String {
    const MINUTE: u64 = 1_000_000;
    let all = (degrees.abs() * 60e6).round() as u64;
    let (whole, minutes, rest) = (all / (60 * MINUTE), all / MINUTE % 60, all % MINUTE);
    format!("{whole},{minutes:02}.{rest:06}{}", if degrees < 0.0 && all > 0 { negative } else { positive })
}

/// XML 1.0 has no way to write most control characters: `�` stands for each. Line ends are those that a reader would make of
/// them.
fn legal(text: &str) -> String {
    let replaced = |c: char| match c {
        '\t' | '\n' => c,
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c < ' ' => '\u{fffd}',
        c => c,
    };
    text.replace("\r\n", "\n").replace('\r', "\n").chars().map(replaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With what is hard to write.
    fn facts() -> Facts {
        Facts {
            offset: Some(-12_600),
            title: Some("Båt <& \u{7}>".into()),
            description: Some("one\r\ntwo".into()),
            keywords: vec!["sea".into(), "Oslo, Norway".into()],
            place: Some(Place { north: -33.8568, east: 151.2153, altitude: Some(-4.5) }),
            ..Facts::sample()
        }
    }

    /// Bytes that differ here are other bytes in every copy: raise `XMP_FORMAT` with them.
    #[test]
    fn the_bytes_of_a_sidecar_are_these() {
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:photosfs="urn:photosfs:xmp:1/">
   <dc:title>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">Båt &lt;&amp; �&gt;</rdf:li>
    </rdf:Alt>
   </dc:title>
   <dc:description>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">one
two</rdf:li>
    </rdf:Alt>
   </dc:description>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>sea</rdf:li>
     <rdf:li>Oslo, Norway</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <exif:DateTimeOriginal>2024-03-05T06:30:00.123-03:30</exif:DateTimeOriginal>
   <photoshop:DateCreated>2024-03-05T06:30:00.123-03:30</photoshop:DateCreated>
   <exif:GPSVersionID>2.3.0.0</exif:GPSVersionID>
   <exif:GPSMapDatum>WGS-84</exif:GPSMapDatum>
   <exif:GPSLatitude>33,51.408000S</exif:GPSLatitude>
   <exif:GPSLongitude>151,12.918000E</exif:GPSLongitude>
   <exif:GPSAltitudeRef>1</exif:GPSAltitudeRef>
   <exif:GPSAltitude>4500/1000</exif:GPSAltitude>
   <xmpMM:PreservedFileName>IMG_0042.HEIC</xmpMM:PreservedFileName>
   <photosfs:Favorite>True</photosfs:Favorite>
   <photosfs:Added>2024-03-05T10:01:40Z</photosfs:Added>
   <photosfs:Asset>7B1E0000-0000-4000-8000-000000000042</photosfs:Asset>
   <photosfs:Library>PrimarySync</photosfs:Library>
   <photosfs:Checksum>ARqdPZjFmdSZOG/4FrBl60A1BEXf</photosfs:Checksum>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"#;
        assert_eq!(String::from_utf8(xmp(&facts())).unwrap(), expected);
        assert_eq!(XMP_FORMAT, 1);
    }

    #[test]
    fn coordinates_round_to_whole_minutes_without_sixty() {
        assert_eq!(coordinate(59.999_999_999_9, ['N', 'S']), "60,00.000000N");
        assert_eq!(coordinate(-0.000_000_000_1, ['E', 'W']), "0,00.000000E");
        assert_eq!(coordinate(-180.0, ['E', 'W']), "180,00.000000W");
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        let bare = Facts {
            captured: None,
            added: None,
            original_name: None,
            title: None,
            description: None,
            keywords: Vec::new(),
            place: None,
            ..facts()
        };
        let text = String::from_utf8(xmp(&bare)).unwrap();
        for absent in ["<dc:", "<exif:", "<photoshop:", "<xmpMM:", "photosfs:Added"] {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
    }
}
