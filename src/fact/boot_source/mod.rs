//! Files that are read or run at boot or on a schedule: their relevant lines, and which services are enabled. The list of
//! files is in [`places`]; the effect of a line is decided in [`crate::check::boot`].

pub mod places;

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;
use places::{EXECUTABLE, LINKS, PLACES, Place};

/// The most bytes of each of the two parts of the answer.
const LIMIT: usize = 256 * 1024;

/// Where systemd reads units, the first folder winning over the same name in a later one (systemd.unit(5)).
pub const UNIT_FOLDERS: [&str; 6] = [
    "/etc/systemd/system.control",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Patterns of lines that may affect the cluster's part of a host; its addresses and names are added.
const WORDS: &str = "keepalived|ipvsadm|ip_vs|lvsctl|nginx|sysctl|/proc/sys|ip6?tables|arptables|ebtables|nft |ip +(-[^ ]+ +)*\
    (a|ad|add|addr|address|r|ro|route|ru|rule|l|li|link|n|neigh|neighbor|neighbour) |ifconfig|ifdown|nmcli|networkctl|systemctl|\
    rc-service|rc-update|service |invoke-rc.d|init.d/|kill|modprobe|rmmod|conntrack|reboot|shutdown|poweroff|halt|telinit|\
    init [0-6]|apt |apt-get |dnf |yum |zypper |apk |dpkg |rpm |firewall-cmd|ufw |netem|Conflicts=|Unit=|Wants=|DAEMON_ARGS|\
    KEEPALIVED_OPT|^(\\[[0-9]+:[0-9]+\\] )?-[AIPN] |^:[A-Z]|^\\*[a-z]|^COMMIT|/usr/local/|/opt/|/root/|/home/|/srv/|net[./]ipv[46][./]|linux.*root=|^ *(auto|iface|address) |flush |delete table |hook |policy |daddr|saddr|dport|chain |[{}] *$";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub number: usize,
    pub text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootSources {
    /// By path, in the order of the file, without comments.
    files: BTreeMap<String, Vec<Line>>,
    /// Links by which services are enabled, as paths.
    links: BTreeSet<String>,
    /// Unit files that mask a unit, as paths.
    masked: BTreeSet<String>,
    /// Files that are executable, of those that are run only if they are.
    executable: BTreeSet<String>,
    /// Existing paths that units name, each with whether it is not empty.
    there: BTreeMap<String, bool>,
    /// The target of `default.target` in /etc, where there is such a link.
    pub target: Option<String>,
    /// The parts of the answer that exceeded the limit.
    pub cut: Vec<String>,
    /// Whether the host was asked and its answer is complete.
    pub was_read: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Further texts of relevant lines, verbatim: addresses and names.
    pub words: BTreeSet<String>,
    /// Units whose files are read wherever they are.
    pub units: BTreeSet<String>,
}

impl BootSources {
    pub fn files(&self) -> impl Iterator<Item = (&str, &[Line])> {
        self.files
            .iter()
            .map(|(p, lines)| (p.as_str(), lines.as_slice()))
    }

    pub fn lines(&self, path: &str) -> &[Line] {
        self.files.get(path).map_or(&[], Vec::as_slice)
    }

    pub fn is_executable(&self, path: &str) -> bool {
        self.executable.contains(path)
    }

    /// Whether a path that a unit names is not empty; None: it does not exist.
    pub fn there(&self, path: &str) -> Option<bool> {
        self.there.get(path).copied()
    }

    /// Links that enable something, as paths.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(String::as_str)
    }

    /// The links that enable a unit, as paths.
    pub fn enabling_links<'a>(&'a self, unit: &'a str) -> impl Iterator<Item = &'a str> {
        let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
        self.links().filter(move |link| enables(link, unit, stem))
    }

    pub fn is_masked(&self, unit: &str) -> bool {
        UNIT_FOLDERS
            .iter()
            .any(|folder| self.masked.contains(&format!("{folder}/{unit}")))
    }

    /// Whether a usual boot starts a service.
    pub fn is_enabled(&self, unit: &str) -> bool {
        !self.is_masked(unit) && self.enabling_links(unit).any(|link| !is_of_no_boot(link))
    }

    pub fn is_any_enabled(&self, units: &[&str]) -> bool {
        units.iter().any(|unit| self.is_enabled(unit))
    }
}

