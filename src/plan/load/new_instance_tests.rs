use super::*;

#[test]
fn an_instance_that_begins_anew_is_announced() {
    for (what, before, after, begins) in [
        (
            "another id",
            "a 10 eth0 10.0.0.1/32",
            "a 11 eth0 10.0.0.1/32",
            true,
        ),
        (
            "another interface",
            "a 10 eth0 10.0.0.1/32",
            "a 10 eth1 10.0.0.1/32",
            true,
        ),
        (
            "unicast",
            "a 10 eth0 10.0.0.1/32",
            "a 10 eth0 10.0.0.1/32 @10.0.0.8",
            true,
        ),
        (
            "another source",
            "a 10 eth0 10.0.0.1/32 @10.0.0.7",
            "a 10 eth0 10.0.0.1/32 @10.0.0.8",
            true,
        ),
        (
            "another name",
            "a 10 eth0 10.0.0.1/32",
            "b 10 eth0 10.0.0.1/32",
            false,
        ),
        (
            "another VIP",
            "a 10 eth0 10.0.0.1/32",
            "b 10 eth0 10.0.0.2/32",
            false,
        ),
    ] {
        let made = made(
            &file(&[before]),
            &file(&[after]),
            [Some(&["10.0.0.1"]), Some(&[])],
            &[],
            &[],
        );
        let said = made.plans[0]
            .notes
            .iter()
            .any(|note| note.contains("begins anew"));
        assert_eq!(said, begins, "{what}: {:?}", made.plans[0].notes);
    }
}

/// The holder takes the VIPs at once, and meanwhile its backup does not.
#[test]
fn an_instance_that_begins_anew_is_started_by_its_holder() {
    let (before, after) = (
        file(&["a 10 eth0 10.0.0.1/32"]),
        file(&["a 11 eth0 10.0.0.1/32"]),
    );
    let both = file(&["a 10 eth0 10.0.0.1/32", "b 20 eth0 10.0.0.2/32"]);
    let both_anew = file(&["a 11 eth0 10.0.0.1/32", "b 21 eth0 10.0.0.2/32"]);
    let one: Option<&[&str]> = Some(&["10.0.0.1"]);
    let other: Option<&[&str]> = Some(&["10.0.0.2"]);
    let none: Option<&[&str]> = Some(&[]);
    let absent = [Absent {
        instance: "a",
        host: "lb3",
    }];
    for (what, before, after, holds, absent, owner) in [
        ("one holder", &before, &after, [one, none], &[][..], Some(0)),
        (
            "the backup holds",
            &before,
            &after,
            [none, one],
            &[],
            Some(1),
        ),
        (
            "a member is not part of the run",
            &before,
            &after,
            [one, none],
            &absent,
            None,
        ),
        ("each holds one", &both, &both_anew, [one, other], &[], None),
        ("none holds it", &before, &after, [none, none], &[], None),
    ] {
        let made = made(before, after, holds, &[], absent);
        for (at, plan) in made.plans.iter().enumerate() {
            let load = plan.load.clone().expect("keepalived reloads");
            let is_owner = plan.steps[load.last].script.contains("priority 255");
            assert_eq!(is_owner, owner == Some(at), "{what}: {}", plan.host);
            let waits = load.first < load.last;
            assert_eq!(
                waits,
                owner.is_some_and(|owner| owner != at),
                "{what}: {}",
                plan.host
            );
            if waits {
                assert!(
                    plan.steps[load.first].script.contains("advert_int 40"),
                    "{what}"
                );
                assert!(
                    !plan.steps[load.last].script.contains("advert_int 40"),
                    "{what}"
                );
            }
            let note = plan.notes.iter().find(|note| note.contains("begins anew"));
            if let Some(note) = note {
                assert_eq!(
                    note.ends_with("less than a second"),
                    owner.is_some(),
                    "{what}: {note}"
                );
            }
        }
    }
}

