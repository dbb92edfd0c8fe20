//! The lock of a host, which lets one run at a time change it. The kernel releases it when the run's shell on the host ends.

use crate::host_paths;
use crate::shell::quote;

/// Shell text that takes the lock, or prints its holder. It runs in the session's own shell, which keeps descriptor 9 open
/// until it ends; `command` keeps a failing `exec` from ending that shell.
pub fn take(cluster: &str, holder: &str) -> String {
    take_at(&host_paths::lock(cluster), holder)
}

/// Bytes of a lock file that are read. Any program may have written it, at any length.
const LONGEST: usize = 200;

/// The holder deletes the file at its end, so that nothing is left on a host. A process that opened the file before the
/// deletion locks an unlinked file: the lock counts only if the path still leads to the open file, else the text tries again.
fn take_at(path: &str, holder: &str) -> String {
    let lock = quote(path);
    format!(
        "if command -v flock >/dev/null 2>&1; then\nlvsctl_tries=5\n\
         while [ $lvsctl_tries -gt 0 ] && command exec 9>>{lock}; do\n\
         if ! flock -n 9; then if [ -s {lock} ] && printf 'held ' && head -c {LONGEST} {lock}; then break; fi\n\
         elif [ {lock} -ef /proc/self/fd/9 ]; then\n\
         printf '%s\\n' {} >{lock}; trap 'rm -f {lock}' EXIT; trap 'exit 129' HUP; trap 'exit 143' TERM; echo taken; break\nfi\n\
         lvsctl_tries=$((lvsctl_tries - 1))\n\
         if [ $lvsctl_tries -gt 0 ]; then sleep 1; else echo 'others take it and leave it all the time; run again' >&2; fi\n\
         done\nelse echo no flock; fi\n",
        quote(holder)
    )
}

/// What [`take`] printed.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    Yes,
    NoTool,
    By(String),
    /// It could not be taken; what the shell printed says why.
    Failed,
}

pub fn read(output: &str) -> Taken {
    let output = output.trim();
    match output.strip_prefix("held ") {
        Some(holder) => Taken::By(first_line(holder)),
        None if output == "taken" => Taken::Yes,
        None if output == "no flock" => Taken::NoTool,
        None => Taken::Failed,
    }
}

fn first_line(holder: &str) -> String {
    let line = holder.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).collect()
}

/// A shell condition: no other run holds the lock.
pub(super) fn no_other(cluster: &str) -> String {
    let lock = quote(&host_paths::lock(cluster));
    format!("[ ! -e {lock} ] || flock -n 9 2>/dev/null || flock -n {lock} true 2>/dev/null")
}

/// Text before each step: closes the lock's descriptor, so that no background process of the step keeps the lock.
pub const RELEASE_IN_STEP: &str = "exec 9>&-\n";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    #[test]
    fn who_has_it() {
        assert_eq!(read("taken\n"), Taken::Yes);
        assert_eq!(read("no flock\n"), Taken::NoTool);
        assert_eq!(read(""), Taken::Failed);
        for (found, holder) in [
            ("held ann@desk since 12:00\n", "ann@desk since 12:00"),
            ("held taken\n", "taken"),
            ("held a\u{1b}[31m\nb\n", "a[31m"),
        ] {
            assert_eq!(read(found), Taken::By(holder.into()), "{found}");
        }
    }

    #[test]
    fn a_long_lock_file_is_not_read_whole() {
        for shell in SHELLS {
            let place = Place::new("");
            let second = format!("sh -c {}", quote(&take_at(&place.path("lock"), "bob")));
            let long = format!("head -c 100000 /dev/zero | tr '\\0' x >$LOCK; {second}");
            let output = place.run(shell, &long);
            assert!(output.len() < 300, "{shell:?}: {} bytes", output.len());
        }
    }

    /// A folder with a lock file, and a `flock` that does something before the real one.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new(before_flock: &str) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            let flock = place.path("flock");
            let real = "PATH=${PATH#*:}";
            fs::write(
                &flock,
                format!("#!/bin/sh\n{real}\n{before_flock}\nexec flock \"$@\"\n"),
            )
            .unwrap();
            fs::set_permissions(&flock, fs::Permissions::from_mode(0o755)).unwrap();
            place
        }

        fn path(&self, name: &str) -> String {
            self.0.path().join(name).display().to_string()
        }

        fn run(&self, shell: &[&str], more: &str) -> String {
            let lock = self.path("lock");
            let script = format!(
                "{}{more}",
                take_at(&lock, "ann").replace("sleep 1", "sleep 0")
            );
            let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.0.path().display());
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", &script])
                .env("PATH", path)
                .env("LOCK", &lock)
                .output()
                .unwrap_or_else(|e| panic!("{}: {e}; apt-get install {0}", shell[0]));
            let text = [output.stdout, output.stderr].concat();
            String::from_utf8_lossy(&text).into_owned()
        }
    }

    const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

    #[test]
    fn a_lock_whose_file_went_is_no_lock() {
        let same = "[ $LOCK -ef /proc/self/fd/9 ] && cat $LOCK";
        for shell in SHELLS {
            for (what, before_flock, found) in [
                ("free", "", "taken\nann\n"),
                // As when the holder ends between our open and our flock.
                (
                    "its file went once",
                    "[ -e $LOCK.gone ] || mv $LOCK $LOCK.gone",
                    "taken\nann\n",
                ),
                (
                    "its file went, and another holder came",
                    "[ -e $LOCK.gone ] || { mv $LOCK $LOCK.gone; : >$LOCK; }",
                    "taken\nann\n",
                ),
                (
                    "its file goes each time",
                    "rm $LOCK",
                    "others take it and leave it all the time; run again\n",
                ),
            ] {
                let place = Place::new(before_flock);
                assert_eq!(place.run(shell, same), found, "{what}, {shell:?}");
                assert!(
                    !Path::new(&place.path("lock")).exists(),
                    "{what}, {shell:?}"
                );
            }
        }
    }

    #[test]
    fn a_lock_that_is_held_is_reported() {
        for shell in SHELLS {
            let place = Place::new("");
            let other = "exec 9>&-; (exec 8>>$LOCK; flock -n 8 || echo not now)";
            assert_eq!(place.run(shell, other), "taken\n", "{shell:?}");
            let second = format!("sh -c {}", quote(&take_at(&place.path("lock"), "bob")));
            assert_eq!(place.run(shell, &second), "taken\nheld ann\n", "{shell:?}");
        }
    }
}
