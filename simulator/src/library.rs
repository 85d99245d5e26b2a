//! The photo libraries of the account.

use std::io;

use crate::options::Options;

pub struct Library {}

impl Library {
    pub fn open(_options: &Options) -> io::Result<Library> {
        Ok(Library {})
    }
}
