//! Processes of daemons, from /proc alone: their states, where they run, and with which arguments.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;

/// Ticks of a process's start time in a second, the same on all of Linux (`USER_HZ`).
const TICKS: f64 = 100.0;

/// What the kernel keeps of a process's name.
const NAME: usize = 15;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Process {
    pub pid: u32,
    /// At most 15 characters.
    pub name: String,
    /// The letter of proc(5): `T` and `t` are stopped, `Z` a zombie, `D` waits and cannot be interrupted.
    pub state: char,
    pub parent: u32,
    /// In seconds since the boot.
    pub started: f64,
    /// The path of its control group.
    pub group: String,
    /// Whether its control group is frozen.
    pub frozen: bool,
    /// Whether it is in the network namespace of the host.
    pub on_host: bool,
    /// Whether its program is another file than the one that is installed.
    pub old_program: bool,
    /// Whether it sees another keepalived.conf than the host has.
    pub other_file: bool,
    /// With the program's name.
    pub arguments: Vec<String>,
}

impl Process {
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// The unit of the host's systemd that it belongs to, by its control group. That of a container is below a scope or
    /// another service.
    pub fn unit(&self) -> Option<&str> {
        let mut parts = self.group.split('/').filter(|part| !part.is_empty());
        let is_slice = |part: &str| {
            part.rsplit_once('.')
                .is_some_and(|(_, kind)| kind == "slice")
        };
        let first = parts.find(|part| !is_slice(part))?;
        first.ends_with(".service").then_some(first)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Processes {
    pub all: Vec<Process>,
    /// How many raw sockets of VRRP there are; none where it was not asked.
    pub vrrp_sockets: Option<usize>,
    /// When the files that nginx reads were last changed, in seconds since the epoch.
    pub nginx_files: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// What names begin with.
    pub names: BTreeSet<String>,
    pub arguments: bool,
    pub vrrp: bool,
    /// When nginx's files changed, where it runs.
    pub web: bool,
}

impl Ask {
    /// For grep(1) `-E`; the kernel keeps the first 15 characters of a name.
    fn pattern(&self) -> String {
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let name = |name: &String| {
            name.chars()
                .take(NAME)
                .take_while(plain)
                .collect::<String>()
        };
        let names: Vec<String> = self.names.iter().map(name).collect();
        names.join("|")
    }
}

impl Fact for Processes {
    const NAME: &'static str = "process";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let flag = |on: bool| if on { "1" } else { "" };
        format!(
            "names={} arguments={} vrrp={} web={}\n{}",
            quote(&ask.pattern()),
            flag(ask.arguments),
            flag(ask.vrrp),
            flag(ask.web),
            include_str!("scripts/process.sh")
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut all = Vec::new();
        for line in section.part("stat").lines().filter(|line| !line.is_empty()) {
            let odd =
                || ParseError::new(Self::NAME, format!("odd line {line:?} of /proc/PID/stat"));
            all.push(stat(line).ok_or_else(odd)?);
        }
        let mut places = BTreeMap::new();
        for line in section.part("place").lines() {
            let mut words = line.split('\t');
            if let (Some(pid), Some(group), Some(flags)) =
                (words.next(), words.next(), words.next())
            {
                places.insert(pid.parse().unwrap_or(0), (group, flags));
            }
        }
        let arguments = arguments(section.part("arguments"));
        // A process without a place has ended in between.
        all.retain(|process| places.contains_key(&process.pid));
        for process in &mut all {
            if let Some((group, flags)) = places.get(&process.pid) {
                let has = |flag| flags.split_whitespace().any(|word| word == flag);
                process.group = (*group).to_owned();
                process.frozen = has("frozen");
                process.on_host = !has("network");
                process.old_program = has("program");
                process.other_file = has("file");
            }
            process.arguments = arguments.get(&process.pid).cloned().unwrap_or_default();
        }
        let changed = |line: &str| {
            let (seconds, path) = line.split_once(' ')?;
            Some((path.to_owned(), seconds.parse().ok()?))
        };
        Ok(Self {
            all,
            vrrp_sockets: section.has("vrrp").then(|| {
                section
                    .part("vrrp")
                    .lines()
                    .filter(|line| !line.is_empty())
                    .count()
            }),
            nginx_files: section.part("web").lines().filter_map(changed).collect(),
        })
    }
}

/// `/proc/12/stat:12 (keepalived) S 1 ...`: a name may hold blanks and brackets.
fn stat(line: &str) -> Option<Process> {
    let (_, line) = line.split_once("/stat:")?;
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks: f64 = fields.get(19)?.parse().ok()?;
    Some(Process {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: ticks / TICKS,
        ..Process::default()
    })
}

/// What `head -v` printed of files `/proc/PID/cmdline`.
fn arguments(text: &str) -> BTreeMap<u32, Vec<String>> {
    let mut all = BTreeMap::new();
    for block in text.split("==> /proc/").skip(1) {
        let Some((head, words)) = block.split_once("/cmdline <==\n") else {
            continue;
        };
        let words = words.trim_end_matches('\n').trim_end_matches('\t');
        if let Ok(pid) = head.parse() {
            all.insert(pid, words.split('\t').map(str::to_owned).collect());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Facts, Needs, section};

    const STAT: &str = "/proc/330/stat:330 (keepalived) S 1 330 330 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 2\n\
        /proc/333/stat:333 (a b) c) T 330 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 12350 1 2\n\
        /proc/9/stat:9 (nginx) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 99 1 2\n";

    #[test]
    fn processes_are_read() {
        let section = Section::from_parts([
            ("stat", STAT),
            (
                "place",
                "330\t/system.slice/keepalived.service\t\n333\t/user.slice/session-1.scope\t network program file frozen\n",
            ),
            (
                "arguments",
                "==> /proc/330/cmdline <==\n/usr/sbin/keepalived\t--dont-fork\t\n==> /proc/333/cmdline <==\nkeepalived\t-f\t/etc/a b.conf\t\n",
            ),
            ("vrrp", "00000000:0070\n00000000:0070\n"),
            ("web", "1700000000.5 /etc/nginx/nginx.conf\n"),
        ]);
        let found = Processes::parse(&section).unwrap();
        let [main, child] = found.all.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((main.pid, main.state, main.parent), (330, 'S', 1));
        assert!((main.started - 123.45).abs() < 1e-9);
        assert_eq!(main.unit(), Some("keepalived.service"));
        assert_eq!(main.arguments, ["/usr/sbin/keepalived", "--dont-fork"]);
        assert!(main.on_host && !main.frozen && !main.is_stopped());
        assert_eq!(child.name, "a b) c");
        assert_eq!(child.unit(), None);
        assert_eq!(child.arguments[2], "/etc/a b.conf");
        assert!(child.is_stopped() && child.frozen && child.old_program && child.other_file);
        assert!(!child.on_host);
        assert_eq!(found.vrrp_sockets, Some(2));
        assert!(found.nginx_files.contains_key("/etc/nginx/nginx.conf"));
        assert_eq!(
            Processes::parse(&Section::default()).unwrap(),
            Processes::default()
        );
    }

    #[test]
    fn the_unit_is_that_of_the_host() {
        for (group, unit) in [
            (
                "/system.slice/keepalived.service",
                Some("keepalived.service"),
            ),
            (
                "/system.slice/system-web.slice/web@1.service",
                Some("web@1.service"),
            ),
            (
                "/system.slice/docker-1.scope/system.slice/keepalived.service",
                None,
            ),
            ("/user.slice/user-0.slice/session-3.scope", None),
            ("/", None),
            ("", None),
        ] {
            let process = Process {
                group: group.to_owned(),
                ..Process::default()
            };
            assert_eq!(process.unit(), unit, "{group}");
        }
    }

    #[test]
    fn a_line_that_is_odd_is_an_error() {
        for line in [
            "garbage",
            "/proc/1/stat:1 (x S 1",
            "/proc/1/stat:1 (x) S 1 2",
            "/proc/1/stat:x (x) S 1 2 3",
        ] {
            let section = Section::from_parts([("stat", line)]);
            assert!(Processes::parse(&section).is_err(), "{line}");
        }
    }

    /// What the script finds of this test's own process, and that it asks with few others.
    #[test]
    fn the_script_finds_a_process_under_each_shell() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep");
        let pid = child.id();
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            let ask = Ask {
                names: ["sleep".to_owned()].into(),
                arguments: true,
                vrrp: true,
                web: true,
            };
            let needs = Needs {
                process: Some(ask),
                ..Needs::default()
            };
            let script = format!("{}{}", section::prologue("n"), needs.command());
            let output = std::process::Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", &script])
                .output()
                .expect("a shell");
            let printed = String::from_utf8_lossy(&output.stdout);
            let facts = Facts::parse(&needs, &section::split(&printed, "n")).expect("facts");
            let found = facts
                .process
                .all
                .iter()
                .find(|process| process.pid == pid)
                .expect("the process");
            assert_eq!(found.arguments, ["sleep", "60"], "{shell:?}");
            assert!(found.on_host, "{shell:?}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
    }
}
