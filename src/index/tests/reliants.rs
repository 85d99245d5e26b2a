//! Who counts on the tree as it is is told before it changes.

use std::sync::{Arc, Mutex, Weak};

use super::*;

/// Reads a directory when told.
struct Reading {
    index: Index,
    directory: u64,
    read: Mutex<Vec<Vec<String>>>,
}

impl Reading {
    fn names(&self) -> Vec<String> {
        self.index.children(self.directory).unwrap().into_iter().map(|entry| entry.name).collect()
    }
}

impl Reliant for Reading {
    fn before_change(&self) {
        let names = self.names();
        self.read.lock().unwrap().push(names);
    }
}

#[test]
fn a_directory_can_be_read_before_it_changes() {
    let fixture = Fixture::with(&["IMG_1.JPG", "IMG_2.JPG"]);
    let reading = Arc::new(Reading {
        index: Index::open_to_read(&fixture.folder.path().join("index.sqlite")).unwrap(),
        directory: fixture.ino("/Years/2024/2024-03"),
        read: Mutex::default(),
    });
    let reliant: Arc<dyn Reliant> = reading.clone();
    let reliant: Weak<dyn Reliant> = Arc::downgrade(&reliant);
    assert!(fixture.index.rely(reliant.clone()));
    fixture.apply(&[trashed("A")]);
    assert_eq!(*reading.read.lock().unwrap(), [["IMG_1.JPG", "IMG_2.JPG"]]);
    assert_eq!(reading.names(), ["IMG_2.JPG"]);
    // Told once, and again only if asked to.
    fixture.apply(&[trashed("B")]);
    assert_eq!(reading.read.lock().unwrap().len(), 1);
    assert!(fixture.index.rely(reliant.clone()));
    // Another process may write what this one reads.
    assert!(!reading.index.rely(reliant));
}
