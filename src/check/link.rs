//! Interfaces that carry the cluster's packets: up, connected, with ARP and the MTU of their network, and nothing before the
//! kernel that drops packets. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use super::{Cause, ClusterAudit, HostAudit};
use crate::fact::Needs;
use crate::fact::address::Link;
use crate::fact::traffic_control::Discipline;
use crate::model::{Cluster, Host};

pub(super) static LINK: Check = Check {
    id: "link",
    summary: "The interfaces of directors and real servers are up and connected, use ARP, and hold addresses that are theirs alone (IPv6 duplicate address detection).",
    reason: "An interface that is down, has no carrier or does no ARP carries no packets of clients. On a backup, or on a \
             director's second interface, the fault appears only at the next failover.",
    source: "ip-link(8), ip-address(8) `dadfailed`, RFC 4862 5.4",
    fix: "`ip link set INTERFACE up`, or what the finding names",
    needs: nothing,
    judge: Judge::Host(links),
};

pub(super) static MTU: Check = Check {
    id: "mtu",
    summary: "All directors and real servers have the same MTU on a network.",
    reason: "A host with a different MTU drops packets that are too long for it, or sends packets that are too long for its \
             neighbours: long transfers stall, while short responses arrive.",
    source: "ip-link(8), RFC 1191",
    fix: "`ip link set INTERFACE mtu MTU`, and the same at boot",
    needs: nothing,
    judge: Judge::Cluster(sizes),
};

pub(super) static TRAFFIC_CONTROL: Check = Check {
    id: "traffic-control",
    summary: "No queueing discipline, filter or XDP program drops or delays packets of directors and real servers.",
    reason: "These act before or after the packet filter, so its rules do not show them.",
    source: "tc(8), tc-netem(8), tc-actions(8), ip-link(8) `xdp`",
    fix: "`tc qdisc del dev INTERFACE root`, or what the finding names",
    needs,
    judge: Judge::Host(controls),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if concerns(cluster, host) {
        needs.traffic_control = Some(());
    }
}

/// Whether packets of services cross a host.
fn concerns(cluster: &Cluster, host: &Host) -> bool {
    host.is_director() || cluster.serves(host)
}

/// Interfaces of the inventory that the host has.
fn known<'a>(audit: &'a HostAudit) -> impl Iterator<Item = &'a Link> {
    let links = audit.addresses().links.iter();
    links.filter(|link| {
        audit
            .host
            .interfaces
            .iter()
            .any(|nic| nic.name == link.name)
    })
}

fn links(audit: &HostAudit, findings: &mut Findings) {
    if !concerns(audit.cluster, audit.host) {
        return;
    }
    let adverts = |name: &str| {
        let instances = audit
            .cluster
            .vrrp
            .iter()
            .filter(|instance| !instance.unicast);
        let mut members = instances.filter_map(|instance| instance.member(audit.host));
        members.any(|member| member.interface == name)
    };
    for link in known(audit) {
        let name = &link.name;
        let found = match link {
            Link { up: false, .. } => Some(("down", format!("`ip link set {name} up`"))),
            Link {
                no_carrier: true, ..
            } => Some((
                "up, without a carrier",
                format!(
                    "see the cable, the switch port or the other end of {name}: `ip link show {name}`"
                ),
            )),
            Link {
                no_arp: true,
                broadcasts: true,
                ..
            } => Some(("without ARP", format!("`ip link set {name} arp on`"))),
            Link {
                no_multicast: true, ..
            } if adverts(name) => Some((
                "without multicast, which VRRP adverts need",
                format!("`ip link set {name} multicast on`"),
            )),
            _ => None,
        };
        let fault = found.map(|(found, fix)| {
            Mismatch::new(format!("{name} up, connected and with ARP"), found, fix)
        });
        let fault = fault.map(|fault| fault.because(Some(Cause::Link(name.clone()))));
        findings.judge_read(
            audit.name(),
            &LINK,
            name.clone(),
            "up, connected and with ARP",
            fault,
        );
        if let Some(master) = link
            .master
            .as_ref()
            .filter(|master| holds(audit, name) && joins(audit, master))
        {
            let fault = Mismatch::new(
                format!("the addresses of {name} on {master}, which {name} is a port of"),
                format!("on {name}, where the kernel takes no packets for them"),
                format!("`ip link set {name} nomaster`, or move the addresses to {master}"),
            );
            findings.fail(audit.name(), &LINK, name.clone(), fault);
        }
    }
    for held in audit.addresses().held.iter().filter(|held| held.duplicate) {
        let fault = Mismatch::new(
            format!("{} on {} of this host alone", held.address, held.interface),
            "another host has it: duplicate address detection failed",
            format!(
                "take it off the other host, then `ip addr del {a}/{p} dev {i}` and `ip addr add {a}/{p} dev {i}`",
                a = held.address,
                p = held.prefix,
                i = held.interface
            ),
        );
        findings.fail(audit.name(), &LINK, held.address.to_string(), fault);
    }
}

