//! What keepalived's VRRP instances are on a host: master, backup or in fault. Only keepalived's log says it without a
//! change on the host: its data dump (SIGUSR1) writes a file. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use strum::Display;

use crate::fact::address::Addresses;
use crate::inventory::model::{Cluster, Host, VrrpInstance};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "UPPERCASE")]
pub enum State {
    Master,
    Backup,
    /// Something that the instance tracks is down: it takes no part.
    Fault,
}

/// Prints what keepalived logged of its instances since it was started; a reload is no start.
pub const LOGGED: &str = r#"if [ -d /run/systemd/system ]; then
i=$(systemctl show --property=InvocationID --value keepalived.service 2>/dev/null)
if [ -n "$i" ]; then journalctl --no-pager --quiet -o cat "_SYSTEMD_INVOCATION_ID=$i" 2>/dev/null | grep -E 'ntering [A-Z]+ (STATE|state)'; fi
else grep -hsE 'Starting Keepalived v|Starting VRRP child|ntering [A-Z]+ (STATE|state)' /var/log/messages | tail -n 500; fi
"#;

/// The last state that was logged of each instance, by its name.
pub fn logged(text: &str) -> BTreeMap<String, State> {
    let mut states = BTreeMap::new();
    for line in text.lines() {
        if line.contains("Starting Keepalived v") || line.contains("Starting VRRP child") {
            states.clear();
        } else if let Some((name, state)) = entered(line) {
            states.insert(name.to_owned(), state);
        }
    }
    states
}

/// `(web) Entering FAULT STATE (init)`, `(web): entering FAULT state`.
fn entered(line: &str) -> Option<(&str, State)> {
    let (before, after) = line
        .split_once(" Entering ")
        .or_else(|| line.split_once(" entering "))?;
    let before = before.trim_end_matches(':').strip_suffix(')')?;
    let (_, name) = before.rsplit_once('(')?;
    let state = match after.split_whitespace().next()? {
        "MASTER" => State::Master,
        "BACKUP" => State::Backup,
        "FAULT" => State::Fault,
        _ => return None,
    };
    Some((name, state))
}

/// What may be why an instance is in FAULT: interfaces that are down, else whatever it tracks.
pub fn why_in_fault(
    cluster: &Cluster,
    host: &Host,
    instance: &VrrpInstance,
    addresses: &Addresses,
) -> String {
    let me = instance.members.iter().find(|m| m.host == host.name);
    let mut interfaces: Vec<&str> = me.iter().map(|m| m.interface.as_str()).collect();
    let vips = instance.vips.iter();
    let facing = vips.filter_map(|vip| host.facing(vip.address));
    interfaces.extend(facing.map(|nic| nic.name.as_str()));
    interfaces.extend(instance.track_interfaces.iter().map(String::as_str));
    interfaces.sort_unstable();
    interfaces.dedup();
    let up = |name: &str| addresses.links.iter().any(|l| l.name == name && l.up);
    let down: Vec<&str> = interfaces.into_iter().filter(|name| !up(name)).collect();
    if !down.is_empty() {
        return format!("{} is down", down.join(" and "));
    }
    let scripts = instance.track_scripts.iter().filter(|t| t.weight == 0);
    let scripts: Vec<&str> = scripts.map(|t| t.name.as_str()).collect();
    match scripts.as_slice() {
        [] if cluster.vrrp.len() > 1 => {
            "an interface has no carrier, or another instance of its group is in FAULT".to_owned()
        }
        [] => "an interface has no carrier".to_owned(),
        all => format!(
            "the tracked program {} fails, or an interface has no carrier",
            all.join(" or ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_of_each_instance_counts() {
        for (text, expected) in [
            ("", vec![]),
            (
                "(main) Entering BACKUP STATE (init)",
                vec![("main", State::Backup)],
            ),
            (
                "(main) Entering BACKUP STATE (init)\n(main) Entering MASTER STATE",
                vec![("main", State::Master)],
            ),
            (
                "(a) Entering MASTER STATE\n(b) Entering BACKUP STATE\n(a) Entering FAULT STATE",
                vec![("a", State::Fault), ("b", State::Backup)],
            ),
            // keepalived 2.0.5 to 2.4.3 at a start and a reload.
            (
                "(main) Entering FAULT STATE (init)",
                vec![("main", State::Fault)],
            ),
            ("(main) entering FAULT state", vec![("main", State::Fault)]),
            (
                "(main): entering FAULT state (src address not configured)",
                vec![("main", State::Fault)],
            ),
            (
                "(main) Entering FAULT STATE\n(main) Entering BACKUP STATE",
                vec![("main", State::Backup)],
            ),
            // A system log, with a start in between.
            (
                "Nov 28 01:19:01 lb1 daemon.info Keepalived_vrrp[333]: (old) Entering MASTER STATE\n\
                 Nov 28 01:20:01 lb1 daemon.info Keepalived[330]: Starting Keepalived v2.2.7 (01/16,2022)\n\
                 Nov 28 01:20:02 lb1 daemon.info Keepalived_vrrp[333]: (main) Entering BACKUP STATE (init)",
                vec![("main", State::Backup)],
            ),
            ("VRRP_Group(nat) Syncing instances to FAULT state", vec![]),
            ("(main) Entering SOME STATE", vec![]),
            ("Entering MASTER STATE", vec![]),
        ] {
            let expected: BTreeMap<String, State> = expected
                .into_iter()
                .map(|(name, state)| (name.to_owned(), state))
                .collect();
            assert_eq!(logged(text), expected, "{text}");
        }
    }
}
