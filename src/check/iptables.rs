//! Packet filters that the audit of packet paths does not see: rules in the other backend, and chains of nftables.

use super::HostAudit;
use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};

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
    summary: "Chains of nftables that iptables did not create and that drop packets; lvsctl does not evaluate their rules (a note).",
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
    findings.judge(
        audit.name(),
        &IPTABLES_BACKEND,
        firewall.backend.clone(),
        fault,
    );
}

fn native_chains(audit: &HostAudit, findings: &mut Findings) {
    for chain in &audit.facts().firewall.native {
        let text = format!(
            "the chain {chain} of nftables drops some packets; its rules were not looked at"
        );
        findings.note(audit.name(), &FIREWALL_NFT, text);
    }
}
