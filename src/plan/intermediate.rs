//! Intermediate keepalived files for changes of VRRP that one reload cannot make without a VIP on two directors or on none.
//! Pure: text to text. Which director loads which file, and when, is decided in [`super::load`].
//!
//! What keepalived does (vrrp.c, vrrp_scheduler.c; 2.0.5 to 2.4.3):
//! - A backup takes over 3 × `advert_int` + skew after its reload if no advert that it accepts comes.
//! - An instance that a reload begins is a backup, except that of an address owner (priority 255, `state MASTER`): it is
//!   master at once. The next reload keeps it master, whatever its priority is then.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::keepalived;

/// The longest interval of VRRPv3 in seconds (RFC 9568, 5.2.7). With it a backup waits two minutes before a takeover.
const LONG_INTERVAL: &str = "40";

/// The priority of an address owner (RFC 3768, 5.3.4).
const OWNER: &str = "255";

/// A link-local address in the intermediate file; once it is set, keepalived has made the instance master.
pub(super) fn sign(id: &str, v6: bool) -> IpAddr {
    let id: u8 = id.parse().unwrap_or_default();
    if v6 {
        IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0x71, u16::from(id)])
    } else {
        IpAddr::from([169, 254, 113, id])
    }
}

/// A line of a file, with the instance that it is in and how deep in its braces it is.
struct Line<'t> {
    text: &'t str,
    instance: Option<&'t str>,
    depth: usize,
}

fn lines(content: &str) -> impl Iterator<Item = Line<'_>> {
    let (mut instance, mut depth) = (None, 0_usize);
    content.lines().map(move |text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let ["vrrp_instance", name, ..] = words.as_slice() {
            (instance, depth) = (Some(*name), 0);
        }
        let line = Line {
            text,
            instance,
            depth,
        };
        // Quoted text may have braces, so only the last word of a line opens or closes a block.
        match words.last() {
            Some(&"{") => depth += 1,
            Some(&"}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            instance = None;
        }
        line
    })
}

/// The file with a long advert interval in these instances, so that a backup does not take over for two minutes.
pub(super) fn patient(content: &str, instances: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for line in lines(content) {
        let inside = line.instance.is_some_and(|name| instances.contains(name));
        let word = line.text.split_whitespace().next();
        match word {
            Some("vrrp_instance") if inside => {
                let _ = writeln!(text, "{}\n    advert_int {LONG_INTERVAL}", line.text);
            }
            Some("advert_int") if inside && line.depth == 1 => {}
            _ => {
                let _ = writeln!(text, "{}", line.text);
            }
        }
    }
    text
}

/// The file with these instances as address owners, which become master at once, and with the address of [`sign`] in each.
pub(super) fn owner(content: &str, instances: &BTreeSet<String>) -> String {
    let all = keepalived::instances(content);
    let mut text = String::new();
    for line in lines(content) {
        let of = line.instance.filter(|name| instances.contains(*name));
        let of = of.and_then(|name| all.iter().find(|instance| instance.name == name));
        let Some(instance) = of else {
            let _ = writeln!(text, "{}", line.text);
            continue;
        };
        let shown = format!(
            "        {} dev {}",
            host_route(sign_of(instance)),
            instance.interface
        );
        let words: Vec<&str> = line.text.split_whitespace().collect();
        match (line.depth, words.as_slice()) {
            (0, ["vrrp_instance", ..]) => {
                let _ = writeln!(
                    text,
                    "{}\n    state MASTER\n    priority {OWNER}",
                    line.text
                );
                if instance.vips == instance.advertised {
                    let _ = writeln!(text, "    virtual_ipaddress_excluded {{\n{shown}\n    }}");
                }
            }
            // keepalived warns about these statements of an address owner.
            (1, ["state" | "priority" | "nopreempt" | "preempt_delay", ..]) => {}
            (1, ["virtual_ipaddress_excluded", "{"]) => {
                let _ = writeln!(text, "{}\n{shown}", line.text);
            }
            _ => {
                let _ = writeln!(text, "{}", line.text);
            }
        }
    }
    text
}

fn sign_of(instance: &keepalived::Instance) -> IpAddr {
    sign(&instance.virtual_router_id, is_v6(instance))
}

/// The family of the advertised VIPs; excluded VIPs may have another.
fn is_v6(instance: &keepalived::Instance) -> bool {
    let mut vips = instance.advertised.iter();
    let first = vips.find_map(|vip| keepalived::address(vip));
    first.is_some_and(|vip| vip.is_ipv6())
}

