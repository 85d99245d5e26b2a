//! The program on a terminal of its own: what a person sees and types at `login`.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use icloud_simulator::options::{Person, Phone};
use icloud_simulator::{Options, Simulator};

use crate::world::{CODE, PASSWORD, World};

const DEADLINE: Duration = Duration::from_secs(60);

/// A program that takes this for a terminal.
pub struct Terminal {
    child: Child,
    keys: File,
    shown: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    /// How far what is shown has been looked at.
    looked: usize,
}

impl Terminal {
    pub fn run(mut command: Command) -> Terminal {
        let pty = nix::pty::openpty(None, None).unwrap();
        let (slave, mut master) = (File::from(pty.slave), File::from(pty.master));
        let copy = || slave.try_clone().unwrap();
        command.stdin(copy()).stdout(copy()).stderr(copy());
        let become_its_own = || {
            nix::unistd::setsid()?;
            // SAFETY: the descriptor is the terminal that was just made the standard input; no memory is touched.
            match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        };
        // SAFETY: between fork and exec two system calls are made, and nothing is allocated.
        unsafe { command.pre_exec(become_its_own) };
        let child = command.spawn().unwrap();
        let keys = master.try_clone().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let sink = shown.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            // An error is how the end of the last program on a terminal is told.
            while let Ok(count @ 1..) = master.read(&mut buffer) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        Terminal { child, keys, shown, reader: Some(reader), looked: 0 }
    }

    /// Waits until something is shown that was not looked at before.
    pub fn expect(&mut self, text: &str) {
        let until = Instant::now() + DEADLINE;
        loop {
            let shown = self.shown.lock().unwrap().clone();
            if let Some(at) = shown[self.looked..].find(text) {
                self.looked += at + text.len();
                return;
            }
            assert!(Instant::now() < until, "not shown: {text:?} in {shown:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn answer(&mut self, question: &str, text: &str) {
        self.expect(question);
        self.keys.write_all(format!("{text}\n").as_bytes()).unwrap();
    }

    /// How it ended, and all that was shown.
    pub fn end(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end: {:?}", self.shown.lock().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().unwrap().join().unwrap();
        let shown = self.shown.lock().unwrap().clone();
        (status, shown)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A world whose configuration names no password.
pub fn without_password(options: Options) -> World {
    let world = World::of(options, PASSWORD);
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    let rest: Vec<&str> = text.lines().filter(|line| !line.starts_with("password_file")).collect();
    std::fs::write(world.path("config.toml"), rest.join("\n")).unwrap();
    world
}

fn options() -> Options {
    Options { assets: Some(0), code: Some(CODE.into()), ..Options::default() }
}

#[test]
fn a_person_is_asked_for_the_password_and_the_code() {
    let world = without_password(options());
    let mut terminal = Terminal::run(world.command(&["login"]));
    // Typed as soon as the question is there, which is when an echo that is still on would show it.
    terminal.answer("Password: ", PASSWORD);
    terminal.expect("shows a code on your devices");
    terminal.answer("Code", "12");
    terminal.expect("a code has 6 digits");
    terminal.answer("Code", "000000");
    terminal.expect("did not accept the code");
    terminal.answer("Code", "");
    terminal.expect("shows a code on your devices");
    terminal.answer("Code", CODE);
    terminal.expect("Signed in.");
    let (status, shown) = terminal.end();
    assert!(status.success() && !shown.contains(PASSWORD) && !shown.contains(&PASSWORD[..4]), "{shown}");
    assert_eq!((world.sign_ins(), world.simulator.pushes()), (1, 2));
    let again = Terminal::run(world.command(&["login"])).end();
    assert!(again.0.success() && again.1.contains("signed in already"), "{}", again.1);
    world.simulator.assert_clean();
}

#[test]
fn a_person_is_asked_which_number() {
    let world = without_password(options());
    let mut terminal = Terminal::run(world.command(&["login", "--sms"]));
    terminal.answer("Password: ", PASSWORD);
    terminal.expect("2 (••17)");
    terminal.answer("Which one: ", "9");
    terminal.expect("Type the number in front of it.");
    terminal.answer("Which one: ", "2");
    terminal.expect("texts a code to the number ••17");
    terminal.answer("Code", &world.simulator.sms_code().unwrap());
    terminal.expect("Signed in.");
    assert!(terminal.end().0.success());
    assert_eq!((world.sign_ins(), world.simulator.texts(), world.simulator.pushes()), (1, 1, 0));
    world.simulator.assert_clean();
}

#[test]
fn a_single_number_is_used_where_there_are_no_devices() {
    let person = Person { phones: vec![Phone { id: 1, last_two: "42".into() }], ..Person::default() };
    let world = without_password(Options { account: person, ..options() });
    world.simulator.change_switches(|switches| switches.trusted_devices = false);
    let mut terminal = Terminal::run(world.command(&["login"]));
    terminal.answer("Password: ", PASSWORD);
    terminal.expect("texts a code to the number ••42");
    terminal.answer("Code", &world.simulator.sms_code().unwrap());
    assert!(terminal.end().0.success());
    assert_eq!(world.simulator.pushes(), 0);
    world.simulator.assert_clean();
}

#[test]
fn three_wrong_codes_end_it() {
    let world = without_password(options());
    world.simulator.change_switches(|switches| switches.wrong_codes_allowed = 9);
    let mut terminal = Terminal::run(world.command(&["login"]));
    terminal.answer("Password: ", PASSWORD);
    for _ in 0..3 {
        terminal.answer("Code", "000000");
    }
    let (status, shown) = terminal.end();
    assert_eq!(status.code(), Some(4), "{shown}");
    assert!(Simulator::requests(&world.simulator, "verify/trusteddevice/securitycode") == 4, "a push and three tries");
}
