//! (room: cloudkit)
