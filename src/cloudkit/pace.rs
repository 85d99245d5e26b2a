//! How many calls may be under way at once: more as long as the service answers well, half as many when it does not.
//!
//! As TCP does it: one more for every good answer until there is a first sign of too much; from then on one more for all answers
//! that come together, and half as many at each sign. Signs are failures that may pass (429, 503, a connection that breaks) and
//! answers that take longer and longer. Peers list with 8 to 16 calls at once and are not throttled
//! (protocol/photos.md §2.5); accounts that were hammered have been locked out for days (§1.5).

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::times::Times;

/// Calls at once: to begin with, and at the most.
const FIRST: f64 = 4.0;
pub const MOST: usize = 16;
/// The longest that one answer's Retry-After makes the others wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// The gate all calls of one account go through.
pub struct Pace {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    limit: f64,
    under_way: usize,
    times: Times,
    /// Failures of calls from before are of the time before.
    cut: Option<Instant>,
    /// The service asked to be left alone until then.
    pause: Option<Instant>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With so many bytes.
    Answered(usize),
    /// It may pass later; the service may have said when.
    Overloaded(Option<Duration>),
    /// Something that says nothing about the load.
    Other,
}

/// A call that is under way; over when dropped.
pub struct Turn<'a> {
    pace: &'a Pace,
    asked: &'static str,
    began: Instant,
}

impl Default for Pace {
    fn default() -> Pace {
        let state = State { limit: FIRST, under_way: 0, times: Times::default(), cut: None, pause: None };
        Pace { state: Mutex::new(state), changed: Notify::new() }
    }
}

