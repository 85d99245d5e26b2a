//! Signing in, against the simulator: by the library and by the built program.

use std::os::unix::fs::PermissionsExt;

use icloud_simulator::accounts::Form;
use icloud_simulator::fault::{Effect, Failure, Fault};
use icloud_simulator::options::{CodeReply, Protocol};
use photosfs::account::{AccountError, AccountLock, SignIn};
use secrecy::SecretString;
use serde_json::json;

use crate::world::{APPLE_ID, CODE, PASSWORD, World, ZONES, assert_let_in, mode, sign_in, stderr};

#[tokio::test(flavor = "multi_thread")]
async fn password_code_trust_session() {
    let world = World::new();
    let account = world.account();
    assert!(!account.status().signed_in);
    sign_in(&account).await;
    let status = account.status();
    assert!(status.signed_in && status.since.is_some() && status.trusted_since.is_some(), "{status:?}");
    assert_eq!(status.needs, None);
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!(world.simulator.pushes(), 1, "one code is shown");
    assert!(world.simulator.proof_forms().iter().all(|form| *form != Form::Shortest));
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_hashing_and_of_taking_a_code() {
    let world = World::new();
    for reply in [CodeReply::NoContent, CodeReply::ConflictWithToken, CodeReply::ConflictWithoutToken] {
        for protocol in [Protocol::S2k, Protocol::S2kFo] {
            world.simulator.change_switches(|switches| {
                switches.code_reply = reply;
                switches.protocol = protocol;
            });
            let _ = std::fs::remove_file(world.session_file());
            assert!(world.signed_in().await.status().signed_in, "{reply:?} {protocol:?}");
        }
    }
    world.simulator.change_switches(|switches| switches.code_reply = CodeReply::ConflictRefused);
    let _ = std::fs::remove_file(world.session_file());
    let account = world.account();
    account.sign_in(&SecretString::from(PASSWORD)).await.unwrap();
    assert_eq!(account.submit_code(CODE).await, Err(AccountError::WrongCode));
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_second_factor() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.two_factor = false);
    let account = world.account();
    assert_eq!(account.sign_in(&SecretString::from(PASSWORD)).await, Ok(SignIn::Done));
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!(world.simulator.pushes(), 0);
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once() {
    let world = World::new();
    let account = world.account();
    let outcome = account.sign_in(&SecretString::from("not it")).await;
    assert_eq!(outcome, Err(AccountError::WrongPassword));
    world.simulator.change_switches(|switches| switches.refusal_in_header_only = true);
    let outcome = account.sign_in(&SecretString::from("not it")).await;
    assert_eq!(outcome, Err(AccountError::WrongPassword), "a 200 that is none");
    assert_eq!((world.sign_ins(), world.simulator.requests("signin/complete")), (2, 2));
    assert_eq!((world.simulator.pushes(), world.logins()), (0, 0));
    assert!(!account.status().signed_in);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes() {
    let world = World::new();
    let account = world.account();
    assert_eq!(account.submit_code(CODE).await, Err(AccountError::NoCodeExpected));
    account.sign_in(&SecretString::from(PASSWORD)).await.unwrap();
    for malformed in ["12345", "1234567", "12345x", ""] {
        assert_eq!(account.submit_code(malformed).await, Err(AccountError::MalformedCode { digits: 6 }));
    }
    let submit = "verify/trusteddevice/securitycode";
    assert_eq!(world.simulator.requests(submit), 1, "the push, and no malformed code");
    assert_eq!(account.submit_code("654321").await, Err(AccountError::WrongCode));
    // From another process, as it was typed.
    world.account().submit_code(" 908-172\n").await.unwrap();
    assert_eq!(world.simulator.pushes(), 1);

    std::fs::remove_file(world.session_file()).unwrap();
    let account = world.account();
    account.sign_in(&SecretString::from(PASSWORD)).await.unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(account.submit_code("654321").await.unwrap_err());
    }
    assert!(outcomes.contains(&AccountError::TooManyCodes), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_used_again_without_a_password() {
    let world = World::new();
    world.signed_in().await;
    let account = world.account();
    assert!(account.status().signed_in, "known from the disk, before any call");
    account.ready().await.unwrap();
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!((world.sign_ins(), world.logins(), world.simulator.requests("validate")), (1, 1, 1));
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_callers_share_one_renewal() {
    let world = World::new();
    let account = world.signed_in().await;
    world.simulator.expire_cookies();
    let (body, before) = (json!({}), world.logins());
    let calls = (0..10).map(|_| account.post(ZONES, &body));
    for reply in futures_util::future::join_all(calls).await {
        assert_let_in(&reply.unwrap());
    }
    assert_eq!(world.logins() - before, 1);
    assert_eq!(world.sign_ins(), 1, "no password was needed");
    // The renewed session is on disk.
    world.account().ready().await.unwrap();
    assert_eq!(world.logins() - before, 1);
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn unattended_sign_ins_are_rationed() {
    let world = World::new();
    let account = world.signed_in().await;
    world.simulator.expire_sessions();
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!((world.sign_ins(), world.simulator.pushes()), (2, 1), "the trust spares the code");
    world.simulator.expire_sessions();
    let outcome = account.post(ZONES, &json!({})).await.unwrap_err();
    assert!(matches!(outcome, AccountError::TooSoon { .. }), "{outcome:?}");
    let outcome = world.account().ready().await.unwrap_err();
    assert!(matches!(outcome, AccountError::TooSoon { .. }), "in a process that was started again, too: {outcome:?}");
    assert_eq!(world.sign_ins(), 2);
    let status = account.status();
    assert!(!status.signed_in && status.needs.is_some(), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_trust_waits_for_a_person() {
    let world = World::new();
    let account = world.signed_in().await;
    world.simulator.forget_browsers();
    world.simulator.expire_sessions();
    assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::CodeNeeded);
    let (sign_ins, logins) = (world.sign_ins(), world.logins());
    for _ in 0..5 {
        assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::CodeNeeded);
    }
    assert_eq!(world.account().ready().await, Err(AccountError::SignInNeeded));
    assert_eq!((world.sign_ins(), world.simulator.pushes()), (sign_ins, 1), "nobody is there to see a code");
    assert!(world.logins() <= logins + 1, "a dead session is not asked for over and over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_elsewhere_is_noticed() {
    let world = World::new();
    let mounted = world.signed_in().await;
    std::fs::remove_file(world.path("password")).unwrap();
    world.simulator.expire_sessions();
    let outcome = mounted.post(ZONES, &json!({})).await.unwrap_err();
    assert!(matches!(outcome, AccountError::Password { .. }), "{outcome:?}");
    // The trust has survived, so that no code is asked for.
    let outcome = world.account().sign_in(&SecretString::from(PASSWORD)).await;
    assert_eq!(outcome, Ok(SignIn::Done));
    let logins = world.logins();
    assert_let_in(&mounted.post(ZONES, &json!({})).await.unwrap());
    assert_eq!(world.logins(), logins, "the other process's session is taken over");
    assert!(mounted.status().signed_in);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_never_shown_to_another_service() {
    let world = World::new();
    world.signed_in().await;
    let other = World::new();
    std::fs::create_dir_all(other.session_file().parent().unwrap()).unwrap();
    std::fs::copy(world.session_file(), other.session_file()).unwrap();
    let account = other.account();
    assert!(!account.status().signed_in);
    assert_eq!(account.ready().await, Err(AccountError::SignInNeeded));
    assert_eq!((other.logins(), other.simulator.requests("validate"), other.sign_ins()), (0, 0, 0));
}

/// The calls of an endpoint, from the `first` on, fail with a bare status.
fn failing(endpoint: &str, first: u64, status: u16) -> Fault {
    Fault::from(endpoint, first, Effect::Fail(Failure::bare(status)))
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_at_apples_costs_no_sign_in() {
    let world = World::new();
    world.signed_in().await;
    for (endpoint, status) in [("validate", 500), ("validate", 503), ("validate", 429), ("accountLogin", 503)] {
        world.simulator.expire_cookies();
        world.simulator.fault(failing(endpoint, 1, status).times(1));
        let error = world.account().ready().await.unwrap_err();
        let named = matches!(error, AccountError::Service { .. } | AccountError::Throttled { .. });
        assert!(named && !error.needs_a_person(), "{endpoint} {status}: {error:?}");
        world.account().ready().await.unwrap();
    }
    world.simulator.fault(Fault::nth("validate", 1, Effect::Reset));
    let error = world.account().ready().await.unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    world.account().ready().await.unwrap();
    assert_eq!(world.sign_ins(), 1);
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_call_is_repeated_once() {
    let world = World::new();
    let account = world.signed_in().await;
    for status in [401, 421, 450] {
        let (calls, logins) = (world.simulator.requests("zones/list"), world.logins());
        world.simulator.fault(failing("zones/list", 1, status).times(1));
        assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
        assert_eq!((world.simulator.requests("zones/list") - calls, world.logins() - logins), (2, 1), "{status}");
    }
    // A session that is new and yet refused is not renewed over and over.
    world.simulator.fault(failing("zones/list", 1, 401));
    let (calls, logins) = (world.simulator.requests("zones/list"), world.logins());
    for _ in 0..5 {
        let error = account.post(ZONES, &json!({})).await.unwrap_err();
        assert!(matches!(error, AccountError::SessionOver { .. }), "{error:?}");
    }
    assert_eq!((world.simulator.requests("zones/list") - calls, world.logins() - logins), (2, 1));
    assert_eq!(world.sign_ins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_matter_of_the_session_is_handed_back() {
    let world = World::new();
    let account = world.signed_in().await;
    let logins = world.logins();
    for status in [400, 403, 404, 409, 429, 500, 503] {
        world.simulator.fault(Fault::nth("zones/list", 1, Effect::Fail(Failure::bare(status))));
        assert_eq!(account.post(ZONES, &json!({})).await.unwrap().status, status);
    }
    world.simulator.fault(Fault::nth("zones/list", 1, Effect::Fail(Failure::bare(423))));
    assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::KeysNeeded);
    assert_eq!(world.logins(), logins);
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_breaks_off_can_be_gone_on_with() {
    let world = World::new();
    let account = world.account();
    account.sign_in(&SecretString::from(PASSWORD)).await.unwrap();
    world.simulator.fault(Fault::nth("verify/trusteddevice/securitycode", 1, Effect::Reset));
    assert!(account.submit_code(CODE).await.unwrap_err().is_unreachable());
    world.account().submit_code(CODE).await.unwrap();
    world.account().ready().await.unwrap();
    assert_eq!((world.sign_ins(), world.simulator.pushes()), (1, 1));
    world.simulator.assert_clean();
}

#[test]
fn one_process_serves_an_account() {
    let world = World::new();
    let lock = AccountLock::take(&world.config()).unwrap();
    assert!(matches!(AccountLock::take(&world.config()), Err(AccountError::InUse)));
    drop(lock);
    AccountLock::take(&world.config()).unwrap();
}

#[test]
fn the_program_signs_in_in_two_steps() {
    let world = World::new();
    let first = world.run(&["login"]);
    assert_eq!(first.status.code(), Some(3), "{}", stderr(&first));
    assert!(stderr(&first).contains("photosfs login --code"), "{}", stderr(&first));
    let wrong = world.run(&["login", "--code", "000000"]);
    assert_eq!(wrong.status.code(), Some(4), "{}", stderr(&wrong));
    let second = world.run(&["login", "--code", CODE]);
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    let again = world.run(&["login"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!((world.sign_ins(), world.simulator.pushes()), (1, 1), "no second sign-in, no second code");

    assert_eq!(mode(&world.session_file()), 0o600);
    assert_eq!(mode(world.session_file().parent().unwrap()), 0o700);

    let out = world.run(&["logout"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert!(!world.session_file().exists());
    assert_eq!(world.simulator.requests("logout"), 1);
    world.simulator.assert_clean();
}

#[test]
fn the_program_says_why_not_and_what_to_do() {
    let world = World::with_password("not it");
    let fails = |code: i32, advice: &str| {
        let output = world.run(&["login"]);
        let text = stderr(&output);
        assert_eq!((output.status.code(), text.lines().count()), (Some(code), 2), "{text}");
        assert!(text.contains(advice), "{text}");
    };
    fails(4, "try again");
    world.simulator.change_switches(|switches| switches.locked = true);
    std::fs::write(world.path("password"), PASSWORD).unwrap();
    fails(4, "iforgot.apple.com");
    world.simulator.change_switches(|switches| {
        switches.locked = false;
        switches.throttled = true;
    });
    fails(5, "wait");
    std::fs::set_permissions(world.path("password"), PermissionsExt::from_mode(0o644)).unwrap();
    fails(1, "photosfs login");
    std::fs::set_permissions(world.path("password"), PermissionsExt::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    std::fs::write(world.path("config.toml"), text.replace(&world.simulator.url(), "http://127.0.0.1:1")).unwrap();
    fails(5, "photosfs doctor");
}

#[test]
fn web_access_that_is_off_is_told() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.web_access = false);
    world.run(&["login"]);
    let output = world.run(&["login", "--code", CODE]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("Access iCloud Data on the Web"), "{}", stderr(&output));
}

#[test]
fn no_secret_in_the_most_talkative_log() {
    let world = World::new();
    let mut said = String::new();
    let mut kept = String::new();
    for arguments in [&["login"][..], &["login", "--code", CODE], &["login"], &["doctor"], &["logout"]] {
        let output = world.run(&[&["--log", "trace"], arguments].concat());
        said += &stderr(&output);
        said += &String::from_utf8_lossy(&output.stdout);
        kept += &std::fs::read_to_string(world.session_file()).unwrap_or_default();
    }
    assert!(said.contains("signin/complete") && said.contains("accountLogin"), "the log tells the calls:\n{said}");
    let secrets = secrets(&kept);
    assert!(secrets.len() > 10, "tokens and cookies: {}", secrets.len());
    for secret in secrets.iter().map(String::as_str).chain([PASSWORD, CODE, APPLE_ID, "10000000001"]) {
        let line = said.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "a secret of {} characters is logged", secret.len());
    }
}

/// The values in the session files that must stay there: tokens, and the values of cookies.
fn secrets(kept: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    for session in serde_json::Deserializer::from_str(kept).into_iter::<serde_json::Value>() {
        let session = session.unwrap();
        let exchange = &session["pending"]["exchange"];
        let tokens = [&session["token"], &session["trust"]["token"], &exchange["scnt"], &exchange["session_id"]];
        secrets.extend(tokens.into_iter().chain([&exchange["token"], &exchange["attributes"]]).filter_map(text));
        for cookie in session["cookies"].as_array().into_iter().flatten() {
            let pair = text(&cookie["raw_cookie"]).unwrap();
            let value = pair.split(';').next().unwrap().split_once('=').unwrap().1.trim_matches('"').to_owned();
            secrets.push(value);
        }
    }
    secrets.retain(|secret| secret.len() > 8);
    secrets
}

fn text(value: &serde_json::Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
