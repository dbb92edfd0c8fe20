//! The table of explanations: which check's finding is the consequence of which cause, and on which hosts. A new check whose
//! findings follow from others needs a line here. Rules compare checks, causes and hosts as values, never texts.

use super::members::Members;
use crate::check::arp::{ARP_ANNOUNCE, ARP_IGNORE};
use crate::check::arp_answer::ARP_ANSWER;
use crate::check::arptables::{ARPTABLES_RIP, ARPTABLES_VIP};
use crate::check::clocks::CLOCKS;
use crate::check::drift::{DRIFT, OF_BOOT};
use crate::check::end_to_end::{
    END_TO_END, GETS_CONNECTIONS, HTTP_STATUS, HTTP_TEXT, PERSISTENCE, SHARES, STATISTICS,
    WHO_ANSWERS,
};
use crate::check::guard::GUARD;
use crate::check::health::HEALTH;
use crate::check::health_path::FIREWALL_HEALTH;
use crate::check::iptables::IPTABLES_BACKEND;
use crate::check::ipvs_health::IPVS_HEALTH;
use crate::check::ipvs_sync::SYNC_DAEMON;
use crate::check::ipvs_sysctl::IPVS_SYSCTL;
use crate::check::ipvs_timeouts::IPVS_TIMEOUTS;
use crate::check::keepalived::VRRP_STATE;
use crate::check::link::{LINK, MTU, TRAFFIC_CONTROL};
use crate::check::listener::{LISTENER, OWN_ANSWER};
use crate::check::marks::{MARK_COUNTERS, MARK_RULE, MARK_SET, MARK_UNIQUE};
use crate::check::nat_rules::NAT_RULES;
use crate::check::offload::LRO;
use crate::check::owner::{DUPLICATE_ADDRESS, NEIGHBOUR};
use crate::check::packet_route::PACKET_ROUTE;
use crate::check::reachable::REACHABLE;
use crate::check::real_server::{REAL_SERVER_ANSWER, REAL_SERVER_REACH};
use crate::check::redirects::SEND_REDIRECTS;
use crate::check::reply_route::RP_FILTER;
use crate::check::running::{KEEPALIVED_LOADED, SERVER_RUNNING};
use crate::check::service_path::FIREWALL_VIP;
use crate::check::sysctl_at_boot::PERSISTED_SYSCTL;
use crate::check::threshold::IPVS_THRESHOLD;
use crate::check::vip::{VIP_HOLDER, VIP_NOT_HELD, VIP_ONLY_ON_LO};
use crate::check::vrrp::{VRRP_EQUAL, VRRP_ID, VRRP_PRIORITY};
use crate::check::vrrp_adverts::{VRRP_ADVERTS, VRRP_FOREIGN};
use crate::check::vrrp_master::VRRP_MASTER;
use crate::check::vrrp_path::FIREWALL_VRRP;
use crate::check::vrrp_running::VRRP_RUNNING;
use crate::check::web_page::WEB_PAGE;
use crate::check::{Cause, Check, Finding, Severity};

/// The kind of cause that a finding must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// A finding of a check.
    Check(&'static Check),
    /// A unit of keepalived, or of the cluster, that does not run as it should.
    OurUnit,
    /// Another unit: the server itself.
    OtherUnit,
    Configuration,
    /// An address that is missing or too many.
    Vip,
    /// A resource of this kind that is not in the desired state.
    Resource(&'static str),
    /// A file that a server reads or hands out.
    ServerFile,
    /// Any error that can affect the answers to clients, on a serving director or a real server.
    Anything,
}

/// The host of the cause, relative to the consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    SameHost,
    SameHostOrPointed,
    /// A director, about the same VIP.
    Director,
    /// A real server of the service.
    RealServer,
    /// A director that serves the VIP, or a real server of the service.
    Member,
    /// A host that the consequence points at.
    Pointed,
    /// The cause points at a host of the consequence.
    Named,
    /// Anywhere, about the same VIP.
    Cluster,
}

