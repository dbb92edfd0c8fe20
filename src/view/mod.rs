//! What roles and templates see of a cluster from one of its hosts. Decisions that would be clumsy in a template
//! are made here, from values to values.

mod around;
mod checker;
mod checks;

pub use checker::{checked, unit as checker_unit};

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use crate::inventory::model::{
    ArpAnswer, Cluster, HealthCheckKind, Host, Mode, RealServer, Scheduler, Service, Vip,
    VrrpInstance, Watch,
};
use crate::manifest;
use crate::resource::Distribution;
use crate::resource::ipvs::{Definition, Destination, Ipvs, Virtual};
use crate::resource::manager;
use crate::resource::mark::{Mark, PORTS_PER_RULE};
use crate::resource::package::AtLeast;

/// The variables. docs/roles.md tells what each is.
pub fn of(cluster: &Cluster, host: &Host, os: &Distribution) -> Value {
    let vrrp: Vec<Value> = cluster
        .vrrp
        .iter()
        .filter_map(|instance| vrrp_member(cluster, instance, host))
        .collect();
    json!({
        "cluster": { "name": cluster.name, "keepalived": cluster.keepalived, "vars": cluster.vars },
        "host": host,
        "os": os,
        "hosts": cluster.hosts,
        "services": cluster.services.iter().map(service).collect::<Vec<_>>(),
        "vrrp": vrrp,
        "vrrp_group": vrrp_group(cluster),
        "real_vips": real_vips(cluster, host),
        "director_vips": director_vips(cluster, host),
        "arp": cluster.arp,
        "silent": silent(cluster, host),
        "arp_scopes": host.vars.get("arp_scopes").cloned().unwrap_or_else(|| json!(["all", "lo"])),
        "arp_rules": arp_rules(cluster, host),
        "tunnels": tunnels(cluster, host),
        "v6": cluster.services.iter().flat_map(|s| &s.vips).any(|vip| vip.address.is_ipv6()),
        "nat_gateways": around::nat_gateways(cluster, host),
        "neighbours": around::neighbours(cluster, host),
        "listens": around::listens(cluster, host),
        "more_web_ports": around::more_web_ports(cluster, host),
        "answers": around::answers(cluster, host, os),
        "exports": around::exports(cluster, host),
        "mounts": around::mounts(cluster, host, os),
        "checked": checked(cluster),
        "checker": checker::program(cluster, os),
        "marks": marks(cluster),
        "ipvs": ipvs(cluster),
        "modules": modules(cluster),
        "keepalived_at_least": keepalived_at_least(cluster),
        "persistent": cluster.services.iter().any(|s| s.persistence.is_some()),
        "watched_units": watched_units(cluster, host),
    })
}

/// The oldest keepalived that has what our configuration says. The rest of it is older.
fn keepalived_at_least(cluster: &Cluster) -> AtLeast {
    let checks = cluster
        .services
        .iter()
        .filter_map(|s| s.health_check.as_ref());
    let text = checks.into_iter().any(|check| match &check.kind {
        HealthCheckKind::Http(answer) | HealthCheckKind::Https(answer) => answer.text.is_some(),
        HealthCheckKind::Tcp | HealthCheckKind::Script { .. } => false,
    });
    let (version, because) = if text {
        ("2.0.7", "`text` of a health check is its `regex`")
    } else {
        ("2.0.5", "`keepalived -t` tells of faults")
    };
    AtLeast {
        version: version.to_owned(),
        because: because.to_owned(),
    }
}

/// Instances that move together: in NAT the VIP of the clients and the real servers' gateway belong on one director.
/// Directors that share the work have each its own instances, which do not.
fn vrrp_group(cluster: &Cluster) -> Vec<&str> {
    let nat = cluster.services.iter().any(|s| s.mode == Mode::Nat);
    let members = |instance: &VrrpInstance| -> Vec<String> {
        let members = instance.members.iter();
        members.map(|member| member.host.clone()).collect()
    };
    let Some(first) = cluster.vrrp.first().map(members) else {
        return Vec::new();
    };
    if !nat || cluster.vrrp.len() < 2 || cluster.vrrp.iter().any(|i| members(i) != first) {
        return Vec::new();
    }
    cluster.vrrp.iter().map(|i| i.name.as_str()).collect()
}

