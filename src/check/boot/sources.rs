//! The boot sources that are in use on a host, and the commands that they run. Pure.

use std::collections::BTreeSet;

use super::ours::Ours;
use super::shell;
use crate::fact::boot_source::places::{self, Live, Place, Reader};
use crate::fact::boot_source::{BootSources, Line};
use crate::resource::Resource;
use crate::resource::ipvs::KEEPALIVED;

/// A command that a source runs.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) line: Line,
    /// The text of the command alone.
    pub(super) text: String,
    pub(super) scheduled: bool,
}

/// A live source.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) reader: Reader,
    pub(super) lines: &'a [Line],
    pub(super) commands: Vec<Command>,
    /// Path and line of another source that names it.
    pub(super) named_by: Option<String>,
    /// Whether it is read or run after lvsctl's unit has set up the host.
    pub(super) late: bool,
}

/// Scripts of packages in /etc/init.d.
const OF_PACKAGES: [&str; 44] = [
    "keepalived",
    "ipvsadm",
    "nginx",
    "apache2",
    "ssh",
    "sshd",
    "networking",
    "network",
    "procps",
    "sysctl",
    "iptables",
    "ip6tables",
    "nftables",
    "netfilter-persistent",
    "arptables",
    "ebtables",
    "firewalld",
    "ufw",
    "cron",
    "crond",
    "rsyslog",
    "dbus",
    "udev",
    "kmod",
    "hwclock.sh",
    "hwclock",
    "modules",
    "bootmisc",
    "hostname",
    "localmount",
    "mountkernfs.sh",
    "savecache",
    "killprocs",
    "functions",
    "README",
    "halt",
    "reboot",
    "single",
    "rc",
    "rcS",
    "sendsigs",
    "umountfs",
    "local",
    "functions.sh",
];

/// Units that other checks judge, or whose purpose is what they set; see also [`OF_FILTERS`].
const JUDGED_ELSEWHERE: [&str; 7] = [
    "ipvsadm.service",
    "keepalived.service",
    "ldirectord.service",
    "firewalld.service",
    "ufw.service",
    "systemd-sysctl.service",
    "systemd-modules-load.service",
];

/// Units of packages that load saved rules; the files that these read are sources themselves. An administrator may have one
/// of the same name.
const OF_FILTERS: [&str; 5] = [
    "iptables.service",
    "ip6tables.service",
    "nftables.service",
    "netfilter-persistent.service",
    "arptables.service",
];

/// Scripts that run after all services: of OpenRC's `local`, and of SUSE.
const RUN_LAST: [&str; 2] = ["/local.d/", "/after.local"];

/// All live sources of a host.
pub(super) fn live<'a>(ours: &Ours<'a>) -> Vec<Source<'a>> {
    let sources = &ours.audit.facts().boot_source;
    let made = made_by_us(ours);
    let units = Units::of(sources);
    let mut found = Vec::new();
    let mut scripts = Vec::new();
    for (path, lines) in sources.files() {
        if made.contains(path) || path.rsplit('/').next().is_some_and(is_left_over) {
            continue;
        }
        match places::of(path) {
            Some(place) if place.reader == Reader::BootScript && place.live == Live::Named => {
                if init_script(path, sources) {
                    found.push(source(path, place, lines, &units, ours));
                }
            }
            Some(place) => {
                if is_live(path, place, sources, &units) {
                    found.push(source(path, place, lines, &units, ours));
                }
            }
            None => scripts.push((path, lines)),
        }
    }
    for (path, lines) in scripts {
        let named = found.iter().find_map(|source| {
            let command = source.commands.iter().find(|command| {
                command
                    .text
                    .split(|c: char| c.is_whitespace() || "\"';|&()<>=".contains(c))
                    .any(|word| word == path)
            })?;
            Some((
                format!("{}:{}", source.path, command.line.number),
                command.scheduled,
                command.text.clone(),
                source.late,
            ))
        });
        let Some((by, scheduled, text, late)) = named else {
            continue;
        };
        let commands = lines.iter().map(|line| Command {
            line: line.clone(),
            text: line.text.clone(),
            scheduled,
        });
        let of_interfaces = by.starts_with("/etc/network/interfaces") && text.starts_with("source");
        let reader = if of_interfaces {
            Reader::Ifupdown
        } else {
            saved_rules(&text).unwrap_or(Reader::Script)
        };
        found.push(Source {
            path,
            reader,
            lines,
            commands: commands.collect(),
            named_by: Some(by),
            late: late && !keeps_rules(&text),
        });
    }
    found
}

