//! The processes of lvsctl's health checker, on clusters without keepalived: one loop for each real server, none stopped.

use super::{Fault, held_up, pids};
use crate::check::HostAudit;
use crate::check::definition::{Check, Judge};
use crate::check::findings::Findings;
use crate::fact::process::Process;
use crate::fact::{Needs, unit};
use crate::model::{Cluster, Host};
use crate::view;

pub(in crate::check) static CHECKER_RUNNING: Check = Check {
    id: "checker-running",
    summary: "lvsctl's health checker runs once, in its unit, with a loop for each real server, and none of its processes is stopped.",
    reason: "A real server whose loop does not run is never taken out of the table, and never taken back.",
    source: "the program that the unit runs; proc(5) `/proc/PID/stat`",
    fix: "the command in the finding",
    needs,
    judge: Judge::Director(judge),
};

/// The name of its processes, of which the kernel keeps 15 characters.
fn name(cluster: &Cluster) -> String {
    view::checker_unit(cluster)
        .trim_end_matches(".service")
        .to_owned()
}

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && !view::checked(cluster).is_empty() {
        let ask = needs.process.get_or_insert_default();
        ask.names.insert(name(cluster));
        ask.arguments = true;
        needs
            .unit
            .get_or_insert_default()
            .insert(view::checker_unit(cluster));
    }
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let loops = view::checked(audit.cluster).len();
    let unit = view::checker_unit(audit.cluster);
    let Some(state) = audit.facts().unit.units.get(&unit).filter(|_| loops > 0) else {
        return;
    };
    let name: String = name(audit.cluster).chars().take(15).collect();
    let its = |process: &&Process| {
        process.on_host && (process.name == name || process.unit() == Some(unit.as_str()))
    };
    let processes: Vec<&Process> = audit.facts().process.all.iter().filter(its).collect();
    if processes.is_empty() {
        if state.active {
            let why = "the unit is active, and the host's /proc shows no process of it";
            findings.skip(audit.name(), &CHECKER_RUNNING, &unit, why);
        }
        return;
    }
    let mut faults = faults(&unit, state, &name, &processes, loops);
    faults.extend(no_curl(audit));
    if faults.is_empty() {
        let read = pids(processes.iter().copied());
        findings.pass_of(
            audit.name(),
            &CHECKER_RUNNING,
            unit.as_str(),
            format!("processes {read}"),
        );
    }
    for fault in faults {
        findings.fail(
            audit.name(),
            &CHECKER_RUNNING,
            fault.what,
            fault.mismatch(&unit),
        );
    }
}

/// The loops of HTTP health checks run curl for each request.
fn no_curl(audit: &HostAudit) -> Option<Fault> {
    let mut services = audit.cluster.services.iter();
    let asks = services.any(|service| {
        let check = service.health_check.as_ref();
        check.is_some_and(|check| check.kind.page().is_some())
    });
    (asks && !audit.facts().system.has("curl")).then(|| {
        Fault::new(
            "curl",
            "curl, which sends the requests of health checks",
            "none, so that every real server fails its health check",
            "install the package curl, or restore /usr/bin/curl",
        )
    })
}

fn faults(
    unit: &str,
    state: &unit::State,
    name: &str,
    processes: &[&Process],
    loops: usize,
) -> Vec<Fault> {
    let is_child = |process: &&Process| processes.iter().any(|other| other.pid == process.parent);
    let named = processes
        .iter()
        .copied()
        .filter(|process| process.name == name);
    let (mains, others): (Vec<&Process>, Vec<&Process>) = named
        .filter(|process| !is_child(process))
        .partition(|process| {
            state.active && (state.main_pid.is_none() || state.main_pid == Some(process.pid))
        });
    let mut faults = held_up(unit, processes);
    for other in &others {
        let start = if state.active {
            String::new()
        } else {
            format!("; systemctl start {unit}")
        };
        faults.push(Fault::new(
            "a second health checker",
            format!("one health checker, run by {unit}"),
            format!(
                "another, pid {}: `{}`, in {}",
                other.pid,
                other.arguments.join(" "),
                other.group
            ),
            format!("`kill {}{start}`", other.pid),
        ));
    }
    if let (Some(main), true) = (mains.first(), faults.is_empty()) {
        let alive: Vec<&Process> = processes
            .iter()
            .copied()
            .filter(|process| process.parent == main.pid && process.state != 'Z')
            .collect();
        if alive.len() < loops {
            faults.push(Fault::new(
                "its loops",
                format!(
                    "{loops} loops below pid {}, one for each real server",
                    main.pid
                ),
                format!("{} ({})", alive.len(), pids(alive.iter().copied())),
                format!("`systemctl restart {unit}`"),
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = "lvsctl-c-health.service";

    fn process(pid: u32, parent: u32, state: char, name: &str) -> Process {
        Process {
            pid,
            parent,
            state,
            name: name.to_owned(),
            group: format!("/system.slice/{UNIT}"),
            on_host: true,
            ..Process::default()
        }
    }

    #[test]
    fn what_the_processes_of_the_checker_show() {
        const NAME: &str = "lvsctl-c-health";
        let main = || process(10, 1, 'S', NAME);
        let one = || process(11, 10, 'S', NAME);
        let two = || process(12, 10, 'S', NAME);
        let by_hand = || Process {
            group: "/user.slice/session-1.scope".to_owned(),
            arguments: vec![
                "/bin/sh".to_owned(),
                "/usr/local/sbin/lvsctl-c-health".to_owned(),
            ],
            ..process(50, 40, 'S', NAME)
        };
        let active = |active: bool| unit::State {
            active,
            main_pid: active.then_some(10),
            ..unit::State::default()
        };
        type Case = (
            &'static str,
            bool,
            Vec<Process>,
            &'static [(&'static str, &'static str)],
        );
        let cases: Vec<Case> = vec![
            ("all is well", true, vec![main(), one(), two()], &[]),
            (
                "a loop forks to ask",
                true,
                vec![main(), one(), two(), process(13, 11, 'S', NAME)],
                &[],
            ),
            (
                "a loop died",
                true,
                vec![main(), one()],
                &[("its loops", "`systemctl restart lvsctl-c-health.service`")],
            ),
            (
                "a loop is a zombie",
                true,
                vec![main(), one(), process(12, 10, 'Z', NAME)],
                &[("its loops", "`systemctl restart lvsctl-c-health.service`")],
            ),
            (
                "a loop is stopped",
                true,
                vec![main(), one(), process(12, 10, 'T', NAME)],
                &[("processes", "`kill -CONT 12`")],
            ),
            (
                "what a loop runs is stopped",
                true,
                vec![main(), one(), two(), process(14, 12, 'T', "sleep")],
                &[("processes", "`kill -CONT 14`")],
            ),
            (
                "a second one by hand",
                true,
                vec![main(), one(), two(), by_hand()],
                &[("a second health checker", "`kill 50`")],
            ),
            (
                "one by hand alone",
                false,
                vec![by_hand()],
                &[(
                    "a second health checker",
                    "`kill 50; systemctl start lvsctl-c-health.service`",
                )],
            ),
        ];
        for (about, runs, all, want) in cases {
            let all: Vec<&Process> = all.iter().collect();
            let found = faults(UNIT, &active(runs), NAME, &all, 2);
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|fault| (fault.what, fault.fix.as_str()))
                .collect();
            assert_eq!(found, want, "{about}");
        }
    }
}
