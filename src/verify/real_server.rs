//! Checks of a real server: it takes the VIP's packets, keeps quiet about the VIP, and answers by itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::Seen;
use super::questions::{served, web_ports};
use super::tally::{Compared, Tally};
use crate::inventory::model::{Mode, Protocol};

pub fn check(seen: &Seen, tally: &mut Tally) {
    let mut vips: Vec<(IpAddr, Mode)> = served(seen.cluster, seen.host)
        .flat_map(|s| s.vips.iter().map(|vip| (vip.address, s.mode)))
        .collect();
    vips.sort_by_key(|(address, _)| *address);
    vips.dedup_by_key(|(address, _)| *address);
    for (vip, mode) in &vips {
        holds(seen, *vip, *mode, tally);
        local_route(seen, *vip, tally);
    }
    if vips.iter().any(|(vip, _)| vip.is_ipv4()) {
        arp(seen, tally);
    }
    listens(seen, tally);
    way_back(seen, tally);
}

/// On `lo` (or `tunl0`) and nowhere else: on a NIC it would answer for the VIP whatever the ARP settings are.
fn holds(seen: &Seen, vip: IpAddr, mode: Mode, tally: &mut Tally) {
    let right = if mode == Mode::Tun { "tunl0" } else { "lo" };
    let elsewhere: Vec<&str> = seen
        .addresses()
        .of(vip)
        .map(|held| held.interface.as_str())
        .filter(|name| *name != right)
        .collect();
    tally.require(elsewhere.is_empty(), seen.name(), "vip-place", || {
        Compared {
            what: format!("VIP {vip}"),
            expected: format!("on {right} and on no other interface"),
            found: format!("also on {}", elsewhere.join(", ")),
            mend: format!("ip addr del {vip}/PREFIX dev {}", elsewhere.join(" and ")),
        }
    });
}

fn local_route(seen: &Seen, vip: IpAddr, tally: &mut Tally) {
    let route: Option<Value> = serde_json::from_str(seen.part(&format!("route {vip}"))).ok();
    let kind = route
        .as_ref()
        .and_then(|r| r.get(0))
        .and_then(|r| r.get("type"))
        .and_then(Value::as_str)
        .unwrap_or("no route");
    tally.require(kind == "local", seen.name(), "vip-route", || Compared {
        what: format!("`ip route get {vip}`"),
        expected: "local".into(),
        found: kind.to_owned(),
        mend: "lvsctl apply puts the VIP back".into(),
    });
}

