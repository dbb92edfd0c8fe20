//! ARP answers to clients in the network of a VIP: only the director that holds the VIP may answer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::fact::address::Addresses;
use crate::model::{ArpAnswer, Cluster, Host};
use crate::shell::{heredoc, quote};

use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use super::traffic::Traffic;
use super::{HostAudit, interfaces};

pub static ARP_ANSWER: Check = Check {
    id: "arp-answer",
    summary: "Each ARP request of a client for the VIP gets one reply, from the director that holds it.",
    reason: "If several hosts reply, the client decides: Linux keeps the first reply for the time of `locktime`. Clients that keep another host's reply bypass the director.",
    source: "RFC 826; arp(7) `locktime`; ip-sysctl (kernel documentation), `arp_ignore`",
    fix: "suppress ARP on the host that replies: `arp_ignore`, and the interface of the VIP; then `ip neigh flush to VIP` on clients and routers",
    needs: nothing,
    judge: Judge::Traffic(answers),
};

/// Sends three ARP requests and prints every answer. Needs only perl-base, which every Debian has.
const ASKER: &str = include_str!("arp_answer.pl");

/// An ARP request that a host can send: for which VIP, on which interface, and from which address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub vip: IpAddr,
    pub interface: String,
    pub own: IpAddr,
}

/// The VIPs whose network a host is on.
pub fn asks(cluster: &Cluster, addresses: &Addresses) -> Vec<Ask> {
    // With static neighbour entries the gateway sends no ARP requests, so real servers may answer.
    if cluster.arp == ArpAnswer::Neighbour {
        return Vec::new();
    }
    let on_link = |vip: IpAddr| {
        let held = interfaces::own_address(cluster, addresses, vip)?;
        Some(Ask {
            vip,
            interface: held.interface.clone(),
            own: held.address,
        })
    };
    let v4 = cluster.service_vips().into_iter().filter(IpAddr::is_ipv4);
    v4.filter_map(on_link).collect()
}

/// Shell text that prints the MAC of each answer. Without perl it prints arping's output, which contains the MACs; without
/// both, the kernel's neighbour entry, which shows one answer only.
pub fn script(ask: &Ask) -> String {
    let (vip, interface) = (ask.vip, quote(&ask.interface));
    let perl = heredoc(&format!("perl - {interface} {vip} {} 2>&1", ask.own), ASKER);
    format!(
        "if have perl && perl -MSocket -e1 2>/dev/null; then part arp {vip}\n{perl}\
         elif have arping; then part arp {vip}\narping -c 3 -I {interface} {vip} 2>&1\n\
         else part neighbour {vip}\nping -c 1 -W 1 -I {interface} {vip} >/dev/null 2>&1\n\
         ip neigh show to {vip} dev {interface}\nfi\n"
    )
}

/// All hardware addresses in a text.
pub fn macs(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_hexdigit() || c == ':'))
        .filter(|word| {
            let octets: Vec<&str> = word.split(':').collect();
            octets.len() == 6 && octets.iter().all(|o| o.len() == 2)
        })
        .map(str::to_lowercase)
        .collect()
}

/// The ARP answers that a client received for a VIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub client: String,
    pub vip: IpAddr,
    pub macs: BTreeSet<String>,
    /// Whether all answers were recorded, and not just the first.
    pub all: bool,
    /// The output of the tool, if it received no answer.
    pub words: String,
}

