//! The open device, as the program that mounts for us hands it over.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::cmsg_space;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

/// Takes a descriptor from the message that comes with it. It is not passed on to programs we start.
pub fn receive(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!([libc::c_int; 1]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty())?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control
            && let Some(&descriptor) = descriptors.first()
        {
            // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
            let device = unsafe { OwnedFd::from_raw_fd(descriptor) };
            fcntl(&device, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
            return Ok(device);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
