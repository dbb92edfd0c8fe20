//! Addresses, routes and interfaces that a network manager sets at boot, from its files. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::harm::Harm;
use super::ours::Ours;
use super::{BOOT_ADDRESS, BOOT_FIREWALL};
use crate::fact::boot_source::places::Reader;
use crate::fact::boot_source::{BootSources, Line};

/// What each line of a file does.
pub(super) type Harms = Vec<(Line, Harm)>;

/// What a file of a network manager does, beside commands in it.
pub(super) fn of(reader: Reader, path: &str, lines: &[Line], ours: &Ours) -> Harms {
    match reader {
        Reader::Networkd => networkd(path, lines, ours),
        Reader::NetworkdHost => host(path, lines, ours),
        Reader::Netplan | Reader::CloudInit => yaml(lines, ours),
        Reader::Ifupdown => ifupdown(lines, ours),
        Reader::NetworkManager => keyfile(lines, ours),
        Reader::Ifcfg => ifcfg(path, lines, ours),
        Reader::Link => link(lines, ours),
        _ => Vec::new(),
    }
}

fn put(line: &Line, ip: IpAddr, interface: Option<&str>, ours: &Ours) -> Option<(Line, Harm)> {
    let does = ours.misplaced(ip, interface)?;
    Some((line.clone(), Harm::new(&BOOT_ADDRESS, does)))
}

fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches(['"', '\'', '[', ']', '-', ' ']);
    text.split(['/', ',']).next()?.trim().parse().ok()
}

fn net(text: &str) -> Option<IpNet> {
    let text = text.trim().trim_matches(['"', '\'']);
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A section of an ini file with its lines, as key and value.
struct Section<'a> {
    name: &'a str,
    lines: Vec<(&'a Line, &'a str, &'a str)>,
}

fn sections(lines: &[Line]) -> Vec<Section<'_>> {
    let mut all: Vec<Section> = Vec::new();
    for line in lines {
        let text = line.text.trim();
        if let Some(name) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            all.push(Section {
                name,
                lines: Vec::new(),
            });
        } else if let (Some(section), Some((key, value))) = (all.last_mut(), text.split_once('=')) {
            section.lines.push((line, key.trim(), value.trim()));
        }
    }
    all
}

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

fn base(path: &str) -> &str {
    path.rsplit_once(".network.d/")
        .map_or(path, |(base, _)| base)
}

/// The file's name, by which files are ordered.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The interfaces of this host that a .network file is about: those that no earlier file takes.
fn interfaces(path: &str, lines: &[Line], ours: &Ours) -> Vec<String> {
    let sources = &ours.audit.facts().boot_source;
    let stem = name(base(path)).trim_end_matches(".network").to_owned() + ".network";
    let of_base = sources
        .files()
        .find(|(other, _)| name(other) == stem && other.ends_with(".network"));
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

fn networkd(path: &str, lines: &[Line], ours: &Ours) -> Harms {
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
                        ours.crosses(net) && (discards || net.prefix_len() == net.max_prefix_len())
                    })
                    .filter(|net| {
                        discards
                            || ours.misplaced(net.addr(), interface).is_some()
                            || !ours.vips.contains(&net.addr())
                    })
                    .map(|net| format!("sets a route of its own to {net}")),
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
                found.push(((*line).clone(), Harm::new(&BOOT_ADDRESS, does)));
            }
            found.extend(settings(line, key, value, &about, ours));
        }
    }
    found.extend(hides(path, lines, &about, ours));
    found
}

fn is_yes(value: &str) -> bool {
    ["yes", "true", "on", "1"].contains(&value)
}

fn is_no(value: &str) -> bool {
    ["no", "false", "off", "0"].contains(&value)
}

