//! Drift: resources that are not in the desired state, reported in the words of the plan. The effect of other files on a
//! sysctl at boot belongs in [`super::sysctl_at_boot`].

use std::net::IpAddr;

use super::definition::{Check, Judge, nothing};
use super::findings::{Findings, Mismatch};
use super::ipvs::HIDDEN;
use super::{Cause, HostAudit};
use crate::fact::unit::{Holder, State};
use crate::keepalived::CONFIGURATION;
use crate::model::topology;
use crate::plan;
use crate::plan::boot;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager;
use crate::resource::unit::{AT_BOOT, RUNS_WITH};
use crate::resource::{Action, Change, Resource};
use crate::view;

pub(super) static DRIFT: Check = Check {
    id: "drift",
    summary: "Each resource is in the desired state.",
    reason: "The inventory was edited and not applied, or another program or an administrator changed the host.",
    source: "the inventory; `lvsctl plan` shows the differences",
    fix: "`lvsctl plan`, then `lvsctl apply`; `lvsctl start` if the host was stopped",
    needs: nothing,
    judge: Judge::Host(judge),
};

/// Folders of files that have an effect only at boot and that no server reads.
pub(super) const OF_BOOT: &[&str] = &[
    "/etc/systemd/",
    "/etc/sysctl.d/",
    "/etc/modules-load.d/",
    "/etc/init.d/",
    "/usr/local/sbin/lvsctl-",
];

/// A pass for each resource in the desired state; a finding for each difference of the others.
fn judge(audit: &HostAudit, findings: &mut Findings) {
    let changes = &audit.plan().changes;
    let changed = |resource: &Resource| {
        let mut made = changes
            .iter()
            .filter(|change| change.action != Action::Remove);
        made.any(|change| change.kind == resource.kind() && change.key == resource.key())
    };
    for resource in audit
        .run
        .desired
        .iter()
        .filter(|resource| !changed(resource))
    {
        let what = format!("{} {}", resource.kind(), resource.key());
        if matches!(resource, Resource::Ipvs(_)) && audit.facts().ipvs.table.hidden {
            findings.unknown(audit.name(), &DRIFT, what, HIDDEN);
            continue;
        }
        findings.pass_of(audit.name(), &DRIFT, what, "as the inventory wants it");
    }
    let stopped = is_stopped(audit);
    let of_stop: Vec<&Change> = audit
        .plan()
        .changes
        .iter()
        .filter(|change| stopped && comes_of_stopping(audit, change))
        .collect();
    if !of_stop.is_empty() {
        let part = "its part of the cluster";
        let unit = of_stop.iter().find(|change| change.kind == "unit");
        let cause = unit.map(|change| Cause::Unit(change.key.clone()));
        let mismatch = stopped_part(audit, &of_stop).because(cause);
        findings.fail(audit.name(), &DRIFT, part, mismatch);
    }
    let others = audit.plan().changes.iter().filter(|c| !of_stop.contains(c));
    for change in others {
        let cause = Some(cause_of(change, changes));
        let starts = start_fix(audit, change);
        for Difference {
            field,
            what,
            mut mismatch,
        } in differences(change)
        {
            if let Some(fix) = &starts {
                mismatch.fix.clone_from(fix);
            }
            // If the file differs too, it is the cause why keepalived runs with another configuration.
            let of_file = change.key == KEEPALIVED && field == Some(RUNS_WITH);
            let cause = if of_file && changes.iter().any(|change| change.key == CONFIGURATION) {
                Some(Cause::KeepalivedConfig)
            } else {
                cause.clone()
            };
            let mismatch = mismatch.because(cause);
            findings.fail(audit.name(), &DRIFT, what, mismatch);
        }
    }
}

/// The address of a change of an address or of a route to one.
fn address_of(change: &Change) -> Option<IpAddr> {
    let (address, _) = change.key.split_once([' ', '/'])?;
    address.parse().ok()
}

