//! The catalogue is whole: enough faults, of every kind of cluster, with checks that exist. Needs neither root nor a lab.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};

use crate::fault::{self, Fault, Repair};
use crate::topologies;
use crate::verify::commands;
use crate::work::{self, What};

const AT_LEAST: usize = 120;
const AT_LEAST_AT_BOOT: usize = 40;

/// Of `make faults-few`.
const FEW_TOPOLOGY: &str = "dr-keepalived";

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn() -> Result<(), Failed>| Trial::test(name, test);
    vec![
        trial("named::there_are_enough_faults", || {
            let all = fault::catalogue()?;
            let boot = all.iter().filter(|fault| fault.boot).count();
            expect(
                all.len() >= AT_LEAST && boot >= AT_LEAST_AT_BOOT,
                format!("{} faults, {boot} of them at boot", all.len()),
            )
        }),
        trial("named::every_topology_is_known_and_used", || {
            let all = fault::catalogue()?;
            let used = all.iter().flat_map(|fault| &fault.topologies);
            let used: BTreeSet<&str> = used.map(String::as_str).collect();
            let known: BTreeSet<&str> = topologies::ALL.iter().copied().collect();
            let apart: Vec<&&str> = used.symmetric_difference(&known).collect();
            expect(apart.is_empty(), format!("{apart:?}"))
        }),
        trial("named::every_expected_check_exists", || {
            let page = lvsctl::check::markdown();
            let known: BTreeSet<&str> = page
                .lines()
                .filter_map(|line| line.strip_prefix("## "))
                .collect();
            let all = fault::catalogue()?;
            let ids = all.iter().flat_map(|fault| fault.finds.iter().flatten());
            let unknown: Vec<&String> = ids.filter(|id| !known.contains(id.as_str())).collect();
            expect(unknown.is_empty(), format!("{unknown:?}"))
        }),
        trial("named::what_no_check_finds_names_none", || {
            let all = fault::catalogue()?;
            let wrong: Vec<&str> = all
                .iter()
                .filter(|fault| fault.is_new && fault.finds.is_some())
                .map(|fault| fault.name.as_str())
                .collect();
            expect(wrong.is_empty(), format!("{wrong:?}"))
        }),
        trial("named::combinations_are_of_three_hosts", || {
            let faults = fault::catalogue()?;
            let hosts = |name: &String| {
                let fault: Option<&Fault> = faults.iter().find(|fault| fault.name == *name);
                fault.map(|fault| fault.inject[0].host.clone())
            };
            let all = fault::combinations()?;
            for (name, mixed) in &all {
                let on: BTreeSet<Option<String>> = mixed.faults.iter().map(hosts).collect();
                if on.len() != 3 || on.contains(&None) {
                    return Err(format!("{name}: {on:?}").into());
                }
            }
            expect(all.len() >= 10, format!("{} combinations", all.len()))
        }),
        trial(
            "named::a_file_with_a_slip_is_refused",
            a_file_with_a_slip_is_refused,
        ),
        trial(
            "named::the_few_are_a_tenth_and_of_every_group",
            the_few_are_a_tenth_and_of_every_group,
        ),
        trial(
            "named::another_lab_is_for_the_most_jobs",
            another_lab_is_for_the_most_jobs,
        ),
        trial("named::the_commands_of_a_fix", || {
            let of = |text| commands(text).join(" | ");
            for (fix, expected) in [
                (
                    "`ip addr del A dev lo`, and delete it from `x`",
                    "ip addr del A dev lo",
                ),
                (
                    "take the line out of F; then `lvsctl apply`: it sets `a=1`",
                    "lvsctl apply",
                ),
                (
                    "`systemctl unmask x`, then `lvsctl apply`",
                    "systemctl unmask x | lvsctl apply",
                ),
                ("look at it", ""),
            ] {
                expect(of(fix) == expected, format!("{fix}: {}", of(fix)))?;
            }
            Ok(())
        }),
    ]
}

fn the_few_are_a_tenth_and_of_every_group() -> Result<(), Failed> {
    let all = fault::catalogue()?;
    let jobs = work::jobs()?;
    let mut few = Vec::new();
    for name in few_of(include_str!("../../Makefile")) {
        let job = jobs.iter().find(|job| job.name == name);
        match &job.ok_or_else(|| format!("no fault {name}"))?.what {
            What::Fault(fault) => few.push(fault),
            What::Mixed(faults) => few.extend(faults),
            What::Healthy(_) => {}
        }
    }
    let names: BTreeSet<&str> = few.iter().map(|fault| fault.name.as_str()).collect();
    expect(
        names.len() * 10 >= all.len(),
        format!("{} of {} faults", names.len(), all.len()),
    )?;
    let here = all
        .iter()
        .filter(|fault| fault.topologies.iter().any(|t| t == FEW_TOPOLOGY));
    let groups: BTreeSet<&str> = here.filter_map(|fault| group(&fault.name)).collect();
    let tried: BTreeSet<&str> = names.iter().filter_map(|name| group(name)).collect();
    let left: Vec<&&str> = groups.difference(&tried).collect();
    expect(left.is_empty(), format!("none of {left:?}"))
}

fn another_lab_is_for_the_most_jobs() -> Result<(), Failed> {
    for (what, groups, expected) in [
        ("nothing", &[][..], None),
        (
            "new ones in order",
            &[(true, 50), (false, 1), (false, 9)],
            Some(1),
        ),
        ("a new one that is done", &[(false, 0)], None),
        ("no new one", &[(true, 8), (true, 30), (true, 0)], Some(1)),
        ("too few for a lab", &[(true, 7), (true, 0)], None),
    ] {
        let found = work::next(groups);
        expect(found == expected, format!("{what}: {found:?}"))?;
    }
    Ok(())
}

fn a_file_with_a_slip_is_refused() -> Result<(), Failed> {
    let good = "about: a\ntopology: dr\nhost: lb1\ninject: x\nfinds: [drift]\nrepaired_by: apply\n";
    let fault = fault::parse("g::n", good)?;
    expect(
        fault.repaired_by == [Repair::Apply] && fault.traffic,
        format!("{fault:?}"),
    )?;
    for (from, to) in [
        ("host: lb1", "hosts: lb1"),
        ("host: lb1\n", ""),
        ("topology: dr\n", ""),
        ("[drift]", "[]"),
        ("[drift]", "drift"),
        ("repaired_by: apply", "repaired_by: undo"),
        ("repaired_by: apply", "repaired_by: magic"),
        ("inject: x", "inject: { host: lb1 }"),
    ] {
        let bad = good.replacen(from, to, 1);
        if let Ok(read) = fault::parse("g::n", &bad) {
            return Err(format!("{from:?} to {to:?} is read: {read:?}").into());
        }
    }
    Ok(())
}

fn group(name: &str) -> Option<&str> {
    name.split_once("::").map(|(group, _)| group)
}

/// The names that `make faults-few` runs.
fn few_of(makefile: &str) -> Vec<String> {
    let makefile = makefile.replace("\\\n", " ");
    let list = makefile
        .lines()
        .find_map(|line| line.strip_prefix("FEW_FAULTS := "));
    let names = list.unwrap_or_default().split_whitespace();
    names
        .map(|name| format!("{FEW_TOPOLOGY}::{name}"))
        .collect()
}

fn expect(holds: bool, otherwise: String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
