//! Effects of unit files, drop-ins and arguments on the next start of the units that the host needs. Pure.

use std::collections::BTreeMap;

use super::harm::Harm;
use super::ours::Ours;
use super::shell;
use super::{BOOT_UNIT, command_harm};
use crate::fact::boot_source::{BootSources, Line, UNIT_FOLDERS};
use crate::resource::ipvs::KEEPALIVED;

/// Targets that systemd reaches when all services have started.
pub(super) const LAST: [&str; 3] = ["multi-user.target", "graphical.target", "default.target"];

const CONFIGURATION: &str = "/etc/keepalived/keepalived.conf";

/// The harms of a file's lines to a unit.
pub(super) struct OfFile {
    pub(super) path: String,
    pub(super) unit: String,
    pub(super) harms: Vec<(Line, Harm)>,
}

/// All files of the units that this host needs.
pub(super) fn all(ours: &Ours) -> Vec<OfFile> {
    let sources = &ours.audit.facts().boot_source;
    let mut found = Vec::new();
    for unit in &ours.units {
        for path in files(sources, unit) {
            if ours.files.contains(path) {
                continue;
            }
            let is_drop_in = path.contains(".d/");
            let lines = sources.lines(path);
            let harms = lines.iter().filter_map(|line| {
                Some((line.clone(), directive(unit, path, line, is_drop_in, ours)?))
            });
            let harms: Vec<_> = harms.collect();
            if !harms.is_empty() {
                found.push(OfFile {
                    path: path.to_owned(),
                    unit: unit.clone(),
                    harms,
                });
            }
        }
    }
    found.extend(arguments(ours));
    found
}

/// The effective files of a unit, in their order. Of two files with one name, the one in the first folder counts.
pub(super) fn files<'a>(sources: &'a BootSources, unit: &str) -> Vec<&'a str> {
    let fragments = UNIT_FOLDERS.iter().filter_map(|folder| {
        let path = format!("{folder}/{unit}");
        sources
            .files()
            .map(|(path, _)| path)
            .find(|other| *other == path)
    });
    let fragment = fragments.take(1);
    let suffix = unit
        .rsplit_once('.')
        .map_or("service", |(_, suffix)| suffix);
    let stem = unit.strip_suffix(&format!(".{suffix}")).unwrap_or(unit);
    let applies = |folder: &str| {
        folder == unit
            || folder == suffix
            || folder
                .strip_suffix(&format!(".{suffix}"))
                .is_some_and(|start| start.ends_with('-') && stem.starts_with(start))
    };
    let mut drop_ins: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (path, _) in sources.files() {
        let Some((folder, name)) = path.rsplit_once('/') else {
            continue;
        };
        let Some((root, of)) = folder.strip_suffix(".d").and_then(|f| f.rsplit_once('/')) else {
            continue;
        };
        let Some(rank) = UNIT_FOLDERS
            .iter()
            .position(|known| *known == root)
            .filter(|_| applies(of))
        else {
            continue;
        };
        let entry = drop_ins.entry(name).or_insert((rank, path));
        if rank < entry.0 {
            *entry = (rank, path);
        }
    }
    fragment
        .chain(drop_ins.into_values().map(|(_, path)| path))
        .collect()
}

fn is_yes(value: &str) -> bool {
    ["yes", "true", "on", "1"].contains(&value)
}

