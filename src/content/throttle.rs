//! A limit on the bytes fetched in a second, if a person has set one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

/// What may go faster after a pause.
const BURST: Duration = Duration::from_millis(100);

/// How often what nobody waits for looks whether it may go on.
const LOOK: Duration = Duration::from_millis(20);

/// One limit for everything that is fetched. A connection that is read late is sent to late.
pub struct Throttle {
    bytes_per_second: Option<f64>,
    /// When the bytes let through so far are paid for.
    due: Mutex<Instant>,
    waited_for: AtomicUsize,
}

impl Throttle {
    pub fn new(bytes_per_second: Option<u64>) -> Throttle {
        Throttle {
            bytes_per_second: bytes_per_second.map(|rate| rate.max(1) as f64),
            due: Mutex::new(Instant::now()),
            waited_for: AtomicUsize::new(0),
        }
    }

    /// Returns when so many bytes have had their time; what somebody waits for goes first.
    pub async fn pass(&self, bytes: usize, is_wanted: bool) {
        let Some(rate) = self.bytes_per_second else { return };
        while !is_wanted && self.waited_for.load(Ordering::Relaxed) > 0 {
            sleep(LOOK).await;
        }
        let until = {
            let mut due = self.due.lock().expect("no panic while locked");
            let now = Instant::now();
            *due = (*due).max(now.checked_sub(BURST).unwrap_or(now)) + Duration::from_secs_f64(bytes as f64 / rate);
            *due
        };
        let _waiting = is_wanted.then(|| Waiting::new(&self.waited_for));
        sleep_until(until).await;
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Waiting<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_take_their_time() {
        let throttle = Throttle::new(Some(10_000));
        let begun = Instant::now();
        throttle.pass(2000, false).await;
        throttle.pass(2000, true).await;
        assert!(begun.elapsed() >= Duration::from_millis(290), "400 ms, less the burst");
    }

    #[tokio::test]
    async fn who_waits_goes_first_and_without_a_limit_nobody_waits() {
        let throttle = Throttle::new(Some(10_000));
        let ended = Mutex::new(Vec::new());
        let pass = |name, bytes, is_wanted| {
            let (throttle, ended) = (&throttle, &ended);
            async move {
                throttle.pass(bytes, is_wanted).await;
                ended.lock().unwrap().push(name);
            }
        };
        tokio::join!(pass("wanted", 4000, true), pass("other", 1, false));
        assert_eq!(*ended.lock().unwrap(), ["wanted", "other"]);
        Throttle::new(None).pass(usize::MAX, false).await;
    }
}
