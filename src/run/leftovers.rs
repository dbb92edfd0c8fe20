//! Notes on hosts that are no longer in the inventory but may still have resources of lvsctl, found by the directors'
//! manifests. lvsctl does not connect to these hosts. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::host_paths;
use crate::model::{Cluster, Mode, Virtual};
use crate::plan::manifest::Manifest;
use crate::resource::Resource;
use crate::resource::ipvs::Ipvs;

/// A note for each real server that a director's manifest names and that is not a host of the inventory.
pub fn notes(cluster: &Cluster, manifest: &Manifest) -> Vec<String> {
    let hosts = cluster.hosts.iter();
    let known: BTreeSet<IpAddr> = hosts.flat_map(|host| host.addresses()).collect();
    let mut left: BTreeMap<IpAddr, BTreeSet<String>> = BTreeMap::new();
    for entry in &manifest.entries {
        let Resource::Ipvs(ipvs) = &entry.resource else {
            continue;
        };
        for rs in &ipvs.real_servers {
            if !known.contains(&rs.address.ip()) {
                let held = left.entry(rs.address.ip()).or_default();
                held.extend(vip(ipvs).filter(|_| rs.mode != Mode::Nat));
            }
        }
    }
    let cluster = &manifest.cluster;
    left.into_iter()
        .map(|(address, vips)| {
            let vips: Vec<String> = vips.into_iter().collect();
            let vips = match vips.as_slice() {
                [] => String::new(),
                vips => format!("the VIP {} and ", vips.join(", ")),
            };
            format!(
                "{address} was a real server and is no host of the inventory any more; what lvsctl made there stays, such as \
                 {vips}{}: put it back into the inventory, run `lvsctl destroy --limit` with its name, and then remove it",
                host_paths::manifest(cluster)
            )
        })
        .collect()
}

/// The service's VIP; None for a fwmark service, whose manifest entry has no VIP.
fn vip(ipvs: &Ipvs) -> Option<String> {
    match ipvs.service.r#virtual {
        Virtual::Tcp(at) | Virtual::Udp(at) => Some(at.ip().to_string()),
        Virtual::Fwmark { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};
    use crate::plan::manifest::Entry;
    use crate::resource::Before;
    use crate::view;

    fn cluster(hosts: &[u8], mode: &str) -> Cluster {
        let hosts: String = hosts
            .iter()
            .map(|n| {
                format!(
                    "  rs{n}: {{ role: realserver, address: 10.2.0.2{n}, gateway: 10.2.0.11 }}\n"
                )
            })
            .collect();
        let text = format!(
            "cluster: t\nnetworks: {{ lan: 10.2.0.0/24, wan: 10.3.0.0/24 }}\nhosts:\n  lb1: {{ role: director, interfaces: {{ eth0: 10.2.0.11, eth1: 10.3.0.11 }} }}\n{hosts}\
             services:\n  web: {{ vip: 10.3.0.80, port: 80, mode: {mode} }}\n"
        );
        let text = match mode {
            "nat" => text,
            _ => text
                .replace("10.3.0.80", "10.2.0.80")
                .replace(", gateway: 10.2.0.11", ""),
        };
        inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)))
            .cluster
    }

    #[test]
    fn a_host_that_left_the_inventory_is_named() {
        for (before, now, mode, notes_of, vip) in [
            (vec![1, 2], vec![1, 2], "dr", vec![], None),
            (vec![1], vec![1, 2], "dr", vec![], None),
            (
                vec![1, 2],
                vec![1],
                "dr",
                vec!["10.2.0.22"],
                Some("10.2.0.80"),
            ),
            (
                vec![1, 2, 3],
                vec![1],
                "dr",
                vec!["10.2.0.22", "10.2.0.23"],
                Some("10.2.0.80"),
            ),
            (vec![1, 2], vec![1], "nat", vec!["10.2.0.22"], None),
        ] {
            let mut manifest = Manifest::new("t");
            let made = view::ipvs(&cluster(&before, mode)).into_iter();
            manifest.entries.extend(made.map(|ipvs| Entry {
                resource: Resource::Ipvs(ipvs),
                before: Before::Absent,
            }));
            let found = notes(&cluster(&now, mode), &manifest);
            assert_eq!(found.len(), notes_of.len(), "{found:?}");
            for (note, address) in found.iter().zip(notes_of) {
                assert!(
                    note.starts_with(&format!("{address} was a real server")),
                    "{note}"
                );
                assert!(note.contains("/var/lib/lvsctl/t.json"), "{note}");
                assert_eq!(note.contains("the VIP"), vip.is_some(), "{note}");
                assert!(vip.is_none_or(|vip| note.contains(vip)), "{note}");
            }
        }
    }
}
