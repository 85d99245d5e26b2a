use super::Capture;

/// An XMP sidecar with title, keywords and date, as photo programs write beside a file.
pub fn xmp(title: &str, keywords: &[&str], capture: &Capture) -> Vec<u8> {
    let date = capture.local().strftime("%Y-%m-%dT%H:%M:%S").to_string() + &capture.offset_text();
    let subjects: String = keywords.iter().map(|keyword| format!("<rdf:li>{keyword}</rdf:li>")).collect();
    format!(
        r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="{date}">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:subject><rdf:Bag>{subjects}</rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"#
    )
    .into_bytes()
}

/// Apple's adjustment envelope (AAE): a property list that names the editor and holds its recipe, here an empty one.
pub fn aae(editor: &str, taken_ms: i64) -> Vec<u8> {
    let recipe = plist::Dictionary::from_iter([
        ("adjustmentBaseVersion", plist::Value::from(0)),
        ("adjustmentData", plist::Value::Data(Vec::new())),
        ("adjustmentEditorBundleID", editor.into()),
        ("adjustmentFormatIdentifier", "com.apple.photo".into()),
        ("adjustmentFormatVersion", "1.5".into()),
        ("adjustmentTimestamp", taken_ms.to_string().into()),
    ]);
    let mut file = Vec::new();
    plist::to_writer_xml(&mut file, &plist::Value::Dictionary(recipe)).expect("a property list is written to memory");
    file
}

#[cfg(test)]
mod tests {
    use super::super::tests::capture;
    use super::*;

    #[test]
    fn sidecars_say_what_they_are_told() {
        let text = String::from_utf8(xmp("Boat", &["lake", "dusk"], &capture())).unwrap();
        assert!(text.contains("<rdf:li>dusk</rdf:li>") && text.contains("2024-03-01T12:30:45+01:00"));
        let envelope: plist::Dictionary = plist::from_bytes(&aae("com.apple.camera", 0)).unwrap();
        assert_eq!(envelope["adjustmentEditorBundleID"].as_string(), Some("com.apple.camera"));
    }
}
