//! The connections to the content host: one number for everybody, and who waits goes first.
//!
//! Requests that nobody waits for may take every connection, so that none is idle. A request that somebody waits for
//! passes them in the queue; if no connection comes free soon, the request begun last of those that nobody waits for is
//! cut short: it keeps what it has and queues again for the rest. If somebody waits for all of them, one that has had its
//! turn is. Of several files the one with the fewest connections is next, so that each reader goes on when its latest
//! request has ended. While a file comes slowly to somebody nobody foresaw, nothing else is fetched but what is waited for.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    /// Its file was to be fetched ahead before anybody asked for it.
    is_foreseen: bool,
    wanted: AtomicBool,
    /// What it needs beside a connection is there.
    ready: AtomicBool,
    granted: AtomicBool,
    /// It has had its turn: from now on its connection is anybody's who waits for one.
    over: AtomicBool,
    cut: AtomicBool,
    /// Blocks of its file that somebody goes through and that are neither here nor on their way.
    left: AtomicU64,
    /// Blocks that it has yet to bring itself.
    rest: AtomicU64,
    changed: Notify,
}

impl Turn {
    pub fn new(of: &Checksum, is_foreseen: bool) -> Turn {
        let [wanted, ready, granted, over, cut] = Default::default();
        let [left, rest] = Default::default();
        Turn { of: of.clone(), is_foreseen, wanted, ready, granted, over, cut, left, rest, changed: Notify::new() }
    }

    pub fn file(&self) -> &Checksum {
        &self.of
    }

    pub fn is_foreseen(&self) -> bool {
        self.is_foreseen
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

    /// Leaves to another request of the same file, which fetches it in its place, what somebody waits for.
    pub fn hand_over(&self, other: &Turn) {
        if self.wanted.swap(false, Ordering::AcqRel) {
            other.want();
        }
    }

    /// Whether it has a connection now.
    pub fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Acquire)
    }

    /// Notes that it has fetched as much as anybody may at a time while others wait.
    pub fn end_turn(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Notes how many blocks of its file are left to fetch for anybody.
    pub fn note_left(&self, blocks: u64) {
        self.left.store(blocks, Ordering::Release);
    }

    /// Notes how many blocks it has yet to bring.
    pub fn note_rest(&self, blocks: u64) {
        self.rest.store(blocks, Ordering::Release);
    }

    fn left(&self) -> u64 {
        self.left.load(Ordering::Acquire)
    }

    /// Whether its connection may be taken from it for somebody who waits.
    fn yields(&self) -> bool {
        !self.is_wanted() || self.over.load(Ordering::Acquire)
    }

    /// Whether the request is to give its connection up, because somebody waits for one and nobody for this.
    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire) && self.yields()
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

/// The connections.
pub struct Line {
    all: usize,
    state: Mutex<State>,
}

struct State {
    free: usize,
    queue: VecDeque<Arc<Turn>>,
    /// The one begun last comes last.
    busy: Vec<Arc<Turn>>,
    /// Files that come slowly to somebody nobody foresaw.
    hurried: Vec<Checksum>,
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
        let state = State { free: connections, queue: VecDeque::new(), busy: Vec::new(), hurried: Vec::new() };
        Line { all: connections, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while locked")
    }

    /// Connections that nobody has.
    pub fn free(&self) -> usize {
        self.state().free
    }

    /// Blocks of each connection, if all had an equal share of what is left and under way: a request of so many that begins
    /// now ends when the others do. `left` is what is left of this file.
    pub fn share(&self, of: &Checksum, left: u64) -> u64 {
        let state = self.state();
        let rest: u64 = state.busy.iter().map(|turn| turn.rest.load(Ordering::Acquire)).sum();
        let others = state.queue.iter().chain(&state.busy).filter(|turn| turn.of != *of);
        let others: HashMap<&Checksum, u64> = others.map(|turn| (&turn.of, turn.left())).collect();
        (left + rest + others.values().sum::<u64>()).div_ceil(self.all as u64)
    }