fn answers(traffic: &Traffic, findings: &mut Findings) {
    let (cluster, audit, heard) = (traffic.cluster, traffic.hosts, &traffic.heard);
    // One MAC may be on several interfaces of a host (VLANs, bonds). In a lab several hosts may share one, but not hosts of
    // the cluster.
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for one in audit {
        for link in &one.run.answer.facts.address.links {
            if let Some(mac) = link
                .mac
                .as_deref()
                .filter(|mac| *mac != "00:00:00:00:00:00")
            {
                owners.insert(mac.to_lowercase(), &one.host.name);
            }
        }
    }
    let directors =
        |hosts: &mut dyn Iterator<Item = &Host>| hosts.filter(|h| h.is_director()).count();
    let complete =
        directors(&mut cluster.hosts.iter()) == directors(&mut audit.iter().map(|s| s.host));
    for one in heard {
        let right = right_macs(audit, one.vip);
        let client = one.client.as_str();
        let what = one.vip.to_string();
        let name = |mac: &String| match owners.get(mac) {
            Some(host) => format!("{mac} ({host})"),
            None => format!("{mac} (no host that was asked)"),
        };
        let list =
            |macs: &BTreeSet<String>| macs.iter().map(name).collect::<Vec<_>>().join(" and ");
        if !one.all {
            findings.unknown(
                client,
                &ARP_ANSWER,
                format!("only the first ARP answer for {what} was seen"),
                "install perl or arping on it to see all",
            );
        }
        if right.is_empty() {
            // The director that holds it may be one that was not asked.
            let known = |mac: &&String| complete || owners.contains_key(*mac);
            let wrong: BTreeSet<String> = one.macs.iter().filter(known).cloned().collect();
            if !complete {
                findings.unknown(
                    client,
                    &ARP_ANSWER,
                    format!("whether the right director answers ARP for {what} was not looked at"),
                    "not all directors were asked",
                );
            }
            if !wrong.is_empty() {
                let fault = Mismatch::new(
                    format!(
                        "no ARP answer for {what} from hosts that are no director, or do not hold it"
                    ),
                    list(&wrong),
                    "see which host holds the VIP: `ip addr show`, and the ARP settings of the others",
                );
                let guilty = wrong.iter().filter_map(|mac| owners.get(mac));
                let fault = guilty.fold(fault.of_vip(one.vip), |fault, host| fault.points_at(host));
                findings.judge(client, &ARP_ANSWER, what, Some(fault));
            }
            continue;
        }
        let fine = !one.macs.is_empty() && one.macs.is_subset(&right);
        let fault = (!fine).then(|| {
            let found = if one.macs.is_empty() {
                let words = if one.words.trim().is_empty() { String::new() } else { format!(" ({})", one.words.trim()) };
                format!("no answer{words}")
            } else {
                list(&one.macs)
            };
            let wrong: BTreeSet<&str> = one
                .macs
                .difference(&right)
                .map(|mac| owners.get(mac).copied().unwrap_or("the unknown host"))
                .collect();
            let fix = if one.macs.is_empty() {
                "see whether the director's interface is up and what arptables drops".to_owned()
            } else {
                let wrong: Vec<&str> = wrong.into_iter().collect();
                format!("silence {}: arp_ignore and where it holds the VIP; then `ip neigh flush to {what}` on clients and gateways", wrong.join(" and "))
            };
            let guilty = one.macs.difference(&right).filter_map(|mac| owners.get(mac));
            let fault = Mismatch::new(
                format!("ARP for {what} answered by {} alone", list(&right)),
                found,
                fix,
            );
            guilty.fold(fault.of_vip(one.vip), |fault, host| fault.points_at(host))
        });
        let read = format!("answered by {}", list(&one.macs));
        findings.judge_read(client, &ARP_ANSWER, what, read, fault);
    }
}

/// The MACs by which the directors that hold a VIP may answer: of the interface that holds it, and of those that
/// face its network.
fn right_macs(audit: &[HostAudit], vip: IpAddr) -> BTreeSet<String> {
    let mut macs = BTreeSet::new();
    for one in audit.iter().filter(|one| one.host.is_director()) {
        let addresses = &one.run.answer.facts.address;
        let mut interfaces: BTreeSet<String> = addresses
            .of(vip)
            .map(|held| held.interface.clone())
            .collect();
        if interfaces.is_empty() {
            continue;
        }
        if interfaces.contains("lo") {
            interfaces.extend(one.facing(vip));
        }
        let of = addresses
            .links
            .iter()
            .filter(|l| l.name != "lo" && interfaces.contains(&l.name));
        macs.extend(
            of.filter_map(|link| link.mac.as_ref())
                .map(|mac| mac.to_lowercase()),
        );
    }
    macs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_of_every_tool() {
        for (text, want) in [
            (
                "52:54:00:aa:bb:0C\n52:54:00:aa:bb:0c\n",
                vec!["52:54:00:aa:bb:0c"],
            ),
            (
                "Unicast reply from 192.168.100.200 [0A:00:27:00:00:01]  0.7ms\nUnicast reply from 192.168.100.200 [0a:00:27:00:00:02]  0.8ms",
                vec!["0a:00:27:00:00:01", "0a:00:27:00:00:02"],
            ),
            (
                "60 bytes from 0a:00:27:00:00:01 (192.168.100.200): index=0 time=5.4 usec",
                vec!["0a:00:27:00:00:01"],
            ),
            (
                "192.168.100.200 lladdr 0a:00:27:00:00:01 REACHABLE",
                vec!["0a:00:27:00:00:01"],
            ),
            ("fe80::1 is no MAC, nor is 12:30:01", vec![]),
            (
                "ARPING 192.168.100.200 from 192.168.100.20 eth0\nSent 3 probes (3 broadcast(s))",
                vec![],
            ),
        ] {
            assert_eq!(macs(text).into_iter().collect::<Vec<_>>(), want, "{text}");
        }
    }
}
