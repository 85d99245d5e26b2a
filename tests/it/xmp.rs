//! XMP sidecars on a real mount: read by exiftool, copied by rsync.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use icloud_simulator::Options;
use icloud_simulator::library::{AssetId, Body, Location, NewPhoto, Resource};
use serde_json::{Value, json};
use walkdir::WalkDir;

use crate::installation::{Installation, eventually, tool};

const MARCH: i64 = 1_709_632_800_123;

fn jpeg(seed: u64) -> Resource {
    Resource::new("public.jpeg", Body::seeded(seed, 2_000))
}

/// A described photo, one with odd texts in the west, and RAW + JPEG that nobody described; mounted with sidecars.
fn described() -> (Installation, AssetId) {
    let installation = Installation::new(Options { assets: Some(0), ..Options::default() });
    let cloud = installation.simulator.cloud();
    let add = |photo: NewPhoto| cloud.add_photo(cloud.primary(), photo);
    let photo = add(NewPhoto {
        caption: Some("Båten i skumringen 🌊".into()),
        description: Some("First line\nsecond <line> & \"more\"".into()),
        keywords: vec!["sea".into(), "Oslo, Norway".into(), "夕日".into()],
        location: Some(Location { latitude: -33.8568, longitude: 151.2153, altitude: 4.5 }),
        favourite: true,
        ..NewPhoto::new("IMG_0042.JPG", jpeg(1), MARCH).in_zone(39_600, "Australia/Sydney")
    });
    add(NewPhoto {
        caption: Some("bell \u{7} and null \u{0} and ]]> end".into()),
        description: Some("carriage\r\nreturn\rs".into()),
        location: Some(Location { latitude: 59.5, longitude: -0.25, altitude: -12.25 }),
        utc_offset_s: None,
        ..NewPhoto::new("Über.JPG", jpeg(2), MARCH)
    });
    let raw = Resource::new("com.adobe.raw-image", Body::seeded(4, 3_000));
    add(NewPhoto { alternative: Some(raw), ..NewPhoto::new("IMG_0050.JPG", jpeg(3), MARCH) });
    let album = cloud.add_album(cloud.primary(), "Norway", None);
    cloud.add_to_album(photo, album).unwrap();
    mount(&installation, "xmp");
    (installation, photo)
}

fn mount(installation: &Installation, sidecars: &str) {
    let point = installation.point();
    installation.run(&["mount", "--background", "--sidecars", sidecars, point.to_str().unwrap()]);
}

/// What exiftool reads, numbers as numbers.
fn read(path: &Path) -> Value {
    let said = tool("exiftool", &[&"-j", &"-n", &"-struct", &"-charset", &"filename=utf8", &path]);
    serde_json::from_str::<Value>(&said).unwrap()[0].take()
}

/// Paths of sidecars below a folder, with inode, size, times and bytes.
fn sidecars(folder: &Path) -> BTreeMap<String, (u64, u64, [i64; 4], Vec<u8>)> {
    let files = WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
    let all = files.filter(|path| path.extension().is_some_and(|extension| extension == "xmp")).map(|path| {
        let (meta, bytes) = (fs::metadata(&path).unwrap(), fs::read(&path).unwrap());
        assert_eq!(meta.len(), bytes.len() as u64, "{path:?}");
        let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        (path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), (meta.ino(), meta.len(), times, bytes))
    });
    all.collect()
}

