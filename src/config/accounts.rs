//! Several accounts in one configuration file.

use std::collections::BTreeMap;

use super::{ConfigError, Settings, setting};

impl Settings {
    /// What a file says of one account: its own table over what stands for all. `stronger` names the account, if somebody does.
    pub(super) fn of_account(mut self, stronger: &Settings) -> Result<Settings, ConfigError> {
        let accounts = std::mem::take(&mut self.accounts);
        if let Some(nested) = accounts.values().find(|own| own.account.is_some() || !own.accounts.is_empty()) {
            let value = nested.account.clone().unwrap_or_default();
            return Err(setting("accounts", value, "a table of one account names no others"));
        }
        let names = || accounts.keys().cloned().collect();
        let account = stronger.account.as_ref().or(self.account.as_ref().filter(|_| stronger.apple_id.is_none()));
        let own = match (account, stronger.apple_id.as_ref().or(self.apple_id.as_ref())) {
            (Some(name), _) => match find(&accounts, name) {
                Some(own) => own.clone(),
                None if is_apple_id(name) => Settings { apple_id: Some(name.clone()), ..Settings::default() },
                None => return Err(ConfigError::NoSuchAccount { name: name.clone(), names: names() }),
            },
            (None, Some(apple_id)) => find(&accounts, apple_id).cloned().unwrap_or_default(),
            (None, None) if accounts.len() > 1 => return Err(ConfigError::SeveralAccounts { names: names() }),
            (None, None) => accounts.into_values().next().unwrap_or_default(),
        };
        Ok(own.or(self))
    }
}

/// The table of this name, or of this Apple ID.
fn find<'a>(accounts: &'a BTreeMap<String, Settings>, name: &str) -> Option<&'a Settings> {
    let same = |id: &String| id.trim().to_lowercase() == name.trim().to_lowercase();
    accounts.get(name).or_else(|| accounts.values().find(|own| own.apple_id.as_ref().is_some_and(same)))
}

/// An e-mail address, or a phone number.
fn is_apple_id(name: &str) -> bool {
    name.contains('@') || name.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, PasswordSource};

    const TWO: &str = "cache_size='1G'\n[accounts.jane]\napple_id='jane@example.com'\npassword_file='/j'\n\
                       [accounts.john]\napple_id='John@example.com'\ncache_size='2G'";

    /// What the file `text` says to somebody who passes `flags`.
    fn load(text: &str, flags: Settings) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, format!("state_dir='/s'\ncache_dir='/c'\n{text}")).unwrap();
        Config::load(flags, Some(&file))
    }

    #[test]
    fn one_of_several_accounts_is_named() {
        let named = |name: &str| load(TWO, Settings { account: Some(name.into()), ..Settings::default() });
        let jane = named("jane").unwrap();
        assert_eq!((jane.apple_id.as_str(), jane.cache_size), ("jane@example.com", 1_000_000_000));
        assert_eq!(jane.password, PasswordSource::File("/j".into()));
        let john = named("john").unwrap();
        assert_eq!((john.apple_id.as_str(), john.cache_size), ("john@example.com", 2_000_000_000));
        assert_eq!(john.password, PasswordSource::Ask);
        assert!(jane.state != john.state && jane.cache != john.cache);
        assert_eq!(named("JOHN@example.com").unwrap().cache_size, 2_000_000_000, "by Apple ID, in any case");
        let by_id = Settings { apple_id: Some("john@example.com".into()), ..Settings::default() };
        assert_eq!(load(TWO, by_id).unwrap().cache_size, 2_000_000_000);
        assert_eq!(named("third@example.com").unwrap().apple_id, "third@example.com");
        assert!(matches!(named("jim"), Err(ConfigError::NoSuchAccount { names, .. }) if names == ["jane", "john"]));
        let nobody = load(TWO, Settings::default());
        assert!(matches!(nobody, Err(ConfigError::SeveralAccounts { names }) if names == ["jane", "john"]));
        let usual = load(&format!("account='jane'\n{TWO}"), Settings::default()).unwrap();
        assert_eq!(usual.apple_id, "jane@example.com");
        let only = load("[accounts.jane]\napple_id='jane@example.com'", Settings::default()).unwrap();
        assert_eq!(only.apple_id, "jane@example.com");
        assert!(load("[accounts.jane]\naccount='john'", Settings::default()).is_err());
    }
}
