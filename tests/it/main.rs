mod clients;
mod content;
mod fake;
mod listing;
mod mount;
mod sign_in;
mod stage;
mod vfs;
