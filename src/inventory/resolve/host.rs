//! Hosts: addresses, interfaces, defaults, gateways.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::address::place;
use super::{Context, free, serving};
use crate::diagnostic::{Fault, choices, shown};
use crate::inventory::field::{Named, Opt, Text};
use crate::inventory::foreign;
use crate::inventory::raw::Inventory;
use crate::inventory::raw::host::{Defaults, Host as RawHost};
use crate::inventory::raw::word::{Address, Gateway};
use crate::model::{
    Connection, Export, Host, Interface, LabOptions, Mode, Service, SshOptions, VrrpInstance,
};

const DEFAULT_INTERFACE: &str = "eth0";

pub(super) fn hosts(raw: &Inventory, written: &Named<RawHost>, cx: &mut Context<'_>) -> Vec<Host> {
    let none = Defaults::default();
    let defaults = raw.defaults.get().unwrap_or(&none);
    let all = written.iter();
    all.filter_map(|(name, host)| resolve(name, host, defaults, cx))
        .collect()
}

fn resolve(name: &str, raw: &RawHost, defaults: &Defaults, cx: &mut Context<'_>) -> Option<Host> {
    let roles = roles(name, raw, cx);
    let interfaces = interfaces(name, raw, defaults, cx);
    let primary = interfaces.as_ref().and_then(|all| all.first());
    let address = primary.and_then(|i| i.addresses.first()).map(IpNet::addr);
    let mut vars = defaults.vars.get().map(free).unwrap_or_default();
    vars.extend(raw.vars.get().map(free).unwrap_or_default());
    Some(Host {
        name: name.to_owned(),
        roles: roles?,
        address: address?,
        interface: primary?.name.clone(),
        interfaces: interfaces?,
        gateway: None,
        connection: raw
            .connection
            .or(&defaults.connection)
            .copied()
            .unwrap_or(Connection::Ssh),
        ssh: ssh(raw.ssh.get(), defaults.ssh.get()),
        persist: raw.persist.or(&defaults.persist).copied().unwrap_or(true),
        exports: exports(name, raw, cx),
        lab: lab(raw.lab.get(), defaults.lab.get()),
        vars,
    })
}

fn exports(name: &str, raw: &RawHost, cx: &mut Context<'_>) -> Vec<Export> {
    let written = raw.exports.get().into_iter().flat_map(|many| many.iter());
    written
        .filter_map(|(index, export)| {
            let index = index.to_string();
            let at = |key| ["hosts", name, "exports", index.as_str(), key];
            let folder = "write an absolute path: `/srv/web`";
            let path = cx.required(&at("path"), &export.path, folder);
            let to = cx.required(&at("to"), &export.to, "name the host that mounts it");
            let mount = cx.required(&at("at"), &export.at, folder);
            Some(Export {
                path: path?.clone(),
                client: to?.clone(),
                at: mount?.clone(),
                read_only: export.read_only.copied().unwrap_or(false),
            })
        })
        .collect()
}