/// The cause of a change's findings, equal to the cause of other checks' findings on the same object. `all`: the changes of
/// the host.
fn cause_of(change: &Change, all: &[Change]) -> Cause {
    let key = change.key.clone();
    let address = address_of(change);
    let mut addresses = all.iter().filter(|other| other.kind == "address");
    match (change.kind, address) {
        ("sysctl", _) => Cause::Sysctl(key),
        ("unit", _) => Cause::Unit(key),
        ("file", _) if key == CONFIGURATION => Cause::KeepalivedConfig,
        // A masked unit is a symbolic link in the place of its file.
        ("file", _) => match key.strip_prefix("/etc/systemd/system/") {
            Some(unit) if !unit.contains('/') => Cause::Unit(unit.to_owned()),
            _ => Cause::Resource {
                kind: "file".to_owned(),
                key,
            },
        },
        ("address", Some(address)) => Cause::Vip(address),
        // Whatever takes an address from an interface often takes the route to it too: the kernel does so with the last
        // address of an interface.
        ("route", Some(to)) if addresses.any(|other| address_of(other) == Some(to)) => {
            Cause::Vip(to)
        }
        (kind, _) => Cause::Resource {
            kind: kind.to_owned(),
            key,
        },
    }
}

/// Whether the host's part of the cluster is stopped, as `lvsctl stop` does.
fn is_stopped(audit: &HostAudit) -> bool {
    let observed = &audit.facts();
    plan::is_stopped(&audit.cluster.name, &audit.run.desired, observed)
}

/// Whether a change follows from a stop: of a resource that the node script removes, or of a unit of the host's part.
fn comes_of_stopping(audit: &HostAudit, change: &Change) -> bool {
    let units = [
        boot::unit(&audit.cluster.name),
        KEEPALIVED.to_owned(),
        view::checker_unit(audit.cluster),
    ];
    let of = |resource: &&Resource| resource.kind() == change.kind && resource.key() == change.key;
    let made_at_boot = audit
        .run
        .desired
        .iter()
        .find(of)
        .is_some_and(|r| r.node().is_some());
    change.action != Action::Remove
        && change.refused.is_none()
        && (made_at_boot || (change.kind == "unit" && units.contains(&change.key)))
}

/// The single finding of a stopped host, for all differences that follow from the stop.
fn stopped_part(audit: &HostAudit, changes: &[&Change]) -> Mismatch {
    let things: Vec<String> = changes
        .iter()
        .map(|change| format!("{} {}", change.kind, change.key))
        .collect();
    Mismatch::new(
        "started",
        format!(
            "stopped, so not in the desired state: {}",
            things.join(", ")
        ),
        format!("`lvsctl start --limit {}`", audit.name()),
    )
}

/// One difference of a resource.
struct Difference<'c> {
    /// None: the content.
    field: Option<&'c str>,
    what: String,
    mismatch: Mismatch,
}

fn differences(change: &Change) -> Vec<Difference<'_>> {
    let what = format!("{} {}", change.kind, change.key);
    let fix = match &change.refused {
        None => "`lvsctl apply`".to_owned(),
        Some(why) => {
            format!("{why}; until then `lvsctl apply` refuses, and changes nothing anywhere")
        }
    };
    let files_of_boot =
        change.kind == "file" && OF_BOOT.iter().any(|at| change.key.starts_with(at));
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let mut all: Vec<Difference> = change
        .fields
        .iter()
        .map(|field| {
            let mismatch = Mismatch::new(side(&field.to), side(&field.from), fix.clone());
            let of_boot = change.kind == "unit" && field.name == AT_BOOT;
            let mismatch = if of_boot || files_of_boot {
                mismatch.later()
            } else {
                mismatch
            };
            Difference {
                field: Some(&field.name),
                what: format!("{what}: {}", field.name),
                mismatch,
            }
        })
        .collect();
    if change.text.is_some() {
        let found = if change.action == Action::Create {
            "no such file"
        } else {
            "other content; `lvsctl plan` shows it"
        };
        let mismatch = Mismatch::new("the content that lvsctl renders", found, fix);
        let mismatch = if files_of_boot {
            mismatch.later()
        } else {
            mismatch
        };
        all.push(Difference {
            field: None,
            what,
            mismatch,
        });
    }
    all
}

