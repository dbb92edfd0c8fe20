//! Edits under load, there and back: no request is lost. The same with `--limit` and with a host that is off.

use std::time::Duration;

use lvsctl::lab;

use crate::Test;
use crate::edits::{Edit, HITLESS, REAL_SERVER, SHORT, WEIGHT};
use crate::pair::{Load, Pair};

/// What clients may notice of an edit that `plan` announces, in seconds.
const SHORTEST: f64 = 1.0;

/// How long a host may take to switch off or on.
const POWER: Duration = Duration::from_secs(240);

/// Exit statuses of `apply`.
const DONE: i32 = 0;
const FAILED: i32 = 1;
const UNREACHABLE: i32 = 5;
const INCOMPLETE: i32 = 9;

pub(crate) fn tests() -> Vec<(String, Test)> {
    let all = HITLESS.iter().map(|edit| (edit, false));
    let all = all.chain(SHORT.iter().map(|edit| (edit, true)));
    let edits = all.map(|(edit, announced)| {
        let test = move |pair: &Pair| {
            let there = applied(pair, edit, announced)?;
            let back = applied(pair, &edit.back(), announced)?;
            pair.is_clean()?;
            Ok(format!("there {there}, back {back}"))
        };
        (format!("load::{}", edit.name), Box::new(test) as Test)
    });
    let flags = [
        (
            "load::limit",
            limited as fn(&Pair) -> Result<String, String>,
        ),
        ("load::ignore-unreachable", without_a_host),
    ];
    let flags = flags.map(|(name, test)| (name.to_owned(), Box::new(test) as Test));
    edits.chain(flags).collect()
}

fn applied(pair: &Pair, edit: &Edit, announced: bool) -> Result<String, String> {
    pair.edit(edit);
    if announced {
        let plan = pair.cluster.lvsctl(&["plan"]).expect(2);
        if !plan.stdout.contains("for less than a second") {
            return Err(format!("not announced:\n{}", plan.stdout));
        }
    }
    runs(pair, &[(&[], DONE)])
}

/// Runs of `apply` one after another, each with its flags and the exit status that it must have.
fn runs(pair: &Pair, all: &[(&[&str], i32)]) -> Result<String, String> {
    let (load, ()) = pair.under_load(|| {
        for (flags, status) in all {
            let words = [&["apply", "--yes"], *flags].concat();
            pair.cluster.lvsctl(&words).expect(*status);
        }
    });
    unnoticed(&load)
}

fn unnoticed(load: &Load) -> Result<String, String> {
    if load.lost > 0 || load.gap > SHORTEST {
        return Err(format!("{load}\n{}", load.whole));
    }
    Ok(load.to_string())
}

/// The side that must come second is tried first: it is withheld, and clients notice nothing of that either.
fn limited(pair: &Pair) -> Result<String, String> {
    const DIRECTORS: &[&str] = &["--limit", "lb1,lb2"];
    const ADDED: &[&str] = &["--limit", "rs3"];
    pair.edit(&REAL_SERVER);
    let there = runs(
        pair,
        &[
            (DIRECTORS, INCOMPLETE),
            (ADDED, DONE),
            (DIRECTORS, DONE),
            (&[], DONE),
        ],
    )?;
    pair.is_clean()?;
    pair.edit(&REAL_SERVER.back());
    let back = runs(
        pair,
        &[
            (ADDED, INCOMPLETE),
            (DIRECTORS, DONE),
            (ADDED, DONE),
            (&[], DONE),
        ],
    )?;
    pair.is_clean()?;
    Ok(format!("there {there}, back {back}"))
}

/// A spare host is off: a plain run changes nothing, one with the flag changes the others, and the host takes its part
/// when it is back.
fn without_a_host(pair: &Pair) -> Result<String, String> {
    const IGNORE: &[&str] = &["--ignore-unreachable"];
    let name = &pair.cluster.name;
    pair.cluster.on(
        "rs3",
        "setsid sh -c 'sleep 0.2; poweroff -ff' </dev/null >/dev/null 2>&1 &",
    );
    lab::wait_off(name, "rs3", POWER).expect("the host switches off");
    pair.edit(&WEIGHT);
    let there = runs(pair, &[(&[], UNREACHABLE), (IGNORE, FAILED)])?;
    lab::start(name, "rs3", POWER).expect("the host starts");
    pair.cluster.lvsctl(&["apply", "--yes"]).expect(DONE);
    pair.is_clean()?;
    let back = applied(pair, &WEIGHT.back(), false)?;
    pair.is_clean()?;
    Ok(format!("without rs3 {there}, back {back}"))
}
