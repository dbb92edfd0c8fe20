use std::process::Command;

use super::*;

fn origin() -> Origin {
    Origin {
        command: "apply",
        cluster: "web".into(),
        inventory: "/srv/web.yaml".into(),
        revision: Some(Revision {
            commit: "1a2b3c4d5e6f".into(),
            dirty: true,
        }),
        by: "ann@desk process 7".into(),
        plan: None,
    }
}

fn plan(changes: usize) -> HostPlan {
    let all = (0..changes).map(|n| {
        Change::new("sysctl", format!("net.ipv4.n{n:03}"), Action::Update)
            .field("value", Some("s3cr3t"), Some("s3cr3t"))
            .step("set it", "echo s3cr3t")
    });
    let changes: Vec<Change> = all.collect();
    HostPlan {
        host: "lb1".into(),
        steps: changes.iter().flat_map(|c| c.steps.clone()).collect(),
        changes,
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        replaces: Vec::new(),
        load: None,
    }
}

fn failed() -> HostError {
    HostError::Step {
        index: 1,
        title: "set it".into(),
        status: 1,
        stderr: "s3cr3t".into(),
    }
}

#[test]
fn lines_of_the_journal() {
    const FROM: &str = "apply of web by ann@desk process 7, inventory /srv/web.yaml at 1a2b3c4d5e6f with uncommitted changes";
    let begins = origin().begins(&plan(2));
    assert_eq!(
        begins,
        format!(
            "{FROM}: begins 2 changes: update sysctl net.ipv4.n000, update sysctl net.ipv4.n001"
        )
    );
    let many = origin().begins(&plan(300));
    assert!(many.len() < 1100, "{many}");
    assert!(many.ends_with(" more"), "{many}");
    for (result, end) in [
        (Ok(()), "done, 2 steps"),
        (
            Err(failed()),
            "ended early (step-failed), 1 of 2 steps done",
        ),
        (
            Err(HostError::Obstacles(Vec::new())),
            "ended early (unsuitable-host), of 2 steps",
        ),
    ] {
        let line = origin().ends(&plan(2), &result);
        assert_eq!(line, format!("{FROM}: {end}"));
    }
    let odd = Origin {
        by: "x\ny\u{1b}[2J".into(),
        ..origin()
    };
    assert!(!odd.begins(&plan(0)).contains(char::is_control));
}

#[test]
fn records_have_no_values() {
    let plans = [plan(0), plan(1), plan(300)];
    let results = [None, Some(Ok(())), Some(Err(failed()))];
    let hosts = plans.iter().zip(results.iter().map(Option::as_ref));
    let record = origin().record((5, 1.23456), &["rs1".to_owned()], "failed", hosts);
    assert!((record.seconds - 1.235).abs() < 1e-9, "{}", record.seconds);
    let outcomes: Vec<_> = record.hosts.iter().map(|h| (h.outcome, h.more)).collect();
    assert_eq!(outcomes, [(Outcome::Changed, 0), (Outcome::Failed, 100)]);
    assert_eq!(record.hosts[1].done, Some(1));
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("s3cr3t"), "{text}");
    assert!(!text.contains('\n'));
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
}

#[test]
fn the_journal_gets_the_line_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let line = "it's $HOME `id` \"x\" \\ LVSCTL_END ; rm -rf /tmp/none";
    for tool in ["logger", "systemd-cat"] {
        let path = folder.path().join(tool);
        let text = format!("#!/bin/sh\n{{ echo \"$0 $*\"; cat; }} >{}\n", log.display());
        std::fs::write(&path, text).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            // Only the tool and what it is made of is found.
            let script = format!("{}wait\n", journal(line));
            let script = script.replace(
                "command -v logger",
                if tool == "logger" { "true" } else { "false" },
            );
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .args(["-eu", "-c", &script])
                .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
                .output()
                .unwrap();
            assert!(output.status.success(), "{shell:?}: {output:?}");
            assert!(output.stdout.is_empty() && output.stderr.is_empty());
            let found = std::fs::read_to_string(&log).unwrap();
            assert!(
                found.contains(&format!("{tool} -t lvsctl\n{line}\n")),
                "{shell:?}: {found}"
            );
            std::fs::remove_file(&log).unwrap();
        }
    }
}

#[test]
fn a_journal_that_hangs_delays_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let hangs = folder.path().join("hangs");
    std::fs::write(&hangs, "").unwrap();
    let logger = folder.path().join("logger");
    let text = format!(
        "#!/bin/sh\nwhile [ -e {} ]; do sleep 0.1; done\n",
        hangs.display()
    );
    std::fs::write(&logger, text).unwrap();
    std::fs::set_permissions(&logger, std::fs::Permissions::from_mode(0o755)).unwrap();
    for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
        // Without the background the script would wait for ever, since `hangs` is removed after it.
        let output = Command::new("timeout")
            .arg("60")
            .args(shell)
            .args(["-eu", "-c", &journal("a line")])
            .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{shell:?}: {output:?}");
    }
    std::fs::remove_file(&hangs).unwrap();
}
