//! Chains of nft(8) itself, which iptables does not know.

/// What a chain of nft(8) itself may do to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Native {
    Drops,
    Redirects,
    Marks,
}

/// Chains of `nft list ruleset` that may do so and that iptables does not know of. Rules of other chains than base chains
/// count for redirects and marks: what jumps to them is not followed.
pub(super) fn native(text: &str, what: Native) -> Vec<String> {
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