impl Pace {
    /// Waits for a place for a call; what it asks is what its answer's time is compared by.
    pub async fn enter(&self, asked: &'static str) -> Turn<'_> {
        loop {
            let changed = self.changed.notified();
            let pause = match self.state().enter(Instant::now()) {
                Ok(()) => return Turn { pace: self, asked, began: Instant::now() },
                Err(pause) => pause,
            };
            match pause {
                Some(until) => tokio::time::sleep_until(until).await,
                None => changed.await,
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }
}

impl Turn<'_> {
    /// Ends the call and learns from it.
    pub fn end(self, ending: Ending) {
        self.pace.state().end(self.asked, ending, self.began, Instant::now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pace.state().under_way -= 1;
        self.pace.changed.notify_waiters();
    }
}

impl State {
    /// Takes a place, or gives how long there is none, if that is known.
    fn enter(&mut self, now: Instant) -> Result<(), Option<Instant>> {
        self.pause = self.pause.filter(|until| *until > now);
        if self.pause.is_some() {
            return Err(self.pause);
        }
        if self.under_way >= self.limit as usize {
            return Err(None);
        }
        self.under_way += 1;
        Ok(())
    }

    fn end(&mut self, asked: &'static str, ending: Ending, began: Instant, now: Instant) {
        match ending {
            Ending::Answered(bytes) => self.answered(asked, bytes, began, now),
            Ending::Overloaded(wait) => {
                let until = wait.map(|wait| now + wait.min(LONGEST_PAUSE));
                self.pause = self.pause.max(until);
                self.halve(began, now);
            }
            Ending::Other => {}
        }
    }

    fn answered(&mut self, asked: &'static str, bytes: usize, began: Instant, now: Instant) {
        if self.times.note(asked, bytes, now.duration_since(began).as_secs_f64()) {
            return self.halve(began, now);
        }
        // A limit that is not half reached says nothing about itself.
        if self.under_way * 2 >= self.limit as usize {
            let step = if self.cut.is_none() { 1.0 } else { 1.0 / self.limit };
            self.limit = (self.limit + step).min(MOST as f64);
        }
    }

    /// Once for all calls that were under way together.
    fn halve(&mut self, began: Instant, now: Instant) {
        if self.cut.is_some_and(|cut| began <= cut) {
            return;
        }
        self.limit = (self.limit / 2.0).max(1.0);
        self.cut = Some(now);
        self.times.forgive();
        tracing::debug!(target: "photosfs::cloudkit", limit = self.limit, "fewer calls at once");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Ending = Ending::Answered(150_000);

    /// A service that takes calls in rounds: as many as are let in together, each taking the time it says for so many.
    struct Service {
        state: State,
        now: Instant,
        takes: fn(usize) -> u64,
    }

    impl Service {
        fn new(takes: fn(usize) -> u64) -> Service {
            Service { state: Pace::default().state.into_inner().unwrap(), now: Instant::now(), takes }
        }

        /// Rounds of calls with one ending; gives the limit afterwards.
        fn rounds(&mut self, rounds: usize, ending: Ending) -> f64 {
            for _ in 0..rounds {
                let began = self.now;
                let together = (0..).take_while(|_| self.state.enter(began).is_ok()).count();
                self.now += Duration::from_millis((self.takes)(together));
                for _ in 0..together {
                    self.state.end("photos", ending, began, self.now);
                    self.state.under_way -= 1;
                }
                self.now += Duration::from_millis(1);
            }
            self.state.limit
        }
    }

    #[test]
    fn it_grows_to_the_most_while_all_is_well() {
        assert_eq!(Service::new(|_| 300).rounds(200, GOOD), MOST as f64);
    }

    #[test]
    fn it_halves_once_for_calls_that_failed_together() {
        let mut service = Service::new(|_| 300);
        service.rounds(200, GOOD);
        assert_eq!(service.rounds(1, Ending::Overloaded(None)), MOST as f64 / 2.0);
        assert_eq!(service.rounds(10, Ending::Overloaded(None)), 1.0, "and never stands still");
        assert!(service.rounds(20, GOOD) > 8.0);
        assert!(service.rounds(20, Ending::Other) > 8.0, "what says nothing changes nothing");
    }

    #[test]
    fn it_stays_where_answers_do_not_slow_down() {
        // A service that works well on six calls at a time.
        let mut service = Service::new(|together| if together <= 6 { 300 } else { 300 * together as u64 });
        for _ in 0..40 {
            let limit = service.rounds(5, GOOD);
            assert!((2.0..9.0).contains(&limit), "{limit}");
        }
    }

    #[test]
    fn answers_that_are_quick_enough_may_slow_down() {
        assert_eq!(Service::new(|together| 20 * together as u64).rounds(200, GOOD), MOST as f64);
    }

    #[test]
    fn pages_that_take_longer_than_counts_are_no_sign() {
        let mut service = Service::new(|_| 200);
        service.rounds(3, Ending::Answered(600));
        service.takes = |_| 2_000;
        assert_eq!(service.rounds(20, GOOD), MOST as f64);
        service.takes = |_| 200;
        service.rounds(3, Ending::Answered(600));
        service.takes = |_| 2_000;
        assert_eq!(service.rounds(20, GOOD), MOST as f64);
    }

    #[test]
    fn when_asked_to_wait_all_wait() {
        let mut service = Service::new(|_| 300);
        service.rounds(1, Ending::Overloaded(Some(Duration::from_secs(30))));
        let later = service.now + Duration::from_secs(29);
        assert!(service.state.enter(service.now).is_err() && service.state.enter(later).is_err());
        assert!(service.state.enter(later + Duration::from_secs(2)).is_ok());
    }

    #[tokio::test]
    async fn no_more_are_let_in_than_the_limit_and_each_gives_its_place_on() {
        let pace = Pace::default();
        let turns = futures_util::future::join_all((0..FIRST as usize).map(|_| pace.enter("photos"))).await;
        let waiting = tokio::time::timeout(Duration::from_millis(20), pace.enter("photos")).await;
        assert!(waiting.is_err());
        let (next, ()) = tokio::join!(pace.enter("photos"), async { drop(turns) });
        next.end(GOOD);
        assert_eq!(pace.state().under_way, 0);
    }
}
