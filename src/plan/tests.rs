mod scope;
mod weight;

use super::*;
use crate::fact::address::Addresses;
use crate::fact::module::{Modules, State};
use crate::fact::sysctl::Sysctls;
use crate::fact::{Fact as _, Section};
use crate::resource::sysctl::Sysctl;

fn resource(json: serde_json::Value) -> Resource {
    serde_json::from_value(json).unwrap()
}

fn sysctl(value: &str) -> Resource {
    Resource::Sysctl(Sysctl {
        name: "net.ipv4.ip_forward".into(),
        value: value.into(),
        instead_of: None,
        if_exists: false,
    })
}

fn forwarding(value: &str) -> Facts {
    Facts {
        sysctl: Sysctls::of([("/proc/sys/net/ipv4/ip_forward", value)]),
        ..Facts::assumed()
    }
}

fn plan(desired: &[Resource], manifest: &Manifest, facts: &Facts) -> HostPlan {
    plan_beside(&[], desired, manifest, facts)
}

fn plan_beside(
    others: &[Manifest],
    desired: &[Resource],
    manifest: &Manifest,
    facts: &Facts,
) -> HostPlan {
    let secrets = Secrets::new();
    host(
        "h",
        &Basis {
            desired,
            manifest,
            others,
            facts,
            secrets: &secrets,
            scope: None,
        },
    )
}

fn titles(plan: &HostPlan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.title.as_str()).collect()
}