/// Causes in the order in which they are preferred.
static RULES: &[(&[From], At, &[&Check])] = &[
    // keepalived, or the node script's unit, does not run: the director does not serve.
    (
        &[From::OurUnit],
        At::SameHost,
        &[
            &DRIFT,
            &VRRP_STATE,
            &SYNC_DAEMON,
            &VRRP_ADVERTS,
            &STATISTICS,
            &MARK_COUNTERS,
        ],
    ),
    (
        &[From::OurUnit],
        At::Director,
        &[&VIP_HOLDER, &ARP_ANSWER, &VRRP_ADVERTS, &SYNC_DAEMON],
    ),
    // Its file, and what follows for the instances.
    (
        &[From::Configuration],
        At::SameHost,
        &[
            &VRRP_ID,
            &VRRP_STATE,
            &SYNC_DAEMON,
            &VRRP_ADVERTS,
            &KEEPALIVED_LOADED,
            &VRRP_RUNNING,
            &VRRP_MASTER,
        ],
    ),
    (
        &[From::Configuration],
        At::Director,
        &[
            &VRRP_EQUAL,
            &VRRP_PRIORITY,
            &VRRP_MASTER,
            &VRRP_RUNNING,
            &VIP_HOLDER,
            &ARP_ANSWER,
            &VRRP_ADVERTS,
        ],
    ),
    // Directors that do not hear each other, or a stranger that they hear.
    (
        &[
            From::Check(&VRRP_FOREIGN),
            From::Check(&FIREWALL_VRRP),
            From::Check(&VRRP_ID),
            From::Check(&VRRP_EQUAL),
            From::Check(&VRRP_STATE),
        ],
        At::Cluster,
        &[&VRRP_ADVERTS, &VIP_HOLDER, &ARP_ANSWER, &SYNC_DAEMON],
    ),
    (&[From::Check(&VRRP_ADVERTS)], At::Cluster, &[&VIP_HOLDER]),
    // Without keepalived the VIP is a resource of a director.
    (&[From::Vip], At::Director, &[&VIP_HOLDER, &ARP_ANSWER]),
    // A real server whose server does not run.
    (
        &[From::OtherUnit, From::Resource("package"), From::ServerFile],
        At::SameHost,
        &[&LISTENER, &OWN_ANSWER, &WEB_PAGE],
    ),
    (
        &[
            From::Check(&LISTENER),
            From::Check(&SERVER_RUNNING),
            From::Check(&FIREWALL_VIP),
            From::Check(&NAT_RULES),
            From::Check(&PACKET_ROUTE),
            From::Vip,
        ],
        At::SameHost,
        &[&OWN_ANSWER, &WEB_PAGE],
    ),
    // Who answers ARP for a VIP, and why.
    (
        &[
            From::Check(&ARP_IGNORE),
            From::Check(&VIP_ONLY_ON_LO),
            From::Check(&VIP_NOT_HELD),
            From::Check(&ARPTABLES_VIP),
            From::Check(&ARP_ANNOUNCE),
        ],
        At::Pointed,
        &[&ARP_ANSWER],
    ),
    (
        &[From::Check(&ARPTABLES_VIP), From::Check(&VIP_HOLDER)],
        At::Cluster,
        &[&ARP_ANSWER],
    ),
    // Requests of directors to a real server, which show what other checks name.
    (
        &[
            From::Check(&FIREWALL_HEALTH),
            From::Check(&FIREWALL_VIP),
            From::Check(&NAT_RULES),
            From::Check(&PACKET_ROUTE),
            From::Check(&NEIGHBOUR),
            From::Check(&DUPLICATE_ADDRESS),
            From::Check(&ARPTABLES_RIP),
            From::Check(&LINK),
            From::Check(&MTU),
            From::Check(&TRAFFIC_CONTROL),
            From::Check(&RP_FILTER),
            From::Check(&LISTENER),
            From::Check(&OWN_ANSWER),
            From::Check(&SERVER_RUNNING),
            From::OtherUnit,
            From::ServerFile,
            From::Vip,
        ],
        At::SameHostOrPointed,
        &[&REAL_SERVER_ANSWER, &REAL_SERVER_REACH, &IPVS_HEALTH],
    ),
    // Another host has a real server's address.
    (
        &[From::Check(&DUPLICATE_ADDRESS)],
        At::Named,
        &[
            &REAL_SERVER_ANSWER,
            &REAL_SERVER_REACH,
            &IPVS_HEALTH,
            &HEALTH,
            &GETS_CONNECTIONS,
            &END_TO_END,
            &SHARES,
        ],
    ),
    // A client whose own way to the VIP is another.
    (
        &[
            From::Check(&NEIGHBOUR),
            From::Check(&PACKET_ROUTE),
            From::Check(&LINK),
            From::Check(&TRAFFIC_CONTROL),
        ],
        At::SameHost,
        &[&END_TO_END, &ARP_ANSWER],
    ),
    // A health checker takes out whom its director does not reach.
    (
        &[
            From::Check(&REAL_SERVER_REACH),
            From::Check(&REAL_SERVER_ANSWER),
        ],
        At::SameHostOrPointed,
        &[&IPVS_HEALTH],
    ),
    (
        &[From::Check(&REAL_SERVER_ANSWER)],
        At::RealServer,
        &[
            &HTTP_STATUS,
            &HTTP_TEXT,
            &END_TO_END,
            &SHARES,
            &GETS_CONNECTIONS,
        ],
    ),
    // Health checkers take out what does not answer.
    (
        &[
            From::OtherUnit,
            From::Vip,
            From::Check(&LISTENER),
            From::Check(&OWN_ANSWER),
            From::Check(&REACHABLE),
            From::Check(&ARPTABLES_RIP),
            From::Anything,
        ],
        At::Pointed,
        &[&HEALTH, &GETS_CONNECTIONS],
    ),
    // A host that answers for a service, and should not.
    (
        &[From::Check(&VIP_NOT_HELD), From::Check(&VIP_ONLY_ON_LO)],
        At::SameHost,
        &[&WHO_ANSWERS],
    ),
    // Marks.
    (
        &[From::Resource("mark")],
        At::SameHost,
        &[&MARK_RULE, &MARK_SET, &MARK_COUNTERS],
    ),
    (&[From::Check(&MARK_UNIQUE)], At::SameHost, &[&MARK_SET]),
    (
        &[From::Check(&MARK_RULE), From::Check(&MARK_SET)],
        At::SameHost,
        &[&MARK_COUNTERS],
    ),
    // Pages come of the real server's own server alone.
    (
        &[From::OtherUnit, From::ServerFile, From::Resource("package")],
        At::RealServer,
        &[&HTTP_STATUS, &HTTP_TEXT],
    ),
    // Connections that bypass the director, or that it schedules otherwise than it should.
    (
        &[
            From::Check(&ARP_ANSWER),
            From::Check(&ARP_IGNORE),
            From::Check(&VIP_ONLY_ON_LO),
            From::Check(&VIP_NOT_HELD),
            From::Check(&VIP_HOLDER),
            From::Check(&NEIGHBOUR),
        ],
        At::Cluster,
        &[
            &STATISTICS,
            &SHARES,
            &GETS_CONNECTIONS,
            &MARK_COUNTERS,
            &PERSISTENCE,
            &WHO_ANSWERS,
        ],
    ),
    (
        &[
            From::Resource("ipvs"),
            From::Check(&MARK_SET),
            From::Check(&MARK_RULE),
            From::Check(&NAT_RULES),
            From::Check(&FIREWALL_VIP),
            From::Check(&PACKET_ROUTE),
            From::Check(&TRAFFIC_CONTROL),
            From::Check(&IPVS_SYSCTL),
            From::Check(&IPVS_THRESHOLD),
        ],
        At::Director,
        &[&SHARES, &GETS_CONNECTIONS, &PERSISTENCE, &STATISTICS],
    ),
    (&[From::Anything], At::Member, &[&END_TO_END, &SHARES]),
    (
        &[
            From::Check(&VIP_HOLDER),
            From::Check(&ARP_ANSWER),
            From::Check(&VRRP_FOREIGN),
        ],
        At::Cluster,
        &[&END_TO_END],
    ),
    // Requests without an answer are counted nowhere.
    (
        &[From::Check(&END_TO_END)],
        At::Cluster,
        &[&STATISTICS, &GETS_CONNECTIONS, &MARK_COUNTERS],
    ),
];

