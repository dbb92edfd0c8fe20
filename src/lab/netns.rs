//! A network namespace pinned to a file, and the taps in it. The lab's own is not among those of `ip netns`: that
//! program mounts its folder over itself whenever it likes, and what was pinned there before could not be unpinned.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

nix::ioctl_write_ptr_bad!(
    tun_set_interface,
    nix::request_code_write!(b'T', 202, size_of::<libc::c_int>()),
    libc::ifreq
);
nix::ioctl_write_int_bad!(
    tun_set_persistent,
    nix::request_code_write!(b'T', 203, size_of::<libc::c_int>())
);

/// Where `ip` finds them; on a /run that is the lab's alone.
pub(super) const NAMESPACES: &str = "/run/netns";

/// A bridge that forwards from the first moment, and multicast (VRRP) to all ports.
pub(super) fn bridge_line(link: &str) -> String {
    format!("link add {link} up type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
}

#[derive(Debug, Clone)]
pub(super) struct Netns {
    path: PathBuf,
}

impl Netns {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Makes it, and pins it.
    pub(super) fn create(&self) -> io::Result<()> {
        let path = &self.path;
        OpenOptions::new().write(true).create_new(true).open(path)?;
        let pin = || -> io::Result<()> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            mount(
                Some("/proc/thread-self/ns/net"),
                path,
                None::<&str>,
                MsFlags::MS_BIND,
                None::<&str>,
            )?;
            Ok(())
        };
        // In a separate thread, so that the caller stays where it is.
        in_thread(pin).inspect_err(|_| {
            let _ = std::fs::remove_file(path);
        })
    }

    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        Ok(File::open(&self.path)?.into())
    }

    /// Moves the calling thread into it.
    pub(super) fn enter(&self) -> io::Result<()> {
        Ok(setns(self.open()?, CloneFlags::CLONE_NEWNET)?)
    }

    /// Does something inside, from a separate thread.
    pub(super) fn inside<T: Send>(
        &self,
        action: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        let fd = self.open()?;
        in_thread(move || {
            setns(&fd, CloneFlags::CLONE_NEWNET)?;
            action()
        })
    }

    /// Makes a command start inside.
    pub(super) fn place(&self, command: &mut Command) -> io::Result<()> {
        let fd = self.open()?;
        // SAFETY: between fork and exec there is one system call, on a descriptor that the closure owns.
        unsafe {
            command.pre_exec(move || Ok(setns(&fd, CloneFlags::CLONE_NEWNET)?));
        }
        Ok(())
    }

    /// Takes its pin away; it ends with the last process in it.
    pub(super) fn delete(&self) -> io::Result<()> {
        let path = &self.path;
        loop {
            match umount2(path, MntFlags::MNT_DETACH) {
                Ok(()) => {}
                Err(nix::Error::EINVAL | nix::Error::ENOENT) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn in_thread<T: Send>(action: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        scope
            .spawn(action)
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    })
}

/// Makes a lasting tap in the calling thread's namespace.
pub(super) fn make_tap(name: &str) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    // SAFETY: an ifreq is plain old data, for which zeroes are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::other(format!(
            "{name}: too long for an interface"
        )));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    let flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    // SAFETY: the descriptor is open and the request outlives both calls.
    unsafe {
        tun_set_interface(device.as_raw_fd(), &raw const request)?;
        tun_set_persistent(device.as_raw_fd(), 1)?;
    }
    Ok(())
}
