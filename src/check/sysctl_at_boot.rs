//! Sysctls at the next boot: files of `sysctl.d` that set another value than the desired one, or than the running one.

use std::collections::BTreeMap;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::fact::sysctl_file::Set;
use crate::model::{Cluster, Host};
use crate::resource::Resource;
use crate::shell::quote;

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
pub(super) const OF_INTERFACES: [&str; 6] = [
    "arp_ignore",
    "arp_announce",
    "rp_filter",
    "send_redirects",
    "proxy_arp",
    "arp_filter",
];

fn needs(_: &Cluster, _: &Host, needs: &mut Needs) {
    needs.sysctl_file.get_or_insert_default();
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls.of_interfaces.extend(OF_INTERFACES);
}

fn judge(audit: &HostAudit, findings: &mut Findings) {
    let mut odd = persisted(audit, findings);
    odd.extend(undone(audit, findings));
    report(audit, odd, findings);
}

/// A parameter that a line of a file sets to another value.
struct Odd<'a> {
    name: String,
    expected: String,
    by: Set<'a>,
    /// Whether lvsctl does not set the parameter, so that the running value is expected.
    unasked: bool,
}

/// One finding for each line, whatever number of parameters its pattern is about.
fn report(audit: &HostAudit, odd: Vec<Odd>, findings: &mut Findings) {
    let mut lines: BTreeMap<(&str, &str), Vec<Odd>> = BTreeMap::new();
    for one in odd {
        lines
            .entry((one.by.file, one.by.key))
            .or_default()
            .push(one);
    }
    for ((file, key), all) in lines {
        let Some(first) = all.first() else { continue };
        let names: Vec<&str> = all.iter().map(|odd| odd.name.as_str()).collect();
        let expected: Vec<&str> = all.iter().map(|odd| odd.expected.as_str()).collect();
        let take = take_out(file, key);
        let unasked = all.iter().all(|odd| odd.unasked);
        let fix = if unasked {
            format!(
                "{take}; if that value is meant, `sysctl -w {}={}`",
                first.name, first.by.value
            )
        } else {
            take
        };
        // If lvsctl's own file was edited, that file is the cause.
        let is_ours = audit
            .run
            .desired
            .iter()
            .any(|resource| matches!(resource, Resource::File(ours) if ours.path == file));
        let cause = if is_ours {
            Cause::Resource {
                kind: "file".to_owned(),
                key: file.to_owned(),
            }
        } else {
            Cause::Sysctl(first.name.clone())
        };
        let found = format!("{}, set by {file}", first.by.value);
        let mismatch = Mismatch::new(expected.join(" and "), found, fix);
        let mismatch = mismatch.because(Some(cause)).later();
        let mismatch = if unasked {
            mismatch.warning()
        } else {
            mismatch
        };
        findings.fail(audit.name(), &PERSISTED_SYSCTL, names.join(", "), mismatch);
    }
}

/// The command that removes a line. A package's file is changed in a copy in /etc, which overrides it.
pub(super) fn take_out(file: &str, key: &str) -> String {
    // A dot stands for either separator.
    let mut pattern = String::new();
    for c in key.chars() {
        match c {
            '/' => pattern.push('.'),
            '*' | '[' | ']' | '\\' | '$' => pattern.extend(['[', c, ']']),
            c => pattern.push(c),
        }
    }
    let line = quote(&format!("/{pattern} *=/d"));
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    if folder.ends_with("lib/sysctl.d") {
        let copy = format!("/etc/sysctl.d/{name}");
        return format!(
            "`cp {} /etc/sysctl.d/ && sed -i {line} {}`",
            quote(file),
            quote(&copy)
        );
    }
    // A link to /etc/sysctl.conf, which would be replaced.
    let file = if name == "99-sysctl.conf" {
        format!("\"$(readlink -f {file})\"")
    } else {
        quote(file)
    };
    format!("`sed -i {line} {file}`")
}

/// Values of files that differ from the desired ones. The node script sets the desired values after systemd-sysctl(8); until
/// then, and after each `sysctl --system`, the file's value is active.
fn persisted<'a>(audit: &'a HostAudit, findings: &mut Findings) -> Vec<Odd<'a>> {
    let mut odd = Vec::new();
    for resource in &audit.run.desired {
        let Resource::Sysctl(sysctl) = resource else {
            continue;
        };
        let path = sysctl.path();
        let Some(by) = audit.facts().sysctl_file.of(below_proc(&path)) else {
            // lvsctl's own file sets it too, so a parameter without any line is drift.
            continue;
        };
        if sysctl.holds(by.value) {
            let read = format!("{}, set by {}", by.value, by.file);
            let name = sysctl.name.clone();
            findings.pass_of(audit.name(), &PERSISTED_SYSCTL, name, read);
            continue;
        }
        odd.push(Odd {
            name: sysctl.name.clone(),
            expected: format!("{} = {} at boot", sysctl.name, sysctl.value),
            by,
            unasked: false,
        });
    }
    odd
}

/// Values that lvsctl does not set: the next boot may set another than the one that runs.
fn undone<'a>(audit: &'a HostAudit, findings: &mut Findings) -> Vec<Odd<'a>> {
    let mut odd = Vec::new();
    let desired: Vec<String> = audit
        .run
        .desired
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
            let (Some(runs), Some(by)) = (
                audit.facts().sysctl.get(&path),
                audit.facts().sysctl_file.of(below_proc(&path)),
            ) else {
                continue;
            };
            if desired.contains(&path) {
                continue;
            }
            let key = format!("net.ipv4.conf.{}.{name}", interface.replace('.', "/"));
            let runs = runs.trim();
            if runs == by.value {
                let read = format!("{}, set by {}", by.value, by.file);
                findings.pass_of(audit.name(), &PERSISTED_SYSCTL, key, read);
                continue;
            }
            odd.push(Odd {
                expected: format!("{key} to keep its current value {runs} after a boot"),
                name: key,
                by,
                unasked: true,
            });
        }
    }
    odd
}

fn below_proc(path: &str) -> &str {
    path.strip_prefix("/proc/sys/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_is_taken_out() {
        for (file, key, fix) in [
            (
                "/etc/sysctl.d/99-x.conf",
                "net.ipv4.ip_forward",
                "`sed -i '/net.ipv4.ip_forward *=/d' /etc/sysctl.d/99-x.conf`",
            ),
            (
                "/etc/sysctl.d/99-x.conf",
                "net/ipv4/conf/*/arp_ignore",
                "`sed -i '/net.ipv4.conf.[*].arp_ignore *=/d' /etc/sysctl.d/99-x.conf`",
            ),
            (
                "/etc/sysctl.d/99-sysctl.conf",
                "a.b",
                "`sed -i '/a.b *=/d' \"$(readlink -f /etc/sysctl.d/99-sysctl.conf)\"`",
            ),
            (
                "/usr/lib/sysctl.d/99-v.conf",
                "a.b",
                "`cp /usr/lib/sysctl.d/99-v.conf /etc/sysctl.d/ && sed -i '/a.b *=/d' /etc/sysctl.d/99-v.conf`",
            ),
        ] {
            assert_eq!(take_out(file, key), fix);
        }
    }
}
