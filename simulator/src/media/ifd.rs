use std::collections::BTreeMap;

/// A TIFF image file directory (TIFF 6.0 §2), big endian: the bones of EXIF, TIFF and DNG alike.
#[derive(Debug, Clone, Default)]
pub struct Ifd(BTreeMap<u16, Value>);

#[derive(Debug, Clone)]
enum Value {
    /// Type code, count, bytes.
    Plain(u16, u32, Vec<u8>),
    /// A directory further down, referred to by its offset.
    Directory(Ifd),
    /// Image data, referred to by its offset.
    Strip(Vec<u8>),
}

const BYTE: u16 = 1;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;
const SRATIONAL: u16 = 10;

impl Ifd {
    pub fn bytes(self, tag: u16, value: &[u8]) -> Self {
        self.with(tag, Value::Plain(BYTE, value.len() as u32, value.to_vec()))
    }

    pub fn undefined(self, tag: u16, value: &[u8]) -> Self {
        self.with(tag, Value::Plain(UNDEFINED, value.len() as u32, value.to_vec()))
    }

    pub fn text(self, tag: u16, value: &str) -> Self {
        let bytes = [value.as_bytes(), b"\0"].concat();
        self.with(tag, Value::Plain(ASCII, bytes.len() as u32, bytes))
    }

    pub fn shorts(self, tag: u16, values: &[u16]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        self.with(tag, Value::Plain(SHORT, values.len() as u32, bytes))
    }

    pub fn long(self, tag: u16, value: u32) -> Self {
        self.with(tag, Value::Plain(LONG, 1, value.to_be_bytes().to_vec()))
    }

    pub fn rationals(self, tag: u16, values: &[(u32, u32)]) -> Self {
        let bytes = values.iter().flat_map(|(n, d)| [n.to_be_bytes(), d.to_be_bytes()].concat()).collect();
        self.with(tag, Value::Plain(RATIONAL, values.len() as u32, bytes))
    }

    pub fn signed_rationals(self, tag: u16, values: &[(i32, i32)]) -> Self {
        let bytes = values.iter().flat_map(|(n, d)| [n.to_be_bytes(), d.to_be_bytes()].concat()).collect();
        self.with(tag, Value::Plain(SRATIONAL, values.len() as u32, bytes))
    }

    pub fn directory(self, tag: u16, ifd: Ifd) -> Self {
        self.with(tag, Value::Directory(ifd))
    }

    pub fn strip(self, tag: u16, data: Vec<u8>) -> Self {
        self.with(tag, Value::Strip(data))
    }

    /// A whole TIFF stream whose first directory this is.
    pub fn into_tiff(self) -> Vec<u8> {
        let mut out = b"MM\0\x2a\0\0\0\x08".to_vec();
        self.append_to(&mut out);
        out
    }

    /// Appends the directory and all it refers to; offsets count from the start of `out`. Returns its own offset.
    pub fn append_to(&self, out: &mut Vec<u8>) -> u32 {
        let start = out.len();
        out.extend_from_slice(&(self.0.len() as u16).to_be_bytes());
        out.resize(start + 2 + 12 * self.0.len() + 4, 0);
        for (place, (tag, value)) in self.0.iter().enumerate() {
            let entry = entry(*tag, value, out);
            let at = start + 2 + 12 * place;
            out[at..at + 12].copy_from_slice(&entry);
        }
        start as u32
    }

    fn with(mut self, tag: u16, value: Value) -> Self {
        self.0.insert(tag, value);
        self
    }
}

/// The twelve bytes of one entry; whatever does not fit into its last four is appended to `out`.
fn entry(tag: u16, value: &Value, out: &mut Vec<u8>) -> Vec<u8> {
    let (kind, count, last) = match value {
        Value::Plain(kind, count, bytes) if bytes.len() <= 4 => {
            let mut inline = [0; 4];
            inline[..bytes.len()].copy_from_slice(bytes);
            (*kind, *count, inline)
        }
        Value::Plain(kind, count, bytes) => (*kind, *count, append_even(bytes, out).to_be_bytes()),
        Value::Directory(ifd) => (LONG, 1, ifd.append_to(out).to_be_bytes()),
        Value::Strip(data) => (LONG, 1, append_even(data, out).to_be_bytes()),
    };
    [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &last].concat()
}

/// Values begin on a word boundary (TIFF 6.0 §2).
fn append_even(bytes: &[u8], out: &mut Vec<u8>) -> u32 {
    let offset = out.len() as u32;
    out.extend_from_slice(bytes);
    if out.len() % 2 == 1 {
        out.push(0);
    }
    offset
}