fn host_route(address: IpAddr) -> String {
    let prefix = if address.is_ipv6() { 128 } else { 32 };
    format!("{address}/{prefix}")
}

/// A link-local placeholder address for an instance that would have no VIP between two reloads: keepalived requires one.
fn stand_in(id: &str, v6: bool) -> String {
    let id: u8 = id.parse().unwrap_or_default();
    if v6 {
        format!("fe80::70:{id:x}/128")
    } else {
        format!("169.254.112.{id}/32")
    }
}

/// The file without these VIPs.
pub(super) fn without(content: &str, vips: &BTreeSet<IpAddr>) -> String {
    let instances = keepalived::instances(content);
    let (mut text, mut instance, mut block, mut left) = (String::new(), None, "", 0);
    for line in content.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["vrrp_instance", name, ..] => instance = instances.iter().find(|i| i.name == *name),
            [
                name @ ("virtual_ipaddress" | "virtual_ipaddress_excluded"),
                ..,
            ] => {
                (block, left) = (*name, 0);
            }
            ["}"] if !block.is_empty() => {
                if let Some(instance) =
                    instance.filter(|_| block == "virtual_ipaddress" && left == 0)
                {
                    let v6 = is_v6(instance);
                    let vip = stand_in(&instance.virtual_router_id, v6);
                    let _ = writeln!(text, "        {vip} dev {}", instance.interface);
                }
                block = "";
            }
            [first, ..] if !block.is_empty() => {
                if keepalived::address(first).is_some_and(|vip| vips.contains(&vip)) {
                    continue;
                }
                left += 1;
            }
            _ => {}
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "global_defs {\n    router_id lb1\n}\n\
        vrrp_script check {\n    script \"/bin/check {\"\n}\n\
        vrrp_instance a {\n    # Comment.\n    state BACKUP\n    interface eth0\n    virtual_router_id 10\n    priority 100\n    \
        advert_int 1\n    nopreempt\n    preempt_delay 5\n    virtual_ipaddress {\n        10.0.0.1/32 dev eth0\n    }\n}\n\
        vrrp_instance b {\n    state BACKUP\n    interface eth1\n    virtual_router_id 11\n    priority 90\n    advert_int 2\n    \
        virtual_ipaddress {\n        fd00::1/128 dev eth1\n    }\n    virtual_ipaddress_excluded {\n        10.1.0.1/32 dev eth1\n    }\n}\n\
        virtual_server 10.0.0.1 80 {\n    delay_loop 6\n    priority\n}\n";

    fn names(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Lines that are in one text alone.
    fn differences(before: &str, after: &str) -> Vec<String> {
        let diff = similar::TextDiff::from_lines(before, after);
        let changes = diff.iter_all_changes();
        let changes = changes.filter(|change| change.tag() != similar::ChangeTag::Equal);
        changes
            .map(|change| format!("{}{}", change.tag(), change.value().trim()))
            .collect()
    }

    #[test]
    fn a_patient_backup_has_another_interval_alone() {
        for (instances, expected) in [
            (names(&[]), vec![]),
            (names(&["a"]), vec!["+advert_int 40", "-advert_int 1"]),
            (names(&["b"]), vec!["+advert_int 40", "-advert_int 2"]),
        ] {
            let text = patient(FILE, &instances);
            assert_eq!(differences(FILE, &text), expected, "{instances:?}");
            for instance in keepalived::instances(&text) {
                let is_patient = instance.advert_int == LONG_INTERVAL;
                assert_eq!(is_patient, instances.contains(&instance.name), "{text}");
            }
        }
    }

    #[test]
    fn an_owner_is_master_at_once_and_shows_a_sign() {
        let a = [
            "+state MASTER",
            "+priority 255",
            "+virtual_ipaddress_excluded {",
            "+169.254.113.10/32 dev eth0",
            "+}",
            "-state BACKUP",
            "-priority 100",
            "-nopreempt",
            "-preempt_delay 5",
        ];
        let b = [
            "+state MASTER",
            "+priority 255",
            "-state BACKUP",
            "-priority 90",
            "+fe80::71:b/128 dev eth1",
        ];
        for (instances, expected) in [
            (names(&[]), vec![]),
            (names(&["a"]), a.to_vec()),
            (names(&["b"]), b.to_vec()),
        ] {
            let text = owner(FILE, &instances);
            let mut found = differences(FILE, &text);
            let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{instances:?}");
            for instance in keepalived::instances(&text) {
                let is_owner = instance.priority == OWNER;
                assert_eq!(is_owner, instances.contains(&instance.name), "{text}");
            }
        }
    }
}
