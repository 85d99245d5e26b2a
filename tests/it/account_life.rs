//! The life of an account beyond the plain sign-in: everything else that Apple may want, and when.

use icloud_simulator::accounts::Form;
use icloud_simulator::fault::{Effect, Failure, Fault};
use icloud_simulator::options::{BeforeEscrow, ChallengeShape, CodeReply, Protection, Protocol};
use jiff::SignedDuration;
use photosfs::account::{AccountError, Clock, CodeBy, CodeSent, SignIn};
use secrecy::SecretString;
use serde_json::json;

use crate::world::{CODE, PASSWORD, World, ZONES, assert_let_in, sign_in, stderr};

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_proven_a_second_time_where_apple_wants_it() {
    for before in [BeforeEscrow::Trusted, BeforeEscrow::Untrusted, BeforeEscrow::Refused] {
        for protocol in [Protocol::S2k, Protocol::S2kFo] {
            let world = World::new();
            world.simulator.change_switches(|switches| {
                switches.escrow = Some(before);
                switches.protocol = protocol;
                switches.code_reply = CodeReply::ConflictWithToken;
            });
            let account = world.account();
            sign_in(&account).await;
            let escrows = || world.simulator.requests("escrow/complete");
            assert_eq!((escrows(), world.simulator.requests("2sv/trust"), world.logins()), (1, 1, 1), "after the code");
            assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
            // Later, with the trust token and nobody there: no code, no new trust.
            world.simulator.expire_sessions();
            assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
            assert_eq!((world.sign_ins(), escrows(), world.simulator.requests("2sv/trust")), (2, 2, 1));
            assert_eq!(world.simulator.pushes(), 1);
            assert!(world.simulator.proof_forms().iter().all(|form| *form != Form::Shortest));
            world.simulator.assert_clean();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_proof_without_a_password_at_hand_is_told() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.escrow = Some(BeforeEscrow::Untrusted));
    let outcome = world.account().sign_in(&SecretString::from(PASSWORD)).await;
    assert_eq!(outcome, Ok(SignIn::CodeNeeded { digits: 6, sent: CodeSent::Devices }));
    // Another process, which has no password and cannot ask for it.
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    let without = text.lines().filter(|line| !line.starts_with("password_file")).collect::<Vec<_>>().join("\n");
    std::fs::write(world.path("config.toml"), without).unwrap();
    assert_eq!(world.account().submit_code(CODE).await, Err(AccountError::EscrowNeeded));
    std::fs::write(world.path("config.toml"), text).unwrap();
    // In two steps, with a password file, it goes through.
    let output = world.run(&["login"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let output = world.run(&["login", "--code", CODE]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_by_text_or_call_in_every_shape_of_the_challenge() {
    for shape in [ChallengeShape::Asked, ChallengeShape::Wrapped, ChallengeShape::Page, ChallengeShape::BridgePage] {
        for voice in [false, true] {
            let world = World::new();
            world.simulator.change_switches(|switches| switches.challenge = shape);
            let account = world.account();
            let by = CodeBy::Phone { number: Some(2), voice };
            let outcome = account.sign_in_by(&SecretString::from(PASSWORD), by).await.unwrap();
            let SignIn::CodeNeeded { digits: 6, sent: CodeSent::Phone { phone, voice: spoken } } = outcome else {
                panic!("{shape:?}: {outcome:?}");
            };
            assert_eq!((phone.id, phone.last_two.as_str(), spoken), (2, "17", voice));
            assert_eq!((world.simulator.pushes(), world.simulator.texts()), (0, 1), "{shape:?}");
            assert_eq!(account.submit_code("654321").await, Err(AccountError::WrongCode));
            // From another process.
            world.account().submit_code(&world.simulator.sms_code().unwrap()).await.unwrap();
            assert!(world.account().status().signed_in);
            world.simulator.assert_clean();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_is_the_persons_choice_and_asking_costs_no_second_sign_in() {
    let world = World::new();
    let account = world.account();
    let by = |number| CodeBy::Phone { number, voice: false };
    let outcome = account.sign_in_by(&SecretString::from(PASSWORD), by(None)).await;
    assert!(matches!(&outcome, Err(AccountError::WhichNumber { phones }) if phones.len() == 2), "{outcome:?}");
    assert!(matches!(account.ask_code(by(Some(9))).await, Err(AccountError::NoSuchNumber { .. })));
    world.simulator.change_switches(|switches| switches.phones_refused = true);
    assert_eq!(account.ask_code(by(Some(1))).await, Err(AccountError::NumberUnusable));
    world.simulator.change_switches(|switches| switches.phones_refused = false);
    assert_eq!((world.simulator.texts(), world.simulator.pushes()), (0, 0), "nothing was sent yet");
    account.ask_code(by(Some(1))).await.unwrap();
    // The devices after all: the sign-in is the same.
    account.ask_code(CodeBy::Devices).await.unwrap();
    account.submit_code(CODE).await.unwrap();
    assert_eq!((world.sign_ins(), world.simulator.texts(), world.simulator.pushes()), (1, 1, 1));
    world.simulator.assert_clean();
}

#[test]
fn the_program_sends_codes_to_phones() {
    let world = World::new();
    let login = |arguments: &[&str]| {
        let output = world.run(&[&["login"], arguments].concat());
        (output.status.code(), stderr(&output))
    };
    let (code, text) = login(&["--sms"]);
    assert!(code == Some(2) && text.contains("1 (••42), 2 (••17)") && text.contains("--sms 1"), "{text}");
    let (code, text) = login(&["--voice", "2"]);
    assert!(code == Some(3) && text.contains("calls the number ••17"), "{text}");
    // Whoever is looking for the code is not sent another one.
    let (code, text) = login(&[]);
    assert!(code == Some(3) && text.contains("••17"), "{text}");
    assert_eq!((world.sign_ins(), world.simulator.texts(), world.simulator.pushes()), (1, 1, 0));
    assert_eq!(login(&["--code", &world.simulator.sms_code().unwrap()]).0, Some(0));
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_trusted_devices_the_code_is_texted() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.trusted_devices = false);
    let outcome = world.account().sign_in(&SecretString::from(PASSWORD)).await;
    assert!(matches!(outcome, Err(AccountError::WhichNumber { .. })), "{outcome:?}");
    assert_eq!(world.simulator.pushes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_codes_end_it_for_hours() {
    let world = World::new();
    let account = world.account();
    account.sign_in(&SecretString::from(PASSWORD)).await.unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        outcomes.push(account.ask_code(CodeBy::Devices).await);
    }
    assert_eq!(outcomes.last(), Some(&Err(AccountError::TooManyCodes)), "{outcomes:?}");
    // A new sign-in sees it before anything is sent.
    let pushes = world.simulator.pushes();
    assert_eq!(account.sign_in(&SecretString::from(PASSWORD)).await, Err(AccountError::TooManyCodes));
    assert_eq!(world.simulator.pushes(), pushes);
}

#[test]
fn what_apple_wants_first_is_told_by_the_program() {
    type Switch = fn(&mut icloud_simulator::options::Switches);
    let rows: [(Switch, i32, &str); 4] = [
        (|switches| switches.security_keys = true, 4, "security keys"),
        (|switches| switches.old_two_step = true, 4, "two-factor authentication"),
        (|switches| switches.domain_to_use = Some((200, "iCloud.com.cn")), 4, "--region cn"),
        (|switches| switches.domain_to_use = Some((302, "iCloud.com.cn")), 4, "--region cn"),
    ];
    for (row, (switch, code, advice)) in rows.into_iter().enumerate() {
        let world = World::new();
        world.simulator.change_switches(switch);
        let mut output = world.run(&["login"]);
        if output.status.code() == Some(3) {
            output = world.run(&["login", "--code", CODE]);
        }
        let text = stderr(&output);
        assert!(output.status.code() == Some(code) && text.contains(advice), "row {row}: {text}");
        assert_eq!(world.sign_ins(), 1, "row {row}");
        world.simulator.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_are_told_and_never_accepted_for_the_person() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.terms_pending = true);
    let account = world.account();
    account.sign_in(&SecretString::from(PASSWORD)).await.unwrap();
    assert_eq!(account.submit_code(CODE).await, Err(AccountError::TermsPending));
    assert!(!account.status().signed_in);
    assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::TermsPending);
    // The person accepts them at icloud.com; then the next login is no sign-in.
    world.simulator.change_switches(|switches| switches.terms_pending = false);
    world.account().resume().await.unwrap();
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!((world.sign_ins(), world.simulator.pushes()), (1, 1));
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_apple_lost_is_begun_anew_once() {
    for (endpoint, status) in
        [("signin/init", 401), ("signin/init", 421), ("signin/complete", 421), ("signin/complete", 450)]
    {
        let world = World::new();
        world.simulator.fault(Fault::nth(endpoint, 1, Effect::Fail(Failure::bare(status))));
        sign_in(&world.account()).await;
        assert_eq!(world.sign_ins(), 2, "{endpoint} {status}");
        world.simulator.fault(Fault::from(endpoint, 1, Effect::Fail(Failure::bare(status))));
        let outcome = world.account().sign_in(&SecretString::from(PASSWORD)).await;
        assert!(matches!(outcome, Err(AccountError::SessionOver { .. })), "{endpoint} {status}: {outcome:?}");
        assert_eq!(world.sign_ins(), 4, "and not over and over: {endpoint} {status}");
    }
}

/// The data service gives the session's cookie anew before it runs out (protocol/auth.md §4.4): who keeps it stays signed in.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_used_does_not_run_out() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.session_life = std::time::Duration::from_secs(24 * 3600));
    let account = world.signed_in().await;
    for _ in 0..10 {
        world.simulator.state().clock.advance(std::time::Duration::from_secs(15 * 3600));
        assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    }
    assert_eq!((world.sign_ins(), world.logins()), (1, 1));
    world.simulator.assert_clean();
}

const APPROVED: Protection = Protection { approved_after: Some(2), cookies_after: 3, arming_refused: false };
const IGNORED: Protection = Protection { approved_after: None, ..APPROVED };

/// Signed in to an account with Advanced Data Protection, keys and all.
async fn protected() -> (World, std::sync::Arc<photosfs::account::Account>) {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.protection = Some(APPROVED));
    let account = world.signed_in().await;
    assert!(account.lacks_keys(), "the session is good, the keys are missing");
    account.borrow_keys().await.unwrap();
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    (world, account)
}

/// Waits until the account needs nothing.
async fn settled(account: &photosfs::account::Account) {
    for _ in 0..1_200 {
        if account.status().needs.is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{:?}", account.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_photos_are_read_when_a_device_has_approved() {
    let (world, account) = protected().await;
    assert_eq!((world.simulator.prompts(), world.simulator.requests("enableDeviceConsentForPCS")), (1, 1));
    // The keys lapse in mid-run: reads fail at once, one round is made for all of them.
    world.simulator.forget_keys();
    let body = json!({});
    let calls = (0..10).map(|_| account.post(ZONES, &body));
    let outcomes = futures_util::future::join_all(calls).await;
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(AccountError::KeysNeeded))));
    assert!(outcomes.iter().flatten().all(|reply| reply.status == 200), "only what came when the keys were back");
    assert!(account.status().signed_in, "the session itself is good");
    settled(&account).await;
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!((world.simulator.prompts(), world.sign_ins()), (2, 1));
    // They are on disk.
    assert_let_in(&world.account().post(ZONES, &json!({})).await.unwrap());
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_approves_are_not_asked_for_over_and_over() {
    let (world, account) = protected().await;
    world.simulator.change_switches(|switches| switches.protection = Some(IGNORED));
    world.simulator.forget_keys();
    let (prompts, asked) = (world.simulator.prompts(), world.simulator.requests("requestWebAccessState"));
    assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::KeysNeeded);
    // Until the round is over: 30 polls, 20 ms apart against a simulator.
    let questions = || world.simulator.requests("requestWebAccessState") - asked;
    for _ in 0..1_200 {
        if questions() >= 31 && !account.is_asking_for_keys() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for _ in 0..5 {
        assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::KeysNeeded);
    }
    assert_eq!((questions(), world.simulator.prompts() - prompts), (31, 1));
    assert!(account.status().needs.is_some());
    // The person runs login in another terminal: the mount goes on by itself.
    world.simulator.change_switches(|switches| switches.protection = Some(APPROVED));
    world.account().borrow_keys().await.unwrap();
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!(account.status().needs, None);
    assert_eq!(world.sign_ins(), 1);
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_had_are_told() {
    let (world, account) = protected().await;
    let refusing = Protection { arming_refused: true, ..APPROVED };
    world.simulator.change_switches(|switches| switches.protection = Some(refusing));
    assert_eq!(account.borrow_keys().await, Err(AccountError::KeysNeeded), "arming is refused");
    world.simulator.change_switches(|switches| switches.web_access = false);
    assert_eq!(account.borrow_keys().await, Err(AccountError::WebAccessOff));
    assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::WebAccessOff);
    world.simulator.expire_cookies();
    assert!(matches!(account.borrow_keys().await, Err(AccountError::SessionOver { .. })));
    world.simulator.assert_clean();
}

#[test]
fn the_program_waits_for_the_device() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.protection = Some(APPROVED));
    assert_eq!(world.run(&["login"]).status.code(), Some(3));
    let output = world.run(&["login", "--code", CODE]);
    let text = stderr(&output);
    assert!(output.status.code() == Some(0) && text.contains("approve access"), "{text}");
    world.simulator.forget_keys();
    world.simulator.assert_clean();
}

/// How many sign-ins an account makes that is asked every five minutes for so many hours.
async fn sign_ins_in(world: &World, account: &photosfs::account::Account, clock: &Clock, hours: i64) -> u64 {
    let before = world.sign_ins();
    for _ in 0..hours * 12 {
        let _ = account.post(ZONES, &json!({})).await;
        clock.advance(SignedDuration::from_mins(5));
    }
    world.sign_ins() - before
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_sign_ins_become_rare_over_restarts_too() {
    let world = World::new();
    let clock = Clock::default();
    let account = world.account_at(&clock);
    sign_in(&account).await;
    world.simulator.expire_sessions();
    world.simulator.fault(Fault::every("signin/init", Effect::Fail(Failure::bare(503))));
    // At 0, 30 min, 1.5 h, 3.5 h, 7.5 h, then every 6 h: 13.5 h, 19.5 h.
    assert_eq!(sign_ins_in(&world, &account, &clock, 24).await, 7);
    // A process that is started again each time asks no more often.
    let before = world.sign_ins();
    for _ in 0..72 {
        let _ = world.account_at(&clock).ready().await;
        clock.advance(SignedDuration::from_mins(5));
    }
    assert_eq!(world.sign_ins() - before, 1, "in six hours");
    // A clock that begins a year earlier at each start waits, and then goes on.
    clock.advance(SignedDuration::from_hours(-24 * 365));
    let outcome = world.account_at(&clock).ready().await;
    assert!(matches!(outcome, Err(AccountError::TooSoon { .. })), "{outcome:?}");
    world.simulator.state().faults.clear();
    clock.advance(SignedDuration::from_hours(7));
    world.account_at(&clock).ready().await.unwrap();
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_not_tried_again_until_it_changes() {
    let world = World::new();
    let clock = Clock::default();
    let account = world.account_at(&clock);
    sign_in(&account).await;
    world.simulator.change_password("changed-at-apple");
    assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::WrongPassword);
    assert_eq!(sign_ins_in(&world, &account, &clock, 24 * 7).await, 0, "a week with the same password");
    assert_eq!(account.status().needs_code.as_deref(), Some("wrong_password"));
    let restarted = world.account_at(&clock);
    assert_eq!(restarted.ready().await, Err(AccountError::WrongPassword), "known after a restart");
    // The same from a command, and from a script that signs in.
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    let command = format!("password_command = 'echo {PASSWORD}'\n");
    let without = text.lines().filter(|line| !line.starts_with("password_file")).collect::<Vec<_>>().join("\n");
    std::fs::write(world.path("config.toml"), command + &without).unwrap();
    assert_eq!(world.account_at(&clock).ready().await, Err(AccountError::WrongPassword));
    let output = world.run(&["login"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert_eq!((world.sign_ins(), world.simulator.wrong_passwords()), (2, 1));
    // Changed, it is tried by itself; Apple has forgotten the browser, so that a person is still needed.
    std::fs::write(world.path("config.toml"), text).unwrap();
    std::fs::write(world.path("password"), "changed-at-apple").unwrap();
    clock.advance(SignedDuration::from_hours(1));
    assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::CodeNeeded);
    assert_eq!((world.sign_ins(), world.simulator.wrong_passwords()), (3, 1));
    world.simulator.assert_clean();
}

/// One call fails with a status, and what the account makes of it; over HTTP, where the tables of refusals are unit tests.
async fn after_failing(world: &World, endpoint: &str, status: u16) -> Result<(), AccountError> {
    let account = world.account();
    account.sign_in(&SecretString::from(PASSWORD)).await?;
    world.simulator.fault(Fault::nth(endpoint, 1, Effect::Fail(Failure::bare(status))));
    account.submit_code(CODE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_that_is_refused_ends_the_sign_in() {
    for status in [401, 403, 409, 421, 404, 500] {
        let world = World::new();
        let outcome = after_failing(&world, "2sv/trust", status).await;
        assert!(outcome.is_err() && !world.account().status().signed_in, "{status}: {outcome:?}");
        // It is over: another code would be of no use.
        assert_eq!(world.account().submit_code(CODE).await, Err(AccountError::NoCodeExpected), "{status}");
        assert_eq!((world.sign_ins(), world.logins()), (1, 0), "{status}");
        world.simulator.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_a_sign_in_that_apple_forgot_begins_anew() {
    for status in [401, 421] {
        let world = World::new();
        let submit = "verify/trusteddevice/securitycode";
        let outcome = after_failing(&world, submit, status).await;
        assert_eq!(outcome, Err(AccountError::NoCodeExpected), "{status}");
        assert_eq!(world.account().waiting(), None, "{status}");
        sign_in(&world.account()).await;
        world.simulator.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_the_password_stops_after_one_try() {
    type Judge = fn(&AccountError) -> bool;
    let rows: [(u16, Judge); 8] = [
        (400, |error| matches!(error, AccountError::Unexpected { .. })),
        (401, |error| *error == AccountError::WrongPassword),
        (403, |error| matches!(error, AccountError::Refused { status: 403, .. })),
        (423, |error| *error == AccountError::Locked),
        (429, |error| matches!(error, AccountError::Throttled { .. })),
        (503, |error| matches!(error, AccountError::Throttled { .. })),
        (500, |error| matches!(error, AccountError::Service { status: 500, .. })),
        (502, |error| matches!(error, AccountError::Service { status: 502, .. })),
    ];
    for (status, judge) in rows {
        let world = World::new();
        world.simulator.fault(Fault::every("signin/complete", Effect::Fail(Failure::bare(status))));
        let error = world.account().sign_in(&SecretString::from(PASSWORD)).await.unwrap_err();
        assert!(judge(&error), "{status}: {error:?}");
        assert_eq!(
            (world.sign_ins(), world.simulator.requests("signin/complete"), world.logins()),
            (1, 1, 0),
            "{status}"
        );
        // And Apple's wish to be left alone is heard.
        let wish = Failure { retry_after: Some(7200), ..Failure::bare(503) };
        world.simulator.state().faults.clear();
        world.simulator.fault(Fault::every("signin/init", Effect::Fail(wish)));
        let error = world.account().sign_in(&SecretString::from(PASSWORD)).await.unwrap_err();
        let asked = std::time::Duration::from_secs(7200);
        assert_eq!(error, AccountError::Throttled { retry_after: Some(asked) });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_is_told_by_each_of_its_signs() {
    for (endpoint, status) in [("validate", 401), ("validate", 421), ("validate", 450)] {
        let world = World::new();
        world.signed_in().await;
        world.simulator.fault(Fault::nth(endpoint, 1, Effect::Fail(Failure::bare(status))));
        world.account().ready().await.unwrap();
        assert_eq!((world.sign_ins(), world.logins()), (1, 2), "{endpoint} {status}: by the token");
    }
    for status in [400, 401, 421, 450, 500] {
        let world = World::new();
        world.signed_in().await;
        world.simulator.expire_cookies();
        world.simulator.fault(Fault::nth("accountLogin", 1, Effect::Fail(Failure::bare(status))));
        world.account().ready().await.unwrap();
        assert_eq!((world.sign_ins(), world.simulator.pushes()), (2, 1), "accountLogin {status}: by the password");
    }
    // Of the session, too, and not of the way (protocol/auth.md §5.4).
    let world = World::new();
    let account = world.signed_in().await;
    let missing = Failure::new(421, "AUTHENTICATION_REQUIRED", "Missing X-APPLE-WEBAUTH-USER cookie");
    world.simulator.fault(Fault::nth("zones/list", 1, Effect::Fail(missing)));
    assert_let_in(&account.post(ZONES, &json!({})).await.unwrap());
    assert_eq!((world.sign_ins(), world.logins()), (1, 2));
    world.simulator.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_new_and_refused_is_told_with_what_refused_it() {
    use photosfs::account::Step;
    for status in [401, 421, 450] {
        let world = World::new();
        let account = world.signed_in().await;
        world.simulator.fault(Fault::every("zones/list", Effect::Fail(Failure::bare(status))));
        let error = AccountError::SessionOver { step: Step::Data, status };
        assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), error);
        assert_eq!((world.sign_ins(), world.logins()), (1, 2), "renewed once");
        assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), error, "and told again, without a call");
        assert_eq!((world.sign_ins(), world.logins()), (1, 2), "not over and over");
        world.simulator.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_approves_are_asked_for_ever_more_rarely() {
    let world = World::new();
    world.simulator.change_switches(|switches| switches.protection = Some(APPROVED));
    let clock = Clock::default();
    let account = world.account_at(&clock);
    sign_in(&account).await;
    world.simulator.change_switches(|switches| switches.protection = Some(IGNORED));
    let questions = || world.simulator.requests("requestWebAccessState");
    assert_eq!(account.borrow_keys().await, Err(AccountError::KeysNeeded));
    for pause in [15, 30, 60, 120, 240, 240] {
        let before = questions();
        clock.advance(SignedDuration::from_mins(pause - 1));
        assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::KeysNeeded);
        assert_eq!(questions(), before, "{pause} minutes are not over");
        clock.advance(SignedDuration::from_mins(1));
        assert_eq!(account.post(ZONES, &json!({})).await.unwrap_err(), AccountError::KeysNeeded);
        round_is_over(&account, &clock, || questions() - before == 31).await;
    }
}

/// Waits until a round of questions has been made in vain, and stands.
async fn round_is_over(account: &photosfs::account::Account, clock: &Clock, made: impl Fn() -> bool) {
    for _ in 0..3_000 {
        // Only what has failed, as this does, stands in the way of another round; a moment ago by the clock.
        if made() && !account.is_asking_for_keys() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the round does not end at {}", clock.now());
}