/// A service with its virtual servers beside it, since keepalived has one block for each.
fn service(service: &Service) -> Value {
    let mut value = json!(service);
    if let Value::Object(map) = &mut value {
        map.insert(
            "virtuals".to_owned(),
            virtuals(service)
                .into_iter()
                .map(|v| virtual_server(service, v))
                .collect(),
        );
        map.insert("granularity".to_owned(), json!(granularity(service)));
    }
    value
}

/// As keepalived takes it: a netmask for IPv4, a prefix length for IPv6, nothing where each client is one of its own.
fn granularity(service: &Service) -> Option<String> {
    let prefix = service.persistence?.granularity;
    let v6 = service.vips.iter().any(|vip| vip.address.is_ipv6());
    match (v6, prefix) {
        (false, 32) | (true, 128) => None,
        (true, prefix) => Some(prefix.to_string()),
        (false, prefix) => {
            let net = ipnet::Ipv4Net::new(Ipv4Addr::UNSPECIFIED, prefix).ok()?;
            Some(net.netmask().to_string())
        }
    }
}

fn virtual_server(service: &Service, to: Virtual) -> Value {
    let (head, port) = match to {
        Virtual::Fwmark { mark, .. } => (format!("fwmark {mark}"), 0),
        Virtual::Tcp(address) | Virtual::Udp(address) => (
            format!("{} {}", address.ip(), address.port()),
            address.port(),
        ),
    };
    let real_servers: Vec<Value> = service
        .real_servers
        .iter()
        .map(|rs| json!({ "address": rs.address, "port": rs.port.unwrap_or(port), "weight": rs.weight, "check_ports": checks::ports(service, rs, to) }))
        .collect();
    let sorry = service.sorry_server.map(|sorry| {
        let own = if port == 0 {
            service.ports.first().copied()
        } else {
            Some(port)
        };
        json!({ "address": sorry.address, "port": sorry.port.or(own).unwrap_or(0) })
    });
    json!({
        "head": head, "fwmark": matches!(to, Virtual::Fwmark { .. }), "real_servers": real_servers, "sorry": sorry,
    })
}

/// One virtual service for a mark; otherwise one for each VIP and port.
pub fn virtuals(service: &Service) -> Vec<Virtual> {
    if let Some(mark) = service.fwmark {
        let mut families: Vec<bool> = service
            .vips
            .iter()
            .map(|vip| vip.address.is_ipv6())
            .collect();
        families.dedup();
        return families
            .into_iter()
            .map(|v6| Virtual::Fwmark { mark, v6 })
            .collect();
    }
    let ports: &[u16] = if service.ports.is_empty() {
        &[0]
    } else {
        &service.ports
    };
    let pairs = service
        .vips
        .iter()
        .flat_map(|vip| ports.iter().map(move |port| (vip.address, *port)));
    pairs
        .map(|(address, port)| Virtual::new(service.protocol, address, port))
        .collect()
}

/// The virtual services of the directors, as the kernel shall have them.
pub fn ipvs(cluster: &Cluster) -> Vec<Ipvs> {
    let of_service = |service: &Service| {
        let make = |to| Ipvs {
            service: Definition {
                r#virtual: to,
                scheduler: service.scheduler,
                flags: service.scheduler_flags.iter().cloned().collect(),
                persistence: service.persistence.map(|p| (p.timeout, p.granularity)),
                one_packet: service.one_packet,
            },
            real_servers: service
                .real_servers
                .iter()
                .map(|rs| destination(service, to, rs))
                .collect(),
            keepalived: cluster.keepalived,
            sorry: service.sorry_server.map(|sorry| {
                let port = match to {
                    Virtual::Tcp(at) | Virtual::Udp(at) => sorry.port.unwrap_or(at.port()),
                    Virtual::Fwmark { .. } => 0,
                };
                SocketAddr::new(sorry.address, port)
            }),
            drain: 30,
        };
        virtuals(service).into_iter().map(make).collect::<Vec<_>>()
    };
    cluster.services.iter().flat_map(of_service).collect()
}

fn destination(service: &Service, to: Virtual, rs: &RealServer) -> Destination {
    let port = match to {
        Virtual::Tcp(address) | Virtual::Udp(address) => rs.port.unwrap_or(address.port()),
        Virtual::Fwmark { .. } => 0,
    };
    Destination {
        address: SocketAddr::new(rs.address, port),
        mode: service.mode,
        weight: rs.weight.into(),
        asks: checks::asks(service, rs, to),
        tunnel: None,
    }
}

