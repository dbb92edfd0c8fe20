//! A whole file that is ours: content, mode and owner. Content may hold placeholders for secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::change::TextChange;
use super::{Action, Before, Change, Context, Kind, ParseError, Section};
use crate::secret;
use crate::shell::{heredoc, quote};

/// The most of a file that is read back; what is longer was not written by us.
const LIMIT: usize = 1024 * 1024;

/// Where files that stood in the way are kept, to be put back.
pub const BACKUPS: &str = "/var/lib/lvsctl/backup";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub path: String,
    #[serde(default)]
    pub content: String,
    #[serde(default = "mode_default", deserialize_with = "quoted")]
    pub mode: String,
    /// A command that accepts the staged file, whose name stands for `{}`; it is put in place only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

fn mode_default() -> String {
    "0644".to_owned()
}

/// YAML would take `0644` for 644 or for 420.
fn quoted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(_) => Err(serde::de::Error::custom(
            "expected a mode in quotes, found a number: write `mode: \"0644\"`",
        )),
        other => serde_json::from_value(other).map_err(serde::de::Error::custom),
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub regular: bool,
    pub size: usize,
    /// Octal, as stat(1) prints it.
    pub mode: String,
    pub owner: String,
    /// Seconds since the epoch.
    pub modified: f64,
    pub content: String,
}

/// Octal digits are compared as a number: `0644` and `644` are one mode.
fn same_mode(a: &str, b: &str) -> bool {
    u32::from_str_radix(a, 8).ok() == u32::from_str_radix(b, 8).ok()
}

/// A file that is written ends with a newline, also where the wanted text does not.
fn same_text(found: &str, wanted: &str) -> bool {
    found == wanted || (!wanted.ends_with('\n') && found.strip_suffix('\n') == Some(wanted))
}

/// One process for what files are, one for all they hold.
pub fn probe_paths<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let paths: Vec<String> = paths.map(quote).collect();
    format!(
        "part stat\nset --\nfor f in {}; do if [ -e \"$f\" ] || [ -L \"$f\" ]; then set -- \"$@\" \"$f\"; fi; done\n\
         if [ $# -gt 0 ]; then stat -c '%F|%s|%a|%U:%G|%.9Y|%n' \"$@\" 2>/dev/null\nfor f do shift; if [ -f \"$f\" ] && [ ! -L \"$f\" ]; \
         then set -- \"$@\" \"$f\"; fi; done; fi\npart content\nif [ $# -gt 0 ]; then head -q -c {LIMIT} \"$@\" 2>/dev/null; fi\nset --\n",
        paths.join(" ")
    )
}

/// Reads what [`probe_paths`] asked for.
pub fn parse_paths(section: &Section) -> Result<BTreeMap<String, Found>, ParseError> {
    let odd = |line: &str| ParseError::new(File::NAME, format!("odd line {line:?} of stat"));
    let mut files = BTreeMap::new();
    let mut rest = section.part("content");
    for line in section.part("stat").lines() {
        let mut words = line.splitn(6, '|');
        let mut word = || words.next().ok_or_else(|| odd(line));
        let (kind, size, mode, owner, modified, path) =
            (word()?, word()?, word()?, word()?, word()?, word()?);
        let regular = kind.starts_with("regular");
        let size: usize = size.parse().map_err(|_| odd(line))?;
        let mut content = String::new();
        if regular {
            let split = rest.split_at_checked(size.min(LIMIT)).ok_or_else(|| {
                ParseError::new(
                    File::NAME,
                    format!("{path} changed while it was read, or is not UTF-8; run again"),
                )
            })?;
            content = split.0.to_owned();
            rest = split.1;
        }
        let found = Found {
            regular,
            size,
            mode: mode.to_owned(),
            owner: owner.to_owned(),
            modified: modified.parse().map_err(|_| odd(line))?,
            content,
        };
        files.insert(path.to_owned(), found);
    }
    Ok(files)
}

/// Whether something is there; a link that leads nowhere from there is, too.
fn there(quoted: &str) -> String {
    format!("[ -e {quoted} ] || [ -L {quoted} ]")
}

