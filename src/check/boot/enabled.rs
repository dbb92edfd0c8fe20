//! Effects of the next boot that no line of a boot file shows: units that are enabled, masked, or started by no target of a
//! usual boot; firewalld's zones; values of sysctl.d(5) for parameters that lvsctl does not set. Pure.

use super::ours::Ours;
use super::report::{Fault, plain};
use super::{BOOT_ADDRESS, BOOT_FIREWALL, BOOT_IPVS, BOOT_MODULE, BOOT_UNIT};
use crate::check::sysctl_at_boot::take_out;
use crate::fact::boot_source::Line;
use crate::model::Protocol;
use crate::resource::service_manager::ServiceManager;

/// All faults of these kinds.
pub(super) fn all(ours: &Ours) -> Vec<Fault> {
    let mut faults = Vec::new();
    let facts = ours.audit.facts();
    let sources = &facts.boot_source;
    if let Some(target) = sources
        .target
        .as_deref()
        .filter(|target| no_services(target, ours))
    {
        faults.push(plain(
            &BOOT_UNIT,
            "default.target",
            "a boot into multi-user.target or graphical.target",
            format!("/etc/systemd/system/default.target: the next boot goes to {target}, where nothing of the cluster starts"),
            "`systemctl set-default multi-user.target`".to_owned(),
            None,
        ));
    }
    for unit in &ours.units {
        let state = facts.unit.units.get(unit);
        let masked = state.is_some_and(|state| state.masked);
        // A unit that the service manager itself shows as disabled or masked is reported as drift.
        let in_order = state.is_some_and(|state| state.enabled) && !masked;
        let links: Vec<&str> = sources.enabling_links(unit).collect();
        if in_order && sources.is_masked(unit) {
            let found = format!("/etc/systemd/system/{unit} masks it from the next boot on");
            faults.push(plain(
                &BOOT_UNIT,
                unit,
                "not masked",
                found,
                format!("`systemctl unmask {unit}`, then `lvsctl apply`"),
                Some(unit),
            ));
        } else if in_order && !links.is_empty() && !sources.is_enabled(unit) {
            let found = format!(
                "only {} starts it, which no usual boot reaches",
                links.join(", ")
            );
            let fix = format!("`systemctl reenable {unit}`");
            faults.push(plain(
                &BOOT_UNIT,
                unit,
                "started by multi-user.target or another target of a usual boot",
                found,
                fix,
                Some(unit),
            ));
        }
    }
    faults.extend(of_sysctl_files(ours));
    faults.extend(not_enabled(ours));
    faults.extend(firewalld(ours));
    faults.extend(other_owners(ours));
    faults
}

/// Values of sysctl.d(5) that keep modules or IPv6 from coming up.
fn of_sysctl_files(ours: &Ours) -> Vec<Fault> {
    let v6 = ours.vips.iter().any(std::net::IpAddr::is_ipv6);
    let nics = ours.audit.host.interfaces.iter().map(|nic| &*nic.name);
    let off = "IPv6 is switched off, and VIPs are of IPv6";
    let v6 = nics.chain(["all", "default"]).map(|name| {
        let path = format!("net/ipv6/conf/{name}/disable_ipv6");
        (path, &BOOT_ADDRESS, off, v6)
    });
    let known = [(
        "kernel/modules_disabled".to_owned(),
        &BOOT_MODULE,
        "no module loads after it is set",
        !ours.modules.is_empty(),
    )];
    let known = known.into_iter().chain(v6);
    let files = &ours.audit.facts().sysctl_file;
    let found = known.filter(|(.., matters)| *matters);
    let mut lines = Vec::new();
    let faults = found.filter_map(|(path, check, does, _)| {
        let by = files.of(&path).filter(|by| by.value == "1")?;
        // One pattern may set several parameters.
        if lines.contains(&(by.file, by.key)) {
            return None;
        }
        lines.push((by.file, by.key));
        let (value, file) = (by.value, by.file);
        let key = path.replace('/', ".");
        let fix = take_out(file, by.key);
        let says = format!("{file} sets {key} to {value} at the next boot: {does}");
        Some(plain(
            check,
            file,
            "it to leave the cluster's part of the host as it is",
            says,
            fix,
            None,
        ))
    });
    faults.collect()
}

/// Services of which the host needs one at boot, beside those of lvsctl: what for, and which.
pub(super) const NEEDED: [(&str, &[&str]); 2] = [
    (
        "sets up the network",
        &[
            "systemd-networkd.service",
            "NetworkManager.service",
            "networking.service",
            "wicked.service",
            "network.service",
        ],
    ),
    (
        "lets lvsctl log in",
        &["ssh.service", "sshd.service", "ssh.socket", "sshd.socket"],
    ),
];

