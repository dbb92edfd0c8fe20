//! The words for each service manager: systemd's systemctl(1), and OpenRC's rc-service(8) and rc-update(8). Units have
//! systemd's names everywhere; OpenRC's service is called as the unit without its suffix.

use serde::Serialize;

use crate::fact::System;
use crate::fact::unit::STARTED;
use crate::shell::{command, quote};

pub fn service(unit: &str) -> &str {
    unit.rsplit_once('.').map_or(unit, |(name, _)| name)
}

/// Shell text that starts or stops a unit where the host has it, whoever manages its services.
pub fn if_there(verb: &str, unit: &str) -> String {
    let known = command(["systemctl", "--quiet", "cat", unit]);
    let systemd = ServiceManager::Systemd.act(verb, unit);
    let script = quote(&ServiceManager::Openrc.definition(unit));
    let openrc = ServiceManager::Openrc.act(verb, unit);
    format!(
        "if [ -d /run/systemd/system ]; then if {known} >/dev/null 2>&1; then {systemd}; fi\nelif [ -e {script} ]; then {openrc}; fi"
    )
}

/// Where a person reads what a unit said, on hosts of either kind.
pub fn where_it_logs(unit: &str) -> String {
    let name = service(unit);
    format!("`journalctl -u {name}` (without systemd: the system log)")
}

/// A host's service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceManager {
    Systemd,
    Openrc,
}

impl ServiceManager {
    /// A host that has neither is refused by what needs one.
    pub fn of(system: &System) -> Self {
        if !system.systemd && system.has("rc-service") {
            Self::Openrc
        } else {
            Self::Systemd
        }
    }

    /// Whether the host has one that we know.
    pub fn is_on(system: &System) -> bool {
        system.systemd || system.has("rc-service")
    }

    /// The file that defines a unit of the administrator's own.
    pub fn definition(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("/etc/systemd/system/{unit}"),
            Self::Openrc => format!("/etc/init.d/{}", service(unit)),
        }
    }

    /// What makes it read definitions again, where it does not do so by itself.
    pub fn read_again(self) -> Option<&'static str> {
        match self {
            Self::Systemd => Some("systemctl daemon-reload"),
            Self::Openrc => None,
        }
    }

    /// A package may have enabled its unit since the probe; to do it again is slow where there are init scripts too.
    pub fn enable(self, unit: &str) -> String {
        match self {
            Self::Systemd => {
                let name = quote(unit);
                format!(
                    "systemctl --quiet is-enabled {name} 2>/dev/null || systemctl --quiet enable {name}"
                )
            }
            Self::Openrc => command(["rc-update", "--quiet", "add", service(unit), "default"]),
        }
    }

    pub fn disable(self, unit: &str) -> String {
        match self {
            Self::Systemd => command(["systemctl", "--quiet", "disable", unit]),
            Self::Openrc => command(["rc-update", "--quiet", "--all", "delete", service(unit)]),
        }
    }

    /// What a person types so that no boot starts it.
    pub fn never_start(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("systemctl disable {unit}"),
            Self::Openrc => format!("rc-update --all delete {}", service(unit)),
        }
    }

    /// What a person types so that each boot starts it.
    pub fn enable_by_hand(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("systemctl enable {unit}"),
            Self::Openrc => format!("rc-update add {} default", service(unit)),
        }
    }

    /// What a person types to end it for good.
    pub fn end(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("systemctl disable --now {unit}"),
            Self::Openrc => {
                let stop = format!("rc-service {} stop", service(unit));
                format!("{stop}; {}", self.never_start(unit))
            }
        }
    }

    /// Starts or stops it.
    pub fn act(self, verb: &str, unit: &str) -> String {
        match self {
            Self::Systemd => command(["systemctl", verb, unit]),
            Self::Openrc => command(["rc-service", service(unit), verb]),
        }
    }

    /// A reload where the unit knows one, else a restart.
    pub fn reload(self, unit: &str) -> String {
        match self {
            Self::Systemd => command(["systemctl", "reload-or-restart", unit]),
            // It does not record when a service was reloaded: its mark is made anew for that.
            Self::Openrc => {
                let name = quote(service(unit));
                format!(
                    "if grep -Eq '^ *extra_started_commands=.*reload' /etc/init.d/{name}; then rc-service {name} reload; \
                     else rc-service {name} restart; fi && touch -h {STARTED}/{name}"
                )
            }
        }
    }

    pub fn is_active(self, unit: &str) -> String {
        match self {
            Self::Systemd => command(["systemctl", "--quiet", "is-active", unit]),
            Self::Openrc => {
                format!(
                    "{} >/dev/null 2>&1",
                    command(["rc-service", service(unit), "status"])
                )
            }
        }
    }

    /// What a unit that fails to start said.
    pub fn log(self, unit: &str) -> String {
        match self {
            Self::Systemd => command([
                "journalctl",
                "-u",
                unit,
                "-n",
                "20",
                "--no-pager",
                "-o",
                "cat",
            ]),
            Self::Openrc => command(["tail", "-n", "20", "/var/log/messages"]),
        }
    }
}
