//! The table of explanations: which check's finding is the consequence of which cause, and on which hosts. A new check whose
//! findings follow from others needs a line here. Rules compare checks, causes and hosts as values, never texts.

use super::members::Members;
use crate::check::arp::{ARP_ANNOUNCE, ARP_IGNORE};
use crate::check::arp_answer::ARP_ANSWER;
use crate::check::arptables::{ARPTABLES_HIDES, ARPTABLES_RIP, ARPTABLES_VIP};
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
use crate::check::keepalived::{VRRP_STATE, VRRP_TRACKED};
use crate::check::link::{LINK, MTU, TRAFFIC_CONTROL};
use crate::check::listener::{LISTENER, OWN_ANSWER};
use crate::check::marks::{MARK_COUNTERS, MARK_RULE, MARK_SET, MARK_UNIQUE};
use crate::check::nat_rules::NAT_RULES;
use crate::check::neighbour_path::FIREWALL_NEIGHBOUR;
use crate::check::offload::LRO;
use crate::check::owner::{DUPLICATE_ADDRESS, NEIGHBOUR};
use crate::check::packet_route::PACKET_ROUTE;
use crate::check::reachable::REACHABLE;
use crate::check::real_server::{REAL_SERVER_ANSWER, REAL_SERVER_REACH};
use crate::check::redirects::SEND_REDIRECTS;
use crate::check::reply_route::{REPLY_ROUTE, RP_FILTER};
use crate::check::running::{KEEPALIVED_LOADED, SERVER_RUNNING};
use crate::check::service_path::FIREWALL_VIP;
use crate::check::source_address::SOURCE_ADDRESS;
use crate::check::sysctl_at_boot::PERSISTED_SYSCTL;
use crate::check::threshold::IPVS_THRESHOLD;
use crate::check::unrecorded_drain::UNRECORDED_DRAIN;
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
enum CauseKind {
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
enum CauseHost {
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
static RULES: &[(&[CauseKind], CauseHost, &[&Check])] = &[
    // keepalived, or the node script's unit, does not run: the director does not serve.
    (
        &[CauseKind::OurUnit],
        CauseHost::SameHost,
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
        &[CauseKind::OurUnit],
        CauseHost::Director,
        &[&VIP_HOLDER, &ARP_ANSWER, &VRRP_ADVERTS, &SYNC_DAEMON],
    ),
    // Its file, and what follows for the instances.
    (
        &[CauseKind::Configuration],
        CauseHost::SameHost,
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
        &[CauseKind::Configuration],
        CauseHost::Director,
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
            CauseKind::Check(&VRRP_FOREIGN),
            CauseKind::Check(&FIREWALL_VRRP),
            CauseKind::Check(&VRRP_ID),
            CauseKind::Check(&VRRP_EQUAL),
            CauseKind::Check(&VRRP_STATE),
        ],
        CauseHost::Cluster,
        &[&VRRP_ADVERTS, &VIP_HOLDER, &ARP_ANSWER, &SYNC_DAEMON],
    ),
    (
        &[CauseKind::Check(&VRRP_ADVERTS)],
        CauseHost::Cluster,
        &[&VIP_HOLDER],
    ),
    // Without keepalived the VIP is a resource of a director.
    (
        &[CauseKind::Vip],
        CauseHost::Director,
        &[&VIP_HOLDER, &ARP_ANSWER],
    ),
    // A real server whose server does not run.
    (
        &[
            CauseKind::OtherUnit,
            CauseKind::Resource("package"),
            CauseKind::ServerFile,
        ],
        CauseHost::SameHost,
        &[&LISTENER, &OWN_ANSWER, &WEB_PAGE],
    ),
    (
        &[
            CauseKind::Check(&LISTENER),
            CauseKind::Check(&SERVER_RUNNING),
            CauseKind::Check(&FIREWALL_VIP),
            CauseKind::Check(&NAT_RULES),
            CauseKind::Check(&PACKET_ROUTE),
            CauseKind::Vip,
        ],
        CauseHost::SameHost,
        &[&OWN_ANSWER, &WEB_PAGE],
    ),
    // keepalived tracks a unit that does not run.
    (
        &[CauseKind::OtherUnit],
        CauseHost::SameHost,
        &[&VRRP_TRACKED, &VRRP_STATE],
    ),
    // A VIP where the host may choose it as its source address.
    (
        &[CauseKind::Vip, CauseKind::Check(&VIP_ONLY_ON_LO)],
        CauseHost::SameHost,
        &[&SOURCE_ADDRESS],
    ),
    // An interface that is down has no routes, and VRRP on it is in FAULT.
    (
        &[CauseKind::Check(&LINK)],
        CauseHost::SameHost,
        &[&PACKET_ROUTE, &REPLY_ROUTE, &VRRP_STATE],
    ),
    // A route of the inventory that the host lacks.
    (
        &[CauseKind::Resource("route")],
        CauseHost::SameHost,
        &[&REPLY_ROUTE, &PACKET_ROUTE],
    ),
    // Who answers ARP for a VIP, and why.
    (
        &[
            CauseKind::Check(&ARP_IGNORE),
            CauseKind::Check(&VIP_ONLY_ON_LO),
            CauseKind::Check(&VIP_NOT_HELD),
            CauseKind::Check(&ARPTABLES_VIP),
            CauseKind::Check(&ARP_ANNOUNCE),
            CauseKind::Check(&ARPTABLES_HIDES),
            CauseKind::Resource("arprule"),
        ],
        CauseHost::Pointed,
        &[&ARP_ANSWER],
    ),
    (
        &[
            CauseKind::Check(&ARPTABLES_VIP),
            CauseKind::Check(&VIP_HOLDER),
        ],
        CauseHost::Cluster,
        &[&ARP_ANSWER],
    ),
    // Requests of directors to a real server, which show what other checks name.
    (
        &[
            CauseKind::Check(&FIREWALL_HEALTH),
            CauseKind::Check(&FIREWALL_VIP),
            CauseKind::Check(&NAT_RULES),
            CauseKind::Check(&PACKET_ROUTE),
            CauseKind::Check(&NEIGHBOUR),
            CauseKind::Check(&DUPLICATE_ADDRESS),
            CauseKind::Check(&ARPTABLES_RIP),
            CauseKind::Check(&FIREWALL_NEIGHBOUR),
            CauseKind::Check(&LINK),
            CauseKind::Check(&MTU),
            CauseKind::Check(&TRAFFIC_CONTROL),
            CauseKind::Check(&RP_FILTER),
            CauseKind::Check(&LISTENER),
            CauseKind::Check(&OWN_ANSWER),
            CauseKind::Check(&SERVER_RUNNING),
            CauseKind::OtherUnit,
            CauseKind::ServerFile,
            CauseKind::Vip,
        ],
        CauseHost::SameHostOrPointed,
        &[&REAL_SERVER_ANSWER, &REAL_SERVER_REACH, &IPVS_HEALTH],
    ),
    // Another host has a real server's address.
    (
        &[CauseKind::Check(&DUPLICATE_ADDRESS)],
        CauseHost::Named,
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
            CauseKind::Check(&NEIGHBOUR),
            CauseKind::Check(&PACKET_ROUTE),
            CauseKind::Check(&LINK),
            CauseKind::Check(&TRAFFIC_CONTROL),
        ],
        CauseHost::SameHost,
        &[&END_TO_END, &ARP_ANSWER],
    ),
    // A health checker takes out whom its director does not reach.
    (
        &[
            CauseKind::Check(&REAL_SERVER_REACH),
            CauseKind::Check(&REAL_SERVER_ANSWER),
        ],
        CauseHost::SameHostOrPointed,
        &[&IPVS_HEALTH],
    ),
    (
        &[CauseKind::Check(&REAL_SERVER_ANSWER)],
        CauseHost::RealServer,
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
            CauseKind::OtherUnit,
            CauseKind::Vip,
            CauseKind::Check(&LISTENER),
            CauseKind::Check(&OWN_ANSWER),
            CauseKind::Check(&REACHABLE),
            CauseKind::Check(&ARPTABLES_RIP),
            CauseKind::Anything,
        ],
        CauseHost::Pointed,
        &[&HEALTH, &GETS_CONNECTIONS],
    ),
    // `lvsctl stop` drains a real server before it stops its part.
    (
        &[CauseKind::OurUnit, CauseKind::Vip],
        CauseHost::Pointed,
        &[&UNRECORDED_DRAIN],
    ),
    // A host that answers for a service, and should not.
    (
        &[
            CauseKind::Check(&VIP_NOT_HELD),
            CauseKind::Check(&VIP_ONLY_ON_LO),
        ],
        CauseHost::SameHost,
        &[&WHO_ANSWERS],
    ),
    // Marks.
    (
        &[CauseKind::Resource("mark")],
        CauseHost::SameHost,
        &[&MARK_RULE, &MARK_SET, &MARK_UNIQUE, &MARK_COUNTERS],
    ),
    (
        &[CauseKind::Check(&MARK_UNIQUE)],
        CauseHost::SameHost,
        &[&MARK_SET],
    ),
    (
        &[CauseKind::Check(&MARK_RULE), CauseKind::Check(&MARK_SET)],
        CauseHost::SameHost,
        &[&MARK_COUNTERS],
    ),
    // Pages come of the real server's own server alone.
    (
        &[
            CauseKind::OtherUnit,
            CauseKind::ServerFile,
            CauseKind::Resource("package"),
        ],
        CauseHost::RealServer,
        &[&HTTP_STATUS, &HTTP_TEXT],
    ),
    // Connections that bypass the director, or that it schedules otherwise than it should.
    (
        &[
            CauseKind::Check(&ARP_ANSWER),
            CauseKind::Check(&ARP_IGNORE),
            CauseKind::Check(&VIP_ONLY_ON_LO),
            CauseKind::Check(&VIP_NOT_HELD),
            CauseKind::Check(&VIP_HOLDER),
            CauseKind::Check(&NEIGHBOUR),
        ],
        CauseHost::Cluster,
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
            CauseKind::Resource("ipvs"),
            CauseKind::Check(&MARK_SET),
            CauseKind::Check(&MARK_RULE),
            CauseKind::Check(&NAT_RULES),
            CauseKind::Check(&FIREWALL_VIP),
            CauseKind::Check(&PACKET_ROUTE),
            CauseKind::Check(&TRAFFIC_CONTROL),
            CauseKind::Check(&IPVS_SYSCTL),
            CauseKind::Check(&IPVS_THRESHOLD),
        ],
        CauseHost::Director,
        &[&SHARES, &GETS_CONNECTIONS, &PERSISTENCE, &STATISTICS],
    ),
    (
        &[CauseKind::Anything],
        CauseHost::Member,
        &[&END_TO_END, &SHARES],
    ),
    (
        &[
            CauseKind::Check(&VIP_HOLDER),
            CauseKind::Check(&ARP_ANSWER),
            CauseKind::Check(&VRRP_FOREIGN),
        ],
        CauseHost::Cluster,
        &[&END_TO_END],
    ),
    // Requests without an answer are counted nowhere.
    (
        &[CauseKind::Check(&END_TO_END)],
        CauseHost::Cluster,
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

/// Checks whose findings are consequences themselves, and so do not match [`CauseKind::Anything`].
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
        CauseKind::OtherUnit,
        CauseKind::ServerFile,
        CauseKind::Resource("package"),
        CauseKind::Check(&SERVER_RUNNING),
        CauseKind::Check(&LISTENER),
        CauseKind::Check(&REAL_SERVER_ANSWER),
        CauseKind::Check(&NAT_RULES),
    ];
    of.iter().any(|from| is(members, *from, cause))
}

