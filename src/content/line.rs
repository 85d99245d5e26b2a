//! The connections to the content host: one number for everybody, and who waits goes first.
//!
//! Requests that nobody waits for may take every connection, so that none is idle. A request that somebody waits for
//! passes them in the queue; if no connection comes free soon, the request begun last of those that nobody waits for is
//! cut short: it keeps what it has and queues again for the rest. Of several files the one with the fewest connections is
//! next, so that each reader goes on when its latest request has ended.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::photos::Checksum;

/// How long a request that somebody waits for waits for a connection to come free by itself. A cut costs a new
/// connection; on a fast line one of ten requests of 8 MiB ends within this time anyway.
const PATIENCE: Duration = Duration::from_millis(100);

/// A request's place in the line.
pub struct Turn {
    /// The file it fetches of.
    of: Checksum,
    wanted: AtomicBool,
    granted: AtomicBool,
    cut: AtomicBool,
    changed: Notify,
}

impl Turn {
    pub fn new(of: &Checksum) -> Turn {
        let [wanted, granted, cut] = Default::default();
        Turn { of: of.clone(), wanted, granted, cut, changed: Notify::new() }
    }

    /// Notes that somebody waits for what this request fetches.
    pub fn want(&self) {
        if !self.wanted.swap(true, Ordering::AcqRel) {
            self.changed.notify_one();
        }
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Whether it has a connection now.
    pub fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Acquire)
    }

    /// Whether the request is to give its connection up, because somebody waits for one and nobody for this.
    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire) && !self.is_wanted()
    }
}

/// The connections.
pub struct Line {
    state: Mutex<State>,
}

struct State {
    free: usize,
    queue: VecDeque<Arc<Turn>>,
    /// The one begun last comes last.
    busy: Vec<Arc<Turn>>,
}

/// The right to use a connection, or a place in the queue for it; given back by dropping it.
pub struct Connection<'a> {
    line: &'a Line,
    turn: Arc<Turn>,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        let mut state = self.line.state();
        self.turn.granted.store(false, Ordering::Release);
        state.queue.retain(|turn| !Arc::ptr_eq(turn, &self.turn));
        let before = state.busy.len();
        state.busy.retain(|turn| !Arc::ptr_eq(turn, &self.turn));
        state.free += before - state.busy.len();
        state.grant();
    }
}

impl Line {
    pub fn new(connections: usize) -> Line {
        Line { state: Mutex::new(State { free: connections, queue: VecDeque::new(), busy: Vec::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while locked")
    }

    /// Connections that nobody has.
    pub fn free(&self) -> usize {
        self.state().free
    }

    /// Waits for a connection.
    pub async fn take(&self, turn: &Arc<Turn>) -> Connection<'_> {
        {
            let mut state = self.state();
            state.queue.push_back(turn.clone());
            state.grant();
        }
        let connection = Connection { line: self, turn: turn.clone() };
        while !turn.is_granted() {
            let changed = turn.changed.notified();
            match turn.is_wanted() {
                false => changed.await,
                true if timeout(PATIENCE, changed).await.is_err() => self.state().cut_one(),
                true => {}
            }
        }
        connection
    }
}

impl State {
    fn grant(&mut self) {
        while self.free > 0 {
            let busy = |turn: &Turn| self.busy.iter().filter(|other| other.of == turn.of).count();
            // The first of those that are equal.
            let next = self.queue.iter().enumerate().min_by_key(|(_, turn)| (!turn.is_wanted(), busy(turn)));
            let Some(turn) = next.map(|(place, _)| place).and_then(|place| self.queue.remove(place)) else { return };
            self.free -= 1;
            turn.granted.store(true, Ordering::Release);
            turn.changed.notify_one();
            self.busy.push(turn);
        }
    }

    /// Cuts no more requests than there are some waited for in the queue.
    fn cut_one(&mut self) {
        let waiting = self.queue.iter().filter(|turn| turn.is_wanted()).count();
        let ending = self.busy.iter().filter(|turn| turn.is_cut()).count();
        if ending < waiting
            && let Some(turn) = self.busy.iter().rev().find(|turn| !turn.is_wanted() && !turn.is_cut())
        {
            turn.cut.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(of: &str) -> Arc<Turn> {
        Arc::new(Turn::new(&Checksum::new(of)))
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_file_that_has_the_fewest() {
        let line = Line::new(3);
        let turns = ["film", "film", "photo", "film", "photo", "other"].map(turn);
        let mut held = Vec::new();
        for granted in &turns[..3] {
            held.push(line.take(granted).await);
        }
        line.state().queue.extend(turns[3..].iter().cloned());
        drop(held.remove(0));
        let granted = || turns[3..].iter().map(|turn| turn.is_granted()).collect::<Vec<_>>();
        assert_eq!(granted(), [false, false, true]);
        drop(held.remove(1));
        assert_eq!(granted(), [false, true, true]);
    }

    #[tokio::test]
    async fn who_waits_passes_the_queue_and_then_cuts_the_latest_request() {
        let line = Arc::new(Line::new(2));
        let turns: Vec<Arc<Turn>> = (0..5).map(|_| turn("file")).collect();
        let (first, second) = (line.take(&turns[0]).await, line.take(&turns[1]).await);
        let (ended, mut order) = tokio::sync::mpsc::unbounded_channel();
        for (number, turn) in turns.iter().cloned().enumerate().skip(2) {
            let (line, ended) = (line.clone(), ended.clone());
            tokio::spawn(async move {
                let _connection = line.take(&turn).await;
                ended.send(number).unwrap();
            });
            tokio::task::yield_now().await;
        }
        turns[3].want();
        while !turns[1].is_cut() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!turns[0].is_cut(), "one is enough");
        drop(second);
        assert_eq!(order.recv().await, Some(3));
        assert_eq!((order.recv().await, order.recv().await), (Some(2), Some(4)));
        drop(first);
        assert_eq!(line.state().free, 2);
    }

    #[tokio::test]
    async fn a_request_somebody_waits_for_is_never_cut() {
        let line = Line::new(1);
        let (busy, late) = (turn("one"), turn("other"));
        busy.want();
        let _held = line.take(&busy).await;
        late.want();
        assert!(timeout(3 * PATIENCE, line.take(&late)).await.is_err());
        assert!(!busy.is_cut());
        assert!(line.state().queue.is_empty(), "who gives up waiting leaves the queue");
    }
}