/// The mark rules of the directors.
pub fn marks(cluster: &Cluster) -> Vec<Mark> {
    let mut marks = Vec::new();
    for service in &cluster.services {
        let Some(mark) = service.fwmark else { continue };
        let groups: Vec<&[u16]> = if service.ports.is_empty() {
            vec![&[]]
        } else {
            service.ports.chunks(PORTS_PER_RULE).collect()
        };
        let rules = service
            .vips
            .iter()
            .flat_map(|vip| groups.iter().map(move |ports| (vip.address, *ports)));
        for (index, (destination, ports)) in rules.enumerate() {
            let number = if index == 0 {
                String::new()
            } else {
                format!("#{}", index + 1)
            };
            marks.push(Mark {
                comment: format!("lvsctl:{}/{}{number}", cluster.name, service.name),
                destination,
                protocol: service.protocol,
                ports: ports.to_vec(),
                mark,
            });
        }
    }
    marks
}

/// VIPs that a real server itself must hold: it gets packets for them.
fn real_vips(cluster: &Cluster, host: &Host) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mine = cluster
        .services
        .iter()
        .filter(|s| s.mode != Mode::Nat && s.real_servers.iter().any(|rs| rs.host == host.name));
    mine.flat_map(|service| {
        service
            .vips
            .iter()
            .map(move |vip| (vip.address, service.mode))
    })
    .filter(|(address, _)| seen.insert(*address))
    .enumerate()
    .map(|(index, (address, mode))| {
        let interface = mode.home(address);
        let prefix = if address.is_ipv6() { 128 } else { 32 };
        json!({
            "address": format!("{address}/{prefix}"), "interface": interface, "route": address.is_ipv4(),
            "label": address.is_ipv4().then(|| format!("{interface}:{index}")),
        })
    })
    .collect()
}

/// IPv4 VIPs that a real server itself holds.
fn held_v4(cluster: &Cluster, host: &Host) -> BTreeSet<Ipv4Addr> {
    let mine = cluster
        .services
        .iter()
        .filter(|s| s.mode != Mode::Nat && s.real_servers.iter().any(|rs| rs.host == host.name));
    let vips = mine.flat_map(|s| &s.vips).map(|vip| vip.address);
    vips.filter_map(|vip| match vip {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    })
    .collect()
}

/// Whether arp_ignore and arp_announce are what keeps a host from speaking for a VIP.
fn silent(cluster: &Cluster, host: &Host) -> bool {
    cluster.arp == ArpAnswer::Sysctl && !held_v4(cluster, host).is_empty()
}

/// Rules that keep a host from speaking for a VIP, where they are chosen.
fn arp_rules(cluster: &Cluster, host: &Host) -> Vec<Value> {
    if cluster.arp != ArpAnswer::Arptables {
        return Vec::new();
    }
    let vips = held_v4(cluster, host).into_iter();
    vips.map(|vip| json!({ "vip": vip, "rip": host.address }))
        .collect()
}

/// Interfaces that bring tunnelled packets to a real server, each with the module that makes it.
fn tunnels(cluster: &Cluster, host: &Host) -> Vec<Value> {
    let mine =
        |s: &&Service| s.mode == Mode::Tun && s.real_servers.iter().any(|rs| rs.host == host.name);
    let families: BTreeSet<bool> = cluster
        .services
        .iter()
        .filter(mine)
        .flat_map(|s| &s.vips)
        .map(|vip| vip.address.is_ipv6())
        .collect();
    families
        .into_iter()
        .map(|v6| {
            let (name, module) = if v6 {
                ("ip6tnl0", "ip6_tunnel")
            } else {
                ("tunl0", "ipip")
            };
            json!({ "name": name, "module": module, "v6": v6 })
        })
        .collect()
}

/// The interface of a host in the network of an address.
fn facing(host: &Host, address: IpAddr) -> Option<&str> {
    let mut nics = host.interfaces.iter();
    let facing = nics.find(|i| i.addresses.iter().any(|net| net.contains(&address)));
    facing.map(|i| i.name.as_str())
}

