//! The health checker of directors without keepalived: what it decides from answer to answer. The shell functions are
//! the shipped ones; ipvsadm is one that records its arguments. A lab shows the whole of it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::resource::{Distribution, Resource};

use crate::support::roles::built_in;

fn script() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/health-checker.yaml");
    let loaded = inventory::load(&path, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(120, false)));
    let roles = built_in();
    let director = &loaded.cluster.hosts[0];
    let all = roles
        .over(&loaded.cluster)
        .of(director, &Distribution::assumed())
        .expect("resources");
    let file = all.into_iter().find_map(|resource| match resource {
        Resource::File(file) if file.path.ends_with("-health") => Some(file.content),
        _ => None,
    });
    file.expect("a health checker")
}

/// Gives results to `judge`, one after another; returns the arguments of ipvsadm and how long each wait is.
/// `+` and `-` are answers; `!` makes ipvsadm fail until the next `!`; `0` and `7` are weights that an administrator sets.
fn judged(results: &str) -> Vec<String> {
    let script = script();
    let (functions, _) = script
        .split_once("# One loop per")
        .expect("functions, then loops");
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = format!(
        "RUNTIME_DIRECTORY={}\n{functions}\nbroken= w=7\nipvsadm() {{\n\
         if [ \"$1\" = -Sn ]; then echo \"-a -t 1.2.3.4:80 -r 1.2.3.5:80 -g -w $w\"; return; fi\n\
         [ -z \"$broken\" ] && w=$8 && echo \"weight $8\"; }}\n",
        folder.path().display()
    );
    for result in results.chars() {
        text.push_str(&match result {
            '0' | '7' => format!("w={result}\n"),
            '!' => "[ -z \"$broken\" ] && broken=1 || broken=\n".to_owned(),
            result => format!(
                "judge {} web '-t 1.2.3.4:80' 1.2.3.5:80 -g 7 3 2 6 2\necho \"pause $pause\"\n",
                u8::from(result == '-')
            ),
        });
    }
    let output = Command::new("dash")
        .args(["-c", &text])
        .output()
        .expect("dash");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.is_empty(), "{error}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// What stops it is no failure, which systemd would keep and show.
#[test]
fn it_ends_well_when_it_is_stopped() {
    let script = script();
    let (_, loops) = script
        .split_once("# One loop per")
        .expect("functions, then loops");
    let (trap, _) = loops.split_once("while :").expect("a trap, then loops");
    let text = format!("#{trap}\nsleep 60 &\necho ready\nwait\n");
    for shell in ["dash", "bash"] {
        let mut child = Command::new(shell)
            .args(["-c", &text])
            .process_group(0)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect(shell);
        let mut ready = [0; 6];
        let out = child.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(out, &mut ready).expect("ready");
        let pid = i32::try_from(child.id()).expect("a pid");
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid),
            nix::sys::signal::Signal::SIGTERM,
        )
        .expect("a signal");
        assert_eq!(child.wait().expect("its end").code(), Some(0), "{shell}");
    }
}

fn decided(results: &str) -> Vec<String> {
    let mut lines = judged(results);
    lines.retain(|line| !line.starts_with("pause") && !line.ends_with("(soft)"));
    lines
}

#[test]
fn one_that_fails_is_asked_again_sooner() {
    let mut lines = judged("+--+---++");
    lines.retain(|line| line.starts_with("pause"));
    let seconds = [6, 2, 2, 6, 2, 2, 6, 6, 6].map(|s| format!("pause {s}"));
    assert_eq!(lines, seconds);
}

#[test]
fn it_decides_from_several_answers() {
    let down = "-t 1.2.3.4:80 1.2.3.5:80: down (hard), weight 0";
    let up = "-t 1.2.3.4:80 1.2.3.5:80: up (hard), weight 7";
    let drained = "-t 1.2.3.4:80 1.2.3.5:80: up (hard), drained before";
    let cases: &[(&str, &[&str])] = &[
        ("+++", &[]),
        ("--+--+", &[]),
        ("---", &["weight 0", down]),
        // An administrator may have made the service anew in between, with its weight.
        ("---7--", &["weight 0", down, "weight 0"]),
        ("---+-++", &["weight 0", down, "weight 7", up]),
        // One that was drained stays so, until an administrator sets its weight.
        ("0---++", &[down, drained]),
        ("0---7-++", &[down, "weight 0", "weight 7", up]),
        ("0+", &[]),
        // What could not be done is done with the next answer.
        ("!---!-", &["weight 0", down]),
        ("---!++!+", &["weight 0", down, "weight 7", up]),
    ];
    for (results, said) in cases {
        assert_eq!(decided(results), *said, "{results}");
    }
}

/// What the sorry server's part of the script does with a table: each letter is a real server of weight 1 (`+`) or 0
/// (`-`), and `s` the sorry server.
fn stands_in(table: &str) -> String {
    let script = script();
    let (functions, _) = script
        .split_once("# One loop per")
        .expect("functions, then loops");
    let line = |(index, one): (usize, char)| match one {
        's' => "-a -t 1.2.3.4:80 -r 1.2.3.9:80 -g -w 1\n".to_owned(),
        _ => format!(
            "-a -t 1.2.3.4:80 -r 1.2.3.1{index}:80 -g -w {}\n",
            u8::from(one == '+')
        ),
    };
    let lines: String = table.chars().enumerate().map(line).collect();
    // Another service, whose real server serves.
    let table = format!("{lines}-a -t 1.2.3.4:8080 -r 1.2.3.12:8080 -g -w 1\n");
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "RUNTIME_DIRECTORY={}\n{functions}\nipvsadm() {{\n\
         if [ \"$1\" = -Sn ]; then printf '%s' '{table}'; else echo \"ipvsadm $*\"; fi; }}\n\
         stand_in '-t 1.2.3.4:80' 1.2.3.9:80 -g\n",
        folder.path().display()
    );
    let shells = ["dash", "bash"].map(|shell| {
        let output = Command::new(shell)
            .args(["-c", &text])
            .output()
            .expect(shell);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.is_empty(), "{error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    assert_eq!(shells[0], shells[1]);
    shells[0].lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_sorry_server_is_in_while_no_real_server_has_weight() {
    let add = "ipvsadm -a -t 1.2.3.4:80 -r 1.2.3.9:80 -g -w 1";
    let remove = "ipvsadm -d -t 1.2.3.4:80 -r 1.2.3.9:80";
    for (table, does) in [
        ("++", ""),
        ("+-", ""),
        ("--", add),
        ("-", add),
        ("--s", ""),
        ("+-s", remove),
        ("++s", remove),
        // The service is being made, and has no real server yet.
        ("", ""),
        ("s", ""),
    ] {
        assert_eq!(stands_in(table), does, "{table:?}");
    }
}
