//! Rules of arptables that drop what a host must say or hear by ARP.

use std::net::IpAddr;

use super::HostAudit;
use super::definition::{Check, Judge, packet_filter};
use super::findings::{Findings, Mismatch};

pub(super) static ARPTABLES_RIP: Check = Check {
    id: "arptables-rip",
    summary: "`arptables` accepts a real server's ARP packets for its RIP.",
    reason: "If they are dropped, a director cannot resolve the RIP of a real server in its network, and sends it no packets.",
    source: "arptables(8), RFC 826",
    fix: "delete the rule that the finding names with `arptables -D`",
    needs: packet_filter,
    judge: Judge::Host(of_real_server),
};

pub(super) static ARPTABLES_VIP: Check = Check {
    id: "arptables-vip",
    summary: "`arptables` accepts a director's ARP packets for the VIP.",
    reason: "If they are dropped, clients and routers in the VIP's network cannot resolve the VIP.",
    source: "arptables(8), RFC 826",
    fix: "delete the rule that the finding names with `arptables -D`",
    needs: packet_filter,
    judge: Judge::Director(of_director),
};

fn of_real_server(audit: &HostAudit, findings: &mut Findings) {
    let own = audit.serves.own_addresses(|_| true);
    for address in own.into_iter().filter(IpAddr::is_ipv4) {
        passes(audit, &ARPTABLES_RIP, address, findings);
    }
}

fn of_director(audit: &HostAudit, findings: &mut Findings) {
    let vips = audit.cluster.service_vips().into_iter();
    for vip in vips.filter(IpAddr::is_ipv4) {
        passes(audit, &ARPTABLES_VIP, vip, findings);
    }
}

/// Whether a rule of arptables drops ARP for an address.
fn passes(audit: &HostAudit, check: &'static Check, address: IpAddr, findings: &mut Findings) {
    let address = address.to_string();
    let drops = audit.facts().firewall.arp_all.lines.iter().find(|line| {
        let mut words = line.split_whitespace();
        let names = words.any(|word| word.split('/').next() == Some(&address));
        names && line.contains("-j DROP")
    });
    let fault = drops.map(|line| {
        Mismatch::new(
            format!("ARP for {address} to pass arptables"),
            format!("dropped by {line}"),
            format!("`arptables {}`", line.replacen("-A", "-D", 1)),
        )
    });
    findings.judge(audit.name(), check, address, fault);
}