/// What one directive does.
fn directive(unit: &str, path: &str, line: &Line, is_drop_in: bool, ours: &Ours) -> Option<Harm> {
    let (key, value) = line.text.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    if value.is_empty() {
        return None;
    }
    let sources = &ours.audit.facts().boot_source;
    let of_package = !is_drop_in && !path.starts_with("/etc/") && !path.starts_with("/run/");
    let is_root = unit == KEEPALIVED || unit.starts_with("lvsctl-");
    let does = match key {
        "ExecStart" => starts(unit, value, of_package, ours)?,
        "ExecStartPre" | "ExecStartPost" | "ExecCondition" if !of_package => {
            return prevents(value, sources, ours);
        }
        _ if key.starts_with("Condition") || key.starts_with("Assert") => {
            unmet(key, value, of_package, sources)?
        }
        "Conflicts" => {
            let rival = value
                .split_whitespace()
                .find(|other| sources.is_enabled(other))?;
            format!("cannot run beside {rival}, which is enabled")
        }
        "Requires" | "Requisite" | "BindsTo" if !of_package => {
            let first = value
                .split_whitespace()
                .next()
                .filter(|other| other.ends_with(".service"))?;
            sources
                .there(first)
                .is_none()
                .then(|| format!("needs {first}, which is not there"))?
        }
        "User" if is_root && value != "root" && !of_package => {
            format!("runs as {value} in place of root")
        }
        "DynamicUser"
            if is_root && is_yes(value) && !unit.contains("-tcp-") && !unit.contains("-udp-") =>
        {
            "runs as another user than root".to_owned()
        }
        "PrivateNetwork" if is_yes(value) => "runs without the host's network".to_owned(),
        "NetworkNamespacePath" | "JoinsNamespaceOf" => {
            format!("runs in another network ({key}={value})")
        }
        "RootDirectory" | "RootImage" => format!("runs in another root folder ({value})"),
        "InaccessiblePaths" | "TemporaryFileSystem" | "BindPaths" | "BindReadOnlyPaths" => {
            let covered = value
                .split_whitespace()
                .find(|word| covers(word, unit, ours))?;
            format!("sees other files in place of ours ({key}={covered})")
        }
        "IPAddressDeny" => format!("may not use the network ({key}={value})"),
        "CapabilityBoundingSet"
            if is_root
                && !of_package
                && value.starts_with('~') == value.contains("CAP_NET_ADMIN") =>
        {
            format!("may not set up the network ({key}={value})")
        }
        "RestrictAddressFamilies"
            if is_root && !of_package && value.starts_with('~') == value.contains("AF_NETLINK") =>
        {
            format!("may not set up the network ({key}={value})")
        }
        "ProtectKernelTunables" if unit.starts_with("lvsctl-") && is_yes(value) => {
            "may not set kernel parameters".to_owned()
        }
        "RuntimeMaxSec" if value != "infinity" => format!("ends after {value}"),
        "MemoryMax" | "MemoryHigh" | "TasksMax" | "CPUQuota" => too_little(key, value)?,
        "Before" | "After" if !of_package => {
            let target = value.split_whitespace().find(|word| is_cycle(key, word))?;
            format!("waits for itself ({key}={target}): systemd leaves out a unit of such a cycle")
        }
        "StopWhenUnneeded" if is_yes(value) => "stops as soon as nothing needs it".to_owned(),
        "SuccessAction" | "FailureAction" | "StartLimitAction"
            if value != "none" && !of_package =>
        {
            format!("brings the host down ({key}={value})")
        }
        "RemainAfterExit" if is_node(unit, ours) && !is_yes(value) => {
            "takes down again what it has set up".to_owned()
        }
        "Environment" if value.contains("LD_PRELOAD") => "loads other code (LD_PRELOAD)".to_owned(),
        "Environment" if unit == KEEPALIVED => {
            odd_arguments(value.trim_matches('"').split_once('=')?.1)?
        }
        _ => return None,
    };
    Some(Harm::new(&BOOT_UNIT, does))
}

/// A bound below what any of our units needs.
fn too_little(key: &str, value: &str) -> Option<String> {
    let (number, factor) = match value.chars().next_back()? {
        'K' => (value.strip_suffix('K')?, 1024.0),
        'M' => (value.strip_suffix('M')?, 1024.0 * 1024.0),
        '%' => (value.strip_suffix('%')?, 1.0),
        c if c.is_ascii_digit() => (value, 1.0),
        _ => return None,
    };
    let amount = number.parse::<f64>().ok()? * factor;
    let least = match key {
        "TasksMax" if value.ends_with('%') => return None,
        "TasksMax" => 4.0,
        "CPUQuota" => 5.0,
        _ if value.ends_with('%') => return None,
        _ => 8.0 * 1024.0 * 1024.0,
    };
    (amount < least).then(|| format!("has too little to run ({key}={value})"))
}

/// Whether an ordering with a target makes a cycle: the target starts after the units that it wants, or the units that the
/// host needs wait for it.
fn is_cycle(key: &str, target: &str) -> bool {
    const FIRST: [&str; 5] = [
        "sysinit.target",
        "basic.target",
        "local-fs.target",
        "network.target",
        "network-online.target",
    ];
    match key {
        "Before" => FIRST.contains(&target),
        _ => LAST.contains(&target),
    }
}

fn is_node(unit: &str, ours: &Ours) -> bool {
    unit == crate::plan::boot::unit(&ours.audit.cluster.name)
}

fn covers(word: &str, unit: &str, ours: &Ours) -> bool {
    let target = word.trim_start_matches(['-', '+']);
    let target = target
        .split(':')
        .nth(1)
        .filter(|t| t.starts_with('/'))
        .unwrap_or_else(|| target.split(':').next().unwrap_or(target));
    let reads = if unit == KEEPALIVED {
        vec![CONFIGURATION]
    } else {
        ours.files.iter().map(String::as_str).collect()
    };
    reads.iter().any(|file| {
        *file == target || file.starts_with(&format!("{}/", target.trim_end_matches('/')))
    })
}

