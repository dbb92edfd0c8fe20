//! The packet filter as iptables-save(8) and its kin tell it. What one rule says of a
//! packet is in [`hit`], what all of them do to it in [`walk`]. Pure.

use std::collections::BTreeMap;

mod hit;
mod walk;

pub use walk::{Fate, Packet, Rewrite, State};

use crate::fact::Section;
use crate::fact::iptables::split_words;

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
}

/// The rules of one family in one backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub tables: BTreeMap<String, Chains>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Firewall {
    /// What `iptables -V` says: `legacy` or `nf_tables`; empty where there is no iptables.
    pub backend: String,
    pub legacy: Rules,
    pub legacy_v6: Rules,
    pub nft: Rules,
    pub nft_v6: Rules,
    /// Lines of arptables-save(8).
    pub arp: Vec<String>,
    /// Chains of nft(8) itself that hook into the packet's way, outside iptables.
    pub native: Vec<String>,
    /// The same of chains of type nat, which may redirect.
    pub native_nat: Vec<String>,
    /// Whether some rule of nft(8) itself sets a mark.
    pub native_marks: bool,
    /// Tables that the kernel has and no tool on the host lists.
    pub unread: Vec<String>,
}

impl Firewall {
    pub fn parse(section: &Section) -> Self {
        let version = section.part("backend");
        let backend = if version.contains("nf_tables") {
            "nf_tables"
        } else if version.is_empty() {
            ""
        } else {
            "legacy"
        };
        Self {
            backend: backend.to_owned(),
            legacy: Rules::parse(section.part("legacy")),
            legacy_v6: Rules::parse(section.part("legacy-v6")),
            nft: Rules::parse(section.part("nft")),
            nft_v6: Rules::parse(section.part("nft-v6")),
            arp: ["arptables", "arptables-nft"]
                .into_iter()
                .flat_map(|part| section.part(part).lines())
                .filter(|line| line.starts_with("-A "))
                .map(str::to_owned)
                .collect(),
            native: native(section.part("native"), Native::Drops),
            native_nat: native(section.part("native"), Native::Redirects),
            native_marks: !native(section.part("native"), Native::Marks).is_empty(),
            unread: section
                .part("unread")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Both backends act on every packet.
    pub fn rules(&self, v6: bool) -> [&Rules; 2] {
        if v6 {
            [&self.legacy_v6, &self.nft_v6]
        } else {
            [&self.legacy, &self.nft]
        }
    }
}

/// What a chain of nft(8) itself may do to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Native {
    Drops,
    Redirects,
    Marks,
}

/// Chains of `nft list ruleset` that may do so and that iptables does not know of. Rules of other chains than base chains
/// count for redirects and marks: what jumps to them is not followed.
fn native(text: &str, what: Native) -> Vec<String> {
    let mut found = Vec::new();
    let mut table = "";
    let (mut foreign, mut chain, mut base) = (false, "", false);
    let mut managed = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("# Warning: table") {
            managed = true;
        } else if let Some(rest) = line.strip_prefix("table ") {
            table = rest.trim_end_matches('{').trim();
            foreign = !std::mem::take(&mut managed);
        } else if let Some(rest) = line.strip_prefix("chain ") {
            chain = rest.trim_end_matches('{').trim();
            base = what != Native::Drops;
        } else if line.starts_with("type filter hook") {
            base = ["input", "prerouting", "forward", "output"]
                .iter()
                .any(|hook| line.contains(&format!("hook {hook}")));
        }
        let word = |wanted: &[&str]| line.split_whitespace().any(|word| wanted.contains(&word));
        let does = match what {
            Native::Drops => line.contains("policy drop") || word(&["drop", "reject"]),
            Native::Redirects => word(&["dnat", "redirect", "tproxy"]),
            Native::Marks => line.contains("mark set "),
        };
        let name = format!("{table} {chain}");
        if foreign && base && does && !found.contains(&name) {
            found.push(name);
        }
    }
    found
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
                chains
                    .entry(chain)
                    .or_default()
                    .rules
                    .push(Rule { words, packets });
            }
        }
        tables.retain(|name, _| !name.is_empty());
        Self { tables }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_nftables_that_iptables_does_not_know() {
        let text = "# Warning: table ip filter is managed by iptables-nft, do not touch!\ntable ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n\
                    table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tct state invalid drop\n\t}\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n\
                    \tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n\t}\n}\n";
        assert_eq!(
            native(text, Native::Drops),
            ["inet filter input", "inet filter forward"]
        );
        assert!(native(text, Native::Redirects).is_empty());
        let nat = "table ip mine {\n\tchain pre {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\ttcp dport 80 redirect to :8081\n\t}\n\
                   \tchain marks {\n\t\ttcp dport 80 meta mark set 0x0000000a\n\t}\n}\n";
        assert_eq!(native(nat, Native::Redirects), ["ip mine pre"]);
        assert_eq!(native(nat, Native::Marks), ["ip mine marks"]);
        assert!(native(nat, Native::Drops).is_empty());
        let ours =
            format!("# Warning: table ip mine is managed by iptables-nft, do not touch!\n{nat}");
        assert!(native(&ours, Native::Redirects).is_empty());
    }
}
