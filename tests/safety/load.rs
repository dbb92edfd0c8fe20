//! Edits under load, there and back: no request is lost.

use crate::Test;
use crate::edits::{Edit, HITLESS, SHORT};
use crate::pair::Pair;

/// What clients may notice of an edit that `plan` announces, in seconds.
const SHORTEST: f64 = 1.0;

pub(crate) fn tests() -> Vec<(String, Test)> {
    let all = HITLESS.iter().map(|edit| (edit, false));
    let all = all.chain(SHORT.iter().map(|edit| (edit, true)));
    all.map(|(edit, announced)| {
        let test = move |pair: &Pair| {
            let there = applied(pair, edit, announced)?;
            let back = applied(pair, &edit.back(), announced)?;
            pair.is_clean()?;
            Ok(format!("there {there}, back {back}"))
        };
        (format!("load::{}", edit.name), Box::new(test) as Test)
    })
    .collect()
}

fn applied(pair: &Pair, edit: &Edit, announced: bool) -> Result<String, String> {
    pair.edit(edit);
    if announced {
        let plan = pair.cluster.lvsctl(&["plan"]).expect(2);
        if !plan.stdout.contains("for less than a second") {
            return Err(format!("not announced:\n{}", plan.stdout));
        }
    }
    let (load, ran) = pair.under_load(|| pair.apply());
    ran.expect(0);
    let said = format!(
        "{} sent, {} lost, longest gap {:.2} s",
        load.sent, load.lost, load.gap
    );
    if load.lost > 0 || load.gap > SHORTEST {
        return Err(format!("{said}\n{}", load.whole));
    }
    Ok(said)
}