/// The harm of a command that starts another program than the unit's own.
fn starts(unit: &str, value: &str, of_package: bool, ours: &Ours) -> Option<String> {
    let command = value.trim_start_matches(['-', '@', ':', '+', '!']);
    let words = shell::commands(command);
    let program = words.first()?.first()?.as_str();
    if unit == KEEPALIVED {
        if program != "keepalived" {
            return Some(format!("starts `{command}` in place of keepalived"));
        }
        return odd_arguments(command);
    }
    if of_package {
        return None;
    }
    if unit == "nginx.service" && program == "nginx" {
        let other = after(command, &["-c"]).filter(|file| *file != "/etc/nginx/nginx.conf");
        return other.map(|file| format!("reads {file} in place of /etc/nginx/nginx.conf"));
    }
    let sources = &ours.audit.facts().boot_source;
    let of_vendor = ["/usr/lib", "/lib"]
        .iter()
        .flat_map(|lib| sources.lines(&format!("{lib}/systemd/system/{unit}")));
    let same = of_vendor
        .filter_map(|line| line.text.strip_prefix("ExecStart="))
        .any(|start| start.trim() == value);
    (!same).then(|| format!("starts `{command}` in its place"))
}

fn after<'a>(command: &'a str, options: &[&str]) -> Option<&'a str> {
    let words: Vec<&'a str> = command
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .collect();
    let at = words.iter().position(|word| options.contains(word));
    let apart = at.and_then(|at| words.get(at + 1)).copied();
    apart.or_else(|| {
        words.iter().find_map(|word| {
            let long = options
                .iter()
                .filter(|o| o.starts_with("--"))
                .find_map(|o| word.strip_prefix(o)?.strip_prefix('='));
            let short = options
                .iter()
                .filter(|o| !o.starts_with("--"))
                .find_map(|o| word.strip_prefix(o).filter(|rest| rest.starts_with('/')));
            long.or(short)
        })
    })
}

/// Arguments of keepalived(8) that change its purpose.
pub(super) fn odd_arguments(command: &str) -> Option<String> {
    if let Some(file) = after(command, &["-f", "--use-file"]).filter(|file| *file != CONFIGURATION)
    {
        return Some(format!("reads {file} in place of {CONFIGURATION}"));
    }
    if let Some(space) = after(command, &["-s", "--namespace"]) {
        return Some(format!("runs in the network namespace {space}"));
    }
    let words = command
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']));
    words.into_iter().find_map(|word| {
        let short = |flag: char| {
            word.starts_with('-')
                && !word.starts_with("--")
                && word
                    .get(1..)
                    .is_some_and(|w| w.chars().all(|c| c.is_ascii_alphabetic()) && w.contains(flag))
        };
        match word {
            "--vrrp" => Some("runs VRRP alone, without IPVS (--vrrp)"),
            "--check" => Some("runs the health checks alone, without VRRP (--check)"),
            "--config-test" | "--version" | "--help" => Some("ends at once"),
            "--config-id" => Some("takes other parts of its configuration (--config-id)"),
            _ if short('P') => Some("runs VRRP alone, without IPVS (-P)"),
            _ if short('C') => Some("runs the health checks alone, without VRRP (-C)"),
            _ if short('t') || short('v') || short('h') => Some("ends at once"),
            _ if short('i') => Some("takes other parts of its configuration (-i)"),
            _ => None,
        }
        .map(str::to_owned)
    })
}

