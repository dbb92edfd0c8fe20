//! VRRP: mistakes after which an instance has no master, or several.

use std::collections::BTreeMap;
use std::net::IpAddr;

use secrecy::ExposeSecret;

use super::View;
use super::host::secret_source;
use crate::diagnostic::{Fault, shown};
use crate::model::{Host, VrrpInstance, VrrpMember};
use crate::secret::Secrets;

/// keepalived cuts a longer VRRP password, silently but for a line in its log.
pub const MAX_AUTH_PASS: usize = 8;

/// keepalived has one daemon, which goes with one instance.
pub(super) fn sync_daemon(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut with = view.cluster.vrrp.iter().filter(|i| i.sync_daemon);
    let Some(first) = with.next() else { return };
    for instance in with {
        let fault = Fault::new(format!(
            "instance {} has the sync daemon already",
            shown(&first.name)
        ))
        .about(&first.name)
        .help("keepalived runs one sync daemon: set `sync_daemon` in the instance with the most connections");
        faults.push(view.of_vrrp(instance, &["sync_daemon"], fault));
    }
}

pub(super) fn advert_int(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        let seconds = instance.advert_int;
        let v4 = instance.vips.first().is_none_or(|v| v.address.is_ipv4());
        let expected = if v4 {
            (!(1.0..=255.0).contains(&seconds) || seconds.fract() != 0.0)
                .then_some("whole seconds from 1 to 255, as VRRP version 2 knows no others")
        } else {
            (!(0.01..=40.95).contains(&seconds))
                .then_some("seconds from 0.01 to 40.95 (VRRP version 3)")
        };
        if let Some(expected) = expected {
            let fault = Fault::new(format!("{seconds} is no `advert_int` for these VIPs"))
                .help(format!("expected {expected}"));
            faults.push(view.of_vrrp(instance, &["advert_int"], fault));
        }
    }
}

fn network<'c>(view: View<'c>, member: &VrrpMember) -> Option<&'c str> {
    let host = host(view, member)?;
    let interface = host
        .interfaces
        .iter()
        .find(|i| i.name == member.interface)?;
    Some(&interface.network)
}

fn host<'c>(view: View<'c>, member: &VrrpMember) -> Option<&'c Host> {
    view.cluster.hosts.iter().find(|h| h.name == member.host)
}

/// The same id on one segment is a collision, but for IPv4 and IPv6 (RFC 9568, 1).
pub(super) fn ids(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut owners: BTreeMap<(u8, &str, bool), &VrrpInstance> = BTreeMap::new();
    for instance in &view.cluster.vrrp {
        let Some(network) = instance.members.first().and_then(|m| network(view, m)) else {
            continue;
        };
        let id = instance.virtual_router_id;
        let v4 = instance.vips.first().is_none_or(|v| v.address.is_ipv4());
        if let Some(other) = owners.insert((id, network, v4), instance) {
            let fault = Fault::new(format!(
                "virtual_router_id {id} is that of instance {} on the same network",
                shown(&other.name)
            ))
            .about(&other.name)
            .help("give each instance a different id");
            faults.push(view.of_vrrp(instance, &["virtual_router_id"], fault));
        }
    }
}

pub(super) fn vips(view: View<'_>, faults: &mut Vec<Fault>) {
    let mut holders: BTreeMap<IpAddr, &VrrpInstance> = BTreeMap::new();
    for instance in &view.cluster.vrrp {
        let mut families = instance.vips.iter().map(|v| v.address.is_ipv4());
        let first = families.next();
        if families.any(|v4| Some(v4) != first) {
            let fault = Fault::new("one VRRP instance cannot hold IPv4 and IPv6 VIPs")
                .help("write two instances, `v4` and `v6`, each with its `vips`");
            faults.push(view.of_vrrp(instance, &["vips"], fault));
        }
        for (index, vip) in instance.vips.iter().enumerate() {
            let Some(other) = holders.insert(vip.address, instance) else {
                continue;
            };
            let by = if other.name == instance.name {
                "stands twice in the list".to_owned()
            } else {
                format!("is held by instance {} already", shown(&other.name))
            };
            let fault = Fault::new(format!("VIP {} {by}", vip.address)).help("delete one of them");
            faults.push(view.of_vrrp(instance, &["vips", &index.to_string()], fault));
        }
    }
}

