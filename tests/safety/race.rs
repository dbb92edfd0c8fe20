//! Two controllers with two inventories at once: the cluster is as one of them says, never a mixture.

use std::process::Stdio;

use crate::Test;
use crate::edits::{Edit, REAL_SERVER, SCHEDULER, VIP, WEIGHT};
use crate::pair::Pair;

/// By turns: the cluster is as an edit of another turn has it, so both have something to do.
const PAIRS: [(&Edit, &Edit); 4] = [
    (&WEIGHT, &REAL_SERVER),
    (&SCHEDULER, &VIP),
    (&REAL_SERVER, &WEIGHT),
    (&VIP, &SCHEDULER),
];

pub(crate) fn tests(races: usize) -> Vec<(String, Test)> {
    let test = move |pair: &Pair| {
        let (mut both, mut one) = (0, 0);
        for number in 0..races {
            let (mine, theirs) = PAIRS[number % PAIRS.len()];
            let done =
                race(pair, mine, theirs).map_err(|error| format!("race {number}: {error}"))?;
            if done == 2 { both += 1 } else { one += 1 }
        }
        pair.apply().expect(0);
        pair.is_clean()?;
        Ok(format!(
            "{races} races, never mixed; both ran in {both}, one was refused in {one}"
        ))
    };
    vec![("race::two-controllers".to_owned(), Box::new(test) as Test)]
}

/// How many of the two have done what they were to do.
fn race(pair: &Pair, mine: &Edit, theirs: &Edit) -> Result<usize, String> {
    let original = std::fs::read_to_string(pair.cluster.inventory()).expect("the inventory");
    let inventories = [mine, theirs].map(|edit| {
        let path = pair
            .cluster
            .inventory()
            .with_file_name(format!("{}.yaml", edit.name));
        std::fs::write(&path, original.replacen(edit.from, edit.to, 1)).expect("an inventory");
        path
    });
    let children = inventories
        .each_ref()
        .map(|path| pair.start(path, &[], Stdio::null(), Stdio::piped()));
    let ended = children.map(|child| child.wait_with_output().expect("it ends"));
    let done = ended
        .iter()
        .filter(|output| output.status.success())
        .count();
    let plan = |path| pair.cluster.run_with(path, &["--lab", "plan"]).status;
    let left = inventories.each_ref().map(|path| plan(path));
    if left.contains(&0) && done > 0 {
        return Ok(done);
    }
    let said = ended.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    Err(format!(
        "plans end with {left:?}, {done} ended well:\n{}\n{}",
        said[0], said[1]
    ))
}
