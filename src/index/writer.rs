//! The right to write, and who is told before it is used.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, Weak};

use rusqlite::Connection;

use super::Index;

/// Somebody who counts on the tree as it is.
pub trait Reliant: Send + Sync {
    /// The tree may change as soon as this returns: what is wanted of it as it is must be read now. The tree can be read
    /// meanwhile.
    fn before_change(&self);
}

/// Who counts on the tree as it is.
#[derive(Default)]
pub(super) struct Reliants(Mutex<Told>);

#[derive(Default)]
struct Told {
    /// Somebody writes: the tree may change at any moment.
    writing: bool,
    waiting: Vec<Weak<dyn Reliant>>,
    /// How many may wait before those are looked for that are gone.
    room: usize,
    /// How often somebody has written.
    writes: u64,
}

/// Those who are gone are not looked for among fewer.
const ROOM: usize = 64;

impl Reliants {
    /// Nobody can rely on a tree that another process writes.
    pub fn none() -> Reliants {
        Reliants(Mutex::new(Told { writing: true, ..Told::default() }))
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn add(&self, reliant: Weak<dyn Reliant>) -> bool {
        let mut told = self.told();
        if told.writing {
            return false;
        }
        if told.waiting.len() >= told.room {
            told.waiting.retain(|waiting| waiting.strong_count() > 0);
            told.room = ROOM.max(told.waiting.len() * 2);
        }
        told.waiting.push(reliant);
        true
    }

    /// From here on nobody can be added; those who were have read what they want when this returns.
    fn begin(&self) {
        let waiting = {
            let mut told = self.told();
            told.writing = true;
            std::mem::take(&mut told.waiting)
        };
        waiting.iter().filter_map(Weak::upgrade).for_each(|reliant| reliant.before_change());
    }

    fn end(&self) {
        let mut told = self.told();
        (told.writing, told.writes) = (false, told.writes + 1);
    }
}

/// The one connection that writes, while somebody has it.
pub(super) struct Writer<'a> {
    reliants: &'a Reliants,
    connection: MutexGuard<'a, Connection>,
}

impl Index {
    /// Has somebody told, once, before the tree changes next. `false` if it may be changing now or is not to be relied on, and
    /// then nobody is.
    pub fn rely(&self, reliant: Weak<dyn Reliant>) -> bool {
        self.condition.whole().is_ok() && self.reliants.add(reliant)
    }

    /// How often the tree may have changed: while this is the same, so is the tree.
    pub fn writes(&self) -> u64 {
        self.reliants.told().writes
    }

    /// The connection that writes, once those who count on the tree as it is have been told.
    pub(super) fn writer(&self) -> Writer<'_> {
        // A panic inside a transaction has rolled it back when the transaction was dropped.
        let connection = self.writer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let writer = Writer { reliants: &self.reliants, connection };
        self.reliants.begin();
        writer
    }
}

impl Deref for Writer<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Writer<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Writer<'_> {
    /// Before the next one can have the connection.
    fn drop(&mut self) {
        self.reliants.end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Reliant for Counting {
        fn before_change(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn weak(counting: &Arc<Counting>) -> Weak<dyn Reliant> {
        Arc::downgrade(&(counting.clone() as Arc<dyn Reliant>))
    }

    #[test]
    fn who_relies_is_told_once_and_nobody_relies_while_somebody_writes() {
        let (reliants, counting) = (Reliants::default(), Arc::<Counting>::default());
        assert!(reliants.add(weak(&counting)));
        reliants.begin();
        assert!(!reliants.add(weak(&counting)));
        reliants.end();
        reliants.begin();
        reliants.end();
        assert_eq!(counting.0.load(Ordering::SeqCst), 1);
        assert!(reliants.add(weak(&counting)));
    }

    #[test]
    fn those_who_are_gone_take_no_room() {
        let (reliants, counting) = (Reliants::default(), Arc::<Counting>::default());
        for _ in 0..100 * ROOM {
            assert!(reliants.add(weak(&Arc::default())));
        }
        assert!(reliants.add(weak(&counting)) && reliants.told().waiting.len() <= 2 * ROOM);
        reliants.begin();
        assert_eq!(counting.0.load(Ordering::SeqCst), 1);
    }
}
