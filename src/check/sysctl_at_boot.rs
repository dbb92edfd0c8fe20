//! What the next boot makes of sysctls: files of `sysctl.d` that set another value than the wanted one, or than the one that
//! runs now.

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::model::{Cluster, Host};
use crate::resource::Resource;

pub(super) static PERSISTED_SYSCTL: Check = Check {
    id: "persisted-sysctl",
    summary: "Files in `sysctl.d` do not contradict the desired or the current value of a sysctl.",
    reason: "The node script sets the desired value after systemd-sysctl(8). Until then, and after each `sysctl --system`, the value of the file applies.",
    source: "sysctl.d(5)",
    fix: "delete the line in the file that the finding names",
    needs,
    judge: Judge::Host(judge),
};

/// The parameters that are looked at on each interface.
const OF_INTERFACES: [&str; 4] = ["arp_ignore", "arp_announce", "rp_filter", "send_redirects"];

fn needs(_: &Cluster, _: &Host, needs: &mut Needs) {
    needs.sysctl_file.get_or_insert_default();
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls.of_interfaces.extend(OF_INTERFACES);
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    persisted(audit, findings);
    undone(audit, findings);
}

/// The node script runs after systemd-sysctl(8) and sets what is wanted; a file that says otherwise wins until then,
/// and again after each `sysctl --system`.
fn persisted(audit: &HostAudit, findings: &mut Findings) {
    for resource in &audit.run.wanted {
        let Resource::Sysctl(sysctl) = resource else {
            continue;
        };
        let path = sysctl.path();
        let Some((value, file)) = audit.facts().sysctl_file.of(below_proc(&path)) else {
            // Our own file is among them, so none at all is drift.
            continue;
        };
        let fault = (!sysctl.holds(value)).then(|| {
            Mismatch::new(
                format!("{} = {} at boot", sysctl.name, sysctl.value),
                format!("{value}, set by {file}"),
                format!("take the line out of {file}"),
            )
            .because(Some(Cause::Sysctl(sysctl.name.clone())))
        });
        findings.judge(audit.name(), &PERSISTED_SYSCTL, sysctl.name.clone(), fault);
    }
}

/// Values that lvsctl does not set: the next boot may set another than the one that runs.
fn undone(audit: &HostAudit, findings: &mut Findings) {
    let wanted: Vec<String> = audit
        .run
        .wanted
        .iter()
        .filter_map(|resource| match resource {
            Resource::Sysctl(sysctl) => Some(sysctl.path()),
            _ => None,
        })
        .collect();
    let names = audit.host.interfaces.iter().map(|nic| nic.name.as_str());
    for interface in names.chain(["all"]) {
        for name in OF_INTERFACES {
            let path = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
            let (Some(runs), Some((boots, file))) = (
                audit.facts().sysctl.get(&path),
                audit.facts().sysctl_file.of(below_proc(&path)),
            ) else {
                continue;
            };
            if wanted.contains(&path) {
                continue;
            }
            let key = format!("net.ipv4.conf.{}.{name}", interface.replace('.', "/"));
            let fault = (runs.trim() != boots).then(|| {
                Mismatch::new(
                    format!(
                        "{key} to keep its current value {} after a boot",
                        runs.trim()
                    ),
                    format!("{boots}, set by {file}"),
                    format!(
                        "`sysctl -w {key}={boots}` if that is meant, else delete the line in {file}"
                    ),
                )
                .because(Some(Cause::Sysctl(key.clone())))
                .warning()
            });
            findings.judge(audit.name(), &PERSISTED_SYSCTL, key, fault);
        }
    }
}

fn below_proc(path: &str) -> &str {
    path.strip_prefix("/proc/sys/").unwrap_or(path)
}
