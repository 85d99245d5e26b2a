//! How far a listing is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::sync::Progress;

/// Between two lines off a terminal.
const LINES: Duration = Duration::from_secs(5);
/// Between two looks on a terminal.
const FRAMES: Duration = Duration::from_millis(100);

/// A display that goes on until stopped.
pub struct Shown {
    task: JoinHandle<()>,
}

/// Shows progress on standard error.
pub fn show(runtime: &Runtime, progress: watch::Receiver<Progress>) -> Shown {
    let task = match std::io::stderr().is_terminal() {
        true => runtime.spawn(bar(progress)),
        false => runtime.spawn(lines(progress)),
    };
    Shown { task }
}

impl Shown {
    pub fn stop(self, runtime: &Runtime) {
        self.task.abort();
        // Aborting is the expected end; the display's bar is cleared as it is dropped.
        let _ = runtime.block_on(self.task);
    }
}

async fn bar(mut progress: watch::Receiver<Progress>) {
    let bar = ClearedBar(ProgressBar::new_spinner());
    let counting = ProgressStyle::with_template("{bar:30} {msg}  {elapsed}");
    let counting = counting.unwrap_or_else(|_| ProgressStyle::default_bar());
    loop {
        let now = progress.borrow_and_update().clone();
        if let Some((seen, announced)) = now.fraction() {
            bar.0.set_style(counting.clone());
            bar.0.set_length(announced);
            bar.0.set_position(seen);
        }
        if now != Progress::Idle {
            bar.0.set_message(now.to_string());
        }
        bar.0.tick();
        tokio::time::sleep(FRAMES).await;
    }
}

struct ClearedBar(ProgressBar);

impl Drop for ClearedBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

async fn lines(mut progress: watch::Receiver<Progress>) {
    let mut said = Progress::Idle;
    loop {
        let now = progress.borrow_and_update().clone();
        if now != said && now != Progress::Idle {
            eprintln!("{now}");
            said = now;
        }
        tokio::time::sleep(LINES).await;
    }
}
