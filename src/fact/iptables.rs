//! Rules of mangle/PREROUTING, as iptables-save(8) prints them.

use super::{Fact, ParseError, Section};

/// A rule as `iptables-save` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The words after `-A PREROUTING`, as they would delete it again.
    pub words: Vec<String>,
    pub comment: Option<String>,
    pub v6: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MangleRules {
    pub rules: Vec<Rule>,
}

/// Which families to ask for: IPv4 always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    pub v6: bool,
}

/// Splits a line of iptables-save, which quotes by `"` and escapes by `\`.
pub fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut started) = (false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                started = true;
            }
            '\\' => {
                word.extend(chars.next());
                started = true;
            }
            c if c.is_whitespace() && !quoted => {
                if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
            }
            c => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

impl Fact for MangleRules {
    const NAME: &'static str = "iptables";
    type Ask = Ask;

    /// To list a table makes the legacy backend's kernel load it, so it is asked only where the table is. The other
    /// backend may be in use on a kernel that has both, and its tables are not in that list.
    fn command(ask: &Ask) -> String {
        let mut families = vec![("v4", "ip")];
        if ask.v6 {
            families.push(("v6", "ip6"));
        }
        let ask = |(part, family): (&str, &str)| {
            format!(
                "part {part}\nif command -v {family}tables-save >/dev/null 2>&1; then\n\
                 if grep -qs '^mangle$' /proc/net/{family}_tables_names; then {family}tables-save -t mangle 2>/dev/null\n\
                 else case $({family}tables --version 2>/dev/null) in *nf_tables*) {family}tables-save -t mangle 2>/dev/null;; esac; fi; fi\n"
            )
        };
        families.into_iter().map(ask).collect()
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut rules = Vec::new();
        for (part, v6) in [("v4", false), ("v6", true)] {
            for line in section.part(part).lines() {
                let Some(rest) = line.strip_prefix("-A PREROUTING ") else {
                    continue;
                };
                let words = split_words(rest);
                let comment = words
                    .iter()
                    .position(|w| w == "--comment")
                    .and_then(|at| words.get(at + 1))
                    .cloned();
                rules.push(Rule { words, comment, v6 });
            }
        }
        Ok(Self { rules })
    }
}
