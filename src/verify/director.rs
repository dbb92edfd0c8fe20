//! Checks of a director: one owner of IPVS, one firewall backend, marks that nobody else uses, no redirects.

use std::collections::BTreeMap;

use super::Seen;
use super::tally::{Compared, Tally};
use crate::inventory::model::Mode;
use crate::resource::mark::split_words;
use crate::view;

pub fn check(seen: &Seen, tally: &mut Tally) {
    redirects(seen, tally);
    owners(seen, tally);
    backend(seen, tally);
    let rules = rules(seen.part("firewall"));
    marks(seen, &rules, tally);
    if seen.cluster.keepalived {
        configuration(seen, tally);
        vrrp_allowed(seen, &rules, tally);
    }
    table(seen, tally);
}

/// Sent when `all` or the interface's own says so (ip-sysctl, kernel documentation).
fn redirects(seen: &Seen, tally: &mut Tally) {
    if !seen.cluster.services.iter().any(|s| s.mode == Mode::Dr) {
        return;
    }
    for nic in &seen.host.interfaces {
        let sends = |name: &str| {
            let key = format!("/proc/sys/net/ipv4/conf/{name}/send_redirects:");
            seen.part("conf").lines().any(|line| {
                line.strip_prefix(&key)
                    .is_some_and(|value| value.trim() != "0")
            })
        };
        tally.require(
            !sends("all") && !sends(&nic.name),
            seen.name(),
            "send-redirects",
            || Compared {
                what: format!("effective send_redirects of {}", nic.name),
                expected: "0".into(),
                found: "1".into(),
                mend: "lvsctl apply".into(),
            },
        );
    }
}

/// What else would write the IPVS table.
fn owners(seen: &Seen, tally: &mut Tally) {
    for block in seen.part("owners").split("\n\n") {
        let values: BTreeMap<&str, &str> = block
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        let (Some(unit), Some(state)) = (values.get("Id"), values.get("ActiveState")) else {
            continue;
        };
        // Debian's ipvsadm.service is always active, and does nothing unless /etc/default/ipvsadm says so; elsewhere
        // it restores a table at boot, which keepalived would fight over.
        let restores = seen.part("restores").contains("true");
        let rival = *state == "active"
            && (*unit == "ldirectord.service" || (restores && seen.cluster.keepalived));
        tally.require(!rival, seen.name(), "ipvs-owner", || Compared {
            what: "owner of the IPVS table".into(),
            expected: "one".into(),
            found: format!("{unit} is active too"),
            mend: format!("systemctl disable --now {unit}"),
        });
    }
}

/// Rules of one backend are invisible to the other, and both apply.
fn backend(seen: &Seen, tally: &mut Tally) {
    let other = seen.part("other");
    tally.require(other.is_empty(), seen.name(), "iptables-backend", || {
        Compared {
            what: format!("rules outside {}", seen.part("backend")),
            expected: "none".into(),
            found: format!(
                "{} rules, the first: {}",
                other.lines().count(),
                other.lines().next().unwrap_or_default()
            ),
            mend: "keep all rules in one backend: `update-alternatives --config iptables`".into(),
        }
    });
}

/// A rule with the table it stands in.
struct Rule<'a> {
    table: &'a str,
    words: Vec<String>,
}

impl Rule<'_> {
    fn value(&self, option: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == option)?;
        self.words.get(at + 1).map(String::as_str)
    }

    fn chain(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

fn rules(text: &str) -> Vec<Rule<'_>> {
    let mut table = "";
    let mut rules = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(rest) = line.strip_prefix("-A ") {
            rules.push(Rule {
                table,
                words: split_words(rest),
            });
        }
    }
    rules
}

/// Someone else's rule that sets one of our marks, or another mark for one of our VIPs.
fn marks(seen: &Seen, rules: &[Rule], tally: &mut Tally) {
    let ours = view::marks(seen.cluster);
    for mark in &ours {
        let foreign = rules.iter().find(|rule| {
            let comment = rule.value("--comment").unwrap_or_default();
            let set = rule
                .value("--set-xmark")
                .and_then(|value| value.split('/').next()?.strip_prefix("0x"));
            let set = set.and_then(|hex| u32::from_str_radix(hex, 16).ok());
            let same_vip = rule
                .value("-d")
                .is_some_and(|d| d.split('/').next() == Some(&mark.destination.to_string()));
            rule.table == "mangle"
                && !ours.iter().any(|m| m.comment == comment)
                && (set == Some(mark.mark)
                    || (same_vip && set.is_some_and(|value| value != mark.mark)))
        });
        tally.require(foreign.is_none(), seen.name(), "mark-unique", || Compared {
            what: format!("mark {:#x}", mark.mark),
            expected: format!(
                "set by the rule {} alone, and no other mark for {}",
                mark.comment, mark.destination
            ),
            found: foreign.map_or_else(String::new, |rule| rule.words.join(" ")),
            mend: "take that rule away, or choose another mark in the inventory".into(),
        });
    }
}

/// keepalived's own opinion of its configuration.
fn configuration(seen: &Seen, tally: &mut Tally) {
    let said = seen.part("keepalived");
    let status = said.lines().find_map(|line| line.strip_prefix("status "));
    if said.is_empty() {
        return;
    }
    tally.require(status == Some("0"), seen.name(), "keepalived-config", || Compared {
        what: "`keepalived -t`".into(),
        expected: "status 0".into(),
        found: said.lines().collect::<Vec<_>>().join(" / "),
        mend: "lvsctl apply writes the configuration anew; see keepalived.conf(5) for the lines above".into(),
    });
}

/// A rule that drops VRRP, which is protocol 112 and goes to 224.0.0.18.
fn vrrp_allowed(seen: &Seen, rules: &[Rule], tally: &mut Tally) {
    let drops = rules.iter().find(|rule| {
        let vrrp = matches!(rule.value("-p"), Some("vrrp" | "112"))
            || rule
                .value("-d")
                .is_some_and(|d| d.starts_with("224.0.0.18"));
        rule.chain() == "INPUT" && vrrp && matches!(rule.value("-j"), Some("DROP" | "REJECT"))
    });
    tally.require(drops.is_none(), seen.name(), "vrrp-firewall", || Compared {
        what: "VRRP adverts".into(),
        expected: "let in".into(),
        found: drops.map_or_else(String::new, |rule| {
            format!("dropped by {}", rule.words.join(" "))
        }),
        mend: "iptables -I INPUT -p vrrp -j ACCEPT".into(),
    });
}

/// Services in the table that nobody asked for are told, and left alone.
fn table(seen: &Seen, tally: &mut Tally) {
    let wanted = view::ipvs(seen.cluster);
    for served in &seen.run.answer.observed.ipvs.services {
        let key = served.definition.r#virtual;
        if !wanted.iter().any(|ipvs| ipvs.service.r#virtual == key) {
            tally.note(
                seen.name(),
                "ipvs-foreign",
                format!("the IPVS table also has the service {key}, which is not of this cluster"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_know_their_table() {
        let rules = rules(
            "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.0.0.1/32 -j MARK --set-xmark 0xa/0xffffffff\nCOMMIT\n*filter\n-A INPUT -p vrrp -j DROP\n",
        );
        assert_eq!(rules[0].table, "mangle");
        assert_eq!(rules[0].value("--set-xmark"), Some("0xa/0xffffffff"));
        assert_eq!((rules[1].table, rules[1].chain()), ("filter", "INPUT"));
    }
}