/// The fix for a unit that `lvsctl apply` could not start: another program holds its port, or systemd refuses to start it
/// again.
fn start_fix(audit: &HostAudit, change: &Change) -> Option<String> {
    let facts = &audit.facts().unit;
    let state = facts
        .units
        .get(&change.key)
        .filter(|_| change.kind == "unit")?;
    if state.active || state.masked {
        return None;
    }
    let listens = topology::listens(audit.cluster, audit.host, &audit.serves);
    let tcp = listens
        .http
        .iter()
        .chain(&listens.https)
        .chain(&listens.tcp);
    let ports: Vec<(bool, u16)> = tcp
        .map(|port| (false, *port))
        .chain(listens.udp.iter().map(|port| (true, *port)))
        .collect();
    vain_start(&change.key, state, &facts.holders, &ports)
}

/// `ports` are those that the host serves, each with whether it is UDP.
fn vain_start(
    unit: &str,
    state: &State,
    holders: &[Holder],
    ports: &[(bool, u16)],
) -> Option<String> {
    let own = |holder: &&Holder| unit.starts_with(holder.program.as_str());
    let mut held: Vec<&Holder> = holders
        .iter()
        .filter(|holder| ports.contains(&(holder.udp, holder.port)) && !own(holder))
        .collect();
    held.sort_by_key(|holder| holder.pid);
    held.dedup_by_key(|holder| holder.pid);
    let reset = if state.refused {
        format!("systemctl reset-failed {unit}; ")
    } else {
        String::new()
    };
    let failed = state.active_state == "failed" || state.active_state == "activating";
    match held.first() {
        Some(first) if failed && unit != KEEPALIVED => {
            let pids: Vec<String> = held.iter().map(|holder| holder.pid.to_string()).collect();
            Some(format!(
                "{} (pid {}) holds port {}: end it (`kill {}`, and what starts it), then `{reset}systemctl start {unit}`",
                first.program,
                first.pid,
                first.port,
                pids.join(" ")
            ))
        }
        _ if state.refused => Some(format!(
            "`{reset}systemctl start {unit}`; {} says why it failed",
            service_manager::where_it_logs(unit)
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_a_unit_that_apply_cannot_start() {
        const NGINX: &str = "nginx.service";
        let python = Holder {
            port: 80,
            program: "python3".to_owned(),
            pid: 7,
            ..Holder::default()
        };
        let nginx = Holder {
            program: "nginx".to_owned(),
            ..python.clone()
        };
        let state = |active_state: &str, refused| State {
            loaded: true,
            active_state: active_state.to_owned(),
            refused,
            ..State::default()
        };
        let held = "python3 (pid 7) holds port 80: end it (`kill 7`, and what starts it), then `systemctl start nginx.service`";
        for (about, unit, state, holders, want) in [
            (
                "stopped by hand",
                NGINX,
                state("inactive", false),
                vec![],
                None,
            ),
            (
                "a port that another has",
                NGINX,
                state("failed", false),
                vec![python.clone()],
                Some(held),
            ),
            (
                "... twice",
                NGINX,
                state("failed", false),
                vec![python.clone(), python.clone()],
                Some(held),
            ),
            (
                "... and tried too often",
                NGINX,
                state("failed", true),
                vec![python.clone()],
                Some(
                    "python3 (pid 7) holds port 80: end it (`kill 7`, and what starts it), then `systemctl reset-failed nginx.service; systemctl start nginx.service`",
                ),
            ),
            (
                "its old process",
                NGINX,
                state("failed", false),
                vec![nginx],
                None,
            ),
            (
                "tried too often",
                NGINX,
                state("failed", true),
                vec![],
                Some(
                    "`systemctl reset-failed nginx.service; systemctl start nginx.service`; `journalctl -u nginx` (without systemd: the system log) says why it failed",
                ),
            ),
            (
                "keepalived needs no port",
                KEEPALIVED,
                state("failed", false),
                vec![python],
                None,
            ),
        ] {
            let found = vain_start(unit, &state, &holders, &[(false, 80)]);
            assert_eq!(found.as_deref(), want, "{about}");
        }
    }

    #[test]
    fn apply_is_no_fix_for_what_it_refuses() {
        let fix = |refused: Option<&str>| {
            let mut change = Change::new("package", "keepalived", Action::Update);
            change = change.field("keepalived", Some("1.3.5"), Some("2.0.7 or newer"));
            change.refused = refused.map(str::to_owned);
            differences(&change).remove(0).mismatch.fix
        };
        assert_eq!(fix(None), "`lvsctl apply`");
        assert_eq!(
            fix(Some("expected keepalived 2.0.7 or newer; upgrade it")),
            "expected keepalived 2.0.7 or newer; upgrade it; until then `lvsctl apply` refuses, and changes nothing anywhere"
        );
    }

    #[test]
    fn what_counts_at_boot_alone_is_of_later() {
        for (kind, key, field, later) in [
            ("unit", "keepalived.service", "now", false),
            ("unit", "keepalived.service", AT_BOOT, true),
            ("file", "/etc/sysctl.d/90-lvsctl-web.conf", "mode", true),
            ("file", "/etc/keepalived/keepalived.conf", "mode", false),
            ("file", "/var/www/html/index.html", "mode", false),
            ("sysctl", "net.ipv4.ip_forward", "value", false),
        ] {
            let change = Change::new(kind, key, Action::Update);
            let change = change.field(field, Some("a"), Some("b"));
            let found = differences(&change).remove(0).mismatch.about.later;
            assert_eq!(found, later, "{kind} {key} {field}");
        }
    }

    #[test]
    fn a_change_is_of_the_thing_that_other_checks_look_at() {
        let vip = "192.168.100.200".parse().unwrap();
        let resource = |kind: &str, key: &str| Cause::Resource {
            kind: kind.to_owned(),
            key: key.to_owned(),
        };
        for (kind, key, cause) in [
            ("unit", "a.service", Cause::Unit("a.service".to_owned())),
            ("address", "192.168.100.200/32 dev lo", Cause::Vip(vip)),
            ("address", "odd", resource("address", "odd")),
            ("file", CONFIGURATION, Cause::KeepalivedConfig),
            ("file", "/a", resource("file", "/a")),
            (
                "file",
                "/etc/systemd/system/a.service",
                Cause::Unit("a.service".to_owned()),
            ),
            (
                "file",
                "/etc/systemd/system/a.service.d/b.conf",
                resource("file", "/etc/systemd/system/a.service.d/b.conf"),
            ),
            ("sysctl", "a.b", Cause::Sysctl("a.b".to_owned())),
        ] {
            let change = Change::new(kind, key, Action::Update);
            assert_eq!(cause_of(&change, &[]), cause, "{kind} {key}");
        }
    }

    #[test]
    fn a_route_goes_with_its_address() {
        let vip = "192.168.100.200".parse().unwrap();
        let address = |key| Change::new("address", key, Action::Create);
        let route = Change::new("route", "192.168.100.200/32", Action::Create);
        let alone = Cause::Resource {
            kind: "route".to_owned(),
            key: route.key.clone(),
        };
        for (key, cause) in [
            ("192.168.100.200/32 dev tunl0", Cause::Vip(vip)),
            ("192.168.100.201/32 dev tunl0", alone),
        ] {
            let all = [address(key), route.clone()];
            assert_eq!(cause_of(&route, &all), cause, "{key}");
        }
    }
}