fn enables(link: &str, unit: &str, stem: &str) -> bool {
    let Some((folder, name)) = link.rsplit_once('/') else {
        return false;
    };
    if folder.starts_with("/etc/runlevels/") {
        return name == stem && unit.ends_with(".service");
    }
    if let Some(level) = folder
        .strip_prefix("/etc/rc")
        .and_then(|f| f.strip_suffix(".d"))
    {
        let started = name
            .strip_prefix('S')
            .map(|n| n.trim_start_matches(|c: char| c.is_ascii_digit()));
        let is_service = unit.ends_with(".service");
        return is_service && "2345S".contains(level) && started == Some(stem);
    }
    let instance = |name: &str| {
        let (template, rest) = name.split_once('@')?;
        Some(format!("{template}@.{}", rest.rsplit_once('.')?.1))
    };
    name == unit || instance(name).as_deref() == Some(unit)
}

/// Whether a link is of a target that no usual boot reaches.
fn is_of_no_boot(link: &str) -> bool {
    const OTHER: [&str; 14] = [
        "rescue",
        "emergency",
        "reboot",
        "poweroff",
        "halt",
        "shutdown",
        "final",
        "kexec",
        "exit",
        "suspend",
        "hibernate",
        "hybrid-sleep",
        "sleep",
        "system-update",
    ];
    let mut parts = link.rsplit('/').skip(1);
    let folder = parts.next().unwrap_or_default();
    let target = folder.split(".target.").next().unwrap_or_default();
    OTHER.contains(&target) || folder == "nonetwork" || folder == "shutdown"
}

/// For a regular expression.
fn escaped(word: &str) -> String {
    let mut text = String::new();
    for c in word.chars() {
        if ".[]*^$+?(){}|\\".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

fn globs<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<&'a str> {
    places
        .flat_map(|place| place.globs.iter().copied())
        .collect()
}

impl Fact for BootSources {
    const NAME: &'static str = "boot-source";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let units = ask.units.iter().filter(|unit| {
            let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_.@:".contains(c));
            !unit.contains(odd)
        });
        let paths = units.flat_map(|unit| UNIT_FOLDERS.map(|folder| format!("{folder}/{unit}")));
        let rows = globs(PLACES.iter().filter(|p| p.whole));
        let all = rows.into_iter().map(str::to_owned).chain(paths);
        let (lib, whole): (Vec<String>, Vec<String>) =
            all.partition(|glob| glob.starts_with("/lib/"));
        let some = globs(PLACES.iter().filter(|p| !p.whole));
        let mut words = WORDS.to_owned();
        for word in &ask.words {
            words.push('|');
            words.push_str(&escaped(word));
        }
        format!(
            "limit={LIMIT}\nlinks={}\nruns={}\nwhole={}\nlib={}\nsome={}\nwords={}\n{}",
            quote(&LINKS.join(" ")),
            quote(&EXECUTABLE.join(" ")),
            quote(&whole.join(" ")),
            quote(&lib.join(" ")),
            quote(&some.join(" ")),
            quote(&words),
            include_str!("../scripts/boot-source.sh"),
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let set = |part: &str| {
            let lines = section.part(part).lines().filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        let mut found = Self {
            links: set("links"),
            masked: set("masked"),
            executable: set("runs"),
            target: section
                .part("target")
                .lines()
                .find(|line| !line.is_empty())
                .map(str::to_owned),
            cut: section
                .parts_of("cut")
                .map(|(name, _)| name.to_owned())
                .collect(),
            was_read: section.has("read"),
            ..Self::default()
        };
        for line in section.part("there").lines() {
            if let Some((kind, path)) = line.split_once(' ') {
                found.there.insert(path.to_owned(), kind == "s");
            }
        }
        for part in ["whole", "some", "more"] {
            let text = section.part(part);
            let cut = found.cut.iter().any(|name| name == part);
            let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            // The last line of a cut part is incomplete.
            if cut {
                lines.pop();
            }
            for line in lines {
                let (path, line) = placed(line).ok_or_else(|| {
                    ParseError::new(Self::NAME, format!("odd line {line:?} of grep"))
                })?;
                let known = found.files.entry(path.to_owned()).or_default();
                if !known.iter().any(|other| other.number == line.number) {
                    known.push(line);
                }
            }
        }
        for lines in found.files.values_mut() {
            lines.sort_by_key(|line| line.number);
        }
        Ok(found)
    }
}

