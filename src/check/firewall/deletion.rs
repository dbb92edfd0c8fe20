//! The command that deletes a rule of iptables(8). Pure.

use crate::fact::firewall::Rule;
use crate::shell::command;

/// Deletes a rule by what it says, as iptables-save(8) printed it.
pub fn deletion(tool: &str, table: &str, chain: &str, rule: &Rule) -> String {
    let words = deleted_by(&rule.words);
    let words = words.iter().map(String::as_str);
    command([tool, "-t", table, "-D", chain].into_iter().chain(words))
}

/// The words by which iptables(8) finds a rule that it printed. It prints the mask that connlimit has by default, and takes
/// one that is given for another.
fn deleted_by(words: &[String]) -> Vec<String> {
    let mut left = words.to_vec();
    let whole = |pair: &[String]| {
        pair.first().is_some_and(|word| word == "--connlimit-mask")
            && pair
                .last()
                .is_some_and(|mask| mask == "32" || mask == "128")
    };
    if let Some(at) = words.windows(2).position(whole) {
        left.drain(at..at + 2);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::firewall::Rules;

    #[test]
    fn a_rule_is_deleted_by_the_words_that_it_was_added_by() {
        for (what, tool, printed, command) in [
            (
                "plain words",
                "iptables",
                "-A PREROUTING -p tcp -j MARK --set-xmark 0x7/0xffffffff",
                "iptables -t mangle -D PREROUTING -p tcp -j MARK --set-xmark 0x7/0xffffffff",
            ),
            (
                "IPv6, and a comment of several words",
                "ip6tables",
                "-A PREROUTING -m comment --comment \"to be 'gone'; soon\" -j ACCEPT",
                "ip6tables -t mangle -D PREROUTING -m comment --comment \"to be 'gone'; soon\" -j ACCEPT",
            ),
            (
                "a mask that is printed by default",
                "iptables-legacy",
                "-A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr -j DROP",
                "iptables-legacy -t mangle -D PREROUTING -m connlimit --connlimit-above 3 --connlimit-saddr -j DROP",
            ),
            (
                "another mask",
                "iptables",
                "-A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 24 --connlimit-saddr -j DROP",
                "iptables -t mangle -D PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 24 --connlimit-saddr -j DROP",
            ),
        ] {
            let rules = Rules::parse(&format!("*mangle\n{printed}\nCOMMIT\n"));
            let chain = rules.chain("mangle", "PREROUTING").expect("a chain");
            let rule = chain.rules.first().expect("a rule");
            let found = deletion(tool, "mangle", "PREROUTING", rule);
            assert_eq!(found, command, "{what}");
        }
    }
}
