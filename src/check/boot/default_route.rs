//! Default routes that netplan, ifupdown, NetworkManager and ifcfg files set at boot through another gateway than the
//! inventory's. Those of systemd-networkd are in [`super::networkd`]. Pure.

use std::net::IpAddr;

use super::BOOT_ADDRESS;
use super::harm::Harm;
use super::network::{Harms, Section, address, brought_up, ifcfg_at_boot, name, net, sections};
use super::ours::Ours;
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::Reader;

/// A default route in a file.
struct DefaultRoute<'l> {
    line: &'l Line,
    gateway: &'l str,
    metric: u32,
}

/// The harms of a file's default routes.
pub(super) fn of(reader: Reader, path: &str, lines: &[Line], ours: &Ours) -> Harms {
    let Some(own) = ours.audit.host.gateway else {
        return Harms::new();
    };
    // lvsctl's default route has no metric. It replaces the one of ifupdown, and precedes those of NetworkManager and wicked,
    // which have one. netplan writes files for systemd-networkd.
    if ours.routes_default && reader != Reader::Netplan {
        return Harms::new();
    }
    let routes = match reader {
        Reader::Netplan => netplan(lines, ours),
        Reader::Ifupdown => ifupdown(lines, ours),
        Reader::NetworkManager => keyfile(lines, ours),
        Reader::Ifcfg => ifcfg(path, lines, ours),
        _ => Vec::new(),
    };
    let right = routes
        .iter()
        .filter(|route| address(route.gateway) == Some(own))
        .map(|route| route.metric)
        .min();
    let other = |route: &DefaultRoute| {
        let via = address(route.gateway)?;
        let precedes = right.is_none_or(|metric| route.metric < metric);
        (is_another(via, own) && precedes).then_some(via)
    };
    let harm = |route: &DefaultRoute| {
        let via = other(route)?;
        let mut harm = of_gateway(via, own);
        harm.instead = Some(route.line.text.replace(&via.to_string(), &own.to_string()));
        Some((route.line.clone(), harm))
    };
    routes.iter().filter_map(harm).collect()
}

/// Whether a gateway is another than the inventory's. A link-local one may be the same router, since the inventory does not
/// name link-local addresses.
pub(super) fn is_another(via: IpAddr, own: IpAddr) -> bool {
    let is_near = matches!(via, IpAddr::V6(v6) if v6.is_unicast_link_local());
    via != own && via.is_ipv6() == own.is_ipv6() && !is_near
}

pub(super) fn of_gateway(via: IpAddr, own: IpAddr) -> Harm {
    let does = format!("sets a default route via {via} in place of {own}");
    Harm::new(&BOOT_ADDRESS, does)
}

fn is_default(to: &str) -> bool {
    to == "default" || net(to).is_some_and(|net| net.prefix_len() == 0)
}

/// `gateway4`, and `via` of a route whose `to` is the default.
fn netplan<'l>(lines: &'l [Line], ours: &Ours) -> Vec<DefaultRoute<'l>> {
    #[derive(Default)]
    struct Item<'l> {
        is_default: bool,
        via: Option<(&'l Line, &'l str)>,
        metric: u32,
    }
    let mut found = Vec::new();
    let mut above: Vec<(usize, &str)> = Vec::new();
    let mut item = Item::default();
    let end = |item: &mut Item<'l>, found: &mut Vec<DefaultRoute<'l>>| {
        let item = std::mem::take(item);
        if let (true, Some((line, gateway))) = (item.is_default, item.via) {
            found.push(DefaultRoute {
                line,
                gateway,
                metric: item.metric,
            });
        }
    };
    for line in lines {
        let text = line.text.trim_start();
        let indent = line.text.len() - text.len();
        // The items of a list may be as far to the right as its key.
        let is_item = text.starts_with('-');
        above.retain(|(depth, _)| *depth < indent || (is_item && *depth == indent));
        let is_ours = above.iter().any(|(_, key)| ours.needs_interface(key));
        if is_item || !above.iter().any(|(_, key)| *key == "routes") {
            end(&mut item, &mut found);
        }
        for part in text.split(['{', ',', '[', ']']) {
            let closes = part.contains('}');
            let part = part
                .trim()
                .trim_start_matches('-')
                .trim_end_matches('}')
                .trim();
            let (key, value) = part.split_once(':').unwrap_or((part, ""));
            let value = value.trim().trim_matches(['"', '\'']);
            match key.trim().trim_matches(['"', '\'']) {
                "gateway4" | "gateway6" if is_ours => found.push(DefaultRoute {
                    line,
                    gateway: value,
                    metric: 0,
                }),
                "to" => item.is_default = is_default(value),
                "via" if is_ours => item.via = Some((line, value)),
                "metric" => item.metric = value.parse().unwrap_or(u32::MAX),
                _ => {}
            }
            if closes {
                end(&mut item, &mut found);
            }
        }
        if let Some(key) = text.strip_suffix(':') {
            above.push((indent, key.trim_matches(['"', '\''])));
        }
    }
    end(&mut item, &mut found);
    found
}

