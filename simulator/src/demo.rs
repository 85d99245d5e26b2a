//! The demo library.
