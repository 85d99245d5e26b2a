//! Mounting through macFUSE's own program (desktop.md §1.4). It sends the open device over a socket, and later, as the
//! kernel ends a mount only while somebody answers on that device, how the mount went.

use std::fmt::Display;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};

use super::MountError;
use super::handed::receive;

/// Long enough to load the kernel extension.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long the program may take to end after it has given up.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A mount that has begun.
pub struct Macfuse {
    socket: UnixStream,
    said: Receiver<String>,
    status: Option<i32>,
}

/// Starts the program, and takes the device from it.
pub fn begin(program: &Path, options: &str, point: &Path) -> Result<(OwnedFd, Macfuse), MountError> {
    let (socket, its) = UnixStream::pair().map_err(refused)?;
    socket.set_read_timeout(Some(DEADLINE)).map_err(refused)?;
    let child = start(program, options, point, its).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => MountError::NoHelper,
        _ => refused(error),
    })?;
    let macfuse = Macfuse { socket, said: listen(child).map_err(refused)?, status: None };
    match receive(&macfuse.socket) {
        Ok(device) => Ok((device, macfuse)),
        Err(error) => Err(macfuse.explained(error)),
    }
}

fn start(program: &Path, options: &str, point: &Path, socket: UnixStream) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.arg("-o").arg(options).arg(point);
    command.env("_FUSE_CALL_BY_LIB", "1").env("_FUSE_COMMVERS", "2");
    command.env("_FUSE_COMMFD", socket.as_raw_fd().to_string());
    command.env("_FUSE_DAEMON_PATH", std::env::current_exe()?);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let survive = move || fcntl(&socket, FcntlArg::F_SETFD(FdFlag::empty())).map(drop).map_err(io::Error::from);
    // SAFETY: between fork and exec only fcntl is called, which is async-signal-safe, on a socket the closure owns.
    unsafe { command.pre_exec(survive) };
    // Our copy of its end of the socket goes with the command, so that its end is noticed.
    command.spawn()
}

/// Waits for the end of the program, and tells what it said.
fn listen(mut child: Child) -> io::Result<Receiver<String>> {
    let (tell, told) = mpsc::channel();
    let wait = move || {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut said);
        }
        let _ = child.wait();
        let _ = tell.send(said);
    };
    thread::Builder::new().name("mount_macfuse".into()).spawn(wait)?;
    Ok(told)
}

