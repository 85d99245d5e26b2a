//! What a client learns about the second factor: as JSON, and inside the sign-in page.

use serde_json::{Value, json};

use super::account::Account;
use super::tokens;
use crate::options::{ChallengeShape, Phone, Switches};

/// The state object of `GET /appleauth/auth` and of the code endpoints.
pub fn state(account: &Account, switches: &Switches, now_s: i64) -> Value {
    let phones: Vec<Value> = account.person.phones.iter().map(phone).collect();
    let locked = account.locked_out(now_s);
    let mut state = json!({
        "trustedPhoneNumber": phones.first(),
        "trustedPhoneNumbers": phones,
        "securityCode": {"length": 6, "tooManyCodesSent": account.too_many_sent(), "tooManyCodesValidated": locked,
                         "securityCodeLocked": locked, "securityCodeCooldown": account.too_many_sent()},
        "authenticationType": "hsa2", "authType": "hsa2", "hsa2Account": true, "noTrustedDevices": !switches.trusted_devices,
        "recoveryUrl": "https://iforgot.apple.com/phone/add", "supportsRecovery": true, "hideSendSMSCodeOption": false,
        "restrictedAccount": false, "managedAccount": false
    });
    if switches.security_keys {
        security_keys(&mut state);
    }
    state
}

/// What tells an account with security keys (protocol/auth.md §3.6).
pub fn security_keys(body: &mut Value) {
    body["fsaChallenge"] =
        json!({"challenge": tokens::random(32), "keyHandles": [tokens::random(64)], "rpId": "apple.com"});
    body["keyNames"] = json!(["Blue key", "Spare key"]);
}

fn phone(phone: &Phone) -> Value {
    json!({"id": phone.id, "numberWithDialCode": format!("+1 (•••) •••-••{}", phone.last_two),
           "obfuscatedNumber": format!("(•••) •••-••{}", phone.last_two), "lastTwoDigits": phone.last_two,
           "pushMode": if phone.id == 2 { "voice" } else { "sms" }, "nonFTEU": phone.id == 2})
}

/// The sign-in page. Clients cut the JSON out by exactly these attributes. The bridge is an offer of a websocket that
/// some clients take up; phones are given where each generation of clients looks.
pub fn page(state: Value, switches: &Switches) -> String {
    let place = |without| if switches.challenge == without { Value::Null } else { state.clone() };
    let route = if switches.bridge { "auth/bridge/step" } else { "auth/verify/device" };
    let boot = json!({
        "direct": {
            "authUserType": "hsa2", "hasTrustedDevices": true, "authType": "hsa2", "authInitialRoute": route,
            "twoSV": {
                "supportedPushModes": ["voice", "sms"],
                "authFactors": ["robocall", "sms", "generatedcode", "web_piggybacking"],
                "sourceAppId": 1159,
                "phoneNumberVerification": place(ChallengeShape::BridgePage),
                "bridgeInitiateData": {
                    "apnsTopic": "com.apple.idmsauthwidget", "apnsEnvironment": "prod",
                    "webSocketUrl": "websocket.push.apple.com", "phoneNumberVerification": place(ChallengeShape::Page)
                }
            }
        },
        "additional": {"canRoute2sv": true}
    });
    format!(
        "<!DOCTYPE html><html><head><title>Sign in</title></head><body>\n\
         <script type=\"application/json\" class=\"boot_args\">{boot}</script>\n</body></html>\n"
    )
}
