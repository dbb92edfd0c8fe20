//! One fault: injected, looked for, repaired, and gone. Its line in the output.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::bench::{Bench, act, clean, holds, host};
use crate::cluster::Cluster;
use crate::fault::{Fault, Repair};
use crate::verify::{Verified, commands};
use crate::work::Options;

/// How often a fault's harm is looked for.
const LOOKS: usize = 40;
/// How many findings' fixes are followed, one after the other, as an administrator would.
const FIXES: usize = 3;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub name: String,
    pub found: bool,
    pub ids: Vec<String>,
    pub exactly: bool,
    pub repaired_by: String,
    pub clean: bool,
    pub seconds: f64,
}

impl Line {
    /// Of a job that has not begun.
    pub(crate) fn of(name: &str, repaired_by: String) -> Self {
        Self {
            name: name.to_owned(),
            found: false,
            ids: Vec::new(),
            exactly: false,
            repaired_by,
            clean: false,
            seconds: 0.0,
        }
    }

    pub(crate) fn text(&self) -> String {
        let yes = |is: bool| if is { "yes" } else { "NO" };
        format!(
            "{}: found {}, ids {}, exactly {}, repaired by {}, clean after {}, {:.0} s",
            self.name,
            yes(self.found),
            if self.ids.is_empty() {
                "none".to_owned()
            } else {
                self.ids.join(" ")
            },
            yes(self.exactly),
            self.repaired_by,
            yes(self.clean),
            self.seconds
        )
    }
}

/// Injects, looks, repairs. Err: what went wrong, for the trial.
pub(crate) fn run(
    bench: &mut Bench,
    name: &str,
    fault: &Fault,
    options: Options,
) -> (Line, Result<(), String>) {
    let started = Instant::now();
    let mut line = Line::of(name, words(&fault.repaired_by));
    let result = bench
        .cluster()
        .and_then(|cluster| steps(cluster, fault, options, &mut line));
    line.seconds = started.elapsed().as_secs_f64();
    if result.is_err() && !line.clean {
        restore(bench, fault);
    }
    (line, result)
}

fn words(all: &[Repair]) -> String {
    let words: Vec<&str> = all.iter().map(|repair| repair.into()).collect();
    words.join(" and ")
}

fn steps(
    cluster: &Cluster,
    fault: &Fault,
    options: Options,
    line: &mut Line,
) -> Result<(), String> {
    let shows = fault
        .bites
        .as_ref()
        .filter(|_| options.reboots || !fault.boot);
    if shows.is_some_and(|bites| holds(cluster, bites)) {
        line.clean = true;
        return Err("`bites` holds without the fault".to_owned());
    }
    for one in &fault.inject {
        act(cluster, one);
    }
    let mut wrong = Vec::new();
    if let Some(bites) = shows {
        if fault.boot {
            restart(cluster, fault);
        }
        if !cluster.comes_to(LOOKS, || holds(cluster, bites)) {
            return Err(format!("it does no harm: {}", bites.run));
        }
    }
    let verified = Verified::ask(cluster, fault.traffic)?;
    line.ids = verified.ids().into_iter().map(str::to_owned).collect();
    line.found = is_found(cluster, fault, &verified);
    line.exactly = line.found && is_exact(fault, &verified);
    if !line.found {
        wrong.push(format!("not found; verify says:\n{}", verified.text()));
    } else if !line.exactly {
        wrong.push(format!(
            "expected {:?}; verify says:\n{}",
            fault.finds,
            verified.text()
        ));
    }
    if options.fixes && line.found {
        println!("{} is reported:\n{}", line.name, verified.text());
        match follow_all(cluster, fault, &verified) {
            Ok(()) => {
                "fix".clone_into(&mut line.repaired_by);
                line.clean = true;
                return verdict(&wrong);
            }
            Err(error) => println!("{}: its fix does not do: {error}", line.name),
        }
    }
    let repaired = if line.found {
        repair(cluster, fault, &verified)
    } else {
        // No finding says how.
        fault.undo.iter().for_each(|one| act(cluster, one));
        apply(cluster)
    };
    match repaired.and_then(|()| {
        clean(cluster, fault.traffic)
            .map_err(|left| format!("not clean after the repair:\n{}", left.text()))
    }) {
        Ok(()) => line.clean = true,
        Err(error) => wrong.push(format!("{error}before it:\n{}", verified.text())),
    }
    // What a fix leaves, such as a copy of a file, is no part of the next fault.
    if line.clean && fault.boot && !fault.repaired_by.contains(&Repair::Undo) {
        for one in &fault.undo {
            holds(cluster, one);
        }
    }
    verdict(&wrong)
}

