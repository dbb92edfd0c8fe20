//! Runs that are killed at each of their steps: the next run ends what they began, and the service stays.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::Test;
use crate::edits::{Edit, HITLESS, REAL_SERVER, VIP, VRID, WEIGHT};
use crate::pair::Pair;

pub(crate) fn tests(every: usize) -> Vec<(String, Test)> {
    let director = &HITLESS[1];
    let all = [&WEIGHT, &REAL_SERVER, director, &VIP, &VRID, &HITLESS[4]];
    all.into_iter()
        .map(|edit| {
            let test = move |pair: &Pair| cut(pair, edit, every.max(1));
            (format!("cut::{}", edit.name), Box::new(test) as Test)
        })
        .collect()
}

/// There and back by turns, each cut off one step later than the one before, until a run ends by itself.
fn cut(pair: &Pair, edit: &Edit, every: usize) -> Result<String, String> {
    let back = edit.back();
    let (mut cuts, mut lost, mut sent, mut gap) = (0, 0, 0, 0_f64);
    for (turn, at) in (1..).step_by(every).enumerate() {
        let edit = if turn % 2 == 0 { edit } else { &back };
        pair.edit(edit);
        let (load, was_cut) = pair.under_load(|| {
            let was_cut = killed_at(pair, at);
            pair.apply().expect(0);
            was_cut
        });
        pair.is_clean()
            .map_err(|error| format!("cut at step {at}: {error}"))?;
        (lost, sent, gap) = (lost + load.lost, sent + load.sent, gap.max(load.gap));
        if load.lost > 0 {
            return Err(format!("cut at step {at}: {}", load.whole));
        }
        if !was_cut {
            if turn % 2 == 0 {
                pair.edit(&back);
                pair.apply().expect(0);
            }
            break;
        }
        cuts += 1;
    }
    Ok(format!(
        "{cuts} cuts, {sent} sent, {lost} lost, longest gap {gap:.2} s"
    ))
}

/// Whether the run had so many steps.
fn killed_at(pair: &Pair, at: usize) -> bool {
    let mut child = pair.start(&pair.cluster.inventory(), Stdio::piped());
    let lines = BufReader::new(child.stderr.take().expect("its stderr")).lines();
    let steps = lines
        .map_while(Result::ok)
        .filter(|line| line.contains(": ["));
    let reached = steps.take(at).count() == at;
    if reached {
        child.kill().expect("it is killed");
    }
    child.wait().expect("its end");
    reached
}
