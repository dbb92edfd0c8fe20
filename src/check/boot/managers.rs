//! Sources with formats of their own: tmpfiles.d, tuned, /etc/sysctl.conf, firewalld, ufw, defaults of ipvsadm; and what is
//! enabled, masked or wanted by no boot. Pure.

use super::harm::Harm;
use super::ours::Ours;
use super::report::{Fault, plain};
use super::{BOOT_FIREWALL, BOOT_IPVS, BOOT_UNIT};
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::Reader;
use crate::fact::firewall::{Chain, Rule, Rules};
use crate::model::Protocol;
use crate::resource::service_manager::ServiceManager;

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
            each(&|line| super::harm::assignment(&line.text, ours))
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

/// Debian 12 and RHEL read /etc/sysctl.conf by a link in sysctl.d, which `sysctl_at_boot` judges; SUSE and Alpine read itself.
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

/// What no line of a file says.
pub(super) fn all(ours: &Ours) -> Vec<Fault> {
    let mut faults = Vec::new();
    let facts = ours.audit.facts();
    let sources = &facts.boot_source;
    if let Some(target) = sources
        .target
        .as_deref()
        .filter(|target| no_services(target, ours))
    {
        faults.push(plain(
            &BOOT_UNIT,
            "default.target",
            "a boot into multi-user.target or graphical.target",
            format!("/etc/systemd/system/default.target: the next boot goes to {target}, where nothing of the cluster starts"),
            "`systemctl set-default multi-user.target`".to_owned(),
            None,
        ));
    }
    for unit in &ours.units {
        let state = facts.unit.units.get(unit);
        let masked = state.is_some_and(|state| state.masked);
        // One that is disabled or masked in the service manager's own eyes has drifted.
        let in_order = state.is_some_and(|state| state.enabled) && !masked;
        let links: Vec<&str> = sources.wanted_by(unit).collect();
        if in_order && sources.is_masked(unit) {
            let found = format!("/etc/systemd/system/{unit} masks it from the next boot on");
            faults.push(plain(
                &BOOT_UNIT,
                unit,
                "not masked",
                found,
                format!("`systemctl unmask {unit}`, then `lvsctl apply`"),
                Some(unit),
            ));
        } else if in_order && !links.is_empty() && !sources.is_enabled(unit) {
            let found = format!(
                "only {} starts it, which no usual boot reaches",
                links.join(", ")
            );
            let fix = format!("`systemctl reenable {unit}`");
            faults.push(plain(
                &BOOT_UNIT,
                unit,
                "started by multi-user.target or another target of a usual boot",
                found,
                fix,
                Some(unit),
            ));
        }
    }
    faults.extend(not_enabled(ours));
    faults.extend(firewalld(ours));
    faults.extend(other_owners(ours));
    faults
}

/// Services of which the host needs one at boot, beside those of lvsctl: what for, and which.
pub(super) const NEEDED: [(&str, &[&str]); 2] = [
    (
        "sets up the network",
        &[
            "systemd-networkd.service",
            "NetworkManager.service",
            "networking.service",
            "wicked.service",
            "network.service",
        ],
    ),
    (
        "lets lvsctl log in",
        &["ssh.service", "sshd.service", "ssh.socket", "sshd.socket"],
    ),
];

/// What runs now and that no boot starts.
fn not_enabled(ours: &Ours) -> Vec<Fault> {
    let facts = ours.audit.facts();
    let sources = &facts.boot_source;
    let manager = ServiceManager::of(&facts.system);
    let mut faults = Vec::new();
    for (does, units) in NEEDED {
        let enabled = |unit: &str| {
            let state = facts.unit.units.get(unit);
            let known = state.is_some_and(|state| state.enabled && !state.masked);
            (known && !sources.is_masked(unit)) || sources.is_enabled(unit)
        };
        let active: Vec<&&str> = units
            .iter()
            .filter(|unit| facts.unit.is_active(unit))
            .collect();
        if let (Some(unit), false) = (active.first(), units.iter().any(|unit| enabled(unit))) {
            let unmask = if sources.is_masked(unit) {
                format!("`systemctl unmask {unit}`, then ")
            } else {
                String::new()
            };
            faults.push(plain(
                &BOOT_UNIT,
                unit,
                "enabled",
                format!("active now, and no boot starts it, nor another that {does}"),
                format!("{unmask}`{}`", manager.enable_by_hand(unit)),
                None,
            ));
        }
    }
    faults
}