impl File {
    /// Stages the text beside its place, tests it, and renames it into place.
    pub fn write(&self) -> String {
        let path = quote(&self.path);
        let stage = quote(&format!("{}.lvsctl-new", self.path));
        let mut text = format!(
            "umask 022\n[ -d {0} ] || mkdir -p {0}\numask 077\nrm -f {stage}\n",
            quote(self.directory())
        );
        text.push_str(&heredoc(&format!("cat >{stage}"), &self.content));
        // In a folder with the setgid bit a file gets the folder's group.
        text.push_str(&format!("chown root:root {stage}\n"));
        text.push_str(&format!("chmod {} {stage}\n", quote(&self.mode)));
        if let Some(check) = &self.check {
            text.push_str(&format!("( {} ) || {{ rc=$?; rm -f {stage}; echo \"the check of {} failed with status $rc\" >&2; exit \"$rc\"; }}\n",
                check.replace("{}", &stage), self.path.replace(['"', '$', '`', '\\'], "_")));
        }
        text.push_str(&format!("mv -f {stage} {path}\n"));
        text
    }

    /// The backup goes when the manifest no longer names it: a run that is cut short puts back once more.
    fn put_back(&self, backup: &str) -> String {
        let (path, kept) = (quote(&self.path), quote(backup));
        let stage = quote(&format!("{}.lvsctl-new", self.path));
        let missing = quote(&format!(
            "expected what {} was before in {backup}, found nothing there; put what it shall be there, and run again",
            self.path
        ));
        format!(
            "{} || {{ echo {missing} >&2; exit 1; }}\n\
             [ -d {1} ] || mkdir -p {1}\nrm -f {stage}\ncp -pP {kept} {stage}\nmv -f {stage} {path}",
            there(&kept),
            quote(self.directory()),
        )
    }

    fn directory(&self) -> &str {
        match self.path.rsplit_once('/') {
            None | Some(("", _)) => "/",
            Some((directory, _)) => directory,
        }
    }

    fn backup(&self) -> String {
        format!(
            "{BACKUPS}/{}",
            self.path
                .trim_start_matches('/')
                .replace('%', "%25")
                .replace('/', "%2f")
        )
    }

    fn wanted(&self, cx: &Context) -> String {
        // A secret that was not read leaves its placeholder, which no file holds: it differs, and is not applied.
        secret::reveal(&self.content, cx.secrets)
            .map_or_else(|_| self.content.clone(), |text| text.as_str().to_owned())
    }
}

impl Kind for File {
    const NAME: &'static str = "file";
    type Observed = BTreeMap<String, Found>;

    fn key(&self) -> String {
        self.path.clone()
    }

    fn fault(&self) -> Option<String> {
        let (path, mode) = (&self.path, &self.mode);
        if !path.starts_with('/') || path.ends_with('/') || path.contains(char::is_control) {
            return Some("expected an absolute path of a file: write it from `/` on".to_owned());
        }
        let octal = mode.chars().all(|c| ('0'..='7').contains(&c));
        (!octal || !(3..=4).contains(&mode.len())).then(|| {
            format!("expected a mode of 3 or 4 octal digits, found `{mode}`: write it as chmod(1) takes it, `\"0644\"`")
        })
    }

    fn probe(wanted: &[&Self]) -> String {
        probe_paths(wanted.iter().map(|f| f.path.as_str()))
    }

    fn parse(section: &Section) -> Result<Self::Observed, ParseError> {
        parse_paths(section)
    }

