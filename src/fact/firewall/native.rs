//! Parses native tables of nft(8), which iptables does not show, as `nft -a list ruleset` prints them. Translating rules into
//! words of iptables belongs in [`super::translate`].

use std::net::IpAddr;

use super::rules::{Chain, Chains, Rule, Rules, split_words};
use super::sets::{AddressSet, range};
use super::translate;

/// A table, with the chains that hook into the packet's way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge` or `netdev`.
    pub family: String,
    pub name: String,
    pub rules: Rules,
    pub bases: Vec<Base>,
}

/// A base chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    pub chain: String,
    /// `filter`, `nat` or `route`.
    pub kind: String,
    /// `prerouting`, `input`, ...
    pub hook: String,
    /// Of the hook `ingress`.
    pub devices: Vec<String>,
}

impl Table {
    /// The chains by which its rules are walked; there is one set of them.
    pub fn chains(&self) -> Option<&Chains> {
        self.rules.tables.get(&self.name)
    }

    fn chain(&mut self, name: &str) -> &mut Chain {
        let chains = self.rules.tables.entry(self.name.clone()).or_default();
        chains.entry(name.to_owned()).or_default()
    }
}

/// Tables that iptables does not know of: not those that it keeps itself, which another part lists.
pub(super) fn tables(text: &str, of_iptables: &[&Rules]) -> Vec<Table> {
    let mut all = Vec::new();
    let mut table: Option<Table> = None;
    let mut block = Block::None;
    let mut managed = false;
    for line in lines(text) {
        let line = line.as_str();
        if line.starts_with("# Warning: table") {
            managed = true;
            continue;
        }
        let (line, handle) = without_handle(line);
        if let Some(rest) = line.strip_prefix("table ") {
            let mut words = rest.trim_end_matches('{').split_whitespace();
            let (family, name) = (words.next().unwrap_or_default(), words.next());
            table = (!std::mem::take(&mut managed)).then(|| Table {
                family: family.to_owned(),
                name: name.unwrap_or_default().to_owned(),
                ..Table::default()
            });
            block = Block::None;
            continue;
        }
        let Some(table) = &mut table else {
            continue;
        };
        if block == Block::None {
            if line == "}" {
                finish(std::mem::take(table), of_iptables, &mut all);
                continue;
            }
            block = begin(line);
            if let Block::Chain(name) = &block {
                table.chain(name);
            }
            continue;
        }
        if line == "}" {
            block = Block::None;
            continue;
        }
        match &block {
            Block::Chain(name) => rule(table, name, line, handle),
            Block::Set(name) => {
                if let Some(elements) = line.strip_prefix("elements = ") {
                    if let Some(found) = set(elements) {
                        table.rules.sets.insert(name, found);
                    } else {
                        table.rules.sets.remove(name);
                    }
                } else if line.starts_with("type ipv4_addr") || line.starts_with("type ipv6_addr") {
                    // Without elements it is empty.
                    if !line.contains('.') && !line.contains(':') {
                        table.rules.sets.insert(name, AddressSet::default());
                    }
                }
            }
            Block::Other | Block::None => {}
        }
    }
    all
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    None,
    Chain(String),
    Set(String),
    Other,
}

fn begin(line: &str) -> Block {
    let mut words = line.trim_end_matches('{').split_whitespace();
    match (words.next(), words.next(), line.ends_with('{')) {
        (Some("chain"), Some(name), true) => Block::Chain(name.to_owned()),
        (Some("set"), Some(name), true) => Block::Set(name.to_owned()),
        (_, _, true) => Block::Other,
        _ => Block::None,
    }
}

/// iptables-nft shows the tables that it made in another part; old versions of nft(8) do not say which these are.
fn finish(table: Table, of_iptables: &[&Rules], all: &mut Vec<Table>) {
    const KEPT: &[&str] = &["filter", "nat", "mangle", "raw", "security"];
    let known = of_iptables
        .iter()
        .any(|r| r.tables.contains_key(&table.name));
    let upper = |base: &Base| base.chain.chars().all(|c| c.is_ascii_uppercase());
    let kept = ["ip", "ip6"].contains(&table.family.as_str())
        && KEPT.contains(&table.name.as_str())
        && known
        && table.bases.iter().all(upper);
    if !kept {
        all.push(table);
    }
}

/// Lines without indentation; braces over several lines are joined into one line.
fn lines(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = 0usize;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let count = |c| line.chars().filter(|other| *other == c).count();
        // The begin of a block stays open to the end of the block.
        let (without, _) = without_handle(line);
        let block = open == 0
            && without.ends_with('{')
            && count('{') == 1
            && !without.starts_with("elements");
        match all.last_mut().filter(|_| open > 0) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => all.push(line.to_owned()),
        }
        if !block && (open > 0 || count('{') > 0) {
            open = (open + count('{')).saturating_sub(count('}'));
        }
    }
    all
}