/// Multicast adverts do not leave a network; and an address must be the member's own.
pub(super) fn segment(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        let first = instance.members.first().and_then(|m| network(view, m));
        for member in &instance.members {
            let own = network(view, member);
            if !instance.unicast && own != first && own.is_some() {
                let fault = Fault::new(format!(
                    "{} would send adverts into network {}, the others into {}",
                    shown(&member.host),
                    shown(own.unwrap_or_default()),
                    shown(first.unwrap_or_default())
                ))
                .about(&member.host)
                .help("name the shared `interface`, or write `unicast: true`");
                faults.push(view.of_vrrp(instance, &["interface"], fault));
            }
            let holds = |h: &Host| {
                let mut nets = h.interfaces.iter().filter(|i| i.name == member.interface);
                nets.any(|i| i.addresses.iter().any(|a| a.addr() == member.address))
            };
            if host(view, member).is_some_and(|h| !holds(h)) {
                let fault = Fault::new(format!(
                    "{} is no address of {} on {}",
                    member.address,
                    shown(&member.host),
                    shown(&member.interface)
                ))
                .help("leave `address` away to take the interface's own");
                faults.push(view.of_vrrp(instance, &["members", &member.host, "address"], fault));
            }
            let v4 = instance.vips.first().is_none_or(|v| v.address.is_ipv4());
            if member.address.is_ipv4() != v4 {
                let family = if v4 { "IPv4" } else { "IPv6" };
                let fault = Fault::new(format!(
                    "the VIPs are {family}, but {} has no {family} address on {}",
                    shown(&member.host),
                    shown(&member.interface)
                ))
                .help(format!("give its interface an {family} address as well"));
                faults.push(view.at_key(&["hosts", &member.host], fault));
            }
        }
    }
}

pub(super) fn authentication(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        let Some(source) = &instance.auth_pass else {
            continue;
        };
        if let Some(fault) = secret_source(source) {
            faults.push(view.of_vrrp(instance, &["auth_pass", "env"], fault));
        }
        if instance.vips.iter().any(|v| !v.address.is_ipv4()) {
            let fault = Fault::new("VRRP version 3, which IPv6 VIPs need, knows no passwords")
                .help("delete `auth_pass`: it is left out")
                .warning();
            faults.push(view.of_vrrp(instance, &["auth_pass"], fault));
        }
    }
}

pub(super) fn keepalived_is_on(view: View<'_>, faults: &mut Vec<Fault>) {
    if !view.cluster.vrrp.is_empty() && !view.cluster.keepalived {
        let fault = Fault::new("`keepalived: false`, but `vrrp` needs keepalived")
            .help("delete the line `keepalived: false`, or the whole `vrrp`");
        faults.push(view.at(&["keepalived"], fault));
    }
}

pub(super) fn vips_are_there(view: View<'_>, faults: &mut Vec<Fault>) {
    // Real servers without a service are the same mistake.
    if view.cluster.services.is_empty() && view.cluster.hosts.iter().any(Host::is_real_server) {
        return;
    }
    for instance in &view.cluster.vrrp {
        if instance.vips.is_empty() {
            let fault = Fault::new("the VRRP instance has no VIPs to hold")
                .help("add a service, or `vips: [‹vip›]`");
            faults.push(view.of_vrrp(instance, &["vips"], fault));
        }
    }
}

