//! Two people's accounts on one machine: each with its own session, lock, cache and mount, and nothing of one goes to the
//! other. That no cookie or token crosses is asserted by the simulator, which knows whose each is.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use icloud_simulator::Options;
use icloud_simulator::library::{Body, Cloud, NewPhoto, Resource};
use icloud_simulator::options::Person;
use sha1::{Digest, Sha1};
use walkdir::WalkDir;

use crate::installation::{Installation, eventually, said};

const JOHN: &str = "john@example.invalid";
const JOHNS_PASSWORD: &str = "another-password-8";
const PHOTOS: usize = 12;

struct Household {
    installation: Installation,
    johns: Cloud,
}

impl Household {
    fn new() -> Household {
        let installation = Installation::signed_out(Options { assets: Some(0), ..Options::default() });
        let phones = Person::default().phones;
        let johns = installation.simulator.add_person(Person {
            apple_id: JOHN.into(),
            password: JOHNS_PASSWORD.into(),
            first_name: "John".into(),
            last_name: "Demo".into(),
            dsid: "10000000002".into(),
            phones,
        });
        let file = installation.path("config.toml");
        let text = fs::read_to_string(&file).unwrap();
        let (own, shared): (Vec<_>, Vec<_>) =
            text.lines().partition(|line| line.starts_with("apple_id") || line.starts_with("password_file"));
        let secret = installation.path("johns-password");
        fs::write(&secret, JOHNS_PASSWORD).unwrap();
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let tables = format!(
            "{}\n[accounts.jane]\n{}\n[accounts.john]\napple_id = '{JOHN}'\npassword_file = '{}'\n",
            shared.join("\n"),
            own.join("\n"),
            secret.display()
        );
        fs::write(file, tables).unwrap();
        Household { installation, johns }
    }

    fn output(&self, name: &str, arguments: &[&str]) -> Output {
        self.installation.output(&[&["--account", name], arguments].concat())
    }

    fn run(&self, name: &str, arguments: &[&str]) -> String {
        said(&format!("photosfs --account {name} {arguments:?}"), &self.output(name, arguments))
    }

    fn code(&self, name: &str) -> String {
        match name {
            "john" => self.installation.simulator.device_code_of(JOHN),
            _ => self.installation.simulator.device_code(),
        }
    }

    fn point(&self, name: &str) -> PathBuf {
        self.installation.path(&format!("mnt-{name}"))
    }

    fn mount(&self, name: &str) {
        fs::create_dir(self.point(name)).unwrap();
        assert_eq!(self.output(name, &["login"]).status.code(), Some(3));
        self.run(name, &["login", "--code", &self.code(name)]);
        self.run(name, &["mount", "--background", self.point(name).to_str().unwrap()]);
    }

    /// The SHA-1 of every file that a person's mount shows by date.
    fn shown(&self, name: &str) -> BTreeSet<String> {
        let files = WalkDir::new(self.point(name).join("Years")).into_iter().map(Result::unwrap);
        let files = files.filter(|entry| entry.file_type().is_file());
        files.map(|file| hex(&Sha1::digest(fs::read(file.path()).unwrap()))).collect()
    }
}

impl Drop for Household {
    fn drop(&mut self) {
        for name in ["jane", "john"] {
            let _ = self.output(name, &["unmount", self.point(name).to_str().unwrap()]);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds photos whose bytes are nobody else's.
fn fill(cloud: &Cloud, seed: u64) {
    for n in 0..PHOTOS as u64 {
        let original = Resource::new("public.jpeg", Body::seeded(seed + n, 3000 + n));
        let captured = 1_500_000_000_000 + i64::try_from(n).unwrap() * 86_400_000;
        cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("IMG_{n:04}.JPG"), original, captured));
    }
}

fn truth(cloud: &Cloud) -> BTreeSet<String> {
    cloud.truth().assets().flat_map(|asset| asset.resources.iter().map(|file| file.sha1.clone())).collect()
}

#[test]
fn two_people_mount_at_once_and_nothing_crosses() {
    let household = Household::new();
    let simulator = &household.installation.simulator;
    let (janes, johns) = (simulator.cloud(), household.johns.clone());
    fill(&janes, 1_000);
    fill(&johns, 2_000);
    let refused = household.installation.output(&["status"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--account: jane, john"), "{refused:?}");
    household.mount("jane");
    household.mount("john");
    assert_eq!(household.shown("jane").len(), PHOTOS);
    assert_eq!((household.shown("jane"), household.shown("john")), (truth(&janes), truth(&johns)));

    // Both sessions are renewed, by token and by password.
    simulator.expire_sessions();
    fill(&johns, 3_000);
    fill(&janes, 4_000);
    for name in ["john", "jane"] {
        household.run(name, &["sync"]);
    }
    assert_eq!((household.shown("jane"), household.shown("john")), (truth(&janes), truth(&johns)));

    // One of them leaves; the other notices nothing.
    household.run("jane", &["logout"]);
    fill(&johns, 5_000);
    household.run("john", &["sync"]);
    eventually("John's new photos are shown", || household.shown("john") == truth(&johns));
    assert_ne!(household.output("jane", &["sync"]).status.code(), Some(0));
    assert!(household.run("john", &["status"]).contains("session: signed in"));
    assert!(household.run("jane", &["status"]).contains("session: not signed in"));
    simulator.assert_clean();
}
