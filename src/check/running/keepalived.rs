//! keepalived's processes on a director: one tree, in its unit, with the arguments and the file that lvsctl configures, and
//! none of them held up.

use super::{Fault, held_up, pids};
use crate::check::HostAudit;
use crate::check::definition::{Check, Judge};
use crate::check::findings::Findings;
use crate::fact::process::Process;
use crate::fact::{Needs, keepalived as fact, unit};
use crate::keepalived::{CONFIGURATION, Parts};
use crate::model::{Cluster, Host};
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager::{self, ServiceManager};

pub(in crate::check) static KEEPALIVED_RUNNING: Check = Check {
    id: "keepalived-running",
    summary: "keepalived runs once, in its unit, with the configuration that lvsctl writes, and none of its processes is stopped.",
    reason: "A stopped process sends no adverts, reads none, or tests no real server, while its unit is active and its file \
             is correct. A second keepalived process, or one with a different file, adds other VIPs and other real servers.",
    source: "keepalived(8); proc(5) `/proc/PID/stat`; systemd.service(5)",
    fix: "the command in the finding",
    needs,
    judge: Judge::Director(judge),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && cluster.keepalived {
        let ask = needs.process.get_or_insert_default();
        ask.names.insert("keepalived".to_owned());
        ask.arguments = true;
        ask.vrrp |= !cluster.vrrp.is_empty();
        needs
            .unit
            .get_or_insert_default()
            .insert(KEEPALIVED.to_owned());
        needs
            .file
            .get_or_insert_default()
            .insert(CONFIGURATION.to_owned());
        needs.keepalived.get_or_insert_default().states = true;
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let Some(seen) = Seen::of(audit) else {
        return;
    };
    if seen.unit.active && seen.processes.is_empty() {
        let why = "the unit is active, and the host's /proc shows no process of it";
        return findings.skip(audit.name(), &KEEPALIVED_RUNNING, "keepalived", why);
    }
    let faults = seen.faults();
    if faults.is_empty() {
        // One that does not run at all is drift.
        let read = format!("processes {}", pids(seen.processes.iter().copied()));
        return findings.pass_of(audit.name(), &KEEPALIVED_RUNNING, "keepalived", read);
    }
    for fault in faults {
        findings.fail(
            audit.name(),
            &KEEPALIVED_RUNNING,
            fault.what,
            fault.mismatch(KEEPALIVED),
        );
    }
}

/// Why keepalived on a director does not work, even if other hosts do not notice; None: it works.
pub(in crate::check) fn broken(audit: &HostAudit) -> Option<String> {
    let faults = Seen::of(audit)?.faults();
    let fault = faults.iter().find(|fault| !fault.warning)?;
    Some(fault.found.clone())
}

/// The facts of a director about keepalived.
struct Seen<'a> {
    unit: unit::State,
    processes: Vec<&'a Process>,
    configured: Parts,
    sockets: Option<usize>,
    log: &'a fact::Log,
    manager: ServiceManager,
}

impl<'a> Seen<'a> {
    fn of(audit: &'a HostAudit) -> Option<Self> {
        if !audit.cluster.keepalived || !audit.host.is_director() {
            return None;
        }
        let facts = audit.facts();
        let named = |process: &&Process| {
            process.name.starts_with("keepalived") || process.unit() == Some(KEEPALIVED)
        };
        let configured = match facts.file.get(CONFIGURATION) {
            Some(file) => Parts::of(&file.content),
            None => Parts {
                vrrp: !audit.cluster.vrrp.is_empty(),
                checkers: !audit.cluster.services.is_empty(),
                bfd: false,
            },
        };
        Some(Self {
            unit: facts
                .unit
                .units
                .get(KEEPALIVED)
                .cloned()
                .unwrap_or_default(),
            processes: facts.process.all.iter().filter(named).collect(),
            configured,
            sockets: facts.process.vrrp_sockets,
            log: &facts.keepalived.log,
            manager: ServiceManager::of(&facts.system),
        })
    }

    fn of_unit(&self, process: &Process) -> bool {
        match self.manager {
            ServiceManager::Systemd => process.unit() == Some(KEEPALIVED),
            // OpenRC need not use control groups.
            ServiceManager::Openrc => self.unit.active,
        }
    }

