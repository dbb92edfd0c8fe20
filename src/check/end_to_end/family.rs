//! Address families of clients: a client with one family requests only services of that family. Pure.

use std::collections::BTreeSet;

use super::Group;
use super::checks::END_TO_END;
use crate::check::findings::Findings;
use crate::fact::address::Addresses;

fn name(v6: bool) -> &'static str {
    if v6 { "IPv6" } else { "IPv4" }
}

/// Whether a host has a source address of the group's family; assumed if the host shows no addresses at all.
pub fn can_ask(addresses: &Addresses, group: &Group) -> bool {
    let Some(v6) = group.is_v6() else {
        return true;
    };
    let global = |v6| {
        let mut all = addresses.held.iter();
        all.any(|h| h.address.is_ipv6() == v6 && !["host", "link"].contains(&h.scope.as_str()))
    };
    global(v6) || !global(!v6)
}

/// Reports requests that are not sent: once for each client, and for each service that no client can request.
pub fn report(groups: &[Group], clients: &[(&str, &Addresses)], findings: &mut Findings) {
    for (client, addresses) in clients {
        let missed = groups.iter().find(|group| !can_ask(addresses, group));
        if let Some(family) = missed.and_then(Group::is_v6).map(name) {
            findings.skip(
                client,
                &END_TO_END,
                &format!("services of {family} were not tested from here"),
                &format!("it has no {family} address"),
            );
        }
    }
    if clients.is_empty() {
        return;
    }
    let without_client = |group: &&Group| !clients.iter().any(|(_, held)| can_ask(held, group));
    let unasked: BTreeSet<(&str, bool)> = groups
        .iter()
        .filter(without_client)
        .filter_map(|group| Some((group.service.name.as_str(), group.is_v6()?)))
        .collect();
    for (service, v6) in unasked {
        findings.unknown(
            "",
            &END_TO_END,
            format!("{service} was not tested over {}", name(v6)),
            "no client has an address of it",
        );
    }
}