fn roles(name: &str, raw: &RawHost, cx: &mut Context<'_>) -> Option<Vec<String>> {
    let path = ["hosts", name, "role"];
    let address = cx.places.text(&["hosts", name, "address"]);
    let address = address.and_then(|text| text.split('/').next());
    let help = if address.is_some_and(|address| cx.sorry_servers.contains(address)) {
        "say what the host does: `role: web`"
    } else {
        "say what the host does: `role: realserver`"
    };
    let written = cx.required(&path, &raw.role, help)?;
    let mut roles: Vec<String> = Vec::new();
    for (index, role) in written.iter() {
        if !cx.roles.contains(&role.as_str()) {
            let fault =
                Fault::new(format!("there is no role named {}", shown(role))).help(format!(
                    "{}; a role of your own is a file roles/{role}.yaml beside the inventory",
                    match foreign::role(role).filter(|ours| cx.roles.contains(ours)) {
                        Some(ours) =>
                            format!("did you mean `{ours}`? known: {}", cx.roles.join(", ")),
                        None => choices(role, cx.roles),
                    }
                ));
            cx.fault(&["hosts", name, "role", &index.to_string()], fault);
        } else if !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    if written.0.is_empty() {
        cx.fault(
            &path,
            Fault::new("a host needs at least one role")
                .help("known roles: ".to_owned() + &cx.roles.join(", ")),
        );
    }
    (!roles.is_empty()).then_some(roles)
}

/// All interfaces, the one with the host's `address` first.
fn interfaces(
    name: &str,
    raw: &RawHost,
    defaults: &Defaults,
    cx: &mut Context<'_>,
) -> Option<Vec<Interface>> {
    let mut all = Vec::new();
    for (nic, written) in raw.interfaces.get().into_iter().flat_map(|all| all.iter()) {
        let path = ["hosts", name, "interfaces", nic, "address"];
        let claimed = written.network.get().map(String::as_str);
        let addresses: Vec<(usize, Address)> = written
            .address
            .get()
            .into_iter()
            .flat_map(|many| many.iter())
            .map(|(index, text)| (index, text.0))
            .collect();
        if written.address.is_absent() {
            let help = "give it an address: `eth1: ‹host/24›` or `eth1: { address: ‹host› }`";
            cx.required(&path, &written.address, help);
        }
        let network_path = ["hosts", name, "interfaces", nic, "network"];
        let known =
            |cx: &Context<'_>| claimed.is_none_or(|c| cx.networks.iter().any(|n| n.name == c));
        // An unknown network is marked at its name, an address outside it at the address.
        let found = if known(cx) {
            interface(nic, &addresses, claimed, &path, cx)
        } else {
            interface(
                nic,
                addresses.get(..1).unwrap_or_default(),
                claimed,
                &network_path,
                cx,
            )
        };
        let mac = written.mac.get().map(|mac| mac.0.0.clone());
        all.extend(found.map(|interface| Interface { mac, ..interface }));
    }
    let desired = raw.interface.or(&defaults.interface).get();
    let desired = desired.map_or(DEFAULT_INTERFACE, String::as_str);
    let own: Vec<(usize, Address)> = match raw.address.get() {
        Some(many) => many.iter().map(|(index, text)| (index, text.0)).collect(),
        None => Vec::new(),
    };
    let Some((_, first)) = own.first().copied() else {
        if raw.address.is_absent() && raw.interfaces.is_absent() {
            let help = "give it the address that the cluster's traffic uses: `address: ‹host›`";
            cx.required(&["hosts", name, "address"], &raw.address, help);
        }
        return (raw.address.is_absent() && !all.is_empty()).then_some(all);
    };
    let holder = all
        .iter()
        .position(|i: &Interface| i.addresses.iter().any(|a| a.addr() == first.address));
    match holder {
        Some(at) => all.swap(0, at),
        None if all.iter().any(|i| i.name == desired) => {
            let fault = Fault::new(format!(
                "{} is on none of the host's interfaces",
                first.address
            ))
            .help("write it below one of `interfaces`, or name its interface with `interface`");
            cx.fault(&["hosts", name, "address"], fault);
            return None;
        }
        None => all.insert(
            0,
            interface(desired, &own, None, &["hosts", name, "address"], cx)?,
        ),
    }
    Some(all)
}

fn interface(
    name: &str,
    addresses: &[(usize, Address)],
    claimed: Option<&str>,
    path: &[&str],
    cx: &mut Context<'_>,
) -> Option<Interface> {
    let mut placed: Vec<(IpNet, String)> = Vec::new();
    for (index, address) in addresses {
        let index = index.to_string();
        let mut path = path.to_vec();
        path.push(&index);
        let found = place(*address, claimed, &path, cx)?;
        if let Some((_, other)) = placed.first()
            && *other != found.1
            && !cx.networks_are_faulty
        {
            let fault = Fault::new(format!(
                "{} is in network {}, but the interface is in {}",
                address.address,
                shown(&found.1),
                shown(other)
            ))
            .help(two_networks(&cx.networks, other, &found.1));
            cx.fault(&path, fault);
            return None;
        }
        placed.push(found);
    }
    let network = placed.first()?.1.clone();
    Some(Interface {
        name: name.to_owned(),
        network,
        addresses: placed.into_iter().map(|(net, _)| net).collect(),
        mac: None,
    })
}

/// An interface has one network, which may have a subnet of each family.
fn two_networks(networks: &[super::Network], one: &str, other: &str) -> String {
    let subnets = |name: &str| -> Vec<IpNet> {
        let named = networks.iter().filter(|network| network.name == name);
        named
            .flat_map(|network| network.subnets.iter().copied())
            .collect()
    };
    let (ours, others) = (subnets(one), subnets(other));
    let v4 = |nets: &[IpNet]| nets.iter().any(|net| net.addr().is_ipv4());
    let v6 = |nets: &[IpNet]| nets.iter().any(|net| net.addr().is_ipv6());
    if (v4(&ours) && v4(&others)) || (v6(&ours) && v6(&others)) {
        return "give each network a separate interface below `interfaces`".to_owned();
    }
    let all: Vec<String> = ours
        .iter()
        .chain(&others)
        .map(ToString::to_string)
        .collect();
    format!(
        "make one network of both, `{one}: [{}]`, or give each a separate interface below `interfaces`",
        all.join(", ")
    )
}

fn lab(host: Option<&LabOptions>, shared: Option<&LabOptions>) -> LabOptions {
    let host = host.copied().unwrap_or_default();
    let shared = shared.copied().unwrap_or_default();
    LabOptions {
        suite: host.suite.or(shared.suite),
        iptables: host.iptables.or(shared.iptables),
    }
}

fn ssh(own: Option<&SshOptions>, shared: Option<&SshOptions>) -> SshOptions {
    let own = own.cloned().unwrap_or_default();
    let shared = shared.cloned().unwrap_or_default();
    let files = |own: Vec<PathBuf>, shared| if own.is_empty() { shared } else { own };
    // Both say how the host is reached: one of them for a host overrides the other for all.
    let (jump, proxy_command) = if own.jump.is_empty() && own.proxy_command.is_none() {
        (shared.jump, shared.proxy_command)
    } else {
        (own.jump, own.proxy_command)
    };
    SshOptions {
        host: own.host.or(shared.host),
        port: own.port.or(shared.port),
        user: own.user.or(shared.user),
        jump,
        jump_password: own.jump_password.or(shared.jump_password),
        proxy_command,
        identity_files: files(own.identity_files, shared.identity_files),
        known_hosts: own.known_hosts.or(shared.known_hosts),
        host_key_checking: own.host_key_checking.or(shared.host_key_checking),
        password: own.password.or(shared.password),
        passphrase: own.passphrase.or(shared.passphrase),
        sudo: own.sudo.or(shared.sudo),
        sudo_password: own.sudo_password.or(shared.sudo_password),
        connect_timeout: own.connect_timeout.or(shared.connect_timeout),
        command_timeout: own.command_timeout.or(shared.command_timeout),
    }
}

/// Fills in the gateways, once all hosts and services are known.
pub(super) fn gateways(
    raw: &Inventory,
    written: &Named<RawHost>,
    hosts: &mut [Host],
    services: &[Service],
    vrrp: &[VrrpInstance],
    cx: &mut Context<'_>,
) {
    let shared = raw.defaults.get().map(|d| &d.gateway).and_then(Opt::get);
    let through_nat = serving(services, |s| s.mode == Mode::Nat);
    let mut found: Vec<Option<IpAddr>> = Vec::new();
    for host in hosts.iter() {
        let own = written
            .iter()
            .find(|(name, _)| *name == host.name)
            .map(|(_, h)| &h.gateway);
        let gateway = match own {
            Some(Opt::Given(gateway)) => {
                named(gateway, host, hosts, &["hosts", &host.name, "gateway"], cx)
            }
            Some(Opt::Broken) => None,
            _ => match shared {
                Some(gateway) => from_defaults(gateway, host, hosts, cx),
                None if through_nat.contains(host.name.as_str()) => {
                    of_nat(host, hosts, vrrp, nat_family(host, services))
                }
                None => None,
            },
        };
        found.push(gateway);
    }
    for (host, gateway) in hosts.iter_mut().zip(found) {
        host.gateway = gateway;
    }
}

fn named(
    gateway: &Text<Gateway>,
    host: &Host,
    hosts: &[Host],
    path: &[&str],
    cx: &mut Context<'_>,
) -> Option<IpAddr> {
    let name = match &gateway.0 {
        Gateway::Address(address) => return Some(*address),
        Gateway::Host(name) => name,
    };
    let router = cx.host(path, hosts, name)?;
    let shared = facing(router, host);
    if router.name == host.name || shared.is_none() {
        let fault = if router.name == host.name {
            Fault::new("a host cannot be its own gateway")
                .help("name another host, or the address of a router")
        } else {
            Fault::new(format!(
                "{} has no address in a network of {}",
                shown(name),
                shown(&host.name)
            ))
            .help(format!("give {} an interface in that network", shown(name)))
        };
        if router.name == host.name || !cx.networks_are_faulty {
            cx.fault(path, fault);
        }
        return None;
    }
    shared
}

/// A gateway for all holds where it can be reached; the gateway's host and other networks go without.
fn from_defaults(
    gateway: &Text<Gateway>,
    host: &Host,
    hosts: &[Host],
    cx: &mut Context<'_>,
) -> Option<IpAddr> {
    match &gateway.0 {
        Gateway::Address(address) => {
            let nets = || host.interfaces.iter().flat_map(|i| &i.addresses);
            let own = nets().any(|net| net.addr() == *address);
            (!own && nets().any(|net| net.contains(address))).then_some(*address)
        }
        Gateway::Host(name) if *name == host.name => None,
        Gateway::Host(name) => {
            let router = cx.host(&["defaults", "gateway"], hosts, name)?;
            facing(router, host)
        }
    }
}

/// The router's address in a network that both share; the primary family first.
fn facing(router: &Host, host: &Host) -> Option<IpAddr> {
    meeting(router, host.interfaces.iter().flat_map(|i| &i.addresses))
}

fn meeting<'n>(router: &Host, nets: impl Iterator<Item = &'n IpNet>) -> Option<IpAddr> {
    let mut theirs = nets.flat_map(|net| {
        let all = router.interfaces.iter().flat_map(|i| &i.addresses);
        all.filter(|a| net.contains(&a.addr())).map(IpNet::addr)
    });
    theirs.next()
}

