//! Questions to a person.

use std::io::{BufRead, stdin};
use std::os::fd::AsFd;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use crate::account::Phone;
use crate::cli::Failure;

pub fn ask(question: &str) -> Result<String, Failure> {
    eprint!("{question}");
    let mut line = String::new();
    match stdin().lock().read_line(&mut line) {
        Ok(0) => Err(Failure::plain("nothing was typed", "")),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(Failure::plain(error, "")),
    }
}

pub fn ask_number(phones: &[Phone]) -> Result<u64, Failure> {
    eprintln!("Apple can send the code to these numbers:");
    for phone in phones {
        eprintln!("  {phone}");
    }
    loop {
        match ask("Which one: ")?.parse() {
            Ok(number) if phones.iter().any(|phone| phone.id == number) => return Ok(number),
            _ => eprintln!("Type the number in front of it."),
        }
    }
}

pub fn ask_password() -> Result<SecretString, Failure> {
    // Before the question is seen: whoever answers at once would otherwise show the first letters.
    let _silent = Silent::new();
    let typed = rpassword::prompt_password("Password: ").map_err(|error| Failure::plain(error, ""))?;
    match typed.is_empty() {
        true => Err(Failure::plain("nothing was typed", "")),
        false => Ok(SecretString::from(typed)),
    }
}

/// The terminal shows nothing of what is typed, until this is dropped.
struct Silent {
    before: Option<Termios>,
}

impl Silent {
    /// Without a terminal there is nothing to silence.
    fn new() -> Silent {
        let before = tcgetattr(stdin().as_fd()).ok();
        if let Some(mut silent) = before.clone() {
            silent.local_flags.remove(LocalFlags::ECHO);
            silent.local_flags.insert(LocalFlags::ECHONL);
            let _ = tcsetattr(stdin().as_fd(), SetArg::TCSANOW, &silent);
        }
        Silent { before }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin().as_fd(), SetArg::TCSANOW, before);
        }
    }
}
