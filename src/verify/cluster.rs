//! Checks over all hosts: who holds a VIP, whether the directors agree, whether clocks do.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::tally::{Compared, Fault, Tally};
use super::{Check, Seen, vrrp};
use crate::keepalived::{self, CONFIGURATION, Instance};

use crate::inventory::model::Cluster;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::manager;

/// Seconds by which clocks may differ: logs of two hosts are read side by side.
const CLOCKS: f64 = 2.0;

pub fn check(cluster: &Cluster, seen: &[Seen], tally: &mut Tally) {
    vips(cluster, seen, tally);
    agreement(seen, tally);
    timeouts(seen, tally);
    sync_daemons(cluster, seen, tally);
    clocks(seen, tally);
}

/// The director that holds a VIP; with two, the first.
pub fn holder<'s, 'a>(seen: &'s [Seen<'a>], vip: IpAddr) -> Option<&'s Seen<'a>> {
    seen.iter().find(|s| s.host.is_director() && holds(s, vip))
}

fn vips(cluster: &Cluster, seen: &[Seen], tally: &mut Tally) {
    let directors = cluster.hosts.iter().filter(|h| h.is_director()).count();
    let answered = seen.iter().filter(|s| s.host.is_director()).count();
    if directors == 0 || answered < directors {
        return;
    }
    for vip in cluster.all_vips() {
        let holding: Vec<&Seen> = seen
            .iter()
            .filter(|s| s.host.is_director() && holds(s, vip))
            .collect();
        let holders: Vec<&str> = holding.iter().map(|s| s.name()).collect();
        tally.require(holders.len() == 1, "", Check::VipHolder, || Compared {
            what: format!("VIP {vip}"),
            expected: "on exactly one director".into(),
            found: if holders.is_empty() {
                "on none".into()
            } else {
                format!("on {}", holders.join(" and "))
            },
            mend: if holders.is_empty() {
                let start = "`lvsctl apply`, or `lvsctl start` where a director was stopped";
                if cluster.keepalived {
                    let log = manager::where_it_logs(KEEPALIVED);
                    format!("{start}; where keepalived runs, for why it is no master see {log}")
                } else {
                    start.into()
                }
            } else {
                one_too_many(&holding, vip)
            },
        });
    }
}

/// Of two directors with a VIP, one where keepalived does not run has it by hand; else they do not hear each other.
fn one_too_many(holding: &[&Seen], vip: IpAddr) -> String {
    let by_hand = holding.iter().filter(|s| !vrrp::takes_part(s));
    let take_off: Vec<String> = by_hand
        .flat_map(|s| s.addresses().of(vip).map(move |held| (s.name(), held)))
        .map(|(host, held)| {
            let (prefix, interface) = (held.prefix, &held.interface);
            format!("`ip addr del {vip}/{prefix} dev {interface}` on {host}, where keepalived does not run")
        })
        .collect();
    if take_off.is_empty() {
        "see whether VRRP adverts pass between the directors (firewall, switch, VRID, auth_pass)"
            .to_owned()
    } else {
        format!("{}; then `lvsctl apply`", take_off.join("; "))
    }
}

/// What must be equal on all directors of an instance, and what must differ, as their files say it now.
fn agreement(seen: &[Seen], tally: &mut Tally) {
    let files: Vec<(&str, Vec<Instance>)> = seen
        .iter()
        .filter(|s| s.host.is_director())
        .filter_map(|s| {
            let file = s.facts().file.get(CONFIGURATION)?;
            Some((s.name(), keepalived::instances(&file.content)))
        })
        .collect();
    let names: BTreeSet<&str> = files
        .iter()
        .flat_map(|(_, all)| all.iter().map(|i| i.name.as_str()))
        .collect();
    for name in names {
        let members: Vec<(&str, &Instance)> = files
            .iter()
            .filter_map(|(host, all)| Some((*host, all.iter().find(|i| i.name == name)?)))
            .collect();
        if members.len() > 1 {
            equal(name, &members, tally);
            distinct(name, &members, tally);
        }
    }
    collisions(&files, tally);
}

fn list(values: &[(&str, String)]) -> String {
    let all: Vec<String> = values
        .iter()
        .map(|(host, v)| format!("{host} {v}"))
        .collect();
    all.join(", ")
}

