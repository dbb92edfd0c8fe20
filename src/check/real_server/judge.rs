//! Judges the answers of each real server: against the expectations of its service, and against the other real servers. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::usual_status::{Status, unusual};
use super::{Asked, Question, refused};
use crate::check::HostAudit;
use crate::check::definition::{Check, Judge, nothing};
use crate::check::end_to_end::right::Right;
use crate::check::end_to_end::{Replies, Reply};
use crate::check::findings::{Findings, Mismatch};
use crate::check::traffic::Traffic;
use crate::check::web_page;
use crate::model::{Mode, Protocol, Service};
use crate::view;

pub(in crate::check) static REAL_SERVER_ANSWER: Check = Check {
    id: "real-server-answer",
    summary: "Each real server gives an accepted response, to every director and to itself, with DR and TUN also to clients on its network.",
    reason: "The scheduler and persistence select one real server for a client; faults of the other real servers affect \
             other clients.",
    source: "curl(1); the inventory, `check` and `health_check`",
    fix: "check the server's log on the real server that the finding names",
    needs: nothing,
    judge: Judge::Traffic(judge),
};

pub(in crate::check) static REAL_SERVER_REACH: Check = Check {
    id: "real-server-reach",
    summary: "Every director reaches each real server that another one reaches.",
    reason: "A director that cannot reach a healthy real server distributes its clients over fewer real servers. On a \
             backup this appears at the next failover.",
    source: "curl(1), bash(1) `/dev/tcp`",
    fix: "compare `ip route get RIP`, `ip neigh show RIP` and the packet filter with those of the director that reaches it",
    needs: nothing,
    judge: Judge::By("real-server-answer"),
};

/// The result of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// With its status, where it is a page.
    Right(Option<u16>),
    Wrong(String),
    /// A connection that ended without an answer.
    Ended(String),
    /// Nothing at all.
    Nothing(String),
}

/// The answers of one real server to the same request of all directors.
pub(super) struct Heard<'t> {
    pub(super) question: Question<'t>,
    /// The directors that sent it, each with the result.
    by: Vec<(&'t str, Came)>,
}

impl Heard<'_> {
    /// The directors that got an accepted answer, each with its status.
    pub(super) fn served(&self) -> impl Iterator<Item = (&str, Option<u16>)> {
        self.by.iter().filter_map(|(director, came)| match came {
            Came::Right(status) => Some((*director, *status)),
            _ => None,
        })
    }
}

pub(super) fn judge(traffic: &Traffic, findings: &mut Findings) {
    let heard = heard(traffic);
    for one in &heard {
        if !unserved(traffic, &one.question) {
            report(traffic, one, findings);
        }
    }
    differ(&heard, findings);
    refused::judge(traffic, &heard, findings);
    for service in traffic
        .cluster
        .services
        .iter()
        .filter(|s| s.protocol == Protocol::Tcp && s.mode != Mode::Nat)
    {
        for audit in traffic
            .hosts
            .iter()
            .filter(|audit| !audit.host.is_director())
        {
            own(traffic, audit, service, &heard, findings);
        }
    }
}

/// The answers of all directors, question by question.
fn heard<'t>(traffic: &'t Traffic) -> Vec<Heard<'t>> {
    let mut all: Vec<Heard> = Vec::new();
    for asked in traffic.asked.iter().filter(|asked| asked.is_director) {
        for (question, came) in outcomes(traffic, asked) {
            match all.iter_mut().find(|heard| heard.question == *question) {
                Some(heard) => heard.by.push((&asked.from, came)),
                None => all.push(Heard {
                    question: question.clone(),
                    by: vec![(&asked.from, came)],
                }),
            }
        }
    }
    all
}

/// Whether the roles of a real server install a page with its name at `/`.
fn has_named_page(traffic: &Traffic, host: &str) -> bool {
    let mut hosts = traffic.hosts.iter();
    hosts
        .find(|audit| audit.name() == host)
        .is_some_and(web_page::is_named)
}

pub(super) fn outcomes<'t>(
    traffic: &Traffic,
    asked: &'t Asked<'t>,
) -> Vec<(&'t Question<'t>, Came)> {
    let mut replies = asked.answers.pages.iter().flatten();
    let mut all = Vec::new();
    for question in &asked.questions {
        let came = match &question.page {
            // A missing reply means that the request was not sent, since the time limit was over.
            Some(page) => replies.next().map(|reply| {
                let named = page.path == "/" && has_named_page(traffic, question.host);
                came(&page.right, reply, named.then_some(question.host))
            }),
            None => asked
                .answers
                .connections
                .as_ref()
                .map(|all| connected(question.at, all)),
        };
        if let Some(came) = came {
            all.push((question, came));
        }
    }
    all
}

fn connected(at: SocketAddr, all: &[(SocketAddr, String)]) -> Came {
    match all.iter().find(|(other, _)| *other == at) {
        Some((_, words)) if words == "ok" => Came::Right(None),
        Some((_, words)) => Came::Nothing(words.clone()),
        None => Came::Nothing("timed out".to_owned()),
    }
}

