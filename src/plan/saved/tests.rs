use super::*;
use crate::plan::load;
use crate::resource::change::Step;
use crate::resource::sysctl::Sysctl;

fn resources(value: &str) -> Vec<Resource> {
    vec![Resource::Sysctl(Sysctl {
        name: "net.ipv4.ip_forward".into(),
        value: value.into(),
        instead_of: None,
        if_exists: false,
    })]
}

fn plan(host: &str) -> HostPlan {
    let change = Change::new("sysctl", "net.ipv4.ip_forward", Action::Update)
        .field("value", Some("0"), Some("1"))
        .step("set it", "echo 1");
    HostPlan {
        host: host.to_owned(),
        steps: change.steps.clone(),
        changes: vec![change],
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        replaces: Vec::new(),
        load: None,
    }
}

fn secrets(value: &str) -> Secrets {
    Secrets::from([(SecretSource::Env("PASS".into()), SecretString::from(value))])
}

fn file_with_secret() -> Vec<Resource> {
    let placeholder = SecretSource::Env("PASS".into()).placeholder();
    vec![Resource::File(crate::resource::file::File {
        path: "/etc/a".into(),
        content: format!("auth_pass {placeholder}\n"),
        mode: "0640".into(),
        check: None,
    })]
}

fn saved(plans: &[(&HostPlan, &[Resource])]) -> SavedPlan {
    let file = file_with_secret();
    let hosts = plans
        .iter()
        .map(|(plan, desired)| SavedHost::of(Planned { plan, desired }));
    SavedPlan {
        lvsctl_plan: VERSION,
        lvsctl: env!("CARGO_PKG_VERSION").into(),
        cluster: "t".into(),
        made: Made {
            time: 1,
            by: "ann@desk".into(),
            inventory: "t.yaml".into(),
            revision: None,
        },
        limit: Vec::new(),
        secrets: secret_digests(&secrets("hunter2"), &[&file], || [7; 16]),
        first: vec!["lb1".into()],
        hosts: hosts.collect(),
    }
}

