//! Compares the answers of real servers to clients with those to directors. Pure.

use std::collections::BTreeMap;

use super::judge::{
    Came, Heard, REAL_SERVER_ANSWER, expected, fix, in_service, names, outcomes, what,
};
use super::{Page, Question};
use crate::check::findings::{Findings, Mismatch};
use crate::check::traffic::Traffic;

/// Reports real servers that give clients another answer than directors.
pub(super) fn judge(traffic: &Traffic, heard: &[Heard], findings: &mut Findings) {
    // By index of the question: what the first client got, and the names of all such clients.
    let mut refused: BTreeMap<usize, (String, Vec<&str>)> = BTreeMap::new();
    for client in traffic.asked.iter().filter(|asked| !asked.is_director) {
        for (question, came) in outcomes(traffic, client) {
            let same = |heard: &Heard| heard.question == *question;
            let Some(index) = heard.iter().position(same) else {
                continue;
            };
            if let Some(found) = differs(question, &came, &heard[index]) {
                let (_, clients) = refused.entry(index).or_insert((found, Vec::new()));
                clients.push(&client.from);
            }
        }
    }
    for (index, (found, clients)) in refused {
        let question = &heard[index].question;
        let what = what(question);
        let found = format!("{found}, asked by {}", names(&clients));
        if !in_service(traffic, question) {
            let note = format!("{what}: {found}; no director sends it new connections");
            findings.note(question.host, &REAL_SERVER_ANSWER, note);
            continue;
        }
        let directors: Vec<&str> = heard[index]
            .served()
            .map(|(director, _)| director)
            .collect();
        let fault = Mismatch::new(
            format!("{}, as for {}", expected(question), names(&directors)),
            found,
            fix(question, clients.first().copied()),
        );
        let fault = fault.of_service(&question.service.name).answered();
        let what = format!("{what} for clients");
        findings.fail(question.host, &REAL_SERVER_ANSWER, what, fault.warning());
    }
}

/// What a client got in place of the answer to directors. A client whose connection was not accepted is no fault: a packet
/// filter may keep clients from the addresses of real servers.
fn differs(question: &Question, came: &Came, heard: &Heard) -> Option<String> {
    let (_, status) = heard.served().next()?;
    match came {
        Came::Wrong(found) => Some(found.clone()),
        Came::Ended(why) => Some(format!("a connection without an answer ({why})")),
        Came::Right(Some(own)) => {
            let listed = |page: &Page| page.right.lists(*own);
            let is_listed = question.page.as_ref().is_some_and(listed);
            let other = status.is_some_and(|status| status / 100 != own / 100);
            (other && !is_listed).then(|| format!("status {own}"))
        }
        Came::Right(None) | Came::Nothing(_) => None,
    }
}
