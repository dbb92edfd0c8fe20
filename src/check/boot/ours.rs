//! The resources of one host that other boot files may set, undo or prevent. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::check::HostAudit;
use crate::model::{Cluster, HOMES, Host, topology};
use crate::plan::boot;
use crate::resource::Resource;
use crate::resource::ipvs::KEEPALIVED;
use crate::view;

/// The addresses, interfaces, units, files and modules that the host needs.
pub(super) struct Ours<'a> {
    pub(super) audit: &'a HostAudit<'a>,
    pub(super) vips: BTreeSet<IpAddr>,
    /// Addresses of the host itself.
    pub(super) own: BTreeSet<IpAddr>,
    /// Addresses of the cluster's other hosts.
    pub(super) others: BTreeMap<IpAddr, &'a str>,
    /// The VIPs that belong on this host permanently, each with its interface.
    homes: BTreeSet<(IpAddr, String)>,
    /// Interfaces that the host's part needs.
    pub(super) interfaces: BTreeSet<String>,
    /// Units that the host's part needs.
    pub(super) units: BTreeSet<String>,
    pub(super) files: BTreeSet<String>,
    pub(super) modules: BTreeSet<String>,
    /// Whether lvsctl sets the default route.
    pub(super) routes_default: bool,
}

impl<'a> Ours<'a> {
    pub(super) fn of(audit: &'a HostAudit<'a>) -> Self {
        let cluster: &'a Cluster = audit.cluster;
        let desired = &audit.run.desired;
        let mut homes = BTreeSet::new();
        let mut interfaces: BTreeSet<String> = audit
            .host
            .interfaces
            .iter()
            .map(|nic| nic.name.clone())
            .collect();
        let mut files = BTreeSet::new();
        let mut routes_default = false;
        for resource in desired {
            match resource {
                Resource::Address(address) => {
                    homes.insert((address.address.addr(), address.interface.clone()));
                    interfaces.insert(address.interface.clone());
                }
                Resource::Link(link) => {
                    interfaces.insert(link.name.clone());
                }
                Resource::File(file) => {
                    files.insert(file.path.clone());
                }
                Resource::Route(route) => routes_default |= route.to.prefix_len() == 0,
                _ => {}
            }
        }
        let node = boot::unit(&cluster.name);
        files.insert(format!("/etc/systemd/system/{node}"));
        files.insert(format!("/usr/local/sbin/lvsctl-{}", cluster.name));
        for part in audit.serves.parts() {
            for vip in &part.service.vips {
                homes.insert((vip.address, part.service.mode.home(vip.address).to_owned()));
            }
        }
        if audit.host.is_director() && !cluster.keepalived {
            for vip in cluster.all_vips() {
                homes.insert((
                    vip,
                    topology::interface_of_vip(cluster, audit.host, vip).to_owned(),
                ));
            }
        }
        let others = cluster
            .hosts
            .iter()
            .filter(|host| host.name != audit.host.name);
        let others = others.flat_map(|host| host.addresses().map(|ip| (ip, host.name.as_str())));
        Self {
            audit,
            vips: cluster.all_vips(),
            own: audit.host.addresses().collect(),
            others: others.collect(),
            homes,
            interfaces,
            units: units(cluster, audit.host, desired),
            files,
            modules: modules(cluster, audit.host, desired),
            routes_default,
        }
    }

    pub(super) fn is_director(&self) -> bool {
        self.audit.host.is_director()
    }

    /// Why an address does not belong on an interface of this host; None: it does, or it is not an address of the cluster.
    pub(super) fn misplaced(&self, address: IpAddr, interface: Option<&str>) -> Option<String> {
        // `lo:0` is a label on `lo`.
        let interface = interface.map(|name| name.split(':').next().unwrap_or(name));
        let on = interface.map_or_else(String::new, |name| format!(" on {name}"));
        if self.vips.contains(&address) && !self.own.contains(&address) {
            let at_home = |name: &str| self.homes.contains(&(address, name.to_owned()));
            let fine = match interface {
                Some(name) => at_home(name),
                None => self.homes.iter().any(|(vip, _)| *vip == address),
            };
            return (!fine).then(|| format!("puts the VIP {address}{on}"));
        }
        let host = self
            .others
            .get(&address)
            .filter(|_| !self.own.contains(&address))?;
        Some(
            format!("puts {address}, the address of {host},{on}")
                .trim_end_matches(',')
                .to_owned(),
        )
    }

