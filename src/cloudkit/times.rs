//! How long answers take, each compared with those like it: a page of photos takes seconds, a count or an empty page tenths
//! of one (protocol/photos.md §11), and neither says anything about the other.

use std::collections::HashMap;

/// Answers so many times slower than at the best of times are slow. Below the second bound none is: pages take 0.2 to 4 s
/// (protocol/photos.md §11).
const GROWN: f64 = 3.0;
const NEVER_SLOW: f64 = 0.5;
/// How much a single answer counts for the recent time, and how slowly the best time gives way to a worse one: answers four
/// times as slow are noticed after some ten, and after some thirty they are what is usual.
const RECENT: f64 = 0.2;
const FADING: f64 = 0.004;

/// The times of each kind of answer: by what was asked, and by the power of two of its bytes.
#[derive(Default)]
pub struct Times(HashMap<(&'static str, u32), Time>);

/// Seconds: the best of times, and of late.
struct Time {
    best: f64,
    recent: f64,
}

impl Times {
    /// Takes down an answer; gives whether those of its kind have become slow.
    pub fn note(&mut self, asked: &'static str, bytes: usize, took: f64) -> bool {
        let kind = (asked, bytes.checked_ilog2().unwrap_or(0));
        let time = self.0.entry(kind).or_insert(Time { best: took, recent: took });
        time.best = if took < time.best { took } else { time.best + (took - time.best) * FADING };
        time.recent += (took - time.recent) * RECENT;
        time.recent > NEVER_SLOW && time.recent > time.best * GROWN
    }

    /// From here on it takes several slow answers again: something was done about those before.
    pub fn forgive(&mut self) {
        self.0.values_mut().for_each(|time| time.recent = time.best);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 150_000;

    #[test]
    fn several_slow_answers_are_slow_and_one_is_not() {
        let mut times = Times::default();
        assert!(!times.note("photos", PAGE, 1.0) && !times.note("photos", PAGE, 9.0), "one of them");
        let slow = |times: &mut Times| (0..).take_while(|_| !times.note("photos", PAGE, 4.0)).count();
        assert!((2..16).contains(&slow(&mut times)));
        times.forgive();
        assert!((2..16).contains(&slow(&mut times)));
        let slow_ones = (0..60).filter(|_| times.note("photos", PAGE, 4.0)).count();
        assert!(slow_ones < 40 && !times.note("photos", PAGE, 4.0), "it is what is usual by now");
    }

    #[test]
    fn answers_are_compared_with_those_like_them() {
        let mut times = Times::default();
        for _ in 0..100 {
            let answers = [("photos", PAGE, 2.0), ("photos", 150, 0.2), ("counts", PAGE, 0.2)];
            assert!(!answers.into_iter().any(|(asked, bytes, took)| times.note(asked, bytes, took)));
        }
    }

    #[test]
    fn what_is_quick_may_become_less_so() {
        let mut times = Times::default();
        assert!(!times.note("photos", PAGE, 0.01));
        assert!(!(0..100).any(|_| times.note("photos", PAGE, 0.4)));
    }
}
