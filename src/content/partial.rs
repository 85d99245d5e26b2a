//! A download in progress: the file as far as it is here, and the claim of what that is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tempfile::NamedTempFile;

use super::BLOCK;
use super::blocks::Blocks;
use crate::photos::{Checksum, Resource, Verdict, Verifier};

/// Blocks that are read back at once: 1 MiB.
const READ_BACK: u64 = 16;

/// What a kill may cost. A claim costs a flush of the file to the disk.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Written by streams in any order, read meanwhile. All calls that write may wait for the disk.
pub struct Partial {
    file: Arc<File>,
    /// Where the claim is saved; a file in memory has none.
    claim: Option<PathBuf>,
    size: u64,
    present: Mutex<Blocks>,
    /// The checksum as far as blocks arrived in order; `None` if it is of a kind that cannot be computed here.
    in_order: Option<Mutex<Verifier>>,
    /// When somebody last undertook to save the claim.
    saved: Mutex<Instant>,
    saving: Mutex<()>,
    judged: AtomicBool,
}

impl Partial {
    /// Opens or creates the file and takes up what an earlier run claimed of it.
    pub fn open(path: PathBuf, claim: PathBuf, resource: &Resource) -> io::Result<Partial> {
        let size = resource.size;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let mut present = Blocks::none(size);
        if file.metadata()?.len() == size {
            present = fs::read(&claim).ok().and_then(|bytes| Blocks::decode(&bytes, size)).unwrap_or(present);
        } else {
            // Another length is another file. Its claim goes first, so that it can never be about this one.
            let _ = fs::remove_file(&claim);
            file.set_len(0)?;
            file.set_len(size)?;
        }
        Ok(Partial::new(file, Some(claim), present, resource))
    }

    /// A file without a name, in memory where the system has such.
    pub fn in_memory(resource: &Resource) -> io::Result<Partial> {
        #[cfg(target_os = "linux")]
        let file = File::from(nix::sys::memfd::memfd_create(c"original", nix::sys::memfd::MFdFlags::MFD_CLOEXEC)?);
        #[cfg(not(target_os = "linux"))]
        let file = tempfile::tempfile()?;
        file.set_len(resource.size)?;
        Ok(Partial::new(file, None, Blocks::none(resource.size), resource))
    }

    fn new(file: File, claim: Option<PathBuf>, present: Blocks, resource: &Resource) -> Partial {
        Partial {
            file: Arc::new(file),
            claim,
            size: resource.size,
            present: Mutex::new(present),
            in_order: resource.checksum.is_verifiable().then(Mutex::default),
            saved: Mutex::new(Instant::now()),
            saving: Mutex::default(),
            judged: AtomicBool::new(false),
        }
    }

    /// Whether it can be published: it has a name on disk.
    pub fn is_on_disk(&self) -> bool {
        self.claim.is_some()
    }

    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Which blocks are here now.
    pub fn present(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.present.lock().expect("no panic while locked")
    }

    pub fn is_complete(&self) -> bool {
        self.present().is_complete()
    }

    /// Writes whole blocks, from this one on; the last of the file may be short.
    pub fn write(&self, first: u64, bytes: &Bytes) -> io::Result<()> {
        self.file.write_all_at(bytes, first * BLOCK)?;
        {
            let mut present = self.present();
            let end = first + (bytes.len() as u64).div_ceil(BLOCK);
            (first..end).for_each(|block| present.insert(block));
        }
        // Whoever checks just now goes on with these blocks too, or leaves them to the next; `judge` takes what is left.
        match self.in_order.as_ref().map(Mutex::try_lock) {
            Some(Ok(mut in_order)) => self.check_on(&mut in_order, first, bytes),
            _ => Ok(()),
        }
    }

    /// Goes on with the checksum as far as there are blocks without a gap; `bytes` are those just written.
    /// The others are read back: they arrived a moment ago and are in the page cache.
    fn check_on(&self, in_order: &mut Verifier, first: u64, bytes: &Bytes) -> io::Result<()> {
        let mut buffer = Vec::new();
        while in_order.length() < self.size {
            let next = in_order.length() / BLOCK;
            if next == first {
                in_order.update(bytes);
                continue;
            }
            let range = {
                let present = self.present();
                present.bytes_of(&present.run(next, READ_BACK))
            };
            if range.is_empty() {
                break;
            }
            buffer.resize((range.end - range.start) as usize, 0);
            self.file.read_exact_at(&mut buffer, range.start)?;
            in_order.update(&buffer);
        }
        Ok(())
    }

    /// Copies the blocks that another download of the same file has.
    pub fn take_over(&self, other: &Partial) -> io::Result<()> {
        let present = other.present().clone();
        let mut block = 0;
        while block < present.count() {
            let run = present.run(block, READ_BACK);
            if !run.is_empty() {
                let range = present.bytes_of(&run);
                let mut bytes = vec![0; (range.end - range.start) as usize];
                other.file.read_exact_at(&mut bytes, range.start)?;
                self.write(run.start, &bytes.into())?;
            }
            block = run.end.max(block + 1);
        }
        Ok(())
    }

    /// Claims on disk what is on disk: the bytes are there before the claim is, whatever happens in between.
    pub fn save(&self) -> io::Result<()> {
        let Some(path) = &self.claim else { return Ok(()) };
        let _one_at_a_time = self.saving.lock().expect("no panic while locked");
        let claim = self.present().encode();
        self.file.sync_data()?;
        let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(&claim)?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    }

    /// Whether the last claim is so old that a kill would cost too much: true for the first one who asks, who then saves.
    pub fn take_saving(&self) -> bool {
        let mut saved = self.saved.lock().expect("no panic while locked");
        let is_due = saved.elapsed() > SAVE_EVERY;
        if is_due {
            *saved = Instant::now();
        }
        is_due
    }

    /// True for the first one who asks: it has to judge the complete file, everybody else waits for it.
    pub fn take_judgement(&self) -> bool {
        !self.judged.swap(true, Ordering::AcqRel)
    }

    /// Compares the complete file with its checksum; reads again what was not taken while it arrived.
    pub fn judge(&self, expected: &Checksum) -> io::Result<Verdict> {
        let Some(in_order) = &self.in_order else { return Ok(Verdict::SizeOnly) };
        let mut verifier = in_order.lock().expect("no panic while locked").clone();
        if verifier.length() != self.size {
            hash_on(&self.file, &mut verifier)?;
        }
        Ok(verifier.judge(self.size, expected))
    }
}

/// Reads a file whole.
pub fn hash(file: &File) -> io::Result<Verifier> {
    let mut verifier = Verifier::new();
    hash_on(file, &mut verifier)?;
    Ok(verifier)
}

/// Goes on from where a checksum has come to.
fn hash_on(file: &File, verifier: &mut Verifier) -> io::Result<()> {
    let mut buffer = vec![0; (READ_BACK * BLOCK) as usize];
    let mut reader = PositionedReader { file, offset: verifier.length() };
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            count => verifier.update(&buffer[..count]),
        }
    }
}

/// Reads a shared file on without moving its position.
struct PositionedReader<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for PositionedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