    /// Whether the host needs an address.
    pub(super) fn needs(&self, address: IpAddr) -> bool {
        self.own.contains(&address)
            || self.homes.iter().any(|(vip, _)| *vip == address)
            || (self.is_director() && self.vips.contains(&address))
    }

    pub(super) fn needs_interface(&self, name: &str) -> bool {
        let bare = name.split(':').next().unwrap_or(name);
        self.interfaces.contains(bare)
            || (HOMES.contains(&bare) && self.homes.iter().any(|(_, home)| home == bare))
    }

    /// Whether a network contains a VIP or a real server's address.
    pub(super) fn crosses(&self, net: &IpNet) -> bool {
        let real = self
            .audit
            .cluster
            .services
            .iter()
            .flat_map(|service| &service.real_servers);
        self.vips.iter().any(|vip| net.contains(vip))
            || real.map(|rs| rs.address).any(|rip| net.contains(&rip))
    }

    /// Whether a policy rule that discards packets to or from these addresses discards packets of the cluster: of VIPs, real
    /// servers and other hosts, clients too. The prefix length does not matter, since the kernel reads rules before routes.
    pub(super) fn stops(&self, net: &IpNet) -> bool {
        self.crosses(net) || self.others.keys().any(|ip| net.contains(ip))
    }

    /// Whether a route that discards packets to these addresses discards packets of the cluster. Within a network of the
    /// host, the route wins only if its prefix is at least as long.
    pub(super) fn misses(&self, net: &IpNet) -> bool {
        let nics = self.audit.host.interfaces.iter();
        let near: Vec<&IpNet> = nics.flat_map(|nic| &nic.addresses).collect();
        let wins = |ip: &IpAddr| {
            let mut own = near.iter().filter(|own| own.contains(ip));
            own.all(|own| net.prefix_len() >= own.prefix_len())
        };
        let mut all = self.vips.iter().chain(self.others.keys());
        net.prefix_len() > 0 && all.any(|ip| net.contains(ip) && wins(ip))
    }

    /// A unit's name, with or without its suffix.
    pub(super) fn unit(&self, name: &str) -> Option<&str> {
        let full = if name.contains('.') {
            name.to_owned()
        } else {
            format!("{name}.service")
        };
        self.units.get(&full).map(String::as_str)
    }

    /// The program of lvsctl or keepalived that a text names.
    pub(super) fn program(&self, text: &str) -> Option<&str> {
        let stems = self
            .units
            .iter()
            .filter_map(|unit| unit.strip_suffix(".service"));
        let mut known = stems.filter(|stem| *stem != "ssh" && *stem != "sshd");
        let word = |stem: &str| {
            text.match_indices(stem).any(|(at, _)| {
                let before = text.get(..at).and_then(|t| t.chars().next_back());
                !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-')
            })
        };
        known.find(|stem| word(stem))
    }
}

/// Units of the host's part.
pub(super) fn units(cluster: &Cluster, host: &Host, desired: &[Resource]) -> BTreeSet<String> {
    let of_resources = desired.iter().filter_map(|resource| match resource {
        Resource::Unit(unit) if unit.enabled => Some(unit.name.clone()),
        _ => None,
    });
    let mut all: BTreeSet<String> = of_resources.collect();
    all.insert(boot::unit(&cluster.name));
    if host.is_director() && cluster.keepalived {
        all.insert(KEEPALIVED.to_owned());
    }
    all
}

/// Modules that the host's part needs.
fn modules(cluster: &Cluster, host: &Host, desired: &[Resource]) -> BTreeSet<String> {
    let of_resources = desired.iter().filter_map(|resource| match resource {
        Resource::Module(module) => Some(module.name.clone()),
        _ => None,
    });
    let mut all: BTreeSet<String> = of_resources.collect();
    if host.is_director() {
        all.insert("ip_vs".to_owned());
        all.extend(view::modules(cluster));
        if !view::marks(cluster).is_empty() {
            all.extend(
                [
                    "ip_tables",
                    "iptable_mangle",
                    "xt_mark",
                    "xt_MARK",
                    "x_tables",
                ]
                .map(str::to_owned),
            );
        }
        if cluster
            .services
            .iter()
            .any(|service| service.mode == crate::model::Mode::Nat)
        {
            all.insert("nf_conntrack".to_owned());
        }
    }
    if desired
        .iter()
        .any(|resource| matches!(resource, Resource::Arprule(_)))
    {
        all.extend(["arp_tables", "arptable_filter"].map(str::to_owned));
    }
    all
}
