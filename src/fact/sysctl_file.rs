//! What systemd-sysctl(8) will set at the next boot, from the files of sysctl.d(5). Pure.

use std::collections::BTreeMap;

use super::{Fact, ParseError, Section};

/// Where systemd-sysctl(8) reads, the first folder winning over the same name in a later one.
const FOLDERS: &[&str] = &[
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
];

/// One line of a file, in the order in which it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    /// Below /proc/sys; may hold `*`, `?` and `[]`.
    path: String,
    /// None: the path is left out of patterns.
    value: Option<String>,
    file: String,
    /// The name as it is written.
    key: String,
}

/// The line that sets a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Set<'a> {
    pub value: &'a str,
    pub file: &'a str,
    /// The name as it is written, perhaps a pattern.
    pub key: &'a str,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SysctlFiles {
    settings: Vec<Setting>,
}

impl SysctlFiles {
    /// `files` are all there are, `lines` what `grep -H` found in them.
    fn read(files: &str, lines: &str) -> Self {
        // Of two files with one name, the one in the first folder counts; an empty one hides the other.
        let mut chosen: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for file in files.lines() {
            let Some((folder, name)) = file.rsplit_once('/') else {
                continue;
            };
            let Some(rank) = FOLDERS.iter().position(|known| *known == folder) else {
                continue;
            };
            let entry = chosen.entry(name).or_insert((rank, file));
            if rank < entry.0 {
                *entry = (rank, file);
            }
        }
        let mut settings: Vec<Setting> = Vec::new();
        for (_, file) in chosen.values() {
            let own = lines
                .lines()
                .filter_map(|line| line.strip_prefix(file)?.strip_prefix(':'));
            for setting in own.filter_map(|line| setting(line, file)) {
                let same = |old: &Setting| old.path == setting.path;
                match settings.iter().position(same) {
                    Some(at)
                        if settings
                            .get(at)
                            .is_some_and(|old| old.value == setting.value) => {}
                    Some(at) => {
                        settings.remove(at);
                        settings.push(setting);
                    }
                    None => settings.push(setting),
                }
            }
        }
        Self { settings }
    }

    /// What sets a parameter, named by its path below /proc/sys. A line that names it counts more than a pattern.
    pub fn of(&self, path: &str) -> Option<Set<'_>> {
        let exact = self.settings.iter().find(|s| s.path == path);
        let setting = match exact {
            Some(setting) => setting,
            None => self
                .settings
                .iter()
                .rfind(|s| s.value.is_some() && fits(&s.path, path))?,
        };
        Some(Set {
            value: setting.value.as_deref()?,
            file: &setting.file,
            key: &setting.key,
        })
    }
}

impl Fact for SysctlFiles {
    const NAME: &'static str = "sysctl-file";
    type Ask = ();

    fn command((): &()) -> String {
        let globs: Vec<String> = FOLDERS
            .iter()
            .map(|folder| format!("{folder}/*.conf"))
            .collect();
        let globs = globs.join(" ");
        format!(
            "part files\nfor f in {globs}; do [ -e \"$f\" ] && printf '%s\\n' \"$f\"; done\n\
             part lines\ngrep -aHsv -e '^[[:space:]]*[#;]' -e '^[[:space:]]*$' {globs} /dev/null\n"
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        Ok(Self::read(section.part("files"), section.part("lines")))
    }
}

fn setting(line: &str, file: &str) -> Option<Setting> {
    let (key, value) = match line.split_once('=') {
        Some((key, value)) => (key.trim(), Some(value.trim().to_owned())),
        None => (line.trim(), None),
    };
    let bare = key.strip_prefix('-');
    if value.is_none() && bare.is_none() {
        return None;
    }
    let key = bare.unwrap_or(key).trim();
    Some(Setting {
        path: path(key),
        value,
        file: file.to_owned(),
        key: key.to_owned(),
    })
}

/// The first separator decides which of the two is meant (sysctl.d(5)).
pub(crate) fn path(key: &str) -> String {
    let dotted = key.find(['.', '/']).and_then(|at| key.get(at..=at)) == Some(".");
    if !dotted {
        return key.trim_matches('/').to_owned();
    }
    key.chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            c => c,
        })
        .collect()
}

