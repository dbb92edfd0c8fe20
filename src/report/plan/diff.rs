//! Two texts as a line diff.

use std::io::{self, Write};
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::report::sanitize;
use crate::report::style::{Style, Tone};
use crate::resource::change::TextChange;

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// Lines of a diff, or of a text that is wholly new or wholly gone, that are shown.
const WHOLE: usize = 40;

/// After this long the diff may be larger than it has to be.
const TIME: Duration = Duration::from_secs(1);

/// Writes what differs, each line behind `indent`.
pub(super) fn write(
    writer: &mut dyn Write,
    change: &TextChange,
    indent: &str,
    style: Style,
) -> io::Result<()> {
    match (change.from.is_empty(), change.to.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => whole(writer, &change.to, '+', Tone::Good, indent, style),
        (false, true) => whole(writer, &change.from, '-', Tone::Bad, indent, style),
        (false, false) => unified(writer, change, indent, style),
    }
}

fn whole(
    writer: &mut dyn Write,
    text: &str,
    sign: char,
    tone: Tone,
    indent: &str,
    style: Style,
) -> io::Result<()> {
    let lines = text.lines().count();
    // A cut that hides a line or two would save nothing.
    let shown = if style.verbose() || lines <= WHOLE + 2 {
        lines
    } else {
        WHOLE
    };
    for line in text.lines().take(shown) {
        let line = format!("{sign}{}", sanitize::file_line(line));
        writeln!(writer, "{indent}{}", style.paint(tone, line))?;
    }
    if shown < lines {
        let left = format!("... {} more lines; -v shows all {lines}", lines - shown);
        writeln!(writer, "{indent}{}", style.paint(Tone::Faint, left))?;
    }
    Ok(())
}

fn unified(
    writer: &mut dyn Write,
    change: &TextChange,
    indent: &str,
    style: Style,
) -> io::Result<()> {
    let diff = TextDiff::configure()
        .timeout(TIME)
        .diff_lines(change.from.as_str(), change.to.as_str());
    let mut unified = diff.unified_diff();
    let hunks = unified.context_radius(CONTEXT).iter_hunks();
    let shown: usize = if style.verbose() { usize::MAX } else { WHOLE };
    let (mut lines, mut left) = (0, 0);
    for hunk in hunks {
        if lines >= shown {
            left += hunk.iter_changes().count();
            continue;
        }
        let header = hunk.header().to_string();
        writeln!(
            writer,
            "{indent}{}",
            style.paint(Tone::Place, header.trim_end())
        )?;
        for line in hunk.iter_changes() {
            lines += 1;
            if lines > shown {
                left += 1;
                continue;
            }
            let (sign, tone) = match line.tag() {
                ChangeTag::Delete => ('-', Some(Tone::Bad)),
                ChangeTag::Insert => ('+', Some(Tone::Good)),
                ChangeTag::Equal => (' ', None),
            };
            let value = line.value();
            let value = value.strip_suffix('\n').unwrap_or(value);
            let text = format!("{sign}{}", sanitize::file_line(value));
            match tone {
                Some(tone) => writeln!(writer, "{indent}{}", style.paint(tone, text))?,
                None => writeln!(writer, "{indent}{text}")?,
            }
            if line.missing_newline() {
                let hint = style.paint(Tone::Faint, "\\ no newline at the end");
                writeln!(writer, "{indent}{hint}")?;
            }
        }
    }
    if left > 0 {
        let left = format!(
            "... {}; -v shows all",
            super::super::count(left, "more line")
        );
        writeln!(writer, "{indent}{}", style.paint(Tone::Faint, left))?;
    }
    Ok(())
}