    /// keepalived processes whose parent is not keepalived. Those in containers, in another network namespace, do not count.
    fn roots(&self) -> impl Iterator<Item = &'a Process> {
        let daemon = |process: &&&Process| process.name.starts_with("keepalived");
        let all = self.processes.iter().filter(daemon);
        // A configuration test ends soon; a process without readable arguments has already ended.
        let short = |process: &Process| {
            let mut words = process.arguments.iter().skip(1);
            process.arguments.is_empty()
                || words.any(|word| word.starts_with("-t") || word.starts_with("--config-test"))
        };
        let lasting = move |process: &&Process| self.of_unit(process) || !short(process);
        all.copied().filter(lasting).filter(|process| {
            let is_child = self
                .processes
                .iter()
                .any(|other| other.pid == process.parent);
            !is_child && (process.on_host || self.of_unit(process))
        })
    }

    /// A process and its children.
    fn tree(&self, root: &Process) -> Vec<&'a Process> {
        let mut all: Vec<&Process> = Vec::new();
        loop {
            let before = all.len();
            for process in &self.processes {
                let known = all.iter().any(|other| other.pid == process.pid);
                let belongs =
                    process.pid == root.pid || all.iter().any(|other| other.pid == process.parent);
                if !known && belongs {
                    all.push(process);
                }
            }
            if all.len() == before {
                return all;
            }
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let mut roots: Vec<&Process> = self.roots().collect();
        roots.sort_by_key(|root| {
            (
                Some(root.pid) != self.unit.main_pid,
                !self.of_unit(root),
                root.pid,
            )
        });
        let Some((main, others)) = roots.split_first() else {
            return Vec::new();
        };
        let mut faults = Vec::new();
        let inside = self.of_unit(main);
        if !(inside && self.unit.active) {
            faults.push(self.outside(main));
        }
        let tree = self.tree(main);
        faults.extend(held_up(KEEPALIVED, &tree));
        faults.extend(others.iter().map(|other| self.second(other)));
        let held_up = !faults.is_empty();
        faults.extend(self.arguments(main));
        faults.extend(self.place(main));
        if !held_up && faults.is_empty() {
            faults.extend(self.children(main));
        }
        faults
    }

    /// The fault of a keepalived that was started by hand: the unit cannot stop or restart it, and cannot start while it
    /// runs.
    fn outside(&self, main: &Process) -> Fault {
        let unmask = match (self.unit.masked, self.unit.masked_until_boot) {
            (_, true) => "systemctl unmask --runtime keepalived; ",
            (true, _) => "systemctl unmask keepalived; ",
            _ => "",
        };
        let pid = main.pid;
        let start = self.manager.act("start", KEEPALIVED);
        Fault::new(
            "its unit",
            format!("{KEEPALIVED} to run it"),
            format!(
                "pid {pid}, which the unit does not run: `{}`, in {}",
                main.arguments.join(" "),
                main.group
            ),
            format!(
                "`kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 1; done; {unmask}{start}`"
            ),
        )
    }

    fn second(&self, other: &Process) -> Fault {
        let fix = match other.unit() {
            // A process started from a login or a job is in that unit, such as ssh.service.
            Some(unit) if unit != KEEPALIVED && unit.contains("keepalived") => {
                format!("`{}`", self.manager.end(unit))
            }
            _ => format!("`kill {}`", other.pid),
        };
        Fault::new(
            "a second keepalived",
            "one keepalived",
            format!(
                "another, pid {}: `{}`, in {}",
                other.pid,
                other.arguments.join(" "),
                other.group
            ),
            format!(
                "{fix}, then `lvsctl apply`: the one that ends may take services out of the IPVS table"
            ),
        )
    }

    fn restart(&self) -> String {
        self.manager.act("restart", KEEPALIVED)
    }

    /// The fault of arguments that override its configuration file.
    fn arguments(&self, main: &Process) -> Option<Fault> {
        let odd = odd_arguments(&main.arguments);
        (!odd.is_empty()).then(|| {
            let words: Vec<&str> = odd.iter().map(|(word, _)| word.as_str()).collect();
            let effects: Vec<&str> = odd.iter().map(|(_, effect)| *effect).collect();
            Fault::new(
                "its arguments",
                format!("keepalived to read {CONFIGURATION}, with no argument that changes what it does"),
                format!("`{}`: {}", words.join(" "), effects.join("; ")),
                format!(
                    "`systemctl cat keepalived` and /etc/default/keepalived or /etc/sysconfig/keepalived show where `{}` is: take it out, then `systemctl daemon-reload; {}`",
                    words.join(" "),
                    self.restart()
                ),
            )
        })
    }

    /// Where it runs, and with which program and file.
    fn place(&self, main: &Process) -> Vec<Fault> {
        let mut faults = Vec::new();
        let settings = |names: &str| {
            format!(
                "take {names} out of the unit (`systemctl cat keepalived`), then `systemctl daemon-reload; {}`",
                self.restart()
            )
        };
        if !main.on_host {
            faults.push(Fault::new(
                "its network",
                "keepalived in the network namespace of the host",
                format!(
                    "pid {} in another one: it sees other interfaces and another IPVS table",
                    main.pid
                ),
                settings("PrivateNetwork=, NetworkNamespacePath= or the argument -s"),
            ));
        }
        if main.other_file {
            faults.push(Fault::new(
                "its file",
                format!("keepalived to see the host's {CONFIGURATION}"),
                format!(
                    "pid {} sees another file there (`cat /proc/{}/root{CONFIGURATION}`)",
                    main.pid, main.pid
                ),
                settings("BindPaths=, RootDirectory= or the mount"),
            ));
        }
        if main.old_program && main.on_host {
            let mut fault = Fault::new(
                "its program",
                "the keepalived that is installed",
                format!(
                    "pid {} runs another program file: the package was upgraded since, or another copy was started",
                    main.pid
                ),
                format!(
                    "`{}` when a failover may happen, on backups first",
                    self.restart()
                ),
            );
            fault.warning = true;
            faults.push(fault);
        }
        faults
    }

    /// The processes that work: one for VRRP, one for health checks. Programs that they run are their children.
    fn children(&self, main: &Process) -> Option<Fault> {
        let children: Vec<&&Process> = self
            .processes
            .iter()
            .filter(|process| process.parent == main.pid)
            .collect();
        let alive = children.iter().filter(|child| child.state != 'Z').count();
        let mut expected: Vec<&str> = Vec::new();
        let parts = [
            (self.configured.vrrp, "VRRP"),
            (self.configured.checkers, "health checks"),
            (self.configured.bfd, "BFD"),
        ];
        expected.extend(
            parts
                .into_iter()
                .filter(|(is, _)| *is)
                .map(|(_, name)| name),
        );
        let missing = |pid: Option<u32>| {
            pid.is_some_and(|pid| {
                !children
                    .iter()
                    .any(|child| child.pid == pid && child.state != 'Z')
            })
        };
        let faulty = self
            .log
            .states
            .values()
            .any(|state| *state == fact::State::Fault);
        let deaf = self.configured.vrrp && self.sockets == Some(0) && !faulty;
        let found = if alive < expected.len() {
            let which = match (missing(self.log.vrrp), missing(self.log.checkers)) {
                _ if deaf => "; the one for VRRP is missing",
                (true, _) => "; the one for VRRP is missing",
                (_, true) => "; the one for health checks is missing",
                _ => "",
            };
            format!(
                "{alive} ({}){which}",
                pids(children.iter().map(|child| **child))
            )
        } else if deaf {
            "none of them has a socket for VRRP (protocol 112)".to_owned()
        } else {
            return None;
        };
        Some(Fault::new(
            "its processes",
            format!(
                "{} processes below pid {}: {}",
                expected.len(),
                main.pid,
                expected.join(", ")
            ),
            found,
            format!(
                "`{}`; {} says why it ended",
                self.restart(),
                service_manager::where_it_logs(KEEPALIVED)
            ),
        ))
    }
}

