use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Repeating it cannot help, or would harm.
    Stop,
    Again,
    /// The service named the wait.
    After(Duration),
}

/// A failure that knows whether repeating may help.
pub trait Transient {
    fn verdict(&self) -> Verdict;
}

/// How often and how long to try.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Tries after the first.
    pub retries: usize,
    /// The first wait; each later one is twice as long, up to `longest_wait`, plus a random part of itself.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// The longest wait a service may ask for; one that asks for more is not asked again.
    pub longest_asked: Duration,
    /// No try starts later than this after the first one.
    pub deadline: Duration,
    /// Where the random part comes from.
    pub seed: u64,
}

impl Default for RetryPolicy {
    /// Four more tries within two minutes. 120 s is the wait that a peer grants Retry-After (protocol/photos.md §1.5).
    fn default() -> RetryPolicy {
        RetryPolicy {
            retries: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(20),
            longest_asked: Duration::from_secs(120),
            deadline: Duration::from_secs(120),
            seed: rand::random(),
        }
    }
}

/// Calls until it succeeds, its failure says stop, or the policy is used up; then the last failure.
///
/// `call` is given the number of the attempt, from 0.
///
/// # Errors
/// The last failure of `call`.
pub async fn retry<T, E, F, Fut>(policy: &RetryPolicy, mut call: F) -> Result<T, E>
where
    E: Transient,
    F: FnMut(u32) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    let mut attempts = 0..;
    let next = || call(attempts.next().expect("fewer than 2^32 attempts"));
    next.retry(policy.backoff())
        .when(|error: &E| error.verdict() != Verdict::Stop)
        .adjust(|error: &E, planned| policy.wait(error.verdict(), planned?, started.elapsed()))
        .notify(|_, wait| tracing::debug!(target: "photosfs::http", ms = wait.as_millis(), "trying again"))
        .await
}

impl RetryPolicy {
    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.retries)
            .with_jitter()
            .with_jitter_seed(self.seed)
    }

    /// The wait before the next try, or none if there is to be no more.
    fn wait(&self, verdict: Verdict, planned: Duration, elapsed: Duration) -> Option<Duration> {
        let wait = match verdict {
            Verdict::Stop => return None,
            Verdict::Again => planned,
            Verdict::After(asked) if asked > self.longest_asked => return None,
            Verdict::After(asked) => asked.max(planned),
        };
        (elapsed + wait <= self.deadline).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Failure(Verdict);

    impl Transient for Failure {
        fn verdict(&self) -> Verdict {
            self.0
        }
    }

    fn policy() -> RetryPolicy {
        let quick = Duration::from_millis(1);
        RetryPolicy { retries: 3, first_wait: quick, longest_wait: quick, seed: 7, ..RetryPolicy::default() }
    }

    /// How many calls are made when all of them fail like this.
    async fn calls(policy: &RetryPolicy, verdict: Verdict) -> u32 {
        let mut calls = 0;
        let outcome: Result<(), Failure> = retry(policy, |attempt| {
            calls = attempt + 1;
            async move { Err(Failure(verdict)) }
        })
        .await;
        assert_eq!(outcome, Err(Failure(verdict)));
        calls
    }

    #[tokio::test]
    async fn it_stops_when_told_and_when_used_up() {
        assert_eq!(calls(&policy(), Verdict::Stop).await, 1);
        assert_eq!(calls(&policy(), Verdict::Again).await, 4);
        assert_eq!(calls(&policy(), Verdict::After(Duration::from_millis(1))).await, 4);
        assert_eq!(calls(&policy(), Verdict::After(Duration::from_secs(3600))).await, 1, "an hour is too long");
    }

    #[tokio::test]
    async fn no_try_starts_after_the_deadline() {
        let policy = RetryPolicy { deadline: Duration::ZERO, ..policy() };
        assert_eq!(calls(&policy, Verdict::Again).await, 1);
    }

    #[test]
    fn a_seed_gives_one_schedule() {
        use backon::BackoffBuilder;
        let waits = || RetryPolicy { seed: 42, ..RetryPolicy::default() }.backoff().build().collect::<Vec<_>>();
        assert_eq!(waits(), waits());
        assert_eq!(waits().len(), 4);
    }

    #[test]
    fn the_service_may_ask_for_longer_but_not_for_less() {
        let policy = RetryPolicy::default();
        let (second, ten) = (Duration::from_secs(1), Duration::from_secs(10));
        assert_eq!(policy.wait(Verdict::After(ten), second, Duration::ZERO), Some(ten));
        assert_eq!(policy.wait(Verdict::After(second), ten, Duration::ZERO), Some(ten));
    }
}
