//! docs/faults.md is made from the files of the fault catalogue.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::fault::{self, Fault};

const INTRO: &str = "\
# Fault catalogue

<!-- Made by `make docs` from tests/faults. Do not edit. -->

`make faults` injects each of these faults into a clean cluster in [the lab](lab.md), one at a time. `verify` must report the
fault by exactly one finding of each check that is named here, and by no other; the repair must work, and `verify` must report
nothing afterwards. If the harm of a fault can be shown, the file has a test (`bites`) that fails before the injection and
succeeds after it. `make faults REBOOT=1` shows the harm of boot-time faults by a reboot.

| command | does |
|---|---|
| `make faults` | all faults, healthy states and combinations |
| `make faults ONLY=\"boot:: ipvs::weight\"` | those whose names contain one of the words |
| `make faults-few` | a fixed tenth of them, of one topology |
| `make faults SHARD=K/N` | the Kth of N parts, K from 0 |
| `make faults HEALTHY=50` | asks `verify` 50 times in each healthy state |
| `make faults REBOOT=1` | reboots hosts for boot-time faults |
| `make faults FIXES=1` | prints all findings, and follows their fixes first, whatever repairs a file names |

A fault is a file `tests/faults/cases/GROUP/NAME.yaml`:

| key | meaning |
|---|---|
| `about` | what is wrong, for this page |
| `topology`, `topologies` | the inventories whose clusters it is injected into |
| `host` | where shell text runs: a host's name, or `master` or `backup` for the directors |
| `inject` | shell text, run as root with the cluster's name in `$cluster`; or a list of `{ host, run }` |
| `bites` | shell text that succeeds only while the fault does harm; `{ host, run }` on another host |
| `finds` | the ids of the [checks](checks.md) that report it; `any` accepts every error or warning about its hosts |
| `expects` | `new`: no check reported it when it was written |
| `repaired_by` | `apply`, `fix` (the commands of the findings' fixes), `undo`, or a list of these in order |
| `undo` | shell text, or a list of `{ host, run }` |
| `boot` | it changes the next boot or a timer, and nothing that runs |
| `traffic` | `false`: `verify --no-traffic`; the default for boot-time faults |

\"Found by any\" means that the file does not yet name the checks.
";

fn row(fault: &Fault) -> String {
    let ids = fault.finds.as_ref().map_or_else(
        || "any".to_owned(),
        |ids| {
            let links = ids.iter().map(|id| format!("[`{id}`](checks.md#{id})"));
            links.collect::<Vec<_>>().join(", ")
        },
    );
    let by: Vec<&str> = fault.repaired_by.iter().map(|by| by.into()).collect();
    let name = fault.name.split_once("::").map_or("", |(_, name)| name);
    format!(
        "| {name} | {} | {} | {ids} | {} |\n",
        fault.about,
        fault.topologies.join(", "),
        by.join(", ")
    )
}

fn markdown() -> String {
    let faults = fault::catalogue().expect("a catalogue");
    let boot = faults.iter().filter(|fault| fault.boot).count();
    let mut text = format!(
        "{INTRO}\n{} faults, {boot} of them at the next boot or on a schedule.\n",
        faults.len()
    );
    let mut groups: BTreeMap<&str, Vec<&Fault>> = BTreeMap::new();
    for fault in &faults {
        let group = fault.name.split_once("::").map_or("", |(group, _)| group);
        groups.entry(group).or_default().push(fault);
    }
    for (group, faults) in groups {
        text += &format!(
            "\n## {group}\n\n| name | injected | topologies | found by | repaired by |\n|---|---|---|---|---|\n"
        );
        text.extend(faults.into_iter().map(row));
    }
    text += "\n## Combinations\n\nThree faults at once, each on another host.\n\n| name | topology | faults |\n|---|---|---|\n";
    for (name, mixed) in fault::combinations().expect("combinations") {
        text += &format!(
            "| {name} | {} | {} |\n",
            mixed.topology,
            mixed.faults.join(", ")
        );
    }
    text
}

/// After a change: `make docs`.
#[test]
fn the_catalogue_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let text = markdown();
    if std::env::var_os("LVSCTL_WRITE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/faults.md is not what tests/faults says: make docs"
    );
}
