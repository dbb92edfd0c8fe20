//! Waits, for a bounded time, before `verify` judges, if a director is about to change without lvsctl: a VIP that moves, or a
//! real server that its health checker is about to add again. Changes nothing on any host.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::fleet::Fleet;
use super::host::HostRun;
use crate::model::Cluster;
use crate::probe::Answer;
use crate::resource::ipvs::KEEPALIVED;
use crate::view;

/// How often a director is asked.
const PAUSE: Duration = Duration::from_millis(500);

/// Upper bound of the wait for a health check or a takeover.
const LONGEST: Duration = Duration::from_secs(60);

/// A change that a director is about to make without lvsctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soon {
    /// A director takes the VIP, or one of two lets it go.
    Vip(IpAddr),
    /// A health checker adds a real server again.
    RealServer(String),
}

/// The expected changes, and the time that they may take.
#[derive(Debug, Default, PartialEq)]
pub struct Moving {
    pub what: Vec<Soon>,
    pub longest: Duration,
}

impl Moving {
    fn add(&mut self, what: Soon, seconds: f64) {
        self.what.push(what);
        let longest = Duration::from_secs_f64(seconds).min(LONGEST);
        self.longest = self.longest.max(longest);
    }
}

/// Real servers that answer again and that their health checkers are about to add, each with the seconds that this may take.
pub(super) fn returning(cluster: &Cluster, answers: &[(&str, &Answer)]) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for service in &cluster.services {
        for ipvs in view::ipvs_of(cluster, service) {
            let to = ipvs.service.r#virtual;
            for (director, answer) in answers {
                for rs in ipvs.returning(&answer.facts.ipvs.table) {
                    let name = format!("{} of {to} on {director}", rs.address);
                    all.push((name, ipvs.return_time));
                }
            }
        }
    }
    all
}

/// The changes that the directors are about to make without lvsctl, according to their answers.
pub fn moving(cluster: &Cluster, answers: &[(&str, &Answer)]) -> Moving {
    let mut moving = Moving::default();
    for (name, seconds) in returning(cluster, answers) {
        moving.add(Soon::RealServer(name), f64::from(seconds));
    }
    let runs = |answer: &Answer| answer.facts.unit.is_active(KEEPALIVED);
    for instance in &cluster.vrrp {
        let members = instance.members.iter().map(|member| {
            let mut all = answers.iter();
            Some(all.find(|(name, _)| *name == member.host)?.1)
        });
        // A director that was not asked may hold the VIP.
        let Some(members) = members.collect::<Option<Vec<&Answer>>>() else {
            continue;
        };
        // Three adverts and a skew of less than one (RFC 9568, 6.1), one more for it to be heard.
        let takeover = 5.0 * instance.advert_int + 1.0;
        for vip in &instance.vips {
            let holds: Vec<bool> = members
                .iter()
                .map(|answer| answer.facts.address.has(vip.address))
                .collect();
            let holders = holds.iter().filter(|holds| **holds).count();
            let first_waits =
                holds.first() == Some(&false) && members.first().is_some_and(|answer| runs(answer));
            let moves = match holders {
                0 => members.iter().any(|answer| runs(answer)),
                1 => instance.preempt && first_waits,
                _ => members.iter().all(|answer| runs(answer)),
            };
            if moves {
                moving.add(Soon::Vip(vip.address), takeover);
            }
        }
    }
    moving
}

