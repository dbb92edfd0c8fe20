//! Each tool that a host is asked with has one module that builds its command and parses its answer.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use lvsctl::fact::{Facts, Needs, section};

use crate::sources;

/// A command as shell text has it, the module of its fact, and other modules that may name it, each with the reason.
const TOOLS: &[(&str, &str, &[&str])] = &[
    ("dpkg-query -W", "", &["fact/scripts/package.sh"]),
    ("modinfo -n", "", &["fact/scripts/module.sh"]),
    ("ip -j addr", "fact/address.rs", &[]),
    ("ip -j -4 route", "fact/route.rs", &[]),
    ("ip -j -force -batch", "fact/route_to.rs", &[]),
    ("ip -j neigh", "fact/neighbour.rs", &[]),
    (
        "ip -o addr",
        "",
        &[
            // A step that waits until a VIP is taken over, and requests that need a VIP to be held: conditions of shell text.
            "plan/load.rs",
            "check/listener.rs",
            // A guard keeps what it puts back as it is at that moment.
            "plan/guard/",
        ],
    ),
    ("ip -j link", "", &[]),
    (
        "ip -j route get",
        "",
        &["fact/scripts/way-in.sh", "fact/way_in.rs"],
    ),
    (
        "tables-save",
        "fact/firewall/mod.rs",
        &[
            "fact/scripts",
            // The names of tools, and the status of the node script.
            "fact/system.rs",
            "resource/arprule.rs",
            "plan/guard/",
        ],
    ),
    // The fix of a check names it.
    (
        "nft list",
        "",
        &["fact/scripts", "check/iptables.rs", "plan/guard/"],
    ),
    ("tc qdisc show", "", &["fact/scripts/traffic-control.sh"]),
    ("ipset save", "", &["fact/scripts/firewall.sh"]),
    ("\"systemctl\", \"show\"", "", &[]),
    (
        "systemctl show",
        "",
        &["fact/scripts/unit.sh", "fact/scripts/keepalived-states.sh"],
    ),
    ("grep -aHs ''", "fact/sysctl.rs", &[]),
    ("grep -aHsv", "fact/sysctl_file.rs", &[]),
    ("grep -aHnsv", "", &["fact/scripts/boot-source.sh"]),
    ("stat -c '%F", "fact/file.rs", &[]),
    ("head -q -c", "fact/file.rs", &[]),
    (
        "ipvsadm -Sn",
        "fact/ipvs/mod.rs",
        // Steps look at the table at the moment in which they change it.
        &[
            "resource/ipvs/script.rs",
            "fact/ipvs/table.rs",
            "plan/guard/",
        ],
    ),
    (
        "ipvsadm -Ln --",
        "",
        // An error of a parser names it.
        &[
            "fact/ipvs/mod.rs",
            "fact/ipvs/thresholds.rs",
            "fact/scripts",
        ],
    ),
    (
        "/proc/net/ip_vs_conn",
        "",
        // Its parser names it.
        &["fact/scripts/ipvs-connections.sh", "fact/ipvs/entries.rs"],
    ),
    ("keepalived -t -f", "", &["fact/scripts/keepalived-test.sh"]),
    ("/proc/net/tcp", "fact/listener.rs", &[]),
    ("ethtool -k", "fact/offload.rs", &["fact/scripts"]),
    ("date +%s", "fact/clock.rs", &["plan/guard/"]),
    ("/etc/os-release", "", &["fact/scripts/system.sh"]),
    ("head -v -c", "", &["fact/scripts/process.sh"]),
    ("/proc/net/raw", "", &["fact/scripts/process.sh"]),
    ("ss -Hltunp", "", &["fact/scripts/unit.sh"]),
];

#[test]
fn each_tool_is_asked_in_one_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources::files(&root);
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in &files {
        let name = path
            .strip_prefix(&root)
            .expect("below src")
            .display()
            .to_string();
        // The lab asks this machine, and hosts that it boots.
        if name.starts_with("lab/") || name.ends_with("_tests.rs") {
            continue;
        }
        let text = sources::code(&fs::read_to_string(path).expect("text"));
        for (tool, home, others) in TOOLS {
            let allowed = *home == name || others.iter().any(|other| name.starts_with(other));
            if text.contains(tool) && !allowed {
                found.entry(tool).or_default().push(name.clone());
            }
        }
    }
    assert!(found.is_empty(), "asked elsewhere too: {found:#?}");
}

/// A rule whose module no longer has the command proves nothing.
#[test]
fn each_rule_is_about_a_command_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (tool, home, _) in TOOLS.iter().filter(|(_, home, _)| !home.is_empty()) {
        let text = sources::code(&fs::read_to_string(root.join(home)).expect("a module"));
        let parses = ["fn parse(", "fn read("]
            .iter()
            .any(|function| text.contains(function));
        assert!(parses, "{home} parses nothing");
        assert!(text.contains(tool), "{home} does not ask with `{tool}`");
    }
}

