//! `lvsctl drain` and `lvsctl undrain`: change the record of drains on all directors, and only resources that depend on it.
//! The effect of a drain on the cluster belongs in [`crate::model::Maintenance`], the record in [`crate::plan::maintenance`].

mod change;
mod guard;
mod wait_empty;

use crate::cli::{DrainArgs, Format, Global, MaintenanceArgs, UndrainArgs, Until};
use crate::exit::Exit;
use crate::model::{Cluster, Drain};
use crate::report;
use crate::report::maintenance::MaintenanceView;
use crate::unix_time;

use super::output::show;
use super::session::{Options, Session};
use super::{Failure, Result, in_format};

pub(super) fn drain(global: &Global, args: &DrainArgs) -> Result<Exit> {
    in_format(args.common.format, begin_drain(global, args))
}

pub(super) fn undrain(global: &Global, args: &UndrainArgs) -> Result<Exit> {
    in_format(args.common.format, begin_undrain(global, args))
}

fn usage(why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("error: {why}\n"))
}

fn open<'g>(global: &'g Global, args: &MaintenanceArgs) -> Result<Session<'g>> {
    if !global.limit.is_empty() {
        return Err(usage(
            "a drain is recorded on all directors: omit --limit; the host is a separate argument",
        ));
    }
    let options = Options {
        ignore_unreachable: args.ignore_unreachable,
        ..Options::default()
    };
    Session::open(global, options)
}

fn begin_drain(global: &Global, args: &DrainArgs) -> Result<Exit> {
    let session = open(global, &args.common)?;
    let done = drained(&session, args);
    session.finish();
    written(global, args.common.format, &done?)
}

fn begin_undrain(global: &Global, args: &UndrainArgs) -> Result<Exit> {
    let session = open(global, &args.common)?;
    let done = undrained(&session, args);
    session.finish();
    written(global, args.common.format, &done?)
}

fn written(global: &Global, format: Format, view: &MaintenanceView) -> Result<Exit> {
    show(global, |out, style| match format {
        Format::Text => report::maintenance::text(out, view, style),
        Format::Json => report::maintenance::json(out, view),
    })?;
    Ok(Exit::Done)
}

fn drained(session: &Session, args: &DrainArgs) -> Result<MaintenanceView> {
    let service = args.service.as_deref();
    let part = possible(session.cluster(), &args.host, service).map_err(|why| usage(&why))?;
    if args.until == Some(Until::Empty) && !part.serves {
        return Err(usage(&format!(
            "--until empty is about real servers, and {} is none; a director has given up its VIPs when `drain` ends",
            args.host
        )));
    }
    let drain = by_now(session, args);
    let changed = change::change(session, |known, seen| {
        let next = known.with(drain.clone());
        if !crate::plan::maintenance::fits(&session.cluster().name, &next) {
            return Err(usage(
                "the record of drains is full: end some with `lvsctl undrain`",
            ));
        }
        guard::judge(&args.guard, session.cluster(), seen, &next)?;
        Ok(next)
    })?;
    let mut view = changed.view(session.cluster(), &args.host, service);
    let alone = changed.keeps_vips(&args.host);
    if !alone.is_empty() {
        view.notes.push(format!(
            "{} keeps {} until another director can take over",
            args.host,
            alone.join(", ")
        ));
    }
    if args.until == Some(Until::Empty) {
        wait_empty::wait(session, &changed.cluster, &args.host, service)?;
        view.connections = Some(0);
    }
    Ok(view)
}

fn by_now(session: &Session, args: &DrainArgs) -> Drain {
    let since = unix_time::now().as_secs();
    let who = session.access.holder.split(' ').next().unwrap_or_default();
    Drain {
        host: args.host.clone(),
        service: args.service.clone(),
        by: who.to_owned(),
        since,
        until: match args.until {
            Some(Until::After(time)) => Some(since + time.as_secs()),
            Some(Until::Empty) | None => None,
        },
        reason: args.reason.clone(),
    }
}

fn undrained(session: &Session, args: &UndrainArgs) -> Result<MaintenanceView> {
    let service = args.service.as_deref();
    let changed = change::change(session, |known, _| {
        let next = known.without(&args.host, service);
        next.map_err(|why| {
            let hint = match known_host(session.cluster(), &args.host) {
                Ok(()) => String::new(),
                Err(unknown) => format!(", and {unknown}"),
            };
            usage(&format!("{why}{hint}")).kind("not-drained")
        })
    })?;
    let mut view = changed.view(session.cluster(), &args.host, service);
    let stays = changed.cluster.services.iter().flat_map(|own| {
        let all = own.real_servers.iter();
        let zero = all.filter(|rs| rs.host == args.host && rs.weight == 0);
        zero.map(|_| own.name.as_str())
    });
    let mut stays: Vec<&str> = stays
        .filter(|name| service.is_none_or(|own| own == *name))
        .collect();
    stays.dedup();
    if !stays.is_empty() {
        view.notes.push(format!(
            "the inventory has weight 0 for it in {}: there it gets no connections",
            stays.join(", ")
        ));
    }
    Ok(view)
}