/// `name`: the page's only line, where it is known.
fn came(right: &Right, reply: &Reply, name: Option<&str>) -> Came {
    match reply.status {
        None if reply.fresh => Came::Ended(reply.error.clone()),
        None => Came::Nothing(reply.error.clone()),
        // A connection, where curl is not there.
        Some(1) => Came::Right(None),
        Some(status) if !right.accepts(status) => Came::Wrong(format!("status {status}")),
        Some(status) => match &right.text {
            Some(text) if !reply.has_text => Came::Wrong(format!("a page without {text:?}")),
            _ => match name.filter(|name| reply.first_line != *name) {
                Some(name) => Came::Wrong(format!(
                    "status {status} and the first line {:?}, not the page {name:?} that lvsctl installed",
                    reply.first_line
                )),
                None => Came::Right(Some(status)),
            },
        },
    }
}

/// Whether no program listens there; the check `listener` reports that.
fn unserved(traffic: &Traffic, question: &Question) -> bool {
    let host = traffic
        .hosts
        .iter()
        .find(|audit| audit.name() == question.host);
    host.is_some_and(|host| {
        let listener = &host.facts().listener;
        let known = !listener.hidden && !listener.tcp.is_empty();
        let at = question.at;
        let mut here = listener
            .tcp
            .iter()
            .filter(|socket| socket.port() == at.port());
        known && !here.any(|socket| super::hears(socket.ip(), at.ip()))
    })
}

