//! Kernel parameters that sources other than sysctl.d(5) set. Pure.

use super::harm::Harm;
use super::ours::Ours;
use crate::check::sysctl_at_boot::{OF_INTERFACES, PERSISTED_SYSCTL};
use crate::fact::sysctl_file;
use crate::resource::Resource;

/// The harm of a value for a parameter, named as in sysctl(8) or by its path below /proc/sys. None: the value is the desired
/// or the running one, or the host does not need the parameter.
pub(super) fn harm(key: &str, value: &str, ours: &Ours) -> Option<Harm> {
    let value = value.trim_matches(['"', '\'']).trim();
    if value.is_empty() || value.contains('$') {
        return None;
    }
    let below = sysctl_file::path(key);
    let path = format!("/proc/sys/{below}");
    let desired = ours
        .audit
        .run
        .desired
        .iter()
        .find_map(|resource| match resource {
            Resource::Sysctl(sysctl) if sysctl.path() == path => Some(sysctl),
            _ => None,
        });
    if let Some(sysctl) = desired {
        let wrong = !sysctl.holds(value);
        return wrong.then(|| of(&sysctl.name, value, &sysctl.value));
    }
    let (rest, name) = below.rsplit_once('/')?;
    let interface = rest.strip_prefix("net/ipv4/conf/")?;
    let known = interface == "all" || ours.interfaces.contains(interface);
    if !known || !OF_INTERFACES.contains(&name) {
        return None;
    }
    let runs = ours.audit.facts().sysctl.get(&path)?.trim();
    let key = format!("net.ipv4.conf.{}.{name}", interface.replace('.', "/"));
    (runs != value).then(|| of(&key, value, runs))
}

fn of(name: &str, value: &str, desired: &str) -> Harm {
    Harm {
        sysctl: Some(name.to_owned()),
        ..Harm::new(
            &PERSISTED_SYSCTL,
            format!("sets {name} to {value} in place of {desired}"),
        )
    }
}
