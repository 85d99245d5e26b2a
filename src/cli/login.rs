//! `photosfs login`: in one go on a terminal; in two steps, and without ever waiting, off it.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use secrecy::SecretString;
use tokio::runtime::Runtime;

use super::failure::code;
use super::{Context, Failure};
use crate::account::{Account, AccountError, SignIn, stored_password};
use crate::config::{Config, ConfigError, Settings};
use crate::http::Http;

/// Apple locks the account for hours after too many.
const TRIES: usize = 3;

/// Sign in to the account
#[derive(clap::Args)]
pub struct Args {
    /// The code that Apple shows on your devices, to finish a sign-in that asked for one
    #[arg(long, value_name = "DIGITS")]
    code: Option<String>,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let terminal = std::io::stdin().is_terminal();
    let config = config(context, terminal)?;
    let runtime = super::runtime()?;
    let account = Account::open(&config, Http::new(&config.endpoints)?)?;
    match args.code {
        Some(code) => runtime.block_on(account.submit_code(&code))?,
        None if still_signed_in(&runtime, &account)? => {
            println!("You are signed in already.");
            return Ok(ExitCode::SUCCESS);
        }
        None => sign_in(&runtime, &account, &config, terminal)?,
    }
    println!("Signed in.");
    Ok(ExitCode::SUCCESS)
}

/// The configuration. That the demo is the only account there is does not make it the one to sign in to.
fn load(settings: &Settings, context: &Context) -> Result<Config, ConfigError> {
    let file = context.config_file.as_deref();
    match Config::load(settings.clone(), file)? {
        config if config.apple_id == Config::DEMO && !config.endpoints.loopback => {
            Err(ConfigError::NoAccount { file: file.map_or_else(|| "config.toml".into(), Path::to_owned) })
        }
        config => Ok(config),
    }
}

/// The configuration; the Apple ID is asked for if it is not in it.
fn config(context: &Context, terminal: bool) -> Result<Config, Failure> {
    let mut settings = context.settings.clone();
    match load(&settings, context) {
        Err(ConfigError::NoAccount { file }) if terminal => {
            settings.apple_id = Some(ask("Apple ID: ")?);
            let config = Config::load(settings, context.config_file.as_deref())?;
            eprintln!("(to be remembered, put apple_id = \"…\" in {})", file.display());
            Ok(config)
        }
        outcome => Ok(outcome?),
    }
}

/// Whether the session stands, or can be renewed without a password.
fn still_signed_in(runtime: &Runtime, account: &Account) -> Result<bool, Failure> {
    match runtime.block_on(account.resume()) {
        Ok(()) => Ok(true),
        Err(AccountError::SignInNeeded | AccountError::SessionOver { .. } | AccountError::CodeNeeded) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn sign_in(runtime: &Runtime, account: &Account, config: &Config, terminal: bool) -> Result<(), Failure> {
    let password = match runtime.block_on(stored_password(&config.password))? {
        Some(password) => password,
        None if terminal => ask_password()?,
        None => {
            let advice = "pass --password-file or --password-command, or run this on a terminal";
            return Err(Failure::new(code::USAGE, "there is no terminal to ask for the password on", advice));
        }
    };
    let digits = match runtime.block_on(account.sign_in(&password))? {
        SignIn::Done => return Ok(()),
        SignIn::CodeNeeded { digits } => digits,
    };
    match terminal {
        true => ask_for_code(runtime, account, digits),
        false => {
            let reason = format!("Apple shows a code of {digits} digits on your devices");
            Err(Failure::new(code::CODE_NEEDED, reason, "go on with it: photosfs login --code 123456"))
        }
    }
}

fn ask_for_code(runtime: &Runtime, account: &Account, digits: usize) -> Result<(), Failure> {
    eprintln!("Apple shows a code of {digits} digits on your devices.");
    let mut tries = 0;
    loop {
        match runtime.block_on(account.submit_code(&ask("Code: ")?)) {
            Ok(()) => return Ok(()),
            Err(error @ AccountError::MalformedCode { .. }) => eprintln!("{error}."),
            Err(error @ AccountError::WrongCode) if tries + 1 < TRIES => {
                eprintln!("{error}.");
                tries += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn ask(question: &str) -> Result<String, Failure> {
    eprint!("{question}");
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) => Err(Failure::plain("nothing was typed", "")),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(Failure::plain(error, "")),
    }
}

fn ask_password() -> Result<SecretString, Failure> {
    let typed = rpassword::prompt_password("Password: ").map_err(|error| Failure::plain(error, ""))?;
    match typed.is_empty() {
        true => Err(Failure::plain("nothing was typed", "")),
        false => Ok(SecretString::from(typed)),
    }
}
