//! Changes of a plan that affect the way in: the SSH connection of lvsctl to the host, with its interface, its route, the
//! packet filter and sshd. Changes that cannot cut off the connection do not count, so that usual runs need no guard. Pure.

use std::net::IpAddr;

use wildmatch::WildMatch;

use crate::fact::way_in::WayIn;
use crate::resource::sysctl::Sysctl;
use crate::resource::unit::Unit;
use crate::resource::{Action, Change, Resource};

/// How lvsctl is connected to the host.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// Over SSH by an unknown way: every change that may affect the connection counts.
    Unknown,
    Known(&'a WayIn),
}

/// A part of the way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Network,
    Filter,
    Ssh,
}

/// A change that touches the way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    pub part: Part,
    pub why: String,
}

fn touch(part: Part, why: impl Into<String>) -> Option<Touch> {
    let why = why.into();
    Some(Touch { part, why })
}

/// The part of the way in that a change of a resource affects, and why.
pub fn touches(change: &Change, resource: &Resource, way: Way) -> Option<Touch> {
    let way = Known(way);
    match resource {
        Resource::Address(address) if !address.if_held || way.is_end(address.address.addr()) => {
            if way.is_end(address.address.addr()) {
                return touch(
                    Part::Network,
                    "it is an address of lvsctl's connection".to_owned(),
                );
            }
            way.takes(&address.interface).then(|| Touch {
                part: Part::Network,
                why: format!(
                    "lvsctl's connection takes the interface {}",
                    address.interface
                ),
            })
        }
        Resource::Link(link) => way.takes(&link.name).then(|| Touch {
            part: Part::Network,
            why: format!("lvsctl's connection takes the interface {}", link.name),
        }),
        Resource::Route(route) => way.needs_route(route.to).then(|| Touch {
            part: Part::Network,
            why: "lvsctl's connection takes this route".to_owned(),
        }),
        Resource::Neighbour(neighbour) => way.next_hop(neighbour.address).then(|| Touch {
            part: Part::Network,
            why: "lvsctl's connection takes this neighbour".to_owned(),
        }),
        Resource::Sysctl(sysctl) => of_sysctl(sysctl, change, way),
        Resource::Arprule(rule) => way.is_end(rule.vip.into()).then(|| Touch {
            part: Part::Filter,
            why: "it is an address of lvsctl's connection".to_owned(),
        }),
        Resource::Mark(mark) => way.is_end(mark.destination).then(|| Touch {
            part: Part::Filter,
            why: "it marks packets of lvsctl's connection".to_owned(),
        }),
        Resource::Ipvs(ipvs) => way.is_served(ipvs.service.r#virtual).then(|| Touch {
            part: Part::Network,
            why: "it takes packets of lvsctl's connection".to_owned(),
        }),
        Resource::File(file) => of_path(&file.path),
        Resource::Unit(unit) => of_unit(unit),
        Resource::Package(package) => package.names.iter().find_map(|name| {
            let of = |part: Part, patterns: &[&str]| {
                let matches = patterns.iter().any(|p| WildMatch::new(p).matches(name));
                matches.then(|| Touch {
                    part,
                    why: format!("the package {name} may start or stop a part of this access"),
                })
            };
            of(Part::Filter, FILTER_PACKAGES).or_else(|| of(Part::Ssh, SSH_PACKAGES))
        }),
        // A drop-in has no effect until another program restarts systemd-networkd.
        Resource::Address(_) | Resource::Module(_) | Resource::Networkd(_) => None,
    }
}

/// The reason to refuse a desired resource that would take over an end of lvsctl's connection, or its route.
pub fn refusal(resource: &Resource, way: &WayIn) -> Option<String> {
    match resource {
        Resource::Address(address) => {
            let ip = address.address.addr();
            if ip == way.controller {
                return Some(format!(
                    "{ip} is the address from which lvsctl reaches this host, which would then treat it as local; choose another \
                     address, or run lvsctl on another machine"
                ));
            }
            if Some(ip) == way.gateway {
                return Some(format!(
                    "{ip} is the gateway of lvsctl's connection to this host, which would then treat it as local; choose another \
                     address"
                ));
            }
            // An address that is not a VIP may be the host's own.
            (ip == way.local && !address.source).then(|| {
                format!(
                    "{ip} is the address by which lvsctl reaches this host; choose another address for the VIP, or reach the host \
                     by another address"
                )
            })
        }
        Resource::Route(route) => {
            let ends_here = route.via.is_none() && route.interface.as_deref() == Some("lo");
            let leads =
                Known(Way::Known(way)).needs_route(route.to) && route.to.contains(&way.controller);
            (leads && (ends_here || route.via == Some(way.local))).then(|| {
                format!(
                    "the route {} leads to this host itself, and lvsctl's connection from {} would take it; write another gateway",
                    route.to, way.controller
                )
            })
        }
        _ => None,
    }
}

