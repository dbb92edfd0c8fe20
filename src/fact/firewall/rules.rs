//! Rules as iptables-save(8) prints them.

use std::collections::BTreeMap;

use super::sets::Sets;

/// One table's chains by name.
pub type Chains = BTreeMap<String, Chain>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// `ACCEPT` or `DROP`; none for a chain of the user's.
    pub policy: Option<String>,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The words after the chain's name.
    pub words: Vec<String>,
    pub packets: Option<u64>,
    /// A rule of nft(8): as it was printed. `words` are what it means in those of iptables.
    pub printed: Option<Printed>,
}

/// A rule of nft(8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Printed {
    pub text: String,
    /// Its number, by which it is deleted.
    pub handle: Option<u64>,
}

/// The rules of one family in one backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub tables: BTreeMap<String, Chains>,
    /// Sets that its rules may name.
    pub sets: Sets,
    /// The tool that shows and deletes these rules.
    pub tool: &'static str,
}

impl Rule {
    pub fn value(&self, option: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == option)?;
        self.words.get(at + 1).map(String::as_str)
    }

    pub fn comment(&self) -> Option<&str> {
        self.value("--comment")
    }
}

/// Splits a line of iptables-save, which quotes by `"` and escapes by `\`.
pub(super) fn split_words(line: &str) -> Vec<String> {
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

impl Rules {
    /// Reads iptables-save(8), with or without counters.
    pub fn parse(text: &str) -> Self {
        let mut tables: BTreeMap<String, Chains> = BTreeMap::new();
        let mut table = String::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name.trim().to_owned();
                continue;
            }
            let chains = tables.entry(table.clone()).or_default();
            if let Some(rest) = line.strip_prefix(':') {
                let mut words = rest.split_whitespace();
                if let (Some(name), Some(policy)) = (words.next(), words.next()) {
                    let policy = (policy != "-").then(|| policy.to_owned());
                    chains.entry(name.to_owned()).or_default().policy = policy;
                }
                continue;
            }
            let (packets, rest) = match line.strip_prefix('[') {
                Some(rest) => {
                    let (counters, rest) = rest.split_once("] ").unwrap_or(("", rest));
                    let packets = counters.split_once(':').and_then(|(p, _)| p.parse().ok());
                    (packets, rest)
                }
                None => (None, line),
            };
            if let Some(rule) = rest.strip_prefix("-A ") {
                let mut words = split_words(rule);
                if words.is_empty() {
                    continue;
                }
                let chain = words.remove(0);
                chains.entry(chain).or_default().rules.push(Rule {
                    words,
                    packets,
                    printed: None,
                });
            }
        }
        tables.retain(|name, _| !name.is_empty());
        Self {
            tables,
            ..Self::default()
        }
    }

    pub fn chain(&self, table: &str, chain: &str) -> Option<&Chain> {
        self.tables.get(table)?.get(chain)
    }

    /// Whether some rule leaves packets out of conntrack, or chooses how they are tracked.
    pub fn untracks(&self) -> bool {
        let raw = self
            .tables
            .get("raw")
            .into_iter()
            .flat_map(BTreeMap::values);
        let mut targets = raw
            .flat_map(|chain| &chain.rules)
            .filter_map(|r| r.value("-j"));
        targets.any(|target| matches!(target, "CT" | "NOTRACK"))
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        let chains = self.tables.values().flat_map(BTreeMap::values);
        chains.map(|chain| chain.rules.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
