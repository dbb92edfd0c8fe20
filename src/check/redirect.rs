//! The target of a service's requests after a real server's nat table: the requested port, another port, or another host. A
//! check of a port is valid only if the requests reach that port. Pure.

use std::net::IpAddr;

use super::HostAudit;
use super::firewall::{Packet, Rewrite};
use super::nat_rules;

/// The target of requests that reach a real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Served {
    /// The requested address and port.
    Here,
    /// Another port, and another address if the rule names one; with the rule.
    Redirected {
        address: Option<IpAddr>,
        port: u16,
        by: String,
    },
    /// Another host or a container, by this rule.
    Elsewhere(String),
    /// It cannot be decided; why.
    Unknown(String),
}

/// The target by the rules for packets that arrive on some interface.
pub(super) fn coming(audit: &HostAudit, packet: &Packet, by: &[String]) -> Served {
    let each = by.iter().map(|name| {
        let comes_in = Some(name.as_str());
        one(
            audit,
            "PREROUTING",
            &Packet {
                comes_in,
                ..packet.clone()
            },
        )
    });
    agreed(each)
}

/// The request with a client address that no rule is likely to name.
pub(super) fn usual<'p>(packet: &Packet<'p>) -> Packet<'p> {
    Packet {
        source_port: packet.source_port.or(Some(50_123)),
        ..packet.clone()
    }
}

/// The target by the rules for the host's own requests.
pub(super) fn own(audit: &HostAudit, packet: &Packet) -> Served {
    let goes_out = Some("lo");
    one(
        audit,
        "OUTPUT",
        &Packet {
            goes_out,
            ..packet.clone()
        },
    )
}

fn agreed(mut each: impl Iterator<Item = Served>) -> Served {
    let first = each.next().unwrap_or(Served::Here);
    if each.all(|other| other == first) {
        return first;
    }
    Served::Unknown("the interfaces differ in their rules of nat/PREROUTING".to_owned())
}

fn one(audit: &HostAudit, chain: &str, packet: &Packet) -> Served {
    let Some(rewrite) = nat_rules::rewritten(audit, chain, packet) else {
        return Served::Here;
    };
    let shown = |by: &str| format!("redirected by {by}");
    match rewrite {
        Rewrite::Here { port, by } => Served::Redirected {
            address: None,
            port: port.or(packet.port).unwrap_or_default(),
            by: by.to_string(),
        },
        Rewrite::To { address, port, by } if audit.addresses().has(address) => Served::Redirected {
            address: Some(address),
            port: port.or(packet.port).unwrap_or_default(),
            by: by.to_string(),
        },
        Rewrite::To { by, .. } => Served::Elsewhere(format!(
            "{}, to another host or a container",
            shown(&by.to_string())
        )),
        Rewrite::Perhaps(by) => Served::Unknown(format!("it may be {}", shown(&by.to_string()))),
        Rewrite::From { .. } => Served::Here,
    }
}
