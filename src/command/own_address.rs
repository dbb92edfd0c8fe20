//! Refuses inventories with a VIP that is an address of the machine that lvsctl runs on.

use std::net::IpAddr;

use crate::cli::Global;
use crate::exit::Exit;

use super::context::{self, Context};
use super::{Failure, Result};

/// Refuses an inventory with a VIP that this machine has. A lab's networks are not those of this machine.
pub(super) fn check(global: &Global, context: &Context) -> Result<()> {
    if global.lab {
        return Ok(());
    }
    let checked = context.loaded.check_controller(&own());
    checked.map_err(|e| Failure::new(Exit::Invalid, context::rendered(global, &e)))
}

/// All addresses of all interfaces. A machine that does not list them has none that could be compared.
fn own() -> Vec<IpAddr> {
    let all = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let addresses = all.filter_map(|interface| interface.address);
    addresses
        .filter_map(|address| {
            let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_its_loopback_address() {
        assert!(own().iter().any(IpAddr::is_loopback), "{:?}", own());
    }
}
