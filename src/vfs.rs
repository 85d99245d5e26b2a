//! (room: vfs)
