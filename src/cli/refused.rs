//! What an account's error means for the person: the exit code, and what to do.

use super::Failure;
use super::failure::code;
use crate::account::AccountError;
use crate::http::HttpError;

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Failure {
        let code = exit_code(&error);
        let advice = advice(&error);
        Failure::new(code, error, advice)
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Failure {
        Failure::from(AccountError::Http(error))
    }
}

fn exit_code(error: &AccountError) -> u8 {
    use AccountError::*;
    match error {
        CodeNeeded => code::CODE_NEEDED,
        WrongPassword | WrongCode | TooManyCodes | Locked | SecurityKeys | OldTwoStep | TermsPending => code::REFUSED,
        WebAccessOff | KeysNeeded | EscrowNeeded | OtherRegion { .. } | NoPhotos | Refused { .. } => code::REFUSED,
        Http(error) if error.is_unreachable() => code::UNREACHABLE,
        Throttled { .. } | TooSoon { .. } | Service { .. } => code::UNREACHABLE,
        MalformedCode { .. } | WhichNumber { .. } | NoSuchNumber { .. } => code::USAGE,
        NumberUnusable => code::REFUSED,
        Http(_) | SignInNeeded | NoCodeExpected | SessionOver { .. } | Unexpected { .. } => code::FAILED,
        Password { .. } | Store { .. } | SignInRunning | InUse => code::FAILED,
    }
}

/// The one thing to do next.
fn advice(error: &AccountError) -> String {
    use AccountError::*;
    let fixed = match error {
        SignInNeeded | SessionOver { .. } => "sign in: photosfs login",
        CodeNeeded => "sign in again with a code: photosfs login",
        WrongPassword => {
            "change it and try again, or sign in on a terminal; app-specific passwords do not work here, and too many tries lock the account"
        }
        WrongCode => "try again with the newest code, or begin anew: photosfs login",
        MalformedCode { .. } => "pass it as it is shown: photosfs login --code 123456",
        NoCodeExpected => "begin anew: photosfs login",
        WhichNumber { .. } | NoSuchNumber { .. } => "name one: photosfs login --sms 1, or --voice 1 to be called",
        NumberUnusable => "use another number or your devices: photosfs login --sms 2, or photosfs login",
        TooManyCodes => "wait some hours before the next try; more tries make it longer",
        Locked => "unlock it at https://iforgot.apple.com, then: photosfs login",
        SecurityKeys => "there is no way round it for now: codes do not work for an account with security keys",
        OldTwoStep => "turn on two-factor authentication on a device, then: photosfs login",
        TermsPending => "sign in at https://www.icloud.com once and accept what is shown, then: photosfs login",
        WebAccessOff => "turn on Access iCloud Data on the Web in a device's iCloud settings, then: photosfs login",
        KeysNeeded => "have a trusted device at hand to approve it, and run: photosfs login",
        EscrowNeeded => "sign in on a terminal, in one go: photosfs login",
        NoPhotos => "turn on iCloud Photos, and open https://www.icloud.com/photos once to see that it works",
        Refused { .. } => "sign in at https://www.icloud.com to see what Apple wants; do not try again at once",
        Throttled { retry_after: None } => "wait at least half an hour; trying sooner makes it longer",
        Service { .. } => "try again later; https://www.apple.com/support/systemstatus tells of troubles",
        Unexpected { .. } => "Apple may have changed its service: look for a newer photosfs",
        SignInRunning => "wait for it to end, and try again",
        InUse => "unmount it first: photosfs unmount; status says where it is mounted",
        Password { .. } => "mend that, or sign in on a terminal: photosfs login",
        Store { .. } => "mend the permissions or the disk; a damaged session.json can be removed, and costs a sign-in",
        Http(error) if error.is_unreachable() => "check the connection: photosfs doctor",
        Http(_) => "run photosfs doctor",
        OtherRegion { domain } => {
            let region = if domain.ends_with(".cn") { "cn" } else { "com" };
            return format!("sign in there: photosfs login --region {region}");
        }
        Throttled { retry_after: Some(wait) } | TooSoon { wait } => {
            return format!("try again in {} minutes", wait.as_secs().div_ceil(60).max(1));
        }
    };
    fixed.to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::account::Step;

    #[test]
    fn every_refusal_has_its_code_and_its_advice() {
        let service = AccountError::Service { step: Step::Proof, status: 502 };
        let unreachable = AccountError::Http(HttpError::TimedOut { host: "h".into() });
        for (error, code, part) in [
            (AccountError::Locked, 4, "iforgot"),
            (AccountError::WebAccessOff, 4, "Access iCloud Data on the Web"),
            (AccountError::TermsPending, 4, "icloud.com"),
            (AccountError::SecurityKeys, 4, "security keys"),
            (AccountError::OldTwoStep, 4, "two-factor"),
            (AccountError::OtherRegion { domain: "icloud.com.cn".into() }, 4, "--region cn"),
            (AccountError::CodeNeeded, 3, "photosfs login"),
            (AccountError::SignInNeeded, 1, "photosfs login"),
            (AccountError::TooSoon { wait: Duration::from_secs(61) }, 5, "2 minutes"),
            (service, 5, "later"),
            (unreachable, 5, "doctor"),
        ] {
            let failure = Failure::from(error);
            assert_eq!(failure.code, code, "{failure:?}");
            assert!(failure.advice.contains(part), "{failure:?}");
            assert!(!failure.reason.contains('\n') && !failure.advice.contains('\n'), "one line each: {failure:?}");
        }
    }
}