#[test]
fn exiftool_reads_what_was_described() {
    let (installation, _) = described();
    let month = installation.point().join("Years/2024/2024-03");
    let told = read(&month.join("IMG_0042.JPG.xmp"));
    for (tag, expected) in [
        ("FileType", json!("XMP")),
        ("Title", json!("Båten i skumringen 🌊")),
        ("Description", json!("First line\nsecond <line> & \"more\"")),
        ("Subject", json!(["sea", "Oslo, Norway", "夕日"])),
        ("GPSLatitude", json!(-33.8568)),
        ("GPSLongitude", json!(151.2153)),
        ("GPSAltitude", json!(4.5)),
        ("DateTimeOriginal", json!("2024:03:05 21:00:00.123+11:00")),
        ("DateCreated", json!("2024:03:05 21:00:00.123+11:00")),
        ("PreservedFileName", json!("IMG_0042.JPG")),
        ("Favorite", json!(true)),
        ("Library", json!("PrimarySync")),
    ] {
        assert_eq!(told[tag], expected, "{tag} of {told:#}");
    }
    assert_eq!((&told["Warning"], &told["Rating"]), (&Value::Null, &Value::Null));
    let odd = read(&month.join("Über.JPG.xmp"));
    assert_eq!(odd["Title"], "bell \u{fffd} and null \u{fffd} and ]]> end");
    assert_eq!(odd["Description"], "carriage\nreturn\ns");
    assert_eq!((&odd["GPSLatitude"], &odd["GPSLongitude"]), (&json!(59.5), &json!(-0.25)));
    assert_eq!(odd["GPSAltitude"], json!(-12.25));
    assert_eq!((&odd["DateTimeOriginal"], &odd["Warning"]), (&json!("2024:03:05 10:00:00.123+00:00"), &Value::Null));
    for original in ["IMG_0050.JPG", "IMG_0050.DNG"] {
        let plain = read(&month.join(format!("{original}.xmp")));
        assert_eq!(
            (&plain["Favorite"], &plain["Title"], &plain["Subject"]),
            (&json!(false), &Value::Null, &Value::Null)
        );
        let path = month.join(original);
        let name = "user.photosfs.checksum";
        let attribute = tool("getfattr", &[&"--only-values", &"--absolute-names", &"-n", &name, &path]);
        assert_eq!(plain["Checksum"], attribute);
    }
    assert_eq!(sidecars(&installation.point()).len(), 4, "beside the originals, not in albums");
    assert_eq!(installation.downloads(), 0);
    installation.simulator.assert_clean();
}

#[test]
fn sidecars_stay_the_same_until_their_photo_is_described_otherwise() {
    let (installation, photo) = described();
    let (point, copy) = (installation.point(), installation.path("copy"));
    let before = sidecars(&point);
    let rsync = || tool("rsync", &[&"-aHi", &"--exclude=/.photosfs", &format!("{}/", point.display()), &copy]);
    rsync();
    let copied = |path: &str| fs::read(copy.join(path)).unwrap();
    before.iter().for_each(|(path, (.., bytes))| assert_eq!(&copied(path), bytes, "{path}"));
    assert_eq!(rsync(), "", "nothing to do");
    installation.unmount();
    fs::remove_file(installation.state().join("index.sqlite")).unwrap();
    mount(&installation, "xmp");
    assert_eq!(sidecars(&point), before, "after the index was lost");
    assert_eq!(rsync(), "", "nothing to do");

    let own = "Years/2024/2024-03/IMG_0042.JPG.xmp";
    let opened = fs::File::open(point.join(own)).unwrap();
    // Of the same length, and not in the same second, as rsync sees times.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    installation.simulator.cloud().retitle(photo, "Båten i skumringen 🌅").unwrap();
    installation.run(&["sync"]);
    eventually("the sidecar tells the new title", || read(&point.join(own))["Title"] == "Båten i skumringen 🌅");
    let after = sidecars(&point);
    let changed: Vec<_> = after.iter().filter(|(path, sidecar)| before[*path] != **sidecar).collect();
    let [(path, (ino, size, times, _))] = changed[..] else { panic!("{changed:?}") };
    let (old_ino, old_size, old_times, old_bytes) = &before[own];
    assert!(path == own && ino != old_ino && size == old_size && times[0] > old_times[0] && times[2] > old_times[2]);
    assert_eq!(std::io::read_to_string(opened).unwrap().as_bytes(), old_bytes, "who had it open reads what it was");
    let told = rsync();
    let files: Vec<&str> = told.lines().filter(|line| line.starts_with(">f")).collect();
    assert_eq!(files, [&format!(">f..t...... {own}")[..]], "{told}");
    assert_eq!(copied(own), after[own].3);
    assert!(fs::write(point.join(own), "x").is_err());

    let verified: Value =
        serde_json::from_str(&installation.run(&["verify", "--json", copy.to_str().unwrap()])).unwrap();
    assert_eq!((&verified["originals"], &verified["whole"]), (&json!(4), &json!(4)), "sidecars are no originals");
    let (files, inodes) =
        (installation.index().resources().unwrap().len(), installation.index().totals().unwrap().files);
    assert_eq!((files, inodes), (4, 4));
    installation.unmount();
    mount(&installation, "none");
    assert_eq!(sidecars(&point).len(), 0);
    installation.simulator.assert_clean();
}