/// Err: all that went wrong.
pub(crate) fn verdict(wrong: &[String]) -> Result<(), String> {
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

/// What a boot-time fault waits for.
fn restart(cluster: &Cluster, fault: &Fault) {
    cluster.reboot_these(&hosts(cluster, fault).into_iter().collect::<Vec<_>>());
}

/// Follows fixes until the cluster is clean.
fn follow_all(cluster: &Cluster, fault: &Fault, verified: &Verified) -> Result<(), String> {
    let mut last = verified.clone();
    for _ in 0..FIXES {
        follow(cluster, fault, &last)?;
        match clean(cluster, fault.traffic) {
            Ok(()) => return Ok(()),
            Err(left) => last = left,
        }
    }
    Err(format!("not clean after fixes:\n{}", last.text()))
}

/// With known ids: one of them; else an error or a warning about a host of the fault, or about the whole cluster.
pub(crate) fn is_found(cluster: &Cluster, fault: &Fault, verified: &Verified) -> bool {
    if let Some(ids) = &fault.finds {
        return verified.alarms.iter().any(|f| ids.contains(&f.check));
    }
    let hosts = hosts(cluster, fault);
    verified
        .alarms
        .iter()
        .any(|f| f.host.is_empty() || hosts.contains(&*f.host))
}

fn is_exact(fault: &Fault, verified: &Verified) -> bool {
    fault.finds.as_ref().is_none_or(|ids| {
        let expected: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        verified.ids() == expected && verified.alarms.len() == ids.len()
    })
}

pub(crate) fn repair(cluster: &Cluster, fault: &Fault, verified: &Verified) -> Result<(), String> {
    for by in &fault.repaired_by {
        match by {
            Repair::Apply => apply(cluster)?,
            Repair::Undo => fault.undo.iter().for_each(|one| act(cluster, one)),
            Repair::Fix => follow(cluster, fault, verified)?,
        }
    }
    Ok(())
}

fn apply(cluster: &Cluster) -> Result<(), String> {
    let ran = cluster.lvsctl(&["apply", "--yes"]);
    if ran.status == 0 {
        Ok(())
    } else {
        Err(format!(
            "apply ended with {}: {}{}",
            ran.status, ran.stdout, ran.stderr
        ))
    }
}

/// Runs the commands of the fix that comes first: findings are in the order in which they are to be corrected.
fn follow(cluster: &Cluster, fault: &Fault, verified: &Verified) -> Result<(), String> {
    let hosts = hosts(cluster, fault);
    let first = verified
        .alarms
        .iter()
        .find(|f| f.host.is_empty() || hosts.contains(&*f.host));
    let Some(finding) = first else {
        return Err("no finding has a fix\n".to_owned());
    };
    let on = if finding.host.is_empty() {
        host(cluster, &fault.inject[0].host)
    } else {
        &finding.host
    };
    let all = commands(&finding.fix);
    if all.is_empty() {
        return Err(format!("the fix names no command: {}\n", finding.fix));
    }
    for command in all {
        if command.starts_with("lvsctl apply") {
            apply(cluster)?;
        } else if let Some(words) = command.strip_prefix("lvsctl ") {
            let words: Vec<&str> = words.split_whitespace().collect();
            let ran = cluster.lvsctl(&words);
            if ran.status != 0 {
                return Err(format!("{command} fails: {}{}\n", ran.stdout, ran.stderr));
            }
        } else if !cluster.succeeds(on, command) {
            return Err(format!("the fix fails on {on}: {command}\n"));
        }
    }
    Ok(())
}

/// The hosts that the fault is injected into.
fn hosts<'c>(cluster: &'c Cluster, fault: &'c Fault) -> BTreeSet<&'c str> {
    let all = fault.inject.iter().map(|act| host(cluster, &act.host));
    all.collect()
}

/// After a failure: the fault's undo and `apply` make the cluster clean, or it is made anew.
fn restore(bench: &mut Bench, fault: &Fault) {
    let Ok(cluster) = bench.cluster() else {
        return bench.discard();
    };
    let undone = fault.undo.iter().all(|one| holds(cluster, one));
    let applied = undone && cluster.lvsctl(&["apply", "--yes"]).status == 0;
    if !applied || clean(cluster, true).is_err() {
        bench.discard();
    }
}
