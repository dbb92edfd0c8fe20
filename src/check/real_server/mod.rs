//! Direct requests to each real server, independent of persistence and scheduler: every director sends each real server the
//! health check's request and a client's request once; a client on its network sends a client's request. The answers are
//! judged in [`judge`].

mod judge;
mod refused;
mod script;
mod usual_status;

pub(super) use judge::{REAL_SERVER_ANSWER, REAL_SERVER_REACH};
pub(super) use script::script;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::end_to_end::right::Right;
use super::end_to_end::{Replies, Reply, replies};
use super::listener::hears;
use super::{health_path, interfaces};
use crate::fact::Section;
use crate::fact::address::Addresses;
use crate::fact::listener::Listeners;
use crate::model::{Cluster, HealthCheckKind, Host, Mode, Protocol, RealServer, Service};

/// What is asked of a real server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question<'c> {
    pub service: &'c Service,
    /// The real server's host.
    pub host: &'c str,
    pub at: SocketAddr,
    pub page: Option<Page>,
}

/// The page to request; without one, the request is a connection only.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    tls: bool,
    /// The name to ask by.
    name: Option<String>,
    pub path: String,
    pub right: Right,
}

/// The questions of one director or client, and the answers that it got.
#[derive(Debug)]
pub struct Asked<'c> {
    pub from: String,
    pub is_director: bool,
    pub(super) questions: Vec<Question<'c>>,
    pub(super) answers: Answers,
}

/// The answers to the questions of one host.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    /// The replies, in the order of the page requests; None: no output was read.
    pages: Option<Vec<Reply>>,
    /// The connections by address and port: `ok`, or the error. None: the host has no tool.
    connections: Option<Vec<(SocketAddr, String)>>,
}

/// The most questions of one host.
const MOST: usize = 256;

/// The requests of a director. If a server listens on the VIP only, the director sends just the health check's request, to
/// the RIP.
pub(super) fn questions<'c, 'l>(
    cluster: &'c Cluster,
    director: &Host,
    listens: impl Fn(&str) -> Option<&'l Listeners>,
) -> Vec<Question<'c>> {
    let servers = tcp_servers(cluster).filter(|(_, rs)| rs.host != director.name);
    distinct(servers.flat_map(|(service, rs)| {
        let mut all = of_clients(service, rs, &listens);
        let asked: BTreeSet<u16> = all.iter().map(|question| question.at.port()).collect();
        let page = as_health_check(service);
        let same = page
            .as_ref()
            .is_none_or(|page| page.path == service.check.path);
        let ports = health_path::ports(service, rs).into_iter();
        all.extend(
            ports
                .filter(|port| !(same && asked.contains(port)))
                .map(|port| Question {
                    service,
                    host: &rs.host,
                    at: SocketAddr::new(rs.address, port),
                    page: page.clone(),
                }),
        );
        all
    }))
}

/// The requests of a client, to real servers of DR and TUN that get its requests to the VIP in the same way: from the same
/// source address, at the same socket. With NAT clients may not reach real servers.
pub(super) fn questions_of_client<'c, 'l>(
    cluster: &'c Cluster,
    held: &Addresses,
    listens: impl Fn(&str) -> Option<&'l Listeners>,
) -> Vec<Question<'c>> {
    let source = |to| interfaces::own_address(cluster, held, to).map(|held| held.address);
    let same_source = |service: &Service, rs: &RealServer| {
        let from = source(rs.address);
        let mut vips = service.vips.iter();
        from.is_some() && vips.any(|vip| source(vip.address) == from)
    };
    let same_socket = |question: &Question| {
        let sockets = listens(question.host).into_iter().flat_map(|all| &all.tcp);
        let mut of_port = sockets.filter(|socket| socket.port() == question.at.port());
        of_port.all(|socket| socket.ip().is_unspecified() || socket.ip().is_loopback())
    };
    let servers = tcp_servers(cluster)
        .filter(|(service, rs)| service.mode != Mode::Nat && same_source(service, rs));
    let all = servers.flat_map(|(service, rs)| of_clients(service, rs, &listens));
    distinct(all.filter(|question| question.page.is_some() && same_socket(question)))
}

/// Each question once, and at most [`MOST`].
fn distinct<'c>(questions: impl Iterator<Item = Question<'c>>) -> Vec<Question<'c>> {
    let mut all: Vec<Question> = Vec::new();
    for question in questions {
        if all.len() < MOST && !all.contains(&question) {
            all.push(question);
        }
    }
    all
}

fn tcp_servers(cluster: &Cluster) -> impl Iterator<Item = (&Service, &RealServer)> {
    let services = cluster.services.iter();
    let tcp = services.filter(|service| service.protocol == Protocol::Tcp);
    tcp.flat_map(|service| service.real_servers.iter().map(move |rs| (service, rs)))
}

/// A client's request of each port that the real server serves at its RIP.
fn of_clients<'c, 'l>(
    service: &'c Service,
    rs: &'c RealServer,
    listens: impl Fn(&str) -> Option<&'l Listeners>,
) -> Vec<Question<'c>> {
    let vips = || service.vips.iter().map(|vip| vip.address);
    let of_family = vips().find(|vip| vip.is_ipv4() == rs.address.is_ipv4());
    let vip = of_family.or_else(|| vips().next());
    let mut all = Vec::new();
    for port in service.known_ports() {
        let own = rs.port.unwrap_or(port);
        let heard = listens(&rs.host).is_some_and(|all| {
            let mut sockets = all.tcp.iter().filter(|s| s.port() == own);
            sockets.any(|socket| hears(socket.ip(), rs.address))
        });
        if service.mode == Mode::Nat || heard {
            all.push(Question {
                service,
                host: &rs.host,
                at: SocketAddr::new(rs.address, own),
                page: vip.and_then(|vip| as_clients(service, vip, port)),
            });
        }
    }
    all
}

/// The page that clients request.
fn as_clients(service: &Service, vip: IpAddr, port: u16) -> Option<Page> {
    let tls = service.check.https.contains(&port);
    (tls || service.check.http.contains(&port)).then(|| Page {
        tls,
        name: super::end_to_end::host(service, vip, port).map(str::to_owned),
        path: service.check.path.clone(),
        right: Right::of(service, vip, port),
    })
}

fn as_health_check(service: &Service) -> Option<Page> {
    let kind = &service.health_check.as_ref()?.kind;
    let page = kind.page()?;
    Some(Page {
        tls: matches!(kind, HealthCheckKind::Https(_)),
        name: page.host.clone(),
        path: page.path.clone(),
        right: Right::of_page(page),
    })
}

/// Reads what a host printed.
pub(super) fn answers(section: &Section) -> Answers {
    let pages = section
        .has("rs-pages")
        .then(|| match replies(section.part("rs-pages")) {
            Replies::Came(all) => all,
            Replies::NoTool => Vec::new(),
        });
    let connections = section.has("rs-connections").then(|| {
        let lines = section.part("rs-connections").lines();
        lines.filter_map(connection).collect()
    });
    Answers { pages, connections }
}

/// `10.0.0.1,80 ok`.
fn connection(line: &str) -> Option<(SocketAddr, String)> {
    let (at, words) = line.split_once(' ')?;
    let (address, port) = at.rsplit_once(',')?;
    let at = SocketAddr::new(address.parse().ok()?, port.parse().ok()?);
    Some((at, words.trim().to_owned()))
}
