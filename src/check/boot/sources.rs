//! The boot sources that are in use on a host: files in their places, and files that commands of others name. Pure.

use std::collections::BTreeSet;

use super::commands::{self, Command};
use super::late;
use super::loading::{self, Loading};
use super::ours::Ours;
use super::units::Units;
use crate::fact::boot_source::places::{self, Live, Place, Reader};
use crate::fact::boot_source::{BootSources, Line};
use crate::resource::Resource;

/// A live source.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) reader: Reader,
    pub(super) lines: &'a [Line],
    pub(super) commands: Vec<Command>,
    /// Path and line of another source that names it.
    pub(super) named_by: Option<String>,
    /// Saved rules: whether they may be loaded after lvsctl's unit has set up the host, and replace its rules.
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

/// All live sources of a host.
pub(super) fn live<'a>(ours: &Ours<'a>) -> Vec<Source<'a>> {
    let sources = &ours.audit.facts().boot_source;
    let made = made_by_us(ours);
    let units = Units::of(sources);
    let mut found = Vec::new();
    let mut named = Vec::new();
    let mut saved = Vec::new();
    for (path, lines) in sources.files() {
        if made.contains(path) || path.rsplit('/').next().is_some_and(is_left_over) {
            continue;
        }
        match places::of(path) {
            Some(place) if place.reader.is_of_saved_rules() => saved.push((path, lines, place)),
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
            None => named.push((path, lines)),
        }
    }
    for (path, lines) in named {
        found.extend(named_source(path, lines, &found));
    }
    for (path, lines, place) in saved {
        let is_live = is_live(path, place, sources, &units);
        found.extend(saved_source(path, place, lines, is_live, &found, ours));
    }
    found.sort_by_key(|source| (source.named_by.is_some(), source.path));
    found
}

fn source<'a>(
    path: &'a str,
    place: &Place,
    lines: &'a [Line],
    units: &Units,
    ours: &Ours,
) -> Source<'a> {
    let mut commands = commands::of(path, place, lines, units);
    for command in &mut commands {
        command.late = late::is_late(path, place.reader, lines, command, ours);
    }
    let node = format!("lvsctl-{}", ours.audit.cluster.name);
    let sets_up = |text: &str| text.contains(&node) && text.contains("start");
    let is_set_again = commands.iter().any(|command| sets_up(&command.text));
    for command in &mut commands {
        command.late &= !is_set_again;
    }
    Source {
        path,
        reader: place.reader,
        lines,
        commands,
        named_by: None,
        late: false,
    }
}

/// A command of another source that names a file.
struct Naming<'s> {
    source: &'s str,
    command: &'s Command,
}

impl<'s> Naming<'s> {
    fn all(found: &'s [Source]) -> impl Iterator<Item = Self> {
        found.iter().flat_map(|source| {
            source.commands.iter().map(|command| Self {
                source: source.path,
                command,
            })
        })
    }

    /// The path and line of the source.
    fn by(&self) -> String {
        format!("{}:{}", self.source, self.command.line.number)
    }

    fn names(&self, path: &str) -> bool {
        let ends = |c: char| c.is_whitespace() || "\"';|&()<>=".contains(c);
        self.command.text.split(ends).any(|word| word == path)
    }

    /// The lines of the named file as commands that run with this one.
    fn runs(&self, lines: &[Line]) -> Vec<Command> {
        let command = |line: &Line| Command {
            line: line.clone(),
            text: line.text.clone(),
            ..self.command.clone()
        };
        lines.iter().map(command).collect()
    }
}

/// A script, or a file of saved rules, that a command of another source names.
fn named_source<'a>(path: &'a str, lines: &'a [Line], found: &[Source]) -> Option<Source<'a>> {
    let naming: Vec<Naming> = Naming::all(found).filter(|one| one.names(path)).collect();
    let loadings: Vec<(&Naming, Loading)> = naming
        .iter()
        .filter_map(|naming| Some((naming, loading::of(&naming.command.text, path)?)))
        .collect();
    if let Some(loaded) = loaded(path, lines, &loadings) {
        return Some(loaded);
    }
    let first = naming.first()?;
    let of_interfaces = first.source.starts_with("/etc/network/interfaces")
        && first.command.text.starts_with("source");
    Some(Source {
        path,
        reader: if of_interfaces {
            Reader::Ifupdown
        } else {
            Reader::Script
        },
        lines,
        commands: first.runs(lines),
        named_by: Some(first.by()),
        late: false,
    })
}

/// Saved rules in the place where a package's service reads them: in use if it is enabled, or if a command loads them.
fn saved_source<'a>(
    path: &'a str,
    place: &Place,
    lines: &'a [Line],
    is_live: bool,
    found: &[Source],
    ours: &Ours,
) -> Option<Source<'a>> {
    let services = match place.live {
        Live::With(services) => services,
        _ => &[],
    };
    let loads = |text: &str| {
        let by_service = || loading::starts(text, services).then(|| Loading::all(place.reader));
        loading::of(text, path).or_else(by_service)
    };
    let all: Vec<Naming> = Naming::all(found).collect();
    let loadings: Vec<(&Naming, Loading)> = all
        .iter()
        .filter_map(|naming| Some((naming, loads(&naming.command.text)?)))
        .collect();
    let by_command = loaded(path, lines, &loadings);
    if !is_live || by_command.as_ref().is_some_and(|source| source.late) {
        return by_command;
    }
    let enabled = |service: &&&str| ours.audit.facts().boot_source.is_enabled(service);
    let mut services = services.iter().filter(enabled);
    Some(Source {
        path,
        reader: place.reader,
        lines,
        commands: Vec::new(),
        named_by: None,
        late: services.any(|service| late::unit_is_late(service, ours)),
    })
}

/// Saved rules that commands load: the one that loads them late counts, else the first.
fn loaded<'a>(
    path: &'a str,
    lines: &'a [Line],
    loadings: &[(&Naming, Loading)],
) -> Option<Source<'a>> {
    let replaces = |(naming, loading): &&(&Naming, Loading)| {
        let table = match loading.reader {
            Reader::Arptables => "filter",
            _ => "mangle",
        };
        naming.command.late && loading.removes(table)
    };
    let late = loadings.iter().find(replaces);
    let (naming, loading) = late.or_else(|| loadings.first())?;
    Some(Source {
        path,
        reader: loading.reader,
        lines,
        commands: naming.runs(lines),
        named_by: Some(naming.by()),
        late: late.is_some(),
    })
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
