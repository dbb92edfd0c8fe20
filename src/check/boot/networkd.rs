//! What systemd-networkd sets at boot, from its .network files and drop-ins, and networkd.conf(5). Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::default_route::{is_another, of_gateway};
use super::harm::Harm;
use super::network::{Harms, Section, address, name, net, sections};
use super::ours::Ours;
use super::{BOOT_ADDRESS, BOOT_FIREWALL};
use crate::check::sysctl_at_boot::PERSISTED_SYSCTL;
use crate::fact::boot_source::Line;
use crate::resource::Resource;

/// `Name=` of `[Match]`.
fn names<'a>(lines: &'a [Line]) -> Vec<&'a str> {
    let all = sections(lines);
    let values = all
        .iter()
        .filter(|section| section.name == "Match")
        .flat_map(|section| &section.lines);
    let named: Vec<&'a str> = values
        .filter(|(_, key, _)| *key == "Name")
        .flat_map(|(_, _, value)| value.split_whitespace())
        .collect();
    named
}

/// The name of the .network file that a file is, or is a drop-in of.
fn base(path: &str) -> String {
    let path = path
        .rsplit_once(".network.d/")
        .map_or(path, |(base, _)| base);
    name(path).trim_end_matches(".network").to_owned() + ".network"
}

/// The interfaces of this host that a .network file, or the file of a drop-in, matches; if there are none, its patterns.
fn interfaces(path: &str, lines: &[Line], ours: &Ours) -> Vec<String> {
    let sources = &ours.audit.facts().boot_source;
    let base = base(path);
    let of_base = sources
        .files()
        .find(|(other, _)| name(other) == base && other.ends_with(".network"));
    let patterns = names(of_base.map_or(lines, |(_, lines)| lines));
    let known = ours
        .interfaces
        .iter()
        .filter(|nic| patterns.iter().any(|p| WildMatch::new(p).matches(nic)));
    let found: Vec<String> = known.cloned().collect();
    if found.is_empty() {
        patterns.iter().map(|p| (*p).to_owned()).collect()
    } else {
        found
    }
}

pub(super) fn networkd(path: &str, lines: &[Line], ours: &Ours) -> Harms {
    let mut found = Harms::new();
    let about = interfaces(path, lines, ours);
    let interface = about.first().map(String::as_str);
    let is_our_nic = about.iter().any(|name| ours.needs_interface(name));
    for section in sections(lines) {
        let discards = section.lines.iter().any(|(_, key, value)| {
            *key == "Type" && ["blackhole", "unreachable", "prohibit", "throw"].contains(value)
        });
        for (line, key, value) in &section.lines {
            let harm = match (section.name, *key) {
                ("Network" | "Address", "Address") => {
                    address(value).and_then(|ip| ours.misplaced(ip, interface))
                }
                ("Route", "Destination") => net(value)
                    .filter(|net| {
                        let alone = net.prefix_len() == net.max_prefix_len();
                        (discards && ours.misses(net)) || (alone && ours.crosses(net))
                    })
                    .filter(|net| {
                        discards
                            || ours.misplaced(net.addr(), interface).is_some()
                            || !ours.vips.contains(&net.addr())
                    })
                    .map(|net| format!("sets another route to {net}")),
                ("RoutingPolicyRule", "From" | "To") => net(value)
                    .filter(|net| discards && ours.stops(net))
                    .map(|net| format!("discards packets of {net}")),
                ("Neighbor", "Address") => net(value)
                    .filter(|net| ours.crosses(net))
                    .map(|net| format!("sets the MAC address of {}", net.addr())),
                ("Network", "KeepConfiguration")
                    if is_our_nic && !["static", "yes", "true", "1"].contains(value) =>
                {
                    undoes(path, ours).then(|| {
                        format!(
                            "lets systemd-networkd remove VIPs and routes of others ({key}={value})"
                        )
                    })
                }
                ("Link", "ARP") if is_our_nic && is_no(value) => {
                    Some("switches ARP off".to_owned())
                }
                ("Link", "Unmanaged") if is_our_nic && is_yes(value) => {
                    Some("leaves the interface without addresses (Unmanaged)".to_owned())
                }
                ("Link", "ActivationPolicy")
                    if is_our_nic && ["down", "always-down", "manual"].contains(value) =>
                {
                    Some(format!("does not bring the interface up ({value})"))
                }
                ("Network", "IPv4ProxyARP" | "ProxyARP") if is_our_nic && is_yes(value) => {
                    Some("answers ARP for addresses of others (proxy_arp)".to_owned())
                }
                _ => None,
            };
            if let Some(does) = harm {
                let mut harm = Harm::new(&BOOT_ADDRESS, does);
                if let Some(ip) = address(value).filter(|_| *key == "Address") {
                    harm = harm.of_address(ip, ours);
                }
                if matches!(section.name, "Route" | "Neighbor" | "RoutingPolicyRule") {
                    harm.with = section.lines.iter().map(|(line, ..)| line.number).collect();
                }
                found.push(((*line).clone(), harm));
            }
            found.extend(settings(line, key, value, &about, ours));
        }
        if about
            .iter()
            .any(|nic| ours.needs_interface(nic) && is_first(path, nic, ours))
        {
            found.extend(default_route(path, &section, ours));
        }
    }
    found.extend(hides(path, lines, &about, ours));
    found
}

