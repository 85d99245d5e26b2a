//! The account side over HTTP: what it grants, what it refuses, what it records.

mod client;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use client::{Client, NAME, PASSWORD, cookies_of, http};
use icloud_simulator::accounts::Form;
use icloud_simulator::options::{CodeReply, Protocol, Switches};
use icloud_simulator::{Options, Simulator};
use num_bigint::BigUint;
use reqwest::Method;
use serde_json::{Value, json};

/// One asset: the demo library is not needed to sign in, and takes a second to make.
fn started() -> Simulator {
    Simulator::start(options()).unwrap()
}

/// Leniencies are granted, for that is what some of these tests look at.
fn options() -> Options {
    let switches = Switches { strict: false, ..Switches::default() };
    Options { assets: Some(1), switches, ..Options::default() }
}

async fn body(response: reqwest::Response) -> Value {
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_whole_sign_in_leaves_nothing_to_complain_about() {
    for protocol in [Protocol::S2k, Protocol::S2kFo] {
        let simulator = started();
        simulator.change_switches(|switches| (switches.protocol, switches.strict) = (protocol, true));
        let mut client = Client::new(&simulator);
        client.sign_in(&simulator).await;
        assert_eq!(client.data().await.status(), 200);
        let validated = client.setup("validate", Value::Null).await;
        assert_eq!(validated.status(), 200);
        assert_eq!(body(validated).await["dsInfo"]["dsid"], "10000000001");
        assert_eq!((simulator.pushes(), simulator.requests("signin/init")), (1, 1));
        assert_eq!(simulator.notes(), Vec::<String>::new());
        simulator.assert_clean();
    }
}

#[tokio::test]
async fn the_second_factor_is_asked_for_as_recorded() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    let response = client.password(NAME, PASSWORD).await;
    assert_eq!(response.status(), 409);
    let headers = response.headers().clone();
    for name in ["x-apple-session-token", "x-apple-id-session-id", "scnt", "x-apple-hc-bits", "x-apple-hc-challenge"] {
        assert!(headers.contains_key(name), "{name}");
    }
    assert_eq!(headers["x-apple-i-rscd"], "409");
    assert_eq!(headers["x-apple-id-account-country"], "USA");
    assert_eq!(headers["location"], "/auth");
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/json"));
    assert_eq!(body(response).await, json!({"authType": "hsa2"}));
    let state = body(client.idmsa(Method::GET, "", None).await).await;
    assert_eq!(state["trustedPhoneNumbers"][0]["id"], 1);
    assert_eq!(state["securityCode"]["length"], 6);
    assert_eq!(simulator.pushes(), 0, "nothing is pushed unasked");
}

#[tokio::test]
async fn right_codes_are_answered_in_every_known_way() {
    let ways = [
        (CodeReply::NoContent, 204, true),
        (CodeReply::ConflictWithToken, 409, true),
        (CodeReply::ConflictWithoutToken, 409, false),
    ];
    for (way, status, token) in ways {
        let simulator = started();
        simulator.change_switches(|switches| switches.code_reply = way);
        let mut client = Client::new(&simulator);
        client.password(NAME, PASSWORD).await;
        client.push().await;
        let response = client.code(&simulator.device_code()).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().contains_key("x-apple-session-token"), token);
        if status == 409 {
            assert_eq!(body(response).await["securityCode"]["valid"], true);
        }
        assert_eq!(body(client.account_login().await).await["hsaTrustedBrowser"], true, "{way:?}");
        assert_eq!(client.trust().await.status(), 204);
        simulator.assert_clean();
    }
}

#[tokio::test]
async fn a_refused_conflict_opens_nothing() {
    let simulator = started();
    simulator.change_switches(|switches| switches.code_reply = CodeReply::ConflictRefused);
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    let response = client.code(&simulator.device_code()).await;
    assert_eq!(response.status(), 409);
    assert_eq!(body(response).await["securityCode"].get("valid"), None);
    assert_eq!(client.trust().await.status(), 401);
}

