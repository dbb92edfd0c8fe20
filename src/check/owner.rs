//! Ownership of addresses: only one host may have an address, with the hardware address of its neighbours' entries. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::ClusterAudit;
use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use crate::fact::Needs;
use crate::model::{Cluster, Host};

pub(super) static DUPLICATE_ADDRESS: Check = Check {
    id: "duplicate-address",
    summary: "Each address, and each hardware address on a network, belongs to one host of the inventory.",
    reason: "Two hosts with one address answer ARP for it in turn: health checks and requests reach now one, now the other.",
    source: "RFC 5227",
    fix: "remove the address from the host to which the inventory does not assign it",
    needs: nothing,
    judge: Judge::Cluster(duplicates),
};

pub(super) static NEIGHBOUR: Check = Check {
    id: "neighbour",
    summary: "Permanent neighbour entries for addresses of the cluster name the hardware address of the host that has them.",
    reason: "Packets go to the hardware address of the entry, whichever host has the address: no host asks by ARP any more.",
    source: "ip-neighbour(8)",
    fix: "`ip neigh del ADDRESS dev INTERFACE`; also remove the entry from the configuration that adds it at boot",
    needs,
    judge: Judge::Cluster(neighbours),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() || cluster.serves(host) || cluster.is_neutral(host) {
        needs.route_to.get_or_insert_default().overrides = true;
    }
}

/// Hosts by the addresses that the inventory gives them; no VIP.
fn owners(cluster: &Cluster) -> BTreeMap<IpAddr, &Host> {
    let vips = cluster.all_vips();
    let mut all = BTreeMap::new();
    for host in &cluster.hosts {
        for address in host.addresses().filter(|address| !vips.contains(address)) {
            all.insert(address, host);
        }
    }
    all
}

fn duplicates(audit: &ClusterAudit, findings: &mut Findings) {
    let owners = owners(audit.cluster);
    for host in audit.hosts {
        for held in &host.addresses().held {
            let Some(owner) = owners.get(&held.address) else {
                continue;
            };
            let fault = (owner.name != host.host.name && !host.host.holds(held.address)).then(|| {
                let (address, prefix, interface) = (held.address, held.prefix, &held.interface);
                Mismatch::new(
                    format!("{address} on {} alone", owner.name),
                    format!("it on {interface} of {} too", host.name()),
                    format!(
                        "`ip addr del {address}/{prefix} dev {interface}` on {}; also remove the address from the \
                         configuration that adds it at boot",
                        host.name()
                    ),
                )
                .points_at(&owner.name)
            });
            let read = format!("on {}", held.interface);
            findings.judge_read(
                host.name(),
                &DUPLICATE_ADDRESS,
                held.address.to_string(),
                read,
                fault,
            );
        }
    }
    macs(audit, findings);
}

/// One hardware address on interfaces of two hosts in one network.
fn macs(audit: &ClusterAudit, findings: &mut Findings) {
    let networks = audit.cluster.networks.iter();
    for subnet in networks.flat_map(|network| &network.subnets) {
        let mut known: BTreeMap<String, &str> = BTreeMap::new();
        for host in audit.hosts {
            let nics = host.host.interfaces.iter();
            let here =
                nics.filter(|nic| nic.addresses.iter().any(|net| subnet.contains(&net.addr())));
            for nic in here {
                let mut links = host.addresses().links.iter();
                let link = links.find(|link| link.name == nic.name);
                let Some(mac) = link.and_then(|link| link.mac.as_ref()) else {
                    continue;
                };
                let mac = mac.to_lowercase();
                let Some(other) = known.get(mac.as_str()).copied() else {
                    known.insert(mac, host.name());
                    continue;
                };
                let fault = Mismatch::new(
                    format!("a unique hardware address on {} in {subnet}", nic.name),
                    format!("{mac}, which {other} has too"),
                    format!(
                        "give {} another one: `ip link set {} address MAC`, and the same at boot",
                        host.name(),
                        nic.name
                    ),
                );
                findings.fail(host.name(), &DUPLICATE_ADDRESS, nic.name.clone(), fault);
            }
        }
    }
}

fn neighbours(audit: &ClusterAudit, findings: &mut Findings) {
    let cluster = audit.cluster;
    let owners = owners(cluster);
    let vips = cluster.all_vips();
    // The MACs of the inventory, and the observed ones of a host that answered.
    let macs = |host: &Host| -> BTreeSet<String> {
        let known = audit.hosts.iter().find(|one| one.host.name == host.name);
        let links = known.into_iter().flat_map(|one| &one.addresses().links);
        let found = links.filter_map(|link| link.mac.clone());
        let written = host.interfaces.iter().filter_map(|nic| nic.mac.clone());
        found.chain(written).map(|mac| mac.to_lowercase()).collect()
    };
    for host in audit.hosts {
        for entry in &host.facts().route_to.neighbours {
            let right: BTreeSet<String> = if vips.contains(&entry.address) {
                cluster.directors().flat_map(macs).collect()
            } else if let Some(owner) = owners.get(&entry.address) {
                macs(owner)
            } else {
                if cluster
                    .hosts
                    .iter()
                    .any(|host| host.gateway == Some(entry.address))
                {
                    findings.note(
                        host.name(),
                        &NEIGHBOUR,
                        format!(
                            "{} is at {} for good; whether that is right is not known",
                            entry.address, entry.mac
                        ),
                    );
                }
                continue;
            };
            if right.is_empty() {
                continue;
            }
            let mac = entry.mac.to_lowercase();
            let fault = (!right.contains(&mac)).then(|| {
                let right: Vec<&str> = right
                    .iter()
                    .map(String::as_str)
                    .filter(|mac| *mac != "00:00:00:00:00:00")
                    .collect();
                Mismatch::new(
                    format!("{} at {}", entry.address, right.join(" or ")),
                    format!("a permanent entry with {mac}"),
                    format!(
                        "`ip neigh del {} dev {}`; also remove the entry from the configuration that adds it at boot",
                        entry.address, entry.interface
                    ),
                )
            });
            let vip = Some(entry.address).filter(|address| vips.contains(address));
            let fault = match (fault, vip) {
                (Some(fault), Some(vip)) => Some(fault.of_vip(vip)),
                (fault, _) => fault,
            };
            findings.judge(host.name(), &NEIGHBOUR, entry.address.to_string(), fault);
        }
    }
}
