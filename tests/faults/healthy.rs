//! Healthy clusters: `verify` reports no error and no warning, whatever just happened in a normal way.

use std::process::{Child, Command, Stdio};

use crate::bench::{Bench, clean};
use crate::cluster::Cluster;
use crate::job::verdict;
use crate::verify::Verified;

pub(crate) struct State {
    pub name: &'static str,
    topologies: &'static [&'static str],
    /// Brings it about; what is held until `verify` has ended.
    enter: fn(&Cluster) -> Held,
    /// Whether each `verify` is preceded by it, not only the first.
    each: bool,
    /// Ends it, where it changed the cluster.
    leave: Option<fn(&Cluster)>,
    /// A host whose findings are those of the state.
    expected: Option<&'static str>,
}

/// Programs that run while `verify` does.
#[derive(Default)]
pub(crate) struct Held(Vec<Child>);

impl Drop for Held {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

const EVERY: &[&str] = crate::topologies::ALL;
const KEEPALIVED: &[&str] = &["dr-keepalived", "nat-keepalived", "dual-stack", "web-ha"];
/// Where all directors balance.
const PAIRS: &[&str] = &["dr-keepalived", "nat-keepalived"];

const ALL: &[State] = &[
    State {
        name: "clean",
        topologies: EVERY,
        enter: |_| Held::default(),
        each: false,
        leave: None,
        expected: None,
    },
    State {
        name: "a_real_server_drained",
        topologies: &["dr-keepalived", "dr"],
        enter: |cluster| {
            cluster.edit(
                "address: 192.168.100.12 }",
                "address: 192.168.100.12, weight: 0 }",
            );
            cluster.lvsctl(&["apply", "--yes"]).expect(0);
            Held::default()
        },
        each: false,
        leave: Some(|cluster| {
            cluster.edit(
                "address: 192.168.100.12, weight: 0 }",
                "address: 192.168.100.12 }",
            );
            cluster.lvsctl(&["apply", "--yes"]).expect(0);
        }),
        expected: None,
    },
    State {
        name: "a_real_server_unhealthy",
        topologies: &["dr-keepalived", "health-checker"],
        enter: |cluster| {
            cluster.on("rs1", "systemctl stop nginx");
            let out = "ipvsadm -Sn | grep -e '-r 192.168.100.12:' | grep -qve ' -w 0$'";
            cluster.becomes("rs1 is out", || !cluster.succeeds("lb1", out));
            Held::default()
        },
        each: false,
        leave: Some(|cluster| {
            cluster.on("rs1", "systemctl start nginx");
            let back = "ipvsadm -Sn | grep -e '-r 192.168.100.12:' | grep -qve ' -w 0$'";
            cluster.becomes("rs1 is back", || cluster.succeeds("lb1", back));
        }),
        expected: Some("rs1"),
    },
    State {
        name: "keepalived_just_reloaded",
        topologies: KEEPALIVED,
        enter: |cluster| {
            for host in directors(cluster) {
                cluster.on(host, "systemctl reload keepalived");
            }
            Held::default()
        },
        each: true,
        leave: None,
        expected: None,
    },
    State {
        name: "a_failover_just_over",
        topologies: KEEPALIVED,
        enter: |cluster| {
            let all = directors(cluster);
            cluster.on(all[0], "systemctl stop keepalived");
            let vip = "ip -4 addr show | grep -q '\\.\\(200\\|100\\|150\\)/'";
            cluster.becomes("the backup holds the VIP", || cluster.succeeds(all[1], vip));
            cluster.on(all[0], "systemctl start keepalived");
            cluster.becomes("the master holds the VIP", || cluster.succeeds(all[0], vip));
            Held::default()
        },
        each: true,
        leave: None,
        expected: None,
    },
    State {
        name: "both_cores_busy",
        topologies: PAIRS,
        enter: |_| Held(["0", "1"].iter().filter_map(|core| busy(core)).collect()),
        each: false,
        leave: None,
        expected: None,
    },
];

fn directors(cluster: &Cluster) -> Vec<&str> {
    let names = cluster.hosts.iter().map(String::as_str);
    let of = |name: &&str| {
        name.starts_with("lb") || cluster.name.starts_with("web-ha") && name.starts_with("web")
    };
    names.filter(of).collect()
}

/// A program that keeps one core busy.
fn busy(core: &str) -> Option<Child> {
    let mut command = Command::new("taskset");
    command.args(["-c", core, "yes"]).stdout(Stdio::null());
    command.spawn().ok()
}

/// The states of a topology.
pub(crate) fn of(topology: &str) -> impl Iterator<Item = &'static State> {
    ALL.iter()
        .filter(move |state| state.topologies.contains(&topology))
}

/// Asks `verify` so many times in this state.
pub(crate) fn run(bench: &mut Bench, state: &State, rounds: usize) -> Result<(), String> {
    let cluster = bench.cluster()?;
    let mut held = (state.enter)(cluster);
    let mut wrong = Vec::new();
    for round in 1..=rounds {
        if state.each && round > 1 {
            held = (state.enter)(cluster);
        }
        let mut verified = Verified::ask(cluster, true)?;
        verified
            .alarms
            .retain(|finding| Some(&*finding.host) != state.expected);
        if !verified.is_clean() {
            wrong.push(format!("round {round} of {rounds}:\n{}", verified.text()));
        }
    }
    drop(held);
    if let Some(leave) = state.leave {
        leave(cluster);
    } else if wrong.is_empty() {
        // The last round has shown it.
        return Ok(());
    }
    if let Err(left) = clean(cluster, true) {
        wrong.push(format!("not clean afterwards:\n{}", left.text()));
        bench.discard();
    }
    verdict(&wrong)
}
