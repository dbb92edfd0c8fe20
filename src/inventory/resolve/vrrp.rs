//! VRRP instances: members, priorities, VIPs.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::service::vip;
use super::{Context, MOST_INSTANCES, vips_of};
use crate::diagnostic::{Fault, choices, shown};
use crate::inventory::field::{Named, Opt};
use crate::inventory::raw::host::Host as RawHost;
use crate::inventory::raw::vrrp::{Member, Members, Vrrp, VrrpSection};
use crate::model::{Host, Service, TrackScript, Vip, VrrpInstance, VrrpMember, Watch};

/// The name of the only instance.
const ONLY: &str = "main";
const DEFAULT_ADVERT_INT: f64 = 1.0;

pub(super) fn instances(
    section: &VrrpSection,
    written: &Named<RawHost>,
    hosts: &[Host],
    services: &[Service],
    cx: &mut Context<'_>,
) -> Vec<VrrpInstance> {
    let all = Surroundings {
        written,
        hosts,
        services,
    };
    match section {
        VrrpSection::One(one) => all
            .instance(ONLY, &["vrrp"], one, true, cx)
            .into_iter()
            .collect(),
        VrrpSection::Several(several)
            if !cx.at_most(&["vrrp"], "VRRP instances", several.0.len(), MOST_INSTANCES) =>
        {
            Vec::new()
        }
        VrrpSection::Several(several) => several
            .iter()
            .filter_map(|(name, raw)| {
                all.instance(name, &["vrrp", name], raw, several.0.len() == 1, cx)
            })
            .collect(),
    }
}

struct Surroundings<'a> {
    written: &'a Named<RawHost>,
    hosts: &'a [Host],
    services: &'a [Service],
}

fn below<'p>(path: &[&'p str], key: &'p str) -> Vec<&'p str> {
    let mut path = path.to_vec();
    path.push(key);
    path
}

fn track_scripts(path: &[&str], raw: &Vrrp, cx: &mut Context<'_>) -> Vec<TrackScript> {
    let at = below(path, "track_script");
    let written = raw.track_script.get().into_iter().flat_map(Named::iter);
    written
        .filter_map(|(name, raw)| {
            let watch = match (raw.script.get(), raw.unit.get()) {
                (Some(script), None) => Watch::Script(script.clone()),
                (None, Some(unit)) => Watch::Unit {
                    unit: full_name(unit),
                    restart: raw.restart.copied().unwrap_or(true),
                },
                (Some(_), Some(_)) => {
                    let fault = Fault::new("`script` and `unit` cannot stand beside each other")
                        .help("write two entries");
                    cx.fault_at_key(&below(&at, name), fault);
                    return None;
                }
                (None, None) => {
                    cx.required(
                        &below(&below(&at, name), "unit"),
                        &raw.unit,
                        "say what to watch: `unit: nginx.service` or `script: /usr/local/bin/check`",
                    );
                    return None;
                }
            };
            Some(TrackScript {
                name: name.to_owned(),
                watch,
                interval: raw.interval.copied().map_or(2, |n| n.0),
                weight: raw.weight.copied().map_or(0, |n| n.0),
                fall: raw.fall.copied().map_or(3, |n| n.0),
                rise: raw.rise.copied().map_or(2, |n| n.0),
            })
        })
        .collect()
}

/// systemctl(1) takes a name without a suffix for a service's.
fn full_name(unit: &str) -> String {
    if unit.contains('.') {
        unit.to_owned()
    } else {
        format!("{unit}.service")
    }
}

