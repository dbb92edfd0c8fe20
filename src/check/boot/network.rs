//! Addresses, routes and interfaces that a network manager sets at boot, from its files. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::harm::Harm;
use super::ours::Ours;
use super::{BOOT_ADDRESS, default_route, networkd};
use crate::fact::boot_source::places::Reader;
use crate::fact::boot_source::{BootSources, Line};

/// Lines with their harms.
pub(super) type Harms = Vec<(Line, Harm)>;

/// The harms of a network manager's file, except those of commands in it.
pub(super) fn of(reader: Reader, path: &str, lines: &[Line], ours: &Ours) -> Harms {
    let mut found = match reader {
        Reader::Networkd => networkd::networkd(path, lines, ours),
        Reader::NetworkdHost => networkd::host(path, lines, ours),
        Reader::Netplan | Reader::CloudInit => yaml(lines, ours),
        Reader::Ifupdown => ifupdown(lines, ours),
        Reader::NetworkManager => keyfile(lines, ours),
        Reader::Ifcfg => ifcfg(path, lines, ours),
        Reader::Link => link(lines, ours),
        _ => Vec::new(),
    };
    found.extend(default_route::of(reader, path, lines, ours));
    found
}

fn put(line: &Line, ip: IpAddr, interface: Option<&str>, ours: &Ours) -> Option<(Line, Harm)> {
    let does = ours.misplaced(ip, interface)?;
    let harm = Harm::new(&BOOT_ADDRESS, does).of_address(ip, ours);
    Some((line.clone(), harm))
}

pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches(['"', '\'', '[', ']', '-', ' ']);
    text.split(['/', ',']).next()?.trim().parse().ok()
}

pub(super) fn net(text: &str) -> Option<IpNet> {
    let text = text.trim().trim_matches(['"', '\'']);
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A section of an ini file with its lines, as key and value.
pub(super) struct Section<'a> {
    pub(super) name: &'a str,
    pub(super) lines: Vec<(&'a Line, &'a str, &'a str)>,
}

pub(super) fn sections(lines: &[Line]) -> Vec<Section<'_>> {
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

/// The file's name, by which files are ordered.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
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
                    Harm::new(&BOOT_ADDRESS, format!("sets another route to {net}")),
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
                let harm = ip.and_then(|ip| put(line, ip, interface, ours));
                found.extend(harm.map(|(line, harm)| {
                    let with = stanza(lines, line.number, interface.unwrap_or_default());
                    (line, Harm { with, ..harm })
                }));
            }
            _ => {}
        }
    }
    found
}

/// The lines of the stanza that a line is in, and the one that brings up its interface alone.
fn stanza(lines: &[Line], number: usize, interface: &str) -> Vec<usize> {
    const HEADS: [&str; 5] = ["iface", "auto", "allow-hotplug", "source", "mapping"];
    let first = |line: &Line| {
        line.text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let is_head = |line: &Line| HEADS.contains(&first(line).as_str());
    let from = lines
        .iter()
        .filter(|line| line.number <= number && first(line) == "iface");
    let from = from.map(|line| line.number).next_back().unwrap_or(number);
    let to = lines
        .iter()
        .find(|line| line.number > from && is_head(line));
    let to = to.map_or(usize::MAX, |line| line.number);
    let own = lines.iter().filter(|line| {
        let mut words = line.text.split_whitespace();
        let brings_up = words
            .next()
            .is_some_and(|word| word == "auto" || word == "allow-hotplug");
        (from..to).contains(&line.number) || (brings_up && words.eq([interface]))
    });
    own.map(|line| line.number).collect()
}

/// Interfaces that ifupdown brings up at boot.
pub(super) fn brought_up(sources: &BootSources) -> BTreeSet<&str> {
    // With those that `source` names.
    let lines = sources.files().flat_map(|(_, lines)| lines);
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
            .next_back()
    };
    if value("connection", "autoconnect") == Some("false") {
        return Vec::new();
    }
    let interface = value("connection", "interface-name");
    let mut found = Harms::new();
    let count = |s: &Section| {
        s.lines
            .iter()
            .filter(|(_, key, _)| key.starts_with("address"))
            .count()
    };
    let is_alone = all.iter().map(count).sum::<usize>() == 1;
    for section in all.iter().filter(|s| matches!(s.name, "ipv4" | "ipv6")) {
        for (line, key, value) in &section.lines {
            if key.starts_with("address") {
                let put = address(value).and_then(|ip| put(line, ip, interface, ours));
                found.extend(put.map(|(line, harm)| {
                    let harm = if is_alone { harm.with_all(lines) } else { harm };
                    (line, harm)
                }));
            } else if key.starts_with("route") && !key.contains('-') {
                let to = value.split(',').next().and_then(net);
                let to =
                    to.filter(|net| ours.crosses(net) && net.prefix_len() == net.max_prefix_len());
                found.extend(to.map(|net| {
                    (
                        (*line).clone(),
                        Harm::new(&BOOT_ADDRESS, format!("sets another route to {net}")),
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
            let first = line.text.split_whitespace().next().unwrap_or_default();
            let bare = first.split_once('=').map_or(first, |(_, value)| value);
            let to = net(bare).filter(|_| !first.starts_with("GATEWAY"));
            let to = to.filter(|net| ours.crosses(net) && net.prefix_len() == net.max_prefix_len());
            found.extend(to.map(|net| {
                (
                    line.clone(),
                    Harm::new(&BOOT_ADDRESS, format!("sets another route to {net}")),
                )
            }));
        }
        return found;
    }
    let pairs = ifcfg_at_boot(lines);
    if [".bak", ".orig", ".rpmsave", ".rpmnew", "~"]
        .iter()
        .any(|end| file.ends_with(end))
    {
        return found;
    }
    let mut devices = pairs.iter().filter(|(_, key, _)| *key == "DEVICE");
    let device = devices
        .next_back()
        .map_or_else(|| file.trim_start_matches("ifcfg-"), |(.., device)| *device);
    let keys: Vec<&str> = pairs.iter().map(|(_, key, _)| *key).collect();
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
    if keys.iter().filter(|key| key.starts_with("IPADDR")).count() == 1 {
        found = found
            .into_iter()
            .map(|(line, harm)| (line, harm.with_all(lines)))
            .collect();
    }
    found
}

/// The lines of an ifcfg file as keys and values; none if its interface does not come up at boot.
pub(super) fn ifcfg_at_boot(lines: &[Line]) -> Vec<(&Line, &str, &str)> {
    let pairs = lines.iter().filter_map(|line| {
        let (key, value) = line.text.split_once('=')?;
        Some((line, key.trim(), value.trim().trim_matches(['"', '\''])))
    });
    let pairs: Vec<(&Line, &str, &str)> = pairs.collect();
    let last = |name: &str| {
        let mut values = pairs.iter().filter(|(_, key, _)| *key == name);
        values.next_back().map(|(.., value)| *value)
    };
    let off = last("ONBOOT").is_some_and(|on| on.eq_ignore_ascii_case("no"))
        || last("STARTMODE").is_some_and(|mode| ["off", "manual"].contains(&mode));
    if off { Vec::new() } else { pairs }
}

/// A .link file that gives one of our interfaces another name.
fn link(file: &[Line], ours: &Ours) -> Harms {
    let all = sections(file);
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
                Harm::new(&BOOT_ADDRESS, format!("renames {} to {value}", nic.name)).with_all(file),
            )
        })
        .collect()
}
