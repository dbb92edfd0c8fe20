use super::super::Part;
use super::*;
use crate::keepalived::CONFIGURATION;

/// `name id interface vips`, and `@source` after them for unicast.
fn file(instances: &[&str]) -> String {
    let mut text = format!("global_defs {{\n    {SKIPS}\n}}\n");
    for instance in instances {
        let mut words = instance.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (name, id, interface, vips, source) = (word(), word(), word(), word(), word());
        let _ = writeln!(
            text,
            "vrrp_instance {name} {{\n    interface {interface}\n    virtual_router_id {id}"
        );
        if let Some(source) = source.strip_prefix('@') {
            let _ = writeln!(
                text,
                "    unicast_src_ip {source}\n    unicast_peer {{\n        10.0.0.9\n    }}"
            );
        }
        if let Some(pass) = source.strip_prefix('*') {
            let _ = writeln!(
                text,
                "    authentication {{\n        auth_type PASS\n        auth_pass {pass}\n    }}"
            );
        }
        if let Some(interval) = source.strip_prefix('~') {
            let _ = writeln!(text, "    advert_int {interval}");
        }
        text.push_str("    virtual_ipaddress {\n");
        for vip in vips.split(',') {
            let _ = writeln!(text, "        {vip} dev {interface}");
        }
        text.push_str("    }\n}\n");
    }
    text
}

fn set(vips: &[&str]) -> BTreeSet<IpAddr> {
    vips.iter().map(|vip| vip.parse().unwrap()).collect()
}

/// A director's plan that reloads or starts keepalived.
fn plan(host: &str, verb: &str) -> HostPlan {
    let change = Change::new(Unit::NAME, KEEPALIVED, Action::Update)
        .step(
            format!("{verb} {KEEPALIVED}"),
            format!("systemctl {verb} keepalived"),
        )
        .effect(Effect::LoadsKeepalived);
    let write = Change::new("file", CONFIGURATION, Action::Update).step("write the file", "cat");
    let after = Change::new("ipvs", "-t 10.0.0.1:80", Action::Update).step("edit", "ipvsadm");
    let changes = vec![write, change, after];
    HostPlan {
        host: host.to_owned(),
        steps: changes.iter().flat_map(|c| c.steps.clone()).collect(),
        changes,
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        replaces: Default::default(),
        load: None,
    }
}

struct Made {
    first: Vec<String>,
    plans: Vec<HostPlan>,
}

/// Two directors that read a file in the place of another; `holds` has what each holds, none where keepalived is to start.
fn made(
    before: &str,
    after: &str,
    holds: [Option<&[&str]>; 2],
    lost: &[&str],
    absent: &[Absent],
) -> Made {
    made_of([before, before], after, holds, lost, absent)
}

/// The same, where each director has another file before.
fn made_of(
    before: [&str; 2],
    after: &str,
    holds: [Option<&[&str]>; 2],
    lost: &[&str],
    absent: &[Absent],
) -> Made {
    let desired = File {
        path: CONFIGURATION.to_owned(),
        content: after.to_owned(),
        mode: "0640".to_owned(),
        check: None,
    };
    let verb = |holds: Option<&[&str]>| if holds.is_some() { "reload" } else { "start" };
    let mut plans = vec![plan("lb1", verb(holds[0])), plan("lb2", verb(holds[1]))];
    let mut directors: Vec<Director> = plans
        .iter_mut()
        .zip(&holds)
        .zip(before)
        .map(|((plan, holds), before)| Director {
            before,
            after: &desired,
            revealed: after,
            runs: holds.is_some(),
            holds: set(holds.unwrap_or_default()),
            plan,
        })
        .collect();
    let first = coordinate(&mut directors, &set(lost), absent);
    Made { first, plans }
}

