//! Calls a person: runs the command of `on_attention` when something waits that only a person can do.

mod call;
mod told;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::service::Service;
use super::{Failure, damage};
use crate::account::Account;
use crate::content::Content;
use crate::index::Index;
use call::Call;
use told::Told;

/// How often a mount looks. What waits for a person waits longer than that.
const BETWEEN_LOOKS: Duration = Duration::from_secs(30);
/// A simulator's people are programs.
const BETWEEN_LOOKS_HERE: Duration = Duration::from_millis(200);
/// The age at which `photosfs ready` refuses a backup, too.
const OUTDATED: SignedDuration = SignedDuration::from_hours(72);

/// Why a person is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// A word that stays (docs/sign-in.md).
    pub code: &'static str,
    /// A line without a secret.
    pub line: String,
    /// What to do about it.
    pub advice: String,
}

/// Watches over one mounted account.
pub struct Attention {
    account: Arc<Account>,
    index: Arc<Index>,
    content: Arc<Content>,
    call: Call,
    file: PathBuf,
    pause: Duration,
}

impl Attention {
    /// None if nobody wants to be called.
    pub fn of(service: &Service, content: Arc<Content>, mountpoint: &Path) -> Option<Attention> {
        let config = &service.config;
        let command = config.on_attention.clone()?;
        Some(Attention {
            account: service.account.clone(),
            index: service.index.clone(),
            content,
            call: Call { command, apple_id: config.apple_id.clone(), mountpoint: mountpoint.to_owned() },
            file: config.state.join("attention.json"),
            pause: if config.endpoints.loopback { BETWEEN_LOOKS_HERE } else { BETWEEN_LOOKS },
        })
    }

    /// Looks, and calls, as long as the mount stands.
    pub async fn watch(self) {
        let mut told = Told::load(&self.file);
        loop {
            tokio::time::sleep(self.pause).await;
            match self.reasons().await {
                Ok(reasons) => self.tell(&mut told, &reasons).await,
                Err(failure) => tracing::warn!(reason = failure.reason, "cannot tell whether a person is needed"),
            }
        }
    }

    async fn tell(&self, told: &mut Told, reasons: &[Reason]) {
        for reason in told.due(reasons, Timestamp::now()) {
            let reached = self.call.run(&reason).await;
            if let Err(error) = &reached {
                tracing::warn!(reason = reason.code, error, "the command of on_attention failed");
            }
            told.note(reason.code, Timestamp::now(), reached.is_ok());
            if let Err(error) = told.save(&self.file) {
                tracing::warn!(%error, "what was told cannot be noted: it may be told again");
            }
        }
    }

    /// Everything that waits for a person now.
    async fn reasons(&self) -> Result<Vec<Reason>, Failure> {
        let mut reasons: Vec<Reason> = self.account.needs_a_person().map(session_reason).into_iter().collect();
        let (index, content) = (self.index.clone(), self.content.clone());
        let library = tokio::task::spawn_blocking(move || library_reasons(&index, &content, Timestamp::now()));
        reasons.extend(library.await.map_err(|error| Failure::plain(error, ""))??);
        Ok(reasons)
    }
}

fn session_reason(error: crate::account::AccountError) -> Reason {
    let code = error.code();
    let Failure { reason, advice, .. } = error.into();
    Reason { code, line: reason, advice }
}

fn library_reasons(index: &Index, content: &Content, now: Timestamp) -> Result<Vec<Reason>, Failure> {
    let found = index.damage_found();
    if let Some(line) = damage::of(index)? {
        return Ok(vec![Reason { code: "index", line, advice: damage::ADVICE.into() }]);
    }
    let mended = found.map(|what| Reason {
        code: "index",
        line: format!("the index was damaged ({what}); everything was listed anew, and is shown again"),
        advice: "look after the disk".into(),
    });
    let holds = index.holds()?;
    let hold = holds.first().map(|_| Reason {
        code: "hold",
        line: format!("held, and waiting for you: {}", super::held::what_all(&holds)),
        advice: "look at them: photosfs held list".into(),
    });
    let missing = index.discrepancies()?.into_iter().find(|missing| missing.is_open() && missing.offset.sought);
    let missing = missing.map(|missing| Reason {
        code: "missing",
        line: format!("{}: {missing}", missing.library.0),
        advice: "look for them in Photos, then: photosfs held list".into(),
    });
    let damaged = content.damaged().len();
    let damage = (damaged > 0).then(|| Reason {
        code: "damaged",
        line: format!("{damaged} originals do not match Apple's checksum and cannot be read"),
        advice: "photosfs status names them; look at them at icloud.com".into(),
    });
    Ok([mended, hold, missing, damage, outdated(index, now)?].into_iter().flatten().collect())
}

/// Nothing was confirmed for days, and the latest attempt failed: so not just a computer that was asleep.
fn outdated(index: &Index, now: Timestamp) -> Result<Option<Reason>, Failure> {
    let Some(error) = index.last_error()? else { return Ok(None) };
    let confirmed = index.libraries()?.into_iter().filter_map(|library| library.synced).min();
    let confirmed = confirmed.and_then(|at| Timestamp::from_millisecond(at).ok());
    Ok(confirmed.filter(|at| is_outdated(*at, now)).map(|at| Reason {
        code: "outdated",
        line: format!("iCloud has not confirmed the library since {at:.0}: {error}"),
        advice: "see photosfs doctor".into(),
    }))
}

/// A time far ahead says nothing: the clock was wrong then, or is now.
fn is_outdated(confirmed: Timestamp, now: Timestamp) -> bool {
    now.duration_since(confirmed).abs() > OUTDATED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_is_recent_for_three_days_and_never_from_far_ahead() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let outdated = |hours| is_outdated(now - SignedDuration::from_hours(hours), now);
        assert!(!outdated(0) && !outdated(72) && !outdated(-1));
        assert!(outdated(73) && outdated(-73));
    }
}
