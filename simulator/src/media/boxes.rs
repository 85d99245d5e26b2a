//! Boxes of the ISO base media file format (ISO/IEC 14496-12 §4.2), which QuickTime calls atoms.

/// Size, four-character code, contents.
pub fn atom(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let size = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(&(size as u32).to_be_bytes());
    out.extend_from_slice(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A box that begins with a version and flags.
pub fn full_atom(kind: &[u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    atom(kind, &[&[&head[..]], parts].concat())
}

/// Big-endian 32-bit words in a row.
pub fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// Big-endian 16-bit words in a row.
pub fn halves(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// Reads boxes back, for tests: code and contents of each.
#[cfg(test)]
pub fn parse(mut bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        found.push((String::from_utf8_lossy(&bytes[4..8]).into_owned(), &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

/// The contents of the box at a path such as `moov/trak/mdia`, for tests.
#[cfg(test)]
pub fn find<'a>(bytes: &'a [u8], path: &str) -> &'a [u8] {
    path.split('/').fold(bytes, |inside, code| {
        let skip = if inside.as_ptr() != bytes.as_ptr() && matches!(code, "iprp" | "iloc" | "iinf" | "pitm" | "iref") {
            4
        } else {
            0
        };
        let boxes = parse(&inside[skip..]);
        boxes.into_iter().find(|(kind, _)| kind == code).unwrap_or_else(|| panic!("no box {code} of {path}")).1
    })
}