#[test]
fn a_plan_reads_back_and_has_no_secret() {
    let saved = saved(&[(&plan("lb1"), &resources("1"))]);
    let text = serde_json::to_string_pretty(&saved).unwrap();
    assert_eq!(SavedPlan::parse(&text), Ok(saved));
    for hidden in ["hunter2", "echo 1"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    assert!(text.contains("PASS"), "{text}");
}

#[test]
fn what_is_no_plan_is_refused() {
    for (text, want) in [
        ("", "expected a plan of `lvsctl plan --out FILE`"),
        ("cluster: web\n", "expected a plan of"),
        ("{}", "it has no version"),
        ("{\"lvsctl_plan\": 1}", "missing field"),
        ("{\"lvsctl_plan\": 2}", "has version 2, expected 1"),
        ("{\"lvsctl_plan\": 99999999999}", "has version 99999999999"),
        ("{\"lvsctl_plan\": \"1\"}", "it has no version"),
    ] {
        let error = SavedPlan::parse(text).unwrap_err().to_string();
        assert!(error.contains(want), "{text}: {error}");
    }
}

#[test]
fn only_secrets_of_resources_are_in_it() {
    let mut secrets = secrets("hunter2");
    secrets.insert(
        SecretSource::Prompt("login \"x\"".into()),
        SecretString::from("other"),
    );
    let file = file_with_secret();
    let digests = secret_digests(&secrets, &[&file], || [1; 16]);
    let sources: Vec<String> = digests.iter().map(|d| d.source.to_string()).collect();
    assert_eq!(sources, ["environment variable PASS"]);
    // The same secret has another digest with another salt.
    let other = secret_digests(&secrets, &[&file], || [2; 16]);
    assert_ne!(other[0].digest, digests[0].digest);
}

/// A case: the plans of now, who reloads first, the secret, and what must be found.
struct Case {
    name: &'static str,
    plans: Vec<HostPlan>,
    desired: &'static str,
    first: &'static str,
    secret: &'static str,
    want: Vec<(&'static str, &'static str)>,
}

fn same() -> Case {
    Case {
        name: "the same",
        plans: vec![plan("lb1")],
        desired: "1",
        first: "lb1",
        secret: "hunter2",
        want: Vec::new(),
    }
}

fn changed(change: fn(&mut HostPlan)) -> Vec<HostPlan> {
    let mut plan = plan("lb1");
    change(&mut plan);
    vec![plan]
}

#[test]
fn differences_of_hosts() {
    let host = "plan-host-changed";
    compared(vec![
        same(),
        Case {
            name: "other notes",
            plans: changed(|plan| plan.notes.push("drained".into())),
            ..same()
        },
        Case {
            name: "done by hand",
            plans: changed(|plan| {
                plan.changes.clear();
                plan.steps.clear();
            }),
            want: vec![(
                host,
                "sysctl net.ipv4.ip_forward: planned update (value 0 → 1), found nothing to do",
            )],
            ..same()
        },
        Case {
            name: "another value",
            plans: changed(|plan| plan.changes[0].fields[0].from = Some("7".into())),
            want: vec![(
                host,
                "planned update (value 0 → 1), found that it needs update (value 7 → 1)",
            )],
            ..same()
        },
        Case {
            name: "one more change",
            plans: changed(|plan| {
                let more = Change::new("module", "ip_vs", Action::Create);
                plan.changes.push(more);
            }),
            want: vec![(
                host,
                "module ip_vs: planned nothing, found that it needs create",
            )],
            ..same()
        },
        Case {
            name: "another script",
            plans: changed(|plan| plan.steps[0].script.push('2')),
            want: vec![(host, "the same changes need other steps")],
            ..same()
        },
        Case {
            name: "another step",
            plans: changed(|plan| {
                plan.steps.push(Step::new("x", "x", Phase::Main));
            }),
            want: vec![(host, "the same changes need other steps")],
            ..same()
        },
        Case {
            name: "another adopted resource",
            plans: changed(|plan| plan.adopts.push("module ip_vs".into())),
            want: vec![(host, "exist in the desired state already")],
            ..same()
        },
        Case {
            name: "loaded otherwise",
            plans: changed(|plan| plan.load = Some(load::Steps { first: 0, last: 0 })),
            want: vec![(host, "keepalived takes its file in otherwise")],
            ..same()
        },
        Case {
            name: "another director holds the VIPs",
            first: "lb2",
            want: vec![(host, "reload first: lb1; found: lb2")],
            ..same()
        },
    ]);
}

#[test]
fn differences_of_the_inventory() {
    let inventory = "plan-inventory-changed";
    compared(vec![
        Case {
            name: "another inventory",
            desired: "0",
            want: vec![(inventory, "another desired state")],
            ..same()
        },
        Case {
            name: "another secret",
            secret: "hunter3",
            want: vec![(inventory, "the secret from environment variable PASS")],
            ..same()
        },
        Case {
            name: "a host is gone",
            plans: Vec::new(),
            want: vec![(inventory, "and not in the run")],
            ..same()
        },
        Case {
            name: "a host is new",
            plans: vec![plan("lb1"), plan("lb2")],
            want: vec![(inventory, "it is not in the plan")],
            ..same()
        },
    ]);
}

fn compared(cases: Vec<Case>) {
    let saved = saved(&[(&plan("lb1"), &resources("1"))]);
    for case in cases {
        let desired = resources(case.desired);
        let planned: Vec<Planned> = case
            .plans
            .iter()
            .map(|plan| Planned {
                plan,
                desired: &desired,
            })
            .collect();
        let first = [case.first.to_owned()];
        let found = saved.differences(&planned, &first, &secrets(case.secret));
        let kinds: Vec<&str> = found.iter().map(|one| one.kind).collect();
        let want: Vec<&str> = case.want.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, want, "{}: {found:?}", case.name);
        for (one, (_, words)) in found.iter().zip(&case.want) {
            assert!(
                one.message.contains(words),
                "{}: {}",
                case.name,
                one.message
            );
            assert!(!one.message.contains("hunter"), "{}", one.message);
        }
    }
}