fn equal(name: &str, members: &[(&str, &Instance)], tally: &mut Tally) {
    type Part = (&'static str, fn(&Instance) -> String);
    let parts: [Part; 5] = [
        ("virtual_router_id", |i| i.virtual_router_id.clone()),
        ("advert_int", |i| i.advert_int.clone()),
        ("authentication", |i| i.auth.join(" ")),
        ("virtual_ipaddress", |i| {
            i.vips.iter().cloned().collect::<Vec<_>>().join(" ")
        }),
        ("unicast_peer", |i| {
            if i.unicast { "unicast" } else { "multicast" }.to_owned()
        }),
    ];
    for (key, get) in parts {
        let values: Vec<(&str, String)> = members.iter().map(|(h, i)| (*h, get(i))).collect();
        let different: BTreeSet<&String> = values.iter().map(|(_, v)| v).collect();
        let fault = (different.len() > 1).then(|| {
            // A password is compared and not shown.
            let found = if key == "authentication" {
                "different ones".to_owned()
            } else {
                list(&values)
            };
            Fault::new(
                format!("the same {key} in {name} on all directors"),
                found,
                "`lvsctl apply`",
            )
        });
        tally.judge("", Check::VrrpEqual, format!("{name} {key}"), fault);
    }
}

fn distinct(name: &str, members: &[(&str, &Instance)], tally: &mut Tally) {
    let values: Vec<(&str, String)> = members
        .iter()
        .map(|(host, i)| (*host, i.priority.clone()))
        .collect();
    let different: BTreeSet<&String> = values.iter().map(|(_, v)| v).collect();
    let fault = (different.len() < values.len()).then(|| {
        Fault::new(
            format!("a priority of its own for each director of {name}"),
            list(&values),
            "`lvsctl apply`; the order is in the inventory's vrrp part",
        )
    });
    tally.judge("", Check::VrrpPriority, name, fault);
}

/// Two instances with one VRID on one segment take each other's adverts.
fn collisions(files: &[(&str, Vec<Instance>)], tally: &mut Tally) {
    for (host, instances) in files {
        let mut ids = BTreeSet::new();
        let twice = instances.iter().find(|i| {
            // IPv4 and IPv6 do not hear each other (RFC 5798, 1.2).
            let v6 = i.vips.iter().any(|vip| vip.contains(':'));
            !ids.insert((i.virtual_router_id.as_str(), i.interface.as_str(), v6))
        });
        let fault = twice.map(|i| {
            Fault::new(
                "a virtual_router_id of its own for each instance on an interface",
                format!("{} twice on {}", i.virtual_router_id, i.interface),
                "choose another `virtual_router_id` in the inventory",
            )
        });
        tally.judge(host, Check::VrrpId, "virtual_router_id", fault);
    }
}

/// Directors that take over from each other keep connections alive equally long.
fn timeouts(seen: &[Seen], tally: &mut Tally) {
    let values: Vec<(&str, String)> = seen
        .iter()
        .filter_map(|s| {
            let [tcp, fin, udp] = s.facts().ipvs.timeouts?;
            Some((s.name(), format!("{tcp} {fin} {udp}")))
        })
        .collect();
    if values.len() < 2 {
        return;
    }
    let different: BTreeSet<&String> = values.iter().map(|(_, v)| v).collect();
    let fault = (different.len() > 1).then(|| {
        Fault::new(
            "the same timeouts (tcp, tcpfin, udp) on all directors",
            list(&values),
            "`ipvsadm --set TCP TCPFIN UDP` on each",
        )
        .warning()
    });
    tally.judge("", Check::IpvsTimeouts, "tcp tcpfin udp", fault);
}

/// keepalived runs one sync daemon, for the instance that is told to have it: whoever serves that instance sends, the
/// others receive. One that was started by hand is judged by all VIPs.
fn sync_daemons(cluster: &Cluster, seen: &[Seen], tally: &mut Tally) {
    let instance = cluster.vrrp.iter().find(|instance| instance.sync_daemon);
    let directors = seen.iter().filter(|s| s.host.is_director());
    if let Some(instance) = instance {
        let vips: BTreeSet<IpAddr> = instance.vips.iter().map(|vip| vip.address).collect();
        let member = |s: &&Seen| instance.members.iter().any(|m| m.host == s.host.name);
        for director in directors.filter(member) {
            let serves = vips.iter().any(|vip| holds(director, *vip));
            let mend = format!(
                "`lvsctl apply` writes `lvs_sync_daemon` for {} into keepalived.conf; for why it did not start see {}",
                instance.name,
                manager::where_it_logs(KEEPALIVED)
            );
            sync_daemon(
                director,
                if serves { "master" } else { "backup" },
                mend,
                tally,
            );
        }
        return;
    }
    if !directors
        .clone()
        .any(|s| !s.facts().ipvs.sync_daemons.is_empty())
    {
        return;
    }
    let vips = cluster.all_vips();
    for director in directors {
        let held = vips.iter().filter(|vip| holds(director, **vip)).count();
        let role = match held {
            0 => "backup",
            n if n == vips.len() => "master",
            // Each sends its own connections.
            _ => "",
        };
        let started = format!(
            "`ipvsadm --start-daemon {}`",
            if role.is_empty() { "master" } else { role }
        );
        let mend = format!("{started}, or `sync_daemon: true` in the inventory");
        sync_daemon(director, role, mend, tally);
    }
}

fn holds(seen: &Seen, vip: IpAddr) -> bool {
    seen.addresses().has(vip)
}

/// Without a role, either is right.
fn sync_daemon(director: &Seen, role: &'static str, mend: String, tally: &mut Tally) {
    let daemons = &director.facts().ipvs.sync_daemons;
    let right = daemons.iter().any(|line| line.starts_with(role));
    let role = if role.is_empty() {
        "master or backup"
    } else {
        role
    };
    let fault = (!right).then(|| {
        let found = if daemons.is_empty() {
            "none".to_owned()
        } else {
            daemons.join("; ")
        };
        Fault::new(format!("a {role} sync daemon"), found, mend)
    });
    tally.judge(director.name(), Check::SyncDaemon, role, fault);
}

/// Each host's clock is read at another moment; the span of all probes is the doubt.
fn clocks(seen: &[Seen], tally: &mut Tally) {
    let offset = |s: &Seen| {
        Some((
            s.name().to_owned(),
            s.facts().clock.now() - s.run.answered_at,
        ))
    };
    let offsets: Vec<(String, f64)> = seen.iter().filter_map(offset).collect();
    // The clock in the middle stands for the right time: one that is off is named, whichever it is.
    let mut sorted: Vec<f64> = offsets.iter().map(|(_, offset)| *offset).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(middle) = sorted.get(sorted.len() / 2).copied() else {
        return;
    };
    let doubt = seen.iter().map(|s| s.run.probe_seconds).fold(0.0, f64::max);
    for (host, offset) in &offsets {
        let apart = offset - middle;
        tally.require(apart.abs() <= CLOCKS + doubt, host, Check::Clocks, || {
            Compared {
                what: "clock".into(),
                expected: format!("within {CLOCKS} s of the other hosts'"),
                found: format!("{apart:+.1} s"),
                mend: "run an NTP client on every host".into(),
            }
        });
    }
}
