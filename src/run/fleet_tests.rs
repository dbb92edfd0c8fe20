use std::collections::BTreeSet;
use std::sync::Mutex;

use super::super::host::tests::probed;
use super::*;
use crate::cancel::CancelToken;
use crate::event::Sink;
use crate::host_paths;
use crate::inventory::{self, BUILT_IN_ROLES};
use crate::model::{Cluster, Drain};
use crate::plan::dependency::LeftOut;
use crate::plan::manifest::Manifest;
use crate::plan::{maintenance, stages};
use crate::resource::Distribution;
use crate::resource::change::{Phase, Step};
use crate::role::Roles;
use crate::secret::Secrets;
use crate::transport::Output;
use crate::transport::fake::{FakeHosts, Script, ok};

pub(in crate::run) const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n  \
                    rs2: { role: realserver, address: 10.0.0.4 }\n\
                    vrrp: { virtual_router_id: 1 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";

/// What happened, in words; an interrupt comes with the event that it names.
#[derive(Default)]
pub(crate) struct Log<'a> {
    pub(crate) lines: Mutex<Vec<String>>,
    pub(crate) cancel: Option<(&'a str, &'a CancelToken)>,
}

impl Sink for Log<'_> {
    fn event(&self, event: &Event) {
        let line = match event {
            Event::Step { host, title, .. } => format!("{host} {title}"),
            Event::Paused { host, done, of } => format!("{host} paused {done}/{of}"),
            Event::Done { host, steps, .. } => format!("{host} done {steps}"),
            Event::Failed { host, .. } => format!("{host} failed"),
            Event::Skipped { host, why, .. } => format!("{host} skipped: {why}"),
            _ => return,
        };
        if let Some((at, cancel)) = self.cancel
            && at == line
        {
            cancel.cancel();
        }
        self.lines.lock().unwrap().push(line);
    }
}

pub(crate) fn plan(host: &str, steps: &[(&str, Phase)]) -> HostPlan {
    let step = |(title, phase): &(&str, Phase)| Step::new(*title, format!("do {title}"), *phase);
    HostPlan {
        host: host.to_owned(),
        changes: Vec::new(),
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        replaces: Vec::new(),
        steps: steps.iter().map(step).collect(),
        load: None,
    }
}

/// A fleet of fake hosts, on one thread.
pub(crate) fn with_fleet<T>(
    cluster: &Cluster,
    fake: &FakeHosts,
    log: &Log,
    cancel: &CancelToken,
    work: impl FnOnce(&Fleet) -> T,
) -> T {
    let roles = Roles::load(None).expect("roles");
    let run = Run {
        cluster,
        with_drains: Default::default(),
        roles: roles.over(cluster),
        connect: fake,
        secrets: &Secrets::new(),
        sink: log,
        cancel,
        holder: "test",
        origin: None,
        more: &|_, _| String::new(),
    };
    work(&Fleet::new(run, 1).expect("threads"))
}

/// What happens when a step fails on some host, or the user interrupts at some event; and what comes of each host.
fn happens(
    fails: Option<(&str, &str)>,
    interrupted_at: Option<&str>,
) -> (Vec<String>, Vec<String>) {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let cluster = &loaded.cluster;
    let mut fake = FakeHosts::new();
    for host in &cluster.hosts {
        let mut script = probed(vec![Manifest::new("t")], vec![None]);
        if let Some((_, step)) = fails.filter(|(name, _)| *name == host.name) {
            let failed = Output {
                status: 1,
                ..ok("")
            };
            script = script.on(format!("do {step}"), failed);
        }
        fake = fake.host(&host.name, script.otherwise(ok("")));
    }
    let cancel = CancelToken::default();
    let log = Log {
        lines: Mutex::default(),
        cancel: interrupted_at.map(|at| (at, &cancel)),
    };
    let steps = [
        ("make", Phase::Main),
        ("remove", Phase::Remove),
        ("record", Phase::Main),
    ];
    let results = with_fleet(cluster, &fake, &log, &cancel, |fleet| {
        let hosts: Vec<(HostRun, HostPlan)> = fleet
            .open(
                cluster
                    .hosts
                    .iter()
                    .map(|host| (host, Vec::new()))
                    .collect(),
            )
            .into_iter()
            .map(|(host, run)| {
                let steps = match host.name.as_str() {
                    "lb2" => &steps[..1],
                    "rs2" => &[],
                    _ => &steps[..],
                };
                (run.expect("a host"), plan(&host.name, steps))
            })
            .collect();
        let order: Vec<&Host> = cluster.hosts.iter().collect();
        let stages = stages::all(cluster, &order, stages::Way::default(), &[]);
        let results = fleet.apply(hosts, &stages).into_iter();
        results
            .map(|(host, _, result)| {
                let result = match result {
                    None => "not begun".to_owned(),
                    Some(Ok(())) => "well".to_owned(),
                    Some(Err(error)) => error.to_string(),
                };
                format!("{} {result}", host.host.name)
            })
            .collect()
    });
    (log.lines.into_inner().unwrap(), results)
}

