//! Checks over all hosts: who holds a VIP, whether the directors agree, whether clocks do.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Seen;
use super::tally::{Compared, Tally};
use crate::inventory::model::Cluster;

/// Seconds by which clocks may differ: logs of two hosts are read side by side.
const CLOCKS: f64 = 2.0;

const KEEPALIVED: &str = "/etc/keepalived/keepalived.conf";

pub fn check(cluster: &Cluster, seen: &[Seen], tally: &mut Tally) {
    vips(cluster, seen, tally);
    agreement(seen, tally);
    clocks(seen, tally);
}

/// All VIPs of services and of VRRP.
pub fn all_vips(cluster: &Cluster) -> BTreeSet<IpAddr> {
    let services = cluster.services.iter().flat_map(|s| &s.vips);
    services
        .chain(cluster.vrrp.iter().flat_map(|v| &v.vips))
        .map(|vip| vip.address)
        .collect()
}

/// The director that holds a VIP; with two, the first.
pub fn holder<'s, 'a>(seen: &'s [Seen<'a>], vip: IpAddr) -> Option<&'s Seen<'a>> {
    seen.iter()
        .find(|s| s.host.is_director() && s.addresses().of(vip).next().is_some())
}

fn vips(cluster: &Cluster, seen: &[Seen], tally: &mut Tally) {
    let directors = cluster.hosts.iter().filter(|h| h.is_director()).count();
    let answered = seen.iter().filter(|s| s.host.is_director()).count();
    if directors == 0 || answered < directors {
        return;
    }
    for vip in all_vips(cluster) {
        let holders: Vec<&str> = seen
            .iter()
            .filter(|s| s.host.is_director() && s.addresses().of(vip).next().is_some())
            .map(Seen::name)
            .collect();
        tally.require(holders.len() == 1, "", "vip-holder", || Compared {
            what: format!("VIP {vip}"),
            expected: "on exactly one director".into(),
            found: if holders.is_empty() { "on none".into() } else { format!("on {}", holders.join(" and ")) },
            mend: if holders.is_empty() {
                "start keepalived on a director, or run lvsctl apply".into()
            } else {
                "see whether VRRP adverts pass between the directors (firewall, switch, VRID, auth_pass)".into()
            },
        });
    }
}

/// What must be equal on all directors of an instance, and what must differ, as their files say it now.
fn agreement(seen: &[Seen], tally: &mut Tally) {
    let texts: Vec<(&str, &str)> = seen
        .iter()
        .filter(|s| s.host.is_director())
        .filter_map(|s| {
            Some((
                s.name(),
                s.run.answer.observed.file.get(KEEPALIVED)?.content.as_str(),
            ))
        })
        .collect();
    if texts.len() < 2 {
        return;
    }
    for key in ["virtual_router_id", "advert_int", "auth_pass"] {
        let values: BTreeSet<Vec<&str>> =
            texts.iter().map(|(_, text)| settings(text, key)).collect();
        tally.require(values.len() == 1, "", "vrrp-equal", || Compared {
            what: format!("{key} of the directors"),
            expected: "the same on all".into(),
            // A password is compared and not shown.
            found: if key == "auth_pass" {
                "different ones".into()
            } else {
                format!("{values:?}")
            },
            mend: "lvsctl apply".into(),
        });
    }
    let priorities: Vec<Vec<&str>> = texts
        .iter()
        .map(|(_, text)| settings(text, "priority"))
        .collect();
    let distinct: BTreeSet<&Vec<&str>> = priorities.iter().collect();
    tally.require(
        distinct.len() == priorities.len(),
        "",
        "vrrp-priority",
        || Compared {
            what: "priority of the directors".into(),
            expected: "a different one on each".into(),
            found: texts
                .iter()
                .zip(&priorities)
                .map(|((host, _), p)| format!("{host} {}", p.join(",")))
                .collect::<Vec<_>>()
                .join("; "),
            mend: "lvsctl apply".into(),
        },
    );
}

fn settings<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let value = |line: &'a str| {
        line.trim()
            .strip_prefix(key)
            .filter(|rest| rest.starts_with(' '))
            .map(str::trim)
    };
    text.lines().filter_map(value).collect()
}

/// Each host's clock is read at another moment; the span of all probes is the doubt.
fn clocks(seen: &[Seen], tally: &mut Tally) {
    let offset = |s: &Seen| {
        Some((
            s.name().to_owned(),
            s.part("clock").trim().parse::<f64>().ok()? - s.run.answered_at,
        ))
    };
    let offsets: Vec<(String, f64)> = seen.iter().filter_map(offset).collect();
    let by = |a: &&(String, f64), b: &&(String, f64)| a.1.total_cmp(&b.1);
    let (Some(slow), Some(fast)) = (offsets.iter().min_by(by), offsets.iter().max_by(by)) else {
        return;
    };
    let doubt = seen.iter().map(|s| s.run.probe_seconds).fold(0.0, f64::max);
    tally.require(fast.1 - slow.1 <= CLOCKS + doubt, "", "clocks", || {
        Compared {
            what: format!("clocks of {} and {}", slow.0, fast.0),
            expected: format!("within {CLOCKS} s"),
            found: format!("{:.1} s apart", fast.1 - slow.1),
            mend: "run an NTP client on every host".into(),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_whole_words() {
        let text = "    priority 100\n    priority_x 3\n    advert_int 1.0\n";
        assert_eq!(settings(text, "priority"), ["100"]);
        assert_eq!(settings(text, "advert_int"), ["1.0"]);
    }
}