/// VIPs that a director holds where nobody moves them, each on the interface of its network.
fn director_vips(cluster: &Cluster, host: &Host) -> Vec<Value> {
    if !cluster.vrrp.is_empty() {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    cluster
        .services
        .iter()
        .flat_map(|service| &service.vips)
        .filter(|vip| seen.insert(vip.address))
        .enumerate()
        .map(|(index, vip)| {
            let interface = facing(host, vip.address).unwrap_or(&host.interface);
            json!({
                "address": format!("{}/{}", vip.address, vip.prefix), "interface": interface,
                // Only IPv4 addresses have labels.
                "label": vip.address.is_ipv4().then(|| format!("{interface}:{index}")),
            })
        })
        .collect()
}

/// Units that this director watches for VRRP, each with the program that asks.
fn watched_units(cluster: &Cluster, host: &Host) -> Vec<Value> {
    let mine = cluster
        .vrrp
        .iter()
        .filter(|i| i.members.iter().any(|m| m.host == host.name));
    let all = mine.flat_map(|instance| instance.track_scripts.iter().map(move |t| (instance, t)));
    all.filter_map(|(instance, tracker)| {
        let Watch::Unit { unit, restart } = &tracker.watch else {
            return None;
        };
        let path = watcher(cluster, &instance.name, &tracker.name);
        let mark = format!(
            "{}/{}-{}.restarted",
            manifest::runtime(&cluster.name),
            instance.name,
            tracker.name
        );
        Some(json!({ "path": path, "mark": mark, "unit": unit, "service": manager::service(unit), "restart": restart }))
    })
    .collect()
}

/// The program that keepalived runs for a watched unit.
fn watcher(cluster: &Cluster, instance: &str, tracker: &str) -> String {
    format!(
        "/usr/local/sbin/lvsctl-{}-{instance}-{tracker}",
        cluster.name
    )
}

fn vrrp_member(cluster: &Cluster, instance: &VrrpInstance, host: &Host) -> Option<Value> {
    let me = instance
        .members
        .iter()
        .find(|member| member.host == host.name)?;
    let peers: Vec<_> = instance
        .members
        .iter()
        .filter(|member| member.host != host.name)
        .map(|member| member.address)
        .collect();
    let mut value = json!(instance);
    if let Value::Object(map) = &mut value {
        map.insert("me".to_owned(), json!(me));
        map.insert("peers".to_owned(), json!(peers));
        // keepalived tracks the instance's own interface anyway, and complains when it is told to.
        let vips: Vec<(&Vip, &str)> = instance
            .vips
            .iter()
            .map(|vip| (vip, facing(host, vip.address).unwrap_or(&me.interface)))
            .collect();
        let mut others: BTreeSet<&str> = vips.iter().map(|(_, interface)| *interface).collect();
        others.extend(instance.track_interfaces.iter().map(String::as_str));
        others.remove(me.interface.as_str());
        map.insert("other_interfaces".to_owned(), json!(others));
        let vips = vips.iter().map(|(vip, interface)| {
            json!({ "address": vip.address, "prefix": vip.prefix, "interface": interface })
        });
        map.insert("vips".to_owned(), vips.collect());
        let trackers = instance.track_scripts.iter().map(|tracker| {
            let path = match &tracker.watch {
                Watch::Script(path) => path.clone(),
                Watch::Unit { .. } => watcher(cluster, &instance.name, &tracker.name),
            };
            json!({
                "name": format!("{}-{}", instance.name, tracker.name), "path": path,
                "interval": tracker.interval, "weight": tracker.weight,
                "fall": tracker.fall, "rise": tracker.rise,
            })
        });
        map.insert("trackers".to_owned(), trackers.collect());
    }
    Some(value)
}

/// The modules that the directors' kernels need.
pub fn modules(cluster: &Cluster) -> Vec<String> {
    if cluster.services.is_empty() {
        return Vec::new();
    }
    let mut modules = vec!["ip_vs".to_owned()];
    let schedulers: BTreeSet<String> = cluster
        .services
        .iter()
        .map(|s| scheduler_module(s.scheduler))
        .collect();
    modules.extend(schedulers);
    modules
}

fn scheduler_module(scheduler: Scheduler) -> String {
    format!("ip_vs_{}", format!("{scheduler:?}").to_lowercase())
}
