//! Schedulers that do not behave as configured with these weights, VIPs or packets. The table of all considered combinations,
//! each with its source, is in `tests/it/combinations.rs`.

use super::View;
use crate::diagnostic::{Fault, shown};
use crate::model::{Protocol, Scheduler, Service};

/// One-packet services have no connections, and their persistence would send all packets of a client to one server.
pub(super) fn one_packet_spreads(view: View<'_>, faults: &mut Vec<Fault>) {
    let one_packet = |s: &&Service| s.one_packet && s.protocol == Protocol::Udp;
    for service in view.cluster.services.iter().filter(one_packet) {
        if counts_connections(service.scheduler) && serving(service).count() > 1 {
            let name = <&str>::from(service.scheduler);
            let fault = Fault::new(format!(
                "`{name}` compares numbers of connections, and with `one_packet` there are none: one real server gets all packets"
            ))
            .help("write `scheduler: rr` or `wrr`, or `sh` or `mh` to keep a client on its real server")
            .warning();
            faults.push(view.of(service, "scheduler", fault));
        }
        if service.persistence.is_some() {
            let fault = Fault::new(
                "`persistence` sends all packets of a client to one real server, and `one_packet` each packet by itself",
            )
            .help("keep the one that is meant; `scheduler: sh` keeps a client on its real server without either")
            .warning();
            faults.push(view.of(service, "persistence", fault));
        }
    }
}

/// A UDP connection never becomes an active one (`ip_vs_bind_dest`, ip_vs_conn.c), and some schedulers read these alone
/// (ip_vs_sed.c, ip_vs_nq.c, ip_vs_ovf.c).
pub(super) fn active_connections(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let reads = matches!(
            service.scheduler,
            Scheduler::Sed | Scheduler::Nq | Scheduler::Ovf
        );
        let udp = service.protocol == Protocol::Udp && !service.one_packet;
        if !reads || !udp || serving(service).count() < 2 {
            continue;
        }
        let name = <&str>::from(service.scheduler);
        let fault = Fault::new(format!(
            "`{name}` compares numbers of active connections, and those of UDP count as inactive: one real server gets all packets"
        ))
        .help("write `scheduler: wlc`, which counts inactive connections too, or `wrr`")
        .warning();
        faults.push(view.of(service, "scheduler", fault));
    }
}

/// The table of `sh` (IP_VS_SH_TAB_SIZE, ip_vs_sh.c).
const HASH_PLACES: u32 = 256;

/// `sh` fills its table in the order of the real servers, with as many places for each as its weight. lvsctl cannot choose
/// the order, since a real server that is added again becomes the first.
pub(super) fn places(view: View<'_>, faults: &mut Vec<Fault>) {
    let hashing = |s: &&Service| s.scheduler == Scheduler::Sh;
    for service in view.cluster.services.iter().filter(hashing) {
        let weights = || serving(service).map(u32::from);
        let total: u32 = weights().sum();
        let Some(least) = weights().min() else {
            continue;
        };
        if total - least < HASH_PLACES {
            continue;
        }
        let small: Vec<String> = reduced(&weights().collect::<Vec<_>>())
            .into_iter()
            .take(4)
            .map(|weight| weight.to_string())
            .collect();
        let fault = Fault::new(format!(
            "`sh` has {HASH_PLACES} places for real servers, each takes as many as its weight, and the weights of service {} are {total} together: some real servers may get no place",
            shown(&service.name)
        ))
        .help(format!(
            "write smaller weights, at most {HASH_PLACES} together, such as {}; or `scheduler: mh`, whose table is larger (4093 places by default) and filled in proportion",
            small.join(", ")
        ))
        .warning();
        faults.push(at_scheduler(view, service, fault));
    }
}

/// Weights that stand to each other nearly as these do, and fit the table of `sh`, as long as there are few of them.
fn reduced(weights: &[u32]) -> Vec<u32> {
    let total: u32 = weights.iter().sum::<u32>().max(1);
    let most = weights.iter().max().copied().unwrap_or(1);
    let least = weights.iter().min().copied().unwrap_or(1).max(1);
    // All the same are 1 each; otherwise the least keeps its place.
    if most == least {
        return weights.iter().map(|_| 1).collect();
    }
    let room = HASH_PLACES.saturating_sub(weights.len() as u32).max(1);
    let share = |weight: &u32| (u64::from(*weight) * u64::from(room) / u64::from(total)) as u32;
    weights.iter().map(|weight| share(weight).max(1)).collect()
}

