//! Where `.photosfs/status.json` comes from.

/// Tells how the library is.
pub trait StatusSource: Send + Sync {
    /// The whole text of `status.json`. Must not wait.
    fn status(&self) -> String;
}
