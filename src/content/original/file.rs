//! The file that an original is downloaded to: on the disk, else in memory, else none.

use std::fs::File;
use std::sync::Arc;
use std::{io, mem};

use super::{Body, Original};
use crate::content::MIB;
use crate::content::partial::{Partial, hash};
use crate::photos::Verdict;

/// Up to this size an original that the disk has no room for is downloaded to memory, and checked like any other.
const IN_MEMORY: u64 = 64 * MIB;

impl Original {
    /// Makes the download's file: on disk, else in memory, else none. Waits for the disk.
    pub fn begin(&self) {
        let _one_at_a_time = self.beginning.lock().expect("no panic while locked");
        let body = self.state().body.clone();
        match body {
            Body::Found(file) if self.matches(&file) => {
                self.shared.proven.note(&self.resource.checksum, &file);
                self.state().body = Body::Whole(file);
                return;
            }
            Body::Absent | Body::Found(_) => {}
            _ => return,
        }
        let partial = self.begin_on_disk().or_else(|| self.begin_in_memory());
        self.state().body = partial.map_or(Body::Uncached, |partial| Body::Partial(Arc::new(partial)));
    }

    /// Whether a file that was there is still what it was when it was kept; anything else is removed.
    fn matches(&self, file: &File) -> bool {
        let matches = !self.resource.checksum.is_verifiable()
            || hash(file).is_ok_and(|read| read.judge(self.resource.size, &self.resource.checksum) == Verdict::Whole);
        if !matches && let Some((name, _)) = &self.kept {
            tracing::warn!(record = self.resource.record_name, "a cached original has changed on the disk: dropped");
            self.shared.cache.discard(name);
        }
        matches
    }

    fn begin_on_disk(&self) -> Option<Partial> {
        let (name, _) = self.kept.as_ref().filter(|_| !self.state().off_disk)?;
        match self.shared.cache.begin(name, &self.resource) {
            Ok(partial) => partial,
            Err(error) => {
                self.leave_disk(None, &error);
                None
            }
        }
    }

    fn begin_in_memory(&self) -> Option<Partial> {
        let size = self.resource.size;
        let share = u32::try_from(size.div_ceil(MIB)).ok().filter(|_| size <= IN_MEMORY)?;
        let share = self.shared.memory.clone().try_acquire_many_owned(share).ok()?;
        let partial = Partial::in_memory(&self.resource).ok()?;
        // What readers were given so far must be what is checked in the end.
        let before = self.state().before.take();
        if let Some(before) = before {
            partial.take_over(&before).ok()?;
        }
        self.state().memory = Some(share);
        Some(partial)
    }

    /// Gives up on the disk for this file (it is full, or worse); the next read goes on past it.
    /// A download that others have left already changes nothing.
    pub fn leave_disk(&self, written: Option<&Arc<Partial>>, error: &io::Error) {
        if written.is_some_and(|written| !self.is_current(written)) {
            return;
        }
        tracing::warn!(record = self.resource.record_name, %error, "an original cannot be cached");
        if let Some((name, _)) = &self.kept {
            self.shared.cache.discard(name);
        }
        let mut state = self.state();
        // What cannot be kept in memory either has nowhere to go.
        let next = if state.off_disk { Body::Uncached } else { Body::Absent };
        if let Body::Partial(partial) = mem::replace(&mut state.body, next) {
            state.before = Some(partial);
        }
        state.off_disk = true;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Saves what there is, beside those who fetch.
    pub fn save_aside(self: &Arc<Original>, partial: &Arc<Partial>) {
        let (original, partial) = (self.clone(), partial.clone());
        self.shared.runtime.spawn_blocking(move || {
            if original.is_current(&partial)
                && let Err(error) = partial.save()
            {
                original.leave_disk(Some(&partial), &error);
            }
        });
    }

    pub(super) fn is_current(&self, partial: &Arc<Partial>) -> bool {
        matches!(&self.state().body, Body::Partial(own) if Arc::ptr_eq(own, partial))
    }
}
