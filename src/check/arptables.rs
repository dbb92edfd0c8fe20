//! Rules that drop ARP packets which a host must send or receive: those of arptables(8), and of nft(8) tables of the family
//! `arp`. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::definition::{Check, Judge, packet_filter};
use super::findings::{Findings, Mismatch};
use super::health_path::asks_from;
use super::{Cause, HostAudit};
use crate::fact::firewall::sets::{Sets, range};
use crate::fact::firewall::{ArpRule, Chains, Firewall};
use crate::model::{Host, topology};
use crate::resource::Kind as _;
use crate::resource::arprule::Arprule;
use crate::shell::quote;

pub(super) static ARPTABLES_RIP: Check = Check {
    id: "arptables-rip",
    summary: "`arptables` accepts the ARP packets of a real server for its RIP, and of directors for it.",
    reason: "A director resolves the RIP of a real server in its network by ARP, and the real server resolves the addresses \
             to which it replies.",
    source: "arptables(8), RFC 826",
    fix: "delete the rule that the finding names with `arptables -D`",
    needs: packet_filter,
    judge: Judge::Host(of_rips),
};

pub(super) static ARPTABLES_VIP: Check = Check {
    id: "arptables-vip",
    summary: "`arptables` accepts a director's ARP packets for the VIP.",
    reason: "Clients and routers in the VIP's network resolve the VIP by ARP.",
    source: "arptables(8), RFC 826",
    fix: "delete the rule that the finding names with `arptables -D`",
    needs: packet_filter,
    judge: Judge::Director(of_director),
};

pub(super) static ARPTABLES_HIDES: Check = Check {
    id: "arptables-hides",
    summary: "With `arp: arptables`, no rule of a real server precedes the rules that hide the VIP.",
    reason: "An earlier rule that accepts ARP packets ends the chain: the real server replies to ARP requests for the VIP, and clients bypass the director.",
    source: "arptables(8), RFC 826",
    fix: "delete the rule that the finding names with `arptables -D`",
    needs: packet_filter,
    judge: Judge::Host(hides),
};

/// An ARP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arp {
    chain: &'static str,
    from: IpAddr,
    /// The requested address; of an answer, the address of its recipient.
    to: IpAddr,
    reply: bool,
}

/// A request for a host's address and its answer, as the requested host receives and sends them.
fn asked(who: IpAddr, own: IpAddr) -> [Arp; 2] {
    let question = Arp {
        chain: "INPUT",
        from: who,
        to: own,
        reply: false,
    };
    let answer = Arp {
        chain: "OUTPUT",
        from: own,
        to: who,
        reply: true,
    };
    [question, answer]
}

/// A request and its answer, as the requesting host sends and receives them.
fn asks(own: IpAddr, whom: IpAddr) -> [Arp; 2] {
    let question = Arp {
        chain: "OUTPUT",
        from: own,
        to: whom,
        reply: false,
    };
    let answer = Arp {
        chain: "INPUT",
        from: whom,
        to: own,
        reply: true,
    };
    [question, answer]
}

/// Directors and real servers of one network must resolve each other's addresses.
fn of_rips(audit: &HostAudit, findings: &mut Findings) {
    let cluster = audit.cluster;
    let mut done = BTreeSet::new();
    let own = audit.serves.own_addresses(|_| true);
    for rip in own.into_iter().filter(IpAddr::is_ipv4) {
        let directors = cluster
            .directors()
            .filter(|host| host.name != audit.host.name);
        let near = directors.filter_map(|director| near(director, rip));
        let mut all: Vec<Arp> = near
            .flat_map(|dip| [asked(dip, rip), asks(rip, dip)].concat())
            .collect();
        if all.is_empty() {
            // Any neighbour may request it.
            all.extend(
                audit
                    .host
                    .gateway
                    .filter(IpAddr::is_ipv4)
                    .map(|gateway| asked(gateway, rip))
                    .into_iter()
                    .flatten(),
            );
        }
        done.insert(rip);
        passes(audit, &ARPTABLES_RIP, rip, &all, findings);
    }
    if !audit.host.is_director() {
        return;
    }
    let services = cluster.services.iter();
    for rs in services.flat_map(|service| service.backends()) {
        if rs.host == audit.host.name || !rs.address.is_ipv4() || !done.insert(rs.address) {
            continue;
        }
        if let Some(dip) = near(audit.host, rs.address) {
            let all = [asks(dip, rs.address), asked(rs.address, dip)].concat();
            passes(audit, &ARPTABLES_RIP, rs.address, &all, findings);
        }
    }
}