pub(super) fn vips_are_held(view: View<'_>, faults: &mut Vec<Fault>) {
    if view.cluster.vrrp.is_empty() {
        return;
    }
    for service in &view.cluster.services {
        for (index, vip) in service.vips.iter().enumerate() {
            let mut held = view.cluster.vrrp.iter().flat_map(|i| &i.vips);
            let index = index.to_string();
            let path = ["services", service.name.as_str(), "vip", index.as_str()];
            match held.find(|h| h.address == vip.address) {
                None => {
                    let fault = Fault::new(format!("no VRRP instance holds VIP {}", vip.address))
                        .help("add it to an instance's `vips`");
                    faults.push(view.at(&path, fault));
                }
                Some(held) if held.prefix != vip.prefix => {
                    let fault = Fault::new(format!(
                        "VIP {} has prefix /{} here, but /{} in `vrrp`",
                        vip.address, vip.prefix, held.prefix
                    ))
                    .help(format!(
                        "write `{}/{}` here, or change it in `vrrp`",
                        vip.address, held.prefix
                    ));
                    faults.push(view.at(&path, fault));
                }
                Some(_) => {}
            }
        }
    }
}

/// The value of each `auth_pass`; no message shows it.
pub(super) fn passwords(view: View<'_>, secrets: &Secrets, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        let Some(source) = &instance.auth_pass else {
            continue;
        };
        let Some(value) = secrets.get(source) else {
            continue;
        };
        let value = value.expose_secret();
        let length = value.chars().count();
        let why = if value.is_empty() {
            "is empty".to_owned()
        } else if length > MAX_AUTH_PASS {
            format!("has {length} characters, of which VRRP uses the first {MAX_AUTH_PASS} only")
        } else if let Some(what) = unfit(value) {
            format!("has {what}, which keepalived.conf cannot hold")
        } else {
            continue;
        };
        let fault = Fault::new(format!("the password from {source} {why}")).help(format!(
            "choose 1 to {MAX_AUTH_PASS} letters and digits, the same on all directors"
        ));
        faults.push(view.of_vrrp(instance, &["auth_pass"], fault));
    }
}

/// The part of a password that keepalived.conf cannot hold, and roughly its place. The characters beside it are not shown.
fn unfit(value: &str) -> Option<String> {
    let kind = |c: char, next: Option<char>| match (c, next) {
        (' ', _) => Some("blanks"),
        ('"', _) => Some("a `\"`"),
        ('\\', _) => Some("a `\\`"),
        ('$', Some('_')) => Some("`$_`"),
        ('$', Some('{')) => Some("`${`"),
        (c, _) if c.is_control() => Some("a control character"),
        (c, _) if !c.is_ascii() => Some("a character beyond ASCII"),
        _ => None,
    };
    let all: Vec<char> = value.chars().collect();
    let following = all.iter().skip(1).copied().map(Some).chain([None]);
    let mut found = all.iter().copied().zip(following).enumerate();
    let (index, what) = found.find_map(|(index, (c, next))| Some((index, kind(c, next)?)))?;
    let at = match index {
        0 => "at its begin",
        last if last + 1 == all.len() => "at its end",
        _ => "inside",
    };
    Some(format!("{what} {at}"))
}

#[cfg(test)]
mod tests {
    use super::super::quoted;
    use super::*;

    #[test]
    fn what_a_password_may_not_have() {
        for (value, what) in [
            ("s3cr3t", None),
            ("a$b", None),
            ("!#{}'", None),
            (" abc", Some("blanks at its begin")),
            ("abc ", Some("blanks at its end")),
            ("a bc", Some("blanks inside")),
            ("a\"c", Some("a `\"` inside")),
            ("\\ab", Some("a `\\` at its begin")),
            ("a$_b", Some("`$_` inside")),
            ("${a", Some("`${` at its begin")),
            ("aä", Some("a character beyond ASCII at its end")),
            ("a\tb", Some("a control character inside")),
        ] {
            assert_eq!(unfit(value).as_deref(), what, "{value:?}");
            assert_eq!(
                what.is_some(),
                value.contains(' ') || quoted::is_unfit(value),
                "{value:?}"
            );
        }
    }
}