/// The parts of a host that can be drained.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    serves: bool,
    directs: bool,
}

fn known_host(cluster: &Cluster, name: &str) -> std::result::Result<(), String> {
    if cluster.hosts.iter().any(|host| host.name == name) {
        return Ok(());
    }
    let names: Vec<&str> = cluster
        .hosts
        .iter()
        .map(|host| host.name.as_str())
        .collect();
    Err(format!(
        "no host is named {name:?}; the hosts are {}",
        names.join(", ")
    ))
}

/// The parts of a host that a drain concerns, in one service or in all; the error says why it cannot be drained.
fn possible(
    cluster: &Cluster,
    name: &str,
    service: Option<&str>,
) -> std::result::Result<Part, String> {
    known_host(cluster, name)?;
    let serving: Vec<&str> = cluster
        .services
        .iter()
        .filter(|own| own.real_servers.iter().any(|rs| rs.host == name))
        .map(|own| own.name.as_str())
        .collect();
    if let Some(service) = service {
        if !cluster.services.iter().any(|own| own.name == service) {
            let names: Vec<&str> = cluster
                .services
                .iter()
                .map(|own| own.name.as_str())
                .collect();
            return Err(format!(
                "no service is named {service:?}; the services are {}",
                names.join(", ")
            ));
        }
        if !serving.contains(&service) {
            return Err(format!("{name} is no real server of {service}"));
        }
        return Ok(Part {
            serves: true,
            directs: false,
        });
    }
    let mut instances = cluster.vrrp.iter();
    let part = Part {
        serves: !serving.is_empty(),
        directs: instances.any(|instance| instance.members.iter().any(|m| m.host == name)),
    };
    let is_director = cluster.directors().any(|host| host.name == name);
    match (&part, is_director) {
        (
            Part {
                serves: false,
                directs: false,
            },
            true,
        ) => Err(format!(
            "{name} shares its VIPs with no other director (there is no `vrrp` of it in the inventory): `lvsctl stop --limit {name}` stops it"
        )),
        (
            Part {
                serves: false,
                directs: false,
            },
            false,
        ) => Err(format!(
            "{name} is neither a real server of a service nor a director: it gets no connections"
        )),
        _ => Ok(part),
    }
}

/// What the directors answered before the change.
struct Seen<'r, 'h> {
    runs: &'r [crate::run::HostRun<'h>],
    /// The desired cluster before the change.
    before: &'r Cluster,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    #[test]
    fn what_can_be_drained() {
        let hosts = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                     lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n  \
                     rs2: { role: realserver, address: 10.0.0.4 }\n  c: { role: client, address: 10.0.0.5 }\n";
        let services = "services: { web: { vip: 10.0.0.9, port: 80, real_servers: [rs1, rs2] }, mail: { vip: 10.0.0.9, port: 25, real_servers: [rs1] } }\n";
        let with_vrrp = format!("{hosts}vrrp: {{ virtual_router_id: 1 }}\n{services}");
        let alone = format!("{hosts}{services}")
            .replace("  lb2: { role: backup, address: 10.0.0.2 }\n", "");
        let part = |serves, directs| Ok(Part { serves, directs });
        for (about, text, host, service, expected) in [
            ("a real server", &with_vrrp, "rs1", None, part(true, false)),
            (
                "in a service",
                &with_vrrp,
                "rs1",
                Some("mail"),
                part(true, false),
            ),
            ("a director", &with_vrrp, "lb1", None, part(false, true)),
            (
                "a service that it does not serve",
                &with_vrrp,
                "rs2",
                Some("mail"),
                Err("rs2 is no real server of mail"),
            ),
            (
                "a service that is none",
                &with_vrrp,
                "rs2",
                Some("shop"),
                Err("no service is named \"shop\"; the services are web, mail"),
            ),
            (
                "a director in a service",
                &with_vrrp,
                "lb1",
                Some("web"),
                Err("lb1 is no real server of web"),
            ),
            (
                "a client",
                &with_vrrp,
                "c",
                None,
                Err("neither a real server of a service nor a director"),
            ),
            (
                "no host",
                &with_vrrp,
                "rs9",
                None,
                Err("no host is named \"rs9\""),
            ),
            (
                "a director without VRRP",
                &alone,
                "lb1",
                None,
                Err("shares its VIPs with no other director"),
            ),
        ] {
            let loaded = match inventory::parse("t.yaml", text, BUILT_IN_ROLES) {
                Ok(loaded) => loaded,
                Err(error) => panic!("{about}: {}", error.render(100, false)),
            };
            let found = possible(&loaded.cluster, host, service);
            match (found, expected) {
                (Err(found), Err(expected)) => {
                    assert!(found.contains(expected), "{about}: {found}");
                }
                (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{about}"),
            }
        }
    }
}