/// A backup discards adverts that are not what its file says. It must not take over meanwhile.
#[test]
fn a_backup_that_would_discard_adverts_waits() {
    let vip = "main 10 eth0 10.0.0.1/32";
    for (what, before, after, waits) in [
        (
            "another password",
            "main 10 eth0 10.0.0.1/32 *a",
            "main 10 eth0 10.0.0.1/32 *b",
            true,
        ),
        (
            "a longer interval",
            vip,
            "main 10 eth0 10.0.0.1/32 ~2",
            true,
        ),
        (
            "a shorter interval",
            "main 10 eth0 10.0.0.1/32 ~3",
            vip,
            true,
        ),
        (
            "VRRPv3 says its interval",
            "main 10 eth0 fd00::1/128",
            "main 10 eth0 fd00::1/128 ~2",
            false,
        ),
        (
            "another VIP, which it does not compare",
            vip,
            "main 10 eth0 10.0.0.1/32,10.0.0.2/32",
            false,
        ),
    ] {
        let held: Option<&[&str]> = Some(&["10.0.0.1", "fd00::1"]);
        let none: Option<&[&str]> = Some(&[]);
        let made = made(&file(&[before]), &file(&[after]), [held, none], &[], &[]);
        let waiting = made.plans.iter().map(|plan| {
            plan.load
                .as_ref()
                .is_some_and(|load| load.first < load.last)
        });
        assert_eq!(waiting.collect::<Vec<_>>(), [false, waits], "{what}");
    }
    let old = file(&[vip]).replace(SKIPS, "");
    let after = file(&["main 10 eth0 10.0.0.1/32,10.0.0.2/32"]);
    let held: Option<&[&str]> = Some(&["10.0.0.1"]);
    let made = made(&old, &after, [held, Some(&[])], &[], &[]);
    assert_eq!(
        titles(&made.plans[1])[1],
        "reload keepalived.service so that it does not take over main"
    );
}

#[test]
fn a_vip_that_no_director_holds_is_set_again() {
    let text = file(&["a 10 eth0 10.0.0.1/32", "b 11 eth0 10.0.0.2/32"]);
    let mut idle = HostPlan {
        changes: Vec::new(),
        steps: Vec::new(),
        ..plan("lb1", "reload")
    };
    take_again(
        &mut idle,
        &set(&["10.0.0.2"]),
        "systemctl reload keepalived",
    );
    assert_eq!(titles(&idle), ["reload keepalived.service"]);
    assert!(!idle.is_empty());
    let made = made(
        &text,
        &text,
        [Some(&["10.0.0.1"]), Some(&[])],
        &["10.0.0.2"],
        &[],
    );
    for plan in &made.plans {
        assert_eq!(
            titles(plan)[1..3],
            [
                "reload keepalived.service without 10.0.0.2",
                "reload keepalived.service"
            ]
        );
    }
}

#[test]
fn what_a_limit_leaves_is_said_beforehand() {
    let (one, two) = (
        file(&["main 10 eth0 10.0.0.1/32"]),
        file(&["main 10 eth0 10.0.0.1/32,10.0.0.2/32"]),
    );
    let old = one.replace(SKIPS, "");
    let absent = |host| {
        [Absent {
            instance: "main",
            host,
        }]
    };
    let holder: [Option<&[&str]>; 2] = [Some(&["10.0.0.1"]), Some(&[])];
    for (what, before, host, says) in [
        ("a backup alone", &one, 1, Some("warning: the adverts")),
        (
            "the holder alone",
            &one,
            0,
            Some("until `lvsctl apply` reaches it, it takes over with the old ones"),
        ),
        (
            "the holder, whose backups check",
            &old,
            0,
            Some("warning: the adverts"),
        ),
        (
            "what is not read yet",
            &two,
            1,
            Some("has not read its file yet"),
        ),
    ] {
        let made = made(before, &two, holder, &[], &absent("lb3"));
        let note = made.plans[host].notes.first().map(String::as_str);
        assert!(
            note.is_some_and(|note| note.contains(says.unwrap())),
            "{what}: {note:?}"
        );
    }
    let rest = file(&["other 10 eth0 10.0.0.1/32"]);
    let made = made(&one, &rest, holder, &[], &absent("lb3"));
    assert!(made.plans.iter().all(|plan| plan.notes.is_empty()));
}

#[test]
fn a_file_without_some_vips_keeps_one_in_each_instance() {
    let text = file(&[
        "a 10 eth0 10.0.0.1/32",
        "b 11 eth0 10.0.0.2/32,10.0.0.3/32",
        "c 12 eth0 fd00::1/128",
    ]);
    for (gone, lists) in [
        (vec![], ["10.0.0.1", "10.0.0.2 10.0.0.3", "fd00::1"]),
        (vec!["10.0.0.2"], ["10.0.0.1", "10.0.0.3", "fd00::1"]),
        (
            vec!["10.0.0.1"],
            ["169.254.112.10", "10.0.0.2 10.0.0.3", "fd00::1"],
        ),
        (
            vec!["10.0.0.2", "10.0.0.3", "fd00::1"],
            ["10.0.0.1", "169.254.112.11", "fe80::70:c"],
        ),
    ] {
        let left = instances(&without(&text, &set(&gone)));
        let found: Vec<String> = left
            .iter()
            .map(|instance| {
                instance
                    .vips
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(found, lists, "{gone:?}");
    }
}