/// Editors and package managers leave files that nothing reads.
fn is_left_over(name: &str) -> bool {
    [
        ".dpkg-old",
        ".dpkg-dist",
        ".dpkg-new",
        ".rpmsave",
        ".rpmnew",
        ".rpmorig",
        ".bak",
        ".orig",
        ".swp",
        "~",
        ".apk-new",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}

/// A command that loads rules from a file.
fn saved_rules(text: &str) -> Option<Reader> {
    let is = |tool: &str| {
        shell::commands(text)
            .iter()
            .any(|words| words.first().is_some_and(|first| first.starts_with(tool)))
    };
    match () {
        () if is("iptables-") && text.contains("restore") => Some(Reader::Iptables),
        () if is("ip6tables-") && text.contains("restore") => Some(Reader::Ip6tables),
        () if is("nft") => Some(Reader::Nftables),
        () if is("arptables-restore") => Some(Reader::Arptables),
        () => None,
    }
}

/// A command that adds saved rules to those that are there (iptables-restore(8)).
fn keeps_rules(text: &str) -> bool {
    let keeps = |word: &String| word == "-n" || word == "--noflush";
    shell::commands(text).iter().flatten().any(keeps)
}

/// Whether systemd starts a unit after lvsctl's: it is ordered after lvsctl's, or after what comes later.
fn starts_late(lines: &[Line], ours: &Ours) -> bool {
    const LATER: [&str; 3] = ["multi-user.target", "graphical.target", KEEPALIVED];
    let after = lines
        .iter()
        .filter_map(|line| line.text.trim().split_once('='))
        .filter(|(key, _)| key.trim() == "After");
    after
        .flat_map(|(_, units)| units.split_whitespace())
        .any(|unit| {
            LATER.contains(&unit)
                || (unit.starts_with("lvsctl-") && ours.units.iter().any(|own| own == unit))
        })
}

/// Files that lvsctl made on the host, for this cluster and for others.
fn made_by_us(ours: &Ours) -> BTreeSet<String> {
    let others = ours
        .audit
        .run
        .answer
        .others
        .iter()
        .chain([&ours.audit.run.answer.manifest]);
    let entries = others.flat_map(|manifest| &manifest.entries);
    let files = entries.filter_map(|entry| match &entry.resource {
        Resource::File(file) => Some(file.path.clone()),
        _ => None,
    });
    files.chain(ours.files.iter().cloned()).collect()
}

fn init_script(path: &str, sources: &BootSources) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !OF_PACKAGES.contains(&name) && sources.is_enabled(&format!("{name}.service"))
}

fn is_live(path: &str, place: &Place, sources: &BootSources, units: &Units) -> bool {
    let enabled = match place.live {
        Live::Always | Live::Named => true,
        Live::With(names) | Live::ExecutableWith(names) => sources.is_any_enabled(names),
        Live::Executable => true,
    };
    let runs = match place.live {
        Live::Executable | Live::ExecutableWith(_) => sources.is_executable(path),
        _ => true,
    };
    let of_unit = place.reader != Reader::Unit || units.is_live(path);
    // Debian's run-parts(8) leaves out names with a dot.
    let parts = place.reader != Reader::Periodic
        || !path.starts_with("/etc/cron.")
        || !path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains('.'));
    let included = place.reader != Reader::Nftables || is_included(path, sources);
    enabled && runs && of_unit && parts && included
}

/// nft(8) reads one file, and those that this one includes.
fn is_included(path: &str, sources: &BootSources) -> bool {
    const MAIN: [&str; 3] = [
        "/etc/nftables.conf",
        "/etc/nftables.nft",
        "/etc/sysconfig/nftables.conf",
    ];
    let lines = MAIN.iter().flat_map(|main| sources.lines(main));
    let mut patterns = lines.filter_map(|line| {
        let rest = line.text.trim().strip_prefix("include")?;
        Some(rest.trim().trim_matches(['"', '\'', ';']))
    });
    MAIN.contains(&path) || patterns.any(|pattern| wildmatch::WildMatch::new(pattern).matches(path))
}

/// Units that start at boot or by what starts then.
struct Units<'a> {
    live: BTreeSet<String>,
    scheduled: BTreeSet<String>,
    sources: &'a BootSources,
}

fn unit_of(path: &str) -> &str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let of_drop_in = folder
        .strip_suffix(".d")
        .and_then(|folder| folder.rsplit('/').next());
    of_drop_in.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path))
}

impl<'a> Units<'a> {
    fn of(sources: &'a BootSources) -> Self {
        let mut found = Self {
            live: BTreeSet::new(),
            scheduled: BTreeSet::new(),
            sources,
        };
        let files: Vec<(&str, &[Line])> = sources
            .files()
            .filter(|(path, _)| places::of(path).is_some_and(|p| p.reader == Reader::Unit))
            .collect();
        // Of a timer of the distribution, only the link that enables it is read.
        for (path, _) in &files {
            let unit = unit_of(path);
            let stem = unit.strip_suffix(".service");
            let by = |suffix: &str| {
                let of = |stem| sources.is_enabled(&format!("{stem}.{suffix}"));
                stem.is_some_and(of)
            };
            if by("timer") {
                found.scheduled.insert(unit.to_owned());
            }
            if ["timer", "path", "socket"].iter().any(|suffix| by(suffix)) {
                found.live.insert(unit.to_owned());
            }
        }
        loop {
            let before = (found.live.len(), found.scheduled.len());
            for (path, lines) in &files {
                let unit = unit_of(path);
                if !found.starts(unit) && !is_transient(path) {
                    continue;
                }
                let by_time =
                    unit.rsplit('.').next() == Some("timer") || found.scheduled.contains(unit);
                for next in next_units(unit, lines) {
                    if by_time {
                        found.scheduled.insert(next.clone());
                    }
                    found.live.insert(next);
                }
            }
            if before == (found.live.len(), found.scheduled.len()) {
                return found;
            }
        }
    }