#[tokio::test]
async fn a_wrong_password_is_a_wrong_password() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    let response = client.password(NAME, "not it").await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["x-apple-i-ercd"], "-20101");
    assert!(!response.headers().contains_key("x-apple-session-token"));
    assert_eq!(body(response).await["serviceErrors"][0]["code"], "-20101");
    simulator.change_switches(|switches| switches.refusal_in_header_only = true);
    let response = client.password(NAME, "not it").await;
    assert_eq!((response.status().as_u16(), response.headers()["x-apple-i-rscd"].to_str().unwrap()), (200, "401"));
    simulator.assert_clean();
}

#[tokio::test]
async fn a_wrong_code_may_hide_behind_200_too() {
    let simulator = started();
    simulator.change_switches(|switches| switches.refusal_in_header_only = true);
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    let response = client.code("000000").await;
    assert_eq!((response.status().as_u16(), response.headers()["x-apple-i-rscd"].to_str().unwrap()), (200, "401"));
    assert_eq!(body(response).await["hasError"], true);
    assert_eq!(client.trust().await.status(), 401);
}

#[tokio::test]
async fn too_many_codes_sent_means_wait() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(client.push().await.status(), 202);
    }
    let response = client.push().await;
    assert_eq!(response.status(), 423);
    assert_eq!(body(response).await["securityCode"]["tooManyCodesSent"], true);
}

#[tokio::test]
async fn a_session_token_never_issued_is_a_breach() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.session_token = "made up".into();
    let response = client.account_login().await;
    assert_eq!(response.status(), 400);
    assert_eq!(body(response).await, json!({"success": false, "error": "Invalid Session Token"}));
    assert_eq!(simulator.breaches().len(), 1);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    let first = client.init("nobody@example.invalid").await.body;
    let second = client.init("Nobody@Example.invalid").await.body;
    assert_eq!(first["salt"], second["salt"]);
    assert_eq!(client.password("nobody@example.invalid", PASSWORD).await.status(), 401);
}

#[tokio::test]
async fn the_name_is_hashed_in_lower_case() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    let typed = "Demo@Example.Invalid";
    assert_eq!(client.password(typed, PASSWORD).await.status(), 401);
    assert!(simulator.notes().iter().any(|note| note.contains("as typed")));
    simulator.change_switches(|switches| switches.name_as_typed = true);
    assert_eq!(client.password(typed, PASSWORD).await.status(), 409);
}

/// The exponent is searched for: one client value in 256 begins with a zero byte.
#[tokio::test]
async fn the_shortest_form_is_taken_and_noted() {
    let starts_with_zero =
        |exponent: &BigUint| BigUint::from(2u8).modpow(exponent, &client::prime()).to_bytes_be().len() < 256;
    let exponent = (1u32..).map(|n| BigUint::from(7u8).pow(90) + n).find(starts_with_zero).unwrap();
    for (padded, form) in [(true, Form::Padded), (false, Form::Shortest)] {
        let simulator = started();
        let mut client = Client::new(&simulator);
        client.padded = padded;
        let begun = client.init_with(NAME, exponent.clone()).await;
        let body = client.proof(&begun, NAME, PASSWORD);
        assert_eq!(client.complete(body).await.status(), 409);
        assert_eq!(simulator.proof_forms(), [form]);
    }
}

#[tokio::test]
async fn an_exchange_is_good_for_one_proof() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    let begun = client.init(NAME).await;
    let proof = client.proof(&begun, NAME, PASSWORD);
    assert_eq!(client.complete(proof.clone()).await.status(), 409);
    assert_eq!(client.complete(proof).await.status(), 400);
    assert_eq!(simulator.breaches().len(), 1);
}

#[tokio::test]
async fn a_public_value_of_zero_is_a_breach() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    let body = json!({"a": BASE64_STANDARD.encode([0; 256]), "accountName": NAME, "protocols": ["s2k"]});
    assert_eq!(client.idmsa(Method::POST, "/signin/init", Some(body)).await.status(), 400);
    assert!(simulator.breaches()[0].contains("zero"));
}

#[tokio::test]
async fn a_trust_token_spares_the_code_until_it_is_dead() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.sign_in(&simulator).await;
    let mut again = client.again(&simulator);
    assert_eq!(again.password(NAME, PASSWORD).await.status(), 200);
    assert_eq!(body(again.account_login().await).await["hsaTrustedBrowser"], true);
    simulator.change_switches(|switches| switches.trust_tokens_dead = true);
    assert_eq!(client.again(&simulator).password(NAME, PASSWORD).await.status(), 409);
    simulator.change_switches(|switches| switches.trust_tokens_dead = false);
    simulator.forget_browsers();
    assert_eq!(client.again(&simulator).password(NAME, PASSWORD).await.status(), 409);
    simulator.assert_clean();
}

