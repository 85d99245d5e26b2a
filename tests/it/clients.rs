//! Real clients against the simulator: rclone, icloudpd and pyicloud work against Apple, so where one of them and the
//! simulator differ, the simulator is wrong. Each signs in with a code, lists and downloads, and every byte is compared
//! with what the simulator holds. What a client does in its own way, or wrongly, is named where it is asserted.
//!
//! They reach the simulator under Apple's names: through a proxy on loopback, over TLS with a certificate of an authority
//! that exists for one test (protocol/auth.md §9). tests/run installs them.

mod album;
mod authority;
mod copied;
mod dialogue;
mod icloudpd;
mod listed;
mod photosfs;
mod proxy;
mod pyicloud;
mod rclone;
mod rclone_mount;
mod stage;
mod unpacked;