#[test]
fn a_change_is_recorded_before_it_is_made() {
    let plan = plan(&[sysctl("1")], &Manifest::new("c"), &forwarding("0"));
    assert_eq!(
        titles(&plan),
        ["record what is ours", "set net.ipv4.ip_forward to 1"]
    );
    assert!(
        plan.steps[0].script.contains(r#""before":{"value":"0"}"#),
        "{}",
        plan.steps[0].script
    );
}

#[test]
fn what_is_right_and_ours_needs_nothing() {
    let mut manifest = Manifest::new("c");
    manifest.entries.push(Entry {
        resource: sysctl("1"),
        before: Before::Absent,
    });
    assert!(plan(&[sysctl("1")], &manifest, &forwarding("1")).is_empty());
}

#[test]
fn what_is_right_already_is_adopted_and_stays_when_we_leave() {
    let adopted = plan(&[sysctl("1")], &Manifest::new("c"), &forwarding("1"));
    assert_eq!(titles(&adopted), ["record what is ours now"]);
    assert_eq!(adopted.adopts, ["sysctl net.ipv4.ip_forward"]);
    let mut manifest = Manifest::new("c");
    manifest.entries.push(Entry {
        resource: sysctl("1"),
        before: Before::Same,
    });
    assert_eq!(
        titles(&plan(&[], &manifest, &forwarding("1"))),
        ["record what is ours now"]
    );
}

#[test]
fn what_is_no_longer_desired_goes_back_to_what_it_was() {
    let mut manifest = Manifest::new("c");
    manifest.entries.push(Entry {
        resource: sysctl("1"),
        before: Before::Value("0".into()),
    });
    let plan = plan(&[], &manifest, &forwarding("1"));
    assert_eq!(
        titles(&plan),
        [
            "set net.ipv4.ip_forward back to 0",
            "record what is ours now"
        ]
    );
    assert!(
        plan.steps[1].script.starts_with("rm -f"),
        "{}",
        plan.steps[1].script
    );
}

/// A cluster's manifest with one entry.
fn owning(cluster: &str, resource: Resource, before: Before) -> Manifest {
    let mut manifest = Manifest::new(cluster);
    manifest.entries.push(Entry { resource, before });
    manifest
}

#[test]
fn what_another_cluster_needs_stays_until_that_one_goes() {
    let zero = || Before::Value("0".into());
    let own = owning("c", sysctl("1"), zero());
    let other = owning("d", sysctl("1"), zero());
    let first = plan_beside(&[other], &[], &own, &forwarding("1"));
    assert_eq!(titles(&first), ["record what is ours now"]);
    let last = plan(&[], &own, &forwarding("1"));
    assert_eq!(last.steps[0].title, "set net.ipv4.ip_forward back to 0");
}

#[test]
fn what_was_before_all_clusters_is_remembered_by_each() {
    let value = |value: &str| Before::Value(value.into());
    for (theirs, remembered, desired, found, expected) in [
        // Theirs is not what was there before.
        ("1", value("0"), "1", "1", value("0")),
        ("1", value("0"), "2", "1", value("0")),
        ("1", Before::Absent, "1", "1", Before::Absent),
        ("1", Before::Same, "1", "1", Before::Same),
        ("1", Before::Same, "2", "1", value("1")),
    ] {
        let other = owning("d", sysctl(theirs), remembered);
        let plan = plan_beside(
            &[other],
            &[sysctl(desired)],
            &Manifest::new("c"),
            &forwarding(found),
        );
        let written = serde_json::to_string(&expected).unwrap();
        let script = &plan.steps[0].script;
        assert!(
            script.contains(&format!(r#""before":{written}"#)),
            "{script}"
        );
    }
}

fn file(content: &str) -> Resource {
    let file = serde_json::json!({ "file": { "path": "/a", "content": content } });
    serde_json::from_value(file).unwrap()
}

fn with_file(content: &str) -> Facts {
    let mut facts = Facts::assumed();
    let found = crate::fact::file::Found {
        regular: true,
        size: content.len(),
        mode: "644".into(),
        owner: "root:root".into(),
        modified: 0.0,
        changed: None,
        content: content.into(),
    };
    facts.file.insert("/a", found);
    facts
}

#[test]
fn a_file_that_is_right_already_is_kept_and_put_back_when_we_leave() {
    let adopted = plan(&[file("")], &Manifest::new("c"), &with_file(""));
    assert_eq!(
        titles(&adopted),
        ["keep what file /a was", "record what is ours now"]
    );
    assert!(adopted.changes.is_empty(), "{:?}", adopted.changes);
}

#[test]
fn what_stood_there_is_kept_before_the_manifest_points_to_it() {
    let first = plan(
        &[file("ours\n")],
        &Manifest::new("c"),
        &with_file("theirs\n"),
    );
    assert_eq!(
        titles(&first),
        ["keep what file /a was", "record what is ours", "write /a"]
    );
    // A run that ended before it recorded anything may have kept an older file.
    assert!(
        first.steps[0].script.contains("\n{\nrm -f "),
        "{}",
        first.steps[0].script
    );
}

fn unit(reads: &[&str]) -> Resource {
    let unit = serde_json::json!({ "unit": { "name": "web.service", "reads": reads } });
    serde_json::from_value(unit).unwrap()
}

fn with_unit(name: &str, active: bool, mut facts: Facts) -> Facts {
    let state = crate::fact::unit::State {
        loaded: true,
        enabled: true,
        active,
        ..Default::default()
    };
    facts.unit.units.insert(name.into(), state);
    facts
}

#[test]
fn a_unit_that_runs_on_takes_in_that_a_file_is_no_longer_ours() {
    let put_back = Before::Backup("/backup/a".into());
    let (reading, idle) = (unit(&["/a"]), unit(&[]));
    let stopped = serde_json::json!({ "unit": { "name": "web.service", "active": false } });
    let stopped: Resource = serde_json::from_value(stopped).unwrap();
    let other = || Some(owning("d", unit(&[]), Before::Same));
    for (what, before, desired, active, other, reloads) in [
        ("was there", Before::Same, None, true, None, true),
        (
            "it was stopped by hand",
            Before::Same,
            None,
            false,
            None,
            false,
        ),
        ("goes", Before::Absent, None, true, None, false),
        (
            "another cluster's",
            Before::Absent,
            None,
            true,
            other(),
            true,
        ),
        ("desired", Before::Absent, Some(&reading), true, None, true),
        (
            "no longer reads it",
            Before::Absent,
            Some(&idle),
            true,
            None,
            true,
        ),
        ("starts", Before::Absent, Some(&reading), false, None, true),
        ("stops", Before::Absent, Some(&stopped), true, None, false),
    ] {
        for (file_before, there, goes) in [
            (&Before::Absent, true, "remove /a"),
            (&put_back, true, "put back /a"),
            // Its run was cut short after it.
            (&Before::Absent, false, ""),
        ] {
            let mut manifest = owning("c", file("").owned(), file_before.clone());
            let entry = Entry {
                resource: reading.clone(),
                before: before.clone(),
            };
            manifest.entries.push(entry);
            let facts = if there {
                with_file("ours\n")
            } else {
                Facts::assumed()
            };
            let plan = plan_beside(
                other.as_slice(),
                desired.map(std::slice::from_ref).unwrap_or_default(),
                &manifest,
                &with_unit("web.service", active, facts),
            );
            let mut titles = titles(&plan);
            titles.retain(|t| *t == goes || t.starts_with("reload"));
            let mut expected: Vec<&str> = [goes].into_iter().filter(|t| !t.is_empty()).collect();
            expected.extend(reloads.then_some("reload web.service"));
            assert_eq!(titles, expected, "{what}, {goes}");
        }
    }
}

#[test]
fn a_backup_goes_when_the_manifest_no_longer_names_it() {
    let mut manifest = Manifest::new("c");
    manifest.entries.push(Entry {
        resource: file("").owned(),
        before: Before::Backup("/backup/a".into()),
    });
    // The second is a run after one that was cut short, or after our file was removed.
    for facts in [with_file("ours\n"), Facts::assumed()] {
        let left = plan(&[], &manifest, &facts);
        assert_eq!(titles(&left), ["put back /a", "record what is ours now"]);
        assert!(
            left.steps[0].script.contains("cp -pP /backup/a "),
            "{}",
            left.steps[0].script
        );
        let last = &left.steps[1].script;
        assert!(last.contains("\nrm -f /backup/a\n"), "{last}");
    }
}

#[test]
fn what_goes_waits_for_the_other_hosts_but_a_vip_of_a_director() {
    let address = |interface: &str| -> Resource {
        let value = serde_json::json!({ "address": "10.0.0.9/32", "interface": interface });
        serde_json::from_value(serde_json::json!({ "address": value })).unwrap()
    };
    let service: Resource = serde_json::from_value(serde_json::json!({ "ipvs": {
        "virtual": { "tcp": "10.0.0.9:80" }, "scheduler": "rr", "real_servers": [],
    } }))
    .unwrap();
    let mut facts = forwarding("0");
    let held = r#"[{"ifname":"lo","flags":[],"addr_info":[{"local":"10.0.0.9","prefixlen":32,"scope":"global"}]}]"#;
    facts.address = Addresses::parse(&Section::from_parts([("json", held)])).unwrap();
    let table = [("table", "-A -t 10.0.0.9:80 -s rr\n")];
    facts.ipvs = crate::fact::ipvs::Ipvs::parse(&Section::from_parts(table)).unwrap();
    for (what, owned, desired, expected) in [
        ("nothing", vec![], vec![], (0, 0)),
        ("only makes", vec![], vec![sysctl("1")], (2, 2)),
        ("only removes", vec![address("lo")], vec![], (0, 2)),
        ("both", vec![address("lo")], vec![sysctl("1")], (2, 4)),
        (
            "a service under keepalived",
            vec![service.clone()],
            vec![sysctl("1")],
            (2, 4),
        ),
        (
            "a director",
            vec![service, address("lo")],
            vec![sysctl("1")],
            (5, 5),
        ),
    ] {
        let mut manifest = Manifest::new("c");
        for resource in owned {
            let before = Before::Absent;
            manifest.entries.push(Entry { resource, before });
        }
        let plan = plan(&desired, &manifest, &facts);
        let (make, remove) = (plan.part(Part::Make), plan.part(Part::Remove));
        assert_eq!(
            (make.end, remove.end),
            expected,
            "{what}: {:?}",
            titles(&plan)
        );
        assert_eq!((make.start, remove.start), (0, make.end), "{what}");
        // Until all is gone, the manifest has it.
        let last = plan.steps[remove].last().map(|step| step.title.as_str());
        assert!(
            last.is_none_or(|title| title == "record what is ours now"),
            "{what}"
        );
    }
}

/// The node script's unit stops when it goes, and takes down what it brought up: also what was there before us, and
/// what is desired on.
#[test]
fn what_stays_is_brought_back_when_the_node_script_goes() {
    let address = |ip: &str| {
        resource(
            serde_json::json!({ "address": { "address": format!("{ip}/32"), "interface": "lo" } }),
        )
    };
    let unit =
        resource(serde_json::json!({ "unit": { "name": "lvsctl-c.service", "reloads": false } }));
    let (adopted, made, desired) = (
        address("10.0.0.1"),
        address("10.0.0.2"),
        address("10.0.0.3"),
    );
    let mut manifest = Manifest::new("c");
    for (resource, before) in [
        (&adopted, Before::Same),
        (&made, Before::Absent),
        (&desired, Before::Absent),
        (&unit, Before::Absent),
    ] {
        manifest.entries.push(Entry {
            resource: resource.clone(),
            before,
        });
    }
    let facts = with_unit("lvsctl-c.service", true, Facts::assumed());
    let plan = plan(std::slice::from_ref(&desired), &manifest, &facts);
    let back: Vec<&str> = titles(&plan)
        .into_iter()
        .filter(|title| title.starts_with("bring"))
        .collect();
    assert_eq!(
        back,
        [
            "bring address 10.0.0.3/32 dev lo back",
            "bring address 10.0.0.1/32 dev lo back"
        ]
    );
    let at = |start: &str| titles(&plan).iter().position(|t| t.starts_with(start));
    assert!(
        at("stop lvsctl-c.service") < at("bring"),
        "{:?}",
        titles(&plan)
    );
}

/// A master whose virtual service goes first refuses clients until keepalived has handed the VIP over.
#[test]
fn keepalived_stops_before_its_services_go() {
    let unit = resource(serde_json::json!({ "unit": { "name": "keepalived.service" } }));
    let ipvs = resource(serde_json::json!({ "ipvs": {
        "virtual": { "tcp": "10.0.0.9:80" }, "scheduler": "rr", "keepalived": true, "real_servers": [],
    } }));
    let mut manifest = Manifest::new("c");
    for resource in [sysctl("1"), unit, ipvs] {
        manifest.entries.push(Entry {
            resource,
            before: Before::Absent,
        });
    }
    let mut facts = with_unit("keepalived.service", true, forwarding("1"));
    facts.ipvs = crate::fact::ipvs::Ipvs::parse(&Section::from_parts([(
        "table",
        "-A -t 10.0.0.9:80 -s rr\n",
    )]))
    .unwrap();
    let plan = plan(&[], &manifest, &facts);
    let titles = titles(&plan);
    let at = |start: &str| titles.iter().position(|title| title.starts_with(start));
    assert!(at("stop keepalived.service").is_some(), "{titles:?}");
    assert!(
        at("stop keepalived.service") < at("remove service"),
        "{titles:?}"
    );
}

#[test]
fn a_part_that_was_stopped_is_noted() {
    let mut unit = unit(&[]);
    let Resource::Unit(own) = &mut unit else {
        panic!("a unit")
    };
    own.name = "lvsctl-c.service".to_owned();
    for (desired, active, noted) in [
        (vec![unit.clone()], false, true),
        (vec![unit.clone()], true, false),
        (Vec::new(), false, false),
    ] {
        let facts = with_unit("lvsctl-c.service", active, Facts::assumed());
        let plan = plan(&desired, &Manifest::new("c"), &facts);
        let notes = plan.notes.join("\n");
        assert_eq!(notes.contains("lvsctl start --limit"), noted, "{notes}");
    }
}

#[test]
fn a_change_that_cannot_be_made_says_why() {
    let module = resource(serde_json::json!({ "module": { "name": "ip_vs" } }));
    let mut facts = forwarding("0");
    facts.module = Modules::of([("ip_vs", State::Unknown)]);
    let plan = plan(&[sysctl("1"), module], &Manifest::new("c"), &facts);
    let refused: Vec<(&str, bool)> = plan
        .changes
        .iter()
        .map(|change| (change.kind, change.refused.is_some()))
        .collect();
    assert_eq!(refused, [("sysctl", false), ("module", true)]);
    assert_eq!(plan.refusals.len(), 1);
}