#[tokio::test]
async fn wrong_codes_lock_the_second_factor_for_hours() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    client.push().await;
    for _ in 0..2 {
        let response = client.code("000000").await;
        assert_eq!(
            (response.status().as_u16(), response.headers()["x-apple-i-ercd"].to_str().unwrap()),
            (400, "-21669")
        );
        assert_eq!(body(response).await["hasError"], true);
    }
    let response = client.code("000000").await;
    assert_eq!(response.status(), 423);
    let locked = body(response).await;
    assert_eq!(locked["service_errors"][0]["code"], "-22982");
    assert_eq!(locked["securityCode"]["securityCodeLocked"], true);
    assert_eq!(client.code(&simulator.device_code()).await.status(), 423, "not even the right one");
    simulator.state().clock.advance(Duration::from_secs(9 * 3600));
    assert_eq!(client.code(&simulator.device_code()).await.status(), 204);
}

#[tokio::test]
async fn every_push_makes_a_new_code() {
    let simulator = Simulator::start(Options { code: None, ..options() }).unwrap();
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    client.push().await;
    let first = simulator.device_code();
    client.push().await;
    assert_eq!(simulator.pushes(), 2);
    if first != simulator.device_code() {
        assert_eq!(client.code(&first).await.status(), 400);
    }
    assert_eq!(client.code(&simulator.device_code()).await.status(), 204);
}

#[tokio::test]
async fn a_text_message_does_as_well() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    let ask = |id: u32| json!({"phoneNumber": {"id": id}, "mode": "sms"});
    assert_eq!(client.idmsa(Method::PUT, "/verify/phone", Some(ask(1))).await.status(), 200);
    let code = simulator.sms_code().unwrap();
    let body = json!({"phoneNumber": {"id": 1}, "securityCode": {"code": code}, "mode": "sms"});
    assert_eq!(client.idmsa(Method::POST, "/verify/phone/securitycode", Some(body)).await.status(), 200);
    assert_eq!(client.trust().await.status(), 204);
    assert_eq!((simulator.texts(), simulator.pushes()), (1, 0));
    simulator.assert_clean();
    assert_eq!(client.idmsa(Method::PUT, "/verify/phone", Some(ask(9))).await.status(), 412);
}

#[tokio::test]
async fn the_challenge_is_a_page_unless_json_is_asked_for() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    let page = client.idmsa_request(Method::GET, "").send().await.unwrap().text().await.unwrap();
    let opening = r#"<script type="application/json" class="boot_args">"#;
    let boot = page.split_once(opening).unwrap().1.split_once("</script>").unwrap().0;
    let boot: Value = serde_json::from_str(boot).unwrap();
    assert_eq!(boot["direct"]["authInitialRoute"], "auth/verify/device");
    let two_sv = &boot["direct"]["twoSV"];
    for place in [two_sv, &two_sv["bridgeInitiateData"]] {
        assert_eq!(place["phoneNumberVerification"]["trustedPhoneNumbers"][1]["id"], 2);
    }
}

#[tokio::test]
async fn the_password_alone_opens_a_login_that_says_so() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.password(NAME, PASSWORD).await;
    let response = client.account_login().await;
    assert_eq!(response.status(), 200);
    assert!(cookies_of(&response).iter().all(|cookie| !cookie.starts_with("X-APPLE-WEBAUTH-TOKEN")));
    let account = body(response).await;
    assert_eq!((&account["hsaTrustedBrowser"], &account["hsaChallengeRequired"]), (&json!(false), &json!(true)));
    assert_eq!(account["dsInfo"]["hsaVersion"], 2);
    assert_eq!(account["webservices"]["ckdatabasews"]["status"], "active");
    assert_eq!(client.data().await.status(), 421);
    simulator.assert_clean();
}

