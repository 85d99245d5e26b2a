mod content;
mod fake;
mod mount;