/// A command before or after the start that fails, waits, or undoes something of ours.
fn prevents(value: &str, sources: &BootSources, ours: &Ours) -> Option<Harm> {
    let may_fail = value.starts_with(['-', '@', ':', '+', '!'])
        && value
            .chars()
            .take_while(|c| "-@:+!".contains(*c))
            .any(|c| c == '-');
    let command = value.trim_start_matches(['-', '@', ':', '+', '!']);
    let path = command
        .split_whitespace()
        .next()
        .filter(|word| word.starts_with('/'));
    if let Some(path) = path.filter(|path| !may_fail && sources.there(path).is_none()) {
        return Some(Harm::new(
            &BOOT_UNIT,
            format!("does not start: {path} is not there"),
        ));
    }
    for words in shell::commands(command) {
        let text: Vec<&str> = words.iter().map(String::as_str).collect();
        let seconds = |word: &str| {
            word.trim_end_matches('s').parse::<f64>().unwrap_or(
                if word.ends_with(['m', 'h', 'd']) || word == "infinity" {
                    3600.0
                } else {
                    0.0
                },
            )
        };
        match text.as_slice() {
            ["false", ..] if !may_fail => {
                return Some(Harm::new(&BOOT_UNIT, "does not start: this command fails"));
            }
            ["exit", status, ..] if *status != "0" && !may_fail => {
                return Some(Harm::new(&BOOT_UNIT, "does not start: this command fails"));
            }
            ["sleep", time, ..] if seconds(time) >= 30.0 => {
                return Some(Harm::new(&BOOT_UNIT, format!("starts late (sleep {time})")));
            }
            _ => {}
        }
        if let Some(harm) = command_harm::of(&words, command, false, ours) {
            return Some(harm);
        }
    }
    None
}

/// A condition of the unit that is not met, or may not be.
fn unmet(key: &str, value: &str, of_package: bool, sources: &BootSources) -> Option<String> {
    let kind = key
        .trim_start_matches("Condition")
        .trim_start_matches("Assert");
    // A triggering condition: one of several is enough.
    if value.starts_with('|') {
        return None;
    }
    let (negated, path) = value
        .strip_prefix('!')
        .map_or((false, value), |path| (true, path));
    let path = path.trim();
    let holds = match kind {
        "PathExists" | "PathIsDirectory" | "PathIsSymbolicLink" | "PathIsMountPoint"
        | "PathIsReadWrite" | "FileIsExecutable" => sources.there(path).is_some(),
        "FileNotEmpty" | "DirectoryNotEmpty" => sources.there(path) == Some(true),
        // Conditions in packages' files are met on the hosts for which the packages are made.
        _ if of_package => return None,
        _ => return Some(format!("starts only where {key}={value} holds")),
    };
    (holds == negated).then(|| format!("does not start: {key}={value} does not hold"))
}

/// Files with arguments of keepalived, where its unit or init script reads them, and files that a unit names.
fn arguments(ours: &Ours) -> Vec<OfFile> {
    if !ours.units.contains(KEEPALIVED) {
        return Vec::new();
    }
    let sources = &ours.audit.facts().boot_source;
    let mut paths = vec![
        "/etc/default/keepalived",
        "/etc/sysconfig/keepalived",
        "/etc/conf.d/keepalived",
    ];
    let of_unit = files(sources, KEEPALIVED)
        .into_iter()
        .flat_map(|path| sources.lines(path));
    let named = of_unit.filter_map(|line| line.text.strip_prefix("EnvironmentFile="));
    let named: Vec<&str> = named
        .map(|path| path.trim().trim_start_matches('-'))
        .collect();
    if !named.is_empty() {
        paths = named;
    }
    let mut found = Vec::new();
    for path in paths {
        let harms = sources.lines(path).iter().filter_map(|line| {
            let (key, value) = line.text.split_once('=')?;
            let known = ["ARGS", "OPTIONS", "OPTS"]
                .iter()
                .any(|end| key.trim().ends_with(end));
            let does = odd_arguments(value.trim().trim_matches(['"', '\''])).filter(|_| known)?;
            Some((line.clone(), Harm::new(&BOOT_UNIT, does)))
        });
        let harms: Vec<_> = harms.collect();
        if !harms.is_empty() {
            found.push(OfFile {
                path: path.to_owned(),
                unit: KEEPALIVED.to_owned(),
                harms,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_keepalived() {
        for (command, want) in [
            ("/usr/sbin/keepalived --dont-fork $DAEMON_ARGS", None),
            ("-D -d -S 3", None),
            ("-D", None),
            ("-l -n -x", None),
            ("--dont-fork -f /etc/keepalived/keepalived.conf", None),
            ("-f /etc/other.conf", Some("reads /etc/other.conf")),
            ("-f/etc/other.conf", Some("reads /etc/other.conf")),
            ("--use-file=/tmp/x", Some("reads /tmp/x")),
            ("-D -P", Some("VRRP alone")),
            ("-DP", Some("VRRP alone")),
            ("--check", Some("health checks alone")),
            ("-t", Some("ends at once")),
            ("-s other", Some("namespace other")),
            ("-i lb2", Some("other parts")),
        ] {
            let got = odd_arguments(command);
            match want {
                None => assert_eq!(got, None, "{command}"),
                Some(text) => assert!(
                    got.as_deref().is_some_and(|got| got.contains(text)),
                    "{command}: {got:?}"
                ),
            }
        }
    }
}