/// Whether an interface's master receives its packets: true for a bridge or a bond, false for a VRF, which has no ARP.
fn joins(audit: &HostAudit, master: &str) -> bool {
    let mut links = audit.addresses().links.iter();
    links.any(|link| link.name == master && !link.no_arp)
}

fn holds(audit: &HostAudit, interface: &str) -> bool {
    let mut held = audit.addresses().held.iter();
    held.any(|held| held.interface == interface && held.scope == "global")
}

/// Judges MTUs: the most common one of a network is expected; between two hosts, the larger.
fn sizes(audit: &ClusterAudit, findings: &mut Findings) {
    for host in audit.hosts {
        shorter_routes(host, findings);
    }
    let networks = audit.cluster.networks.iter();
    for subnet in networks.flat_map(|network| &network.subnets) {
        let mut all: Vec<(&str, &Link)> = Vec::new();
        for host in audit
            .hosts
            .iter()
            .filter(|one| concerns(audit.cluster, one.host))
        {
            let nics = host.host.interfaces.iter();
            let here =
                nics.filter(|nic| nic.addresses.iter().any(|net| subnet.contains(&net.addr())));
            let links = here.filter_map(|nic| {
                let mut links = host.addresses().links.iter();
                links.find(|link| link.name == nic.name && link.mtu > 0)
            });
            all.extend(links.map(|link| (host.name(), link)));
        }
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for (_, link) in &all {
            *counts.entry(link.mtu).or_default() += 1;
        }
        let Some((usual, _)) = counts.iter().max_by_key(|(mtu, count)| (**count, **mtu)) else {
            continue;
        };
        for (host, link) in all {
            let fault = (link.mtu != *usual).then(|| {
                let name = &link.name;
                Mismatch::new(
                    format!("an MTU of {usual} on {name}, as the other hosts of {subnet} have"),
                    link.mtu.to_string(),
                    format!("`ip link set {name} mtu {usual}`, and the same at boot"),
                )
            });
            let what = format!("{} in {subnet}", link.name);
            findings.judge_read(host, &MTU, what, link.mtu.to_string(), fault);
        }
    }
}

