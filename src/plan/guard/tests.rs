use super::*;
use crate::fact::Facts;
use crate::plan;
use crate::plan::manifest::Manifest;
use crate::resource::service_manager::ServiceManager;
use crate::secret::Secrets;
use std::process::{Command, Stdio};

fn desired() -> Vec<Resource> {
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
    let (desired, manifest, facts) = (desired(), Manifest::new("t"), Facts::assumed());
    let basis = Basis {
        desired: &desired,
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
        desired: &resources,
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
                lock: "/run/lvsctl-t.lock",
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

/// How a shell of a run stands when the guard fires.
struct Shell {
    what: &'static str,
    /// What it has been sent last; it prints the pid of what works there.
    does: &'static str,
    /// What the guard has recorded, from what it would record.
    recorded: fn(&str) -> String,
    ends: bool,
}

const SHELLS: &[Shell] = &[
    Shell {
        what: "it waits for the next script",
        does: "echo $$",
        recorded: str::to_owned,
        ends: true,
    },
    Shell {
        what: "a step hangs",
        does: "( exec 9>&-; sh -c 'echo $$; exec sleep 1000' )",
        recorded: str::to_owned,
        ends: true,
    },
    Shell {
        what: "a step that ignores SIGTERM hangs",
        does: "( exec 9>&-; trap '' TERM; sh -c 'echo $$; exec sleep 1000' )",
        recorded: str::to_owned,
        ends: true,
    },
    Shell {
        what: "a probe hangs, and has the lock too",
        does: "sh -c 'echo $$; exec sleep 1000'",
        recorded: str::to_owned,
        ends: true,
    },
    Shell {
        what: "the number is that of another process now",
        does: "echo $$",
        recorded: |line| {
            let mut words = line.split(' ');
            let (pid, begun) = (words.next().unwrap(), words.next().unwrap());
            let begun: u64 = begun.parse().expect("ticks");
            format!("{pid} {} {}", begun - 1, words.next().unwrap())
        },
        ends: false,
    },
    Shell {
        what: "the host has booted since",
        does: "echo $$",
        recorded: |line| {
            let words: Vec<&str> = line.split(' ').collect();
            format!("{} {} 0-0", words[0], words[1])
        },
        ends: false,
    },
    Shell {
        what: "nothing is recorded",
        does: "echo $$",
        recorded: |_| String::new(),
        ends: false,
    },
];

/// Whether a process is there and no zombie.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| &rest[..1]);
    state.is_some_and(|state| state != "Z" && state != "X")
}

#[test]
fn a_guard_that_fires_ends_the_shell_that_has_the_lock() {
    std::thread::scope(|scope| {
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            scope.spawn(move || SHELLS.iter().for_each(|case| ends(shell, case)));
        }
    });
}

fn ends(shell: &[&str], case: &Shell) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let what = format!("{}, {shell:?}", case.what);
    let place = tempfile::tempdir().expect("a folder");
    let at = |name: &str| place.path().join(name).display().to_string();
    std::fs::write(
        at("run"),
        script::program("t", &place.path().display().to_string(), &at("lock")),
    )
    .expect("the program");
    let mut child = Command::new(shell[0])
        .args(&shell[1..])
        .arg("-s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}; apt-get install {0}", shell[0]));
    let mut input = child.stdin.take().expect("a pipe");
    let lock = at("lock");
    writeln!(
        input,
        "exec 9>>{lock}; flock -n 9; trap 'rm -f {lock}' EXIT; trap 'exit 143' TERM\n{}",
        case.does
    )
    .expect("it reads");
    let mut pid = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    output.read_line(&mut pid).expect("a pid");
    let pid = pid.trim();
    assert!(lives(pid), "{what}: {pid}");

    let run = |text: &str| {
        let done = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", text])
            .output()
            .expect("a shell");
        assert!(done.status.success(), "{what}: {text}: {done:?}");
    };
    run(&format!(
        "{} {} shell {}",
        shell.join(" "),
        at("run"),
        child.id()
    ));
    let recorded = std::fs::read_to_string(at("shell")).expect("a record");
    std::fs::write(at("shell"), (case.recorded)(&recorded)).expect("a record");
    run(&format!(". {}; end_shell", at("run")));
    // Its file goes with the lock, and only then.
    let file = std::path::Path::new(&lock).exists();
    assert_eq!((lives(pid), file), (!case.ends, !case.ends), "{what}");
    if case.ends {
        child.wait().expect("it has ended");
    } else {
        child.kill().expect("a signal");
        child.wait().expect("it ends");
    }
    drop(input);
}