/// Options with a value of their own word, in keepalived's short form.
const WITH_VALUE: &str = "ufpisrcbAS";

/// Options that change what keepalived does, and what they do.
fn odd_arguments(words: &[String]) -> Vec<(String, &'static str)> {
    let mut odd = Vec::new();
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long
                .split_once('=')
                .map_or((long, None), |(name, value)| (name, Some(value)));
            let Some(short) = LONG
                .iter()
                .find(|(long, _)| *long == name)
                .map(|(_, short)| *short)
            else {
                continue;
            };
            let value = match value {
                Some(value) => Some(value.to_owned()),
                None if WITH_VALUE.contains(short) => words.next().cloned(),
                None => None,
            };
            odd.extend(effect(short, value.as_deref()));
            continue;
        }
        let Some(flags) = word.strip_prefix('-') else {
            continue;
        };
        for (at, flag) in flags.char_indices() {
            if WITH_VALUE.contains(flag) {
                let rest = &flags[at + flag.len_utf8()..];
                let value = if rest.is_empty() {
                    words.next().cloned()
                } else {
                    Some(rest.to_owned())
                };
                odd.extend(effect(flag, value.as_deref()));
                break;
            }
            odd.extend(effect(flag, None));
            // The rest of these is a value.
            if matches!(flag, 'M' | 'g' | 't') {
                break;
            }
        }
    }
    odd
}

const LONG: [(&str, char); 8] = [
    ("use-file", 'f'),
    ("vrrp", 'P'),
    ("check", 'C'),
    ("dont-release-vrrp", 'V'),
    ("dont-release-ipvs", 'I'),
    ("dont-respawn", 'R'),
    ("namespace", 's'),
    ("no-bfd", 'B'),
];

fn effect(flag: char, value: Option<&str>) -> Option<(String, &'static str)> {
    let effect = match flag {
        'f' if value == Some(CONFIGURATION) => return None,
        'f' => "it reads another file",
        'P' => "it runs no health checks and makes no IPVS services",
        'C' => "it runs no VRRP and never holds a VIP",
        'V' => "it keeps the VIPs when it stops, and then two directors hold them",
        'I' => "it leaves its services in the IPVS table when it stops",
        'R' => "it does not start a process again that dies",
        's' => "it runs in another network namespace",
        _ => return None,
    };
    let value = value.map_or_else(String::new, |value| format!(" {value}"));
    Some((format!("-{flag}{value}"), effect))
}

#[cfg(test)]
#[path = "keepalived_tests.rs"]
mod tests;
