//! The script on a host that undoes a drill: on request, when the session of the drill has ended, or after a time. So the
//! host recovers even if the controller or the connection fails. Pure.

use crate::shell::{heredoc, quote};

/// The disturbance of one host, with its undo text.
#[derive(Debug, Clone)]
pub(crate) struct Guarded {
    /// For people.
    pub title: String,
    pub act: String,
    /// Undoes it however often it is run, and fails where it could not.
    pub undo: String,
    /// Undone after so many seconds in any case.
    pub seconds: u64,
}

/// The path of the script during a drill. A boot removes it, together with the disturbance.
fn path(cluster: &str) -> String {
    format!("/run/lvsctl-drill-{cluster}.sh")
}

fn script(cluster: &str, guarded: &Guarded) -> String {
    let path = quote(&path(cluster));
    format!(
        "# Undoes a drill of lvsctl: `sh {path} now`. Started with a process id, it does so when that process has ended, or after\n\
         # {seconds} seconds.\nPATH=$PATH:/usr/sbin:/sbin; export PATH\nundo() {{ (\n{undo}\n) }}\n\
         if [ \"$1\" != now ]; then\nn=0\n\
         while [ -e {path} ] && [ -d \"/proc/$1\" ] && [ \"$n\" -lt {seconds} ]; do sleep 1; n=$((n + 1)); done\n\
         [ -e {path} ] || exit 0\nfi\nn=0\n\
         until undo; do n=$((n + 1)); [ \"$n\" -lt 15 ] || exit 1; sleep 2; done\nrm -f {path}\n",
        seconds = guarded.seconds,
        undo = guarded.undo.trim_end(),
    )
}

/// Shell text that starts the guard and then the disturbance; if the disturbance fails, it is undone.
pub(crate) fn arm(cluster: &str, guarded: &Guarded) -> String {
    let file = path(cluster);
    let quoted = quote(&file);
    let unit = quote(&format!("lvsctl-drill-{cluster}"));
    let write = heredoc(&format!("cat >{quoted}"), &script(cluster, guarded));
    format!(
        "if [ -e {quoted} ]; then echo {} >&2; exit 3; fi\n{write}\
         if ! {{ [ -d /run/systemd/system ] && systemd-run --quiet --collect --unit={unit} sh {quoted} \"$$\" 2>/dev/null; }}; then\n\
         setsid sh {quoted} \"$$\" </dev/null >/dev/null 2>&1 9>&- &\nfi\n\
         if ! (\nset -e\n{}\n); then sh {quoted} now; exit 1; fi\n",
        quote(&format!(
            "another drill is going on, or has left {file}: `sh {file} now` undoes it"
        )),
        guarded.act.trim_end(),
    )
}

/// Shell text that undoes it now. The guard may have done so before.
pub(crate) fn now(cluster: &str) -> String {
    let path = quote(&path(cluster));
    format!("if [ -e {path} ]; then sh {path} now; fi\n")
}

/// Shell text that reboots the host once the connection is closed.
pub(crate) fn reboot() -> String {
    "setsid sh -c 'sleep 1; systemctl reboot || reboot' </dev/null >/dev/null 2>&1 9>&- &\n"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn has(&self, name: &str) -> bool {
            self.0.path().join(name).exists()
        }

        fn guarded(&self, seconds: u64, act: &str) -> Guarded {
            let folder = self.0.path().display();
            Guarded {
                title: String::new(),
                act: format!("touch {folder}/done; {act}"),
                undo: format!("rm -f {folder}/done; touch {folder}/undone"),
                seconds,
            }
        }

        /// The scripts write here, and no systemd is asked.
        fn local(&self, script: &str) -> String {
            let folder = self.0.path().display().to_string();
            script
                .replace("/run/systemd/system", "/nonexistent")
                .replace("/run/", &format!("{folder}/"))
        }

        fn run(&self, shell: &[&str], script: &str) -> bool {
            let status = Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", &self.local(script)])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            status.expect("a shell").success()
        }
    }

    fn until(what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < end, "expected: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_drill_is_undone_on_request() {
        for shell in SHELLS {
            let place = Place::new();
            let all = format!(
                "{}[ -e {}/done ]\n{}",
                arm("t", &place.guarded(60, ":")),
                place.0.path().display(),
                now("t")
            );
            assert!(place.run(shell, &all), "{shell:?}");
            assert!(!place.has("done") && place.has("undone"), "{shell:?}");
            assert!(!place.has("lvsctl-drill-t.sh"), "{shell:?}");
            assert!(place.run(shell, &now("t")), "a second time, {shell:?}");
        }
    }

    #[test]
    fn a_drill_is_undone_when_its_session_ends() {
        for shell in SHELLS {
            let place = Place::new();
            assert!(
                place.run(shell, &arm("t", &place.guarded(60, ":"))),
                "{shell:?}"
            );
            until("the guard has undone it", || {
                place.has("undone") && !place.has("lvsctl-drill-t.sh")
            });
            assert!(!place.has("done"), "{shell:?}");
        }
    }

    #[test]
    fn a_drill_is_undone_after_its_time() {
        let place = Place::new();
        let mut session = Command::new("dash")
            .args([
                "-c",
                &format!(
                    "{}read -r line",
                    place.local(&arm("t", &place.guarded(1, ":")))
                ),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("a shell");
        until("the guard has undone it, and removed its script", || {
            place.has("undone") && !place.has("lvsctl-drill-t.sh")
        });
        assert!(
            session.try_wait().expect("the session").is_none(),
            "it goes on"
        );
        drop(session.stdin.take());
        session.wait().expect("the session");
    }

    #[test]
    fn what_fails_is_undone_and_a_second_drill_is_refused() {
        for shell in SHELLS {
            let place = Place::new();
            assert!(
                !place.run(shell, &arm("t", &place.guarded(60, "false"))),
                "{shell:?}"
            );
            assert!(!place.has("done") && place.has("undone"), "{shell:?}");
            let place = Place::new();
            std::fs::write(place.0.path().join("lvsctl-drill-t.sh"), "").unwrap();
            assert!(
                !place.run(shell, &arm("t", &place.guarded(60, ":"))),
                "{shell:?}"
            );
            assert!(!place.has("done"), "{shell:?}");
        }
    }
}