impl Macfuse {
    /// Waits until the kernel asks something on the device, or until there will be no mount: to read from the device of a
    /// mount that failed would never end.
    pub fn wait_for_kernel(&mut self, device: &OwnedFd) -> Result<(), MountError> {
        while self.status.is_none() {
            let mut ready = FdSet::new();
            ready.insert(device.as_fd());
            ready.insert(self.socket.as_fd());
            let mut patience = TimeVal::milliseconds(DEADLINE.as_millis() as i64);
            match select(None, &mut ready, None, None, &mut patience) {
                Err(Errno::EINTR) => {}
                Ok(0) => return Err(MountError::Refused("the kernel did not begin to talk".into())),
                // After the word of a success the kernel's first question is there, too.
                Ok(_) if ready.contains(self.socket.as_fd()) => self.status()?,
                // The device; or one that cannot be waited for, which can be read.
                Ok(_) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Waits until the mount is complete.
    pub fn finish(mut self) -> Result<(), MountError> {
        if self.status.is_none() { self.status() } else { Ok(()) }
    }

    /// Takes the word on how the mount went: an error number, or 0.
    fn status(&mut self) -> Result<(), MountError> {
        let mut status = [0; 4];
        if let Err(error) = self.socket.read_exact(&mut status) {
            return Err(self.explained(error));
        }
        match i32::from_ne_bytes(status) {
            0 => {
                self.status = Some(0);
                Ok(())
            }
            number => Err(self.explained(Errno::from_raw(number).desc())),
        }
    }

    /// What the program said, as one line of ours; `otherwise` if it said nothing.
    fn explained(&self, otherwise: impl Display) -> MountError {
        let said = self.said.recv_timeout(LAST_WORDS).unwrap_or_default();
        if said.contains("not available") || said.contains("kernel extension") {
            return MountError::NoFuse(io::Error::other(said.trim().to_owned()));
        }
        match said.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => MountError::Refused(line.trim().trim_start_matches("mount_macfuse: ").to_owned()),
            None => MountError::Refused(otherwise.to_string()),
        }
    }
}

fn refused(error: io::Error) -> MountError {
    MountError::Refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::*;

    /// Does as the real program does, with one end of a socket as the device; `rest` is what it does with the other end,
    /// `kernel`, and with `comm`, the socket it was called with.
    fn program(folder: &Path, rest: &str) -> std::path::PathBuf {
        let path = folder.join("mount_macfuse");
        let text = format!(
            "#!/usr/bin/env python3\n\
             import array, os, socket, struct, sys, time\n\
             assert os.environ['_FUSE_CALL_BY_LIB'] == '1' and os.environ['_FUSE_COMMVERS'] == '2'\n\
             assert os.path.isfile(os.environ['_FUSE_DAEMON_PATH'])\n\
             assert sys.argv[1:] == ['-o', 'ro,volname=iCloud Photos', '/Volumes/iCloud Photos'], sys.argv\n\
             comm = socket.socket(fileno=int(os.environ['_FUSE_COMMFD']))\n\
             device, kernel = socket.socketpair()\n\
             def hand():\n    \
                 rights = array.array('i', [device.fileno()])\n    \
                 comm.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])\n    \
                 device.close()\n\
             {rest}\n"
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn start(rest: &str) -> Result<(OwnedFd, Macfuse), MountError> {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path(), rest);
        // Python has read the whole of it before it runs the first line: the file may go when this returns.
        begin(&program, "ro,volname=iCloud Photos", Path::new("/Volumes/iCloud Photos"))
    }

    #[test]
    fn the_kernel_is_answered_before_the_mount_is_complete() {
        let rest = "hand(); kernel.send(b'init'); assert kernel.recv(9) == b'reply'; comm.send(struct.pack('i', 0))";
        let (device, mut macfuse) = start(rest).unwrap();
        macfuse.wait_for_kernel(&device).unwrap();
        assert_eq!(macfuse.status, None, "the mount waits for us");
        let mut device = UnixStream::from(device);
        let mut asked = [0; 4];
        device.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"init");
        device.write_all(b"reply").unwrap();
        macfuse.finish().unwrap();
    }

    #[test]
    fn a_mount_that_is_complete_at_once_is_one() {
        let rest = "hand(); kernel.send(b'init'); comm.send(struct.pack('i', 0)); kernel.recv(9)";
        let (device, mut macfuse) = start(rest).unwrap();
        macfuse.wait_for_kernel(&device).unwrap();
        macfuse.finish().unwrap();
    }

    #[test]
    fn a_mount_that_fails_after_the_device_came_is_noticed() {
        let started = Instant::now();
        let (device, mut macfuse) = start("hand(); comm.send(struct.pack('i', 1))").unwrap();
        let error = macfuse.wait_for_kernel(&device).unwrap_err();
        assert_eq!(error.to_string(), "the mount was refused: Operation not permitted");
        assert!(started.elapsed() < DEADLINE);
    }

    #[test]
    fn what_the_program_says_is_passed_on() {
        let refused = start("sys.exit('mount_macfuse: mount point is itself on a macFUSE volume')").err().unwrap();
        assert_eq!(refused.to_string(), "the mount was refused: mount point is itself on a macFUSE volume");
        let missing = start("sys.exit('mount_macfuse: the file system is not available (1)')").err().unwrap();
        assert!(matches!(missing, MountError::NoFuse(_)), "{missing}");
        let nothing = begin(Path::new("/no/such/program"), "ro", Path::new("/mnt"));
        assert!(matches!(nothing, Err(MountError::NoHelper)));
    }
}
