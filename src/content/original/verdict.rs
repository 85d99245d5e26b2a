//! What becomes of an original that is here: it is whole, or it is dropped and fetched once more.

use std::io;
use std::sync::{Arc, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;

use super::{Body, Original};
use crate::content::ContentError;
use crate::content::partial::Partial;
use crate::content::passing::Passing;
use crate::content::stream::{self, Stream};
use crate::photos::{Resource, Verdict};

impl Original {
    /// After a stream: judges a file that is complete, and else saves what there is, unless others go on.
    pub async fn settle(self: &Arc<Original>, stream: &Stream, partial: &Arc<Partial>) -> Result<(), ContentError> {
        let is_last = self.state().streams.is_last_to_fetch(stream);
        let (original, partial, written) = (self.clone(), partial.clone(), partial.clone());
        let settled = stream::blocking(move || match partial.is_complete() {
            true if partial.take_judgement() => original.judge(&partial),
            true => Ok(()),
            false if is_last && original.is_current(&partial) => partial.save(),
            false => Ok(()),
        });
        if let Err(error) = settled.await {
            self.leave_disk(Some(&written), &error);
        }
        Ok(())
    }

    /// Notes a piece that is about to be given past the cache; the one that completes the file is given only if it matches.
    pub fn passes(&self, offset: u64, bytes: &Bytes, generation: u32) -> Result<(), ContentError> {
        {
            let mut state = self.state();
            if state.generation != generation {
                return Err(ContentError::Refetched);
            }
            state.given_out = true;
        }
        let Resource { size, checksum, .. } = &self.resource;
        if self.passing().take(offset, bytes, *size, checksum) == Some(Verdict::Damaged) {
            *self.passing() = Passing::default();
            self.drop_damaged();
            return Err(match self.state().damaged {
                Some(_) => ContentError::Damaged,
                None => ContentError::Refetched,
            });
        }
        Ok(())
    }

    /// Whether it went past the cache to its end and could not be checked.
    pub fn is_unproven(&self) -> bool {
        self.passing().is_unproven()
    }

    fn passing(&self) -> MutexGuard<'_, Passing> {
        self.passing.lock().expect("no panic while locked")
    }

    fn judge(&self, partial: &Arc<Partial>) -> io::Result<()> {
        if !self.is_current(partial) {
            return Ok(());
        }
        match partial.judge(&self.resource.checksum)? {
            Verdict::Whole | Verdict::SizeOnly => {
                if let Some((name, _)) = self.kept.as_ref().filter(|_| partial.is_on_disk()) {
                    self.shared.cache.publish(name, partial)?;
                }
                self.shared.proven.note(&self.resource.checksum, partial.file());
                let mut state = self.state();
                state.body = Body::Whole(partial.file().clone());
                state.given_out = false;
            }
            Verdict::Damaged => self.drop_damaged(),
        }
        Ok(())
    }

    /// Forgets a file that does not match. The next read fetches it again; the second time it is an error.
    fn drop_damaged(&self) {
        if let Some((name, _)) = &self.kept {
            self.shared.cache.discard(name);
        }
        let mut state = self.state();
        state.start_again();
        if self.shared.proven.doubt(&self.resource.checksum) {
            state.damaged = Some(SystemTime::now());
            drop(state);
            self.shared.report(&self.resource);
        } else {
            tracing::warn!(record = self.resource.record_name, "an original does not match its checksum: once more");
        }
    }
}