/// Requests for a VIP must be dropped on a real server whose rules are all there; a rule that is missing is drift.
fn hides(audit: &HostAudit, findings: &mut Findings) {
    let changes = &audit.plan().changes;
    if changes.iter().any(|change| change.kind == Arprule::NAME) {
        return;
    }
    let directors: BTreeSet<IpAddr> = audit
        .cluster
        .directors()
        .flat_map(Host::addresses)
        .collect();
    for rule in topology::arp_rules(audit.cluster, audit.host, &audit.serves) {
        let vip = IpAddr::V4(rule.vip);
        let clients = neighbours(audit, vip).into_iter();
        let mut requests = clients
            .filter(|client| !directors.contains(client))
            .map(|client| asked(client, vip)[0]);
        let by = audit.toward(vip);
        let rules = &audit.facts().firewall.arp_all;
        let accepting = requests.find_map(|request| {
            let fits = |rule: &&ArpRule| {
                hits(rule, &request) == Some(true)
                    && rule.value("-i").is_none_or(|name| is_one_of(name, &by))
            };
            let first = rules.rules_of(request.chain).find(fits)?;
            (first.target() == Some("ACCEPT")).then_some(first)
        });
        let fault = accepting.map(|rule| {
            let found = format!("accepted by {}", rule.line);
            let expected = format!("ARP requests for {vip} dropped");
            let fault = Mismatch::new(expected, found.clone(), deletes(rule));
            fault.of_vip(vip).because(Some(Cause::Rule(found)))
        });
        let read = "dropped by a rule of arptables";
        findings.judge_read(audit.name(), &ARPTABLES_HIDES, vip.to_string(), read, fault);
    }
}

/// Whether an interface of a rule, such as `eth+`, is among these.
fn is_one_of(name: &str, interfaces: &[String]) -> bool {
    let fits = |other: &String| match name.strip_suffix('+') {
        Some(start) => other.starts_with(start),
        None => name == "*" || name == "any" || name == other,
    };
    interfaces.iter().any(fits)
}

/// A host's own address in the network of another one.
fn near(host: &Host, other: IpAddr) -> Option<IpAddr> {
    host.facing(other)?;
    asks_from(host, other)
}

fn of_director(audit: &HostAudit, findings: &mut Findings) {
    let vips = audit.cluster.service_vips().into_iter();
    for vip in vips.filter(IpAddr::is_ipv4) {
        let clients = neighbours(audit, vip);
        // It announces that it holds the VIP now (gratuitous ARP).
        let announces = Arp {
            chain: "OUTPUT",
            from: vip,
            to: vip,
            reply: false,
        };
        let asked = clients.into_iter().flat_map(|client| asked(client, vip));
        let all: Vec<Arp> = asked.chain([announces]).collect();
        passes(audit, &ARPTABLES_VIP, vip, &all, findings);
    }
}

/// The addresses that request a VIP: hosts of its network, the gateway, and a neighbour that the inventory does not name.
fn neighbours(audit: &HostAudit, vip: IpAddr) -> BTreeSet<IpAddr> {
    let cluster = audit.cluster;
    let networks = cluster.networks.iter().flat_map(|network| &network.subnets);
    let nets: Vec<_> = networks.filter(|net| net.contains(&vip)).collect();
    let own: BTreeSet<IpAddr> = audit.host.addresses().chain(cluster.all_vips()).collect();
    let hosts = cluster
        .hosts
        .iter()
        .flat_map(|host| host.addresses().chain(host.gateway));
    let near = hosts.filter(|address| nets.iter().any(|net| net.contains(address)));
    let last = nets.iter().filter_map(|net| match net.broadcast() {
        IpAddr::V4(v4) => Some(IpAddr::from(u32::from(v4).checked_sub(1)?.to_be_bytes())),
        IpAddr::V6(_) => None,
    });
    near.chain(last)
        .filter(|address| !own.contains(address))
        .collect()
}

/// The rule that drops an ARP packet, with the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Drop {
    by: String,
    fix: String,
}

/// Whether a rule of arptables drops ARP for an address.
fn passes(
    audit: &HostAudit,
    check: &'static Check,
    address: IpAddr,
    packets: &[Arp],
    findings: &mut Findings,
) {
    let firewall = &audit.facts().firewall;
    let dropped = packets.iter().find_map(|packet| dropped(firewall, packet));
    let fault = dropped.map(|Drop { by, fix }| {
        let cause = Cause::Rule(by.clone());
        Mismatch::new(
            format!("ARP for {address} to pass arptables"),
            format!("dropped by {by}"),
            fix,
        )
        .because(Some(cause))
    });
    let read = "no rule of arptables or nftables that drops it";
    findings.judge_read(audit.name(), check, address.to_string(), read, fault);
}

