//! The second step of a sign-in: asking for a code, and handing it in; in the process that began it, or in a later one.

use jiff::SignedDuration;

use super::phone::{CodeBy, CodeSent};
use super::second_factor::CodeAccepted;
use super::session::{Pending, Session, Trust};
use super::sign_in::Dialogue;
use super::{Account, AccountError, SignIn, setup, stored_password};

/// How long a person is taken to be looking for the code that was sent. A new sign-in would make that one useless, and each
/// counts against the account; when Apple itself forgets is not known.
const WAITING: SignedDuration = SignedDuration::from_mins(10);

impl Account {
    /// The sign-in that waits for a code which was sent lately, if there is one.
    pub fn waiting(&self) -> Option<SignIn> {
        let state = self.state();
        let pending = state.session.pending.as_ref()?;
        let age = self.clock.now().duration_since(pending.since);
        let sent = pending.sent.clone().filter(|_| (SignedDuration::ZERO..WAITING).contains(&age))?;
        Some(SignIn::CodeNeeded { digits: pending.digits, sent })
    }

    /// Has Apple send another code, for the sign-in that waits for one. It makes the code before useless.
    ///
    /// # Errors
    /// [`AccountError::NoCodeExpected`] if no sign-in waits, or Apple has forgotten it; [`AccountError::WhichNumber`] if there
    /// are several and none was named.
    pub async fn ask_code(&self, by: CodeBy) -> Result<SignIn, AccountError> {
        let mut turn = self.turn().await?;
        let outcome = self.request_code(&mut turn.session, by).await;
        self.finish(turn, outcome.as_ref().err()).await?;
        outcome
    }

    /// Asks for a code, and keeps the sign-in for it, or for another way of asking.
    pub(super) async fn request_code(&self, session: &mut Session, by: CodeBy) -> Result<SignIn, AccountError> {
        let Some(mut pending) = session.pending.take() else { return Err(AccountError::NoCodeExpected) };
        let mut dialogue = Dialogue::resume(&self.browser, session, std::mem::take(&mut pending.exchange));
        let outcome = dialogue.ask_for_code(&mut pending, by).await;
        pending.exchange = dialogue.exchange;
        if let Ok(sent) = &outcome {
            pending.since = self.clock.now();
            pending.sent = Some(sent.clone());
        }
        let digits = pending.digits;
        if !matches!(outcome, Err(AccountError::NoCodeExpected | AccountError::SecurityKeys | AccountError::OldTwoStep))
        {
            session.pending = Some(pending);
        }
        Ok(SignIn::CodeNeeded { digits, sent: outcome? })
    }

    /// The code that Apple has sent. Spaces and dashes in it do not matter.
    ///
    /// # Errors
    /// [`AccountError::WrongCode`] leaves the sign-in waiting for another try; [`AccountError::NoCodeExpected`] means that it
    /// has to begin again.
    pub async fn submit_code(&self, code: &str) -> Result<(), AccountError> {
        let mut turn = self.turn().await?;
        let Some(mut pending) = turn.session.pending.take() else { return Err(AccountError::NoCodeExpected) };
        let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if code.len() != pending.digits || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AccountError::MalformedCode { digits: pending.digits });
        }
        let outcome = self.complete(&mut turn.session, &mut pending, &code).await;
        if let Err(AccountError::WrongCode | AccountError::Http(_) | AccountError::Throttled { .. }) = &outcome {
            turn.session.pending = Some(pending);
        }
        self.finish(turn, outcome.as_ref().err()).await?;
        outcome
    }

    async fn complete(&self, session: &mut Session, pending: &mut Pending, code: &str) -> Result<(), AccountError> {
        // One that nobody sent is shown by a device's settings.
        let sent = pending.sent.clone().unwrap_or(CodeSent::Devices);
        let mut dialogue = Dialogue::resume(&self.browser, session, std::mem::take(&mut pending.exchange));
        let outcome = self.complete_dialogue(&mut dialogue, session, code, &sent).await;
        pending.exchange = dialogue.exchange;
        outcome?;
        session.adopt(std::mem::take(&mut pending.exchange));
        setup::account_login(&self.browser, session).await
    }

    async fn complete_dialogue(
        &self,
        dialogue: &mut Dialogue<'_>,
        session: &mut Session,
        code: &str,
        sent: &CodeSent,
    ) -> Result<(), AccountError> {
        if let CodeAccepted::ButEscrow = dialogue.submit_code(code, sent).await? {
            let typed = self.password_typed().clone();
            let password = match typed {
                Some(typed) => Some(typed),
                None => stored_password(&self.password).await?,
            };
            dialogue.prove_again(&password.ok_or(AccountError::EscrowNeeded)?).await?;
        }
        session.trust = Some(Trust { token: dialogue.trust().await?, since: self.clock.now() });
        self.password_typed().take();
        Ok(())
    }
}