/// Schedulers that read nothing of a weight but whether it is 0 (ip_vs_rr.c, ip_vs_lc.c, ip_vs_dh.c).
fn ignores_weights(scheduler: Scheduler) -> Option<&'static str> {
    match scheduler {
        Scheduler::Rr => Some("wrr"),
        Scheduler::Lc => Some("wlc"),
        Scheduler::Dh => Some("mh"),
        Scheduler::Wrr
        | Scheduler::Wlc
        | Scheduler::Lblc
        | Scheduler::Lblcr
        | Scheduler::Sh
        | Scheduler::Sed
        | Scheduler::Nq
        | Scheduler::Fo
        | Scheduler::Ovf
        | Scheduler::Mh
        | Scheduler::Twos => None,
    }
}

/// Schedulers that choose by the connections that real servers have.
fn counts_connections(scheduler: Scheduler) -> bool {
    match scheduler {
        Scheduler::Lc
        | Scheduler::Wlc
        | Scheduler::Lblc
        | Scheduler::Lblcr
        | Scheduler::Sed
        | Scheduler::Nq
        | Scheduler::Ovf => true,
        // `twos` compares two that it draws by their weights, so all get their share.
        Scheduler::Rr
        | Scheduler::Wrr
        | Scheduler::Dh
        | Scheduler::Sh
        | Scheduler::Fo
        | Scheduler::Mh
        | Scheduler::Twos => false,
    }
}

/// Weights of the real servers that get connections.
fn serving(service: &Service) -> impl Iterator<Item = u16> + Clone {
    let weights = service.real_servers.iter().map(|real| real.weight);
    weights.filter(|weight| *weight > 0)
}

/// The path of the scheduler, or of the service if the default is in force.
fn at_scheduler(view: View<'_>, service: &Service, fault: Fault) -> Fault {
    if view.gives(service, &["scheduler"]) {
        view.of(service, "scheduler", fault)
    } else {
        view.at_key(&["services", &service.name], fault)
    }
}

/// Weights mean something else, or nothing, to some schedulers.
pub(super) fn weights(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let mut weights: Vec<u16> = serving(service).collect();
        let several = weights.len() > 1;
        weights.sort_unstable();
        weights.dedup();
        let (name, at) = (<&str>::from(service.scheduler), shown(&service.name));
        let differ = weights.len() > 1;
        let fault = if let Some(weighted) = ignores_weights(service.scheduler)
            && differ
        {
            let all: Vec<String> = weights.iter().map(u16::to_string).collect();
            let default = if view.gives(service, &["scheduler"]) {
                ""
            } else {
                ", the default,"
            };
            Fault::new(format!(
                "the real servers of service {at} have weights of {}, which `scheduler: {name}`{default} ignores",
                all.join(" and ")
            ))
            .help(format!(
                "write `scheduler: {weighted}`, or the same weight for all"
            ))
        } else if service.scheduler == Scheduler::Fo && several && !differ {
            Fault::new(format!(
                "`fo` gives all connections of service {at} to the highest weight, and all weights are the same"
            ))
            .help("give each real server a different weight, the first choice the highest")
        } else if service.scheduler == Scheduler::Ovf
            && service.protocol == Protocol::Tcp
            && weights.first() == Some(&1)
        {
            Fault::new(format!(
                "`ovf` takes a weight for the most connections at a time, and a real server of service {at} has a weight of 1"
            ))
            .help("write as `weight` how many connections each real server may have; further clients are refused")
        } else {
            continue;
        };
        faults.push(at_scheduler(view, service, fault.warning()));
    }
}

/// Schedulers for caches choose by the address that is asked for, of which a service with one VIP has one.
pub(super) fn by_destination(view: View<'_>, faults: &mut Vec<Fault>) {
    for service in &view.cluster.services {
        let says = match service.scheduler {
            Scheduler::Dh => "so one real server gets all connections",
            Scheduler::Lblc | Scheduler::Lblcr => {
                "so one real server gets all connections until it is overloaded"
            }
            _ => continue,
        };
        // That one gets all is reported already.
        let one_packet = service.one_packet && counts_connections(service.scheduler);
        if service.vips.len() == 1 && serving(service).count() > 1 && !one_packet {
            let name = <&str>::from(service.scheduler);
            let fault = Fault::new(format!(
                "`{name}` chooses by the address that a client asks for, which is always the VIP, {says}"
            ))
            .help("it is for transparent caches; use `wrr` or `wlc`, or `sh` or `mh` to choose by the client's address")
            .warning();
            faults.push(view.of(service, "scheduler", fault));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduced_weights_fit_the_table() {
        for (weights, expected) in [
            (vec![1000, 1000], vec![1, 1]),
            (vec![300, 1], vec![253, 1]),
            (vec![1000, 500], vec![169, 84]),
            (vec![65535, 1, 1], vec![252, 1, 1]),
        ] {
            let found = reduced(&weights);
            assert_eq!(found, expected, "{weights:?}");
            assert!(found.iter().sum::<u32>() <= HASH_PLACES, "{weights:?}");
        }
    }
}