fn dropped(firewall: &Firewall, packet: &Arp) -> Option<Drop> {
    let arp = &firewall.arp_all;
    let mut end = None;
    for rule in arp.rules_of(packet.chain) {
        if hits(rule, packet) != Some(true) {
            continue;
        }
        match rule.target() {
            Some("ACCEPT") => {
                end = Some(None);
                break;
            }
            Some("DROP") => {
                end = Some(Some(Drop {
                    by: rule.line.clone(),
                    fix: deletes(rule),
                }));
                break;
            }
            // Another address than the sender's: no neighbour learns the host's.
            Some("mangle") if packet.chain == "OUTPUT" => {
                let other = rule.value("--mangle-ip-s").and_then(|ip| ip.parse().ok());
                if other.is_some_and(|other: IpAddr| other != packet.from) {
                    end = Some(Some(Drop {
                        by: rule.line.clone(),
                        fix: deletes(rule),
                    }));
                    break;
                }
            }
            _ => {}
        }
    }
    let by_policy = || {
        let policy = arp.policy(packet.chain) == Some("DROP");
        policy.then(|| Drop {
            by: format!("the policy of {} of arptables", packet.chain),
            fix: format!("`arptables -P {} ACCEPT`", packet.chain),
        })
    };
    let found = match end {
        Some(end) => end,
        None => by_policy(),
    };
    found.or_else(|| by_nft(firewall, packet))
}

/// The command that deletes a rule, without what arptables prints of each.
fn deletes(rule: &ArpRule) -> String {
    let of_each = |option: &str, value: &str| {
        matches!(
            (option, value),
            ("-i" | "-o", "*" | "any") | ("--h-length", "6") | ("--h-type", "1")
        )
    };
    let mut words = vec![format!("arptables -D {}", rule.chain)];
    for (negated, option, value) in &rule.options {
        if of_each(option, value) {
            continue;
        }
        words.extend(negated.then(|| "!".to_owned()));
        words.push(option.clone());
        words.extend(
            Some(value)
                .filter(|value| !value.is_empty())
                .map(|value| quote(value)),
        );
    }
    format!(
        "`{}`; also remove the rule from the configuration that adds it at boot",
        words.join(" ")
    )
}

/// Whether a rule of arptables matches a packet; None: not known.
fn hits(rule: &ArpRule, packet: &Arp) -> Option<bool> {
    let inside = |list: &str, address: IpAddr| {
        let mut ranges = list.split(',').filter_map(range);
        ranges.any(|(first, last)| first <= address && address <= last)
    };
    let mut all = Some(true);
    for (negated, option, value) in &rule.options {
        let one = match option.as_str() {
            "-j" | "--mangle-ip-s" | "--mangle-ip-d" | "--mangle-mac-s" | "--mangle-mac-d"
            | "--mangle-target" | "--h-length" | "--h-type" | "--proto-type" => continue,
            "-s" => Some(inside(value, packet.from)),
            "-d" => Some(inside(value, packet.to)),
            "--opcode" => match value.to_lowercase().as_str() {
                "1" | "request" => Some(!packet.reply),
                "2" | "reply" => Some(packet.reply),
                _ => Some(false),
            },
            // Interface options of the other direction match nothing.
            "-i" | "-o" if value == "*" || value == "any" => Some(true),
            "-i" => (packet.chain == "INPUT").then_some(true).or(Some(false)),
            "-o" => (packet.chain == "OUTPUT").then_some(true).or(Some(false)),
            _ => None,
        };
        let one = one.map(|hit| hit != *negated);
        all = match (all, one) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
    }
    all
}

