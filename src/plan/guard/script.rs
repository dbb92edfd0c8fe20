//! The shell text of a guard: the folder on the host with what is to be put back, the timer, and the hook that starts the
//! timer again after a reboot.

use super::Guard;
use crate::host_paths::{self, GUARDS};
use crate::resource::Undo;
use crate::resource::service_manager::{ServiceManager, service};
use crate::shell::{heredoc, quote};

const RUN: &str = include_str!("run.sh");
/// What the texts of [`Undo`] call.
pub const FUNCTIONS: &str = include_str!("undo.sh");

/// Shell text after all is written: on the disk before anything counts. Links that are kept may lead nowhere.
const SYNC: &str = r#"set --
for f in "$k"/*; do [ -L "$f" ] || set -- "$@" "$f"; done
sync "$d/functions" "$d/run" "$u.new" "$k" "$@"
mv -f "$u.new" "$u"
sync "$d"
"#;

/// What a guard says that was too late to be renewed or disarmed.
pub const FIRED: &str = "the guard has put the old state of this host back";

/// The unit that starts the timer again when the host boots.
fn unit(cluster: &str) -> String {
    format!("lvsctl-{cluster}-guard.service")
}

/// Has the guard of a cluster do something: `renew SECONDS`, `disarm`, `now`.
pub fn run(cluster: &str, words: &str) -> String {
    format!("sh {}/run {words}", quote(&host_paths::guard(cluster)))
}

/// Removes what a guard without a timer keeps, also where it was written in part.
pub fn forget(cluster: &str) -> String {
    format!(
        "rm -rf {}; rmdir {GUARDS} 2>/dev/null || :",
        quote(&host_paths::guard(cluster))
    )
}

/// How a guard is armed.
#[derive(Debug)]
pub struct Arm<'a> {
    pub cluster: &'a str,
    pub guard: &'a Guard,
    /// None: it is only prepared, and starts no timer.
    pub seconds: Option<u64>,
    /// Who arms it, for the next run.
    pub who: &'a str,
    /// The file of the lock that its run holds.
    pub lock: &'a str,
    /// Who starts the timer after a reboot; none where a boot does not bring anything back.
    pub manager: Option<ServiceManager>,
}

impl Arm<'_> {
    /// Keeps what is to be put back, then starts the timer. It fails before anything counts, or not at all. A guard that is
    /// armed already stays: what it puts back comes after this.
    pub fn script(&self) -> String {
        let d = quote(&host_paths::guard(self.cluster));
        let mut text = format!(
            "umask 077\nd={d}\nmkdir -p \"$d\"\n\
             if [ ! -e \"$d/armed\" ] && [ ! -e \"$d/firing\" ]; then rm -rf \"$d\"/*; fi\n\
             n=1\nwhile [ -e \"$d/undo.$n\" ]; do n=$((n + 1)); done\nk=$d/kept.$n\nu=$d/undo.$n\n\
             trap 'if [ -e \"$d/armed\" ] || [ -e \"$d/firing\" ]; then rm -rf \"$k\" \"$u\" \"$u.new\" \"$d\"/*.new; \
             else sh \"$d/run\" disarm anyway >/dev/null 2>&1 || rm -rf \"$d\"; fi' EXIT\n\
             rm -rf \"$k\"\nmkdir \"$k\"\n"
        );
        text.push_str(&heredoc("cat >\"$d/functions.new\"", FUNCTIONS));
        let program = program(self.cluster, &host_paths::guard(self.cluster), self.lock);
        text.push_str(&heredoc("cat >\"$d/run.new\"", &program));
        text.push_str("mv -f \"$d/functions.new\" \"$d/functions\"\nmv -f \"$d/run.new\" \"$d/run\"\n. \"$d/functions\"\n");
        for Undo { save, .. } in &self.guard.undo {
            text.push_str(save);
            text.push('\n');
        }
        text.push_str(&heredoc("cat >\"$u.new\"", &self.undo()));
        // Nothing is changed before this is on the disk: a power cut must find it whole.
        text.push_str(SYNC);
        if let Some(seconds) = self.seconds {
            text.push_str(&self.hook());
            text.push_str(&format!(
                "printf '1 %s %s %s\\n' {seconds} \"$(($(date +%s) + {seconds}))\" {} >\"$d/armed.new\"\n\
                 if [ -e \"$d/armed\" ]; then sh \"$d/run\" renew {seconds}; rm -f \"$d/armed.new\"\n\
                 else mv -f \"$d/armed.new\" \"$d/armed\"; fi\nsync \"$d/armed\" \"$d\"\n",
                quote(&one_line(self.who))
            ));
            // `$$` is the session's shell here too, in a subshell of it. Where /proc does not show it, the guard does without.
            text.push_str("sh \"$d/run\" shell $$ || rm -f \"$d/shell\"\n");
            text.push_str(&self.timer());
        }
        text.push_str("trap - EXIT\n");
        text
    }

    fn undo(&self) -> String {
        let d = quote(&host_paths::guard(self.cluster));
        let mut text = format!(
            "#!/bin/sh\n# Made by lvsctl: puts back what was there before. $1: what was kept.\nset -u\n\
             PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH LC_ALL=C\nk=$1\nrc=0\n. {d}/functions\n"
        );
        for Undo { back, .. } in &self.guard.undo {
            text.push_str(&format!("{{\n{}\n}} || rc=1\n", back.trim_end()));
        }
        text.push_str("exit \"$rc\"\n");
        text
    }

    /// What a boot runs while the guard is armed. A unit that is not loaded needs no reload of the manager.
    fn hook(&self) -> String {
        let (unit, run) = (
            unit(self.cluster),
            format!("{}/run", host_paths::guard(self.cluster)),
        );
        let name = service(&unit).to_owned();
        match self.manager {
            Some(ServiceManager::Systemd) => {
                let text = format!(
                    "# Made by lvsctl for the cluster {}; gone when its guard is disarmed.\n[Unit]\nDescription=puts back the state of this host, unless lvsctl confirms it\n\
                     Wants=network-online.target\nAfter=network-online.target lvsctl-{}.service\n\n[Service]\nExecStart=/bin/sh {run} boot\n\n[Install]\nWantedBy=multi-user.target\n",
                    self.cluster, self.cluster
                );
                let path = format!("/etc/systemd/system/{unit}");
                let wants = "/etc/systemd/system/multi-user.target.wants";
                format!(
                    "{}mkdir -p {wants}\nln -sf {} {wants}/{}\nsync {} {wants}\n",
                    heredoc(&format!("( umask 022; cat >{} )", quote(&path)), &text),
                    quote(&path),
                    quote(&unit),
                    quote(&path)
                )
            }
            Some(ServiceManager::Openrc) => {
                let text = format!(
                    "#!/sbin/openrc-run\n# Made by lvsctl for the cluster {}; gone when its guard is disarmed.\n\
                     description=\"puts back the state of this host, unless lvsctl confirms it\"\n\ndepend() {{\n\tneed net\n\tafter lvsctl-{}\n}}\n\n\
                     start() {{\n\tsetsid sh {run} boot </dev/null >/dev/null 2>&1 &\n}}\n",
                    self.cluster, self.cluster
                );
                let path = quote(&format!("/etc/init.d/{name}"));
                format!(
                    "{}chmod 0755 {path}\nrc-update --quiet add {} default\nsync {path}\n",
                    heredoc(&format!("cat >{path}"), &text),
                    quote(&name)
                )
            }
            None => String::new(),
        }
    }

    /// Starts the timer outside the connection, and sees that it runs: it holds a lock then.
    fn timer(&self) -> String {
        let name = quote(&format!("lvsctl-{}-guard-timer", self.cluster));
        format!(
            "started=no\n\
             if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then\n\
             for collect in --collect ''; do\n\
             if systemd-run --quiet $collect --unit={name}-$n-$$ /bin/sh \"$d/run\" wait </dev/null >/dev/null 2>&1; then started=yes; break; fi\n\
             done\nfi\n\
             if [ $started = no ]; then\n\
             if command -v setsid >/dev/null 2>&1; then setsid sh \"$d/run\" wait </dev/null >/dev/null 2>&1 9>&- &\n\
             else nohup sh \"$d/run\" wait </dev/null >/dev/null 2>&1 9>&- &\nfi\nfi\n\
             looks=50\nwhile flock -n \"$d/timer\" true; do\nlooks=$((looks - 1))\n\
             if [ \"$looks\" -le 0 ]; then sh \"$d/run\" disarm anyway >/dev/null; echo 'expected the timer of the guard to run, found that it does not' >&2; exit 1; fi\n\
             sleep 0.1\ndone\n"
        )
    }
}

/// The program of a guard, in some folder.
pub(super) fn program(cluster: &str, folder: &str, lock: &str) -> String {
    let unit = unit(cluster);
    format!(
        "#!/bin/sh\n# Made by lvsctl for the cluster {cluster}; gone when the guard is disarmed.\nset -u\nd={}\nname={}\nlock={}\n{RUN}",
        quote(folder),
        quote(service(&unit)),
        quote(lock)
    )
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