/// `net.ipv4.conf` values: interface, then name.
fn conf(text: &str) -> BTreeMap<(&str, &str), u32> {
    let line = |line| {
        let (path, value): (&str, &str) = str::split_once(line, ':')?;
        let (interface, name) = path
            .strip_prefix("/proc/sys/net/ipv4/conf/")?
            .rsplit_once('/')?;
        Some(((interface, name), value.trim().parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// What the kernel goes by: the larger of `all` and the interface's own value (ip-sysctl, kernel documentation).
fn effective(values: &BTreeMap<(&str, &str), u32>, interface: &str, name: &str) -> Option<u32> {
    let of = |interface| values.get(&(interface, name)).copied();
    of(interface).max(of("all"))
}

fn arp(seen: &Seen, tally: &mut Tally) {
    let values = conf(seen.part("conf"));
    for nic in &seen.host.interfaces {
        let shown =
            |value: Option<u32>| value.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
        let ignore = effective(&values, &nic.name, "arp_ignore");
        // 3 answers for addresses of wider scope than host, and 8 does not answer for the RIP either.
        tally.require(matches!(ignore, Some(1 | 2)), seen.name(), "arp-ignore", || Compared {
            what: format!("effective arp_ignore of {}", nic.name),
            expected: "1 or 2".into(),
            found: shown(ignore),
            mend: format!("lvsctl apply; if it stays, set net.ipv4.conf.{}.arp_ignore to 0, since the larger of it and `all` counts", nic.name),
        });
        let announce = effective(&values, &nic.name, "arp_announce");
        tally.require(announce == Some(2), seen.name(), "arp-announce", || {
            Compared {
                what: format!("effective arp_announce of {}", nic.name),
                expected: "2".into(),
                found: shown(announce),
                mend: "lvsctl apply".into(),
            }
        });
    }
}

fn listens(seen: &Seen, tally: &mut Tally) {
    let listeners = listeners(seen.part("listen"));
    for service in served(seen.cluster, seen.host) {
        let protocol = if service.protocol == Protocol::Udp {
            "udp"
        } else {
            "tcp"
        };
        for vip in &service.vips {
            for port in &service.ports {
                let fits = |l: &Listener| {
                    l.protocol == protocol && l.port == *port && l.takes(vip.address)
                };
                tally.require(listeners.iter().any(fits), seen.name(), "listener", || {
                    Compared {
                        what: format!(
                            "{} {protocol} port {port} for the VIP {}",
                            service.name, vip.address
                        ),
                        expected: "a listener".into(),
                        found: "none".into(),
                        mend:
                            "start the service on this real server, on every address or on the VIP"
                                .into(),
                    }
                });
            }
            for (port, _) in web_ports(service) {
                let said = seen.part(&format!("self {} {port}", vip.address));
                let good = said.len() == 3 && said.starts_with(['2', '3']);
                tally.require(good || said.is_empty(), seen.name(), "self-request", || {
                    Compared {
                        what: format!(
                            "{} port {port}, asked on the real server itself",
                            service.name
                        ),
                        expected: "an answer with status 2xx or 3xx".into(),
                        found: said.to_owned(),
                        mend: "see the web server's log".into(),
                    }
                });
            }
        }
    }
}

struct Listener<'a> {
    protocol: &'a str,
    address: &'a str,
    port: u16,
}

impl Listener<'_> {
    fn takes(&self, vip: IpAddr) -> bool {
        let address = self.address.split('%').next().unwrap_or_default();
        let any = matches!(address, "*" | "[::]") || (address == "0.0.0.0" && vip.is_ipv4());
        any || address.trim_matches(['[', ']']).parse::<IpAddr>() == Ok(vip)
    }
}

/// Reads `ss -Hlntu`.
fn listeners(text: &str) -> Vec<Listener<'_>> {
    let line = |line| {
        let mut words = str::split_whitespace(line);
        let (protocol, local) = (words.next()?, words.nth(3)?);
        let (address, port) = local.rsplit_once(':')?;
        Some(Listener {
            protocol,
            address,
            port: port.parse().ok()?,
        })
    };
    text.lines().filter_map(line).collect()
}

/// In DR and TUN a reply goes to the client directly; by way of a director it would be dropped or doubled.
fn way_back(seen: &Seen, tally: &mut Tally) {
    let Some(audit) = seen.audit() else { return };
    if served(seen.cluster, seen.host).next().is_none() {
        return;
    }
    for (client, json) in audit.parts_of("to") {
        let route: Option<Value> = serde_json::from_str(json).ok();
        let via = route
            .as_ref()
            .and_then(|r| r.get(0))
            .and_then(|r| r.get("gateway"))
            .and_then(Value::as_str);
        let via: Option<IpAddr> = via.and_then(|v| v.parse().ok());
        let director = seen
            .cluster
            .hosts
            .iter()
            .find(|h| h.is_director() && Some(h.address) == via);
        tally.require(director.is_none(), seen.name(), "way-back", || Compared {
            what: format!("route to the client {client}"),
            expected: "past the directors".into(),
            found: format!("by way of {}", director.map_or("", |h| &h.name)),
            mend: "give this real server a gateway that is no director".into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_arp_value_counts() {
        let text = "/proc/sys/net/ipv4/conf/all/arp_ignore:1\n/proc/sys/net/ipv4/conf/eth0/arp_ignore:3\n\
                    /proc/sys/net/ipv4/conf/lo/arp_ignore:1\n";
        let values = conf(text);
        assert_eq!(effective(&values, "eth0", "arp_ignore"), Some(3));
        assert_eq!(effective(&values, "eth1", "arp_ignore"), Some(1));
        assert_eq!(effective(&values, "eth0", "arp_announce"), None);
    }

    #[test]
    fn a_listener_takes_the_vip() {
        let text = "tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:*\ntcp LISTEN 0 128 10.0.0.2:22 0.0.0.0:*\ntcp LISTEN 0 5 *:443 *:*\n";
        let listeners = listeners(text);
        let vip: IpAddr = "10.0.0.1".parse().unwrap();
        let ports: Vec<u16> = listeners
            .iter()
            .filter(|l| l.takes(vip))
            .map(|l| l.port)
            .collect();
        assert_eq!(ports, [80, 443]);
    }
}