/// Checks whose faults do not affect the answers to clients now.
static HARMLESS: &[&Check] = &[
    &GUARD,
    &PERSISTED_SYSCTL,
    &SEND_REDIRECTS,
    &SYNC_DAEMON,
    &CLOCKS,
    &LRO,
    &IPVS_TIMEOUTS,
    &IPTABLES_BACKEND,
    &VRRP_PRIORITY,
    &VRRP_EQUAL,
    &HEALTH,
];

/// Checks whose findings are consequences themselves, and so do not match [`From::Anything`].
static SYMPTOMS: &[&Check] = &[
    &END_TO_END,
    &HTTP_STATUS,
    &HTTP_TEXT,
    &WHO_ANSWERS,
    &GETS_CONNECTIONS,
    &SHARES,
    &PERSISTENCE,
    &STATISTICS,
    &MARK_COUNTERS,
    &ARP_ANSWER,
    &VIP_HOLDER,
    &WEB_PAGE,
];

/// The rank with which one finding explains another, lower is better; None: it does not.
pub(super) fn explains(members: &Members, cause: &Finding, finding: &Finding) -> Option<usize> {
    // A note explains nothing, and a warning does not explain an error.
    if !cause.is_fault() || finding.severity < cause.severity {
        return None;
    }
    // A fault of the next boot does not explain a present one.
    if cause.about.later {
        return None;
    }
    if finding.about.answered && !is_of_server(members, cause) {
        return None;
    }
    RULES.iter().position(|(from, at, to)| {
        to.contains(&finding.check)
            && from.iter().any(|from| is(members, *from, cause))
            && stands(members, *at, cause, finding)
            && (*finding.check != DRIFT || is_made_by_unit(finding))
    })
}