fn titles(plan: &HostPlan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

/// With different passwords both hold the VIPs; with the same one, the lower priority gives them up.
#[test]
fn a_vip_that_two_directors_hold_is_not_waited_for() {
    let (before, after) = (
        file(&["main 10 eth0 10.0.0.1/32 *a"]),
        file(&["main 10 eth0 10.0.0.1/32 *b"]),
    );
    for (what, second, waits) in [
        ("one holds it", Some(&[][..]), true),
        ("both hold it", Some(&["10.0.0.1"][..]), false),
    ] {
        let made = made(&before, &after, [Some(&["10.0.0.1"]), second], &[], &[]);
        for plan in &made.plans {
            let mut scripts = plan.steps.iter().map(|step| &step.script);
            let found = scripts.any(|script| script.contains("10.0.0.1 not set"));
            assert_eq!(found, waits && plan.host == "lb1", "{what}: {}", plan.host);
        }
    }
}

/// A backup whose file was changed by hand holds that file's VIP beside the master. With the right file it is a backup again.
#[test]
fn a_vip_that_another_director_holds_is_not_waited_for() {
    let right = file(&["main 10 eth0 10.0.0.1/32"]);
    let other = file(&["main 10 eth0 10.0.0.7/32"]);
    let holds = [Some(&["10.0.0.1"][..]), Some(&["10.0.0.7"][..])];
    let made = made_of([&right, &other], &right, holds, &[], &[]);
    let steps = made.plans[1].steps.iter();
    let text: String = steps.map(|step| step.script.as_str()).collect();
    assert!(!text.contains("10.0.0.1 not set"), "{text}");
    assert!(text.contains("10.0.0.7 not dropped"), "{text}");
}

#[test]
fn what_changes_the_adverts_is_taken_in_by_the_holder_first() {
    let one = "main 10 eth0 10.0.0.1/32";
    for (what, before, after, ordered) in [
        (
            "a VIP comes",
            vec![one],
            vec!["main 10 eth0 10.0.0.1/32,10.0.0.2/32"],
            true,
        ),
        (
            "a VIP goes",
            vec!["main 10 eth0 10.0.0.1/32,10.0.0.2/32"],
            vec![one],
            true,
        ),
        (
            "a VIP in the place of another",
            vec![one],
            vec!["main 10 eth0 10.0.0.2/32"],
            true,
        ),
        (
            "another password",
            vec!["main 10 eth0 10.0.0.1/32 *a"],
            vec!["main 10 eth0 10.0.0.1/32 *b"],
            true,
        ),
        (
            "a password comes",
            vec![one],
            vec!["main 10 eth0 10.0.0.1/32 *b"],
            true,
        ),
        (
            "another interval",
            vec![one],
            vec!["main 10 eth0 10.0.0.1/32 ~2"],
            true,
        ),
        (
            "another id",
            vec![one],
            vec!["main 11 eth0 10.0.0.1/32"],
            true,
        ),
        (
            "unicast",
            vec![one],
            vec!["main 10 eth0 10.0.0.1/32 @10.0.0.8"],
            true,
        ),
        (
            "an instance comes",
            vec![one],
            vec![one, "b 11 eth0 10.0.0.2/32"],
            true,
        ),
        (
            "an instance goes",
            vec![one, "b 11 eth0 10.0.0.2/32"],
            vec![one],
            true,
        ),
        ("a file that is not read yet", vec![one], vec![one], true),
        (
            "another name",
            vec![one],
            vec!["other 10 eth0 10.0.0.1/32"],
            false,
        ),
        (
            "another way to write the interval",
            vec![one],
            vec!["main 10 eth0 10.0.0.1/32 ~1.0"],
            false,
        ),
        (
            "another prefix",
            vec![one],
            vec!["main 10 eth0 10.0.0.1/24"],
            false,
        ),
    ] {
        let made = made(
            &file(&before),
            &file(&after),
            [Some(&["10.0.0.1"]), Some(&[])],
            &[],
            &[],
        );
        let first: &[String] = if ordered { &["lb1".to_owned()] } else { &[] };
        assert_eq!(made.first, first, "{what}");
        let steps = made.plans[0].load.clone();
        assert_eq!(
            steps,
            ordered.then_some(Steps { first: 1, last: 1 }),
            "{what}"
        );
    }
}

#[test]
fn who_holds_the_vips_reloads_first_whatever_its_priority() {
    let (before, after) = (
        file(&["main 10 eth0 10.0.0.1/32"]),
        file(&["main 10 eth0 10.0.0.1/32,10.0.0.2/32"]),
    );
    let vip: Option<&[&str]> = Some(&["10.0.0.1"]);
    for (holds, first) in [
        ([vip, Some(&[])], vec!["lb1"]),
        ([Some(&[]), vip], vec!["lb2"]),
        // A director that starts comes after the one that runs.
        ([vip, None], vec!["lb1"]),
        ([None, vip], vec!["lb2"]),
        ([Some(&[]), Some(&[])], vec![]),
        ([None, None], vec![]),
    ] {
        let made = made(&before, &after, holds, &[], &[]);
        assert_eq!(made.first, first, "{holds:?}");
        let loads = made.plans.iter().filter(|plan| plan.load.is_some()).count();
        let expected = if holds == [None, None] { 0 } else { 2 };
        assert_eq!(loads, expected, "{holds:?}");
    }
}

#[test]
fn the_holder_is_waited_for() {
    let (before, after) = (
        file(&["main 10 eth0 10.0.0.1/32,10.0.0.3/32"]),
        file(&["main 10 eth0 10.0.0.1/32,10.0.0.2/32"]),
    );
    let made = made(
        &before,
        &after,
        [Some(&["10.0.0.1", "10.0.0.3"]), Some(&[])],
        &[],
        &[],
    );
    let script = |at: usize| &made.plans[at].steps[1].script;
    for part in [
        "10.0.0.1 not set",
        "10.0.0.2 not set",
        "10.0.0.3 not dropped",
    ] {
        assert!(script(0).contains(part), "{part}: {}", script(0));
        assert!(!script(1).contains(part), "{part}: {}", script(1));
    }
}

/// keepalived loses a VIP that changes between two instances that stay.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn a_vip_that_changes_instances_leaves_before_it_comes() {
    let two = ["a 10 eth0 10.0.0.1/32", "b 11 eth0 10.0.0.2/32,10.0.0.3/32"];
    for (what, before, after, moves) in [
        (
            "ids are swapped",
            vec!["a 10 eth0 10.0.0.1/32", "b 11 eth0 10.0.0.2/32"],
            vec!["a 11 eth0 10.0.0.1/32", "b 10 eth0 10.0.0.2/32"],
            vec!["10.0.0.1", "10.0.0.2"],
        ),
        (
            "to the first",
            two.to_vec(),
            vec!["a 10 eth0 10.0.0.1/32,10.0.0.2/32", "b 11 eth0 10.0.0.3/32"],
            vec!["10.0.0.2"],
        ),
        (
            "to the second",
            two.to_vec(),
            vec![
                "a 10 eth0 10.0.0.4/32",
                "b 11 eth0 10.0.0.1/32,10.0.0.2/32,10.0.0.3/32",
            ],
            vec!["10.0.0.1"],
        ),
        (
            "from one that ends",
            two.to_vec(),
            vec!["a 10 eth0 10.0.0.1/32,10.0.0.2/32,10.0.0.3/32"],
            vec!["10.0.0.2", "10.0.0.3"],
        ),
        (
            "between interfaces",
            vec!["a 10 eth0 10.0.0.1/32", "b 10 eth1 10.1.0.1/32"],
            vec!["a 10 eth0 10.0.0.2/32", "b 10 eth1 10.1.0.1/32,10.0.0.1/32"],
            vec!["10.0.0.1"],
        ),
        (
            "between families",
            vec!["a 10 eth0 10.0.0.1/32", "b 10 eth0 fd00::1/128,fd00::2/128"],
            vec!["a 10 eth0 10.0.0.1/32", "b 10 eth0 fd00::1/128,fd00::2/128"],
            vec![],
        ),
        (
            "names are swapped",
            two.to_vec(),
            vec!["b 10 eth0 10.0.0.1/32", "a 11 eth0 10.0.0.2/32,10.0.0.3/32"],
            vec![],
        ),
        (
            "an instance is renamed",
            two.to_vec(),
            vec!["c 10 eth0 10.0.0.1/32", two[1]],
            vec![],
        ),
        ("an instance is deleted", two.to_vec(), vec![two[0]], vec![]),
        (
            "to one that begins",
            two.to_vec(),
            vec![two[0], "b 11 eth0 10.0.0.2/32", "c 12 eth0 10.0.0.3/32"],
            vec![],
        ),
        (
            "another prefix",
            vec![two[0]],
            vec!["a 10 eth0 10.0.0.1/24"],
            vec![],
        ),
        (
            "another interface in all",
            vec![two[0]],
            vec!["a 10 eth1 10.0.0.1/32"],
            vec![],
        ),
        (
            "the other order of instances",
            two.to_vec(),
            vec![two[1], two[0]],
            vec![],
        ),
    ] {
        let (before, after) = (file(&before), file(&after));
        let found: Vec<String> = moved(&instances(&before), &instances(&after))
            .keys()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, moves, "{what}");
        let made = made(
            &before,
            &after,
            [Some(&["10.0.0.1", "10.0.0.2"]), Some(&[])],
            &[],
            &[],
        );
        for plan in &made.plans {
            let twice = titles(plan).iter().any(|title| title.contains(" without "));
            assert_eq!(twice, !moves.is_empty(), "{what}: {:?}", titles(plan));
            let notes = plan
                .notes
                .iter()
                .filter(|note| note.contains("reloads twice"))
                .count();
            assert_eq!(notes, moves.len(), "{what}: {:?}", plan.notes);
            if twice {
                assert_eq!(plan.load, Some(Steps { first: 1, last: 2 }), "{what}");
                let parts = [
                    Part::Make,
                    Part::GiveUp,
                    Part::Load,
                    Part::Finish,
                    Part::Remove,
                ];
                assert_eq!(
                    parts.map(|part| plan.part(part)),
                    [0..1, 1..2, 2..3, 3..4, 4..4],
                    "{what}"
                );
            }
        }
    }
}

#[path = "new_instance_tests.rs"]
mod new_instance;
