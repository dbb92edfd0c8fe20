//! Plans as a person reads them: what changes per host, from what to what, and a summary.

use std::io::{self, Write};

use super::fold::{Folded, folded};
use super::{Names, Totals, diff, services};
use crate::plan::HostPlan;
use crate::report::style::{Style, Tone};
use crate::report::{all_names, count, names, sanitize};
use crate::resource::change::Field;
use crate::resource::{Action, Change};

/// Writes plans: first what comes and goes for clients, service by service, then the hosts. Hosts with the same
/// changes are shown once, those with nothing to do in one line. A verbose style folds nothing: every host with changes
/// stands for itself, with all its steps.
pub fn text(
    writer: &mut dyn Write,
    plans: &[HostPlan],
    called: &Names,
    style: Style,
) -> io::Result<()> {
    let (idle, busy): (Vec<&HostPlan>, Vec<&HostPlan>) = plans.iter().partition(|p| silent(p));
    if services::write(writer, plans, called, style)? {
        writeln!(writer)?;
    }
    let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
    for plan in busy {
        let mut body = Vec::new();
        host(&mut body, plan, style)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let twin = groups
            .iter_mut()
            .find(|(_, known)| !style.verbose() && *known == body);
        match twin {
            Some((hosts, _)) => hosts.push(&plan.host),
            None => groups.push((vec![&plan.host], body)),
        }
    }
    for (hosts, body) in &groups {
        let heading = style.paint(Tone::Heading, all_names(hosts));
        writeln!(writer, "{heading}{body}")?;
    }
    if !idle.is_empty() {
        let hosts: Vec<&str> = idle.iter().map(|plan| plan.host.as_str()).collect();
        writeln!(writer, "{}: no changes", names(&hosts, style))?;
    }
    writeln!(
        writer,
        "{}",
        style.paint(Tone::Heading, summary(&Totals::of(plans)))
    )?;
    if folds(plans) && !style.verbose() {
        writeln!(
            writer,
            "{}",
            style.paint(
                Tone::Faint,
                "-v shows each value, each new file and each step"
            )
        )?;
    }
    writer.flush()
}

/// Whether something is left out that a verbose style shows.
fn folds(plans: &[HostPlan]) -> bool {
    plans.iter().any(|plan| {
        let new = |change: &Change| change.action == Action::Create && change.text.is_some();
        plan.changes.iter().any(new)
            || folded(plan.changes.iter())
                .iter()
                .any(|one| matches!(one, Folded::Many(_)))
    })
}

/// Whether there is nothing to say of a host.
fn silent(plan: &HostPlan) -> bool {
    plan.is_empty() && unchanged(plan) && plan.notes.is_empty()
}

fn unchanged(plan: &HostPlan) -> bool {
    plan.changes.is_empty() && plan.adopts.is_empty() && plan.refusals.is_empty()
}

/// What follows a host's name.
fn host(writer: &mut dyn Write, plan: &HostPlan, style: Style) -> io::Result<()> {
    let idle = plan.is_empty() && unchanged(plan);
    writeln!(writer, "{}", if idle { ": no changes" } else { ":" })?;
    if style.verbose() {
        for item in &plan.changes {
            change(writer, plan, item, style)?;
        }
    } else {
        // Virtual services stand at the head of all.
        let others = plan.changes.iter().filter(|change| change.kind != "ipvs");
        for one in folded(others) {
            match one {
                Folded::One(item) => change(writer, plan, item, style)?,
                Folded::Many(all) => many(writer, &all, style)?,
            }
        }
    }
    if !plan.adopts.is_empty() {
        let line = format!(
            "in the desired state already, managed by lvsctl from now on: {}",
            names(&plan.adopts, style)
        );
        writeln!(writer, "  {} {line}", style.paint(Tone::Good, '='))?;
    } else if plan.changes.is_empty() && !plan.is_empty() {
        let sign = style.paint(Tone::Notable, '~');
        writeln!(
            writer,
            "  {sign} the record of what is ours: brought up to date"
        )?;
    }
    for note in &plan.notes {
        let label = style.paint(Tone::Place, "note:");
        writeln!(writer, "  {label} {}", sanitize::line(note))?;
    }
    for refusal in &plan.refusals {
        let line = format!("refused: {}", sanitize::line(refusal));
        writeln!(writer, "  {}", style.paint(Tone::Bad, line))?;
    }
    if style.verbose() && !plan.steps.is_empty() {
        writeln!(writer, "  {}", style.paint(Tone::Faint, "steps:"))?;
        let width = plan.steps.len().to_string().len();
        for (index, step) in plan.steps.iter().enumerate() {
            let line = format!("{:>width$}. {}", index + 1, sanitize::line(&step.title));
            writeln!(writer, "    {}", style.paint(Tone::Faint, line))?;
        }
    }
    Ok(())
}

pub(super) fn sign(action: Action) -> (char, Tone) {
    match action {
        Action::Create => ('+', Tone::Good),
        Action::Update => ('~', Tone::Notable),
        Action::Remove => ('-', Tone::Bad),
    }
}

