//! Rules as arptables-save(8) prints them.

use std::collections::BTreeMap;

/// A rule as `arptables-save` prints it: its chain, and its options in whatever order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    chain: String,
    options: BTreeMap<String, String>,
}

/// In the order of the tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arptables {
    rules: Vec<Rule>,
    /// As they were printed.
    pub lines: Vec<String>,
}

impl Arptables {
    /// None: a line that is no rule.
    pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut all = Self::default();
        for line in lines.filter(|line| line.starts_with('-')) {
            let rule = rule(line).ok_or_else(|| line.to_owned())?;
            all.rules.push(rule);
            all.lines.push(line.to_owned());
        }
        Ok(all)
    }

    /// Whether a rule stands, given as `arptables-save` prints it: options may come in another order.
    pub fn has(&self, line: &str) -> bool {
        rule(line).is_some_and(|rule| self.rules.contains(&rule))
    }
}

/// Options that arptables-legacy prints although the rule does not have them.
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
