//! From the simulated service to a copy on disk: every original, byte for byte, through a mount.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use icloud_simulator::Options;
use icloud_simulator::fault::{Damage, Effect, Failure, Fault};
use icloud_simulator::library::{Body, Edit, NewPhoto, Resource as Picture, TruthResource};
use photosfs::content::{Content, ContentError, ContentOptions, PhotosSource};
use photosfs::fuse::{self, MountOptions};
use photosfs::index::NodeKind;
use photosfs::photos::{Resource, ResourceKind};
use photosfs::vfs::Vfs;

use crate::fake::{Calm, OWNER};
use crate::installation::eventually;
use crate::stage::Stage;

fn content(stage: &Stage) -> Arc<Content> {
    let source = Arc::new(PhotosSource::new(stage.photos.clone(), stage.http.clone()));
    let options = ContentOptions::from(&stage.config);
    Arc::new(Content::open_folder(options, source, stage.runtime.handle().clone()).unwrap())
}

/// What the service has, by checksum. Equal checksums are equal bytes.
fn truth(stage: &Stage) -> BTreeMap<String, TruthResource> {
    let truth = stage.simulator.cloud().truth();
    let resources = truth.assets().flat_map(|asset| asset.resources.clone());
    resources.map(|resource| (resource.checksum.clone(), resource)).collect()
}

fn body(resource: &TruthResource) -> Bytes {
    resource.body.read(0, resource.size as usize)
}

#[test]
fn every_original_arrives_whole_by_rsync() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    let (truth, content) = (truth(&stage), content(&stage));
    let point = stage.folder.path().join("mnt");
    fs::create_dir(&point).unwrap();
    let vfs = Arc::new(Vfs::new(stage.index.clone(), content.clone(), Arc::new(Calm), OWNER));
    let mounted = fuse::mount(vfs, &point, MountOptions::default(), stage.runtime.handle().clone()).unwrap();
    let copy = stage.folder.path().join("copy");
    assert_eq!(rsync(&point, &copy), "");
    let mut files = 0;
    for (path, node) in stage.tree().into_iter().filter(|(_, node)| node.kind == NodeKind::File) {
        let checksum = stage.index.facts(node.ino).unwrap().unwrap().checksum;
        let copied = fs::read(copy.join(path.trim_start_matches('/'))).unwrap();
        assert!(copied == body(&truth[&checksum]), "{path} differs");
        files += 1;
    }
    assert!(files >= 60, "{files} files");
    let downloads = stage.simulator.requests("download");
    assert_eq!(rsync(&point, &copy), "", "nothing to do the second time");
    assert_eq!(stage.simulator.requests("download"), downloads);
    assert!(content.damaged().is_empty());
    stage.runtime.block_on(mounted.unmount()).unwrap();
    stage.simulator.assert_clean();
}

/// Copies, and tells what a second copy would still change.
fn rsync(point: &Path, copy: &Path) -> String {
    let run = |flags: &str| {
        let source = format!("{}/", point.display());
        let output = Command::new("rsync").args([flags, &source]).arg(copy).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run("-aH");
    run("-aHin")
}

/// The largest original of the demo library that is not over 32 MiB, and its bytes.
fn film(stage: &Stage) -> (Resource, Bytes) {
    let truth = truth(stage);
    let resources = stage.index.resources().unwrap().into_iter().map(|(_, resource)| resource);
    let film = resources.filter(|r| r.size <= 32 << 20).max_by_key(|r| r.size).unwrap();
    let bytes = body(&truth[film.checksum.as_str()]);
    (film, bytes)
}

fn read(stage: &Stage, content: &Content, resource: &Resource) -> Result<Bytes, ContentError> {
    stage.runtime.block_on(content.read(resource, 0, resource.size))
}

#[test]
fn faults_of_the_content_host_are_survived() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    let (resource, bytes) = film(&stage);
    let refusals = [401, 403, 404, 410].map(|status| Effect::Fail(Failure::bare(status)));
    let busy = [429, 500, 503].map(|status| Effect::Fail(Failure::bare(status)));
    let damage = [Damage::CutAfter(10_000), Damage::LengthOff(-5), Damage::LengthOff(5)].map(Effect::Body);
    let others = [Effect::Html, Effect::Reset, Effect::IgnoreRange, Effect::Delay { ms: 300 }];
    for effect in refusals.into_iter().chain(busy).chain(damage).chain(others) {
        let _ = fs::remove_dir_all(&stage.config.cache);
        let content = content(&stage);
        stage.simulator.fault(Fault::nth("download", 1, effect.clone()));
        let answer = read(&stage, &content, &resource);
        assert!(answer.as_ref().is_ok_and(|got| *got == bytes), "{effect:?}: {:?}", answer.err());
        assert!(content.path_if_whole(&resource).is_some(), "{effect:?}");
    }
    stage.simulator.assert_clean();
}

#[test]
fn wrong_bytes_are_never_taken_for_the_photo() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    let (resource, bytes) = film(&stage);
    let content = content(&stage);
    let wrong = || Effect::Body(Damage::WrongBytes);
    stage.simulator.fault(Fault::every("download", wrong()).times(1));
    match read(&stage, &content, &resource) {
        Ok(got) => assert!(got == bytes),
        Err(error) => assert!(error.taints_earlier_reads(), "{error:?}"),
    }
    assert!(read(&stage, &content, &resource).unwrap() == bytes);
    let _ = fs::remove_dir_all(&stage.config.cache);
    let content = self::content(&stage);
    stage.simulator.fault(Fault::every("download", wrong()));
    for _ in 0..3 {
        let error = read(&stage, &content, &resource).unwrap_err();
        assert!(error.taints_earlier_reads(), "{error:?}");
    }
    assert_eq!(content.damaged().len(), 1);
}