/// The connection. If it is not known, every question about it gets the answer that leads to a guard.
#[derive(Clone, Copy)]
struct Known<'a>(Way<'a>);

impl Known<'_> {
    fn takes(self, interface: &str) -> bool {
        match self.0 {
            Way::Unknown => interface != "lo",
            Way::Known(way) if way.interface.is_none() => interface != "lo",
            Way::Known(way) => way.related.contains(interface),
        }
    }

    fn is_end(self, address: IpAddr) -> bool {
        match self.0 {
            Way::Unknown => false,
            Way::Known(way) => {
                [way.local, way.controller].contains(&address) || way.gateway == Some(address)
            }
        }
    }

    /// Whether the connection depends on a route to `to`: one to the controller that is at least as specific as the present
    /// one, or one to the gateway.
    fn needs_route(self, to: ipnet::IpNet) -> bool {
        let Way::Known(way) = self.0 else {
            return true;
        };
        let taken = way.matched.map_or(0, |net| net.prefix_len());
        let leads = to.contains(&way.controller) && to.prefix_len() >= taken;
        let to_gateway = way.gateway.is_some_and(|gateway| to.contains(&gateway));
        leads
            || (to_gateway && to.prefix_len() > 0)
            || to.contains(&way.local) && to.prefix_len() > 30
    }

    fn next_hop(self, address: IpAddr) -> bool {
        match self.0 {
            Way::Unknown => true,
            Way::Known(way) => address == way.gateway.unwrap_or(way.controller),
        }
    }

    fn is_served(self, to: crate::model::Virtual) -> bool {
        use crate::model::Virtual;
        match (self.0, to) {
            (Way::Known(way), Virtual::Tcp(at)) => {
                at.ip() == way.local && [0, way.port].contains(&at.port())
            }
            _ => false,
        }
    }

    fn is_v6(self) -> Option<bool> {
        match self.0 {
            Way::Unknown => None,
            Way::Known(way) => Some(way.local.is_ipv6()),
        }
    }
}

/// Sysctls of an interface that cannot cut a connection off, whatever their value is.
const HARMLESS: &[&str] = &[
    "accept_redirects",
    "arp_accept",
    "arp_announce",
    "arp_notify",
    "bc_forwarding",
    "log_martians",
    "mc_forwarding",
    "promote_secondaries",
    "proxy_arp",
    "route_localnet",
    "secure_redirects",
    "send_redirects",
    "shared_media",
];

fn of_sysctl(sysctl: &Sysctl, change: &Change, way: Known) -> Option<Touch> {
    let mut parts = sysctl.name.splitn(4, '.');
    let (net, family, conf) = (parts.next()?, parts.next()?, parts.next()?);
    let (interface, name) = parts.next()?.rsplit_once('.')?;
    let v6 = family == "ipv6";
    if net != "net" || conf != "conf" || !(v6 || family == "ipv4") {
        return None;
    }
    // The address of a connection says which family it is of.
    if way.is_v6().is_some_and(|other| other != v6) {
        return None;
    }
    let interface = interface.replace('/', ".");
    if interface != "all" && !way.takes(&interface) {
        return None;
    }
    let value = match change.fields.iter().find(|field| field.name == "value") {
        Some(field) => field.to.clone().unwrap_or_default(),
        None => sysctl.value.clone(),
    };
    let safe = match (name, value.trim()) {
        (name, _) if HARMLESS.contains(&name) => true,
        // Values that cannot cut off a connection: no filter, and answers for the addresses of the asked interface.
        ("rp_filter" | "arp_filter" | "disable_ipv6" | "disable_policy" | "disable_xfrm", "0") => {
            true
        }
        ("arp_ignore", "0" | "1") => true,
        ("forwarding", _) => !v6,
        ("accept_ra", "2") => true,
        ("accept_ra", "1") => change.action != Action::Remove,
        _ => false,
    };
    if safe {
        return None;
    }
    touch(
        Part::Network,
        format!("it decides what {interface} accepts, and lvsctl's connection takes that"),
    )
}