/// Kernel parameters that systemd-networkd sets.
fn settings(line: &Line, key: &str, value: &str, about: &[String], ours: &Ours) -> Harms {
    if matches!(key, "IPMasquerade") && !is_no(value) {
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
                        &crate::check::sysctl_at_boot::PERSISTED_SYSCTL,
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

/// Whether a drop-in comes after ours, whose setting it undoes.
fn undoes(path: &str, ours: &Ours) -> bool {
    let own = format!("lvsctl-{}.conf", ours.audit.cluster.name);
    let managed = ours
        .audit
        .run
        .wanted
        .iter()
        .any(|r| matches!(r, crate::resource::Resource::Networkd(_)));
    managed && path.contains(".network.d/") && name(path) > own.as_str()
}

/// A .network file that takes an interface from the one with its addresses.
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
        let matching = |lines: &[Line]| names(lines).iter().any(|p| WildMatch::new(p).matches(nic));
        let others = sources.files().filter(|(other, other_lines)| {
            other.ends_with(".network")
                && *other != path
                && name(other) > name(path)
                && matching(other_lines)
        });
        let mut others = others.filter(|(_, lines)| gives(lines, nic));
        let of_drop_ins = sources
            .files()
            .filter(|(other, _)| other.starts_with(&format!("{path}.d/")));
        let given = gives(lines, nic)
            || of_drop_ins
                .map(|(_, lines)| lines)
                .any(|lines| gives(lines, nic));
        if let (false, Some((other, _)), Some(first)) = (given, others.next(), lines.first()) {
            let does = format!("takes {nic} from {other}, which has its address");
            found.push((first.clone(), Harm::new(&BOOT_ADDRESS, does)));
        }
    }
    found
}

