use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use icloud_simulator::library::TruthResource;
use sha1::{Digest, Sha1};
use walkdir::WalkDir;

/// What a client brought home: every file's name, with the SHA-1 of its bytes.
#[derive(Debug, Default)]
pub struct Copied(pub BTreeMap<String, String>);

impl Copied {
    /// Reads a folder and all below it.
    pub fn read(folder: &Path) -> Self {
        let files = WalkDir::new(folder).into_iter().map(|entry| entry.expect("the copy can be walked"));
        let files = files.filter(|entry| entry.file_type().is_file());
        Self(files.map(|file| (name(folder, file.path()), sha1(file.path()))).collect())
    }

    /// Panics unless exactly these files are here, each as often as it is named, whatever they are called.
    pub fn assert_are<'a>(&self, originals: impl IntoIterator<Item = &'a TruthResource>) {
        let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
        let mut facts = BTreeMap::new();
        for original in originals {
            *wanted.entry(&original.sha1).or_default() += 1;
            facts.insert(
                original.sha1.as_str(),
                format!("{:?} {} {} bytes", original.slot, original.uti, original.size),
            );
        }
        assert!(!wanted.is_empty(), "nothing to compare with");
        for (name, sha1) in &self.0 {
            *wanted.entry(sha1).or_default() -= 1;
            facts.entry(sha1).or_insert_with(|| format!("strange: {name}"));
        }
        wanted.retain(|_, difference| *difference != 0);
        let report: Vec<_> = wanted.iter().map(|(sha1, missing)| format!("{missing:+} {}", facts[sha1])).collect();
        assert!(report.is_empty(), "missing (+) or too many (-):\n{}\ncopied:\n{:#?}", report.join("\n"), self.0);
    }
}

fn name(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap().to_string_lossy().into_owned()
}

fn sha1(path: &Path) -> String {
    let mut file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut hash = Sha1::new();
    let mut piece = vec![0; 256 << 10];
    loop {
        match io::Read::read(&mut file, &mut piece) {
            Ok(0) => return hex(&hash.finalize()),
            Ok(length) => hash.update(&piece[..length]),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
