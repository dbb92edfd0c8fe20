//! Directors that are real servers too.

use std::collections::BTreeMap;

use super::View;
use crate::diagnostic::{Fault, listed, shown};
use crate::model::{Host, Mode, Service};

/// In DR and TUN a packet reaches the real server as it was, for the VIP; IPVS there takes it for a new request. In NAT
/// a director's answer leaves directly, past the one that knows the connection.
pub(super) fn directors_serve_alone(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let mut served: BTreeMap<&str, &Service> = BTreeMap::new();
    // A loop of packets is worse than a missing reply, so services that can loop come first.
    let (nat, direct): (Vec<_>, Vec<_>) =
        cluster.services.iter().partition(|s| s.mode == Mode::Nat);
    for service in direct.into_iter().chain(nat) {
        for real in &service.real_servers {
            served.entry(&real.host).or_insert(service);
        }
    }
    let directors: Vec<&Host> = cluster.directors().collect();
    for host in &directors {
        let Some(service) = served.get(host.name.as_str()) else {
            continue;
        };
        let Some(other) = directors.iter().find(|d| d.name != host.name) else {
            continue;
        };
        let why = if service.mode == Mode::Nat {
            "and would answer its requests past it"
        } else {
            "whose packets its IPVS would schedule again, possibly back: a loop"
        };
        let fault = Fault::new(format!(
            "{} is a real server of service {} and a director beside {}, {why}",
            shown(&host.name),
            shown(&service.name),
            shown(&other.name)
        ))
        .help(apart(view, host, service));
        faults.push(view.at(&["hosts", &host.name, "role"], fault));
    }
}

/// The fix: other hosts serve instead, if there are any.
fn apart(view: View<'_>, director: &Host, service: &Service) -> String {
    let hosts = view.cluster.hosts.iter();
    let others = hosts.filter(|h| h.is_real_server() && !h.is_director());
    let others: Vec<&str> = others.map(|h| h.name.as_str()).collect();
    if others.is_empty() {
        return "give the real servers hosts of their own, or keep a single director".to_owned();
    }
    let name = shown(&director.name);
    let named = ["services", service.name.as_str(), "real_servers"];
    let also = if view.places.is_given(&named) {
        format!(
            ", and name others in `real_servers` of {} ({}) or leave it out",
            shown(&service.name),
            listed(&others)
        )
    } else {
        String::new()
    };
    format!("take the role `realserver` away from {name}{also}; or keep a single director")
}
