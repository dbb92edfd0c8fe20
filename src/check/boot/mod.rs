//! Effects of the next boot and of schedules on a host's part of the cluster, from every file that is read or run then. The
//! list of such files is [`crate::fact::boot_source::places`]; which are in use is decided in [`sources`]; the effect of a
//! line is decided in one module per format.

mod command_harm;
mod commands;
mod default_route;
mod enabled;
mod filter;
mod harm;
mod late;
mod loading;
mod managers;
mod module;
mod network;
mod networkd;
mod nft;
mod ours;
mod paths;
mod replaced;
mod report;
mod shell;
mod sources;
mod sysctl;
mod unit;
mod units;

use super::HostAudit;
use super::definition::{Check, Judge};
use super::findings::Findings;
use crate::fact::Needs;
use crate::model::{Cluster, Host};
use ours::Ours;

pub(super) static BOOT_UNIT: Check = Check {
    id: "boot-unit",
    summary: "No drop-in, argument, condition or command changes, stops or prevents a unit of the cluster from its next start on.",
    reason: "A unit that runs well now starts otherwise after the next boot or restart, or not at all.",
    source: "systemd.unit(5), systemd.exec(5), keepalived(8), kernel-command-line(7)",
    fix: "remove the line or file that the finding names, as it says",
    needs,
    judge: Judge::Host(judge),
};

pub(super) static BOOT_ADDRESS: Check = Check {
    id: "boot-address",
    summary: "No network configuration or command sets a VIP where it does not belong or another default route, or removes an address, route or interface, at the next boot.",
    reason: "With a VIP on its NIC a real server answers ARP for it, and clients bypass the director. A host that \
             lacks its address takes no part in the cluster.",
    source: "systemd.network(5), netplan(5), interfaces(5), nm-settings-keyfile(5), ifcfg(5)",
    fix: "remove the line or file that the finding names, as it says",
    needs,
    judge: Judge::By("boot-unit"),
};

pub(super) static BOOT_FIREWALL: Check = Check {
    id: "boot-firewall",
    summary: "No saved packet filter rule that is loaded at the next boot drops packets of services or VRRP.",
    reason: "The loaded rules and the saved rules differ; the next boot loads the saved ones.",
    source: "iptables-restore(8), nft(8), firewalld.direct(5), ufw(8)",
    fix: "remove the line that the finding names from the saved rules, as it says",
    needs,
    judge: Judge::By("boot-unit"),
};

pub(super) static BOOT_IPVS: Check = Check {
    id: "boot-ipvs",
    summary: "Nothing else writes the IPVS table or starts a sync daemon at the next boot.",
    reason: "Entries that another program adds to the IPVS table are added to the services, or replace them.",
    source: "ipvsadm(8); /etc/default/ipvsadm",
    fix: "remove the line that the finding names, as it says",
    needs,
    judge: Judge::By("boot-unit"),
};

pub(super) static BOOT_MODULE: Check = Check {
    id: "boot-module",
    summary: "modprobe.d and the kernel's command line let the needed kernel modules load.",
    reason: "IPVS, its schedulers, tunnels and fwmark rules are modules; if a module does not load at boot, the services \
             that need it fail.",
    source: "modprobe.d(5), kernel-command-line(7)",
    fix: "remove the line that the finding names, as it says",
    needs,
    judge: Judge::By("boot-unit"),
};

pub(super) static SCHEDULE: Check = Check {
    id: "schedule",
    summary: "No job of cron, at, anacron, logrotate or a systemd timer undoes something of the cluster.",
    reason: "The job runs unattended, and nothing restores what it undoes.",
    source: "crontab(5), at(1), systemd.timer(5), logrotate(8)",
    fix: "remove the line or unit that the finding names, as it says",
    needs,
    judge: Judge::By("boot-unit"),
};

/// Other packet filters that are enabled and have their own formats.
const FILTERS: [&str; 5] = [
    "firewalld.service",
    "ufw.service",
    "shorewall.service",
    "ferm.service",
    "awall.service",
];

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if !has_part(cluster, host) {
        return;
    }
    let ask = needs.boot_source.get_or_insert_default();
    let vips = cluster.all_vips().into_iter();
    let hosts = cluster.hosts.iter().flat_map(Host::addresses);
    ask.words.extend(vips.chain(hosts).map(|ip| ip.to_string()));
    ask.units.extend(ours::units(cluster, host, &[]));
    ask.units
        .extend(["nginx.service", "ssh.service", "sshd.service"].map(str::to_owned));
    let units = needs.unit.get_or_insert_default();
    units.extend(FILTERS.iter().take(2).map(|name| (*name).to_owned()));
    let needed = enabled::NEEDED.iter().flat_map(|(_, units)| *units);
    units.extend(needed.map(|name| (*name).to_owned()));
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls
        .of_interfaces
        .extend(super::sysctl_at_boot::OF_INTERFACES);
}

/// Whether the host has resources that a boot could lose; a client has none.
fn has_part(cluster: &Cluster, host: &Host) -> bool {
    host.is_director() || cluster.serves(host)
}

/// All checks of this folder.
const ALL: [&Check; 6] = [
    &BOOT_UNIT,
    &BOOT_ADDRESS,
    &BOOT_FIREWALL,
    &BOOT_IPVS,
    &BOOT_MODULE,
    &SCHEDULE,
];

fn judge(audit: &HostAudit, findings: &mut Findings) {
    if !has_part(audit.cluster, audit.host) {
        return;
    }
    let sources = &audit.facts().boot_source;
    if !sources.was_read {
        return findings.skip(
            audit.name(),
            &BOOT_UNIT,
            "what the next boot does",
            "the host did not say what it reads and runs at boot",
        );
    }
    for part in &sources.cut {
        let what = match part.as_str() {
            "whole" => "configuration files and crontabs",
            _ => "scripts",
        };
        let why = format!(
            "the host has more than 256 KiB of {what} that a boot or schedule reads; only the first part was read"
        );
        findings.skip(audit.name(), &BOOT_UNIT, "what the next boot does", &why);
    }
    let ours = Ours::of(audit);
    let faults = report::all(&ours);
    for check in ALL {
        let own = faults.iter().any(|fault| fault.check == check);
        let only_part = !sources.cut.is_empty();
        if !own && !only_part {
            let read = "no file that is read or run at boot or on a schedule does harm";
            findings.pass_of(audit.name(), check, "what the next boot does", read);
        }
    }
    for fault in faults {
        findings.fail(audit.name(), fault.check, fault.what, fault.mismatch);
    }
}