    fn starts(&self, unit: &str) -> bool {
        self.live.contains(unit) || self.sources.is_enabled(unit)
    }

    fn is_live(&self, path: &str) -> bool {
        self.starts(unit_of(path)) || is_transient(path)
    }
}

/// What systemd-run(1) made is there while it is live.
fn is_transient(path: &str) -> bool {
    path.starts_with("/run/systemd/transient/")
}

/// Units that a unit starts.
fn next_units(unit: &str, lines: &[Line]) -> Vec<String> {
    let mut found = Vec::new();
    let mut named = false;
    for line in lines {
        let Some((key, value)) = line.text.split_once('=') else {
            continue;
        };
        let starts = matches!(
            key.trim(),
            "Wants" | "Requires" | "BindsTo" | "OnFailure" | "OnSuccess" | "Upholds" | "Unit"
        );
        if starts {
            named |= key.trim() == "Unit";
            found.extend(value.split_whitespace().map(str::to_owned));
        }
    }
    let by_name = [".timer", ".path", ".socket"]
        .iter()
        .find_map(|suffix| unit.strip_suffix(suffix));
    if let (Some(stem), false) = (by_name, named) {
        found.push(format!("{stem}.service"));
    }
    found
}

fn source<'a>(
    path: &'a str,
    place: &Place,
    lines: &'a [Line],
    units: &Units,
    ours: &Ours,
) -> Source<'a> {
    let (reader, scheduled) = (place.reader, place.scheduled);
    let command = |line: &Line, text: &str, scheduled| Command {
        line: line.clone(),
        text: text.to_owned(),
        scheduled,
    };
    let commands: Vec<Command> = match reader {
        Reader::Unit => {
            let unit = unit_of(path);
            let timed = units.scheduled.contains(unit);
            let own = path.starts_with("/etc/");
            let judged = JUDGED_ELSEWHERE.contains(&unit) || (OF_FILTERS.contains(&unit) && !own);
            let runs = lines.iter().filter(|line| {
                !judged
                    && !line.text.trim().starts_with("ExecStop")
                    && !line.text.trim().starts_with("ExecReload")
            });
            runs.filter_map(|line| Some(command(line, shell::of_unit(&line.text)?, timed)))
                .collect()
        }
        Reader::Crontab | Reader::UserCrontab => {
            let jobs = lines.iter().filter_map(|line| {
                let (when, text) = shell::of_crontab(&line.text, reader == Reader::Crontab)?;
                Some(command(line, text, when != "@reboot"))
            });
            jobs.collect()
        }
        Reader::Ifupdown => {
            let up = lines.iter().filter_map(|line| {
                let (verb, rest) = line.text.trim().split_once(char::is_whitespace)?;
                if verb == "source" {
                    return Some(command(line, line.text.trim(), false));
                }
                matches!(verb, "up" | "post-up" | "pre-up").then(|| command(line, rest, false))
            });
            up.collect()
        }
        // `bootcmd` and `runcmd`, as far as each is one text.
        Reader::CloudInit => {
            let items = lines.iter().filter_map(|line| {
                let item = line.text.trim().strip_prefix("- ")?;
                Some(command(line, item.trim_matches(['"', '\'']), false))
            });
            items.collect()
        }
        Reader::Inittab => {
            let processes = lines.iter().filter_map(|line| {
                let mut fields = line.text.splitn(4, ':').skip(2);
                let starts = ["sysinit", "boot", "bootwait", "wait", "once", "respawn"];
                let action = fields.next().filter(|action| starts.contains(action));
                action.and_then(|_| Some(command(line, fields.next()?, false)))
            });
            processes.collect()
        }
        Reader::Udev => lines
            .iter()
            .flat_map(|line| {
                shell::of_udev(&line.text)
                    .into_iter()
                    .map(move |text| command(line, text, false))
            })
            .collect(),
        Reader::Periodic
        | Reader::At
        | Reader::Logrotate
        | Reader::BootScript
        | Reader::InterfaceScript => lines
            .iter()
            .map(|line| command(line, &line.text, scheduled))
            .collect(),
        _ => Vec::new(),
    };
    let late = match reader {
        Reader::Unit => units.scheduled.contains(unit_of(path)) || starts_late(lines, ours),
        Reader::BootScript => RUN_LAST.iter().any(|part| path.contains(part)),
        _ => scheduled,
    };
    Source {
        path,
        reader,
        lines,
        commands,
        named_by: None,
        late,
    }
}
