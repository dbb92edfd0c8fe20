//! Sources with formats of their own: tmpfiles.d, tuned, /etc/sysctl.conf, firewalld, ufw, fstab, defaults of ipvsadm. Pure.

use super::harm::Harm;
use super::ours::Ours;
use super::{BOOT_IPVS, BOOT_UNIT};
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::Reader;
use crate::fact::firewall::{Chain, Rule, Rules};

type Harms = Vec<(Line, Harm)>;

/// What each line of such a file does.
pub(super) fn of(reader: Reader, path: &str, lines: &[Line], ours: &Ours) -> Harms {
    let each = |judge: &dyn Fn(&Line) -> Option<Harm>| {
        lines
            .iter()
            .filter_map(|line| Some((line.clone(), judge(line)?)))
            .collect()
    };
    match reader {
        Reader::Tmpfiles => each(&|line| tmpfile(&line.text, ours)),
        Reader::Tuned if is_active_profile(path, ours) => each(&|line| {
            let (key, value) = line.text.split_once('=')?;
            super::sysctl::harm(
                key.trim(),
                value.trim().trim_start_matches(['>', '<']),
                ours,
            )
        }),
        Reader::SysctlConf if is_read(ours) => {
            each(&|line| super::command_harm::assignment(&line.text, ours))
        }
        Reader::Arguments if path == "/etc/default/ipvsadm" => {
            each(&|line| sync_daemon(&line.text, ours))
        }
        Reader::Arguments if path == "/etc/rc.conf" => Vec::new(),
        Reader::Firewalld if path.ends_with("direct.xml") => each(&|line| direct(&line.text, ours)),
        Reader::Ufw if path.ends_with("user.rules") => ufw(lines, ours),
        Reader::Fstab => each(&|line| covered(&line.text, ours)),
        _ => Vec::new(),
    }
}

/// tmpfiles.d(5).
fn tmpfile(text: &str, ours: &Ours) -> Option<Harm> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (kind, path) = (*words.first()?, *words.get(1)?);
    let verb = kind.trim_end_matches(['!', '-', '=', '~', '^', '$', '+']);
    if let Some(parameter) = path
        .strip_prefix("/proc/sys/")
        .filter(|_| matches!(verb, "w" | "f" | "F"))
    {
        let value = words.get(6..).map(|rest| rest.join(" "))?;
        return super::sysctl::harm(parameter, &value, ours);
    }
    let changes = matches!(verb, "r" | "R" | "w" | "F" | "D")
        || (matches!(verb, "L" | "f" | "C") && kind.contains('+'))
        || matches!(verb, "z" | "Z");
    let below = |file: &String| {
        file == path || file.starts_with(&format!("{}/", path.trim_end_matches('/')))
    };
    let file = ours
        .files
        .iter()
        .find(|file| below(file))
        .filter(|_| changes)?;
    Some(Harm::new(
        &BOOT_UNIT,
        format!("changes or removes {file}, which lvsctl writes"),
    ))
}

fn is_active_profile(path: &str, ours: &Ours) -> bool {
    let sources = &ours.audit.facts().boot_source;
    let active = sources
        .lines("/etc/tuned/active_profile")
        .iter()
        .flat_map(|line| line.text.split_whitespace());
    let mut folders = active.map(|name| format!("/{name}/tuned.conf"));
    folders.any(|end| path.ends_with(&end))
}

/// Whether something reads /etc/sysctl.conf itself: the boot of SUSE and Alpine, or a script. Debian 12 and RHEL read it by a
/// link in sysctl.d, which `sysctl_at_boot` judges.
fn is_read(ours: &Ours) -> bool {
    let system = &ours.audit.facts().system;
    let by_itself = system
        .os
        .iter()
        .any(|id| ["suse", "opensuse", "sles", "alpine"].contains(&id.as_str()));
    let sources = &ours.audit.facts().boot_source;
    let scripts = sources.files().filter(|(path, _)| {
        ["rc.local", "rc.d/", "local.d", "cron", "/systemd/system/"]
            .iter()
            .any(|part| path.contains(part))
    });
    let loads = |text: &str| {
        [
            "sysctl --system",
            "sysctl -p",
            "sysctl --load",
            "sysctl -q -p",
            "sysctl -e -p",
        ]
        .iter()
        .any(|call| text.contains(call))
    };
    by_itself
        || scripts
            .flat_map(|(_, lines)| lines)
            .any(|line| loads(&line.text))
}

