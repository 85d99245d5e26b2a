//! A connection that carries so many bytes to its client and is then closed, wherever it is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub struct Metered<S> {
    inner: S,
    left: u64,
}

impl<S> Metered<S> {
    pub fn new(inner: S, share: u64) -> Metered<S> {
        Metered { inner, left: share }
    }

    pub fn is_exhausted(&self) -> bool {
        self.left == 0
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context, buffer: &mut ReadBuf) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.left == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let share = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let written = Pin::new(&mut self.inner).poll_write(cx, &bytes[..share]);
        if let Poll::Ready(Ok(count)) = written {
            self.left -= count as u64;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