/// Units that run now and that no boot starts.
fn not_enabled(ours: &Ours) -> Vec<Fault> {
    let facts = ours.audit.facts();
    let sources = &facts.boot_source;
    let manager = ServiceManager::of(&facts.system);
    let mut faults = Vec::new();
    for (does, units) in NEEDED {
        let enabled = |unit: &str| {
            let state = facts.unit.units.get(unit);
            let known = state.is_some_and(|state| state.enabled && !state.masked);
            (known && !sources.is_masked(unit)) || sources.is_enabled(unit)
        };
        let active: Vec<&&str> = units
            .iter()
            .filter(|unit| facts.unit.is_active(unit))
            .collect();
        if let (Some(unit), false) = (active.first(), units.iter().any(|unit| enabled(unit))) {
            let unmask = if sources.is_masked(unit) {
                format!("`systemctl unmask {unit}`, then ")
            } else {
                String::new()
            };
            faults.push(plain(
                &BOOT_UNIT,
                unit,
                "enabled",
                format!("active now, and no boot starts it, nor another that {does}"),
                format!("{unmask}`{}`", manager.enable_by_hand(unit)),
                None,
            ));
        }
    }
    faults
}

fn no_services(target: &str, ours: &Ours) -> bool {
    let usual = [
        "multi-user.target",
        "graphical.target",
        "runlevel2.target",
        "runlevel3.target",
        "runlevel4.target",
        "runlevel5.target",
    ];
    let lines = ours
        .audit
        .facts()
        .boot_source
        .lines(&format!("/etc/systemd/system/{target}"))
        .to_vec();
    let pulls = |line: &Line| {
        ["Requires=", "Wants="]
            .iter()
            .any(|key| line.text.starts_with(key))
            && usual.iter().any(|name| line.text.contains(name))
    };
    !usual.contains(&target) && !lines.iter().any(pulls)
}

/// Programs that hold VIPs or IPVS, and are enabled on a director.
fn other_owners(ours: &Ours) -> Vec<Fault> {
    const OTHERS: [&str; 7] = [
        "heartbeat.service",
        "pulse.service",
        "ucarp.service",
        "vrrpd.service",
        "pacemaker.service",
        "corosync.service",
        "seesaw_ecu.service",
    ];
    let facts = ours.audit.facts();
    let manager = ServiceManager::of(&facts.system);
    let found = OTHERS
        .iter()
        .filter(|unit| ours.is_director() && facts.boot_source.is_enabled(unit));
    let faults = found.map(|unit| {
        let mut fault = plain(
            &BOOT_IPVS,
            unit,
            "keepalived or lvsctl alone to hold VIPs and IPVS",
            format!("{unit} starts at boot, and may hold VIPs or write the IPVS table too"),
            format!(
                "`{}`, unless it is known to leave them alone",
                manager.end(unit)
            ),
            None,
        );
        fault.mismatch = fault.mismatch.warning();
        fault
    });
    faults.collect()
}

/// firewalld, enabled for the next boot and not active now, accepts what its default zone names.
fn firewalld(ours: &Ours) -> Option<Fault> {
    let facts = ours.audit.facts();
    let unit = "firewalld.service";
    let sources = &facts.boot_source;
    if !sources.is_enabled(unit)
        || facts.unit.is_active(unit)
        || facts
            .unit
            .units
            .get(unit)
            .is_some_and(|state| !state.loaded)
    {
        return None;
    }
    let lines = sources.lines("/etc/firewalld/firewalld.conf");
    let zone = lines
        .iter()
        .find_map(|line| line.text.strip_prefix("DefaultZone="))
        .unwrap_or("public");
    let zone_file = format!("/etc/firewalld/zones/{zone}.xml");
    let text: String = sources
        .lines(&zone_file)
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    if zone == "trusted" || text.contains("target=\"ACCEPT\"") {
        return None;
    }
    let services = ours
        .audit
        .cluster
        .services
        .iter()
        .filter(|service| ours.is_director() || service.is_served_by(ours.audit.name()));
    let mut closed = services
        .flat_map(|service| {
            service
                .sampled_ports()
                .into_iter()
                .map(move |port| (service.protocol, port))
        })
        .filter(|(protocol, port)| {
            let name = match (port, protocol) {
                (80, Protocol::Tcp) => "http",
                (443, Protocol::Tcp) => "https",
                (53, _) => "dns",
                _ => "",
            };
            let protocol = if *protocol == Protocol::Tcp {
                "tcp"
            } else {
                "udp"
            };
            let opens = text.contains(&format!("port=\"{port}\" protocol=\"{protocol}\""))
                || text.contains(&format!("protocol=\"{protocol}\" port=\"{port}\""));
            !opens && (name.is_empty() || !text.contains(&format!("name=\"{name}\"")))
        });
    let port = closed.next().map(|(_, port)| format!("port {port}"));
    let vrrp =
        (ours.is_director() && !ours.audit.cluster.vrrp.is_empty() && !text.contains("vrrp"))
            .then(|| "VRRP".to_owned());
    let what = port.or(vrrp)?;
    Some(plain(
        &BOOT_FIREWALL,
        unit,
        "a packet filter at the next boot that accepts the cluster's packets",
        format!(
            "{unit} is enabled and not active now: from the next boot on its zone {zone} stops {what}"
        ),
        "`systemctl disable firewalld`, or open it with `firewall-offline-cmd`".to_owned(),
        None,
    ))
}