fn host(path: &str, lines: &[Line], ours: &Ours) -> Harms {
    let own = format!("lvsctl-{}.conf", ours.audit.cluster.name);
    let later = path.contains(".conf.d/") && name(path) > own.as_str();
    let managed = ours
        .audit
        .run
        .wanted
        .iter()
        .any(|r| matches!(r, crate::resource::Resource::Networkd(_)));
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

/// Lines of YAML by their indentation: netplan's, and those of cloud-init.
fn yaml(lines: &[Line], ours: &Ours) -> Harms {
    let mut found = Harms::new();
    let mut above: Vec<(usize, &str)> = Vec::new();
    for line in lines {
        let text = line.text.trim_start();
        let indent = line.text.len() - text.len();
        let item = text.strip_prefix("- ").map_or(text, str::trim_start);
        let is_item = item.len() != text.len();
        above.retain(|(depth, _)| *depth < indent || (is_item && *depth == indent));
        let (key, value) = item
            .split_once(": ")
            .or_else(|| item.strip_suffix(':').map(|key| (key, "")))
            .unwrap_or(("", item));
        let within = |name: &str| above.iter().any(|(_, key)| *key == name);
        if within("nameservers") || key == "nameservers" || key == "via" {
            if value.is_empty() {
                above.push((indent, key));
            }
            continue;
        }
        let interface = above
            .iter()
            .rev()
            .map(|(_, key)| *key)
            .find(|key| ours.needs_interface(key));
        let interface = interface.or_else(|| above.get(3).map(|(_, key)| *key));
        if key == "to" {
            let to = net(value)
                .filter(|net| ours.crosses(net) && net.prefix_len() == net.max_prefix_len());
            found.extend(to.map(|net| {
                (
                    line.clone(),
                    Harm::new(&BOOT_ADDRESS, format!("sets a route of its own to {net}")),
                )
            }));
        } else if within("addresses") || matches!(key, "addresses" | "address") {
            let ips = value.split([',', ' ']).filter_map(address);
            found.extend(ips.filter_map(|ip| put(line, ip, interface, ours)));
            found.extend(address(key).and_then(|ip| put(line, ip, interface, ours)));
        }
        if !key.is_empty() && value.is_empty() {
            above.push((indent, key));
        }
    }
    found
}

/// Stanzas of interfaces(5) that come up at boot.
fn ifupdown(lines: &[Line], ours: &Ours) -> Harms {
    let mut found = Harms::new();
    let sources = &ours.audit.facts().boot_source;
    let brought_up = brought_up(sources);
    let mut interface: Option<&str> = None;
    for line in lines {
        let words: Vec<&str> = line.text.split_whitespace().collect();
        match words.as_slice() {
            ["iface", name, ..] => interface = Some(name),
            ["address", value, ..] => {
                let live = interface.is_some_and(|name| brought_up.contains(name));
                let ip = address(value).filter(|_| live);
                found.extend(ip.and_then(|ip| put(line, ip, interface, ours)));
            }
            _ => {}
        }
    }
    found
}

/// Interfaces that ifupdown brings up at boot.
fn brought_up(sources: &BootSources) -> BTreeSet<&str> {
    let files = sources
        .files()
        .filter(|(path, _)| path.starts_with("/etc/network/interfaces"));
    let lines = files.flat_map(|(_, lines)| lines);
    let words = lines.map(|line| line.text.split_whitespace());
    let up = words.filter_map(|mut words| {
        let first = words.next()?;
        (first == "auto" || first.starts_with("allow-")).then_some(words)
    });
    up.flatten().collect()
}

fn keyfile(lines: &[Line], ours: &Ours) -> Harms {
    let all = sections(lines);
    let value = |section: &str, key: &str| {
        let lines = all
            .iter()
            .filter(|s| s.name == section)
            .flat_map(|s| &s.lines);
        lines
            .filter(|(_, k, _)| *k == key)
            .map(|(_, _, value)| *value)
            .last()
    };
    if value("connection", "autoconnect") == Some("false") {
        return Vec::new();
    }
    let interface = value("connection", "interface-name");
    let mut found = Harms::new();
    for section in all.iter().filter(|s| matches!(s.name, "ipv4" | "ipv6")) {
        for (line, key, value) in &section.lines {
            if key.starts_with("address") {
                found.extend(address(value).and_then(|ip| put(line, ip, interface, ours)));
            } else if key.starts_with("route") && !key.contains('-') {
                let to = value.split(',').next().and_then(net);
                let to =
                    to.filter(|net| ours.crosses(net) && net.prefix_len() == net.max_prefix_len());
                found.extend(to.map(|net| {
                    (
                        (*line).clone(),
                        Harm::new(&BOOT_ADDRESS, format!("sets a route of its own to {net}")),
                    )
                }));
            }
        }
    }
    found
}

fn ifcfg(path: &str, lines: &[Line], ours: &Ours) -> Harms {
    let file = name(path);
    let mut found = Harms::new();
    if !file.starts_with("ifcfg-") {
        for line in lines {
            let to = line.text.split_whitespace().find_map(net);
            let to = to.filter(|net| ours.crosses(net) && net.prefix_len() == net.max_prefix_len());
            found.extend(to.map(|net| {
                (
                    line.clone(),
                    Harm::new(&BOOT_ADDRESS, format!("sets a route of its own to {net}")),
                )
            }));
        }
        return found;
    }
    let pairs = lines.iter().filter_map(|line| {
        let (key, value) = line.text.split_once('=')?;
        Some((line, key.trim(), value.trim().trim_matches(['"', '\''])))
    });
    let pairs: Vec<(&Line, &str, &str)> = pairs.collect();
    let values: BTreeMap<&str, &str> = pairs.iter().map(|(_, key, value)| (*key, *value)).collect();
    let off = values
        .get("ONBOOT")
        .is_some_and(|on| on.eq_ignore_ascii_case("no"))
        || values
            .get("STARTMODE")
            .is_some_and(|mode| ["off", "manual"].contains(mode));
    if off
        || [".bak", ".orig", ".rpmsave", ".rpmnew", "~"]
            .iter()
            .any(|end| file.ends_with(end))
    {
        return found;
    }
    let device = values
        .get("DEVICE")
        .copied()
        .unwrap_or_else(|| file.trim_start_matches("ifcfg-"));
    for (line, key, value) in pairs {
        if key.starts_with("IPADDR") || key.starts_with("IPV6ADDR") {
            found.extend(
                value
                    .split_whitespace()
                    .filter_map(address)
                    .filter_map(|ip| put(line, ip, Some(device), ours)),
            );
        }
    }
    found
}

/// A .link file that gives one of our interfaces another name.
fn link(lines: &[Line], ours: &Ours) -> Harms {
    let all = sections(lines);
    let values = |section: &'static str, name: &'static str| {
        let lines = all
            .iter()
            .filter(move |s| s.name == section)
            .flat_map(|s| &s.lines);
        lines.filter(move |(_, key, _)| *key == name)
    };
    let renamed = ours.audit.host.interfaces.iter().find(|nic| {
        let by_name = values("Match", "OriginalName").any(|(_, _, v)| {
            v.split_whitespace()
                .any(|p| p != "*" && WildMatch::new(p).matches(&nic.name))
        });
        let mac = ours
            .audit
            .addresses()
            .links
            .iter()
            .find(|link| link.name == nic.name)
            .and_then(|link| link.mac.clone());
        let by_mac = values("Match", "MACAddress").any(|(_, _, v)| {
            mac.as_deref()
                .is_some_and(|mac| v.to_lowercase().contains(mac))
        });
        by_name || by_mac
    });
    let Some(nic) = renamed else {
        return Vec::new();
    };
    let other = values("Link", "Name").filter(|(_, _, value)| *value != nic.name);
    other
        .map(|(line, _, value)| {
            (
                (*line).clone(),
                Harm::new(&BOOT_ADDRESS, format!("renames {} to {value}", nic.name)),
            )
        })
        .collect()
}
