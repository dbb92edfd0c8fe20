//! The program is killed: what its shells on hosts do then, they do by themselves.

use nix::sys::signal::Signal;

use super::{Kind, signal};

pub(crate) const KIND: Kind = Kind {
    name: "kill",
    unnoticed: true,
    strike: |_, run, _| {
        signal(run, Signal::SIGKILL);
        Box::new(|| ())
    },
};
