//! The demo library.

use std::io;

use crate::library::Cloud;

/// Fills an empty account with the demo library.
pub fn fill(_cloud: &Cloud) -> io::Result<()> {
    Ok(())
}
