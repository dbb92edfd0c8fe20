//! What many hosts cost before any is asked: less than seconds each, and nothing for hosts that are like others.

use std::path::Path;
use std::time::Duration;

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::Cluster;
use lvsctl::resource::{Distribution, Resource};

use crate::support::roles::built_in;
use crate::support::{cpu, large};

fn parse(file: &str, text: &str) -> Cluster {
    inventory::parse(file, text, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(100, false)))
        .cluster
}

/// Unoptimized it takes some 5 s; where each host's roles are expanded anew, more than a minute.
const MOST: Duration = Duration::from_secs(30);

#[test]
fn a_thousand_hosts_are_expanded_in_time() {
    let text = large::inventory(1000, 20);
    let roles = built_in();
    let start = cpu::of_thread();
    let cluster = parse("large.yaml", &text);
    let expansion = roles.over(&cluster);
    let mut resources = 0;
    for host in &cluster.hosts {
        let made = expansion.of(host, &Distribution::assumed());
        resources += made.expect("resources").len();
    }
    assert_eq!(resources, 51_974);
    let used = cpu::of_thread() - start;
    assert!(used < MOST, "used {used:?} of CPU time");
}

/// What was made of a host that is alike is what would have been made.
#[test]
fn hosts_get_what_they_would_get_alone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories");
    let roles = built_in();
    let mut seen = 0;
    for entry in folder.read_dir().expect("the inventories") {
        let path = entry.expect("an inventory").path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("reads");
        let cluster = parse(&path.display().to_string(), &text);
        for os in [Distribution::assumed(), other_distribution()] {
            let together = roles.over(&cluster);
            for host in &cluster.hosts {
                let of = |made: Result<Vec<Resource>, _>| {
                    made.map_err(|e: lvsctl::role::RoleError| e.to_string())
                };
                let alone = of(roles.over(&cluster).of(host, &os));
                assert_eq!(of(together.of(host, &os)), alone, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen} hosts");
}

fn other_distribution() -> Distribution {
    Distribution::new(lvsctl::resource::distribution::Family::Alpine)
}
