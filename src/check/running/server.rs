//! The servers of a host, and other units that its roles want: none of their processes is stopped, and nginx runs with the
//! files that it has. What they answer is for other checks.

use std::collections::BTreeMap;

use super::{Fault, held_up};
use crate::check::HostAudit;
use crate::check::definition::{Check, Judge};
use crate::check::findings::Findings;
use crate::fact::process::Process;
use crate::fact::{Facts, Needs};
use crate::model::{Cluster, Host};
use crate::resource::Resource;
use crate::resource::ipvs::KEEPALIVED;
use crate::view;

pub(in crate::check) static SERVER_RUNNING: Check = Check {
    id: "server-running",
    summary: "No process of a server, or of another unit that the roles of a host require, is stopped or frozen; nginx has \
              loaded its files since they changed.",
    reason: "A stopped server accepts connections and never answers; one whose master process is stopped takes no new configuration.",
    source: "proc(5) `/proc/PID/stat`; systemctl(1) `freeze`; nginx(8) `-s reload`",
    fix: "the command in the finding",
    needs,
    judge: Judge::Host(judge),
};

/// Programs that serve behind LVS; what their names begin with.
const SERVERS: [&str; 14] = [
    "nginx", "apache2", "httpd", "lighttpd", "haproxy", "caddy", "varnishd", "traefik", "envoy",
    "socat", "uwsgi", "gunicorn", "php-fpm", "tomcat",
];

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if cluster.serves(host) {
        needs.clock.get_or_insert_default();
        let ask = needs.process.get_or_insert_default();
        ask.names.extend(SERVERS.map(str::to_owned));
        ask.web = true;
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let others = [KEEPALIVED.to_owned(), view::checker_unit(audit.cluster)];
    let units = audit
        .run
        .desired
        .iter()
        .filter_map(|resource| match resource {
            Resource::Unit(unit) if unit.active && !others.contains(&unit.name) => {
                Some(unit.name.as_str())
            }
            _ => None,
        });
    let units: Vec<&str> = units.collect();
    let serves = audit.cluster.serves(audit.host);
    let all = faults(audit.facts(), &units, serves);
    if all.is_empty() && serves {
        let read = "no process of them is stopped or frozen";
        let what = if units.is_empty() {
            "its servers".to_owned()
        } else {
            units.join(", ")
        };
        findings.pass_of(audit.name(), &SERVER_RUNNING, what, read);
    }
    for (unit, fault) in all {
        findings.fail(
            audit.name(),
            &SERVER_RUNNING,
            format!("{unit}: {}", fault.what),
            fault.mismatch(&unit),
        );
    }
}

/// Faults by unit, or by program where one runs in none.
fn faults(facts: &Facts, units: &[&str], serves: bool) -> Vec<(String, Fault)> {
    let mut by_unit: BTreeMap<String, Vec<&Process>> = BTreeMap::new();
    for process in facts.process.all.iter().filter(|process| process.on_host) {
        let known = SERVERS.iter().any(|name| process.name.starts_with(name));
        let of = process.unit().filter(|unit| *unit != KEEPALIVED);
        let name = match of {
            Some(unit) if units.contains(&unit) || (serves && known) => unit,
            None if serves && known => process.name.as_str(),
            _ => continue,
        };
        by_unit.entry(name.to_owned()).or_default().push(process);
    }
    let mut all = Vec::new();
    for (unit, processes) in by_unit {
        // A short uninterruptible wait for a disk is normal.
        let held: Vec<&Process> = processes
            .iter()
            .copied()
            .filter(|process| process.state != 'D')
            .collect();
        all.extend(
            held_up(&unit, &held)
                .into_iter()
                .map(|fault| (unit.clone(), fault)),
        );
        let nginx = processes
            .iter()
            .copied()
            .filter(|process| process.name == "nginx");
        all.extend(old_files(facts, nginx.collect()).map(|fault| (unit.clone(), fault)));
    }
    // A unit that systemd froze, even if its processes were not read.
    for unit in units {
        let is_frozen = facts
            .unit
            .units
            .get(*unit)
            .is_some_and(|state| state.frozen);
        if is_frozen && !all.iter().any(|(other, _)| other == unit) {
            let fault = Fault::new(
                "processes",
                format!("all processes of {unit} to run"),
                "frozen",
                format!("`systemctl thaw {unit}`"),
            );
            all.push(((*unit).to_owned(), fault));
        }
    }
    all
}

