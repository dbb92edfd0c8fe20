//! One finding per cause: a consequence becomes a part of the finding that explains it, on whichever host it was seen, and
//! findings are sorted by what to fix first. Pure. Which finding explains which is in the table of [`rules`].

mod members;
mod rules;
#[cfg(test)]
mod tests;

pub use members::Members;

use super::finding::{Finding, Severity};
use rules::explains;

/// Puts consequences below their causes, and orders what is left by what to fix first.
pub fn group(members: &Members, findings: Vec<Finding>) -> Vec<Finding> {
    let causes = causes(members, &findings);
    let mut below: Vec<Vec<Finding>> = findings.iter().map(|_| Vec::new()).collect();
    let mut kept: Vec<(usize, Finding)> = Vec::new();
    for (index, finding) in findings.into_iter().enumerate() {
        match causes.get(index).copied().flatten() {
            Some(cause) => below[cause].push(finding),
            None => kept.push((index, finding)),
        }
    }
    let mut all: Vec<Finding> = kept
        .into_iter()
        .map(|(index, finding)| with(finding, std::mem::take(&mut below[index])))
        .collect();
    all.sort_by_key(|finding| order(members, finding));
    all
}

/// For each finding, the index of the finding that explains it. A consequence of a consequence belongs to the first cause.
fn causes(members: &Members, findings: &[Finding]) -> Vec<Option<usize>> {
    let direct: Vec<Option<usize>> = findings
        .iter()
        .enumerate()
        .map(|(index, finding)| nearest(members, findings, index, finding))
        .collect();
    (0..findings.len())
        .map(|start| {
            let mut at = direct[start]?;
            for _ in 0..findings.len() {
                match direct[at] {
                    Some(next) => at = next,
                    None => return Some(at),
                }
            }
            // Two that explain each other both stay.
            None
        })
        .collect()
}

fn nearest(
    members: &Members,
    findings: &[Finding],
    index: usize,
    finding: &Finding,
) -> Option<usize> {
    let others = findings.iter().enumerate().filter(|(i, _)| *i != index);
    let explained = others.filter_map(|(i, cause)| {
        let strength = explains(members, cause, finding)?;
        Some((strength, order(members, cause), i))
    });
    explained.min().map(|(_, _, i)| i)
}

fn with(mut finding: Finding, below: Vec<Finding>) -> Finding {
    for consequence in below {
        finding.severity = finding.severity.min(consequence.severity);
        finding.state = finding.state.min(consequence.state);
        let mut consequence = consequence;
        let parts = std::mem::take(&mut consequence.parts);
        finding.parts.push(consequence.into_part(true));
        finding.parts.extend(parts.into_iter().map(|mut part| {
            part.consequence = true;
            part
        }));
    }
    finding
}

/// Errors first, then what others follow from, then directors before other hosts.
fn order(members: &Members, finding: &Finding) -> (Severity, bool, u8) {
    let alone = !finding.parts.iter().any(|part| part.consequence);
    (finding.severity, alone, members.rank(&finding.host))
}
