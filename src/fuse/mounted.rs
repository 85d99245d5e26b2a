//! A mount that is being answered.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::adapter::Adapter;
use super::invalidation::Invalidation;
use super::platform::{self, Gone, Identity};
use super::{MountError, NAME};
use crate::vfs::Vfs;

/// How long programs that have files open may go on after the mount was detached.
const DRAIN: Duration = Duration::from_secs(5);

/// A mount of ours. Dropping it takes it away.
pub struct Mounted {
    identity: Identity,
    invalidation: Arc<Invalidation>,
    ended: watch::Receiver<bool>,
}

impl Mounted {
    pub(super) fn start(
        session: fuser::Session<Adapter>,
        identity: Identity,
        vfs: Arc<Vfs>,
    ) -> Result<Mounted, MountError> {
        let invalidation = Invalidation::start(session.notifier()).map_err(MountError::Session)?;
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
        thread::Builder::new().name(NAME.into()).spawn(serve).map_err(MountError::Session)?;
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
        platform::detach(&self.identity)?;
        if tokio::time::timeout(DRAIN, self.wait()).await.is_err() {
            tracing::warn!("files are still open; leaving them");
        }
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.invalidation.stop();
        if !*self.ended.borrow() {
            match platform::detach(&self.identity) {
                Ok(Gone::Free | Gone::Busy) | Err(MountError::NotMounted(_)) => {}
                Err(error) => tracing::warn!(%error, "the mount stays"),
            }
        }
    }
}