/// The harm of a section's default route through another gateway than the inventory's, unless its metric makes it less
/// preferred: the routes of lvsctl and of `Gateway=` have no metric. A route without a destination is a default route.
fn default_route(path: &str, section: &Section, ours: &Ours) -> Option<(Line, Harm)> {
    let value = |name: &str| {
        let mut lines = section.lines.iter();
        lines
            .find(|(_, key, _)| *key == name)
            .map(|(.., value)| *value)
    };
    let own = ours.audit.host.gateway?;
    let in_main = value("Table").is_none_or(|table| matches!(table, "main" | "254"));
    let is_default =
        value("Destination").is_none_or(|to| net(to).is_some_and(|to| to.prefix_len() == 0));
    // The kernel's default for IPv6 is 1024.
    let first = if own.is_ipv6() { 1024 } else { 0 };
    let metric = value("Metric").map_or(0, |metric| metric.parse().unwrap_or(u32::MAX));
    let sets = match section.name {
        "Network" => true,
        "Route" => in_main && is_default && metric <= first,
        _ => false,
    };
    let mut lines = section.lines.iter().filter(|_| sets);
    let (line, other) = lines.find_map(|(line, key, value)| {
        let other = value.parse().ok().filter(|via| is_another(*via, own))?;
        (*key == "Gateway").then_some((*line, other))
    })?;
    // The line may only be deleted if another file sets the right gateway.
    let is_extra =
        path.contains(".network.d/") && (ours.routes_default || is_set_elsewhere(path, own, ours));
    let mut harm = of_gateway(other, own);
    if !is_extra {
        harm.instead = Some(format!("Gateway={own}"));
    } else if section.name == "Route" {
        harm.with = section.lines.iter().map(|(line, ..)| line.number).collect();
    }
    Some((line.clone(), harm))
}

/// Whether another file of systemd-networkd names a gateway.
fn is_set_elsewhere(path: &str, gateway: IpAddr, ours: &Ours) -> bool {
    let files = ours.audit.facts().boot_source.files();
    let mut others =
        files.filter(|(other, _)| *other != path && other.contains("/systemd/network/"));
    others.any(|(_, lines)| {
        let all = sections(lines);
        let mut lines = all.iter().flat_map(|section| &section.lines);
        lines.any(|(_, key, value)| *key == "Gateway" && value.parse() == Ok(gateway))
    })
}

fn is_yes(value: &str) -> bool {
    ["yes", "true", "on", "1"].contains(&value)
}

fn is_no(value: &str) -> bool {
    ["no", "false", "off", "0"].contains(&value)
}

/// Kernel parameters that systemd-networkd sets.
fn settings(line: &Line, key: &str, value: &str, about: &[String], ours: &Ours) -> Harms {
    let is_our_nic = about.iter().any(|nic| ours.needs_interface(nic));
    if key == "IPMasquerade" && !is_no(value) && is_our_nic {
        let harm = Harm::new(
            &BOOT_FIREWALL,
            "changes the source of forwarded packets (IPMasquerade)",
        );
        return vec![(line.clone(), harm)];
    }
    let found = about
        .iter()
        .filter(|nic| ours.needs_interface(nic))
        .filter_map(|nic| match key {
            "IPv4ReversePathFilter" => {
                let number = match value {
                    "strict" => "1",
                    "loose" => "2",
                    _ => "0",
                };
                super::sysctl::harm(&format!("net/ipv4/conf/{nic}/rp_filter"), number, ours)
            }
            "IPv4Forwarding" | "IPForward" if is_no(value) && key == "IPv4Forwarding" => {
                forwards(ours).then(|| Harm {
                    sysctl: None,
                    ..Harm::new(
                        &PERSISTED_SYSCTL,
                        format!("switches forwarding off on {nic} (since systemd 256)"),
                    )
                })
            }
            _ => None,
        });
    found.map(|harm| (line.clone(), harm)).collect()
}

fn forwards(ours: &Ours) -> bool {
    ours.is_director()
}

