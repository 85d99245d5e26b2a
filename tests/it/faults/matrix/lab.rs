//! A small library, mounted, that grows before every run and has things done to it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use icloud_simulator::Options;
use icloud_simulator::fault::{Effect, Fault};
use icloud_simulator::library::{AlbumId, Area, AssetId, Body, Edit, NewPhoto, Resource, ZoneId};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::installation::{Files, Installation, Known, eventually};

/// Photos of the library to begin with: more than may leave it in one round (docs/semantics.md, promise 4).
const PHOTOS: u64 = 14;
/// Of capture: milliseconds since 1970.
const FIRST: i64 = 1_600_000_000_000;
const MONTH: i64 = 30 * 86_400_000;

pub struct Lab {
    pub installation: Installation,
    /// What was in the tree to begin with, and never leaves it.
    pub base: Files,
    /// All that the cloud has or had.
    known: Known,
    photos: Vec<AssetId>,
    album: AlbumId,
    shared: ZoneId,
    /// With a video of several blocks in every turn, which is downloaded by ranges.
    films: bool,
}

fn still(seed: u64) -> Resource {
    Resource::new("public.heic", Body::seeded(seed, 3_000 + seed % 2_000))
}

fn film(seed: u64, bytes: u64) -> Resource {
    Resource::new("com.apple.quicktime-movie", Body::seeded(seed, bytes))
}

impl Lab {
    pub fn new(films: bool) -> Lab {
        let installation = Installation::new(Options { assets: Some(0), ..Options::default() });
        let cloud = installation.simulator.cloud();
        let (primary, shared) = (cloud.primary(), cloud.add_shared_library(Area::Private));
        let folder = cloud.add_folder(primary, "Folder", None);
        let album = cloud.add_album(primary, "Album", Some(folder));
        let photos: Vec<AssetId> = (0..PHOTOS)
            .map(|n| {
                // Two of each name, in one month; every third is a Live Photo.
                let photo = NewPhoto::new(&format!("IMG_{:04}.HEIC", n / 2), still(n), FIRST + n as i64 / 2 * MONTH);
                let photo = if n % 3 == 0 { photo.live(film(100 + n, 5_000)) } else { photo };
                cloud.add_photo(primary, photo)
            })
            .collect();
        photos.iter().step_by(2).for_each(|photo| cloud.add_to_album(*photo, album).unwrap());
        cloud.add_photo(shared, NewPhoto::new("SHARED.HEIC", still(200), FIRST));
        installation.mount();
        let (known, base) = (installation.known(), installation.files());
        Lab { installation, base, known, photos, album, shared, films }
    }

    /// What comes between two backups: a photo, a Live Photo in an album, an edit.
    pub fn grow(&mut self, turn: u64) {
        let cloud = self.installation.simulator.cloud();
        let (primary, seed) = (cloud.primary(), 1_000 * (turn + 1));
        cloud.add_photo(primary, NewPhoto::new("NEW.HEIC", still(seed), FIRST));
        let live = NewPhoto::new("LIVE.HEIC", still(seed + 1), FIRST).live(film(seed + 2, 6_000));
        cloud.add_to_album(cloud.add_photo(primary, live), self.album).unwrap();
        let edit = Edit { picture: Some(still(seed + 3)), ..Edit::new() };
        cloud.edit(self.photos[turn as usize], edit).unwrap();
        if self.films {
            cloud.add_photo(primary, NewPhoto::new("FILM.MOV", film(seed + 5, 9_500_000), FIRST));
        }
        self.known.extend(self.installation.known());
    }

    /// What the tree must hold, by the index's names.
    pub fn files(&self) -> Files {
        self.installation.files_among(&self.known)
    }

    pub fn sync(&self, arguments: &[&str]) -> Option<i32> {
        self.installation.output(&[&["sync"], arguments].concat()).status.code()
    }

    /// Deletes more photos for good than may leave at once.
    pub fn purge_nearly_all(&self) {
        let cloud = self.installation.simulator.cloud();
        self.photos[1..].iter().for_each(|photo| cloud.purge(*photo).unwrap());
        assert_eq!(self.sync(&[]), Some(0));
        assert_eq!(self.installation.status()["held"], PHOTOS - 1);
    }

    pub fn trash_nearly_all(&self) {
        let cloud = self.installation.simulator.cloud();
        self.photos[1..].iter().for_each(|photo| cloud.trash(*photo).unwrap());
        assert_eq!(self.sync(&[]), Some(0));
        assert_eq!(self.installation.status()["held"], PHOTOS - 1);
    }

    pub fn restore_all(&self) {
        let cloud = self.installation.simulator.cloud();
        self.photos[1..].iter().for_each(|photo| cloud.restore(*photo).unwrap());
    }

    pub fn reject(&self) {
        self.installation.run(&["held", "reject"]);
    }

    pub fn delete_shared_library(&self) {
        self.installation.simulator.cloud().delete_zone(self.shared);
        self.sync(&[]);
    }

    /// Kills the process in the middle of its downloads.
    pub fn kill_while_it_downloads(&self) {
        self.wait_for_a_download();
        self.installation.kill();
    }

    pub fn make_downloads_slow(&self) {
        self.installation.simulator.fault(Fault::every("download", Effect::Delay { ms: 1_000 }));
    }

    fn cache(&self) -> PathBuf {
        self.installation.path("cache")
    }

    /// The cache gets a disk that holds no more than the half of a turn.
    pub fn shrink_disk(&self) {
        self.installation.unmount();
        let file = self.installation.path("config.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("keep_free = '1M'", "keep_free = '0'")).unwrap();
        mount(Some("tmpfs"), &self.cache(), Some("tmpfs"), MsFlags::empty(), Some("size=64k")).unwrap();
        self.installation.mount();
    }

    pub fn widen_disk(&self) {
        self.installation.unmount();
        umount2(&self.cache(), MntFlags::empty()).unwrap();
        self.installation.mount();
    }

    /// The machine's clock can be set from now on.
    pub fn take_the_clock(&self) {
        self.installation.unmount();
        self.installation.set_clock("+0");
        self.installation.mount();
        self.make_downloads_slow();
    }

    /// In the middle of a download, and changes are asked for by the new time.
    pub fn set_clock_while_it_downloads(&self, off: &str) {
        self.wait_for_a_download();
        self.installation.set_clock(off);
        assert_eq!(self.sync(&[]), Some(0), "by a clock that is off by {off}");
    }

    pub fn set_clock_right(&self) {
        self.installation.set_clock("+0");
    }

    fn wait_for_a_download(&self) {
        let before = self.installation.downloads();
        eventually("something is being downloaded", || self.installation.downloads() > before);
    }

    /// Takes the mount away in the middle of its downloads, from under whoever reads.
    pub fn detach_while_it_downloads(&self) {
        self.wait_for_a_download();
        self.installation.detach();
    }

    pub fn mount_again(&self) {
        eventually("the process ends with the last file", || self.installation.process().is_none());
        self.installation.mount();
    }

    pub fn clock(&self, ahead: bool) {
        let clock = &self.installation.simulator.state().clock;
        let hours = Duration::from_secs(5 * 3600);
        if ahead { clock.advance(hours) } else { clock.set_back(hours) }
    }

    pub fn clear_faults(&self) {
        self.installation.simulator.state().faults.clear();
    }

    /// A command that proves a copy.
    pub fn verify(&self, copy: &std::path::Path) -> Command {
        self.installation.command(&["verify", copy.to_str().unwrap()])
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Only where a test has failed is the small disk still there.
        let _ = umount2(&self.cache(), MntFlags::MNT_DETACH);
    }
}
