//! The life of an account beyond the plain sign-in: everything else that Apple may want, and when.

use icloud_simulator::accounts::Form;
use icloud_simulator::options::{BeforeEscrow, CodeReply, Protocol};
use photosfs::account::{AccountError, SignIn};
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
    assert_eq!(outcome, Ok(SignIn::CodeNeeded { digits: 6 }));
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