fn no_services(target: &str, ours: &Ours) -> bool {
    let usual = [
        "multi-user.target",
        "graphical.target",
        "runlevel2.target",
        "runlevel3.target",
        "runlevel4.target",
        "runlevel5.target",
    ];
    let lines = ours
        .audit
        .facts()
        .boot_source
        .lines(&format!("/etc/systemd/system/{target}"))
        .to_vec();
    let pulls = |line: &Line| {
        ["Requires=", "Wants="]
            .iter()
            .any(|key| line.text.starts_with(key))
            && usual.iter().any(|name| line.text.contains(name))
    };
    !usual.contains(&target) && !lines.iter().any(pulls)
}

/// Programs that hold VIPs or IPVS, and are enabled on a director.
fn other_owners(ours: &Ours) -> Vec<Fault> {
    const OTHERS: [&str; 7] = [
        "heartbeat.service",
        "pulse.service",
        "ucarp.service",
        "vrrpd.service",
        "pacemaker.service",
        "corosync.service",
        "seesaw_ecu.service",
    ];
    let facts = ours.audit.facts();
    let manager = ServiceManager::of(&facts.system);
    let found = OTHERS
        .iter()
        .filter(|unit| ours.is_director() && facts.boot_source.is_enabled(unit));
    let faults = found.map(|unit| {
        let mut fault = plain(
            &BOOT_IPVS,
            unit,
            "keepalived or lvsctl alone to hold VIPs and IPVS",
            format!("{unit} starts at boot, and may hold VIPs or write the IPVS table too"),
            format!(
                "`{}`, unless it is known to leave them alone",
                manager.end(unit)
            ),
            None,
        );
        fault.mismatch = fault.mismatch.warning();
        fault
    });
    faults.collect()
}

/// firewalld, enabled for the next boot and not active now, accepts what its default zone names.
fn firewalld(ours: &Ours) -> Option<Fault> {
    let facts = ours.audit.facts();
    let unit = "firewalld.service";
    let sources = &facts.boot_source;
    if !sources.is_enabled(unit)
        || facts.unit.is_active(unit)
        || facts
            .unit
            .units
            .get(unit)
            .is_some_and(|state| !state.loaded)
    {
        return None;
    }
    let lines = sources.lines("/etc/firewalld/firewalld.conf");
    let zone = lines
        .iter()
        .find_map(|line| line.text.strip_prefix("DefaultZone="))
        .unwrap_or("public");
    let zone_file = format!("/etc/firewalld/zones/{zone}.xml");
    let text: String = sources
        .lines(&zone_file)
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    if zone == "trusted" || text.contains("target=\"ACCEPT\"") {
        return None;
    }
    let services = ours
        .audit
        .cluster
        .services
        .iter()
        .filter(|service| ours.is_director() || service.is_served_by(ours.audit.name()));
    let mut closed = services
        .flat_map(|service| {
            service
                .sampled_ports()
                .into_iter()
                .map(move |port| (service.protocol, port))
        })
        .filter(|(protocol, port)| {
            let name = match (port, protocol) {
                (80, Protocol::Tcp) => "http",
                (443, Protocol::Tcp) => "https",
                (53, _) => "dns",
                _ => "",
            };
            let protocol = if *protocol == Protocol::Tcp {
                "tcp"
            } else {
                "udp"
            };
            let opens = text.contains(&format!("port=\"{port}\" protocol=\"{protocol}\""))
                || text.contains(&format!("protocol=\"{protocol}\" port=\"{port}\""));
            !opens && (name.is_empty() || !text.contains(&format!("name=\"{name}\"")))
        });
    let port = closed.next().map(|(_, port)| format!("port {port}"));
    let vrrp =
        (ours.is_director() && !ours.audit.cluster.vrrp.is_empty() && !text.contains("vrrp"))
            .then(|| "VRRP".to_owned());
    let what = port.or(vrrp)?;
    Some(plain(
        &BOOT_FIREWALL,
        unit,
        "a packet filter at the next boot that accepts the cluster's packets",
        format!(
            "{unit} is enabled and not active now: from the next boot on its zone {zone} stops {what}"
        ),
        "`systemctl disable firewalld`, or open it with `firewall-offline-cmd`".to_owned(),
        None,
    ))
}