/// `DAEMON=` of Debian's ipvsadm.
fn sync_daemon(text: &str, ours: &Ours) -> Option<Harm> {
    let value = text.strip_prefix("DAEMON=")?.trim_matches(['"', '\'']);
    let sources = &ours.audit.facts().boot_source;
    let starts = ["master", "backup", "both"].contains(&value)
        && ours.is_director()
        && sources.is_enabled("ipvsadm.service");
    starts.then(|| {
        Harm::new(
            &BOOT_IPVS,
            format!("starts a sync daemon of IPVS as {value}"),
        )
    })
}

/// A rule of firewalld.direct(5), in one line.
fn direct(text: &str, ours: &Ours) -> Option<Harm> {
    let (head, rest) = text.trim().strip_prefix("<rule ")?.split_once('>')?;
    let value = |key: &str| head.split(&format!("{key}=\"")).nth(1)?.split('"').next();
    let (table, chain, family) = (value("table")?, value("chain")?, value("ipv")?);
    let command = format!(
        "{} -t {table} -A {chain} {}",
        if family == "ipv6" {
            "ip6tables"
        } else {
            "iptables"
        },
        rest.split('<').next()?
    );
    let words = super::shell::commands(&command).into_iter().next()?;
    let line = Line {
        number: 1,
        text: command,
    };
    super::filter::of_commands(&[(line, words)], ours)
        .pop()
        .map(|(_, harm)| harm)
}

/// ufw's own rules, where it is enabled: what they do not accept its policy decides.
fn ufw(lines: &[Line], ours: &Ours) -> Harms {
    let sources = &ours.audit.facts().boot_source;
    let setting = |path: &str, key: &str| {
        let found = sources
            .lines(path)
            .iter()
            .find_map(|line| line.text.strip_prefix(key)?.strip_prefix('='));
        found.unwrap_or_default().trim_matches('"').to_lowercase()
    };
    if setting("/etc/ufw/ufw.conf", "ENABLED") != "yes" {
        return Vec::new();
    }
    let text: String = lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect();
    let mut rules = Rules::parse(&text);
    let chains = rules.tables.entry("filter".to_owned()).or_default();
    let words = |text: &str| Rule {
        words: text.split(' ').map(str::to_owned).collect(),
        packets: None,
        printed: None,
    };
    let policy = setting("/etc/default/ufw", "DEFAULT_INPUT_POLICY").to_uppercase();
    let input = Chain {
        policy: Some(if policy == "REJECT" {
            "DROP".to_owned()
        } else {
            policy
        }),
        rules: vec![
            words("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
            words("-j ufw-user-input"),
        ],
    };
    chains.insert("INPUT".to_owned(), input);
    super::filter::walked(&rules, lines, ours)
}

/// A mount over a folder with files of ours, or one that hides them.
fn covered(text: &str, ours: &Ours) -> Option<Harm> {
    let mut words = text.split_whitespace().skip(1);
    let (at, kind) = (words.next()?, words.next()?);
    let options = words.next().unwrap_or_default();
    if !matches!(kind, "tmpfs" | "overlay" | "ramfs") || at == "/" || options.contains("noauto") {
        return None;
    }
    let below = |file: &&String| file.starts_with(&format!("{}/", at.trim_end_matches('/')));
    let file = ours.files.iter().find(below)?;
    Some(Harm::new(
        &BOOT_UNIT,
        format!("hides {file} by an empty file system"),
    ))
}

/// Units that stop one of ours when they start.
pub(super) fn conflicts(lines: &[Line], ours: &Ours) -> Harms {
    let found = lines.iter().filter_map(|line| {
        let others = line.text.trim().strip_prefix("Conflicts=")?;
        let unit = others.split_whitespace().find_map(|name| ours.unit(name))?;
        Some((
            line.clone(),
            Harm::new(&BOOT_UNIT, format!("stops {unit} when it starts")),
        ))
    });
    found.collect()
}
