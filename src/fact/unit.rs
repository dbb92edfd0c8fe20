//! Units of systemd, or the services of OpenRC that have their names: what they are at boot and now.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::resource::manager::STARTED;
use crate::shell::{command, quote};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Units {
    pub units: BTreeMap<String, State>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub loaded: bool,
    pub enabled: bool,
    pub active: bool,
    pub masked: bool,
    pub needs_daemon_reload: bool,
    /// When it last started or reloaded, in seconds since the epoch.
    pub changed: f64,
    /// As systemd tells it, for messages.
    pub active_state: String,
}

impl Units {
    pub fn is_active(&self, name: &str) -> bool {
        self.units.get(name).is_some_and(|unit| unit.active)
    }
}

/// Between the two a loaded host may do something else. So the time since the boot is read first: what a unit did
/// then appears later than it was, never earlier, which would make a file that it has read appear newer.
const CLOCK: &str =
    "part clock\nread -r uptime </proc/uptime\ndate +%s.%N\nprintf '%s\\n' \"$uptime\"\n";

const PROPERTIES: &str =
    "Id,Names,LoadState,ActiveState,UnitFileState,NeedDaemonReload,StateChangeTimestampMonotonic";

/// Shell text that tells how units are, as `systemctl show` does. OpenRC is made to answer in the same words.
fn show(units: &BTreeSet<String>) -> String {
    let systemd = command(
        ["systemctl", "show", &format!("--property={PROPERTIES}")]
            .into_iter()
            .chain(units.iter().map(String::as_str)),
    );
    let names: Vec<String> = units.iter().map(|s| quote(s)).collect();
    // The time of its mark is that of its start; a link has its own.
    format!(
        "if [ ! -d /run/systemd/system ] && command -v rc-service >/dev/null 2>&1; then\n\
         for u in {}; do s=${{u%.*}}; load=not-found active=inactive file=disabled\n\
         if [ -e \"/etc/init.d/$s\" ]; then load=loaded\n\
         if rc-service \"$s\" status >/dev/null 2>&1; then active=active; fi\n\
         for l in /etc/runlevels/*/\"$s\"; do if [ -e \"$l\" ]; then file=enabled; fi; done; fi\n\
         printf 'Id=%s\\nLoadState=%s\\nActiveState=%s\\nUnitFileState=%s\\nNeedDaemonReload=no\\nChanged=%s\\n\\n' \\\n\
         \"$u\" $load $active $file \"$(stat -c %.9Y {STARTED}/\"$s\" 2>/dev/null)\"; done\n\
         else {systemd} 2>/dev/null; fi\n",
        names.join(" "),
    )
}

impl Fact for Units {
    const NAME: &'static str = "unit";
    /// Names with their suffixes.
    type Ask = BTreeSet<String>;

    fn command(ask: &Self::Ask) -> String {
        format!("{CLOCK}part show\n{}", show(ask))
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let odd = |what: &str| ParseError::new(Self::NAME, format!("odd {what}"));
        let mut clock = section
            .part("clock")
            .split_whitespace()
            // Not every date(1) knows fractions: busybox prints %N as it is.
            .map(|word| word.trim_end_matches(".%N").parse::<f64>().ok());
        let mut tick = || clock.next().flatten().ok_or_else(|| odd("clock"));
        let boot = tick()? - tick()?;
        let mut units = BTreeMap::new();
        for block in section.part("show").split("\n\n") {
            let properties: BTreeMap<&str, &str> = block
                .lines()
                .filter_map(|line| line.split_once('='))
                .collect();
            let get = |name: &str| properties.get(name).copied().unwrap_or("");
            if get("Id").is_empty() {
                continue;
            }
            let monotonic: f64 = get("StateChangeTimestampMonotonic").parse().unwrap_or(0.0);
            let state = State {
                loaded: get("LoadState") == "loaded",
                masked: get("LoadState") == "masked",
                enabled: matches!(get("UnitFileState"), "enabled" | "static" | "alias"),
                active: matches!(get("ActiveState"), "active" | "reloading"),
                needs_daemon_reload: get("NeedDaemonReload") == "yes",
                changed: get("Changed").parse().unwrap_or(boot + monotonic / 1e6),
                active_state: get("ActiveState").to_owned(),
            };
            // A unit may be asked for by another of its names.
            for name in get("Names").split_whitespace().chain([get("Id")]) {
                units.insert(name.to_owned(), state.clone());
            }
        }
        Ok(Self { units })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time of the boot, as a host tells it whose programs are slow.
    fn boot() -> f64 {
        let slow = "part() { :; }\n\
                    date() { sleep 0.3; command date \"$@\"; }\n\
                    cat() { sleep 0.3; command cat \"$@\"; }\n";
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("{slow}{CLOCK}")])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut words = text.split_whitespace().map(|w| w.parse::<f64>().unwrap());
        words.next().unwrap() - words.next().unwrap()
    }

    #[test]
    fn a_slow_host_does_not_make_its_units_older() {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        // /proc/uptime has hundredths of a second.
        let earliest = now.as_secs_f64() - uptime - 0.02;
        let told = boot();
        assert!(told > earliest, "{told} < {earliest}");
    }
}