/// Routes of a director to real servers that allow shorter packets than its interface.
fn shorter_routes(audit: &HostAudit, findings: &mut Findings) {
    let services = audit.cluster.services.iter();
    let mut seen = BTreeSet::new();
    for rs in services.flat_map(|service| service.backends()) {
        let route = audit.facts().route_to.get(rs.address, None);
        let Some(route) = route.filter(|_| audit.host.is_director() && seen.insert(rs.address))
        else {
            continue;
        };
        // A path MTU that the kernel has learned is not configured, and behind a gateway the path may be smaller.
        let configured = route.expires.is_none() && route.gateway.is_none();
        let Some(mtu) = route.metric("mtu").filter(|_| configured) else {
            continue;
        };
        let mut links = audit.addresses().links.iter();
        let link = links.find(|link| Some(&link.name) == route.interface.as_ref());
        let Some(link) = link.filter(|link| mtu < link.mtu) else {
            continue;
        };
        let ip = rs.address;
        let family = if ip.is_ipv6() { "-6" } else { "-4" };
        let fault = Mismatch::new(
            format!(
                "a route to {} ({ip}) with the MTU of {}, {}",
                rs.host, link.name, link.mtu
            ),
            format!("an MTU of {mtu}"),
            format!("`ip {family} route show match {ip}` shows the route: delete it, or its `mtu`"),
        );
        findings.fail(
            audit.name(),
            &MTU,
            format!("the route to {ip}"),
            fault.points_at(&rs.host),
        );
    }
}

fn controls(audit: &HostAudit, findings: &mut Findings) {
    if !concerns(audit.cluster, audit.host) {
        return;
    }
    for link in known(audit) {
        let name = link.name.as_str();
        if link.xdp {
            let fault = Mismatch::new(
                format!(
                    "no XDP program on {name}, which decides of packets before the kernel sees them"
                ),
                "one, whose decisions are not known",
                format!(
                    "`ip link set dev {name} xdp off`; also remove the program from the configuration that loads it at \
                     boot; where it is intended, waive this"
                ),
            );
            findings.fail(audit.name(), &TRAFFIC_CONTROL, name, fault.warning());
        }
        if audit.facts().traffic_control.missing {
            let why = "there is no tc on the host";
            findings.skip(audit.name(), &TRAFFIC_CONTROL, name, why);
            continue;
        }
        let disciplines = audit.facts().traffic_control.disciplines.iter();
        let mine = disciplines.filter(|discipline| discipline.interface == name);
        let mut faults: Vec<Mismatch> = mine.filter_map(discipline).collect();
        let filters = audit.facts().traffic_control.filters.get(name);
        faults.extend(filters.and_then(|lines| filter(name, lines)));
        if faults.is_empty() {
            let read = "no discipline or filter that drops or delays";
            findings.pass_of(audit.name(), &TRAFFIC_CONTROL, name, read);
        }
        for fault in faults {
            findings.fail(audit.name(), &TRAFFIC_CONTROL, name, fault);
        }
    }
}

/// The fault of a queueing discipline that does more than order packets.
fn discipline(one: &Discipline) -> Option<Mismatch> {
    let name = &one.interface;
    let options = one.options.join(" ");
    let del = format!(
        "`tc qdisc del dev {name} {}`; also remove the queueing discipline from the configuration that adds it at boot",
        one.place
    );
    let fault = |expected: &str, found: String| {
        Mismatch::new(format!("{expected} on {name}"), found, del.clone())
    };
    match one.kind.as_str() {
        "netem" => {
            let grave = ["loss", "corrupt"]
                .iter()
                .any(|word| one.value(word).is_some());
            let fault = fault(
                "no netem, which disturbs packets",
                format!("netem {options}"),
            );
            Some(if grave { fault } else { fault.warning() })
        }
        "blackhole" | "plug" => Some(fault("a discipline that sends packets", one.kind.clone())),
        "tbf" => Some(fault("no limit of the rate", format!("tbf {options}")).warning()),
        "pfifo" | "bfifo" => {
            let limit = one
                .value("limit")?
                .trim_end_matches(['p', 'b'])
                .parse::<u64>()
                .ok()?;
            let least = if one.kind == "pfifo" { 10 } else { 15_000 };
            (limit < least).then(|| {
                fault(
                    "a queue of a usual length",
                    format!("{} {options}", one.kind),
                )
            })
        }
        _ => None,
    }
}