#[test]
fn all_is_made_before_anything_goes_and_a_real_server_goes_last() {
    let (events, results) = happens(None, None);
    assert_eq!(
        events,
        [
            "rs1 make",
            "rs1 paused 1/3",
            "lb2 make",
            "lb2 done 1",
            "lb1 make",
            "lb1 paused 1/3",
            "lb1 remove",
            "lb1 record",
            "lb1 done 3",
            "rs1 remove",
            "rs1 record",
            "rs1 done 3",
        ]
    );
    assert_eq!(results, ["rs1 well", "rs2 well", "lb2 well", "lb1 well"]);
}

#[test]
fn a_failure_leaves_what_would_go() {
    let (events, results) = happens(Some(("lb2", "make")), None);
    let halted = "left before the step \"remove\", as another host failed; 1 of 3 steps are done";
    assert_eq!(
        events[2..],
        [
            "lb2 make".to_owned(),
            "lb2 failed".to_owned(),
            format!("rs1 skipped: {halted}"),
            "lb1 skipped: an earlier host failed".to_owned(),
        ]
    );
    assert_eq!(results[0], format!("rs1 {halted}"));
    assert_eq!(results[1], "rs2 well");
    assert!(results[2].contains("failed"), "{results:?}");
    assert_eq!(results[3], "lb1 not begun");
}

#[test]
fn an_interrupt_between_the_parts_leaves_what_would_go() {
    let (events, results) = happens(None, Some("lb1 paused 1/3"));
    let interrupted = "interrupted before the step \"remove\"; 1 of 3 steps are done";
    let lines = [
        format!("lb1 skipped: {interrupted}"),
        format!("rs1 skipped: {interrupted}"),
    ];
    for line in &lines {
        assert!(events[6..].contains(line), "{events:?}");
    }
    assert_eq!(events.len(), 8, "{events:?}");
    assert_eq!(results[0], format!("rs1 {interrupted}"));
    assert_eq!(results[2], "lb2 well");
    assert_eq!(results[3], format!("lb1 {interrupted}"));
}

#[test]
fn hosts_that_are_as_desired_are_left_at_once() {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let cluster = &loaded.cluster;
    let mut fake = FakeHosts::new();
    for host in &cluster.hosts {
        let script = probed(vec![Manifest::new("t")], vec![None]);
        fake = fake.host(&host.name, script.otherwise(ok("")));
    }
    let cancel = CancelToken::default();
    let log = Log {
        lines: Mutex::default(),
        cancel: None,
    };
    let file = serde_json::json!({ "file": { "path": "/etc/x" } });
    let file: Resource = serde_json::from_value(file).expect("a file");
    // Nothing is desired of lb1 and rs1; of the others something that is not there.
    let desired = cluster.hosts.iter().map(|host| {
        let differs = host.name.ends_with('2');
        (host, differs.then(|| file.clone()).into_iter().collect())
    });
    let open: Vec<&str> = with_fleet(cluster, &fake, &log, &cancel, |fleet| {
        let opened = fleet.open_to_plan(desired.collect()).into_iter();
        opened
            .filter_map(|(host, outcome)| {
                let (mut run, plan) = outcome.expect("a host");
                assert_eq!(plan.is_empty(), !host.name.ends_with('2'), "{}", host.name);
                let asked = run.ask("asking", "true");
                asked.is_ok().then_some(host.name.as_str())
            })
            .collect()
    });
    assert_eq!(open, ["lb1", "lb2", "rs2"]);
}

