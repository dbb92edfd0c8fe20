//! ICMP redirects of directors.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host, Mode};

pub(super) static SEND_REDIRECTS: Check = Check {
    id: "send-redirects",
    summary: "A director of DR sends no ICMP redirects.",
    reason: "The kernel sends redirects for packets that it routes back into the network that they came from. IPVS does not route DR packets that way, so this is a precaution for other traffic through the director: after a redirect, hosts bypass the director.",
    source: "ip-sysctl (kernel documentation), `send_redirects`; RFC 792",
    fix: "`lvsctl apply` sets it to 0 for `all` and each interface",
    needs,
    judge: Judge::Director(redirects),
};

fn needs(_: &Cluster, _: &Host, needs: &mut Needs) {
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls.of_interfaces.insert("send_redirects");
}

/// A redirect is sent where `all` or the interface allows it (ip-sysctl, kernel documentation).
fn redirects(audit: &HostAudit, findings: &mut Findings) {
    if !audit.cluster.services.iter().any(|s| s.mode == Mode::Dr) {
        return;
    }
    for nic in &audit.host.interfaces {
        let name = nic.name.as_str();
        if let Some(why) = audit.no_settings(name) {
            audit.leave_out(findings, &SEND_REDIRECTS, name, &why);
            continue;
        }
        let all = audit.facts().sysctl.of_interface("all", "send_redirects");
        let own = audit.facts().sysctl.of_interface(name, "send_redirects");
        let fault = (all != Some(0) || own != Some(0)).then(|| {
            let of = if all == Some(0) { name } else { "all" };
            let key = format!("net.ipv4.conf.{}.send_redirects", of.replace('.', "/"));
            let shown = |v: Option<u8>| v.map_or_else(|| "unknown".to_owned(), |v| v.to_string());
            Mismatch::new(
                format!("send_redirects effective 0 on {name}: both `all` and `{name}`"),
                format!("all {}, {name} {}", shown(all), shown(own)),
                "`lvsctl apply` sets both to 0",
            )
            .because(Some(Cause::Sysctl(key)))
        });
        let read = format!("all {all:?}, {name} {own:?}");
        findings.judge_read(audit.name(), &SEND_REDIRECTS, name, read, fault);
    }
}
