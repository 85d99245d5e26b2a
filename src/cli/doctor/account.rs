use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use url::Url;

use super::finding::{Finding, Ladder};
use super::network;
use crate::account::{Account, AccountError};
use crate::cli::Failure;
use crate::config::Config;
use crate::http::{Http, Reply};
use crate::photos::{Area, Photos, PhotosError};

/// Where originals come from (protocol/photos.md §5.5); which of the hosts of this domain does not matter.
const CONTENT: &str = "https://cvws.icloud-content.com";
const CONTENT_CN: &str = "https://cvws.icloud-content.com.cn";

/// The way to Apple, the clock, the session, and what it opens. Each step is taken only where the one before holds:
/// otherwise it would name the same trouble once more.
pub fn check(config: &Config, ladder: &mut Ladder) -> Result<(), Failure> {
    let runtime = crate::cli::runtime()?;
    let http = match Http::new(&config.endpoints) {
        Ok(http) => http,
        Err(error) => {
            ladder.tell("host", Finding::bad(error.to_string(), "install the system's certificates (ca-certificates)"));
            return Ok(());
        }
    };
    let way = hosts(config, ladder, &runtime, &http);
    let account = match Account::open(config, http.clone()) {
        Ok(account) => account,
        Err(error) => {
            ladder.tell("session", Failure::from(error).into());
            return Ok(());
        }
    };
    // What is asked here must not make a device ask the person.
    account.leave_devices_alone();
    if !way {
        ladder.tell("session", as_last_known(&account));
        return Ok(());
    }
    if let Err(error) = runtime.block_on(account.resume()) {
        ladder.tell("session", Failure::from(error).into());
        return Ok(());
    }
    ladder.tell("session", Finding::good("signed in"));
    if let Some(data) = account.data_host()
        && network::check(ladder, &runtime, &http, &data).is_some()
    {
        access(&runtime, &account, ladder);
    }
    Ok(())
}

/// Whether all that sign-in needs answers. Content comes last and stops nothing here: originals alone need it.
fn hosts(config: &Config, ladder: &mut Ladder, runtime: &Runtime, http: &Http) -> bool {
    let services = [&config.endpoints.auth, &config.endpoints.setup];
    let replies: Vec<Reply> =
        services.into_iter().filter_map(|service| network::check(ladder, runtime, http, service)).collect();
    if let Some(theirs) = replies.iter().find_map(Reply::date) {
        ladder.tell("clock", network::clock(theirs, Timestamp::now()));
    }
    if !config.endpoints.loopback {
        let content = if config.endpoints.home.ends_with(".cn") { CONTENT_CN } else { CONTENT };
        let _ = network::check(ladder, runtime, http, &Url::parse(content).expect("a constant address"));
    }
    replies.len() == services.len()
}

fn as_last_known(account: &Account) -> Finding {
    match account.status().signed_in {
        true => Finding::good("signed in, when last asked"),
        false => Finding::bad("not signed in", "sign in: photosfs login"),
    }
}

/// Whether the session opens anything: web access, lent keys, and the libraries behind them.
fn access(runtime: &Runtime, account: &Arc<Account>, ladder: &mut Ladder) {
    if account.lacks_keys() {
        return ladder.tell("access", Failure::from(AccountError::KeysNeeded).into());
    }
    let photos = {
        let _inside = runtime.enter();
        Photos::new(account.clone())
    };
    let seen = runtime.block_on(photos.news(Area::Private, None));
    match seen {
        Ok(news) => {
            ladder.tell("access", Finding::good("the data are open to this session"));
            ladder.tell("libraries", libraries(news.libraries.into_iter().map(|library| library.id().0).collect()));
        }
        Err(error) => ladder.tell("access", refused(error)),
    }
}

fn libraries(names: Vec<String>) -> Finding {
    match names.is_empty() {
        false => Finding::good(format!("libraries: {}", names.join(", "))),
        true => Finding::bad("iCloud shows no photo library", "turn on iCloud Photos on a device of yours"),
    }
}

fn refused(error: PhotosError) -> Finding {
    match error.account() {
        Some(account) => Failure::from(account.clone()).into(),
        None => Finding::bad(
            error.to_string(),
            "try again later; https://www.apple.com/support/systemstatus tells of troubles",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_photos_is_told() {
        assert_eq!(libraries(vec!["PrimarySync".into()]), Finding::good("libraries: PrimarySync"));
        assert!(libraries(Vec::new()).trouble.unwrap().contains("iCloud Photos"));
    }
}
