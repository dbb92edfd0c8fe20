//! What a director must be, beyond its resources: no redirects, one owner of IPVS, a firewall that lets the VIP's
//! traffic and VRRP through, and NICs that do not glue packets together. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::firewall::{Packet, State};
use super::tally::{Fault, Tally};
use super::way::{self, Leg};
use super::{Check, Seen, marks, questions};
use crate::fact::keepalived;
use crate::inventory::model::Mode;
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::manager::{self, ServiceManager};
use crate::view;
use crate::vrrp_state::why_in_fault;

const VRRP: u8 = 112;
const VRRP_GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
const VRRP_GROUP_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));

pub fn check(seen: &Seen, tally: &mut Tally) {
    redirects(seen, tally);
    owners(seen, tally);
    one_backend(seen, tally);
    marks::check(seen, tally);
    for service in &seen.cluster.services {
        way::of_director(seen, service, tally);
    }
    vrrp(seen, tally);
    states(seen, tally);
    arp_rules(seen, tally);
    if seen.cluster.keepalived {
        configuration(seen, tally);
    }
    offload(seen, tally);
    strangers(seen, tally);
}

/// A redirect is sent where `all` or the interface allows it (ip-sysctl, kernel documentation).
fn redirects(seen: &Seen, tally: &mut Tally) {
    if !seen.cluster.services.iter().any(|s| s.mode == Mode::Dr) {
        return;
    }
    for nic in &seen.host.interfaces {
        let name = nic.name.as_str();
        if let Some(why) = seen.no_settings(name) {
            tally.skip(seen.name(), Check::SendRedirects, name, &why);
            continue;
        }
        let all = seen.facts().sysctl.of_interface("all", "send_redirects");
        let own = seen.facts().sysctl.of_interface(name, "send_redirects");
        let fault = (all != Some(0) || own != Some(0)).then(|| {
            let shown = |v: Option<u8>| v.map_or_else(|| "unknown".to_owned(), |v| v.to_string());
            Fault::new(
                format!("send_redirects effective 0 on {name}: both `all` and its own"),
                format!("all {}, {name} {}", shown(all), shown(own)),
                "`lvsctl apply` sets both to 0",
            )
        });
        tally.judge(seen.name(), Check::SendRedirects, name, fault);
    }
}

/// What else would write the IPVS table. Debian's ipvsadm.service comes with the package, enabled on Debian 13, and does
/// nothing unless /etc/default/ipvsadm has AUTO="true"; elsewhere one that is enabled restores a table at boot.
fn owners(seen: &Seen, tally: &mut Tally) {
    let units = &seen.facts().unit.units;
    let defaults = seen.facts().file.get(questions::IPVSADM_DEFAULTS);
    let auto = defaults.map(|file| restores(&file.content));
    for unit in questions::TABLE_WRITERS {
        let Some(state) = units.get(unit) else {
            continue;
        };
        let rival = match unit {
            "ipvsadm.service" => auto.unwrap_or(state.enabled),
            KEEPALIVED => !seen.cluster.keepalived && (state.active || state.enabled),
            _ => state.active || state.enabled,
        };
        let fault = (state.loaded && rival).then(|| {
            let how = if state.active {
                "active"
            } else {
                "not active now, and set to start at boot"
            };
            let owner = if seen.cluster.keepalived {
                "keepalived"
            } else {
                "lvsctl's node script"
            };
            let manager = ServiceManager::of(&seen.facts().system);
            let mend = match unit {
                "ipvsadm.service" if auto == Some(true) => {
                    "set AUTO=\"false\" in /etc/default/ipvsadm".to_owned()
                }
                // Where it stops, it clears the table.
                "ipvsadm.service" => {
                    format!("`{}`, without stopping it", manager.never_start(unit))
                }
                _ => format!(
                    "`{}`, then `lvsctl apply`: it takes its services out of the table",
                    manager.end(unit)
                ),
            };
            Fault::new(
                format!("{owner} alone to write the IPVS table"),
                format!("{unit} too ({how})"),
                mend,
            )
        });
        tally.judge(seen.name(), Check::IpvsOwner, unit, fault);
    }
}

/// Whether Debian's ipvsadm.service restores an IPVS table at boot, as AUTO of its defaults says; elsewhere there is no such
/// switch, and the unit restores one where it is enabled. The last assignment counts, as in the shell that reads it.
fn restores(defaults: &str) -> bool {
    let mut values = defaults
        .lines()
        .filter_map(|line| line.strip_prefix("AUTO="));
    let value = values.next_back().unwrap_or_default();
    value.trim().trim_matches(['"', '\'']) == "true"
}

/// Rules of one backend are invisible to the other, and both apply.
fn one_backend(seen: &Seen, tally: &mut Tally) {
    let firewall = &seen.facts().firewall;
    let (legacy, nft) = (
        firewall.legacy.len() + firewall.legacy_v6.len(),
        firewall.nft.len() + firewall.nft_v6.len(),
    );
    let other = match firewall.backend.as_str() {
        "legacy" => ("nf_tables", "iptables-nft-save", nft),
        "nf_tables" => ("legacy", "iptables-legacy-save", legacy),
        _ => return,
    };
    let fault = (other.2 > 0).then(|| {
        Fault::new(
            format!(
                "all rules in the backend of `iptables`, which is {}",
                firewall.backend
            ),
            format!(
                "{} rules in {}, which `iptables` does not show",
                other.2, other.0
            ),
            format!(
                "move them: see `{}`, and `update-alternatives --config iptables`",
                other.1
            ),
        )
    });
    tally.judge(
        seen.name(),
        Check::IptablesBackend,
        firewall.backend.clone(),
        fault,
    );
}