#[test]
fn an_address_that_is_always_refused_is_an_error() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    let (resource, _) = film(&stage);
    stage.simulator.fault(Fault::every("download", Effect::Fail(Failure::bare(410))));
    let before = stage.simulator.requests("records/lookup");
    let error = read(&stage, &content(&stage), &resource).unwrap_err();
    assert!(matches!(error, ContentError::Source(_)), "{error:?}");
    assert_eq!(stage.simulator.requests("download"), 2, "asked once more, and no more");
    assert_eq!(stage.simulator.requests("records/lookup") - before, 2);
}

/// Lives of addresses grow shorter over the years (protocol/photos.md §5.5): one that is nearly over is good for one request.
#[test]
fn addresses_that_hold_for_a_minute_are_used_at_once() {
    let stage = Stage::new(Options { assets: Some(8), ..Options::default() });
    stage.simulator.cloud().set_link_life(Duration::from_secs(60));
    stage.update().unwrap();
    let (truth, content) = (truth(&stage), content(&stage));
    let resources: Vec<_> = stage.index.resources().unwrap().into_iter().map(|(_, resource)| resource).collect();
    for resource in &resources {
        assert!(read(&stage, &content, resource).unwrap() == body(&truth[resource.checksum.as_str()]));
    }
    // One before it is read, and one to read it.
    let asked = stage.simulator.requests("records/lookup");
    assert!(asked <= 2 * resources.len() as u64, "{asked} look-ups for {} files", resources.len());
    stage.simulator.assert_clean();
}

/// An edit that photosfs has not heard of yet: the file that is shown is another than the one iCloud has.
#[test]
fn what_was_edited_since_is_refused_until_it_is_known() {
    let stage = Stage::new(Options { assets: Some(0), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let picture = |text: &'static str| Picture::new("public.jpeg", Body::bytes(text.as_bytes()));
    let photo = cloud.add_photo(cloud.primary(), NewPhoto::new("A.JPG", picture("original"), 1_700_000_000_000));
    let edited = |text| cloud.edit(photo, Edit { picture: Some(picture(text)), ..Edit::new() }).unwrap();
    let content = content(&stage);
    let rendering = || {
        let mut all = stage.index.resources().unwrap().into_iter().map(|(_, resource)| resource);
        all.find(|resource| resource.kind == ResourceKind::Edited).unwrap()
    };
    edited("edit 1");
    stage.update().unwrap();
    let first = rendering();
    // As long as the first, so that nothing but the checksum tells them apart.
    edited("edit 2");
    let error = read(&stage, &content, &first).unwrap_err();
    assert!(error.to_string().contains("another version"), "{error}");
    stage.update().unwrap();
    assert_eq!(read(&stage, &content, &rendering()).unwrap(), "edit 2");
    assert_eq!(stage.simulator.requests("download"), 1, "nothing was fetched for the one that is no more");
    stage.simulator.assert_clean();
}

#[test]
fn look_ups_are_gathered() {
    let stage = Stage::new(Options { assets: Some(100), ..Options::default() });
    stage.update().unwrap();
    let (content, before) = (content(&stage), stage.simulator.requests("records/lookup"));
    let reads: Vec<_> = stage
        .index
        .resources()
        .unwrap()
        .into_iter()
        .map(|(_, resource)| {
            let content = content.clone();
            stage.runtime.spawn(async move { content.read(&resource, 0, resource.size).await })
        })
        .collect();
    let count = reads.len();
    reads.into_iter().for_each(|read| drop(stage.runtime.block_on(read).unwrap().unwrap()));
    let asked = stage.simulator.requests("records/lookup") - before;
    println!("{asked} look-ups for {count} files");
    assert!(count >= 100 && asked <= 30, "{asked} look-ups for {count} files");
    stage.simulator.assert_clean();
}

/// One answer that asks for a pause is heeded by all requests.
#[test]
fn everybody_rests_when_the_service_asks_for_it() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    let resources = stage.index.resources().unwrap().into_iter().map(|(_, resource)| resource);
    let small: Vec<Resource> = resources.filter(|r| (1..1 << 20).contains(&r.size)).take(3).collect();
    let content = content(&stage);
    stage.simulator.fault(Fault::nth("download", 1, Effect::Fail(Failure::bare(503).with_retry_after(3))));
    let begun = Instant::now();
    let first = {
        let (content, resource) = (content.clone(), small[0].clone());
        stage.runtime.spawn(async move { content.read(&resource, 0, resource.size).await })
    };
    eventually("the pause is asked for", || stage.simulator.requests("download") > 0);
    // Time for the answer to be read.
    std::thread::sleep(Duration::from_secs(1));
    read(&stage, &content, &small[1]).unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(3), "it rested with the first");
    stage.runtime.block_on(first).unwrap().unwrap();
    read(&stage, &content, &small[2]).unwrap();
    stage.simulator.assert_clean();
}
