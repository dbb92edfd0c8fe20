//! The result of all faults together.

use crate::job::Line;

pub(crate) fn line(lines: &[Line]) -> String {
    let count = |holds: fn(&Line) -> bool| lines.iter().filter(|line| holds(line)).count();
    format!(
        "faults: {} injected, {} found, {} by exactly the expected checks, {} clean after the repair, {:.0} s",
        lines.len(),
        count(|line| line.found),
        count(|line| line.exactly),
        count(|line| line.clean),
        lines.iter().map(|line| line.seconds).sum::<f64>()
    )
}