const FILTER_PACKAGES: &[&str] = &[
    "firewalld",
    "ufw",
    "shorewall*",
    "iptables-persistent",
    "netfilter-persistent",
];
const SSH_PACKAGES: &[&str] = &["openssh", "openssh-server*", "dropbear*"];

/// Patterns of files that affect a part of the way in.
const FILES: &[(Part, &str)] = &[
    (Part::Ssh, "/etc/ssh/*"),
    (Part::Ssh, "*/.ssh/*"),
    (Part::Ssh, "/etc/dropbear/*"),
    (Part::Ssh, "/etc/default/ssh"),
    (Part::Ssh, "/etc/sysconfig/sshd"),
    (Part::Ssh, "/etc/conf.d/sshd"),
    (Part::Ssh, "/etc/pam.d/*"),
    (Part::Ssh, "/etc/security/*"),
    (Part::Ssh, "/etc/hosts.allow"),
    (Part::Ssh, "/etc/hosts.deny"),
    (Part::Ssh, "/etc/passwd"),
    (Part::Ssh, "/etc/shadow"),
    (Part::Ssh, "/etc/group"),
    (Part::Ssh, "/etc/shells"),
    (Part::Ssh, "/etc/nologin"),
    (Part::Ssh, "/etc/nsswitch.conf"),
    (Part::Ssh, "/etc/sudoers"),
    (Part::Ssh, "/etc/sudoers.d/*"),
    (Part::Ssh, "/etc/systemd/system/ssh*"),
    (Part::Ssh, "/etc/init.d/ssh*"),
    (Part::Network, "/etc/network/*"),
    (Part::Network, "/etc/netplan/*"),
    (Part::Network, "/etc/systemd/network/*"),
    (Part::Network, "/etc/NetworkManager/*"),
    (Part::Network, "/etc/sysconfig/network*"),
    (Part::Network, "/etc/conf.d/net*"),
    (Part::Network, "/etc/dhcpcd.conf"),
    (Part::Filter, "/etc/nftables*"),
    (Part::Filter, "/etc/iptables*"),
    (Part::Filter, "/etc/sysconfig/iptables*"),
    (Part::Filter, "/etc/sysconfig/ip6tables*"),
    (Part::Filter, "/etc/sysconfig/nftables*"),
    (Part::Filter, "/etc/firewalld/*"),
    (Part::Filter, "/etc/ufw/*"),
    (Part::Filter, "/etc/default/ufw"),
    (Part::Filter, "/etc/shorewall*"),
];

/// Units that are a part of the way in, without their suffix.
const UNITS: &[(Part, &str)] = &[
    (Part::Ssh, "ssh"),
    (Part::Ssh, "sshd"),
    (Part::Ssh, "ssh@*"),
    (Part::Ssh, "sshd@*"),
    (Part::Ssh, "sshd-*"),
    (Part::Ssh, "dropbear"),
    (Part::Network, "networking"),
    (Part::Network, "network"),
    (Part::Network, "net.*"),
    (Part::Network, "ifup@*"),
    (Part::Network, "systemd-networkd"),
    (Part::Network, "NetworkManager"),
    (Part::Network, "wicked*"),
    (Part::Network, "dhcpcd"),
    (Part::Network, "wpa_supplicant*"),
    (Part::Filter, "nftables"),
    (Part::Filter, "iptables"),
    (Part::Filter, "ip6tables"),
    (Part::Filter, "netfilter-persistent"),
    (Part::Filter, "firewalld"),
    (Part::Filter, "ufw"),
    (Part::Filter, "shorewall*"),
];

fn word(part: Part) -> &'static str {
    match part {
        Part::Network => "the network of this host",
        Part::Filter => "the packet filter",
        Part::Ssh => "the login by SSH",
    }
}

fn of_path(path: &str) -> Option<Touch> {
    let mut all = FILES.iter();
    let (part, _) = all.find(|(_, pattern)| WildMatch::new(pattern).matches(path))?;
    touch(*part, format!("{} depends on this file", word(*part)))
}

fn of_unit(unit: &Unit) -> Option<Touch> {
    let stem = unit
        .name
        .rsplit_once('.')
        .map_or(unit.name.as_str(), |(stem, _)| stem);
    let mut all = UNITS.iter();
    if let Some((part, _)) = all.find(|(_, pattern)| WildMatch::new(pattern).matches(stem)) {
        return touch(*part, format!("{} depends on this unit", word(*part)));
    }
    unit.reads.iter().find_map(|path| of_path(path))
}

#[cfg(test)]
#[path = "way_in_tests.rs"]
mod tests;
