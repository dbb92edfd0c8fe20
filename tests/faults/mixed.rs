//! Three faults at once, on different hosts: each is named.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::bench::{Bench, act, clean};
use crate::cluster::Cluster;
use crate::fault::{Fault, Repair};
use crate::job::{Line, is_found, repair};
use crate::verify::Verified;

pub(crate) fn run(bench: &mut Bench, name: &str, faults: &[Fault]) -> (Line, Result<(), String>) {
    let started = Instant::now();
    let mut line = Line::of(name, "each as alone".to_owned());
    let result = bench
        .cluster()
        .and_then(|cluster| steps(cluster, faults, &mut line));
    line.seconds = started.elapsed().as_secs_f64();
    if !line.clean {
        bench.discard();
    }
    (line, result)
}

fn steps(cluster: &Cluster, faults: &[Fault], line: &mut Line) -> Result<(), String> {
    for fault in faults {
        for one in &fault.inject {
            act(cluster, one);
        }
    }
    let verified = Verified::ask(cluster, true)?;
    line.ids = verified.ids().into_iter().map(str::to_owned).collect();
    let silent: Vec<&str> = faults
        .iter()
        .filter(|fault| !is_found(cluster, fault, &verified))
        .map(|fault| fault.name.as_str())
        .collect();
    line.found = silent.is_empty();
    let known: Option<Vec<&Vec<String>>> = faults.iter().map(|f| f.finds.as_ref()).collect();
    let exactly = known.is_none_or(|ids| {
        let expected: BTreeSet<&str> = ids.into_iter().flatten().map(String::as_str).collect();
        verified.ids() == expected
    });
    line.exactly = line.found && exactly && verified.alarms.len() == faults.len();
    // One `apply` repairs all that it repairs, whichever host they are on.
    let (applied, others): (Vec<&Fault>, Vec<&Fault>) = faults
        .iter()
        .partition(|fault| fault.repaired_by == [Repair::Apply]);
    for fault in others.into_iter().chain(applied.into_iter().take(1)) {
        repair(cluster, fault, &verified)?;
    }
    clean(cluster, true).map_err(|left| format!("not clean after the repair:\n{}", left.text()))?;
    line.clean = true;
    if !line.found {
        return Err(format!(
            "not found: {silent:?}; verify says:\n{}",
            verified.text()
        ));
    }
    if !line.exactly {
        return Err(format!("more is found:\n{}", verified.text()));
    }
    Ok(())
}
