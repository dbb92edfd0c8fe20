//! Rules of arptables, as `arptables-save` prints them.

use std::collections::BTreeMap;

use super::{Fact, ParseError, Section};

/// A rule as `arptables-save` tells it: its chain, and its options in whatever order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    chain: String,
    options: BTreeMap<String, String>,
}

/// In the order of the tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arptables(Vec<Rule>);

impl Arptables {
    /// Whether a rule stands, given as `arptables-save` prints it: options may come in another order.
    pub fn has(&self, line: &str) -> bool {
        rule(line).is_some_and(|rule| self.0.contains(&rule))
    }
}

/// What arptables-legacy prints of options that nobody gave.
const NOISE: &[(&str, &str)] = &[
    ("-i", "*"),
    ("-o", "*"),
    ("-i", "any"),
    ("-o", "any"),
    ("--h-length", "6"),
    ("--h-type", "1"),
];

fn rule(line: &str) -> Option<Rule> {
    let mut words = line.strip_prefix("-A ")?.split_whitespace().peekable();
    let chain = words.next()?.to_owned();
    let mut options = BTreeMap::new();
    while let Some(option) = words.next() {
        let value = words
            .next_if(|word| !word.starts_with('-'))
            .unwrap_or_default();
        let value = value.strip_suffix("/32").unwrap_or(value);
        if !NOISE.contains(&(option, value)) {
            options.insert(option.to_owned(), value.to_owned());
        }
    }
    Some(Rule { chain, options })
}

impl Fact for Arptables {
    const NAME: &'static str = "arptables";
    type Ask = ();

    fn command((): &()) -> String {
        "part rules\nif command -v arptables-save >/dev/null 2>&1; then arptables-save 2>/dev/null; fi\n".to_owned()
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let lines = section.part("rules").lines();
        let all = lines.filter(|line| line.starts_with('-')).map(|line| {
            rule(line).ok_or_else(|| {
                ParseError::new(Self::NAME, format!("odd line {line:?} of `arptables-save`"))
            })
        });
        Ok(Self(all.collect::<Result<_, _>>()?))
    }
}