/// Many changes of one kind in a line: how many, and the first few of them.
fn many(writer: &mut dyn Write, all: &[&Change], style: Style) -> io::Result<()> {
    const NAMED: usize = 3;
    let Some(first) = all.first() else {
        return Ok(());
    };
    let (sign, tone) = sign(first.action);
    let named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|change| {
            let key = sanitize::line(&change.key).into_owned();
            let value = change.fields.first().filter(|_| change.text.is_none());
            match value.and_then(|field| value_of(field, &change.key, style)) {
                Some(value) => format!("{key} {value}"),
                None => key,
            }
        })
        .collect();
    writeln!(
        writer,
        "  {} {} {}: {} and {} more",
        style.paint(tone, sign),
        all.len(),
        first.kind,
        named.join(", "),
        all.len() - named.len()
    )
}

fn change(
    writer: &mut dyn Write,
    plan: &HostPlan,
    change: &Change,
    style: Style,
) -> io::Result<()> {
    let (sign, tone) = sign(change.action);
    write!(
        writer,
        "  {} {} {}",
        style.paint(tone, sign),
        change.kind,
        style.paint(Tone::Heading, sanitize::line(&change.key))
    )?;
    match (change.fields.as_slice(), &change.text) {
        ([only], None) if !is_part(only, change) => match value_of(only, &change.key, style) {
            Some(value) if named(only, change) => {
                writeln!(writer, ": {} {value}", sanitize::line(&only.name))?;
            }
            Some(value) => writeln!(writer, ": {value}")?,
            None => writeln!(writer)?,
        },
        (fields, _) => {
            writeln!(writer, "{}", beside(plan, change, style))?;
            for field in fields {
                write_field(writer, field, style)?;
            }
        }
    }
    match &change.text {
        Some(_) if counted(change, style) => Ok(()),
        Some(text) => diff::write(writer, text, "      ", style),
        None => Ok(()),
    }
}

/// Whether a new file is only counted in lines.
fn counted(change: &Change, style: Style) -> bool {
    change.action == Action::Create && !style.verbose()
}

/// What stands behind a change's headline.
fn beside(plan: &HostPlan, change: &Change, style: Style) -> String {
    match &change.text {
        Some(text) if counted(change, style) => {
            format!(": {}", count(text.to.lines().count(), "line"))
        }
        Some(_) if plan.replaces.contains(&change.key) => {
            ", in place of one that lvsctl did not make (it is kept, and `destroy` puts it back)"
                .to_owned()
        }
        _ => String::new(),
    }
}

/// Whether a field is a separate part that comes or goes while the rest stays.
fn is_part(field: &Field, change: &Change) -> bool {
    change.action == Action::Update && (field.from.is_none() || field.to.is_none())
}

/// Whether the name of a change's only field says more than its headline.
fn named(field: &Field, change: &Change) -> bool {
    change.action == Action::Update && field.name != "value" && field.name != change.kind
}

fn write_field(writer: &mut dyn Write, field: &Field, style: Style) -> io::Result<()> {
    let (sign, tone) = sign(field.action());
    let value = value_of(field, "", style).unwrap_or_default();
    let name = sanitize::line(&field.name);
    writeln!(writer, "      {} {name}: {value}", style.paint(tone, sign))
}

/// `from -> to`, or the one of them there is; none when the key shows it already.
fn value_of(field: &Field, key: &str, style: Style) -> Option<String> {
    let bad = |text: &str| style.paint(Tone::Bad, sanitize::line(text)).to_string();
    let good = |text: &str| style.paint(Tone::Good, sanitize::line(text)).to_string();
    match (&field.from, &field.to) {
        (Some(from), Some(to)) => Some(format!("{} -> {}", bad(from), good(to))),
        (None, Some(to)) => (!is_in_title(to, key)).then(|| good(to)),
        (Some(from), None) => (!is_in_title(from, key)).then(|| bad(from)),
        (None, None) => None,
    }
}

/// Whether the words of a value are the first of its key.
fn is_in_title(value: &str, key: &str) -> bool {
    let mut words = key.split_whitespace();
    !key.is_empty()
        && value
            .split_whitespace()
            .all(|word| words.next() == Some(word))
}

/// The last line of a plan.
fn summary(totals: &Totals) -> String {
    let hosts = count(totals.hosts, "host");
    let mut parts = Vec::new();
    if totals.nothing_to_do() {
        parts.push("0 changes".to_owned());
    } else if totals.create + totals.update + totals.remove == 0 {
        parts.push("nothing to change".to_owned());
    } else {
        parts.push(format!(
            "{} to create, {} to change, {} to remove",
            totals.create, totals.update, totals.remove
        ));
    }
    if totals.adopt > 0 {
        parts.push(format!("{} to adopt unchanged", totals.adopt));
    } else if totals.record > 0 {
        let records = if totals.record == 1 {
            "record"
        } else {
            "records"
        };
        parts.push(format!("{} {records} to bring up to date", totals.record));
    }
    let mut line = format!("{hosts}: {}", parts.join(", "));
    if totals.refused > 0 {
        line.push_str(&format!(
            "; {} cannot reach the desired state",
            count(totals.refused, "host")
        ));
    }
    line
}