#[tokio::test]
async fn data_needs_every_cookie() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    assert_eq!(client.data().await.status(), 421);
    client.sign_in(&simulator).await;
    let all = cookies_of(&client.account_login().await);
    assert_eq!(client.data_as(&all).await.status(), 200);
    let unquoted: Vec<String> = all.iter().map(|cookie| cookie.replace('"', "")).collect();
    assert_eq!(client.data_as(&unquoted).await.status(), 200);
    let needed = [
        ("X-APPLE-WEBAUTH-TOKEN", 421),
        ("X-APPLE-WEBAUTH-USER", 421),
        ("X-APPLE-WEBAUTH-PCS-Photos", 423),
        ("X-APPLE-WEBAUTH-PCS-Sharing", 423),
    ];
    for (missing, status) in needed {
        let rest: Vec<String> = all.iter().filter(|cookie| !cookie.starts_with(missing)).cloned().collect();
        assert_eq!(rest.len() + 1, all.len());
        assert_eq!(client.data_as(&rest).await.status(), status, "without {missing}");
    }
    let forged = all.iter().map(|cookie| cookie.replace("TOKEN=\"v=2:t=", "TOKEN=\"v=2:t=x")).collect::<Vec<_>>();
    assert_eq!(client.data_as(&forged).await.status(), 401);
}

#[tokio::test]
async fn sessions_end_in_two_ways() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.sign_in(&simulator).await;
    simulator.expire_cookies();
    assert_eq!(client.data().await.status(), 421);
    assert_eq!(client.setup("validate", Value::Null).await.status(), 421);
    assert_eq!(client.account_login().await.status(), 200, "the session token still holds");
    assert_eq!(client.data().await.status(), 200);
    simulator.expire_sessions();
    assert_eq!(client.account_login().await.status(), 421);
    assert_eq!(client.data().await.status(), 421);
    assert_eq!(client.again(&simulator).password(NAME, PASSWORD).await.status(), 200, "the trust token still holds");
}

#[tokio::test]
async fn cookies_run_out_and_validate_refreshes_them() {
    let simulator = started();
    simulator.change_switches(|switches| switches.session_life = Duration::from_secs(3600));
    let mut client = Client::new(&simulator);
    client.sign_in(&simulator).await;
    let old = cookies_of(&client.account_login().await);
    simulator.state().clock.advance(Duration::from_secs(3000));
    assert_eq!(client.setup("validate", Value::Null).await.status(), 200);
    simulator.state().clock.advance(Duration::from_secs(1000));
    assert_eq!(client.data_as(&old).await.status(), 421);
    assert_eq!(client.setup("validate", Value::Null).await.status(), 200);
}

#[tokio::test]
async fn logout_ends_the_session_and_may_keep_the_browser() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.sign_in(&simulator).await;
    let cookies = cookies_of(&client.account_login().await);
    let response = client.setup("logout", json!({"trustBrowser": true, "allBrowsers": false})).await;
    assert_eq!(body(response).await, json!({"success": true}));
    assert_eq!(client.data_as(&cookies).await.status(), 421);
    assert_eq!(client.setup("logout", json!({})).await.status(), 421);
    assert_eq!(client.again(&simulator).password(NAME, PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn web_access_is_told_and_pcs_cookies_are_given() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    let ask = json!({"appName": "photos", "derivedFromUserAction": true});
    assert_eq!(client.setup("requestPCS", ask.clone()).await.status(), 500);
    client.sign_in(&simulator).await;
    let state = body(client.setup("requestWebAccessState", Value::Null).await).await;
    assert_eq!(state["isICDRSDisabled"], false);
    let granted = client.setup("requestPCS", ask).await;
    assert!(cookies_of(&granted).iter().any(|cookie| cookie.starts_with("X-APPLE-WEBAUTH-PCS-Photos=")));
    assert_eq!(body(granted).await["message"], "Cookies attached.");
    simulator.change_switches(|switches| switches.web_access = false);
    assert_eq!(client.data().await.status(), 403);
}

#[tokio::test]
async fn troubles_of_the_account_come_by_switch() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    simulator.change_switches(|switches| switches.locked = true);
    let response = client.password(NAME, PASSWORD).await;
    assert_eq!((response.status().as_u16(), response.headers()["x-apple-i-ercd"].to_str().unwrap()), (403, "-20209"));
    simulator.change_switches(|switches| (switches.locked, switches.two_factor) = (false, false));
    assert_eq!(client.password(NAME, PASSWORD).await.status(), 412);
    assert_eq!(client.idmsa(Method::POST, "/repair/complete", Some(json!({}))).await.status(), 200);
    assert_eq!(body(client.account_login().await).await["dsInfo"]["hsaVersion"], 0);
    simulator.change_switches(|switches| switches.throttled = true);
    let ask = json!({"a": "AQ==", "accountName": NAME, "protocols": ["s2k"]});
    let response = client.idmsa(Method::POST, "/signin/init", Some(ask)).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.text().await.unwrap(), "Service Temporary Unavailable");
    simulator.assert_clean();
}

