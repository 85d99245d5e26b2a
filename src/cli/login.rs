//! `photosfs login`: in one go on a terminal; in two steps, and without ever waiting, off it.

mod terminal;

use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::runtime::Runtime;

use super::failure::code;
use super::{Context, Failure};
use crate::account::{Account, AccountError, CodeBy, CodeSent, SignIn, keep_password, stored_password};
use crate::config::{Config, ConfigError, PasswordSource, Settings};
use crate::http::Http;
use terminal::{ask, ask_number, ask_password};

/// Apple locks the account for hours after too many.
const TRIES: usize = 3;

/// Sign in to the account
#[derive(clap::Args)]
pub struct Args {
    /// The code that Apple shows on your devices, to finish a sign-in that asked for one
    #[arg(long, value_name = "DIGITS")]
    code: Option<String>,
    /// Have the code sent as a text message; N names the trusted number if there are several
    #[arg(long, value_name = "N", num_args = 0..=1, conflicts_with_all = ["code", "voice"])]
    sms: Option<Option<u64>>,
    /// Be called with the code; N as for --sms
    #[arg(long, value_name = "N", num_args = 0..=1, conflicts_with = "code")]
    voice: Option<Option<u64>>,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let terminal = std::io::stdin().is_terminal();
    let config = config(context, terminal)?;
    let runtime = super::runtime()?;
    let account = Account::open(&config, Http::new(&config.endpoints)?)?;
    let by = args.code_by();
    match args.code {
        Some(code) => runtime.block_on(account.submit_code(&code))?,
        None if still_signed_in(&runtime, &account)? => {
            borrow_keys(&runtime, &account)?;
            println!("You are signed in already.");
            return Ok(ExitCode::SUCCESS);
        }
        None => {
            let (account, typed) = (account.clone(), RefCell::default());
            SigningIn { runtime: &runtime, account, config, terminal, by, typed }.run()?;
        }
    }
    borrow_keys(&runtime, &account)?;
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

impl Args {
    fn code_by(&self) -> Option<CodeBy> {
        match (self.sms, self.voice) {
            (Some(number), _) => Some(CodeBy::Phone { number, voice: false }),
            (None, Some(number)) => Some(CodeBy::Phone { number, voice: true }),
            (None, None) => None,
        }
    }
}

/// One sign-in by password, with or without a terminal.
struct SigningIn<'a> {
    runtime: &'a Runtime,
    account: Arc<Account>,
    config: Config,
    terminal: bool,
    /// How the person wants the code, if they said so.
    by: Option<CodeBy>,
    /// What the person typed, to be kept if Apple takes it and the person wants that.
    typed: RefCell<Option<SecretString>>,
}

impl SigningIn<'_> {
    fn run(&self) -> Result<(), Failure> {
        self.prove()?;
        if let Some(typed) = self.typed.take()
            && let Err(error) = self.runtime.block_on(keep_password(&self.config.password, &typed))
        {
            eprintln!("The password is not kept: {error}.");
        }
        Ok(())
    }

    fn prove(&self) -> Result<(), Failure> {
        let begun = match self.go_on() {
            Some(begun) => begun,
            None => self.begin()?,
        };
        let begun = match begun {
            Err(AccountError::WhichNumber { phones }) if self.terminal => {
                let voice = matches!(self.by, Some(CodeBy::Phone { voice: true, .. }));
                self.ask_code(CodeBy::Phone { number: Some(ask_number(&phones)?), voice })
            }
            begun => begun,
        };
        match begun? {
            SignIn::Done => Ok(()),
            SignIn::CodeNeeded { sent, .. } if self.terminal => self.ask_for_code(sent),
            SignIn::CodeNeeded { digits, sent } => {
                let reason = format!("{sent}, of {digits} digits");
                Err(Failure::new(code::CODE_NEEDED, reason, "go on with it: photosfs login --code 123456"))
            }
        }
    }

    /// The sign-in that waits for a code already: another one would cost the person the code they have.
    fn go_on(&self) -> Option<Result<SignIn, AccountError>> {
        match self.by {
            None => self.account.waiting().map(Ok),
            Some(by) => match self.ask_code(by) {
                Err(AccountError::NoCodeExpected) => None,
                outcome => Some(outcome),
            },
        }
    }

    fn begin(&self) -> Result<Result<SignIn, AccountError>, Failure> {
        let password = self.password()?;
        Ok(self.runtime.block_on(self.account.sign_in_by(&password, self.by.unwrap_or_default())))
    }

    fn password(&self) -> Result<SecretString, Failure> {
        let stored = self.runtime.block_on(stored_password(&self.config.password));
        let stored = match (stored, &self.config.password) {
            // Who is there can type it all the same.
            (Err(error), PasswordSource::Keyring { .. }) if self.terminal => {
                eprintln!("{error}.");
                None
            }
            (stored, _) => stored?,
        };
        match stored.map(|password| (self.runtime.block_on(self.account.may_sign_in(&password)), password)) {
            Some((Ok(()), password)) => Ok(password),
            // The keyring's is replaced by what is typed now; a file or a command is the person's own to mend.
            Some((Err(AccountError::WrongPassword), _)) if self.terminal && self.keeps() => self.ask_password(),
            Some((_, password)) if self.terminal => Ok(password),
            // Where nobody watches, nothing is tried over and over: that is how accounts are locked.
            Some((Err(error), _)) => Err(error.into()),
            None if self.terminal => self.ask_password(),
            None => {
                let advice = "pass --password-file or --password-command, or run this on a terminal";
                Err(Failure::new(code::USAGE, "there is no terminal to ask for the password on", advice))
            }
        }
    }

    fn keeps(&self) -> bool {
        matches!(self.config.password, PasswordSource::Keyring { .. })
    }

    fn ask_password(&self) -> Result<SecretString, Failure> {
        let password = ask_password()?;
        self.typed.replace(Some(password.clone()));
        Ok(password)
    }

    fn ask_code(&self, by: CodeBy) -> Result<SignIn, AccountError> {
        self.runtime.block_on(self.account.ask_code(by))
    }

    fn ask_for_code(&self, mut sent: CodeSent) -> Result<(), Failure> {
        let mut tries = 0;
        eprintln!("{sent}.");
        loop {
            let typed = ask("Code (or just Enter for a new one): ")?;
            if typed.is_empty() {
                if let SignIn::CodeNeeded { sent: again, .. } = self.ask_code(sent.again())? {
                    sent = again;
                    eprintln!("{sent}.");
                }
                continue;
            }
            match self.runtime.block_on(self.account.submit_code(&typed)) {
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
}

/// With Advanced Data Protection the session alone opens nothing.
fn borrow_keys(runtime: &Runtime, account: &Account) -> Result<(), Failure> {
    if account.lacks_keys() {
        eprintln!(
            "Advanced Data Protection is on: approve access to your photos on one of your devices, within 5 minutes."
        );
        runtime.block_on(account.borrow_keys())?;
    }
    Ok(())
}
