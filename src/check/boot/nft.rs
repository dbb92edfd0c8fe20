//! Rules of nft(8) in a file, translated into words of iptables(8). A match without an equivalent there is undecided: the
//! rule may or may not match. Pure.

use crate::fact::boot_source::Line;
use crate::fact::firewall::{Rule, Rules};

/// The rules of each base chain separately, since several chains may have one hook; and whether they are for IPv6.
pub(super) fn rules(lines: &[Line]) -> Vec<(Rules, bool)> {
    let text: String = lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect();
    let text = text
        .replace('{', " {\n")
        .replace('}', "\n}\n")
        .replace(';', "\n");
    let text = sets_inline(&text);
    let mut tables: Vec<Table> = Vec::new();
    let mut chain: Option<String> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["table", family, name, ..] => {
                tables.push(Table {
                    family: (*family).to_owned(),
                    name: (*name).to_owned(),
                    chains: Vec::new(),
                });
                chain = None;
            }
            ["chain", name, ..] => {
                chain = Some((*name).to_owned());
                if let Some(table) = tables.last_mut() {
                    table.chains.push(Nft {
                        name: (*name).to_owned(),
                        ..Nft::default()
                    });
                }
            }
            ["}"] => chain = None,
            _ => {
                let Some(last) = chain
                    .as_ref()
                    .and_then(|_| tables.last_mut()?.chains.last_mut())
                else {
                    continue;
                };
                match words.as_slice() {
                    ["type", kind, "hook", hook, ..] => {
                        last.hook = Some(((*kind).to_owned(), (*hook).to_owned()));
                    }
                    ["policy", policy, ..] => last.policy = Some(policy.to_uppercase()),
                    _ => last.rules.push(rule(&words)),
                }
            }
        }
    }
    tables.iter().flat_map(Table::rules).collect()
}

/// `add rule ip filter INPUT ...`.
pub(super) fn command(text: &str) -> Option<(Rules, bool)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (["add" | "insert", "rule", family, table, chain], rest) = (
        words.get(..5)?.try_into().ok().map(|w: [&str; 5]| w)?,
        words.get(5..)?,
    ) else {
        return None;
    };
    let hook = match chain.to_lowercase().as_str() {
        "input" => "input",
        "output" => "output",
        "forward" => "forward",
        "prerouting" => "prerouting",
        _ => return None,
    };
    let made = Table {
        family: family.to_owned(),
        name: table.to_owned(),
        chains: vec![Nft {
            name: chain.to_owned(),
            hook: Some(("filter".to_owned(), hook.to_owned())),
            policy: None,
            rules: vec![rule(rest)],
        }],
    };
    made.rules().into_iter().next()
}

/// Sets in braces stay in their line: `{ 80, 443 }` is `80,443`.
fn sets_inline(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let heads = ["table ", "chain ", "set ", "map ", "flowtable "]
            .iter()
            .any(|head| trimmed.starts_with(head));
        if open {
            let last = lines.last_mut();
            if trimmed == "}" {
                open = false;
                continue;
            }
            if let Some(last) = last {
                last.push_str(&trimmed.replace(' ', ""));
                last.push(' ');
            }
        } else if trimmed.ends_with('{') && !heads {
            lines.push(trimmed.trim_end_matches('{').to_owned());
            open = true;
        } else if lines.last().is_some_and(|last| last.ends_with(' ')) && !heads && trimmed != "}" {
            if let Some(last) = lines.last_mut() {
                last.push_str(trimmed);
            }
        } else {
            lines.push(trimmed.to_owned());
        }
    }
    lines.join("\n")
}

#[derive(Default)]
struct Nft {
    name: String,
    /// Type and hook; none of a chain that others jump to.
    hook: Option<(String, String)>,
    policy: Option<String>,
    rules: Vec<Rule>,
}

struct Table {
    family: String,
    name: String,
    chains: Vec<Nft>,
}

impl Table {
    fn rules(&self) -> Vec<(Rules, bool)> {
        let families: &[bool] = match self.family.as_str() {
            "ip" => &[false],
            "ip6" => &[true],
            "inet" => &[false, true],
            _ => &[],
        };
        let bases = self
            .chains
            .iter()
            .filter_map(|chain| Some((chain, chain.hook.as_ref()?)));
        let mut all = Vec::new();
        for (base, (kind, hook)) in bases {
            let (table, name) = match (kind.as_str(), hook.as_str()) {
                ("nat", "prerouting") => ("nat", "PREROUTING"),
                ("filter", "prerouting") => ("mangle", "PREROUTING"),
                (_, "input") => ("filter", "INPUT"),
                (_, "forward") => ("filter", "FORWARD"),
                (_, "output") => ("filter", "OUTPUT"),
                _ => continue,
            };
            for v6 in families {
                let mut rules = Rules::default();
                let chains = rules.tables.entry(table.to_owned()).or_default();
                for other in self.chains.iter().filter(|chain| chain.hook.is_none()) {
                    chains
                        .entry(other.name.clone())
                        .or_default()
                        .rules
                        .clone_from(&other.rules);
                }
                let own = chains.entry(name.to_owned()).or_default();
                own.rules.clone_from(&base.rules);
                own.policy.clone_from(&base.policy);
                all.push((rules, *v6));
            }
        }
        let _ = &self.name;
        all
    }
}

