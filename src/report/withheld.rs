//! Withheld parts of a run, as text.

use std::io::{self, Write};

use super::sanitize;
use super::style::{Style, Tone};
use crate::plan::dependency::Withheld;

/// A line for each, and what to run next once.
pub fn text(writer: &mut dyn Write, all: &[Withheld], style: Style) -> io::Result<()> {
    for one in all {
        let host = style.paint(Tone::Heading, format!("{}:", sanitize::line(&one.host)));
        let said = style.paint(Tone::Notable, sanitize::line(&one.message));
        writeln!(writer, "{host} {said}")?;
    }
    if let Some(one) = all.first() {
        writeln!(writer, "fix: {}", sanitize::line(&one.fix))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::dependency::{Because, Need, State, What};

    #[test]
    fn the_fix_is_said_once() {
        let one = |host: &str| Withheld {
            host: host.to_owned(),
            what: What::Removals,
            service: None,
            real_server: None,
            because: vec![Because {
                host: "lb1".to_owned(),
                state: State::Unreached,
                need: Need::NoRequests,
            }],
            message: "removals are withheld: lb1 may send to it (lb1 was not reached)".to_owned(),
            fix: "run `lvsctl apply`".to_owned(),
        };
        let mut bytes = Vec::new();
        text(&mut bytes, &[one("rs1"), one("rs2")], Style::plain()).expect("a writer");
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "rs1: removals are withheld: lb1 may send to it (lb1 was not reached)\n\
             rs2: removals are withheld: lb1 may send to it (lb1 was not reached)\n\
             fix: run `lvsctl apply`\n"
        );
        let json = serde_json::to_value(one("rs1")).expect("JSON");
        assert_eq!(json["what"], "removals");
        assert_eq!(json["because"][0]["state"], "unreached");
        assert_eq!(json["because"][0]["need"], "no-requests");
    }
}
