//! The facts that checks need beyond those of resources, and the requests by which a real server asks its services itself
//! while it is probed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::fact::{Needs, Section};
use crate::inventory::model::{Cluster, Host, Mode, Protocol, Service};
use crate::keepalived::CONFIGURATION;
use crate::resource::ipvs::KEEPALIVED;

use super::end_to_end::{self, Replies};
use super::{place, source};

/// The section's name.
pub const SECTION: &str = "own-answer";

/// Whether services are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    Sent,
    LeftOut,
}

/// The parameters that are looked at on each interface.
pub const OF_INTERFACES: [&str; 4] = ["arp_ignore", "arp_announce", "rp_filter", "send_redirects"];

const SYSCTLS: [&str; 3] = [
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv4/vs/conntrack",
    "/proc/sys/net/ipv4/vs/run_estimation",
];

/// Where Debian's ipvsadm.service reads whether it restores an IPVS table at boot.
pub const IPVSADM_DEFAULTS: &str = "/etc/default/ipvsadm";

/// Units that write the IPVS table.
pub const TABLE_WRITERS: [&str; 3] = ["ipvsadm.service", "ldirectord.service", KEEPALIVED];

/// The facts that checks need beyond those of resources.
pub fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    needs.clock.get_or_insert_default();
    needs.sysctl_file.get_or_insert_default();
    let sysctls = needs.sysctl.get_or_insert_default();
    sysctls.of_interfaces.extend(OF_INTERFACES);
    sysctls.paths.extend(SYSCTLS.map(str::to_owned));
    routes(cluster, host, needs);
    if cluster.serves(host) || host.is_director() {
        needs.firewall.get_or_insert_default().all = true;
    }
    let mut services = place::services_of(cluster, host).peekable();
    if services.peek().is_some() {
        let listeners = needs.listener.get_or_insert_default();
        listeners.udp |= services.any(|service| service.protocol == Protocol::Udp);
    }
    if host.is_director() {
        of_director(cluster, host, needs);
    }
}

fn of_director(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    let units = needs.unit.get_or_insert_default();
    units.extend(TABLE_WRITERS.map(str::to_owned));
    needs.ipvs.get_or_insert_default().audit = true;
    let keepalived = needs.keepalived.get_or_insert_default();
    keepalived.test = true;
    keepalived.states |= cluster.keepalived;
    let files = needs.file.get_or_insert_default();
    files.insert(IPVSADM_DEFAULTS.to_owned());
    if cluster.keepalived {
        files.insert(CONFIGURATION.to_owned());
    }
    let interfaces = host.interfaces.iter().map(|nic| nic.name.clone());
    needs.offload.get_or_insert_default().extend(interfaces);
}

/// Routes to VIPs, of answers, and to the hosts that health checks and directors use.
fn routes(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    let asks = needs.route_to.get_or_insert_default();
    asks.extend(cluster.service_vips().into_iter().map(|vip| (vip, None)));
    if cluster.serves(host) {
        let mut to: Vec<IpAddr> = place::clients(cluster).map(|c| c.address).collect();
        to.extend(place::OUTSIDE);
        for from in place::answers_from(cluster, host) {
            let near = to.iter().filter(|to| to.is_ipv4() == from.is_ipv4());
            asks.extend(near.map(|to| (*to, Some(from))));
        }
    }
    let to = source::asked(cluster, host).into_keys();
    asks.extend(to.map(|to| (to, None)));
}

/// A section of the probe beside the facts: the traffic that a host sends to itself alone.
pub fn of(cluster: &Cluster, host: &Host, traffic: Traffic) -> String {
    let own = match traffic {
        Traffic::Sent => own_answers(cluster, host),
        Traffic::LeftOut => String::new(),
    };
    if own.is_empty() {
        return own;
    }
    format!("section={SECTION}\n{}{own}", end_to_end::functions())
}

/// What a host got when it asked a VIP that it holds itself.
pub fn own(section: &Section) -> BTreeMap<SocketAddr, Replies> {
    let own = section.parts_of("own").filter_map(|(target, text)| {
        let (address, port) = target.rsplit_once(' ')?;
        let address = SocketAddr::new(address.parse().ok()?, port.parse().ok()?);
        Some((address, end_to_end::replies(text)))
    });
    own.collect()
}

/// A real server that asks for a VIP answers itself: that proves its listener, and nothing else. A director's question
/// would go where its IPVS sends it.
fn own_answers(cluster: &Cluster, host: &Host) -> String {
    let direct: Vec<&Service> = place::services_of(cluster, host)
        .filter(|s| s.mode != Mode::Nat && s.protocol == Protocol::Tcp)
        .filter(|_| !host.is_director())
        .collect();
    if direct.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for service in direct {
        for vip in &service.vips {
            let vip = vip.address;
            // A VIP that is not here would be asked of the director.
            text.push_str(&format!(
                "case $(ip -o addr show to {vip} 2>/dev/null) in ?*)\n"
            ));
            for port in service.known_ports() {
                text.push_str(&format!(
                    "part own {vip} {port}\n{}",
                    end_to_end::ask_once(service, vip, port)
                ));
            }
            text.push_str(";; esac\n");
        }
    }
    text
}