/// Adverts of the other directors come in, and its own go out.
fn vrrp(seen: &Seen, tally: &mut Tally) {
    for instance in &seen.cluster.vrrp {
        let Some(me) = instance.members.iter().find(|m| m.host == seen.host.name) else {
            continue;
        };
        for peer in instance.members.iter().filter(|m| m.host != me.host) {
            let to = |address: IpAddr| match address {
                _ if instance.unicast => address,
                IpAddr::V4(_) => VRRP_GROUP,
                IpAddr::V6(_) => VRRP_GROUP_V6,
            };
            let arrives = Packet {
                from: Some(peer.address),
                to: Some(to(me.address)),
                protocol: VRRP,
                source_port: None,
                port: None,
                comes_in: None,
                goes_out: None,
                state: Some(State::New),
            };
            let leaves = Packet {
                from: Some(me.address),
                to: Some(to(peer.address)),
                ..arrives.clone()
            };
            let by = [me.interface.clone()];
            let legs = vec![Leg::arrives(&arrives, &by), Leg::leaves(&leaves, &by)];
            let what = format!("VRRP between {} and {}", me.host, peer.host);
            let v6 = me.address.is_ipv6();
            way::judge(seen, Check::FirewallVrrp, &what, v6, legs, "", tally);
        }
    }
}

/// An instance in FAULT takes no part, though keepalived runs and another director serves.
fn states(seen: &Seen, tally: &mut Tally) {
    for instance in &seen.cluster.vrrp {
        let Some(state) = seen.facts().keepalived.states.get(&instance.name) else {
            continue;
        };
        let fault = (*state == keepalived::State::Fault).then(|| {
            let why = why_in_fault(seen.cluster, seen.host, instance, seen.addresses());
            Fault::new(
                format!("{} to be master or backup", instance.name),
                format!("FAULT: {why}; it does not take over"),
                format!(
                    "repair what it tracks; {} says what failed",
                    manager::where_it_logs(KEEPALIVED)
                ),
            )
        });
        tally.judge(seen.name(), Check::VrrpState, instance.name.clone(), fault);
    }
}

/// A director whose ARP for the VIP is dropped is not found by anybody.
fn arp_rules(seen: &Seen, tally: &mut Tally) {
    let vips = seen.cluster.service_vips().into_iter();
    for vip in vips.filter(IpAddr::is_ipv4) {
        arp_passes(seen, Check::ArptablesVip, vip, tally);
    }
}

/// Whether a rule of arptables drops ARP for an address; used for real servers too.
pub fn arp_passes(seen: &Seen, check: Check, address: IpAddr, tally: &mut Tally) {
    let address = address.to_string();
    let drops = seen.facts().firewall.arp.lines.iter().find(|line| {
        let mut words = line.split_whitespace();
        let names = words.any(|word| word.split('/').next() == Some(&address));
        names && line.contains("-j DROP")
    });
    let fault = drops.map(|line| {
        Fault::new(
            format!("ARP for {address} to pass arptables"),
            format!("dropped by {line}"),
            format!("`arptables {}`", line.replacen("-A", "-D", 1)),
        )
    });
    tally.judge(seen.name(), check, address, fault);
}

/// keepalived's own opinion of its configuration.
fn configuration(seen: &Seen, tally: &mut Tally) {
    let Some(test) = &seen.facts().keepalived.test else {
        // Without the program or its file there is drift, which is told there.
        return;
    };
    let fault = (test.status != 0).then(|| {
        let lines = if test.lines.is_empty() {
            "it said nothing".to_owned()
        } else {
            test.lines.join(" / ")
        };
        Fault::new(
            "status 0 of `keepalived -t`",
            format!("status {}: {lines}", test.status),
            "`lvsctl apply` writes the configuration anew; keepalived.conf(5) explains the lines",
        )
    });
    tally.judge(
        seen.name(),
        Check::KeepalivedConfig,
        "keepalived.conf",
        fault,
    );
}

/// Packets that the NIC glued together are larger than the way to the real servers takes.
fn offload(seen: &Seen, tally: &mut Tally) {
    for (interface, on) in &seen.facts().offload.lro {
        let Some(on) = on else {
            tally.note(seen.name(), Check::Lro, format!("large receive offload of {interface} was not looked at: neither ethtool nor perl could tell"));
            continue;
        };
        if *on && seen.facts().offload.fixed.contains(interface) {
            let why = "it is on, and the driver does not let it be switched off";
            tally.skip(seen.name(), Check::Lro, interface, why);
            continue;
        }
        let fault = on.then(|| {
            Fault::new(
                format!("large receive offload off on {interface}"),
                "on",
                format!("`ethtool -K {interface} lro off`, and the same at boot"),
            )
        });
        tally.judge(seen.name(), Check::Lro, interface.clone(), fault);
    }
}

/// Services in the table that nobody asked for are told, and left alone.
fn strangers(seen: &Seen, tally: &mut Tally) {
    let wanted = view::ipvs(seen.cluster);
    for served in &seen.facts().ipvs.table.services {
        let key = served.definition.r#virtual;
        if !wanted.iter().any(|ipvs| ipvs.service.r#virtual == key) {
            tally.note(
                seen.name(),
                Check::IpvsForeign,
                format!("the IPVS table also has the service {key}, which is not of this cluster"),
            );
        }
    }
}