/// `PATH:NUMBER:TEXT`. The name of an alias ends with a colon and a number: `ifcfg-eth0:0`.
fn placed(line: &str) -> Option<(&str, Line)> {
    let mut from = 0;
    while let Some(at) = line.get(from..)?.find(':').map(|at| from + at) {
        let rest = line.get(at + 1..)?;
        let path = line.get(..at)?;
        let is_number = |text: &str| {
            text.split_once(':')
                .is_some_and(|(n, _)| n.parse::<usize>().is_ok())
        };
        if let Some((number, text)) = rest.split_once(':')
            && let Ok(number) = number.parse()
            && !(path.contains("/ifcfg-") && is_number(text))
        {
            let text = text.trim_end().to_owned();
            return Some((path, Line { number, text }));
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_files() {
        let section = Section::from_parts([
            (
                "links",
                "/etc/systemd/system/multi-user.target.wants/cron.service\n/etc/runlevels/boot/sysctl\n/etc/rc2.d/S01ufw\n",
            ),
            ("masked", "/etc/systemd/system/nftables.service\n"),
            ("there", "s /etc/keepalived/keepalived.conf\ne /etc/x\n"),
            (
                "whole",
                "/etc/crontab:3:* * * * * root a:4:b\n/etc/a:b:12:x\n",
            ),
            (
                "some",
                "/etc/crontab:3:again\n/etc/rc.local:2:ip a\n/etc/x/ifcfg-eth0:1:2:DEVICE=eth0:1\n",
            ),
            ("read", "yes"),
        ]);
        let found = BootSources::parse(&section).unwrap();
        let line = |number, text: &str| Line {
            number,
            text: text.to_owned(),
        };
        assert_eq!(
            found.lines("/etc/crontab"),
            [line(3, "* * * * * root a:4:b")]
        );
        assert_eq!(
            found.lines("/etc/x/ifcfg-eth0:1"),
            [line(2, "DEVICE=eth0:1")]
        );
        assert_eq!(found.lines("/etc/a:b"), [line(12, "x")]);
        assert_eq!(found.there("/etc/keepalived/keepalived.conf"), Some(true));
        assert!(found.was_read && found.cut.is_empty());
        for (unit, want) in [
            ("cron.service", true),
            ("cron.timer", false),
            ("sysctl.service", true),
            ("ufw.service", true),
            // Links of System V and OpenRC enable services alone.
            ("ufw.timer", false),
            ("sysctl.timer", false),
            ("ssh.service", false),
        ] {
            assert_eq!(found.is_enabled(unit), want, "{unit}");
        }
    }

    #[test]
    fn what_was_cut_is_said() {
        let section = Section::from_parts([
            ("whole", "/etc/a:1:x\n/etc/b:2"),
            ("cut whole", "yes\n"),
            ("read", "yes"),
        ]);
        let found = BootSources::parse(&section).unwrap();
        assert_eq!(found.cut, ["whole"]);
        assert_eq!(found.files().count(), 1);
        assert!(BootSources::parse(&Section::from_parts([("whole", "no line")])).is_err());
    }

    #[test]
    fn a_link_of_a_rescue_boot_enables_nothing() {
        for (link, want) in [
            (
                "/etc/systemd/system/multi-user.target.wants/x.service",
                true,
            ),
            (
                "/usr/lib/systemd/system/sysinit.target.wants/x.service",
                true,
            ),
            ("/etc/systemd/system/rescue.target.wants/x.service", false),
            (
                "/etc/systemd/system/network-online.target.requires/x.service",
                true,
            ),
            ("/etc/runlevels/nonetwork/x", false),
            ("/etc/rc6.d/S01x", false),
            ("/etc/rc3.d/K01x", false),
        ] {
            let section = Section::from_parts([("links", link)]);
            assert_eq!(
                BootSources::parse(&section)
                    .unwrap()
                    .is_enabled("x.service"),
                want,
                "{link}"
            );
        }
    }
}
