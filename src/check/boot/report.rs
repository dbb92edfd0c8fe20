//! One fault for each boot file that does harm: the effect, and the command that removes the lines. Pure.

use std::collections::BTreeSet;

use super::commands::Command;
use super::harm::Harm;
use super::ours::Ours;
use super::sources::{self, Source};
use super::{
    BOOT_ADDRESS, BOOT_UNIT, SCHEDULE, command_harm, enabled, filter, managers, module, network,
    shell, unit,
};
use crate::check::findings::Mismatch;
use crate::check::sysctl_at_boot::PERSISTED_SYSCTL;
use crate::check::{Cause, Check};
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::{self, Reader};
use crate::resource::service_manager::ServiceManager;
use crate::shell::quote;

pub(super) struct Fault {
    pub(super) check: &'static Check,
    pub(super) what: String,
    pub(super) mismatch: Mismatch,
}

/// All faults of a host.
pub(super) fn all(ours: &Ours) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for of_file in unit::all(ours) {
        // A drop-in for all services is reported once, not for each unit.
        if seen.contains(&of_file.path) {
            continue;
        }
        let reader = places::of(&of_file.path).map_or(Reader::Arguments, |place| place.reader);
        let fix = fix(&of_file.path, reader, &of_file.harms, ours);
        seen.push(of_file.path.clone());
        let cause = Some(Cause::Unit(of_file.unit.clone()));
        faults.push(fault(
            &of_file.path,
            &of_file.harms,
            false,
            None,
            fix,
            cause,
        ));
    }
    for source in sources::live(ours) {
        if seen.iter().any(|path| path == source.path) {
            continue;
        }
        let (harms, scheduled) = of_source(&source, ours);
        if harms.is_empty() {
            continue;
        }
        let fix = fix(source.path, source.reader, &harms, ours);
        faults.push(fault(
            source.path,
            &harms,
            scheduled,
            source.named_by.as_deref(),
            fix,
            None,
        ));
    }
    // grub.cfg is made of it.
    if faults
        .iter()
        .any(|fault| fault.what.starts_with("/etc/default/grub"))
    {
        faults.retain(|fault| !fault.what.ends_with("/grub.cfg"));
    }
    faults.extend(enabled::all(ours));
    faults
}

/// The harms of a source, and whether it runs on a schedule.
fn of_source(source: &Source, ours: &Ours) -> (Vec<(Line, Harm)>, bool) {
    if source.reader.is_of_saved_rules() {
        let scheduled = source.commands.iter().any(|command| command.scheduled);
        return (filter::saved(source, ours), scheduled);
    }
    let mut harms = network::of(source.reader, source.path, source.lines, ours);
    match source.reader {
        Reader::Modprobe => harms.extend(module::modprobe(source.lines, ours)),
        Reader::KernelCommandLine if is_next_boots(source, ours) => {
            harms.extend(module::command_line(source.path, source.lines, ours));
        }
        Reader::Unit => harms.extend(managers::conflicts(source.lines, ours)),
        Reader::Tmpfiles
        | Reader::Tuned
        | Reader::SysctlConf
        | Reader::Arguments
        | Reader::Firewalld
        | Reader::Ufw
        | Reader::Fstab => {
            harms.extend(managers::of(source.reader, source.path, source.lines, ours));
        }
        _ => {}
    }
    let mut scheduled = false;
    let mut of_filters = Vec::new();
    for command in &source.commands {
        for words in shell::commands(&command.text) {
            if let Some(harm) = command_harm::of(&words, &command.text, command.scheduled, ours) {
                scheduled |= command.scheduled;
                harms.push((command.line.clone(), harm));
            }
            of_filters.push((command.line.clone(), words));
        }
    }
    let found = filter::of_commands(&of_filters, ours);
    scheduled |= !found.is_empty()
        && source
            .commands
            .iter()
            .any(|Command { scheduled, .. }| *scheduled);
    harms.extend(found);
    harms.sort_by_key(|(line, _)| line.number);
    (harms, scheduled)
}

/// Whether this source shows the kernel command line of the next boot: that of the running kernel only if no boot loader file
/// does.
fn is_next_boots(source: &Source, ours: &Ours) -> bool {
    let mut files = ours.audit.facts().boot_source.files();
    source.path != "/proc/cmdline"
        || !files.any(|(path, _)| {
            path.starts_with("/boot/")
                || path.starts_with("/etc/default/grub")
                || path.starts_with("/etc/kernel/")
        })
}

/// How many lines of a file are shown.
const SHOWN: usize = 4;

fn fault(
    path: &str,
    harms: &[(Line, Harm)],
    scheduled: bool,
    named_by: Option<&str>,
    fix: String,
    cause: Option<Cause>,
) -> Fault {
    let first = harms.first().map(|(_, harm)| harm);
    let check = match first {
        _ if scheduled => &SCHEDULE,
        Some(harm) => harm.check,
        None => &BOOT_UNIT,
    };
    let mut all: Vec<String> = harms
        .iter()
        .map(|(line, harm)| format!("line {} `{}` {}", line.number, short(&line.text), harm.does))
        .collect();
    all.dedup();
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    if more > 0 {
        all.push(format!("and {more} lines more"));
    }
    let when = match (scheduled, path.starts_with("/run/")) {
        (true, _) => "each time that it runs",
        (_, true) => "at the next start, until a reboot",
        _ if check == &BOOT_UNIT && path.contains("systemd") => "from the next start or boot on",
        _ => "at the next boot",
    };
    let by = named_by.map_or_else(String::new, |by| format!(" (run by {by})"));
    let cause = match first.and_then(|harm| harm.sysctl.clone()) {
        Some(name) if check == &PERSISTED_SYSCTL && harms.len() == 1 => Some(Cause::Sysctl(name)),
        _ if check == &BOOT_ADDRESS => first.and_then(|harm| harm.vip).map(Cause::Vip),
        _ => cause,
    };
    Fault {
        check,
        what: path.to_owned(),
        mismatch: Mismatch::new(
            format!("{path}{by} to leave the cluster's part of the host as it is"),
            format!("{when}: {}", all.join("; ")),
            fix,
        )
        .because(cause)
        .later(),
    }
}