    /// Whether there are files of which nothing is fetched for want of a connection.
    pub fn is_short(&self) -> bool {
        let state = self.state();
        let without = state.queue.iter().filter(|turn| turn.left() > 0 && state.connections(&turn.of) == 0);
        without.map(|turn| &turn.of).collect::<HashSet<_>>().len() > state.free
    }

    /// Leaves the line to a file and to what somebody waits for: the other requests are cut short, and none begins.
    pub fn hurry(&self, of: &Checksum) {
        let mut state = self.state();
        state.hurried.push(of.clone());
        let others = state.busy.iter().filter(|turn| !turn.is_wanted() && turn.of != *of);
        others.for_each(|turn| turn.cut.store(true, Ordering::Release));
    }

    /// The file is here, or not hoped for any more.
    pub fn end_hurry(&self, of: &Checksum) {
        let mut state = self.state();
        if let Some(own) = state.hurried.iter().position(|file| file == of) {
            state.hurried.swap_remove(own);
        }
        state.grant();
    }

    /// A place in the queue, for a request that is not ready yet: the others know of it.
    pub fn join(&self, turn: &Arc<Turn>) -> Connection<'_> {
        self.state().queue.push_back(turn.clone());
        Connection { line: self, turn: turn.clone() }
    }
}

impl Connection<'_> {
    /// Waits for it.
    pub async fn granted(self) -> Self {
        let turn = &self.turn;
        turn.ready.store(true, Ordering::Release);
        self.line.state().grant();
        while !turn.is_granted() {
            let changed = turn.changed.notified();
            match turn.is_wanted() {
                false => changed.await,
                true => {
                    // It may have rested beside connections that are free.
                    self.line.state().grant();
                    if timeout(PATIENCE, changed).await.is_err() {
                        self.line.state().cut_one();
                    }
                }
            }
        }
        self
    }
}

impl State {
    fn grant(&mut self) {
        while self.free > 0 {
            let ready = self.queue.iter().enumerate().filter(|(_, turn)| turn.is_ready() && !self.rests(turn));
            // The first of those that are equal.
            let next = ready.min_by_key(|(_, turn)| (!turn.is_wanted(), self.connections(&turn.of)));
            let Some((place, turn)) = next.filter(|(_, turn)| turn.is_wanted() || self.free > self.expected()) else {
                return;
            };
            turn.granted.store(true, Ordering::Release);
            turn.changed.notify_one();
            self.free -= 1;
            self.busy.extend(self.queue.remove(place));
        }
    }

    /// Whether it leaves the line to another file.
    fn rests(&self, turn: &Turn) -> bool {
        !turn.is_wanted() && self.hurried.iter().any(|file| *file != turn.of)
    }

    /// Those that a file has.
    fn connections(&self, of: &Checksum) -> usize {
        self.busy.iter().filter(|turn| turn.of == *of).count()
    }

    /// Files that somebody waits for, that have no connection, and whose requests are not ready: they find one free.
    fn expected(&self) -> usize {
        let soon = self.queue.iter().filter(|turn| turn.is_wanted() && !turn.is_ready());
        let files: HashSet<&Checksum> = soon.map(|turn| &turn.of).collect();
        files.into_iter().filter(|of| self.connections(of) == 0).count()
    }