/// A director that answers every fact with next to nothing, and its record.
fn director(record: Option<&Maintenance>) -> Script {
    let record = record.map(|record| maintenance::file("t", record).content);
    let answer = move |script: &str| {
        let nonce = script
            .split("\\n@")
            .nth(1)
            .and_then(|s| s.split(' ').next());
        let nonce = nonce.expect("a nonce");
        let mut text = String::new();
        for line in script.lines() {
            let Some(section) = line.strip_prefix("section=") else {
                continue;
            };
            let parts = match section {
                "system" => vec![
                    ("os", "ID=debian\nUid:\t0\t0\t0\t0\n"),
                    ("tools", "ip\n"),
                    ("systemd", "yes"),
                ],
                "address" => vec![("json", "[]\n")],
                "clock" => vec![("time", "100 50\n")],
                "firewall" => vec![("backend", "")],
                "networkd" => vec![("none", "")],
                "end" => vec![("end", "")],
                _ => vec![("nothing", "")],
            };
            for (part, said) in parts {
                text.push_str(&format!("\n@{nonce} {section} {part}\n{said}"));
            }
            if let (Some(record), "file") = (&record, section) {
                let path = host_paths::maintenance("t");
                text.push_str(&format!(
                    "\n@{nonce} file stat\nregular file|{}|644|root:root|1.0 1.0|{path}\n\n@{nonce} file content\n{record}",
                    record.len()
                ));
            }
        }
        Ok(ok(text))
    };
    Script::new().on_match(|script| script.contains("section=end"), answer)
}

/// Of two directors one missed the last drain; a host that is only asked wants nothing.
#[test]
fn directors_want_what_the_newest_of_their_records_says() {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let cluster = &loaded.cluster;
    let drain = |host: &str| Drain {
        host: host.to_owned(),
        service: None,
        by: "ann@desk".to_owned(),
        since: 1,
        until: None,
        reason: None,
    };
    let old = Maintenance::default().with(drain("rs1"));
    let new = old.with(drain("rs2"));
    let ended = old.without("rs1", None).expect("a drain");
    for (about, records, wants, weights) in [
        ("no record", [None, None], true, vec![1, 1]),
        ("one of two", [Some(&old), None], true, vec![0, 1]),
        ("a newer one", [Some(&old), Some(&new)], true, vec![0, 0]),
        (
            "one that ended",
            [Some(&ended), Some(&old)],
            true,
            vec![1, 1],
        ),
        ("nothing is desired", [Some(&old), None], false, vec![0, 1]),
    ] {
        let fake = FakeHosts::new()
            .host("lb1", director(records[0]))
            .host("lb2", director(records[1]));
        let cancel = CancelToken::default();
        let log = Log {
            lines: Mutex::default(),
            cancel: None,
        };
        with_fleet(cluster, &fake, &log, &cancel, |fleet| {
            let os = Distribution::assumed();
            let desired = |host: &Host| {
                let all = fleet.run.roles.of(host, &os).expect("resources");
                all.into_iter().filter(|_| wants).collect::<Vec<_>>()
            };
            let hosts = cluster.directors().map(|host| (host, desired(host)));
            let opened = fleet.open(hosts.collect());
            let desired = fleet.run.desired();
            let found: Vec<u16> = desired.services[0]
                .real_servers
                .iter()
                .map(|rs| rs.weight)
                .collect();
            assert_eq!(found, weights, "{about}");
            let newest = Maintenance::newest(records.into_iter().flatten());
            for (host, run) in opened {
                let run = run.unwrap_or_else(|e| {
                    panic!("{about}: {}: {}", host.name, crate::error_chain::chain(&e))
                });
                let mut files = run.desired.iter().filter_map(|resource| match resource {
                    Resource::File(file) if file.path == host_paths::maintenance("t") => {
                        Some(&file.content)
                    }
                    _ => None,
                });
                let expected = newest
                    .filter(|_| wants)
                    .map(|newest| maintenance::file("t", newest).content);
                assert_eq!(files.next(), expected.as_ref(), "{about}: {}", host.name);
                let mut kernel = run.desired.iter().filter_map(|resource| match resource {
                    Resource::Ipvs(ipvs) => Some(ipvs.real_servers.iter().map(|rs| rs.weight)),
                    _ => None,
                });
                let found: Option<Vec<u32>> = kernel.next().map(Iterator::collect);
                let expected =
                    wants.then(|| weights.iter().map(|weight| u32::from(*weight)).collect());
                assert_eq!(found, expected, "{about}: {}", host.name);
            }
        });
    }
}