fn short(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= 100 {
        return text.to_owned();
    }
    let start: String = text.chars().take(97).collect();
    format!("{start}...")
}

/// The command that removes the harmful lines, and the one that makes their reader reload.
fn fix(path: &str, reader: Reader, harms: &[(Line, Harm)], ours: &Ours) -> String {
    if let Some(advice) = harms.iter().find_map(|(_, harm)| harm.advice.clone()) {
        return advice;
    }
    let sources = &ours.audit.facts().boot_source;
    let of_harms = harms.iter().map(|(line, _)| line.number);
    let with = harms.iter().flat_map(|(_, harm)| harm.with.iter().copied());
    let numbers: BTreeSet<usize> = of_harms.chain(with).collect();
    let numbers: Vec<usize> = numbers.into_iter().collect();
    let is_unit = path.contains("/systemd/system/");
    let is_drop_in = path.contains(".d/");
    let unit = path.rsplit('/').next().unwrap_or(path);
    if path.starts_with("/run/systemd/transient/") {
        let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
        return format!("`systemctl stop {stem}.timer {stem}.service`");
    }
    if is_unit && !is_drop_in && !ours.units.contains(unit) {
        let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
        let timer = format!("{stem}.timer");
        let units = if sources.is_enabled(&timer) {
            format!("{timer} {unit}")
        } else {
            unit.to_owned()
        };
        let stop = ServiceManager::Systemd.end(&units);
        return format!(
            "`{stop}`; if it is not needed otherwise, `rm {}` and `systemctl daemon-reload`",
            quote(path)
        );
    }
    let instead = harms
        .iter()
        .find_map(|(line, harm)| Some((line.number, harm.instead.as_ref()?)));
    if let Some((number, text)) = instead {
        let then = reload(reader);
        return format!(
            "`sed -i {} {}{then}`",
            quote(&format!("{number}s|.*|{text}|")),
            quote(path)
        );
    }
    let left = sources
        .lines(path)
        .iter()
        .filter(|line| !numbers.contains(&line.number));
    let matters = left.filter(|line| {
        let text = line.text.trim();
        !text.starts_with('[')
            && !text.starts_with("set -")
            && text != "exit 0"
            && !text.starts_with("Name=")
            && !text.is_empty()
            && !text.ends_with('=')
    });
    // The file overrides a package's unit.
    let replaces = is_unit
        && !is_drop_in
        && !sources
            .lines(&format!("/usr/lib/systemd/system/{unit}"))
            .is_empty();
    let whole = replaces || (matters.count() == 0 && !is_needed(path, reader));
    let take = if whole {
        format!("rm {}", quote(path))
    } else {
        let places: Vec<String> = numbers.iter().map(|number| format!("{number}d")).collect();
        format!("sed -i '{}' {}", places.join(";"), quote(path))
    };
    let then = match reader {
        _ if is_unit => " && systemctl daemon-reload",
        Reader::KernelCommandLine if path.starts_with("/etc/default/grub") => {
            return format!(
                "take that word out of line {} of {path}, then `update-grub` (RHEL, SUSE: `grub2-mkconfig -o /boot/grub2/grub.cfg`)",
                list(&numbers)
            );
        }
        Reader::KernelCommandLine => {
            return format!("take that word out of line {} of {path}", list(&numbers));
        }
        Reader::Ufw => {
            return "`ufw disable`, or `ufw allow` each port of the cluster's services".to_owned();
        }
        Reader::Arguments => {
            return format!("`{take}`, or take these arguments alone out of that line");
        }
        reader => reload(reader),
    };
    format!("`{take}{then}`")
}

/// The command after which a reader uses a changed file, with what joins it to another.
fn reload(reader: Reader) -> &'static str {
    match reader {
        Reader::Networkd | Reader::NetworkdHost => " && networkctl reload",
        Reader::NetworkManager => " && nmcli connection reload",
        Reader::Netplan => " && netplan generate",
        Reader::Udev => " && udevadm control --reload",
        _ => "",
    }
}

fn list(numbers: &[usize]) -> String {
    let all: Vec<String> = numbers.iter().map(usize::to_string).collect();
    all.join(", ")
}

/// Whether a file must not be deleted even if all its lines are harmful.
fn is_needed(path: &str, reader: Reader) -> bool {
    matches!(
        reader,
        Reader::Iptables
            | Reader::Ip6tables
            | Reader::Nftables
            | Reader::KernelCommandLine
            | Reader::Arguments
            | Reader::SysctlConf
            | Reader::Fstab
    ) || [
        "/etc/crontab",
        "/etc/network/interfaces",
        "/etc/anacrontab",
        "/etc/systemd/networkd.conf",
    ]
    .contains(&path)
}

/// A fault with a separate fix.
pub(super) fn plain(
    check: &'static Check,
    what: &str,
    expected: &str,
    found: String,
    fix: String,
    unit: Option<&str>,
) -> Fault {
    let cause = unit.map(|unit| Cause::Unit(unit.to_owned()));
    Fault {
        check,
        what: what.to_owned(),
        mismatch: Mismatch::new(expected, found, fix).because(cause).later(),
    }
}
