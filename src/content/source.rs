//! Where bytes come from.

use std::ops::Range;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::SourceError;
use crate::http::Hope;
use crate::photos::Resource;

/// Gives byte ranges of resources. Retries and fresh addresses are its own business.
pub trait Source: Send + Sync {
    /// Asks for a range that lies inside the resource and is not empty.
    fn open<'a>(
        &'a self,
        resource: &'a Resource,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Box<dyn Body>, SourceError>>;

    /// Gets what is needed before the first byte can be asked for, together for all: addresses. A failure here is met
    /// again in [`Source::open`], which tells of it.
    fn prepare<'a>(&'a self, _: &'a [Resource]) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    /// Whether there is any hope of an answer.
    fn hope(&self) -> Hope {
        Hope::Good
    }
}

/// The bytes of a range, in order.
pub trait Body: Send {
    /// The next piece; `None` at the end.
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, SourceError>>;
}
