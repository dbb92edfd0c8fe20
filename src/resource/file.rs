//! A file of lvsctl: its whole content, mode and owner. The content may have placeholders for secrets.

use serde::{Deserialize, Deserializer, Serialize};

use super::change::TextChange;
use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Effect, Kind};
use crate::fact::{Facts, Needs};
use crate::host_paths::BACKUPS;
use crate::secret;
use crate::shell::{folder, heredoc, in_place, quote};

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
        serde_json::Value::String(text) => Ok(text),
        _ => Err(serde::de::Error::custom(
            "expected a mode in quotes, such as \"0644\"",
        )),
    }
}

/// Octal digits are compared as a number: `0644` and `644` are one mode.
fn same_mode(a: &str, b: &str) -> bool {
    u32::from_str_radix(a, 8).ok() == u32::from_str_radix(b, 8).ok()
}

/// Compares texts; a missing newline at the end of the desired text is no difference, since written files end with one.
fn same_text(found: &str, desired: &str) -> bool {
    found == desired || (!desired.ends_with('\n') && found.strip_suffix('\n') == Some(desired))
}

/// A shell condition: the path exists, a dangling symbolic link included.
fn there(quoted: &str) -> String {
    format!("[ -e {quoted} ] || [ -L {quoted} ]")
}

impl File {
    /// Stages the text beside its place, tests it, and renames it into place.
    pub fn write(&self) -> String {
        let name = format!("{}.lvsctl-new", self.path);
        let stage = quote(&name);
        let mut text = heredoc(&format!("cat >{stage}"), &self.content);
        // A setgid folder would give the file its group.
        text.push_str(&format!("chown root:root {stage}\n"));
        text.push_str(&format!("chmod {} {stage}\n", quote(&self.mode)));
        if let Some(check) = &self.check {
            text.push_str(&format!("( {} ) || {{ rc=$?; echo \"the check of {} failed with status $rc\" >&2; exit \"$rc\"; }}\n",
                check.replace("{}", &stage), self.path.replace(['"', '$', '`', '\\'], "_")));
        }
        format!(
            "umask 022\n[ -d {0} ] || mkdir -p {0}\numask 077\nrm -f {stage}\n{1}",
            quote(self.directory()),
            in_place(&text, &name, &self.path)
        )
    }

    /// Shell text that restores a backup. It does not delete the backup, so that a run after an interruption can repeat it;
    /// [`Kind::forget`] does.
    fn put_back(&self, backup: &str) -> String {
        let kept = quote(backup);
        let name = format!("{}.lvsctl-new", self.path);
        let stage = quote(&name);
        let missing = quote(&format!(
            "expected what {} was before in {backup}, found no file there; restore the desired content there, and run again",
            self.path
        ));
        format!(
            "{} || {{ echo {missing} >&2; exit 1; }}\n\
             [ -d {1} ] || mkdir -p {1}\nrm -f {stage}\n{2}",
            there(&kept),
            quote(self.directory()),
            in_place(&format!("cp -pP {kept} {stage}\n"), &name, &self.path),
        )
    }

    fn directory(&self) -> &str {
        folder(&self.path)
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

    fn desired(&self, cx: &Context) -> String {
        // The placeholder of a secret that was not read stays. No file contains it, so the file differs, but is not applied.
        secret::reveal(&self.content, cx.secrets)
            .map_or_else(|_| self.content.clone(), |text| text.as_str().to_owned())
    }
}

impl Kind for File {
    const NAME: &'static str = "file";

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

    fn needs(&self, needs: &mut Needs) {
        needs.file.get_or_insert_default().insert(self.path.clone());
    }

    fn diff(&self, facts: &Facts, cx: &Context) -> Option<Change> {
        let found = facts.file.get(&self.path);
        let desired = self.desired(cx);
        let content = found.is_none_or(|f| {
            !f.regular || f.size != f.content.len() || !same_text(&f.content, &desired)
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
            // The only differences are masked, and they are not secrets of lvsctl.
            if otherwise.is_empty() && found.is_some_and(|f| f.regular) && text.from == text.to {
                change = change.field("masked text", Some("another"), Some("that of the role"));
            }
            for secret in otherwise {
                let desired = format!("the one of {}", secret.source);
                change = change.field(&secret.name, Some("another secret"), Some(desired));
            }
            change.text = Some(text);
            change = change
                .effect(Effect::Rewrites(self.path.clone()))
                .step(format!("write {}", self.path), self.write());
        } else {
            let path = quote(&self.path);
            let script = format!("chown root:root {path}\nchmod {} {path}", quote(&self.mode));
            // Units that read the file must reload: the new ctime of this change could as well mean another text.
            change = change
                .effect(Effect::Rewrites(self.path.clone()))
                .step(format!("set mode and owner of {}", self.path), script);
        }
        Some(change)
    }

    /// Keeps the whole file in a folder that only root can read, since it may contain secrets.
    fn undo(&self, _: &Before, kept: &str) -> Option<Undo> {
        let path = quote(&self.path);
        Some(Undo::kept(
            Turn::File,
            format!("keep_file {path} {kept}"),
            format!("put_file {path} {kept}"),
        ))
    }

    fn before(&self, facts: &Facts) -> Before {
        // The content may contain secrets, so it goes to the backup and never to the manifest.
        if facts.file.has(&self.path) {
            Before::Backup(self.backup())
        } else {
            Before::Absent
        }
    }

    /// The path of the backup.
    fn before_of_text(&self, text: String) -> Before {
        Before::Backup(text)
    }

    fn keep(&self, before: &Before, as_desired: bool) -> Option<String> {
        let Before::Backup(backup) = before else {
            return None;
        };
        // Backup names escape percent signs, so this name is free.
        let name = format!("{backup}%new");
        let (kept, stage) = (quote(backup), quote(&name));
        // A file that the manifest does not list belongs to others, so it replaces an older backup of an interrupted run. But
        // if it is in the desired state, it may be lvsctl's own with a lost manifest; then the backup is the real previous
        // state.
        let first = if as_desired {
            format!("{} || ", there(&kept))
        } else {
            String::new()
        };
        let copy = format!("cp -pP {} {stage}\n", quote(&self.path));
        Some(format!(
            "umask 077\n[ -d {BACKUPS} ] || mkdir -p {BACKUPS}\n\
             {first}{{\nrm -f {kept} {stage}\n{}}}",
            in_place(&copy, &name, backup)
        ))
    }

    fn forget(&self, before: &Before) -> Option<String> {
        match before {
            Before::Backup(backup) => Some(format!("rm -f {}\n", quote(backup))),
            _ => None,
        }
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        let change = Change::new(Self::NAME, self.key(), Action::Remove);
        let found = facts.file.get(&self.path).map(|_| "ours");
        Some(match before {
            Before::Backup(backup) => change
                .field("file", found, Some("what was there before"))
                .step(format!("put back {}", self.path), self.put_back(backup)),
            _ => {
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