/// Waits until no change is expected or the deadline is over. Directors are probed again only while a change is expected.
pub fn wait(fleet: &Fleet, hosts: &mut [HostRun]) {
    let cluster = fleet.run.desired();
    let mut deadline = None;
    loop {
        let answers: Vec<(&str, &Answer)> = hosts
            .iter()
            .filter(|run| run.host.is_director())
            .map(|run| (run.host.name.as_str(), &run.answer))
            .collect();
        let moving = moving(cluster, &answers);
        if moving.what.is_empty() || fleet.run.cancel.is_cancelled() {
            return;
        }
        let now = Instant::now();
        if now >= *deadline.get_or_insert(now + moving.longest) {
            return;
        }
        std::thread::sleep(PAUSE);
        let directors: Vec<&mut HostRun> = hosts
            .iter_mut()
            .filter(|run| run.host.is_director())
            .collect();
        let answered = fleet.each(directors, |run: &mut HostRun| {
            run.probe_again(&fleet.run).is_ok()
        });
        // The checks judge the last answer of a director that does not answer; the traffic part reports it as unreachable.
        if answered.contains(&false) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};
    use std::collections::BTreeSet;

    use crate::fact::{Needs, ipvs};
    use crate::probe;

    fn cluster(vrrp: &str, check: &str) -> Cluster {
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: {{ role: director, address: 10.0.0.1 }}\n  \
             lb2: {{ role: backup, address: 10.0.0.2 }}\n  rs1: {{ role: realserver, address: 10.0.0.3 }}\n\
             vrrp: {{ virtual_router_id: 1{vrrp} }}\n\
             services: {{ web: {{ vip: 10.0.0.9, port: 80, delay_loop: 6, health_check: {check} }} }}\n"
        );
        match inventory::parse("t.yaml", &text, BUILT_IN_ROLES) {
            Ok(loaded) => loaded.cluster,
            Err(error) => panic!("{}", error.render(100, false)),
        }
    }

    /// A director that holds the VIP or not, where keepalived runs or not; with parts of the IPVS section.
    fn answer(holds: bool, runs: bool, ipvs: &[(&str, &str)]) -> Answer {
        let vip = r#"[{"ifname":"eth0","addr_info":[{"local":"10.0.0.9","prefixlen":32}]}]"#;
        let none = r#"[{"ifname":"eth0","addr_info":[]}]"#;
        let active = if runs { "active" } else { "inactive" };
        let mut text = format!(
            "\n@N system os\nUid:\t0\t0\t0\t0\n\n@N address json\n{}\n\n@N clock time\n100 50\n\n\
             @N unit show\nId={KEEPALIVED}\nLoadState=loaded\nActiveState={active}\nUnitFileState=enabled\n",
            if holds { vip } else { none }
        );
        for (name, part) in ipvs {
            text.push_str(&format!("\n@N ipvs {name}\n{part}\n"));
        }
        text.push_str("\n@N ipvs end\n\n@N end end\n");
        let needs = Needs {
            unit: Some(BTreeSet::new()),
            ipvs: Some(ipvs::Ask::default()),
            ..probe::needs(&[])
        };
        probe::read("t", &needs, &text, "N").unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_vip_moves_where_keepalived_can_still_move_it() {
        let vip = Soon::Vip([10, 0, 0, 9].into());
        for (what, vrrp, first, second, moves) in [
            ("at rest", "", (true, true), (false, true), false),
            (
                "no director holds it yet",
                "",
                (false, true),
                (false, true),
                true,
            ),
            ("none runs", "", (false, false), (false, false), false),
            ("both hold it", "", (true, true), (true, true), true),
            (
                "one holds it by hand",
                "",
                (true, true),
                (true, false),
                false,
            ),
            (
                "the first comes back",
                "",
                (false, true),
                (true, true),
                true,
            ),
            (
                "the first is stopped",
                "",
                (false, false),
                (true, true),
                false,
            ),
            (
                "the second keeps it",
                ", preempt: false",
                (false, true),
                (true, true),
                false,
            ),
        ] {
            let cluster = cluster(vrrp, "tcp");
            let (first, second) = (
                answer(first.0, first.1, &[]),
                answer(second.0, second.1, &[]),
            );
            let moving = moving(&cluster, &[("lb1", &first), ("lb2", &second)]);
            assert_eq!(moving.what.contains(&vip), moves, "{what}");
            assert_eq!(moving.longest.is_zero(), !moves, "{what}");
        }
        // Of a director that was not asked nothing is known.
        let alone = answer(false, true, &[]);
        let moving = moving(&cluster("", "tcp"), &[("lb1", &alone)]);
        assert_eq!(moving, Moving::default());
    }

    #[test]
    fn a_real_server_that_answers_again_is_waited_for() {
        let table = "-A -t 10.0.0.9:80 -s wlc";
        let log = "1795828853.3 lb1 Keepalived_healthcheckers[9]: Removing service [10.0.0.3]:tcp:80 from VS [10.0.0.9]:tcp:80";
        let failing = "-t 10.0.0.9:80 10.0.0.3:80";
        for (what, check, failing, log, seconds) in [
            ("one round of tcp", "tcp", "", log, Some(6)),
            (
                "two rounds of http",
                "{ http: { path: / } }",
                "",
                log,
                Some(12),
            ),
            ("it still fails", "tcp", failing, log, None),
            ("nothing says that it was taken out", "tcp", "", "", None),
            (
                "a program is not asked",
                "{ script: { path: /usr/bin/true } }",
                "",
                log,
                None,
            ),
        ] {
            let cluster = cluster("", check);
            let parts = [("table", table), ("failing", failing), ("log", log)];
            let director = answer(true, true, &parts);
            let other = answer(false, true, &[]);
            let moving = moving(&cluster, &[("lb1", &director), ("lb2", &other)]);
            assert_eq!(
                moving.what.len(),
                usize::from(seconds.is_some()),
                "{what}: {moving:?}"
            );
            if let Some(seconds) = seconds {
                let longest = moving.longest.as_secs();
                assert!(
                    (seconds..seconds + 9).contains(&longest),
                    "{what}: {longest}"
                );
            }
        }
    }
}