/// In NAT mode the answers must come back through the director: a VIP in the real server's own network where a
/// VRRP instance holds one, else the only director.
fn of_nat(host: &Host, hosts: &[Host], vrrp: &[VrrpInstance], v4: bool) -> Option<IpAddr> {
    if host.is_director() {
        return None;
    }
    let nets = || {
        let all = host.interfaces.iter().flat_map(|i| &i.addresses);
        all.filter(|net| net.addr().is_ipv4() == v4)
    };
    let held = vrrp.iter().flat_map(|i| &i.vips).map(|v| v.address);
    let mut floating = held.filter(|vip| nets().any(|net| net.contains(vip)));
    if let Some(vip) = floating.next() {
        return Some(vip);
    }
    let mut directors = hosts.iter().filter(|h| h.is_director());
    match (directors.next(), directors.next()) {
        (Some(only), None) => meeting(only, nets()),
        _ => None,
    }
}

/// True if a host has an IPv4 real server behind NAT. With both families IPv4 decides.
fn nat_family(host: &Host, services: &[Service]) -> bool {
    let nat = services.iter().filter(|s| s.mode == Mode::Nat);
    let mut mine = nat.flat_map(|s| s.backends_on(&host.name));
    mine.any(|rs| rs.address.is_ipv4())
}
