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
        let left = spoken(&without(&text, &set(&gone)));
        let found: Vec<String> = left
            .iter()
            .map(|spoken| {
                spoken
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
