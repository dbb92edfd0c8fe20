//! Commands for each service manager: systemctl(1) of systemd, rc-service(8) and rc-update(8) of OpenRC. Units have systemd's
//! names everywhere; OpenRC's service has the unit's name without its suffix.

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

/// The command for the user that shows a unit's log, for both service managers.
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
    /// The host's service manager; systemd if it has neither. Resources that need one refuse such a host.
    pub fn of(system: &System) -> Self {
        if !system.systemd && system.has("rc-service") {
            Self::Openrc
        } else {
            Self::Systemd
        }
    }

    /// Whether the host has a supported service manager.
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

    /// The command that makes it reload unit definitions; None: not needed.
    pub fn read_again(self) -> Option<&'static str> {
        match self {
            Self::Systemd => Some("systemctl daemon-reload"),
            Self::Openrc => None,
        }
    }

    /// Enables a unit unless it is enabled. A package may have enabled it since the probe, and enabling again is slow for
    /// units with init scripts.
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

    /// The command for the user that disables a unit at boot.
    pub fn never_start(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("systemctl disable {unit}"),
            Self::Openrc => format!("rc-update --all delete {}", service(unit)),
        }
    }

    /// The command for the user that enables a unit at boot.
    pub fn enable_by_hand(self, unit: &str) -> String {
        match self {
            Self::Systemd => format!("systemctl enable {unit}"),
            Self::Openrc => format!("rc-update add {} default", service(unit)),
        }
    }

    /// The command for the user that stops and disables a unit.
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

    /// Reloads the unit if it supports that, else restarts it.
    pub fn reload(self, unit: &str) -> String {
        match self {
            Self::Systemd => command(["systemctl", "reload-or-restart", unit]),
            // OpenRC does not record the time of a reload, so its start mark is touched.
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

    /// The command that prints the end of a unit's log.
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
