//! (room: account)