fn without_handle(line: &str) -> (&str, Option<u64>) {
    match line.rsplit_once(" # handle ") {
        Some((before, number)) => (before.trim_end(), number.trim().parse().ok()),
        None => (line, None),
    }
}

fn rule(table: &mut Table, chain: &str, line: &str, handle: Option<u64>) {
    if line.starts_with("type ") && line.contains(" hook ") {
        let base = base(chain, line);
        table.bases.push(base);
        if let Some((_, policy)) = line.rsplit_once("policy ") {
            let policy = policy.trim_end_matches(';').to_uppercase();
            table.chain(chain).policy = Some(policy);
        }
        return;
    }
    if line.starts_with("policy ") || line.starts_with("comment ") {
        return;
    }
    let printed = super::rules::Printed {
        text: line.to_owned(),
        handle,
    };
    let family = table.family.clone();
    let rules = translate::rules(&family, line)
        .into_iter()
        .map(|words| Rule {
            words,
            packets: None,
            printed: Some(printed.clone()),
        });
    table.chain(chain).rules.extend(rules);
}

fn base(chain: &str, line: &str) -> Base {
    let head = line.split(';').next().unwrap_or_default();
    let words = split_words(&head.replace([',', '{', '}', '='], " "));
    let after = |word: &str| {
        let at = words.iter().position(|other| other == word)?;
        words.get(at + 1).cloned()
    };
    let at = words.iter().position(|w| w == "device" || w == "devices");
    let devices = at.map(|at| words.iter().skip(at + 1).take_while(|w| *w != "priority"));
    Base {
        chain: chain.to_owned(),
        kind: after("type").unwrap_or_default(),
        hook: after("hook").unwrap_or_default(),
        devices: devices
            .map(|all| all.cloned().collect())
            .unwrap_or_default(),
    }
}

/// Elements of a set of addresses; none where they are something else.
fn set(elements: &str) -> Option<AddressSet> {
    let inner = elements
        .trim()
        .trim_start_matches('{')
        .trim_end_matches('}');
    let each = inner.split(',').map(str::trim).filter(|e| !e.is_empty());
    // What follows an element is a timeout, a counter or a comment.
    let ranges: Option<Vec<(IpAddr, IpAddr)>> = each
        .map(|element| range(element.split_whitespace().next().unwrap_or_default()))
        .collect();
    ranges.map(AddressSet::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INET: &str = "table inet filter { # handle 3\n\tset bad { # handle 4\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.0.0.0/24, 10.1.0.1,\n\t\t\t     203.0.113.7 timeout 1h }\n\t}\n\n\
        \tset none {\n\t\ttype ipv4_addr\n\t}\n\
        \tchain input { # handle 1\n\t\ttype filter hook input priority filter; policy drop;\n\t\tct state established,related accept # handle 7\n\t\ttcp dport { 22, 80 } accept # handle 8\n\t}\n\
        \tchain own {\n\t\tdrop\n\t}\n}\n\
        table netdev early {\n\tchain in {\n\t\ttype filter hook ingress device \"eth0\" priority filter; policy accept;\n\t\tip saddr 10.0.0.9 drop\n\t}\n}\n";

    #[test]
    fn tables_of_a_ruleset() {
        let all = tables(INET, &[]);
        let shown: Vec<String> = all
            .iter()
            .map(|table| {
                let bases = table.bases.iter();
                let bases: Vec<String> = bases
                    .map(|b| {
                        format!("{} {} {} {}", b.chain, b.kind, b.hook, b.devices.join("+"))
                            .trim()
                            .to_owned()
                    })
                    .collect();
                format!("{} {}: {}", table.family, table.name, bases.join(", "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "inet filter: input filter input",
                "netdev early: in filter ingress eth0"
            ]
        );
        let chains = all[0].chains().unwrap();
        assert_eq!(chains["input"].policy.as_deref(), Some("DROP"));
        assert_eq!(chains["input"].rules.len(), 2);
        let printed = chains["input"].rules[1].printed.clone().unwrap();
        assert_eq!(printed.text, "tcp dport { 22, 80 } accept");
        assert_eq!(printed.handle, Some(8));
        let sets = &all[0].rules.sets;
        assert_eq!(sets.get("bad").unwrap().ranges().len(), 3);
        assert!(sets.get("none").unwrap().ranges().is_empty());
    }

    #[test]
    fn tables_that_iptables_keeps_are_not_foreign() {
        let own = "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n";
        let warned =
            format!("# Warning: table ip filter is managed by iptables-nft, do not touch!\n{own}");
        assert!(tables(&warned, &[]).is_empty());
        assert_eq!(tables(own, &[]).len(), 1);
        let known = Rules::parse("*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
        assert!(tables(own, &[&known]).is_empty());
        let two = format!("{warned}{INET}");
        assert_eq!(tables(&two, &[]).len(), 2);
    }
}