/// A reload gives nginx new worker processes: what changed later than the youngest began was not read.
fn old_files(facts: &Facts, processes: Vec<&Process>) -> Option<Fault> {
    let workers = processes
        .iter()
        .filter(|process| processes.iter().any(|other| other.pid == process.parent));
    let last = workers
        .map(|worker| worker.started)
        .fold(f64::NAN, f64::max);
    facts.clock.now().filter(|_| !last.is_nan())?;
    let read = facts.clock.boot() + last;
    let newer = facts
        .process
        .nginx_files
        .iter()
        .filter(|(_, changed)| **changed > read + 1.0);
    let newer: Vec<&str> = newer.map(|(path, _)| path.as_str()).collect();
    if newer.is_empty() {
        return None;
    }
    let mut fault = Fault::new(
        "its files",
        "nginx to have read its files since they changed",
        format!(
            "{} changed after its worker processes began",
            newer.join(", ")
        ),
        "`nginx -t && systemctl reload nginx`",
    );
    fault.warning = true;
    Some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::clock::Clock;
    use crate::fact::{Fact as _, Section, unit};

    fn process(pid: u32, parent: u32, state: char, name: &str, group: &str) -> Process {
        Process {
            pid,
            parent,
            state,
            name: name.to_owned(),
            group: group.to_owned(),
            on_host: true,
            started: 50.0,
            ..Process::default()
        }
    }

    type Case = (
        &'static str,
        Vec<Process>,
        &'static [(&'static str, f64)],
        &'static [&'static str],
    );

    const NGINX: &str = "/system.slice/nginx.service";

    fn master(state: char) -> Process {
        process(20, 1, state, "nginx", NGINX)
    }

    fn worker(state: char) -> Process {
        process(21, 20, state, "nginx", NGINX)
    }

    /// The host booted at 1000, and the workers began at 1050.
    fn expect(cases: Vec<Case>) {
        for (about, all, files, want) in cases {
            let mut facts = Facts {
                clock: Clock::parse(&Section::from_parts([("time", "2000.0\n1000.0 1.0\n")]))
                    .unwrap(),
                ..Facts::default()
            };
            facts.process.all = all;
            facts.process.nginx_files = files
                .iter()
                .map(|(path, at)| ((*path).to_owned(), *at))
                .collect();
            let found = faults(&facts, &["nginx.service", "answer.service"], true);
            let found: Vec<String> = found
                .iter()
                .map(|(unit, fault)| format!("{unit} {}", fault.fix))
                .collect();
            assert_eq!(found, want, "{about}");
        }
    }

    #[test]
    fn what_the_processes_of_nginx_show() {
        let frozen = Process {
            frozen: true,
            ..master('S')
        };
        expect(vec![
            (
                "all is well",
                vec![master('S'), worker('S')],
                &[("/etc/nginx/nginx.conf", 900.0)],
                &[],
            ),
            (
                "a worker waits for its disk",
                vec![master('S'), worker('D')],
                &[],
                &[],
            ),
            (
                "a worker is stopped",
                vec![master('S'), worker('T')],
                &[],
                &["nginx.service `kill -CONT 21`"],
            ),
            (
                "all are stopped",
                vec![master('T'), worker('T')],
                &[],
                &["nginx.service `kill -CONT 20 21`"],
            ),
            (
                "a debugger holds it",
                vec![master('t'), worker('S')],
                &[],
                &[
                    "nginx.service end the debugger: `kill \"$(awk '/^TracerPid/ { print $2 }' /proc/20/status)\"`",
                ],
            ),
            (
                "a file changed after the last reload",
                vec![master('S'), worker('S')],
                &[("/etc/nginx/conf.d/x.conf", 1100.0)],
                &["nginx.service `nginx -t && systemctl reload nginx`"],
            ),
            (
                "frozen",
                vec![frozen],
                &[],
                &[
                    "nginx.service `systemctl thaw nginx; echo 0 >/sys/fs/cgroup/system.slice/nginx.service/cgroup.freeze`",
                ],
            ),
        ]);
    }

    #[test]
    fn what_other_processes_show() {
        let container = Process {
            on_host: false,
            ..master('T')
        };
        expect(vec![
            (
                "a suspended editor is none of ours",
                vec![
                    master('S'),
                    worker('S'),
                    process(70, 60, 'T', "vi", "/user.slice/session-2.scope"),
                ],
                &[],
                &[],
            ),
            (
                "a server of a unit that no role knows",
                vec![process(
                    30,
                    1,
                    'T',
                    "apache2",
                    "/system.slice/apache2.service",
                )],
                &[],
                &["apache2.service `kill -CONT 30`"],
            ),
            (
                "a unit that a role wants",
                vec![process(
                    31,
                    1,
                    'T',
                    "answerer",
                    "/system.slice/answer.service",
                )],
                &[],
                &["answer.service `kill -CONT 31`"],
            ),
            ("in a container", vec![container], &[], &[]),
        ]);
    }

    #[test]
    fn a_unit_that_systemd_froze() {
        let mut facts = Facts::default();
        let frozen = unit::State {
            frozen: true,
            ..unit::State::default()
        };
        facts.unit.units.insert("answer.service".to_owned(), frozen);
        let found = faults(&facts, &["answer.service"], false);
        assert_eq!(found[0].1.fix, "`systemctl thaw answer.service`");
    }
}
