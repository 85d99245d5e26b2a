//! A range of a resource, exactly: taken up again where it broke.

use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::line::Turn;
use super::pace::Pace;
use super::{BLOCK, Body, Shared, SourceError};
use crate::photos::Resource;

/// How often a download may break within one piece before it is given up.
const ATTEMPTS: u32 = 3;
/// How long a body may give nothing.
const STALL: Duration = Duration::from_secs(20);
/// The wait before the second attempt; the third waits twice as long.
const PAUSE: Duration = Duration::from_millis(250);

pub struct Ranged<'a> {
    shared: &'a Shared,
    turn: &'a Turn,
    resource: &'a Resource,
    /// What has not arrived yet.
    rest: Range<u64>,
    pace: Pace<'a>,
    body: Option<Box<dyn Body>>,
    buffer: BytesMut,
}

impl<'a> Ranged<'a> {
    pub fn new(shared: &'a Shared, turn: &'a Turn, resource: &'a Resource, range: Range<u64>) -> Ranged<'a> {
        let pace = Pace::new(&shared.line, turn);
        Ranged { shared, turn, resource, rest: range, pace, body: None, buffer: BytesMut::new() }
    }

    /// The next `length` bytes; fewer if the request is cut meanwhile: then whole blocks, as far as they are here.
    pub async fn take_unless_cut(&mut self, length: usize) -> Result<Bytes, SourceError> {
        let mut breaks = 0;
        // In one piece: grown by doubling it would take up to twice its length, and keep it.
        self.buffer.reserve(length.saturating_sub(self.buffer.len()));
        while self.buffer.len() < length {
            if self.turn.is_cut() {
                let whole = self.buffer.len() - self.buffer.len() % BLOCK as usize;
                return Ok(self.buffer.split_to(whole).freeze());
            }
            match self.chunk().await {
                Ok(bytes) => self.buffer.extend_from_slice(&bytes),
                Err(SourceError::Interrupted(reason)) if breaks + 1 < ATTEMPTS => {
                    tracing::debug!(reason, "a download broke; going on where it stopped");
                    self.body = None;
                    breaks += 1;
                    tokio::time::sleep(PAUSE * breaks).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn chunk(&mut self) -> Result<Bytes, SourceError> {
        let body = match &mut self.body {
            Some(body) => body,
            None => self.body.insert(self.shared.source.open(self.resource, self.rest.clone()).await?),
        };
        let stalled = |_| SourceError::Interrupted(format!("no byte for {} seconds", STALL.as_secs()));
        let Some(bytes) = timeout(STALL, body.chunk()).await.map_err(stalled)?? else {
            return Err(SourceError::Interrupted("the body ended too early".into()));
        };
        let length = bytes.len() as u64;
        if length > self.rest.end - self.rest.start {
            return Err(SourceError::Failed("the body is longer than the range".into()));
        }
        self.rest.start += length;
        if self.rest.is_empty() {
            // The connection is another request's from now on.
            self.body = None;
        }
        self.pace.note(bytes.len());
        self.shared.throttle.pass(bytes.len(), self.turn.is_wanted()).await;
        Ok(bytes)
    }
}
