use super::super::fleet::tests::{Log, TEXT, plan, with_fleet};
use super::super::host::tests::probed;
use super::*;
use crate::cancel::CancelToken;
use crate::inventory::{self, BUILT_IN_ROLES};
use crate::model::Cluster;
use crate::plan::manifest::Manifest;
use crate::plan::serial;
use crate::plan::stages::{self, Way};
use crate::resource::change::Phase;
use crate::transport::Output;
use crate::transport::fake::{FakeHosts, ok};

const STEPS: [(&str, Phase); 3] = [
    ("make", Phase::Main),
    ("remove", Phase::Remove),
    ("record", Phase::Main),
];

fn batch(pass: Pass, hosts: &str) -> Batch {
    Batch {
        pass,
        hosts: hosts.split(' ').map(str::to_owned).collect(),
    }
}

/// Hosts of which one fails in its first step.
fn hosts(cluster: &Cluster, fails: &str) -> FakeHosts {
    let failed = Output {
        status: 1,
        ..ok("")
    };
    let mut fake = FakeHosts::new();
    for host in &cluster.hosts {
        let mut script = probed(vec![Manifest::new("t")], vec![None]);
        if host.name == fails {
            script = script.on("do make", failed.clone());
        }
        fake = fake.host(&host.name, script.otherwise(ok("")));
    }
    fake
}

/// What happens in batches, of which those after a failure go on; `left_out`: directors whose plans become empty after the
/// first batch. How far each host is in the end, and what happened.
fn batches(
    fails: &str,
    all: &[Batch],
    tolerated: bool,
    left_out: &[&str],
) -> (Vec<String>, Vec<String>) {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let cluster = &loaded.cluster;
    let fake = hosts(cluster, fails);
    let cancel = CancelToken::default();
    let log = Log::default();
    let stands = with_fleet(cluster, &fake, &log, &cancel, |fleet| {
        let hosts = cluster.hosts.iter().map(|host| (host, Vec::new()));
        let opened = fleet.open(hosts.collect()).into_iter();
        let pairs = opened.map(|(host, run)| {
            let steps = if host.is_director() {
                &STEPS[..1]
            } else {
                &STEPS[..]
            };
            (run.expect("a host"), plan(&host.name, steps))
        });
        let mut progress = Progress::new(pairs.collect());
        let order: Vec<&Host> = cluster.hosts.iter().collect();
        let stages = stages::all(cluster, &order, Way::default(), &[]);
        let mut made = BTreeSet::new();
        let mut why = None;
        for (number, batch) in all.iter().enumerate() {
            progress.go(fleet, &serial::stages_of(&stages, batch, &made));
            made.extend(batch.hosts.iter().cloned());
            if !progress.failed().is_empty() && !tolerated {
                why = Some(("max-failures", "the run ended".to_owned()));
                break;
            }
            progress.tolerate();
            assert!(!progress.is_in_part(batch), "{batch:?}");
            if number == 0 {
                progress.replan(|runs, plans, stands| {
                    for ((run, plan), stand) in runs.iter().zip(plans).zip(stands) {
                        if left_out.contains(&run.host.name.as_str()) {
                            assert_eq!(*stand, Stand::Waits);
                            plan.steps.clear();
                        }
                    }
                });
            }
        }
        let shown = progress.stands().into_iter();
        let mut shown: Vec<String> = shown
            .map(|(host, stand)| format!("{} {stand:?}", host.name).to_lowercase())
            .collect();
        shown.sort();
        let ended = progress.end(fleet, &stages, why.as_ref());
        assert_eq!(ended.len(), cluster.hosts.len());
        shown
    });
    (stands, log.lines.into_inner().expect("lines"))
}

fn usual() -> [Batch; 5] {
    [
        batch(Pass::Make, "rs1"),
        batch(Pass::Make, "rs2"),
        batch(Pass::Make, "lb2"),
        batch(Pass::Make, "lb1"),
        batch(Pass::Remove, "rs1 rs2"),
    ]
}

#[test]
fn what_goes_waits_for_the_batches_of_all_that_is_made() {
    let (stands, events) = batches("", &usual(), true, &[]);
    assert_eq!(stands, ["lb1 done", "lb2 done", "rs1 done", "rs2 done"]);
    assert_eq!(
        events,
        [
            "rs1 make",
            "rs1 paused 1/3",
            "rs2 make",
            "rs2 paused 1/3",
            "lb2 make",
            "lb2 done 1",
            "lb1 make",
            "lb1 done 1",
            "rs1 remove",
            "rs1 record",
            "rs1 done 3",
            "rs2 remove",
            "rs2 record",
            "rs2 done 3",
        ]
    );
}

#[test]
fn a_failure_ends_a_run_or_leaves_the_host_behind() {
    let (stands, events) = batches("rs2", &usual(), false, &[]);
    assert_eq!(stands, ["lb1 waits", "lb2 waits", "rs1 made", "rs2 failed"]);
    let halted = "left before the step \"remove\", as another host failed; 1 of 3 steps are done";
    assert_eq!(
        events[2..],
        [
            "rs2 make".to_owned(),
            "rs2 failed".to_owned(),
            format!("rs1 skipped: {halted}"),
            "lb2 skipped: the run ended".to_owned(),
            "lb1 skipped: the run ended".to_owned(),
        ]
    );
    let (stands, events) = batches("rs2", &usual(), true, &[]);
    assert_eq!(stands, ["lb1 done", "lb2 done", "rs1 done", "rs2 failed"]);
    assert!(!events.contains(&"rs2 remove".to_owned()), "{events:?}");
}

#[test]
fn a_plan_that_becomes_empty_is_done() {
    let (stands, events) = batches("rs1", &usual(), true, &["lb1"]);
    assert_eq!(stands, ["lb1 done", "lb2 done", "rs1 failed", "rs2 done"]);
    assert!(!events.contains(&"lb1 make".to_owned()), "{events:?}");
}

/// What one director does needs what the other does: a failure keeps the rest of the batch from beginning.
#[test]
fn a_batch_of_several_stages_is_left_in_part() {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let cluster = &loaded.cluster;
    let fake = hosts(cluster, "lb2");
    let cancel = CancelToken::default();
    let log = Log::default();
    with_fleet(cluster, &fake, &log, &cancel, |fleet| {
        let hosts = cluster.hosts.iter().map(|host| (host, Vec::new()));
        let opened = fleet.open(hosts.collect()).into_iter();
        let pairs = opened.map(|(host, run)| (run.expect("a host"), plan(&host.name, &STEPS)));
        let mut progress = Progress::new(pairs.collect());
        let order: Vec<&Host> = cluster.hosts.iter().collect();
        let stages = stages::all(cluster, &order, Way::default(), &[]);
        let both = batch(Pass::Make, "lb2 lb1");
        progress.go(fleet, &serial::stages_of(&stages, &both, &BTreeSet::new()));
        assert!(progress.is_in_part(&both));
        assert!(progress.directors_done().is_none());
        progress.end(fleet, &stages, None);
    });
}
