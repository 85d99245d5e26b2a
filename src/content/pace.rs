//! A slow line is first of all for who waits for a file that nobody foresaw.
//!
//! Of ten connections on a line of 50 Mbit/s one has 0.6 MB/s: a photo of 5 MB that somebody opens takes 8.1 s beside nine that
//! are only guessed, and 1.4 s if they are cut short for it (benches/results.md). Who walks through a directory waits for
//! files that were foreseen, and is served fastest by all connections.

use std::time::Duration;

use tokio::time::Instant;

use super::line::{Line, Turn};

/// Bytes a second. A connection to Apple brings 5 MB/s and more (protocol/photos.md §5.6), unless the line is shared.
const SLOW: f64 = 2e6;
/// How long a request is watched before it is called slow.
const WATCHED: Duration = Duration::from_millis(100);

/// How fast the bytes of one answer come.
pub struct Pace<'a> {
    line: &'a Line,
    turn: &'a Turn,
    first: Option<Instant>,
    bytes: usize,
    is_slow: bool,
}

impl<'a> Pace<'a> {
    pub fn new(line: &'a Line, turn: &'a Turn) -> Pace<'a> {
        Pace { line, turn, first: None, bytes: 0, is_slow: false }
    }

    /// Notes bytes that have come.
    pub fn note(&mut self, bytes: usize) {
        let took = self.first.get_or_insert_with(Instant::now).elapsed();
        self.bytes += bytes;
        let is_awaited = self.turn.is_wanted() && !self.turn.is_foreseen();
        if is_awaited && !self.is_slow && took > WATCHED && (self.bytes as f64) < SLOW * took.as_secs_f64() {
            self.is_slow = true;
            self.line.hurry(self.turn.file());
        }
    }
}

impl Drop for Pace<'_> {
    fn drop(&mut self) {
        if self.is_slow {
            self.line.end_hurry(self.turn.file());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::photos::Checksum;

    fn turn(of: &str, is_foreseen: bool, is_wanted: bool) -> Arc<Turn> {
        let turn = Turn::new(&Checksum::new(of), is_foreseen);
        if is_wanted {
            turn.want();
        }
        Arc::new(turn)
    }

    #[tokio::test]
    async fn what_is_guessed_gives_way_to_a_photo_that_comes_slowly() {
        let line = Line::new(4);
        let (photo, guess) = (turn("photo", false, true), turn("guess", true, false));
        let (sibling, other) = (turn("photo", false, false), turn("other", true, true));
        let _photo = line.join(&photo).granted().await;
        let held = line.join(&guess).granted().await;
        let mut pace = Pace::new(&line, &photo);
        pace.note(1000);
        assert!(!guess.is_cut(), "too early to tell");
        sleep(2 * WATCHED).await;
        pace.note(1000);
        assert!(guess.is_cut());
        drop(held);
        let later = turn("guess", true, false);
        let mut resting = std::pin::pin!(line.join(&later).granted());
        assert!(timeout(WATCHED, &mut resting).await.is_err(), "connections are free");
        let _sibling = line.join(&sibling).granted().await;
        let _other = line.join(&other).granted().await;
        assert!(!sibling.is_cut() && !other.is_cut());
        later.want();
        drop(resting.await);
        let latest = turn("guess", true, false);
        let mut resting = std::pin::pin!(line.join(&latest).granted());
        assert!(timeout(WATCHED, &mut resting).await.is_err());
        drop(pace);
        resting.await;
    }

    #[tokio::test]
    async fn nothing_gives_way_on_a_fast_line_or_to_a_walk() {
        let line = Line::new(3);
        let (fast, walk, guess) = (turn("fast", false, true), turn("walk", true, true), turn("guess", true, false));
        let _held = line.join(&guess).granted().await;
        let mut paces = [Pace::new(&line, &fast), Pace::new(&line, &walk)];
        paces.iter_mut().for_each(|pace| pace.note(1));
        sleep(2 * WATCHED).await;
        paces[0].note(1 << 40);
        paces[1].note(1);
        assert!(!guess.is_cut());
        line.join(&turn("later", true, false)).granted().await;
    }
}
