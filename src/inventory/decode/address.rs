//! Texts that are nearly addresses or subnets.

use std::net::IpAddr;

use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::scalar::{addresses, endpoint, listed, netmask};

use super::Cursor;
use super::hint::beside;

/// A text that is nearly an address or a subnet.
pub(super) fn of_address(cursor: Cursor<'_>, expected: &str, text: &str) -> Option<String> {
    if !expected.starts_with("an address") && !expected.starts_with("a subnet") {
        return None;
    }
    let with_port = expected.contains("with or without a port");
    let site = &cursor.site;
    if let Some(net) = netmask(text) {
        let address = net.split('/').next().unwrap_or(&net);
        let bare = with_port || expected.ends_with("such as 192.168.100.14");
        return Some(format!("write `{}`", if bare { address } else { &net }));
    }
    if let Some((address, port)) = endpoint(text) {
        let Some(port) = port else {
            return Some(format!("write `{address}`, without brackets"));
        };
        if with_port {
            let shown = if address.is_ipv6() {
                format!("'[{address}]:{port}'")
            } else {
                format!("{address}:{port}")
            };
            return Some(format!("write `{shown}`"));
        }
        return Some(match (site.of(), cursor.key) {
            ("Service", "vip") if site.given("port").is_some() => {
                format!("write `{address}`: the port stands in `port`")
            }
            ("Service", "vip") => {
                format!(
                    "write `{address}`{}",
                    beside(site, &[("port", Form::word(port))])
                )
            }
            ("Host", "address") => format!(
                "write `{address}`; where NAT maps ports, a service says which one its real servers listen on: `real_port: {port}`"
            ),
            ("LongSorryServer", "address") => {
                format!("write `{address}`; a port stands in `port`")
            }
            _ => format!("write `{address}`: no port stands here"),
        });
    }
    if let Some(all) = addresses(text) {
        let list = Form::words(&all);
        return Some(format!("there are no ranges of addresses: write `{list}`"));
    }
    let is_address = |part: &str| {
        let bare = part.split('/').next().unwrap_or_default();
        bare.parse::<IpAddr>().is_ok()
    };
    let parts = listed(text)?;
    if parts.iter().all(|part| is_address(part)) && !cursor.in_list {
        let list = Form::words(parts);
        return Some(format!("write `{list}`"));
    }
    // `192.168.100.200/24 dev eth0`.
    let first = *parts.first().filter(|first| is_address(first))?;
    let own = (site.of() == "Vrrp").then(|| foreign::vip_in_services(first, site));
    let first = own.flatten().unwrap_or(first);
    Some(format!(
        "write `{first}`; the interface in its network holds it"
    ))
}
