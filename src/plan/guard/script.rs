//! The shell text of a guard: the folder on the host with what is to be put back, the timer, and the hook that starts the
//! timer again after a reboot.

use super::Guard;
use crate::host_paths::{self, GUARDS};
use crate::resource::Undo;
use crate::resource::service_manager::{ServiceManager, service};
use crate::shell::{heredoc, quote};

const RUN: &str = include_str!("run.sh");
/// The shell functions that the texts of [`Undo`] call.
pub const FUNCTIONS: &str = include_str!("undo.sh");

/// Shell text that syncs all written files to disk before the guard is armed. Kept symbolic links may be dangling.
const SYNC: &str = r#"set --
for f in "$k"/*; do [ -L "$f" ] || set -- "$@" "$f"; done
sync "$d/functions" "$d/run" "$u.new" "$k" "$@"
mv -f "$u.new" "$u"
sync "$d"
"#;

/// The message of a guard that has fired before it could be renewed or disarmed.
pub const FIRED: &str = "the guard has restored the old state of this host";

/// The unit that starts the timer again when the host boots.
fn unit(cluster: &str) -> String {
    format!("lvsctl-{cluster}-guard.service")
}

/// Shell text that runs a command of a cluster's guard: `renew SECONDS`, `disarm`, `now`.
pub fn run(cluster: &str, words: &str) -> String {
    format!("sh {}/run {words}", quote(&host_paths::guard(cluster)))
}

/// Shell text that deletes the state that a guard without a timer keeps, even if it was written incompletely.
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
    /// None: no timer; the undo text is only prepared.
    pub seconds: Option<u64>,
    /// The run that arms it; a later run shows this.
    pub who: &'a str,
    /// The lock file of its run.
    pub lock: &'a str,
    /// The service manager that starts the timer after a reboot; None: no boot hook.
    pub manager: Option<ServiceManager>,
}

impl Arm<'_> {
    /// Shell text that keeps the old state and then starts the timer. If it fails, no new guard is armed. An armed guard
    /// stays: its undo text runs after the new one.
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
        // The undo text must be on the disk before the first change, so that it survives a power failure.
        text.push_str(SYNC);
        if let Some(seconds) = self.seconds {
            text.push_str(&self.hook());
            text.push_str(&format!(
                "printf '1 %s %s %s\\n' {seconds} \"$(($(date +%s) + {seconds}))\" {} >\"$d/armed.new\"\n\
                 if [ -e \"$d/armed\" ]; then sh \"$d/run\" renew {seconds}; rm -f \"$d/armed.new\"\n\
                 else mv -f \"$d/armed.new\" \"$d/armed\"; fi\nsync \"$d/armed\" \"$d\"\n",
                quote(&one_line(self.who))
            ));
            // In a subshell too, `$$` is the session's shell. If /proc does not show that process, the guard works without
            // it.
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

    /// Shell text that installs the unit which a boot runs while the guard is armed. The unit is not loaded now, so the
    /// service manager need not reload.
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

    /// Shell text that starts the timer outside of the session, and waits until the timer holds its lock.
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

/// The text of the guard's program for a folder.
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
