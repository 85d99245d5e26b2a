//! Many originals at a time, with a bar.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::wanted::Wanted;
use crate::content::{Content, is_kept};

/// Files at a time: every connection has one, and some are being checked.
const FILES: usize = 14;

/// Readers of a mount. It reads ahead of each by itself.
const READERS: usize = 8;

/// What the kernel asks for at once at most.
const PIECE: usize = 1 << 20;

/// How often a file is tried: a slow line may take longer than a read waits, and goes on meanwhile.
const TRIES: usize = 3;

/// Between two lines off a terminal.
const LINES: Duration = Duration::from_secs(10);

/// How it went.
#[derive(Default)]
pub struct Outcome {
    pub fetched: usize,
    pub bytes: u64,
    /// Paths and reasons.
    pub failed: Vec<(String, String)>,
}

/// What is being fetched, and how far it is.
pub struct Fetching {
    originals: PathBuf,
    wanted: Vec<Wanted>,
    bar: ProgressBar,
    said: Mutex<Instant>,
    outcome: Mutex<Outcome>,
}

impl Fetching {
    /// `originals` is the cache's folder.
    pub fn new(originals: &Path, wanted: Vec<Wanted>) -> Fetching {
        let bar = ProgressBar::new(wanted.iter().map(|file| file.resource.size).sum());
        if !io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style =
            ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, about {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let said = Mutex::new(Instant::now());
        Fetching { originals: originals.to_owned(), wanted, bar, said, outcome: Mutex::default() }
    }

    /// By this process.
    pub async fn by(self, content: &Content) -> Outcome {
        let all = self.wanted.iter().map(|file| self.fetch(content, file));
        let mut under_way = futures_util::stream::iter(all).buffer_unordered(FILES);
        while under_way.next().await.is_some() {}
        drop(under_way);
        self.finish()
    }

    async fn fetch(&self, content: &Content, file: &Wanted) {
        self.ended(file, content.fetch(&file.resource).await.map_err(|error| error.to_string()));
    }

    /// By the process that serves the mount: whoever reads a file there has it kept.
    pub fn through_mount(self, point: &Path) -> Outcome {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..READERS {
                scope.spawn(|| {
                    while let Some(file) = self.wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        self.ended(file, self.read(&point.join(&file.path), file));
                    }
                });
            }
        });
        self.finish()
    }

    fn read(&self, path: &Path, file: &Wanted) -> Result<(), String> {
        let mut outcome = Ok(());
        for _ in 0..TRIES {
            outcome = read_through(path).map_err(|error| error.to_string());
            if outcome.is_ok() {
                break;
            }
        }
        outcome?;
        match is_kept(&self.originals, &file.resource) {
            true => Ok(()),
            false => Err("the mount did not keep it: its cache has no room".into()),
        }
    }

    fn ended(&self, file: &Wanted, outcome: Result<(), String>) {
        let mut all = self.outcome.lock().expect("no panic while locked");
        match outcome {
            Ok(()) => {
                all.fetched += 1;
                all.bytes += file.resource.size;
            }
            Err(reason) => all.failed.push((file.path.display().to_string(), reason)),
        }
        self.bar.inc(file.resource.size);
        let mut said = self.said.lock().expect("no panic while locked");
        if self.bar.is_hidden() && said.elapsed() > LINES {
            eprintln!("{} of {}", ByteSize(self.bar.position()), ByteSize(self.bar.length().unwrap_or(0)));
            *said = Instant::now();
        }
    }

    fn finish(self) -> Outcome {
        self.bar.finish_and_clear();
        self.outcome.into_inner().expect("no panic while locked")
    }
}

fn read_through(path: &Path) -> io::Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; PIECE]);
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}
