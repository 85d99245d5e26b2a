//! The password in a real Secret Service: GNOME's keyring on a bus of its own. Needs gnome-keyring and dbus.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use icloud_simulator::Options;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::installation::eventually;
use crate::terminal::{Terminal, without_password};
use crate::world::{CODE, PASSWORD, World};

/// A session bus with an unlocked keyring, for one world.
struct Bus {
    child: Child,
    address: String,
}

impl Bus {
    fn of(world: &World) -> Bus {
        fs::DirBuilder::new().mode(0o700).create(world.path("runtime")).unwrap();
        let file = world.path("bus");
        let script = format!(
            "printf keyring | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; \
             printf %s \"$DBUS_SESSION_BUS_ADDRESS\" >'{0}.part'; mv '{0}.part' '{0}'; sleep 600",
            file.display()
        );
        let mut command = Command::new("dbus-run-session");
        command.args(["--", "sh", "-c", &script]).env("HOME", world.folder.path()).env_remove("XDG_DATA_HOME");
        command.env("XDG_RUNTIME_DIR", world.path("runtime")).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.process_group(0).spawn().expect("dbus-run-session");
        eventually("there is a bus", || file.exists());
        Bus { child, address: fs::read_to_string(file).unwrap() }
    }

    fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = world.command(arguments);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn world() -> World {
    let world = without_password(Options { assets: Some(0), code: Some(CODE.into()), ..Options::default() });
    let text = fs::read_to_string(world.path("config.toml")).unwrap();
    fs::write(world.path("config.toml"), format!("keyring = true\n{text}")).unwrap();
    world
}

#[test]
fn a_typed_password_is_kept_in_the_keyring_and_used_from_there() {
    let world = world();
    let bus = Bus::of(&world);
    let mut terminal = Terminal::run(bus.command(&world, &["login"]));
    terminal.answer("Password: ", PASSWORD);
    terminal.answer("Code", CODE);
    let (status, shown) = terminal.end();
    assert!(status.success() && !shown.contains("not kept"), "{shown}");
    // Off a terminal, with the most talkative log; the trust spares the code.
    world.simulator.expire_sessions();
    let output = bus.command(&world, &["--log", "trace", "login"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains(PASSWORD), "{}", output.status);
    assert_eq!((world.sign_ins(), world.simulator.pushes()), (2, 1));
    // Signed out, it is gone.
    let output = bus.command(&world, &["logout"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let output = bus.command(&world, &["login"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    world.simulator.assert_clean();
}

#[test]
fn without_a_session_bus_it_is_said_at_once() {
    let world = world();
    let output = world.command(&["login"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("no keyring in this session"), "{said}");
    // On a terminal the person is asked all the same.
    let mut terminal = Terminal::run(world.command(&["login"]));
    terminal.answer("Password: ", PASSWORD);
    terminal.answer("Code", CODE);
    let (status, shown) = terminal.end();
    assert!(status.success() && shown.contains("The password is not kept"), "{shown}");
    world.simulator.assert_clean();
}