/// A director that is to be without a real server keeps the drains of the others, and their record.
#[test]
fn a_real_server_that_is_left_out_ends_no_drain() {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let cluster = &loaded.cluster;
    let record = Maintenance::default().with(Drain {
        host: "rs1".to_owned(),
        service: None,
        by: "ann@desk".to_owned(),
        since: 1,
        until: None,
        reason: None,
    });
    let fake = FakeHosts::new()
        .host("lb1", director(Some(&record)))
        .host("lb2", director(Some(&record)));
    let cancel = CancelToken::default();
    let log = Log {
        lines: Mutex::default(),
        cancel: None,
    };
    let left_out = BTreeSet::from([LeftOut {
        service: "web".to_owned(),
        host: "rs2".to_owned(),
    }]);
    with_fleet(cluster, &fake, &log, &cancel, |fleet| {
        let os = Distribution::assumed();
        let desired = |host| fleet.run.roles.of(host, &os).expect("resources");
        let hosts = cluster.directors().map(|host| (host, desired(host)));
        for (host, run) in fleet.open(hosts.collect()) {
            let mut run = run.expect("a director");
            run.leave_out(&fleet.run, &left_out).expect("resources");
            let weights = run.desired.iter().filter_map(|resource| match resource {
                Resource::Ipvs(ipvs) => Some(ipvs.real_servers.iter().map(|rs| rs.weight)),
                _ => None,
            });
            assert_eq!(weights.flatten().collect::<Vec<_>>(), [0], "{}", host.name);
            let has_record = run.desired.iter().any(
                |resource| matches!(resource, Resource::File(file) if file.path == host_paths::maintenance("t")),
            );
            assert!(has_record, "{}", host.name);
        }
    });
}

/// Hosts that were asked for their locks when one of them is held, and those that could not be locked.
fn locked(held: &str) -> (Vec<String>, Vec<String>) {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let cluster = &loaded.cluster;
    let mut fake = FakeHosts::new();
    for host in &cluster.hosts {
        let taken = if host.name == held {
            "held bob\n"
        } else {
            "taken\n"
        };
        let script = probed(vec![Manifest::new("t")], vec![None]).on("flock", ok(taken));
        fake = fake.host(&host.name, script.otherwise(ok("")));
    }
    let cancel = CancelToken::default();
    let log = Log {
        lines: Mutex::default(),
        cancel: None,
    };
    let failed = with_fleet(cluster, &fake, &log, &cancel, |fleet| {
        // Not in the order of the inventory, and one of them was left already.
        let hosts = cluster.hosts.iter().rev();
        let opened = fleet.open(hosts.map(|host| (host, Vec::new())).collect());
        let mut runs: Vec<HostRun> = opened
            .into_iter()
            .map(|(_, run)| run.expect("a host"))
            .collect();
        runs[0].close_shell();
        let locked = fleet.lock(runs).into_iter();
        let failed = locked.filter(|(_, result)| result.is_err());
        failed.map(|(run, _)| run.host.name.clone()).collect()
    });
    let asked = cluster.hosts.iter().filter(|host| {
        let scripts = fake.asked(&host.name);
        scripts.iter().any(|script| script.contains("flock -n"))
    });
    (asked.map(|host| host.name.clone()).collect(), failed)
}

#[test]
fn the_first_host_that_is_locked_ends_a_run() {
    let all = ["lb1", "lb2", "rs1", "rs2"];
    for (held, asked) in [("", &all[..]), ("lb1", &all[..1]), ("rs2", &all)] {
        let (found, failed) = locked(held);
        assert_eq!(found, asked, "{held}");
        assert_eq!(failed.concat(), held, "{held}");
    }
}