/// One rule in the words of iptables(8).
fn rule(words: &[&str]) -> Rule {
    let mut out: Vec<String> = Vec::new();
    let mut words = words.iter().copied().peekable();
    let mut push = |more: &[&str]| out.extend(more.iter().map(|word| (*word).to_owned()));
    while let Some(word) = words.next() {
        match word {
            "ip" | "ip6" => {
                let option = match words.next() {
                    Some("saddr") => "-s",
                    Some("daddr") => "-d",
                    Some("protocol" | "nexthdr") => "-p",
                    _ => "--other",
                };
                let value = negated(&mut words, &mut push);
                push(&[option, &value]);
            }
            "meta" if matches!(words.peek(), Some(&("l4proto" | "protocol"))) => {
                words.next();
                let value = negated(&mut words, &mut push);
                push(&["-p", &value]);
            }
            "meta" if words.peek() == Some(&"mark") => {
                words.next();
                if words.next() == Some("set") {
                    let value = words.next().unwrap_or_default().to_owned();
                    push(&["-j", "MARK", "--set-xmark", &value]);
                } else {
                    push(&["--other"]);
                }
            }
            "tcp" | "udp" => {
                push(&["-p", word]);
                let option = match words.next() {
                    Some("dport") => "--dports",
                    Some("sport") => "--sports",
                    _ => "--other",
                };
                let value = negated(&mut words, &mut push);
                push(&[option, &value.replace('-', ":")]);
            }
            "iif" | "iifname" | "oif" | "oifname" => {
                let value = negated(&mut words, &mut push);
                let name = value.trim_matches('"').replace('*', "+");
                push(&[if word.starts_with('i') { "-i" } else { "-o" }, &name]);
            }
            "ct" if words.peek() == Some(&"state") => {
                words.next();
                let value = negated(&mut words, &mut push).to_uppercase();
                push(&["--ctstate", &value]);
            }
            "counter" => {
                if words.peek() == Some(&"packets") {
                    for _ in 0..4 {
                        words.next();
                    }
                }
            }
            "log" | "comment" => {
                while words.peek().is_some_and(|word| !VERDICTS.contains(word)) {
                    words.next();
                }
            }
            "accept" => push(&["-j", "ACCEPT"]),
            "drop" => push(&["-j", "DROP"]),
            "reject" => push(&["-j", "REJECT"]),
            "return" => push(&["-j", "RETURN"]),
            "jump" => push(&["-j", words.next().unwrap_or_default()]),
            "goto" => push(&["-g", words.next().unwrap_or_default()]),
            "redirect" => {
                push(&["-j", "REDIRECT"]);
                if words.next_if_eq(&"to").is_some() {
                    push(&[
                        "--to-ports",
                        words.next().unwrap_or_default().trim_start_matches(':'),
                    ]);
                }
            }
            "dnat" => {
                push(&["-j", "DNAT"]);
                if matches!(words.peek(), Some(&("ip" | "ip6"))) {
                    words.next();
                }
                words.next_if_eq(&"to");
                push(&["--to-destination", words.next().unwrap_or_default()]);
            }
            _ => push(&["--other"]),
        }
    }
    Rule {
        words: out,
        packets: None,
        printed: None,
    }
}

const VERDICTS: [&str; 8] = [
    "accept", "drop", "reject", "return", "jump", "goto", "redirect", "dnat",
];

/// The value of a match, and `!` before it.
fn negated<'a>(
    words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
    push: &mut impl FnMut(&[&str]),
) -> String {
    if words.next_if_eq(&"!=").is_some() {
        push(&["!"]);
    }
    words.next_if_eq(&"==");
    words
        .next()
        .unwrap_or_default()
        .trim_end_matches(',')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_nft_as_words_of_iptables() {
        let text = "flush ruleset\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\
                    \t\tct state { established, related } accept\n\t\tip daddr 10.0.0.1 tcp dport { 80, 443 } counter accept\n\
                    \t\tiifname \"lo\" accept\n\t\tip protocol vrrp drop\n\t\tjump more\n\t}\n\tchain more {\n\t\ticmp type echo-request accept\n\t}\n}\n\
                    table ip nat {\n\tchain pre { type nat hook prerouting priority dstnat; tcp dport 80 redirect to :8081; }\n}\n";
        let lines: Vec<Line> = text
            .lines()
            .enumerate()
            .map(|(at, text)| Line {
                number: at + 1,
                text: text.to_owned(),
            })
            .collect();
        let found = rules(&lines);
        assert_eq!(
            found.iter().map(|(_, v6)| *v6).collect::<Vec<_>>(),
            [false, true, false]
        );
        let input = found[0].0.chain("filter", "INPUT").unwrap();
        assert_eq!(input.policy.as_deref(), Some("DROP"));
        let words: Vec<String> = input
            .rules
            .iter()
            .map(|rule| rule.words.join(" "))
            .collect();
        assert_eq!(
            words,
            [
                "--ctstate ESTABLISHED,RELATED -j ACCEPT",
                "-d 10.0.0.1 -p tcp --dports 80,443 -j ACCEPT",
                "-i lo -j ACCEPT",
                "-p vrrp -j DROP",
                "-j more",
            ]
        );
        let nat = found[2].0.chain("nat", "PREROUTING").unwrap();
        assert_eq!(
            nat.rules[0].words.join(" "),
            "-p tcp --dports 80 -j REDIRECT --to-ports 8081"
        );
    }
}
