//! `lvsctl status`: what the directors serve now, in one table. Nothing is changed on any host.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::cli::{Format, FormatArgs, Global};
use crate::exit::Exit;
use crate::inventory::model::{Cluster, Host, Service};
use crate::report;
use crate::report::error::chain;
use crate::report::status::{Director, DirectorState, RealServer, State, StatusView};
use crate::resource::ipvs::{Ipvs, Served, Virtual};
use crate::run::HostRun;
use crate::verify::cluster::all_vips;
use crate::view;

use super::Result;
use super::output::{Reporter, show};
use super::setup;
use super::work::Work;

const SECTION: &str = "status";

fn questions(_: &Host) -> String {
    format!(
        "section={SECTION}\npart table\n\
         if [ -e /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then ipvsadm -Ln 2>/dev/null; fi\n"
    )
}

pub fn run(global: &Global, args: &FormatArgs) -> Result<Exit> {
    let mut setup = setup::load(global)?;
    let reach = setup::reach(global, &mut setup, false)?;
    let interrupt = setup::interrupt()?;
    let reporter = Reporter::new(global, Format::Text);
    let cluster = setup.cluster();
    let mut exit = Exit::Done;
    let view = {
        let work = Work {
            global,
            setup: &setup,
            reach: &reach,
            sink: &reporter,
            ignore_unreachable: true,
        };
        let fleet = work.fleet_asking(&interrupt, &questions)?;
        let mut directors = work.wanted()?;
        directors.retain(|(host, _)| host.is_director());
        let (mut runs, mut missing) = (Vec::new(), Vec::new());
        for (host, outcome) in fleet.open(directors) {
            match outcome {
                Ok(run) => runs.push(run),
                Err(error) => missing.push((host, chain(&error))),
            }
        }
        let view = view(cluster, &runs, &missing);
        if !missing.is_empty() {
            exit = Exit::Unreachable;
        }
        fleet.close(runs);
        view
    };
    reporter.finish();
    reach.tell(global);
    show(global, |out, style| match args.format {
        Format::Text => report::status::text(out, &view, style),
        Format::Json => report::status::json(out, &view),
    })?;
    Ok(exit)
}

fn view(cluster: &Cluster, runs: &[HostRun], missing: &[(&Host, String)]) -> StatusView {
    let mut directors: Vec<Director> = runs.iter().map(|run| director(cluster, run)).collect();
    directors.extend(missing.iter().map(|(host, error)| Director {
        host: host.name.clone(),
        state: DirectorState::Unreached,
        vips: Vec::new(),
        note: Some(error.clone()),
    }));
    let mut services = Vec::new();
    for service in &cluster.services {
        // The table of the director that serves; a backup's stands in while nobody does.
        let holds = |run: &&HostRun| {
            service
                .vips
                .iter()
                .any(|vip| run.answer.observed.address.of(vip.address).next().is_some())
        };
        let Some(run) = runs.iter().find(holds).or_else(|| runs.first()) else {
            continue;
        };
        let wanted = view::ipvs(cluster);
        for to in view::virtuals(service) {
            let Some(wanted) = wanted.iter().find(|ipvs| ipvs.service.r#virtual == to) else {
                continue;
            };
            services.push(of_service(cluster, service, wanted, run));
        }
    }
    StatusView {
        cluster: cluster.name.clone(),
        directors,
        services,
    }
}

fn director(cluster: &Cluster, run: &HostRun) -> Director {
    let observed = &run.answer.observed;
    let vips: Vec<String> = all_vips(cluster)
        .into_iter()
        .filter(|vip| observed.address.of(*vip).next().is_some())
        .map(|vip| vip.to_string())
        .collect();
    let waits = observed
        .unit
        .units
        .get("keepalived.service")
        .is_some_and(|unit| unit.active);
    let state = match (vips.is_empty(), waits) {
        (false, _) => DirectorState::Master,
        (true, true) => DirectorState::Backup,
        (true, false) => DirectorState::Down,
    };
    Director {
        host: run.host.name.clone(),
        state,
        vips,
        note: None,
    }
}

fn at(service: &Service, to: Virtual) -> String {
    let vips = service
        .vips
        .iter()
        .map(|vip| vip.address.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let ports = service
        .ports
        .iter()
        .map(u16::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    match to {
        Virtual::Tcp(address) => format!("tcp {address}"),
        Virtual::Udp(address) => format!("udp {address}"),
        Virtual::Fwmark { mark, .. } => format!("mark {mark:#x} of {vips} ports {ports}"),
    }
}

fn of_service(
    cluster: &Cluster,
    service: &Service,
    wanted: &Ipvs,
    run: &HostRun,
) -> report::status::Service {
    let table = &run.answer.observed.ipvs;
    let to = wanted.service.r#virtual;
    let served: Option<&Served> = table.services.iter().find(|s| s.definition.r#virtual == to);
    let counts = run
        .answer
        .sections
        .get(SECTION)
        .map(|section| connections(section.part("table")))
        .unwrap_or_default();
    let host_of = |address: SocketAddr| {
        cluster
            .hosts
            .iter()
            .find(|h| h.address == address.ip())
            .map(|h| h.name.clone())
    };
    let mut addresses: Vec<SocketAddr> = wanted.real_servers.iter().map(|rs| rs.address).collect();
    let strays = served
        .into_iter()
        .flat_map(|s| s.real_servers.keys())
        .filter(|a| !addresses.contains(a))
        .copied()
        .collect::<Vec<_>>();
    addresses.extend(strays);
    let real_servers = addresses
        .into_iter()
        .map(|address| {
            let planned = wanted.real_servers.iter().find(|rs| rs.address == address);
            let running = served.and_then(|s| s.real_servers.get(&address));
            let unhealthy = planned
                .and_then(|rs| rs.check)
                .is_some_and(|check| table.unreachable.contains(&check));
            let (active, inactive) = counts
                .get(&(to.to_string(), address.to_string()))
                .copied()
                .unwrap_or_default();
            RealServer {
                host: host_of(address),
                address: address.to_string(),
                mode: planned
                    .or(running)
                    .map_or_else(String::new, |rs| format!("{:?}", rs.mode).to_lowercase()),
                state: State::of(
                    planned.map(|rs| rs.weight),
                    running.map(|rs| rs.weight),
                    unhealthy.then_some(false),
                ),
                weight: running.map(|rs| rs.weight),
                wanted_weight: planned.map(|rs| rs.weight),
                active,
                inactive,
                rates: None,
            }
        })
        .collect();
    report::status::Service {
        name: service.name.clone(),
        at: at(service, to),
        scheduler: format!("{:?}", service.scheduler).to_lowercase(),
        persistence: service.persistence.map(|p| p.timeout),
        director: run.host.name.clone(),
        present: served.is_some(),
        rates: None,
        real_servers,
    }
}

/// Active and inactive connections by service and real server, from `ipvsadm -Ln`.
fn connections(text: &str) -> BTreeMap<(String, String), (u64, u64)> {
    let mut service = String::new();
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["TCP", to, ..] => service = format!("-t {to}"),
            ["UDP", to, ..] => service = format!("-u {to}"),
            ["FWM", mark, "IPv6", ..] => service = format!("-f {mark} -6"),
            ["FWM", mark, ..] => service = format!("-f {mark}"),
            ["->", rs, _, _, active, inactive] => {
                if let (Ok(active), Ok(inactive)) = (active.parse(), inactive.parse()) {
                    counts.insert((service.clone(), (*rs).to_owned()), (active, inactive));
                }
            }
            _ => {}
        }
    }
    counts
}