/// `gateway` of a stanza that comes up at boot.
fn ifupdown<'l>(lines: &'l [Line], ours: &Ours) -> Vec<DefaultRoute<'l>> {
    let brought_up = brought_up(&ours.audit.facts().boot_source);
    let mut found: Vec<DefaultRoute> = Vec::new();
    let mut is_live = false;
    for line in lines {
        let words: Vec<&str> = line.text.split_whitespace().collect();
        match words.as_slice() {
            ["iface", name, ..] => {
                is_live = brought_up.contains(name) && ours.needs_interface(name);
            }
            ["gateway", gateway, ..] if is_live => found.push(DefaultRoute {
                line,
                gateway,
                metric: 0,
            }),
            ["metric", metric, ..] if is_live => {
                if let Some(last) = found.last_mut() {
                    last.metric = metric.parse().unwrap_or(u32::MAX);
                }
            }
            _ => {}
        }
    }
    found
}

/// `gateway`, the second word of `address1`, and `route1=0.0.0.0/0,GATEWAY,METRIC`.
fn keyfile<'l>(lines: &'l [Line], ours: &Ours) -> Vec<DefaultRoute<'l>> {
    let all = sections(lines);
    let value = |section: &Section<'l>, key: &str| {
        let mut lines = section.lines.iter();
        lines.find(|(_, k, _)| *k == key).map(|(.., value)| *value)
    };
    let connection = all.iter().find(|section| section.name == "connection");
    let of_connection = |key| connection.and_then(|section| value(section, key));
    let is_other = of_connection("interface-name").is_some_and(|name| !ours.needs_interface(name));
    if is_other || of_connection("autoconnect") == Some("false") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for section in all.iter().filter(|s| matches!(s.name, "ipv4" | "ipv6")) {
        if value(section, "never-default") == Some("true") {
            continue;
        }
        let metric = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
        let of_section = metric(value(section, "route-metric"));
        for (line, key, value) in &section.lines {
            let mut words = value.split(',');
            let first = words.next().unwrap_or_default();
            let (gateway, metric) = match *key {
                "gateway" => (Some(first), of_section),
                key if key.starts_with("address") => (words.next(), of_section),
                key if key.starts_with("route") && is_default(first) => {
                    (words.next(), metric(words.next()))
                }
                _ => (None, 0),
            };
            found.extend(gateway.map(|gateway| DefaultRoute {
                line,
                gateway,
                metric,
            }));
        }
    }
    found
}

/// `GATEWAY` of an ifcfg file, and default routes in the files of routes beside it.
fn ifcfg<'l>(path: &str, lines: &'l [Line], ours: &Ours) -> Vec<DefaultRoute<'l>> {
    let file = name(path);
    let interface = file.split_once('-').map(|(_, interface)| interface);
    if interface.is_some_and(|interface| !ours.needs_interface(interface)) {
        return Vec::new();
    }
    let route = |line, gateway| DefaultRoute {
        line,
        gateway,
        metric: 0,
    };
    if !file.starts_with("ifcfg-") {
        let routes = lines.iter().filter_map(|line| {
            let words: Vec<&str> = line.text.split_whitespace().collect();
            match words.as_slice() {
                [to, "via", gateway, ..] | [to, gateway, ..] if is_default(to) => {
                    Some(route(line, *gateway))
                }
                _ => None,
            }
        });
        return routes.collect();
    }
    let pairs = ifcfg_at_boot(lines);
    let is_no = |(_, key, value): &(&Line, &str, &str)| {
        *key == "DEFROUTE" && value.eq_ignore_ascii_case("no")
    };
    if pairs.iter().any(is_no) {
        return Vec::new();
    }
    let gateways = pairs
        .into_iter()
        .filter(|(_, key, _)| matches!(*key, "GATEWAY" | "GATEWAY0" | "IPV6_DEFAULTGW"));
    gateways
        .map(|(line, _, gateway)| route(line, gateway))
        .collect()
}
