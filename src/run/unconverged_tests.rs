use super::super::fleet::tests::{Log, plan, with_fleet};
use super::super::guard::Guarding;
use super::super::host::tests::probed;
use super::*;
use crate::cancel::CancelToken;
use crate::inventory::{self, BUILT_IN_ROLES};
use crate::plan::manifest::Manifest;
use crate::transport::fake::{FakeHosts, ok};

const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n\
                    vrrp: { virtual_router_id: 1 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";

const VIP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

fn cluster() -> Cluster {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    loaded.cluster
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

fn before(holders: &[&str], unheld: bool) -> Before {
    Before {
        holders: BTreeMap::from([(VIP, names(holders))]),
        unheld: unheld.then_some(VIP).into_iter().collect(),
        served: !holders.is_empty(),
    }
}

fn no_master() -> Unsettled {
    Unsettled::NoMaster(VIP, String::new())
}

fn masters(hosts: &[&str]) -> Unsettled {
    Unsettled::Masters(VIP, names(hosts))
}

fn differs(host: &str) -> Unsettled {
    Unsettled::Differs(host.to_owned(), names(&["ipvs -t 10.0.0.9:80"]))
}

/// Who held the VIP before (`-`: nobody, though keepalived should have), which directors were changed (`+`: they take their files
/// in together), what had not come right, and who gets the previous state back.
#[rustfmt::skip]
const CASES: &[(&str, &str, &str, &[&str], &str)] = &[
    ("all came right", "lb1", "lb1", &[], ""),
    ("the VIP is lost, its holder was changed", "lb1", "lb1", &["lost"], "lb1"),
    ("the VIP is lost, the backup was changed", "lb1", "lb2", &["lost"], "lb2"),
    ("the VIP is lost, both were changed", "lb1", "lb1 lb2", &["lost"], "lb1 lb2"),
    ("the VIP is lost, only real servers were changed", "lb1", "", &["lost"], ""),
    ("nothing served before", "", "lb1 lb2", &["lost", "lb1 differs"], ""),
    ("the VIP was lost before", "-", "lb1", &["lost"], ""),
    ("two hold the VIP, one was changed", "lb1", "lb2", &["twice"], "lb2"),
    ("two held it before", "lb1 lb2", "lb1", &["twice"], ""),
    ("a table is not in the desired state", "lb1", "lb1 lb2", &["lb2 differs"], "lb2"),
    ("the table of another director differs", "lb1", "lb1", &["lb2 differs"], ""),
    ("files that are taken in together go together", "lb1", "lb1+ lb2+", &["lb2 differs"], "lb1 lb2"),
];

#[test]
fn who_gets_the_previous_state_back() {
    let cluster = cluster();
    for (what, holders, changed, unsettled, expected) in CASES {
        let lost = *holders == "-";
        let holders: Vec<&str> = holders.split_whitespace().filter(|_| !lost).collect();
        let before = Before {
            // Another VIP is held.
            served: lost || !holders.is_empty(),
            ..before(&holders, lost)
        };
        let changed: Vec<Changed> = changed
            .split_whitespace()
            .map(|name| Changed {
                name: name.trim_end_matches('+'),
                together: name.ends_with('+'),
            })
            .collect();
        let unsettled: Vec<Unsettled> = unsettled
            .iter()
            .map(|what| match what.split_once(' ') {
                Some((host, _)) => differs(host),
                None if *what == "twice" => masters(&["lb1", "lb2"]),
                None => no_master(),
            })
            .collect();
        let back = to_roll_back(&cluster, &before, &changed, &unsettled);
        let hosts: Vec<&str> = back.keys().map(String::as_str).collect();
        assert_eq!(hosts.join(" "), *expected, "{what}");
        assert!(back.values().all(|why| !why.is_empty()), "{what}: {back:?}");
    }
}

/// The cluster served with another VIP: a new one that does not come is a change that failed.
#[test]
fn a_new_vip_that_does_not_come_is_a_failed_change() {
    let before = Before {
        served: true,
        ..before(&[], false)
    };
    let changed = [Changed {
        name: "lb1",
        together: false,
    }];
    let back = to_roll_back(&cluster(), &before, &changed, &[no_master()]);
    assert_eq!(back.len(), 1, "{back:?}");
}

/// What a run does on each of two directors that it has changed, and what comes of them.
fn concluded(unsettled: &[Unsettled], interrupted: bool) -> Vec<(String, &'static str, String)> {
    let cluster = cluster();
    let mut fake = FakeHosts::new();
    for host in &cluster.hosts {
        let script = probed(vec![Manifest::new("t")], vec![None]);
        fake = fake.host(&host.name, script.otherwise(ok("")));
    }
    let cancel = CancelToken::default();
    if interrupted {
        cancel.cancel();
    }
    let log = Log {
        lines: Default::default(),
        cancel: None,
    };
    with_fleet(&cluster, &fake, &log, &cancel, |fleet| {
        let directors = cluster.directors().map(|host| (host, Vec::new()));
        let opened = fleet.open(directors.collect()).into_iter();
        let mut done: Vec<Applied> = opened
            .map(|(host, run)| {
                let mut run = run.expect("a host");
                run.guard = Guarding::kept_for_test();
                (run, plan(&host.name, &[]), Some(Ok(())))
            })
            .collect();
        conclude(fleet, &before(&["lb1"], false), &mut done, unsettled);
        let of = |(run, _, result): Applied| {
            let name = run.host.name.clone();
            let asked = fake.asked(&name).join("\n");
            let did = |words: &str| asked.contains(&format!("/t.previous/run {words}"));
            let did = match (did("now"), did("disarm")) {
                (true, true) => "put back",
                (false, true) => "forgotten",
                _ => "kept",
            };
            let result = result.expect("an end").map_err(|e| e.to_string());
            (name, did, result.err().unwrap_or_default())
        };
        done.into_iter().map(of).collect()
    })
}

#[test]
fn the_previous_state_is_put_back_or_forgotten() {
    for (what, unsettled, interrupted, expected) in [
        ("all came right", vec![], false, ["forgotten", "forgotten"]),
        (
            "one differs again",
            vec![differs("lb2")],
            false,
            ["forgotten", "put back"],
        ),
        (
            "a VIP is lost",
            vec![no_master()],
            false,
            ["put back", "put back"],
        ),
        (
            "interrupted",
            vec![no_master()],
            true,
            ["forgotten", "forgotten"],
        ),
    ] {
        let all = concluded(&unsettled, interrupted);
        let did: Vec<&str> = all.iter().map(|(_, did, _)| *did).collect();
        assert_eq!(did, expected, "{what}: {all:?}");
        for (host, did, error) in all {
            let back = error.contains("did not converge")
                && error.ends_with("the previous state of this director was put back");
            assert_eq!(back, did == "put back", "{what}, {host}: {error}");
        }
    }
}
