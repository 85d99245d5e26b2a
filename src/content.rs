//! (room: content)
