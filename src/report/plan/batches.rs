//! The batches of a rolling apply, as a person reads them before it.

use std::io::{self, Write};

use crate::plan::serial::{Batch, Pass};
use crate::report::names;
use crate::report::style::{Style, Tone};

/// A line for each.
pub fn text(writer: &mut dyn Write, batches: &[Batch], style: Style) -> io::Result<()> {
    if batches.is_empty() {
        return Ok(());
    }
    writeln!(writer, "{}", style.paint(Tone::Heading, "batches:"))?;
    let width = batches.len().to_string().len();
    for (number, batch) in (1..).zip(batches) {
        let what = match batch.pass {
            Pass::Make => "",
            Pass::Remove => "what goes, on ",
        };
        let hosts = names(&batch.hosts, style);
        writeln!(writer, "  {number:>width$}. {what}{hosts}")?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_batch_is_a_line() {
        let batch = |pass, names: &str| Batch {
            pass,
            hosts: names.split(' ').map(str::to_owned).collect(),
        };
        let batches = [
            batch(Pass::Make, "rs1"),
            batch(Pass::Make, "rs2 rs3"),
            batch(Pass::Remove, "rs3"),
        ];
        let shown = |batches: &[Batch]| {
            let mut bytes = Vec::new();
            text(&mut bytes, batches, Style::plain()).expect("a writer");
            String::from_utf8(bytes).expect("text")
        };
        insta::assert_snapshot!(shown(&batches), @r"
        batches:
          1. rs1
          2. rs2, rs3
          3. what goes, on rs3
        ");
        assert_eq!(shown(&[]), "");
    }
}
