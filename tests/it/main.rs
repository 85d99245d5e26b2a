mod content;
mod fake;
mod listing;
mod mount;
mod stage;
mod vfs;