/// Whether a cause is in the real server's own service: its unit, package, files or listener.
fn is_of_server(members: &Members, cause: &Finding) -> bool {
    let of = [
        From::OtherUnit,
        From::ServerFile,
        From::Resource("package"),
        From::Check(&SERVER_RUNNING),
        From::Check(&LISTENER),
        From::Check(&REAL_SERVER_ANSWER),
        From::Check(&NAT_RULES),
    ];
    of.iter().any(|from| is(members, *from, cause))
}

fn is(members: &Members, from: From, cause: &Finding) -> bool {
    match from {
        From::Check(check) => cause.check == check || cause.parts.iter().any(|p| p.check == check),
        From::OurUnit => unit(cause).is_some_and(|unit| members.units.contains(unit)),
        From::OtherUnit => unit(cause).is_some_and(|unit| !members.units.contains(unit)),
        From::Configuration => cause.cause == Some(Cause::KeepalivedConfig),
        From::Vip => matches!(cause.cause, Some(Cause::Vip(_))),
        From::Resource(expected_kind) => {
            matches!(&cause.cause, Some(Cause::Resource { kind, .. }) if kind == expected_kind)
        }
        From::ServerFile => matches!(
            &cause.cause,
            Some(Cause::Resource { kind, key }) if kind == "file" && !OF_BOOT.iter().any(|dir| key.starts_with(dir))
        ),
        From::Anything => {
            cause.severity == Severity::Error
                && !HARMLESS.contains(&cause.check)
                && !SYMPTOMS.contains(&cause.check)
        }
    }
}

/// Whether drift is of a resource that keepalived or the node script sets: the IPVS table or a VIP. Other drift has other
/// causes.
fn is_made_by_unit(finding: &Finding) -> bool {
    match &finding.cause {
        Some(Cause::Vip(_)) => true,
        Some(Cause::Resource { kind, .. }) => kind == "ipvs",
        _ => false,
    }
}

fn unit(finding: &Finding) -> Option<&String> {
    match &finding.cause {
        Some(Cause::Unit(unit)) => Some(unit),
        _ => None,
    }
}

fn stands(members: &Members, at: At, cause: &Finding, finding: &Finding) -> bool {
    let service = finding.about.service.as_deref();
    let host = cause.host.as_str();
    match at {
        At::SameHost => !host.is_empty() && host == finding.host,
        At::SameHostOrPointed => {
            !host.is_empty() && (host == finding.host || finding.about.hosts.contains(host))
        }
        At::Director => members.is_director(host) && members.same_vip(cause, finding),
        At::RealServer => members.is_real_server(host, service),
        At::Member => {
            members.serves(host, finding.about.vip) || members.is_real_server(host, service)
        }
        At::Pointed => finding.about.hosts.contains(host),
        At::Named => cause.about.hosts.iter().any(|named| {
            *named == finding.host
                || finding.about.hosts.contains(named)
                || (service.is_some() && members.is_real_server(named, service))
        }),
        At::Cluster => members.same_vip(cause, finding),
    }
}
