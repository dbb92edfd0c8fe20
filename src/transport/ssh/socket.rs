//! The byte stream below a connection: TCP, or a socket pair whose other end is a channel of a jump host or a program.

use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::sys::socket::Shutdown;

#[derive(Clone)]
pub(super) struct Socket(Arc<OwnedFd>);

impl Socket {
    /// Ends it in both directions, for all who hold it.
    pub(super) fn shutdown(&self) {
        nix::sys::socket::shutdown(self.as_raw_fd(), Shutdown::Both).ok();
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self(Arc::new(stream.into()))
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self(Arc::new(stream.into()))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// A host and a port, for messages.
pub(super) fn place(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
