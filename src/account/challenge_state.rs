use serde::Deserialize;
use serde_json::Value;

use super::AccountError;
use super::phone::Phone;
use super::refusal::CodeFlags;
use crate::http::Reply;

/// Where the state is found in the shapes that were seen: as it is, wrapped, and in the sign-in page of either generation
/// (protocol/auth.md §3.1).
const PLACES: [&str; 6] = [
    "",
    "/phoneNumberVerification",
    "/direct",
    "/direct/twoSV",
    "/direct/twoSV/phoneNumberVerification",
    "/direct/twoSV/bridgeInitiateData/phoneNumberVerification",
];

/// What Apple tells of the second factor, at the password and when asked.
#[derive(Default)]
pub struct ChallengeState {
    parts: Vec<Part>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part {
    fsa_challenge: Option<Value>,
    key_names: Option<Vec<Value>>,
    security_code: Option<CodeFlags>,
    trusted_phone_numbers: Option<Vec<Value>>,
    no_trusted_devices: Option<bool>,
    auth_type: Option<String>,
}

impl ChallengeState {
    /// What a reply tells; nothing, if it cannot be read: the code on the devices can do without.
    pub fn of(reply: &Reply) -> ChallengeState {
        let state = reply.json().ok().or_else(|| boot_arguments(&reply.body)).unwrap_or(Value::Null);
        let parts = PLACES.iter().filter_map(|place| Part::deserialize(state.pointer(place)?).ok());
        ChallengeState { parts: parts.collect() }
    }

    /// With security keys the code is a dead end (protocol/auth.md §3.6); with the flags set, so is every other.
    pub fn check(&self) -> Result<(), AccountError> {
        if self.parts.iter().any(Part::has_keys) {
            return Err(AccountError::SecurityKeys);
        }
        if self.parts.iter().any(|part| part.auth_type.as_deref() == Some("hsa")) {
            return Err(AccountError::OldTwoStep);
        }
        match self.codes().any(CodeFlags::is_locked) {
            true => Err(AccountError::TooManyCodes),
            false => Ok(()),
        }
    }

    pub fn digits(&self) -> Option<usize> {
        self.codes().find_map(|code| code.length).filter(|digits| (4..=12).contains(digits))
    }

    /// The numbers that a code can be sent to.
    pub fn phones(&self) -> Vec<Phone> {
        let lists = self.parts.iter().filter_map(|part| part.trusted_phone_numbers.as_ref());
        let readable =
            lists.map(|list| list.iter().filter_map(|phone| Phone::deserialize(phone).ok()).collect::<Vec<_>>());
        readable.into_iter().find(|phones| !phones.is_empty()).unwrap_or_default()
    }

    pub fn has_no_devices(&self) -> bool {
        self.parts.iter().any(|part| part.no_trusted_devices == Some(true))
    }

    fn codes(&self) -> impl Iterator<Item = &CodeFlags> {
        self.parts.iter().filter_map(|part| part.security_code.as_ref())
    }
}

impl Part {
    fn has_keys(&self) -> bool {
        self.fsa_challenge.is_some() || self.key_names.as_ref().is_some_and(|names| !names.is_empty())
    }
}

/// The JSON in the sign-in page.
fn boot_arguments(page: &[u8]) -> Option<Value> {
    let page = std::str::from_utf8(page).ok()?;
    let (_, script) = page.split_once("class=\"boot_args\"")?;
    let (_, json) = script.split_once('>')?;
    serde_json::from_str(json.split_once("</script>")?.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderMap;

    fn state(body: &str) -> ChallengeState {
        ChallengeState::of(&Reply::new(200, HeaderMap::new(), body.to_owned()))
    }

    const STATE: &str = r#"{"trustedPhoneNumbers":[{"id":1,"lastTwoDigits":"42"},{"odd":true},{"id":2,"nonFTEU":true}],
        "securityCode":{"length":6},"noTrustedDevices":false}"#;

    #[test]
    fn every_shape_tells_the_same() {
        for body in [
            STATE.to_owned(),
            format!(r#"{{"phoneNumberVerification":{STATE}}}"#),
            page(&format!(r#"{{"direct":{{"twoSV":{{"phoneNumberVerification":{STATE}}}}}}}"#)),
            page(&format!(
                r#"{{"direct":{{"twoSV":{{"bridgeInitiateData":{{"phoneNumberVerification":{STATE}}}}}}}}}"#
            )),
        ] {
            let state = state(&body);
            assert_eq!((state.digits(), state.has_no_devices(), state.check()), (Some(6), false, Ok(())), "{body}");
            let phones = state.phones();
            assert_eq!(phones.iter().map(|phone| phone.id).collect::<Vec<_>>(), [1, 2], "{body}");
            assert_eq!(phones[0].json(), serde_json::json!({"id": 1}));
            assert_eq!(phones[1].json(), serde_json::json!({"id": 2, "nonFTEU": true}));
        }
    }

    fn page(json: &str) -> String {
        format!("<html><script type=\"application/json\" class=\"boot_args\">\n{json}\n</script></html>")
    }

    #[test]
    fn security_keys_and_locks_stop_the_second_factor() {
        let check = |body: &str| state(body).check();
        assert_eq!(check(r#"{"authType":"hsa2"}"#), Ok(()));
        assert_eq!(check("<html>anything</html>"), Ok(()));
        assert_eq!(check(r#"{"keyNames":["Blue key"]}"#), Err(AccountError::SecurityKeys));
        assert_eq!(check(r#"{"fsaChallenge":{"challenge":"kJ3"}}"#), Err(AccountError::SecurityKeys));
        assert_eq!(check(r#"{"authType":"hsa"}"#), Err(AccountError::OldTwoStep));
        let locked = r#"{"phoneNumberVerification":{"securityCode":{"length":6,"tooManyCodesSent":true}}}"#;
        assert_eq!(check(locked), Err(AccountError::TooManyCodes));
    }
}
