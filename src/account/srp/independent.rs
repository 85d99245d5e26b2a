//! Handshakes against a server of other people's making: python's `srp` with pyicloud's password step, in the environment
//! that `tests/run` makes. Some hundred here; `PHOTOSFS_SRP_HANDSHAKES=3000` makes it as many as that.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::*;

/// Enough to meet a few numbers that begin with a zero byte, in a few seconds.
const HANDSHAKES: usize = 300;

struct Peer {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Peer {
    fn new() -> Peer {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
        let python = target.join("clients-venv/bin/python");
        let mut command = Command::new(&python);
        command.arg(root.join("tests/clients/srp_peer.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}; see tests/run", python.display()));
        let (ask, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Peer { child, ask, told }
    }

    fn ask(&mut self, question: &Value) {
        writeln!(self.ask, "{question}").unwrap();
    }

    fn told(&mut self) -> Value {
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Passwords with what people put into them.
fn password(n: usize) -> String {
    format!("{}{n}", ["Correct Horse ", "Grüße-🌊 ", " ", "パスワード", "p\"\\'"][n % 5])
}

/// One handshake with random numbers; what the peer thinks of its proofs.
fn run(peer: &mut Peer, n: usize) -> Value {
    let (handshake, password) = (Handshake::new(), password(n));
    let protocol = ["s2k", "s2k_fo"][n % 2];
    let account = ["jane@example.com", ""][usize::from(n.is_multiple_of(7))];
    let mut salt: [u8; 16] = rand::random();
    if n.is_multiple_of(97) {
        salt[0] = 0;
    }
    let iterations = 1000 + u32::try_from(n % 50).unwrap();
    let asked = json!({"account": account, "password": password, "protocol": protocol, "iterations": iterations,
        "salt": hex(&salt), "a": hex(handshake.public())});
    peer.ask(&asked);
    let public = unhex(peer.told()["b"].as_str().unwrap());
    let challenge = Challenge { protocol: Protocol::named(protocol).unwrap(), iterations, salt: salt.to_vec(), public };
    let proof = handshake.prove(account, &SecretString::from(password), &challenge).unwrap();
    peer.ask(&json!({"m1": hex(&proof.m1), "m2": hex(&proof.m2), "key": hex(&proof.key[..])}));
    peer.told()
}

#[test]
fn another_implementation_takes_the_proofs_of_random_handshakes() {
    let count = std::env::var("PHOTOSFS_SRP_HANDSHAKES").ok().map_or(HANDSHAKES, |text| text.parse().unwrap());
    let mut peer = Peer::new();
    let (mut zeros, mut by_srp) = (0, 0);
    for n in 0..count {
        let verdict = run(&mut peer, n);
        assert_eq!(verdict["padded"], true, "handshake {n}: {verdict}");
        // Where a number begins with a zero byte `srp` hashes fewer bytes, and Apple does not (protocol/auth.md §8.1).
        assert_eq!(verdict["srp"], !verdict["zeros"].as_bool().unwrap(), "handshake {n}: {verdict}");
        zeros += usize::from(verdict["zeros"] == true);
        by_srp += usize::from(verdict["srp"] == true);
    }
    eprintln!("{count} handshakes: {by_srp} taken by srp, {zeros} with a leading zero, all by padded arithmetic");
    assert!(by_srp > count * 9 / 10 && zeros >= count / 97, "{by_srp} {zeros}");
}
