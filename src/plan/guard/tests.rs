use super::*;
use crate::fact::Facts;
use crate::plan;
use crate::plan::manifest::Manifest;
use crate::resource::service_manager::ServiceManager;
use crate::secret::Secrets;
use std::process::{Command, Stdio};

fn wanted() -> Vec<Resource> {
    let file = |path: &str| serde_json::json!({ "file": { "path": path, "content": "x\n" } });
    [
        file("/etc/a"),
        file("/etc/ssh/b"),
        file("/etc/c"),
        file("/etc/ssh/d"),
        file("/etc/e"),
    ]
    .into_iter()
    .map(|value| serde_json::from_value(value).expect("a resource"))
    .collect()
}

fn with_plan<T>(look: impl FnOnce(&HostPlan, &Basis) -> T) -> T {
    let (wanted, manifest, facts) = (wanted(), Manifest::new("t"), Facts::assumed());
    let basis = Basis {
        wanted: &wanted,
        manifest: &manifest,
        others: &[],
        facts: &facts,
        secrets: &Secrets::new(),
        scope: None,
    };
    look(&plan::host("h", &basis), &basis)
}

/// Steps: 0 records, 1 to 5 write the files, 6 would record again where something goes.
#[test]
fn the_steps_that_are_guarded() {
    with_plan(|plan, basis| {
        let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
        assert_eq!(titles.first(), Some(&RECORD), "{titles:?}");
        let ssh = Some(Way::Unknown);
        for (what, way, part, extent, window, proves) in [
            ("all steps", ssh, 0..6, Extent::WayIn, Some(2..5), 2),
            ("the first part", ssh, 0..3, Extent::WayIn, Some(2..3), 1),
            ("the last part", ssh, 3..6, Extent::WayIn, Some(4..5), 1),
            ("a part without", ssh, 5..6, Extent::WayIn, None, 0),
            ("no SSH", None, 0..6, Extent::WayIn, None, 0),
            ("all is confirmed", ssh, 0..6, Extent::All, Some(1..6), 5),
            (
                "the same without SSH",
                None,
                0..6,
                Extent::All,
                Some(1..6),
                5,
            ),
            ("what is recorded alone", ssh, 0..1, Extent::All, None, 0),
            ("a director", ssh, 0..6, Extent::Rollback, Some(1..6), 5),
        ] {
            let guard = of(plan, basis, way, part, extent);
            assert_eq!(guard.as_ref().map(|g| g.window.clone()), window, "{what}");
            assert_eq!(guard.map_or(0, |g| g.proves.len()), proves, "{what}");
        }
    });
}

#[test]
fn what_is_put_back() {
    with_plan(|plan, basis| {
        for (extent, files, more) in [
            (Extent::WayIn, 2, &["put_ssh \"$k\"/ssh"][..]),
            (
                Extent::All,
                5,
                &["put_ssh \"$k\"/ssh", "put_filter \"$k\"/filter"],
            ),
            (Extent::Rollback, 5, &[]),
        ] {
            let guard = of(plan, basis, Some(Way::Unknown), 0..6, extent).expect("a guard");
            let back: Vec<&str> = guard.undo.iter().map(|undo| undo.back.as_str()).collect();
            let of_files = back.iter().filter(|b| b.starts_with("put_file /etc/"));
            assert_eq!(of_files.count(), files, "{back:?}");
            for one in more {
                assert!(back.contains(one), "{extent:?}: {back:?}");
            }
            // What was recorded before the first change is recorded still.
            let last = back.last().copied().unwrap_or_default();
            assert!(
                last.starts_with("put_file /var/lib/lvsctl/t.json"),
                "{last}"
            );
        }
    });
}

#[test]
fn what_was_new_stops_first_and_units_start_last() {
    let facts = Facts::assumed();
    let resources = [
        serde_json::json!({ "address": { "address": "10.0.0.5/32", "interface": "eth0" } }),
        serde_json::json!({ "unit": { "name": "x.service" } }),
        serde_json::json!({ "file": { "path": "/etc/x" } }),
        serde_json::json!({ "sysctl": { "name": "net.ipv4.ip_forward", "value": "1" } }),
    ];
    let resources: Vec<Resource> = resources
        .into_iter()
        .map(|value| serde_json::from_value(value).expect("a resource"))
        .collect();
    let changes: Vec<Change> = resources
        .iter()
        .map(|r| Change::new(r.kind(), r.key(), crate::resource::Action::Create))
        .collect();
    let basis = Basis {
        wanted: &resources,
        manifest: &Manifest::new("t"),
        others: &[],
        facts: &facts,
        secrets: &Secrets::new(),
        scope: None,
    };
    let all: Vec<&Change> = changes.iter().collect();
    let undo = undo(&all, &basis, None, Extent::Rollback, &[]);
    let back: Vec<&str> = undo
        .iter()
        .filter_map(|undo| undo.back.split_whitespace().next())
        .collect();
    // The value of a sysctl that the host did not show is not known.
    assert_eq!(back, ["put_unit", "put_file", "[", "put_file"], "{undo:?}");
}

/// Each text is one that the shells of hosts read.
#[test]
fn shells_read_the_scripts() {
    with_plan(|plan, basis| {
        let guard = of(plan, basis, Some(Way::Unknown), 0..6, Extent::All).expect("a guard");
        for (seconds, manager) in [
            (Some(120), Some(ServiceManager::Systemd)),
            (Some(120), Some(ServiceManager::Openrc)),
            (Some(120), None),
            (None, None),
        ] {
            let arm = Arm {
                cluster: "t",
                guard: &guard,
                seconds,
                who: "ann's desk",
                manager,
            };
            for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
                let mut child = Command::new(shell[0])
                    .args(&shell[1..])
                    .arg("-n")
                    .stdin(Stdio::piped())
                    .spawn()
                    .unwrap_or_else(|e| panic!("{}: {e}; apt-get install {0}", shell[0]));
                let mut input = child.stdin.take().expect("a pipe");
                std::io::Write::write_all(&mut input, arm.script().as_bytes()).expect("it reads");
                drop(input);
                assert!(
                    child.wait().expect("it ends").success(),
                    "{shell:?} {manager:?}"
                );
            }
        }
    });
}
