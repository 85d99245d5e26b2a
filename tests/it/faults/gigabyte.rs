//! A film of more than a gigabyte, from a front that closes every connection at one (protocol/photos.md §5.6): at the
//! gigabyte of the file, and when a connection has carried its share.

use std::os::unix::fs::MetadataExt;

use icloud_simulator::Options;
use icloud_simulator::fault::{Damage, Effect, Fault};
use icloud_simulator::library::{Body, NewPhoto, Resource};

use super::matrix::tools::{Backup, TOOLS, Tool};
use crate::compared::Compared;
use crate::installation::{Installation, tool};

const GIGABYTE: u64 = 1_000_000_000;
const FILM: u64 = 1_200_000_000;
/// Ten connections share the film: none would come to a gigabyte.
const SHARE: u64 = GIGABYTE / 10;

#[test]
fn a_film_that_is_cut_at_a_gigabyte_is_copied_whole_by_every_tool() {
    let options = Options { assets: Some(0), connection_bytes: Some(SHARE), ..Options::default() };
    let installation = Installation::new(options);
    let cloud = installation.simulator.cloud();
    let film = Resource::new("com.apple.quicktime-movie", Body::sparse(1, FILM));
    cloud.add_photo(cloud.primary(), NewPhoto::new("FILM.MOV", film, 1_600_000_000_000));
    installation.simulator.fault(Fault::every("download", Effect::Body(Damage::CutAt(GIGABYTE))));
    installation.mount();
    let (files, copy) = (installation.files(), installation.path("copy"));
    let source = format!("{}/", installation.point().display());
    let rsync = || tool("rsync", &[&"-aHS", &"--delete-after", &"--exclude=/.photosfs", &source, &copy]);
    rsync();
    let compared = Compared::assert_whole(&copy, &files);
    assert_eq!((compared.inodes, compared.bytes), (1, FILM));
    let taken = std::fs::metadata(copy.join(files.keys().next().unwrap())).unwrap().blocks() * 512;
    assert!(taken < FILM / 10, "the copy is sparse: {taken} bytes");
    let exhausted = installation.simulator.exhausted_connections();
    assert!(exhausted >= FILM / SHARE - 10, "{exhausted} connections had carried their share");
    let carried = installation.simulator.content_bytes();
    assert!(carried < FILM + FILM / 4, "what had arrived is not asked for again: {carried} bytes");
    let downloads = installation.downloads();
    rsync();
    assert_eq!(installation.downloads(), downloads);
    std::fs::remove_dir_all(&copy).unwrap();
    let mut fetched = FILM;
    for tool in TOOLS.iter().filter(|tool| tool.name != "rsync") {
        forget_originals(&installation);
        back_up_whole(&installation, tool);
        fetched += FILM;
        assert!(installation.simulator.content_bytes() >= fetched, "{}: it was fetched anew", tool.name);
    }
    installation.simulator.assert_clean();
}

fn forget_originals(installation: &Installation) {
    installation.unmount();
    std::fs::remove_dir_all(installation.path("cache")).unwrap();
    installation.mount();
}

fn back_up_whole(installation: &Installation, tool: &Tool) {
    let folder = tempfile::tempdir().unwrap();
    let backup = Backup { point: installation.point(), names: vec![".".into()], folder: folder.path().to_owned() };
    let ended = (tool.back_up)(&backup, 0).output().unwrap();
    assert!(ended.status.success(), "{}: {ended:?}", tool.name);
    let copy = (tool.restore)(&backup, 0).expect("a backup");
    assert_eq!(Compared::assert_whole(&copy, &installation.files()).bytes, FILM, "{}", tool.name);
}
