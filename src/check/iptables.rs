//! Packet filters that the audit of packet paths does not see: rules in the other backend, and chains of nftables.

use super::HostAudit;
use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use crate::fact::firewall::{Chains, Table};

pub(super) static IPTABLES_BACKEND: Check = Check {
    id: "iptables-backend",
    summary: "All packet filter rules are in one backend of iptables.",
    reason: "The tools of one backend do not show rules of the other, and the kernel applies both.",
    source: "iptables(8), xtables-nft(8)",
    fix: "move the rules: `iptables-legacy-save` and `iptables-nft-save` list them, `update-alternatives --config iptables` selects the backend",
    needs: nothing,
    judge: Judge::Director(one_backend),
};

pub(super) static FIREWALL_NFT: Check = Check {
    id: "firewall-nft",
    summary: "Notes about nftables chains that drop packets and that lvsctl does not evaluate: bridge chains and egress \
              chains.",
    reason: "Such a chain may drop packets that the rules of iptables accept.",
    source: "nft(8)",
    fix: "inspect the chain with `nft list ruleset`",
    needs: nothing,
    judge: Judge::Host(native_chains),
};

/// Rules of one backend are invisible to the other, and both apply.
fn one_backend(audit: &HostAudit, findings: &mut Findings) {
    let firewall = &audit.facts().firewall;
    let (legacy, nft) = (
        firewall.legacy.len() + firewall.legacy_v6.len(),
        firewall.nft.len() + firewall.nft_v6.len(),
    );
    let other = match firewall.backend.as_str() {
        "legacy" => ("nf_tables", "iptables-nft-save", nft),
        "nf_tables" => ("legacy", "iptables-legacy-save", legacy),
        _ => return,
    };
    let fault = (other.2 > 0).then(|| {
        Mismatch::new(
            format!(
                "all rules in the backend of `iptables`, which is {}",
                firewall.backend
            ),
            format!(
                "{} rules in {}, which `iptables` does not show",
                other.2, other.0
            ),
            format!(
                "move them: see `{}`, and `update-alternatives --config iptables`",
                other.1
            ),
        )
    });
    findings.judge_read(
        audit.name(),
        &IPTABLES_BACKEND,
        firewall.backend.clone(),
        format!("no rules in {}", other.0),
        fault,
    );
}

/// Hooks at which the packets of services are followed, by family.
const FOLLOWED: &[(&[&str], &[&str])] = &[
    (
        &["ip", "ip6", "inet"],
        &["prerouting", "input", "forward", "output", "postrouting"],
    ),
    (&["netdev", "inet"], &["ingress"]),
    (&["arp"], &["input", "output"]),
];

/// Chains of bridges, and of what leaves an interface, are not followed.
fn native_chains(audit: &HostAudit, findings: &mut Findings) {
    for table in &audit.facts().firewall.native {
        for base in &table.bases {
            let followed = FOLLOWED.iter().any(|(families, hooks)| {
                families.contains(&table.family.as_str()) && hooks.contains(&base.hook.as_str())
            });
            if followed || !drops(table, &base.chain) {
                continue;
            }
            let text = format!(
                "the chain {} {} {} of nftables drops some packets",
                table.family, table.name, base.chain
            );
            findings.unknown(
                audit.name(),
                &FIREWALL_NFT,
                text,
                "its rules were not followed",
            );
        }
    }
}

fn drops(table: &Table, base: &str) -> bool {
    let chains = table.chains();
    let policy = chains.and_then(|all| all.get(base)?.policy.as_deref());
    let mut rules = chains
        .into_iter()
        .flat_map(Chains::values)
        .flat_map(|chain| &chain.rules);
    policy == Some("DROP") || rules.any(|rule| matches!(rule.value("-j"), Some("DROP" | "REJECT")))
}
