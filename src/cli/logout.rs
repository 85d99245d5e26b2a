//! `photosfs logout`.

use std::process::ExitCode;

use super::{Context, Failure};
use crate::account::{Account, AccountError, forget_password};
use crate::http::Http;

/// Sign out and forget the session
#[derive(clap::Args)]
pub struct Args {}

pub fn run(context: &Context, _args: Args) -> Result<ExitCode, Failure> {
    let config = context.config()?;
    let account = Account::open(&config, Http::new(&config.endpoints)?)?;
    let runtime = super::runtime()?;
    if let Err(error) = runtime.block_on(forget_password(&config.password)) {
        eprintln!("The password may still be kept: {error}.");
    }
    match runtime.block_on(account.log_out()) {
        Ok(()) => {
            println!("Signed out.");
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ (AccountError::Store { .. } | AccountError::SignInRunning)) => Err(error.into()),
        Err(error) => {
            let advice =
                "the session is forgotten here; to end it at Apple's too, sign out of all browsers at icloud.com";
            Err(Failure { advice: advice.into(), ..error.into() })
        }
    }
}
