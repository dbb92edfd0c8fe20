//! Plans as a person reads them: what changes per host, from what to what, and a summary.

use std::io::{self, Write};

use super::{Totals, diff};
use crate::plan::HostPlan;
use crate::report::style::{Style, Tone};
use crate::report::{all_names, clean, count, names};
use crate::resource::change::Field;
use crate::resource::{Action, Change};

/// Writes plans. Hosts of which all the same is to be said are said once, and those with nothing to do in one line;
/// a verbose style keeps every host with changes apart and adds the steps.
pub fn text(writer: &mut dyn Write, plans: &[HostPlan], style: Style) -> io::Result<()> {
    let (idle, busy): (Vec<&HostPlan>, Vec<&HostPlan>) = plans.iter().partition(|p| silent(p));
    let mut groups: Vec<Vec<&HostPlan>> = Vec::new();
    for plan in busy {
        let twin = groups.iter_mut().find(|group| {
            !style.verbose() && group.first().is_some_and(|first| alike(first, plan))
        });
        match twin {
            Some(group) => group.push(plan),
            None => groups.push(vec![plan]),
        }
    }
    for group in &groups {
        let hosts: Vec<&str> = group.iter().map(|plan| plan.host.as_str()).collect();
        if let Some(plan) = group.first() {
            host(writer, &hosts, plan, style)?;
            writeln!(writer)?;
        }
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
    writer.flush()
}

/// Whether there is nothing to say of a host.
fn silent(plan: &HostPlan) -> bool {
    plan.is_empty() && unchanged(plan) && plan.notes.is_empty()
}

fn unchanged(plan: &HostPlan) -> bool {
    plan.changes.is_empty() && plan.adopts.is_empty() && plan.refusals.is_empty()
}

/// Whether all that is shown of two hosts is the same.
fn alike(a: &HostPlan, b: &HostPlan) -> bool {
    a.changes == b.changes
        && a.adopts == b.adopts
        && a.notes == b.notes
        && a.refusals == b.refusals
        && a.is_empty() == b.is_empty()
}

fn host(writer: &mut dyn Write, hosts: &[&str], plan: &HostPlan, style: Style) -> io::Result<()> {
    let idle = plan.is_empty() && unchanged(plan);
    let tail = if idle { ": no changes" } else { ":" };
    writeln!(
        writer,
        "{}{tail}",
        style.paint(Tone::Heading, all_names(hosts))
    )?;
    for item in &plan.changes {
        change(writer, item, style)?;
    }
    if !plan.adopts.is_empty() {
        let line = format!(
            "as wanted already, and ours from now on: {}",
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
        writeln!(writer, "  {label} {}", clean::line(note))?;
    }
    for refusal in &plan.refusals {
        let line = format!("refused: {}", clean::line(refusal));
        writeln!(writer, "  {}", style.paint(Tone::Bad, line))?;
    }
    if style.verbose() && !plan.steps.is_empty() {
        writeln!(writer, "  {}", style.paint(Tone::Faint, "steps:"))?;
        let width = plan.steps.len().to_string().len();
        for (index, step) in plan.steps.iter().enumerate() {
            let line = format!("{:>width$}. {}", index + 1, clean::line(&step.title));
            writeln!(writer, "    {}", style.paint(Tone::Faint, line))?;
        }
    }
    Ok(())
}

fn change(writer: &mut dyn Write, change: &Change, style: Style) -> io::Result<()> {
    let (sign, tone) = match change.action {
        Action::Create => ('+', Tone::Good),
        Action::Update => ('~', Tone::Notable),
        Action::Remove => ('-', Tone::Bad),
    };
    write!(
        writer,
        "  {} {} {}",
        style.paint(tone, sign),
        change.kind,
        style.paint(Tone::Heading, clean::line(&change.key))
    )?;
    match (change.fields.as_slice(), &change.text) {
        ([only], None) => match value(only, &change.key, style) {
            Some(value) if named(only, change) => {
                writeln!(writer, ": {} {value}", clean::line(&only.name))?;
            }
            Some(value) => writeln!(writer, ": {value}")?,
            None => writeln!(writer)?,
        },
        (fields, _) => {
            writeln!(writer)?;
            for field in fields {
                write_field(writer, field, style)?;
            }
        }
    }
    match &change.text {
        Some(text) => diff::write(writer, text, "      ", style),
        None => Ok(()),
    }
}

/// Whether the name of a change's only field says more than its headline.
fn named(field: &Field, change: &Change) -> bool {
    change.action == Action::Update && field.name != "value" && field.name != change.kind
}

fn write_field(writer: &mut dyn Write, field: &Field, style: Style) -> io::Result<()> {
    let (sign, tone) = match (&field.from, &field.to) {
        (None, Some(_)) => ('+', Tone::Good),
        (Some(_), None) => ('-', Tone::Bad),
        _ => ('~', Tone::Notable),
    };
    let value = value(field, "", style).unwrap_or_default();
    let name = clean::line(&field.name);
    writeln!(writer, "      {} {name}: {value}", style.paint(tone, sign))
}

/// `from -> to`, or the one of them there is; none when the key tells it already.
fn value(field: &Field, key: &str, style: Style) -> Option<String> {
    let bad = |text: &str| style.paint(Tone::Bad, clean::line(text)).to_string();
    let good = |text: &str| style.paint(Tone::Good, clean::line(text)).to_string();
    match (&field.from, &field.to) {
        (Some(from), Some(to)) => Some(format!("{} -> {}", bad(from), good(to))),
        (None, Some(to)) => (!told(to, key)).then(|| good(to)),
        (Some(from), None) => (!told(from, key)).then(|| bad(from)),
        (None, None) => None,
    }
}

/// Whether the words of a value are the first of its key.
fn told(value: &str, key: &str) -> bool {
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
        parts.push(format!("{} to take over as they are", totals.adopt));
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
            "; {} cannot be made as wanted",
            count(totals.refused, "host")
        ));
    }
    line
}