#[tokio::test]
async fn steps_out_of_order_are_refused_and_recorded() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    assert_eq!(client.push().await.status(), 401, "no sign-in");
    client.init(NAME).await;
    assert_eq!(client.push().await.status(), 401, "no password");
    client.password(NAME, PASSWORD).await;
    assert_eq!(client.trust().await.status(), 401, "no code");
    client.scnt = Some("made up".into());
    assert_eq!(client.push().await.status(), 401, "no such scnt");
    assert_eq!(simulator.pushes(), 0);
    assert_eq!(simulator.breaches().len(), 4);
}

#[tokio::test]
async fn links_and_cookies_match_the_names_the_client_uses() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.sign_in(&simulator).await;
    let http = http();
    let ask = |host: &'static str| {
        let body = json!({"dsWebAuthToken": client.session_token, "trustToken": ""});
        http.post(format!("{}/accountLogin", simulator.setup_url())).header("host", host).json(&body).send()
    };
    let response = ask("setup.icloud.com").await.unwrap();
    let cookie = response.headers().get_all("set-cookie").iter().next().unwrap().to_str().unwrap().to_owned();
    assert!(cookie.contains("; Domain=.icloud.com; Path=/; Secure; HttpOnly"), "{}", cookie.len());
    assert_eq!(body(response).await["webservices"]["ckdatabasews"]["url"], "https://p61-ckdatabasews.icloud.com:443");
    let response = client.account_login().await;
    let cookie = response.headers().get_all("set-cookie").iter().next().unwrap().to_str().unwrap();
    assert!(!cookie.contains("Domain") && !cookie.contains("Secure"));
    assert_eq!(body(response).await["webservices"]["ckdatabasews"]["url"], simulator.url());
    simulator.assert_clean();
    assert_eq!(ask("idmsa.apple.com").await.unwrap().status(), 404, "another host's path");
    assert_eq!(ask("example.com").await.unwrap().status(), 404, "nobody's host");
    assert_eq!(simulator.breaches().len(), 2);
}

#[tokio::test]
async fn leaks_are_recorded_without_repeating_the_secret() {
    let simulator = started();
    let mut client = Client::new(&simulator);
    client.sign_in(&simulator).await;
    let leak = format!("validate?token={}", client.session_token);
    client.setup(&leak, Value::Null).await;
    let content = format!("{}/B/anything", simulator.content_url());
    let http = http();
    http.get(content).header("cookie", "A=b").send().await.unwrap();
    let elsewhere = http.get(simulator.idmsa_url()).header("host", "idmsa.apple.com");
    elsewhere.header("cookie", "X-APPLE-WEBAUTH-USER=\"v=1\"").send().await.unwrap();
    let breaches = simulator.breaches().join("\n");
    assert!(breaches.contains("a secret in query parameter token"), "{breaches}");
    assert!(breaches.contains("cookies sent to the content host"), "{breaches}");
    assert!(breaches.contains("cookies of icloud.com sent to apple.com"), "{breaches}");
    assert!(!breaches.contains(&client.session_token));
}

#[tokio::test]
async fn what_is_not_simulated_is_refused() {
    let simulator = started();
    let http = http();
    for path in ["/", "/setup/ws/1/unknown", "/appleauth/auth/bridge/step/0", "/B/on-the-service-port"] {
        assert_eq!(http.post(format!("{}{path}", simulator.url())).send().await.unwrap().status(), 404, "{path}");
    }
    let wrong = http.get(format!("{}/signin/init", simulator.idmsa_url())).send().await.unwrap();
    assert_eq!(wrong.status(), 405);
    assert_eq!(simulator.breaches().len(), 5);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| simulator.assert_clean())).is_err());
}