/// Whether some director sends the real server new connections; true if no director lists the service.
pub(super) fn in_service(traffic: &Traffic, question: &Question) -> bool {
    let directors = traffic
        .hosts
        .iter()
        .filter(|audit| audit.host.is_director());
    let tables = directors.map(|audit| &audit.facts().ipvs.table.services);
    let desired = view::virtuals(question.service);
    let (mut known, mut serves) = (false, false);
    for services in tables {
        for served in services
            .iter()
            .filter(|s| desired.contains(&s.definition.r#virtual))
        {
            known = true;
            let mut all = served.real_servers.values();
            serves |= all.any(|rs| rs.address.ip() == question.at.ip() && rs.weight > 0);
        }
    }
    serves || !known
}

pub(super) fn names(by: &[&str]) -> String {
    by.join(" and ")
}

/// Reports one real server: it failed for all directors, or for some.
fn report(traffic: &Traffic, heard: &Heard, findings: &mut Findings) {
    let question = &heard.question;
    let what = what(question);
    let bad: Vec<(&str, &Came)> = heard
        .by
        .iter()
        .filter(|(_, came)| !matches!(came, Came::Right(_)))
        .map(|(who, came)| (*who, came))
        .collect();
    let Some((_, first)) = bad.first() else {
        let read = format!(
            "right for {}",
            names(&heard.by.iter().map(|(who, _)| *who).collect::<Vec<_>>())
        );
        return findings.pass_of(question.host, &REAL_SERVER_ANSWER, what, read);
    };
    let (Came::Wrong(words) | Came::Ended(words) | Came::Nothing(words)) = first else {
        return;
    };
    let askers: Vec<&str> = bad.iter().map(|(who, _)| *who).collect();
    if !in_service(traffic, question) {
        let note = format!(
            "{what}: {words}, asked by {}; no director sends it new connections",
            names(&askers)
        );
        return findings.note(question.host, &REAL_SERVER_ANSWER, note);
    }
    let expected = expected(question);
    if bad.len() == heard.by.len() {
        let found = format!("{words}, asked by {}", names(&askers));
        let fault = Mismatch::new(expected, found, fix(question, askers.first().copied()));
        let fault = fault.of_service(&question.service.name);
        let nothing = bad
            .iter()
            .all(|(_, came)| matches!(came, Came::Ended(_) | Came::Nothing(_)));
        // If several directors got the same failure, the fault is not theirs.
        let fault = match askers.as_slice() {
            [one] if nothing => fault.points_at(one),
            _ if nothing => fault,
            _ => fault.answered(),
        };
        return findings.fail(question.host, &REAL_SERVER_ANSWER, what, fault);
    }
    let good: Vec<&str> = heard
        .by
        .iter()
        .filter(|(_, c)| matches!(c, Came::Right(_)))
        .map(|(who, _)| *who)
        .collect();
    for (who, came) in bad {
        let (Came::Wrong(words) | Came::Ended(words) | Came::Nothing(words)) = came else {
            continue;
        };
        let fault = Mismatch::new(
            format!(
                "{who} to get from {} what {} gets: {expected}",
                question.host,
                names(&good)
            ),
            words.clone(),
            format!(
                "compare `ip route get {ip}` and `ip neigh show {ip}` on {who} with those on {}, and what {} has against {who}: its packet filter, its server's list of addresses",
                names(&good),
                question.host,
                ip = question.at.ip(),
            ),
        );
        let fault = fault
            .points_at(question.host)
            .of_service(&question.service.name);
        findings.fail(who, &REAL_SERVER_REACH, what.clone(), fault);
    }
}

pub(super) fn what(question: &Question) -> String {
    let path = question.page.as_ref().map_or("", |page| page.path.as_str());
    format!(
        "{} {} of {}{}{path}",
        question.service.name,
        question.at,
        question.host,
        if path.is_empty() { "" } else { " " }
    )
}

pub(super) fn expected(question: &Question) -> String {
    match &question.page {
        Some(page) => {
            let text = page
                .right
                .text
                .as_ref()
                .map_or_else(String::new, |text| format!(", and {text:?} in its body"));
            format!(
                "{} for {} from {}{text}",
                page.right, page.path, question.at
            )
        }
        None => format!("a connection to {}", question.at),
    }
}

pub(super) fn fix(question: &Question, asker: Option<&str>) -> String {
    let on = asker.map_or_else(String::new, |asker| format!(" on {asker}"));
    match &question.page {
        Some(page) => {
            let scheme = if page.tls { "https" } else { "http" };
            let name = page
                .name
                .as_ref()
                .map_or_else(String::new, |name| format!("-H 'Host: {name}' "));
            format!(
                "see the server's log on {}; `curl -ki {name}{scheme}://{}{}`{on} shows the answer",
                question.host, question.at, page.path
            )
        }
        None => format!(
            "see whether the server on {} takes connections, and what its packet filter drops",
            question.host
        ),
    }
}

fn other_real_servers(count: usize) -> String {
    match count {
        1 => "another real server".to_owned(),
        _ => format!("{count} other real servers"),
    }
}

/// A service, a port and a path.
type Same = (String, u16, String);

/// Reports real servers of one service whose statuses differ in class from those of the others.
fn differ(heard: &[Heard], findings: &mut Findings) {
    let mut groups: BTreeMap<Same, Vec<(&Heard, Status)>> = BTreeMap::new();
    for one in heard {
        let Some(page) = &one.question.page else {
            continue;
        };
        let status = one.served().find_map(|(_, status)| status);
        if let Some(code) = status {
            let question = &one.question;
            let listed = page.right.lists(code);
            let key = (
                question.service.name.clone(),
                question.at.port(),
                page.path.clone(),
            );
            groups
                .entry(key)
                .or_default()
                .push((one, Status { code, listed }));
        }
    }
    for group in groups.into_values() {
        let statuses: Vec<Status> = group.iter().map(|(_, status)| *status).collect();
        let Some((usual, others)) = unusual(&statuses) else {
            continue;
        };
        for (one, status) in others.iter().map(|index| &group[*index]) {
            let question = &one.question;
            let fault = Mismatch::new(
                format!(
                    "the answer to {} of {}: status {}",
                    question.page.as_ref().map_or("", |p| &p.path),
                    other_real_servers(usual.count),
                    usual.code,
                ),
                format!("status {}", status.code),
                fix(question, one.by.first().map(|(who, _)| *who)),
            );
            findings.fail(
                question.host,
                &REAL_SERVER_ANSWER,
                what(question),
                fault.warning(),
            );
        }
    }
}

/// Judges the answer of a DR or TUN real server to the request that it sends to the VIP. Whether it answers at all is another
/// check.
fn own(
    traffic: &Traffic,
    audit: &HostAudit,
    service: &Service,
    heard: &[Heard],
    findings: &mut Findings,
) {
    let Some(rs) = service.backends_on(audit.name()).next() else {
        return;
    };
    for vip in service.vips.iter().map(|vip| vip.address) {
        for port in service.known_ports() {
            let Some(Replies::Came(replies)) = audit.own.get(&SocketAddr::new(vip, port)) else {
                continue;
            };
            let right = Right::of(service, vip, port);
            let Some(Came::Wrong(words)) = replies.first().map(|reply| came(&right, reply, None))
            else {
                let what = format!("{} {vip} port {port}, asked by itself", service.name);
                findings.pass_of(audit.name(), &REAL_SERVER_ANSWER, what, "right");
                continue;
            };
            let at = SocketAddr::new(rs.address, port);
            // Already reported if a director got the same wrong answer.
            let known = heard.iter().any(|one| {
                let same = one.question.at == at && std::ptr::eq(one.question.service, service);
                same && one
                    .by
                    .iter()
                    .any(|(_, came)| matches!(came, Came::Wrong(_)))
            });
            if known {
                continue;
            }
            let question = Question {
                service,
                host: audit.name(),
                at,
                page: None,
            };
            let at = SocketAddr::new(vip, port);
            let what = format!("{} {at} of {}", service.name, audit.name());
            if !in_service(traffic, &question) {
                let note = format!(
                    "{what}: {words}, asked by itself; no director sends it new connections"
                );
                findings.note(audit.name(), &REAL_SERVER_ANSWER, note);
                continue;
            }
            let path = &service.check.path;
            let fault = Mismatch::new(
                format!("{right} for {path} from {at}"),
                format!("{words}, asked by itself"),
                format!(
                    "see the server's log on {}; `curl -ki http://{at}{path}` on it shows the answer",
                    audit.name()
                ),
            );
            findings.fail(audit.name(), &REAL_SERVER_ANSWER, what, fault);
        }
    }
}
