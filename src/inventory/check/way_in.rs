//! The way in: VIPs and gateways that would take over an address by which a host is reached, or lvsctl's own machine. What
//! a plan changes on the way in of a host is judged in `crate::plan::way_in`.

use std::net::IpAddr;

use super::View;
use super::gateway::gateway_path;
use super::vips::{Vip, vips_of};
use crate::diagnostic::{Fault, shown};
use crate::model::{Connection, Host};

/// The address in a host's `ssh.host`, where that is an address and no name.
fn reached_at(host: &Host) -> Option<IpAddr> {
    host.ssh.host.as_ref()?.parse().ok()
}

fn at(view: View<'_>, path: &[String], fault: Fault) -> Fault {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    view.at(&path, fault)
}

/// A VIP moves between hosts, and with it who answers SSH.
pub(super) fn vips_are_no_way_in(view: View<'_>, faults: &mut Vec<Fault>) {
    for Vip {
        address: vip, path, ..
    } in vips_of(view)
    {
        let mut hosts = view.cluster.hosts.iter();
        // That it is an address of the host's interfaces is a separate fault.
        let Some(host) = hosts.find(|host| reached_at(host) == Some(vip) && !host.holds(vip))
        else {
            continue;
        };
        let name = shown(&host.name);
        let fault = Fault::new(format!(
            "VIP {vip} is the address by which lvsctl reaches {name} (`ssh.host`)"
        ))
        .help(format!(
            "choose a free address for the VIP, or reach {name} by another address"
        ))
        .about(&host.name);
        faults.push(at(view, &path, fault));
    }
}

/// A host whose default route leads to itself is cut off.
pub(super) fn gateways_are_others(view: View<'_>, faults: &mut Vec<Fault>) {
    for host in &view.cluster.hosts {
        let Some(gateway) = host.gateway else {
            continue;
        };
        // A router may forward another of its ports to the host.
        let forwarded = host.ssh.port.is_some_and(|port| port != 22);
        if reached_at(host) != Some(gateway) || forwarded || host.holds(gateway) {
            continue;
        }
        let fault = Fault::new(format!(
            "gateway {gateway} is the address by which lvsctl reaches {} itself (`ssh.host`)",
            shown(&host.name)
        ))
        .help("write the address of a router in the host's network")
        .about(&host.name);
        faults.push(view.at(&gateway_path(view, host), fault));
    }
}

/// VIPs that are an address of the machine that lvsctl runs on: hosts that hold one answer its connections themselves. A
/// machine that is a host of the cluster may hold VIPs.
pub(super) fn of_controller(view: View<'_>, own: &[IpAddr]) -> Vec<Fault> {
    let is_host = |host: &Host| {
        host.connection == Connection::Local
            || own.iter().any(|address| {
                !address.is_loopback()
                    && (host.holds(*address) || reached_at(host) == Some(*address))
            })
    };
    if view.cluster.hosts.iter().any(is_host) {
        return Vec::new();
    }
    let all = vips_of(view).into_iter();
    let held = all.filter(|vip| own.contains(&vip.address));
    held.map(|Vip { address: vip, path, .. }| {
        let fault = Fault::new(format!(
            "VIP {vip} is an address of this machine, on which lvsctl runs: hosts with the VIP would not reach it any more"
        ))
        .help(format!(
            "choose a free address for the VIP; or, if this machine has it by mistake, take it away: `ip addr show to {vip}`"
        ));
        at(view, &path, fault)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::{BUILT_IN_ROLES, parse};
    use super::*;

    const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                        lb2: { role: backup, address: 10.0.0.2, ssh: { host: 192.0.2.2 } }\n  \
                        rs1: { role: realserver, address: 10.0.0.3 }\n\
                        vrrp: { virtual_router_id: 1, vips: [10.0.0.9, 10.0.0.8] }\n\
                        services: { web: { vip: 10.0.0.9, port: 80 } }\n";

    #[test]
    fn a_vip_that_the_controller_has_is_refused() {
        for (what, text, own, at) in [
            ("a free VIP", TEXT, &["127.0.0.1", "10.0.0.50"][..], None),
            (
                "the VIP of a service",
                TEXT,
                &["127.0.0.1", "10.0.0.9"],
                Some(8),
            ),
            (
                "a VIP of VRRP alone",
                TEXT,
                &["10.0.0.8", "10.0.0.50"],
                Some(7),
            ),
            (
                "the machine is the director that holds it",
                TEXT,
                &["10.0.0.1", "10.0.0.9"],
                None,
            ),
            (
                "the machine is a host by its address for SSH",
                TEXT,
                &["192.0.2.2", "10.0.0.9"],
                None,
            ),
            (
                "a host that is reached without SSH",
                &TEXT.replace(
                    "address: 10.0.0.1 }",
                    "address: 10.0.0.1, connection: local }",
                ),
                &["10.0.0.9"],
                None,
            ),
        ] {
            let loaded = match parse("t.yaml", text, BUILT_IN_ROLES) {
                Ok(loaded) => loaded,
                Err(error) => panic!("{what}: {}", error.render(100, false)),
            };
            let own: Vec<IpAddr> = own.iter().filter_map(|a| a.parse().ok()).collect();
            let found = loaded.check_controller(&own).err().map(|error| {
                let text = error.render(100, false);
                assert!(
                    text.contains("is an address of this machine"),
                    "{what}: {text}"
                );
                error.problems()[0].position()
            });
            match (found.flatten(), at) {
                (None, None) => {}
                (Some(found), Some(line)) => assert_eq!(found.0, line, "{what}"),
                (found, at) => panic!("{what}: {found:?}, expected {at:?}"),
            }
        }
    }

    #[test]
    fn an_address_by_which_a_host_is_reached_is_no_vip_and_no_gateway() {
        for (what, ssh, message) in [
            ("another address", "host: 192.0.2.1", None),
            ("a name", "host: lb1.example.net", None),
            (
                "the VIP of the service",
                "host: 10.0.0.9",
                Some("VIP 10.0.0.9 is the address by which lvsctl reaches `rs1`"),
            ),
            (
                "a VIP of VRRP",
                "host: 10.0.0.8",
                Some("VIP 10.0.0.8 is the address by which lvsctl reaches `rs1`"),
            ),
            (
                "a port of its gateway, which forwards it",
                "host: 10.0.0.254, port: 2203",
                None,
            ),
            (
                "its gateway",
                "host: 10.0.0.254",
                Some("gateway 10.0.0.254 is the address by which lvsctl reaches `rs1` itself"),
            ),
        ] {
            let host = format!("10.0.0.3, gateway: 10.0.0.254, ssh: {{ {ssh} }} }}");
            let text = TEXT.replace("10.0.0.3 }", &host);
            let found = parse("t.yaml", &text, BUILT_IN_ROLES).err();
            let found = found.map(|error| error.render(200, false));
            match (&found, message) {
                (None, None) => {}
                (Some(found), Some(message)) => {
                    assert!(found.contains(message), "{what}: {found}");
                    assert!(found.contains("t.yaml:"), "{what}: {found}");
                }
                _ => panic!("{what}: {found:?}"),
            }
        }
    }
}
