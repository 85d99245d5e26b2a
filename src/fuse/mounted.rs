//! A mount that is being answered.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::adapter::Adapter;
use super::invalidation::Invalidation;
use super::place::{self, Identity};
use super::platform::{self, Mounting};
use super::{MountError, NAME};
use crate::vfs::Vfs;

/// How long programs that have files open may go on after the mount was detached.
const DRAIN: Duration = Duration::from_secs(5);

/// What an unmount has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Nothing.
    Free,
    /// Out of sight, but programs have files open there and can go on reading them.
    Busy,
}

/// A mount of ours. Dropping it takes it away.
pub struct Mounted {
    identity: Identity,
    invalidation: Arc<Invalidation>,
    ended: watch::Receiver<bool>,
}

impl Mounted {
    pub(super) fn start(
        session: fuser::Session<Adapter>,
        mounting: Mounting,
        vfs: Arc<Vfs>,
    ) -> Result<Mounted, MountError> {
        let (invalidation, ended) = match answer(session, &vfs) {
            Ok(answering) => answering,
            Err(error) => {
                mounting.abandon();
                return Err(MountError::Session(error));
            }
        };
        let identity = mounting.finish().inspect_err(|_| invalidation.stop())?;
        platform::widen_read_ahead(&identity);
        Ok(Mounted { identity, invalidation, ended })
    }

    /// Where it is mounted.
    pub fn point(&self) -> &Path {
        &self.identity.point
    }

    /// Waits until the mount has ended, by whomever.
    pub async fn wait(&self) {
        // The sender is dropped only after it has sent.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Takes the mount away. Files that are open can be read for a few seconds more.
    pub async fn unmount(self) -> Result<(), MountError> {
        let identity = self.identity.clone();
        let detached = tokio::task::spawn_blocking(move || place::detach(&identity)).await;
        detached.map_err(|error| MountError::Session(error.into()))??;
        if tokio::time::timeout(DRAIN, self.wait()).await.is_err() {
            tracing::warn!("files are still open; leaving them");
        }
        Ok(())
    }
}

/// Begins to answer, on threads of its own.
fn answer(session: fuser::Session<Adapter>, vfs: &Vfs) -> io::Result<(Arc<Invalidation>, watch::Receiver<bool>)> {
    let invalidation = Invalidation::start(session.notifier())?;
    vfs.tell(invalidation.clone());
    let (end, ended) = watch::channel(false);
    let stopping = invalidation.clone();
    let serve = move || {
        if let Err(error) = session.run() {
            tracing::error!(%error, "the mount ended");
        }
        stopping.stop();
        let _ = end.send(true);
    };
    thread::Builder::new().name(NAME.into()).spawn(serve).inspect_err(|_| invalidation.stop())?;
    Ok((invalidation, ended))
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.invalidation.stop();
        if !*self.ended.borrow() {
            match place::detach(&self.identity) {
                Ok(Gone::Free | Gone::Busy) | Err(MountError::NotMounted(_)) => {}
                Err(error) => tracing::warn!(%error, "the mount stays"),
            }
        }
    }
}