/// Whether a drop-in is read after that of lvsctl, and so overrides it.
fn undoes(path: &str, ours: &Ours) -> bool {
    let own = format!("lvsctl-{}.conf", ours.audit.cluster.name);
    let managed = ours
        .audit
        .run
        .desired
        .iter()
        .any(|r| matches!(r, Resource::Networkd(_)));
    managed && path.contains(".network.d/") && name(path) > own.as_str()
}

/// The harm of a .network file that matches an interface before the file with its addresses.
fn hides(path: &str, lines: &[Line], about: &[String], ours: &Ours) -> Harms {
    if !path.ends_with(".network") {
        return Vec::new();
    }
    let sources = &ours.audit.facts().boot_source;
    let gives = |lines: &[Line], nic: &str| {
        let own = ours.audit.host.interfaces.iter().find(|i| i.name == nic);
        let own: BTreeSet<IpAddr> = own
            .into_iter()
            .flat_map(|i| i.addresses.iter().map(IpNet::addr))
            .collect();
        sections(lines)
            .iter()
            .flat_map(|s| &s.lines)
            .any(|(_, key, value)| match *key {
                "Address" => address(value).is_some_and(|ip| own.contains(&ip)),
                "DHCP" => !is_no(value),
                _ => false,
            })
    };
    let mut found = Harms::new();
    for nic in about
        .iter()
        .filter(|nic| ours.audit.host.interfaces.iter().any(|i| i.name == **nic))
    {
        let mut later = files_of(nic, ours).filter(|(other, _)| name(other) > name(path));
        let other = later.find(|(_, lines)| gives(lines, nic));
        let of_drop_ins = sources
            .files()
            .filter(|(other, _)| other.starts_with(&format!("{path}.d/")));
        let given = gives(lines, nic)
            || of_drop_ins
                .map(|(_, lines)| lines)
                .any(|lines| gives(lines, nic));
        match (given, other, lines.first()) {
            (false, Some((other, _)), Some(first)) => {
                let does = format!("takes {nic} from {other}, which has its address");
                let harm = Harm::new(&BOOT_ADDRESS, does).with_all(lines);
                found.push((first.clone(), harm));
            }
            (false, None, _) if is_first(path, nic, ours) => {
                found.extend(readdresses(nic, lines, ours));
            }
            _ => {}
        }
    }
    found
}

/// The .network files about an interface.
fn files_of<'a>(
    nic: &'a str,
    ours: &'a Ours,
) -> impl Iterator<Item = (&'a str, &'a [Line])> + use<'a> {
    let is_about =
        move |lines: &[Line]| names(lines).iter().any(|p| WildMatch::new(p).matches(nic));
    let files = ours.audit.facts().boot_source.files();
    files.filter(move |(path, lines)| path.ends_with(".network") && is_about(lines))
}

/// Whether a .network file, or the file of a drop-in, is the first that matches an interface: only the first is applied.
fn is_first(path: &str, nic: &str, ours: &Ours) -> bool {
    let base = base(path);
    files_of(nic, ours).all(|(other, _)| *name(other) >= *base)
}

/// A file that gives an interface another address of the network than the one that the host has.
fn readdresses(nic: &str, lines: &[Line], ours: &Ours) -> Option<(Line, Harm)> {
    let mut interfaces = ours.audit.host.interfaces.iter();
    let own = interfaces.find(|interface| interface.name == nic)?;
    let all = sections(lines);
    let mut given = all.iter().flat_map(|section| &section.lines);
    given.find_map(|(line, key, value)| {
        let ip = address(value).filter(|_| *key == "Address")?;
        let net = own.addresses.iter().find(|net| net.contains(&ip))?;
        let does = format!("gives {nic} {ip} in place of {}", net.addr());
        let harm = Harm {
            instead: Some(format!("Address={net}")),
            ..Harm::new(&BOOT_ADDRESS, does)
        };
        Some(((*line).clone(), harm))
    })
}

pub(super) fn host(path: &str, lines: &[Line], ours: &Ours) -> Harms {
    let own = format!("lvsctl-{}.conf", ours.audit.cluster.name);
    let later = path.contains(".conf.d/") && name(path) > own.as_str();
    let managed = ours
        .audit
        .run
        .desired
        .iter()
        .any(|r| matches!(r, Resource::Networkd(_)));
    let all = sections(lines);
    let settings = all.iter().flat_map(|section| &section.lines);
    let harms = settings.filter_map(|(line, key, value)| {
        let harm = match *key {
            "ManageForeignRoutes" if is_yes(value) && later && managed => Harm::new(
                &BOOT_ADDRESS,
                "lets systemd-networkd remove routes of others",
            ),
            "IPv4Forwarding" if is_no(value) => {
                super::sysctl::harm("net/ipv4/ip_forward", "0", ours)?
            }
            _ => return None,
        };
        Some(((*line).clone(), harm))
    });
    harms.collect()
}