    /// Cuts no more requests than there are some waited for in the queue.
    fn cut_one(&mut self) {
        let waiting = self.queue.iter().filter(|turn| turn.is_wanted() && turn.is_ready()).count();
        let ending = self.busy.iter().filter(|turn| turn.is_cut()).count();
        let yielding = self.busy.iter().rev().filter(|turn| turn.yields() && !turn.is_cut());
        if ending < waiting
            // The last of those that are equal is the first here.
            && let Some(turn) = yielding.min_by_key(|turn| turn.is_wanted())
        {
            turn.cut.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use super::*;

    fn turn(of: &str) -> Arc<Turn> {
        Arc::new(Turn::new(&Checksum::new(of), false))
    }

    /// Ready, one after another.
    async fn join_all<'a>(
        line: &'a Line,
        turns: &[Arc<Turn>],
    ) -> Vec<Pin<Box<dyn Future<Output = Connection<'a>> + 'a>>> {
        let mut all: Vec<Pin<Box<dyn Future<Output = Connection<'a>>>>> = Vec::new();
        for turn in turns {
            let mut waiting: Pin<Box<dyn Future<Output = _>>> = Box::pin(line.join(turn).granted());
            assert!(futures_util::poll!(&mut waiting).is_pending());
            all.push(waiting);
        }
        all
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_who_waits_and_is_not_ready_yet() {
        let line = Line::new(3);
        let [film, ahead, photo] = ["film", "film", "photo"].map(turn);
        photo.want();
        let soon = line.join(&photo);
        let first = line.join(&film).granted().await;
        let second = line.join(&ahead).granted().await;
        let mut third = join_all(&line, &[turn("film")]).await;
        assert_eq!(line.state().free, 1, "of three");
        let soon = soon.granted().await;
        assert!(photo.is_granted());
        drop((first, soon));
        let third = third.remove(0).await;
        drop((second, third));
        assert_eq!(line.state().free, 3);
    }

    #[tokio::test]
    async fn a_share_is_what_each_connection_has_yet_to_bring() {
        let line = Line::new(2);
        let [film, later, photo, other] = ["film", "film", "photo", "other"].map(turn);
        film.note_rest(70);
        [&film, &later].into_iter().for_each(|turn| turn.note_left(30));
        let _first = line.join(&film).granted().await;
        let _queued = line.join(&later);
        assert_eq!(line.share(&Checksum::new("film"), 30), 50);
        assert_eq!(line.share(&Checksum::new("photo"), 10), 55, "with what is left of the film");
        photo.note_left(10);
        let _soon = line.join(&photo);
        assert!(!line.is_short(), "a connection is free for the photo");
        other.note_left(1);
        let _later = line.join(&other);
        assert!(line.is_short());
    }

    #[tokio::test]
    async fn who_has_had_his_turn_gives_way_to_who_waits() {
        let line = Line::new(2);
        let [long, short, late] = ["long", "short", "late"].map(turn);
        [&long, &short, &late].into_iter().for_each(|turn| turn.want());
        let (_held, _other) = (line.join(&long).granted().await, line.join(&short).granted().await);
        long.end_turn();
        assert!(!long.is_cut(), "nobody waits yet");
        assert!(timeout(3 * PATIENCE, line.join(&late).granted()).await.is_err());
        assert!(long.is_cut() && !short.is_cut());
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_file_that_has_the_fewest() {
        let line = Line::new(3);
        let turns = ["film", "film", "photo", "film", "photo", "other"].map(turn);
        let mut held = Vec::new();
        for granted in &turns[..3] {
            held.push(line.join(granted).granted().await);
        }
        let _waiting = join_all(&line, &turns[3..]).await;
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
        let (first, second) = (line.join(&turns[0]).granted().await, line.join(&turns[1]).granted().await);
        let (ended, mut order) = tokio::sync::mpsc::unbounded_channel();
        for (number, turn) in turns.iter().cloned().enumerate().skip(2) {
            let (line, ended) = (line.clone(), ended.clone());
            tokio::spawn(async move {
                let _connection = line.join(&turn).granted().await;
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
        let _held = line.join(&busy).granted().await;
        late.want();
        assert!(timeout(3 * PATIENCE, line.join(&late).granted()).await.is_err());
        assert!(!busy.is_cut());
        assert!(line.state().queue.is_empty(), "who gives up waiting leaves the queue");
    }
}
