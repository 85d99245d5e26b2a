//! Everything the handlers of one simulator share.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::Accounts;
use crate::breach::Breaches;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::issued::Issued;
use crate::library::Cloud;
use crate::options::{Options, Switches};
use crate::requests::Requests;
use crate::{demo, seeded};

/// One simulator's world. Locks are short and never held across an await.
pub struct State {
    pub options: Options,
    pub clock: Arc<Clock>,
    /// The first person's libraries.
    pub cloud: Cloud,
    /// Those of others, by the directory services id of the account.
    others: Mutex<HashMap<String, Cloud>>,
    pub breaches: Breaches,
    pub requests: Requests,
    pub faults: Faults,
    pub issued: Issued,
    switches: Mutex<Switches>,
    accounts: Mutex<Accounts>,
}

impl State {
    pub fn new(options: Options) -> io::Result<State> {
        let clock = Arc::new(Clock::default());
        let cloud = Cloud::new(clock.clone());
        match options.assets {
            Some(assets) => seeded::fill(&cloud, seeded::Size { assets, body: options.body_size }),
            None => demo::fill(&cloud),
        }
        Ok(State {
            clock,
            cloud,
            others: Mutex::default(),
            breaches: Breaches::default(),
            requests: Requests::default(),
            faults: Faults::default(),
            issued: Issued::default(),
            switches: Mutex::new(options.switches.clone()),
            accounts: Mutex::new(Accounts::new(&options)),
            options,
        })
    }

    /// The libraries of an account.
    pub fn cloud_of(&self, dsid: &str) -> Cloud {
        held(&self.others).get(dsid).unwrap_or(&self.cloud).clone()
    }

    /// Empty libraries for another account.
    pub fn open_cloud(&self, dsid: &str) -> Cloud {
        let cloud = Cloud::new(self.clock.clone());
        held(&self.others).insert(dsid.to_owned(), cloud.clone());
        cloud
    }

    /// Everybody's libraries.
    pub fn clouds(&self) -> Vec<Cloud> {
        let others = held(&self.others);
        std::iter::once(&self.cloud).chain(others.values()).cloned().collect()
    }

    /// The switches as they stand now.
    pub fn switches(&self) -> Switches {
        held(&self.switches).clone()
    }

    pub fn change_switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut held(&self.switches));
    }

    pub fn accounts(&self) -> MutexGuard<'_, Accounts> {
        held(&self.accounts)
    }
}

/// A handler that panicked has already failed its test; the others go on with what it left.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
