//! Rules as arptables-save(8) prints them.

use std::collections::BTreeMap;

/// A rule as `arptables-save` prints it: its chain, and its options in whatever order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    chain: String,
    options: BTreeMap<String, String>,
}

/// The same with its options in their order, each with whether it is negated and its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArpRule {
    pub chain: String,
    pub options: Vec<(bool, String, String)>,
    /// As it was printed.
    pub line: String,
}

impl ArpRule {
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut all = self.options.iter();
        all.find(|(_, option, _)| option == name)
            .map(|(_, _, value)| value.as_str())
    }

    pub fn target(&self) -> Option<&str> {
        self.value("-j")
    }

    fn read(line: &str) -> Self {
        let mut words = line.split_whitespace().skip(1).peekable();
        let chain = words.next().unwrap_or_default().to_owned();
        let mut options = Vec::new();
        let mut negated = false;
        while let Some(word) = words.next() {
            if word == "!" {
                negated = true;
                continue;
            }
            let value = words
                .next_if(|word| !word.starts_with('-') && *word != "!")
                .unwrap_or_default();
            options.push((
                std::mem::take(&mut negated),
                word.to_owned(),
                value.to_owned(),
            ));
        }
        Self {
            chain,
            options,
            line: line.to_owned(),
        }
    }
}

/// In the order of the tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arptables {
    rules: Vec<Rule>,
    /// As they were printed.
    pub lines: Vec<String>,
    ordered: Vec<ArpRule>,
    /// Of the chains.
    policies: BTreeMap<String, String>,
}

impl Arptables {
    /// None: a line that is no rule.
    pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut all = Self::default();
        for line in lines {
            if let Some((chain, policy)) = line.strip_prefix(':').and_then(|l| l.split_once(' ')) {
                let policy = policy.split_whitespace().next().unwrap_or_default();
                // Both backends act on a packet, so one DROP is enough. Tables with the policy ACCEPT do not count, since
                // listing them creates them.
                if policy == "DROP" {
                    all.policies.insert(chain.to_owned(), policy.to_owned());
                }
            }
            if !line.starts_with('-') {
                continue;
            }
            let rule = rule(line).ok_or_else(|| line.to_owned())?;
            all.rules.push(rule);
            all.ordered.push(ArpRule::read(line));
            all.lines.push(line.to_owned());
        }
        Ok(all)
    }

    /// The rules of a chain, in their order.
    pub fn rules_of(&self, chain: &str) -> impl Iterator<Item = &ArpRule> {
        self.ordered.iter().filter(move |rule| rule.chain == chain)
    }

    pub fn policy(&self, chain: &str) -> Option<&str> {
        self.policies.get(chain).map(String::as_str)
    }

    #[cfg(test)]
    pub fn read(text: &str) -> Result<Self, String> {
        Self::parse(text.lines())
    }

    /// Whether a rule exists. `line`: as `arptables-save` prints it, with its options in any order.
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