#[test]
fn each_script_is_one_for_every_shell() {
    let files = sources::files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let lab = |path: &Path| path.components().any(|part| part.as_os_str() == "lab");
    let scripts = files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "sh") && !lab(path));
    let mut number = 0;
    for script in scripts {
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .arg("-n")
                .arg(script)
                .output()
                .unwrap_or_else(|e| panic!("{}: {e}; apt-get install dash bash busybox", shell[0]));
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && error.is_empty(),
                "{shell:?}: {}: {error}",
                script.display()
            );
        }
        number += 1;
    }
    assert!(number > 9, "{number} scripts");
}

/// A tool that fails has not printed "none".
#[test]
fn a_tool_that_fails_makes_its_fact_an_error() {
    let address = Needs {
        address: Some(Default::default()),
        ..Needs::default()
    };
    let mut with_routes = address.clone();
    with_routes.address.get_or_insert_default().with_routes = true;
    let mut with_way_in = with_routes.clone();
    with_way_in.address.get_or_insert_default().with_way_in = true;
    let neighbour = Needs {
        neighbour: Some(()),
        ..Needs::default()
    };
    let mut route = Needs::default();
    route.route.get_or_insert_default().v6 = true;
    let tools = tempfile::tempdir().expect("a folder");
    for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
        for (needs, works, want) in [
            (&address, "*addr*", None),
            (
                &address,
                "*none*",
                Some("address: exit status 3: `ip -j addr show`"),
            ),
            (
                &with_routes,
                "*none*",
                Some("address: exit status 3: `ip -j addr show, and its routes`"),
            ),
            (
                &with_way_in,
                "*none*",
                Some("address: exit status 3: `ip -j addr show, and its routes`"),
            ),
            (
                &neighbour,
                "*none*",
                Some("neighbour: exit status 3: `ip -j neigh show nud permanent`"),
            ),
            (
                &route,
                "*-4*",
                Some("route: exit status 3: `ip -j -6 route show table main`"),
            ),
            (
                &route,
                "*-6*",
                Some("route: exit status 3: `ip -j -4 route show table main`"),
            ),
        ] {
            let ip = tools.path().join("ip");
            let text = format!("#!/bin/sh\ncase $* in {works}) echo '[]';; *) exit 3;; esac\n");
            fs::write(&ip, text).expect("a program");
            fs::set_permissions(&ip, fs::Permissions::from_mode(0o755)).expect("its mode");
            let script = format!("{}{}", section::prologue("n"), needs.command());
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", &script])
                .env("PATH", format!("{}:/usr/bin:/bin", tools.path().display()))
                .output()
                .expect("a shell");
            let printed = String::from_utf8(output.stdout).expect("text");
            let facts = Facts::parse(needs, &section::split(&printed, "n"));
            assert_eq!(
                facts.err().map(|e| e.to_string()).as_deref(),
                want,
                "{shell:?}"
            );
        }
    }
}

/// iproute2 before 4.17 has no `fibmatch`, and a host may have no route back: its addresses are read all the same.
#[test]
fn an_ip_that_shows_no_route_back_shows_its_addresses() {
    let mut needs = Needs {
        way_in: Some(()),
        ..Needs::default()
    };
    needs.address.get_or_insert_default().with_way_in = true;
    let tools = tempfile::tempdir().expect("a folder");
    let ip = tools.path().join("ip");
    let text = "#!/bin/sh\n[ \"$2\" = -b ] || { echo '[{\"dst\":\"10.0.0.1\",\"dev\":\"eth0\"}]'; exit; }\n\
                echo '[{\"ifname\":\"lo\",\"addr_info\":[]}]'\n\
                case $(cat) in *'route get fibmatch 10.0.0.1 from 10.0.0.2'*) exit 1;; esac\n";
    fs::write(&ip, text).expect("a program");
    fs::set_permissions(&ip, fs::Permissions::from_mode(0o755)).expect("its mode");
    for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
        let script = format!("{}{}", section::prologue("n"), needs.command());
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &script])
            .env("PATH", format!("{}:/usr/bin:/bin", tools.path().display()))
            .env("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22")
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("text");
        let facts = Facts::parse(&needs, &section::split(&printed, "n"));
        let facts = facts.unwrap_or_else(|e| panic!("{shell:?}: {e}"));
        assert_eq!(facts.address.links.len(), 1, "{shell:?}");
        let way_in = facts.way_in.0.expect("a way in");
        assert_eq!(way_in.interface.as_deref(), Some("eth0"), "{shell:?}");
    }
}
