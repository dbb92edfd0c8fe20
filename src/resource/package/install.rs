//! Shell text that installs packages, per package manager.

use crate::fact::PackageManager;

pub(super) fn install(manager: PackageManager, names: &str) -> String {
    match manager {
        PackageManager::Apt => {
            // Fetches package lists only if there are none, since that is slow. No option of apt waits for the lock of the
            // lists, which apt-daily holds for minutes after a boot. Interrupted installations are completed first, since apt
            // refuses to install anything before that.
            format!(
                "export DEBIAN_FRONTEND=noninteractive\n\
                 get() {{ apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold install --no-install-recommends {names}; }}\n\
                 get || {{\n\
                 dpkg --force-confold --configure -a || :\n\
                 n=0; until out=$(apt-get -q update 2>&1); do\n\
                 case $out in *'Could not get lock'*) n=$((n + 1));; *) n=24;; esac\n\
                 if [ \"$n\" -ge 24 ]; then printf '%s\\n' \"$out\" >&2; exit 1; fi\n\
                 sleep 5; done\n\
                 get; }}"
            )
        }
        PackageManager::Dnf => format!("dnf -q -y install {names}"),
        PackageManager::Yum => format!("yum -q -y install {names}"),
        PackageManager::Zypper => format!("zypper -q -n install {names}"),
        PackageManager::Apk => format!("apk add -q {names}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for a lock of the lists that another holds, and for nothing else.
    #[test]
    fn apt_waits_for_its_lists() {
        let locked = "E: Could not get lock /var/lib/apt/lists/lock.";
        for (update, status, said) in [
            // What the first tries to fetch the lists print, before one succeeds; then how it ends.
            (&[locked, locked][..], 0, "wait wait got a"),
            (&["E: no network"], 1, "E: no network"),
            (&[], 0, "got a"),
        ] {
            let tries: Vec<String> = update
                .iter()
                .enumerate()
                .map(|(n, text)| {
                    format!("{n}) echo '{text}'; echo $((n + 1)) >\"$d/tries\"; return 100;;")
                })
                .collect();
            let fakes = format!(
                "d=$(mktemp -d); echo 0 >\"$d/tries\"\n\
                 sleep() {{ printf 'wait '; }}\n\
                 apt-get() {{ case \"$*\" in *update) n=$(cat \"$d/tries\"); case $n in {} *) : >\"$d/lists\";; esac;;\n\
                 *) [ -e \"$d/lists\" ] || return 100; echo got \"${{@: -1}}\";; esac; }}\n\
                 dpkg() {{ :; }}\n\
                 trap 'rm -rf \"$d\"' EXIT\nset -eu\n",
                tries.join(" ")
            );
            // Only bash has functions with a `-` in their names.
            let output = std::process::Command::new("bash")
                .args([
                    "-c",
                    &format!("{fakes}{}", install(PackageManager::Apt, "a")),
                ])
                .output()
                .expect("bash");
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            assert_eq!(
                (output.status.code(), text.trim()),
                (Some(status), said),
                "{update:?}"
            );
        }
    }

    #[test]
    fn what_a_crash_interrupted_is_completed() {
        let fakes = "f=$(mktemp)\ntrap 'rm -f \"$f\"' EXIT\n\
                     dpkg() { rm \"$f\"; }\n\
                     apt-get() { case \"$*\" in *update) ;; *) [ ! -e \"$f\" ] || return 100; echo got \"${@: -1}\";; esac; }\n\
                     set -eu\n";
        let script = format!("{fakes}{}", install(PackageManager::Apt, "a"));
        let output = std::process::Command::new("bash")
            .args(["-c", &script])
            .output()
            .expect("bash");
        let text = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&text), "got a\n");
    }
}