/// Filters that drop packets, or send them elsewhere.
fn filter(name: &str, lines: &[String]) -> Option<Mismatch> {
    let drops = [
        "action drop",
        "action shot",
        "overlimit drop",
        " drop overhead",
    ];
    let found = |words: &[&str]| {
        let has = |line: &&String| {
            words.iter().any(|word| line.contains(word)) || line.ends_with(" drop")
        };
        lines.iter().find(has)
    };
    let fix = format!(
        "see `tc filter show dev {name} ingress` and delete it by its `pref`: `tc filter del dev {name} ingress pref PREF`; `tc qdisc del dev {name} clsact` (or `ingress`) takes all away"
    );
    let fix = |kind: &str| {
        let pref = lines
            .iter()
            .find_map(|line| line.split_once("pref ")?.1.split(' ').next());
        match pref {
            Some(pref) if kind == "ingress" => {
                format!(
                    "`tc filter del dev {name} ingress pref {pref}`; also remove the filter from the configuration that \
                     adds it at boot"
                )
            }
            _ => fix.clone(),
        }
    };
    if let Some(line) = found(&drops) {
        let police = lines.iter().any(|line| line.contains("police"));
        let fault = Mismatch::new(
            format!("no filter of traffic control that drops packets on {name}"),
            line.clone(),
            fix("ingress"),
        );
        return Some(if police { fault.warning() } else { fault });
    }
    let other = lines.iter().find(|line| {
        ["mirred (Egress Redirect", "pedit", "nat ", "direct-action"]
            .iter()
            .any(|word| line.contains(word))
    });
    other.map(|line| {
        Mismatch::new(
            format!("no filter of traffic control that changes the path of packets on {name}"),
            line.clone(),
            fix("ingress"),
        )
        .warning()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity;

    /// Lines of `tc qdisc show`, and how bad they are.
    #[test]
    fn disciplines_that_disturb() {
        for (kind, options, want) in [
            ("noqueue", "refcnt 2", None),
            ("fq_codel", "limit 10240p flows 1024", None),
            ("pfifo_fast", "bands 3", None),
            ("mq", "", None),
            ("htb", "r2q 10 default 0", None),
            ("netem", "limit 1000 loss 30%", Some(Severity::Error)),
            (
                "netem",
                "limit 1000 delay 5ms corrupt 1%",
                Some(Severity::Error),
            ),
            ("netem", "limit 1000 delay 300ms", Some(Severity::Warning)),
            ("blackhole", "", Some(Severity::Error)),
            (
                "tbf",
                "rate 8Kbit burst 1600b lat 50ms",
                Some(Severity::Warning),
            ),
            ("pfifo", "limit 1p", Some(Severity::Error)),
            ("pfifo", "limit 1000p", None),
        ] {
            let one = Discipline {
                kind: kind.to_owned(),
                interface: "eth0".to_owned(),
                place: "root".to_owned(),
                options: options.split(' ').map(str::to_owned).collect(),
            };
            let found = discipline(&one).map(|fault| fault.severity);
            assert_eq!(found, want, "{kind} {options}");
        }
    }

    #[test]
    fn filters_that_drop() {
        for (lines, want) in [
            (
                "filter protocol ip pref 1 u32 chain 0\naction order 1: gact action drop\nrandom type none pass val 0",
                Some(Severity::Error),
            ),
            (
                "filter protocol all pref 49152 matchall\npolice 0x1 rate 1Mbit burst 10Kb mtu 2Kb action drop overhead 0b",
                Some(Severity::Warning),
            ),
            (
                "filter protocol ip pref 1 u32\naction order 1: mirred (Egress Redirect to device lo) stolen",
                Some(Severity::Warning),
            ),
            (
                "filter protocol all pref 1 bpf chain 0\nx.o:[x] direct-action id 7",
                Some(Severity::Warning),
            ),
            ("filter protocol ip pref 1 u32 flowid 1:10", None),
        ] {
            let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
            let found = filter("eth0", &lines).map(|fault| fault.severity);
            assert_eq!(found, want, "{lines:?}");
        }
    }
}