/// Folder by folder, as glob(7) has it.
fn fits(pattern: &str, path: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return false;
    }
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(path)
            .all(|(pattern, name)| fits_name(pattern.as_bytes(), name.as_bytes()))
}

fn fits_name(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            (0..=name.len()).any(|n| name.get(n..).is_some_and(|left| fits_name(rest, left)))
        }
        (Some((b'[', rest)), Some((c, left))) => {
            let Some(end) = rest.iter().position(|b| *b == b']') else {
                return false;
            };
            let (set, rest) = rest.split_at(end);
            set.contains(c) && rest.get(1..).is_some_and(|rest| fits_name(rest, left))
        }
        (Some((b'?', rest)), Some((_, left))) => fits_name(rest, left),
        (Some((a, rest)), Some((b, left))) => a == b && fits_name(rest, left),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = "/etc/sysctl.d/90-lvsctl-dr.conf\n/etc/sysctl.d/99-sysctl.conf\n/etc/sysctl.d/50-default.conf\n\
                         /usr/lib/sysctl.d/50-default.conf\n/usr/lib/sysctl.d/10-first.conf\n";

    fn of(lines: &str, path: &str) -> Option<(String, String)> {
        let boot = SysctlFiles::read(FILES, lines);
        let set = boot.of(path)?;
        Some((
            set.value.to_owned(),
            set.file.rsplit('/').next()?.to_owned(),
        ))
    }

    #[test]
    fn the_last_file_by_name_wins() {
        let ours = "/etc/sysctl.d/90-lvsctl-dr.conf:-net.ipv4.ip_forward = 1\n";
        let got = |more: &str| of(&format!("{ours}{more}"), "net/ipv4/ip_forward").map(|(v, _)| v);
        for (more, want) in [
            ("", "1"),
            ("/usr/lib/sysctl.d/10-first.conf:net.ipv4.ip_forward=0", "1"),
            ("/etc/sysctl.d/99-sysctl.conf:net/ipv4/ip_forward = 0", "0"),
            ("/etc/sysctl.conf:net.ipv4.ip_forward = 0", "1"),
            ("/etc/sysctl.d/99-sysctl.conf:net.ipv4.ip_* = 0", "1"),
        ] {
            assert_eq!(got(more).as_deref(), Some(want), "{more}");
        }
    }

    #[test]
    fn patterns_and_what_is_left_out_of_them() {
        let lines = "/usr/lib/sysctl.d/10-first.conf:net.ipv4.conf.*.rp_filter = 2\n\
                     /usr/lib/sysctl.d/10-first.conf:-net.ipv4.conf.all.rp_filter\n";
        assert_eq!(of(lines, "net/ipv4/conf/eth0/rp_filter").unwrap().0, "2");
        assert_eq!(of(lines, "net/ipv4/conf/all/rp_filter"), None);
        assert_eq!(of(lines, "net/ipv4/conf/eth0/x/rp_filter"), None);
    }

    #[test]
    fn a_file_hides_its_namesake() {
        let lines = "/usr/lib/sysctl.d/50-default.conf:net.ipv4.ip_forward = 0\n";
        assert_eq!(of(lines, "net/ipv4/ip_forward"), None);
    }

    #[test]
    fn dots_in_interface_names() {
        assert_eq!(
            path("net.ipv4.conf.eth0/100.rp_filter"),
            "net/ipv4/conf/eth0.100/rp_filter"
        );
        assert_eq!(
            path("net/ipv4/conf/eth0.100/rp_filter"),
            "net/ipv4/conf/eth0.100/rp_filter"
        );
    }
}