fn is(members: &Members, from: CauseKind, cause: &Finding) -> bool {
    match from {
        CauseKind::Check(check) => {
            cause.check == check || cause.parts.iter().any(|p| p.check == check)
        }
        CauseKind::OurUnit => unit(cause).is_some_and(|unit| members.units.contains(unit)),
        CauseKind::OtherUnit => unit(cause).is_some_and(|unit| !members.units.contains(unit)),
        CauseKind::Configuration => cause.cause == Some(Cause::KeepalivedConfig),
        CauseKind::Vip => matches!(cause.cause, Some(Cause::Vip(_))),
        CauseKind::Resource(expected_kind) => {
            matches!(&cause.cause, Some(Cause::Resource { kind, .. }) if kind == expected_kind)
        }
        CauseKind::ServerFile => matches!(
            &cause.cause,
            Some(Cause::Resource { kind, key }) if kind == "file" && !OF_BOOT.iter().any(|dir| key.starts_with(dir))
        ),
        CauseKind::Anything => {
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

fn stands(members: &Members, at: CauseHost, cause: &Finding, finding: &Finding) -> bool {
    let service = finding.about.service.as_deref();
    let host = cause.host.as_str();
    match at {
        CauseHost::SameHost => !host.is_empty() && host == finding.host,
        CauseHost::SameHostOrPointed => {
            !host.is_empty() && (host == finding.host || finding.about.hosts.contains(host))
        }
        CauseHost::Director => members.is_director(host) && members.same_vip(cause, finding),
        CauseHost::RealServer => members.is_real_server(host, service),
        CauseHost::Member => {
            members.serves(host, finding.about.vip) || members.is_real_server(host, service)
        }
        CauseHost::Pointed => finding.about.hosts.contains(host),
        CauseHost::Named => cause.about.hosts.iter().any(|named| {
            *named == finding.host
                || finding.about.hosts.contains(named)
                || (service.is_some() && members.is_real_server(named, service))
        }),
        CauseHost::Cluster => members.same_vip(cause, finding),
    }
}
