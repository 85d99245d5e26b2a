use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The clock by which an account waits: the machine's, unless a test moves it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Moves it, for everybody who has a clone; back, too.
    pub fn advance(&self, by: SignedDuration) {
        self.ahead_ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or_default(), Ordering::Relaxed);
    }
}