/// Tables of nft(8) for ARP.
fn by_nft(firewall: &Firewall, packet: &Arp) -> Option<Drop> {
    let hook = packet.chain.to_lowercase();
    let mut bases = firewall.native_at(&hook, &["arp"]);
    bases.find_map(|(table, base)| {
        let chain = table.chains().unwrap_or(none()).get(&base.chain)?;
        let name = format!("arp {} {}", table.name, base.chain);
        for rule in &chain.rules {
            if !nft_hits(&rule.words, packet, &table.rules.sets) {
                continue;
            }
            let printed = rule.printed.clone().unwrap_or_default();
            match rule.value("-j") {
                Some("ACCEPT") => return None,
                Some("DROP") => {
                    return Some(Drop {
                        by: format!("the rule {} of the chain {name} of nftables", printed.text),
                        fix: match printed.handle {
                            Some(handle) => format!("`nft delete rule {name} handle {handle}`"),
                            None => format!("delete it by its handle: `nft -a list chain {name}`"),
                        },
                    });
                }
                _ => {}
            }
        }
        (chain.policy.as_deref() == Some("DROP")).then(|| Drop {
            by: format!("the policy of the chain {name} of nftables"),
            fix: format!("`nft chain {name} '{{ policy accept ; }}'`"),
        })
    })
}

fn none() -> &'static Chains {
    static NONE: Chains = Chains::new();
    &NONE
}

fn nft_hits(words: &[String], packet: &Arp, sets: &Sets) -> bool {
    let mut options = Vec::new();
    let mut words = words.iter().map(String::as_str).peekable();
    let mut negated = false;
    while let Some(word) = words.next() {
        match word {
            "!" => negated = true,
            "-j" => {
                words.next();
            }
            "--match-set" => {
                let (name, side) = (words.next().unwrap_or_default(), words.next());
                let address = if side == Some("src") {
                    packet.from
                } else {
                    packet.to
                };
                let within = sets.get(name).is_some_and(|set| set.contains(address));
                if within == std::mem::take(&mut negated) {
                    return false;
                }
            }
            option => {
                let value = words
                    .next_if(|word| !word.starts_with('-'))
                    .unwrap_or_default();
                options.push((
                    std::mem::take(&mut negated),
                    option.to_owned(),
                    value.to_owned(),
                ));
            }
        }
    }
    let rule = ArpRule {
        options,
        ..ArpRule::default()
    };
    hits(&rule, packet) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::firewall::Arptables;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Rules as `arptables-save` of either backend prints them, and whether a director still learns the RIP 10.0.0.12 of a real
    /// server and the real server the director's address 10.0.0.14.
    #[test]
    fn rules_that_drop_arp() {
        let rip = ip("10.0.0.12");
        let dip = ip("10.0.0.14");
        let all = [asked(dip, rip), asks(rip, dip)].concat();
        for (rules, drops) in [
            ("", false),
            ("-A INPUT -j DROP -i * -o * -d 10.0.0.12", true),
            ("-A INPUT -j DROP -d 10.0.0.13", false),
            // A range of addresses.
            ("-A INPUT -j DROP -i * -o * -s 10.0.0.0/28", true),
            ("-A INPUT -j DROP -s 10.0.0.0/255.255.255.0", true),
            ("-A OUTPUT -s 10.0.0.0/24 -j DROP", true),
            ("-A OUTPUT -d 10.0.0.8/29 -j DROP", true),
            ("-A INPUT -s 10.0.1.0/24 -j DROP", false),
            ("-A INPUT ! -s 10.0.0.0/24 -j DROP", false),
            ("-A INPUT ! -s 10.0.0.0/30 -j DROP", true),
            ("-A INPUT -d 10.0.0.0/24 --opcode 1 -j DROP", true),
            ("-A INPUT -d 10.0.0.0/24 --opcode 2 -j DROP", true),
            ("-A INPUT -d 10.0.0.0/24 --opcode 3 -j DROP", false),
            (
                "-A INPUT -s 10.0.0.14 -j ACCEPT\n-A INPUT -s 10.0.0.0/24 -j DROP",
                false,
            ),
            ("-A INPUT -j DROP", true),
            (":INPUT DROP", true),
            (":INPUT DROP\n-A INPUT -s 10.0.0.0/24 -j ACCEPT", false),
            // What `arp: arptables` sets for the VIP 10.0.0.200.
            (
                "-A INPUT -j DROP -d 10.0.0.200\n-A OUTPUT -j mangle -s 10.0.0.200 --mangle-ip-s 10.0.0.12",
                false,
            ),
            (
                "-A OUTPUT -j mangle -s 10.0.0.12 --mangle-ip-s 10.0.0.99",
                true,
            ),
        ] {
            let firewall = Firewall {
                arp_all: Arptables::read(rules).unwrap(),
                ..Firewall::default()
            };
            let found = all.iter().find_map(|packet| dropped(&firewall, packet));
            assert_eq!(found.is_some(), drops, "{rules}: {found:?}");
        }
    }
}