impl Surroundings<'_> {
    fn instance(
        &self,
        name: &str,
        path: &[&str],
        raw: &Vrrp,
        only: bool,
        cx: &mut Context<'_>,
    ) -> Option<VrrpInstance> {
        let id = cx.required(
            &below(path, "virtual_router_id"),
            &raw.virtual_router_id,
            "choose a number from 1 to 255 that no other VRRP router on the segment uses",
        );
        let vips = self.vips(path, raw, only, cx)?;
        let members = self.members(path, raw, &vips, cx)?;
        Some(VrrpInstance {
            name: name.to_owned(),
            virtual_router_id: id?.0,
            advert_int: raw.advert_int.copied().unwrap_or(DEFAULT_ADVERT_INT),
            auth_pass: raw.auth_pass.get().cloned(),
            members,
            vips,
            unicast: raw.unicast.copied().unwrap_or(false),
            preempt: raw.preempt.copied().unwrap_or(true),
            track_interfaces: raw
                .track_interface
                .get()
                .map(|many| many.iter().map(|(_, name)| name.clone()).collect())
                .unwrap_or_default(),
            track_scripts: track_scripts(path, raw, cx),
            notify: raw.notify.get().cloned(),
            sync_daemon: raw.sync_daemon.copied().unwrap_or(false),
        })
    }

    fn vips(
        &self,
        path: &[&str],
        raw: &Vrrp,
        only: bool,
        cx: &mut Context<'_>,
    ) -> Option<Vec<Vip>> {
        if let Some(written) = raw.vips.get() {
            return Some(written.iter().map(|(_, text)| vip(text.0)).collect());
        }
        if !raw.vips.is_absent() {
            return None;
        }
        if !only {
            cx.required(
                &below(path, "vips"),
                &raw.vips,
                "with several instances, say which VIPs each holds: `vips: [‹vip›]`",
            );
            return None;
        }
        Some(vips_of(self.services))
    }

    fn members(
        &self,
        path: &[&str],
        raw: &Vrrp,
        vips: &[Vip],
        cx: &mut Context<'_>,
    ) -> Option<Vec<VrrpMember>> {
        let plain = Member::default();
        let at = below(path, "members");
        let chosen: Vec<(&Host, &Member)> = match &raw.members {
            Opt::Broken => return None,
            Opt::Absent => {
                let first = self.hosts.iter().filter(|h| h.has_role("director"));
                let then = self
                    .hosts
                    .iter()
                    .filter(|h| h.is_director() && !h.has_role("director"));
                first.chain(then).map(|host| (host, &plain)).collect()
            }
            Opt::Given(Members::List(list)) => list
                .iter()
                .filter_map(|(index, name)| {
                    let host = cx.host(&below(&at, &index.to_string()), self.hosts, name)?;
                    Some((host, &plain))
                })
                .collect(),
            Opt::Given(Members::Map(map)) => map
                .iter()
                .filter_map(|(name, member)| {
                    Some((cx.host(&below(&at, name), self.hosts, name)?, member))
                })
                .collect(),
        };
        let step = 10
            .min(100 / u8::try_from(chosen.len()).unwrap_or(100).max(1))
            .max(1);
        let mut members = Vec::new();
        let mut priority: u8 = 100;
        for (host, member) in chosen {
            let written = self.written.iter().find(|(name, _)| *name == host.name);
            let given = written.map_or(&member.priority, |(_, host)| {
                member.priority.or(&host.priority)
            });
            if !given.is_absent() && given.get().is_none() {
                // Reported. Which priority was meant is not known, so it is compared with no other.
                continue;
            }
            let own = given.copied();
            let (interface, address) = self.interface(host, path, raw, member, vips, cx)?;
            members.push(VrrpMember {
                host: host.name.clone(),
                priority: own.map_or(priority, |p| p.0),
                interface,
                address,
            });
            priority = priority.saturating_sub(step).max(1);
        }
        members.sort_by_key(|m| Reverse(m.priority));
        Some(members)
    }

    fn interface(
        &self,
        host: &Host,
        path: &[&str],
        raw: &Vrrp,
        member: &Member,
        vips: &[Vip],
        cx: &mut Context<'_>,
    ) -> Option<(String, IpAddr)> {
        let desired = member.interface.get().or(raw.interface.get());
        let interface = match desired {
            Some(name) => {
                let found = host.interfaces.iter().find(|i| i.name == *name);
                if found.is_none() {
                    let names: Vec<&str> =
                        host.interfaces.iter().map(|i| i.name.as_str()).collect();
                    let at = if member.interface.is_absent() {
                        below(path, "interface")
                    } else {
                        let mut at = below(path, "members");
                        at.extend([host.name.as_str(), "interface"]);
                        at
                    };
                    let fault = Fault::new(format!(
                        "{} has no interface {}",
                        shown(&host.name),
                        shown(name)
                    ))
                    .about(&host.name)
                    .help(choices(name, &names));
                    cx.fault(&at, fault);
                }
                found
            }
            None => {
                let holds = |vip: &Vip| host.facing(vip.address);
                vips.iter().find_map(holds).or(host.interfaces.first())
            }
        }?;
        let v4 = vips.first().is_none_or(|vip| vip.address.is_ipv4());
        let own = interface.addresses.iter().map(|net| net.addr());
        let fitting = own.clone().find(|a| a.is_ipv4() == v4);
        let given = member.address.copied().map(|a| a.0.0);
        let address = given.or(fitting).or(own.clone().next())?;
        Some((interface.name.clone(), address))
    }
}