    fn diff(&self, observed: &Self::Observed, cx: &Context) -> Option<Change> {
        let found = observed.get(&self.path);
        let wanted = self.wanted(cx);
        let content = found.is_none_or(|f| {
            !f.regular || f.size != f.content.len() || !same_text(&f.content, &wanted)
        });
        let mode = found.filter(|f| !same_mode(&f.mode, &self.mode));
        let owner = found.filter(|f| f.owner != "root:root");
        if !content && mode.is_none() && owner.is_none() {
            return None;
        }
        let action = if found.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        let mut change = Change::new(Self::NAME, self.key(), action);
        if let Some(found) = mode {
            change = change.field("mode", Some(&found.mode), Some(&self.mode));
        }
        if let Some(found) = owner {
            change = change.field("owner", Some(&found.owner), Some("root:root"));
        }
        if found.is_some_and(|f| !f.regular) {
            change = change.field("type", Some("not a regular file"), Some("a regular file"));
        }
        if content {
            let text = TextChange {
                from: found.map_or_else(String::new, |f| {
                    secret::mask_like(&self.content, &f.content)
                }),
                to: secret::mask(&self.content),
            };
            let there = found.map_or("", |f| f.content.as_str());
            let otherwise = secret::otherwise(&self.content, there, cx.secrets);
            // What is masked is all that differs, and it is none of our secrets.
            if otherwise.is_empty() && found.is_some_and(|f| f.regular) && text.from == text.to {
                change = change.field("masked text", Some("another"), Some("that of the role"));
            }
            for secret in otherwise {
                let wanted = format!("the one of {}", secret.source);
                change = change.field(&secret.name, Some("another secret"), Some(wanted));
            }
            change.text = Some(text);
            change = change.step(format!("write {}", self.path), self.write());
        } else {
            let path = quote(&self.path);
            let script = format!("chown root:root {path}\nchmod {} {path}", quote(&self.mode));
            change = change.step(format!("set mode and owner of {}", self.path), script);
        }
        Some(change)
    }

    fn before(&self, observed: &Self::Observed) -> Before {
        // The content itself goes to the backup, never to the manifest: it may hold secrets.
        if observed.contains_key(&self.path) {
            Before::Value(self.backup())
        } else {
            Before::Absent
        }
    }

    fn keep(&self, before: &Before, as_wanted: bool) -> Option<String> {
        let Before::Value(backup) = before else {
            return None;
        };
        // No backup's name has a lone percent sign.
        let (kept, stage) = (quote(backup), quote(&format!("{backup}%new")));
        // What is not recorded as ours is somebody else's, and a backup from a run that was cut short is older. But
        // what is just as wanted may be ours, its manifest moved away: then the backup is what was there before.
        let first = if as_wanted {
            format!("{} || ", there(&kept))
        } else {
            String::new()
        };
        Some(format!(
            "umask 077\n[ -d {BACKUPS} ] || mkdir -p {BACKUPS}\n\
             {first}{{ rm -f {kept} {stage}; cp -pP {} {stage}; mv -f {stage} {kept}; }}",
            quote(&self.path)
        ))
    }

    fn forget(&self, before: &Before) -> Option<String> {
        match before {
            Before::Value(backup) => Some(format!("rm -f {}\n", quote(backup))),
            Before::Absent | Before::Same => None,
        }
    }

    fn remove(&self, observed: &Self::Observed, before: &Before, _: &Context) -> Option<Change> {
        let change = Change::new(Self::NAME, self.key(), Action::Remove);
        let found = observed.get(&self.path).map(|_| "ours");
        Some(match before {
            Before::Value(backup) => change
                .field("file", found, Some("what was there before"))
                .step(format!("put back {}", self.path), self.put_back(backup)),
            Before::Absent | Before::Same => {
                found?;
                change.field("file", found, None::<&str>).step(
                    format!("remove {}", self.path),
                    format!("rm -f {}", quote(&self.path)),
                )
            }
        })
    }

    fn owned(&self) -> Self {
        Self {
            content: String::new(),
            check: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_modes() {
        for (path, mode, good) in [
            ("/etc/motd", "0644", true),
            ("/etc/motd", "755", true),
            ("/etc/motd", "4755", true),
            ("etc/motd", "0644", false),
            ("/etc/", "0644", false),
            ("~/motd", "0644", false),
            ("/etc/a\nb", "0644", false),
            ("", "0644", false),
            ("/etc/motd", "0648", false),
            ("/etc/motd", "64", false),
            ("/etc/motd", "00644", false),
            ("/etc/motd", "rw-r--r--", false),
            ("/etc/motd", "", false),
        ] {
            let file = File {
                path: path.to_owned(),
                content: String::new(),
                mode: mode.to_owned(),
                check: None,
            };
            assert_eq!(file.fault().is_none(), good, "{path} {mode}");
        }
    }
}
