//! Names of hosts and services in the inventory, for texts that have their addresses alone. Pure.

use std::net::SocketAddr;

use super::ipvs_of;
use crate::model::{Cluster, RealServer, Service};

/// A real server of a service, at its address there.
pub fn real_server(service: &Service, rs: &RealServer, at: SocketAddr) -> String {
    format!("real server `{}` ({at}) in `{}`", rs.host, service.name)
}

/// Texts with addresses, and the same with names.
pub struct Names {
    pairs: Vec<(String, String)>,
}

impl Names {
    pub fn of(cluster: &Cluster) -> Self {
        let mut pairs = Vec::new();
        for service in &cluster.services {
            let name = &service.name;
            for desired in ipvs_of(cluster, service) {
                let to = desired.service.r#virtual;
                for (rs, made) in service.real_servers.iter().zip(&desired.real_servers) {
                    let at = made.address;
                    let both = real_server(service, rs, at);
                    pairs.push((format!("real server {at} of {to}"), both.clone()));
                    pairs.push((format!("ipvs {to}: real server {at}"), both));
                }
                pairs.push((
                    format!("the service {to}"),
                    format!("the service `{name}` ({to})"),
                ));
                pairs.push((format!("ipvs {to}"), format!("service `{name}` ({to})")));
                pairs.push((format!("{to} has no"), format!("`{name}` ({to}) has no")));
            }
        }
        Self { pairs }
    }

    pub fn say(&self, text: &str) -> String {
        // The longer form first: each begins with the text for the service alone.
        let mut said = text.to_owned();
        for (address, name) in &self.pairs {
            if said.contains(address.as_str()) {
                said = replace(&said, address, name);
            }
        }
        // The command with the name in it can be run as it stands.
        let host = said
            .split_once("real server `")
            .and_then(|(_, rest)| rest.split_once('`'));
        match host {
            Some((host, _)) => said.replace(
                "`lvsctl start --limit` with its host's name",
                &format!("`lvsctl start --limit {host}`"),
            ),
            None => said,
        }
    }
}

/// Replaces whole words: `10.0.0.1:80` is no part of `10.0.0.1:8080`.
fn replace(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(from) {
        let goes_on = behind.starts_with(|c: char| c.is_ascii_alphanumeric());
        let within = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '`' || c == '(');
        out.push_str(before);
        out.push_str(if goes_on || within { from } else { to });
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    #[test]
    fn addresses_have_the_names_of_the_inventory() {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    web1: { role: realserver, address: 10.0.0.3 }\nservices:\n  \
                    smtp: { vip: 10.0.0.9, port: 25, mode: nat, real_port: 2525 }\n  \
                    alt: { vip: 10.0.0.9, port: 2500 }\n  \
                    both: { vip: 10.0.0.8, port: [80, 443], fwmark: 7 }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        let names = Names::of(&loaded.cluster);
        for (said, want) in [
            (
                "real server 10.0.0.3:2525 of -t 10.0.0.9:25 is drained",
                "real server `web1` (10.0.0.3:2525) in `smtp` is drained",
            ),
            (
                "ipvs -t 10.0.0.9:2500: real server 10.0.0.3:2500",
                "real server `web1` (10.0.0.3:2500) in `alt`",
            ),
            (
                "real server 10.0.0.3:0 of -f 7 fails its health check",
                "real server `web1` (10.0.0.3:0) in `both` fails its health check",
            ),
            (
                "real server 10.0.0.3:2500 of -t 10.0.0.9:2500 is drained: `lvsctl start --limit` with its host's name ends that",
                "real server `web1` (10.0.0.3:2500) in `alt` is drained: `lvsctl start --limit web1` ends that",
            ),
            (
                "-t 10.0.0.9:25 has no real server left",
                "`smtp` (-t 10.0.0.9:25) has no real server left",
            ),
            (
                "ipvs -t 10.0.0.9:25: service",
                "service `smtp` (-t 10.0.0.9:25): service",
            ),
            ("ipvs -t 10.0.0.9:2501", "ipvs -t 10.0.0.9:2501"),
            (
                "the service -f 8, which is not",
                "the service -f 8, which is not",
            ),
        ] {
            assert_eq!(names.say(said), want);
        }
    }
}
