//! The rule that accepts packets which a policy drops. Pure.

use std::net::IpAddr;

use super::firewall::{Packet, Policy};

/// The command that puts a rule for a packet before all others of a chain.
pub(super) fn accepting(policy: &Policy, chain: &str, packet: &Packet) -> String {
    match policy {
        Policy::Iptables { tool, table } => {
            let words = in_words_of_iptables(packet).join(" ");
            format!("{tool} -t {table} -I {chain} {words} -j ACCEPT")
        }
        Policy::Nft { table } => {
            let words = in_words_of_nft(packet).join(" ");
            format!("nft insert rule {table} {chain} {words} accept")
        }
    }
}

fn protocol(number: u8) -> String {
    match number {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        other => other.to_string(),
    }
}

fn in_words_of_iptables(packet: &Packet) -> Vec<String> {
    let mut words = vec!["-p".to_owned(), protocol(packet.protocol)];
    let mut add = |option: &str, value: Option<String>| {
        words.extend(
            value
                .into_iter()
                .flat_map(|value| [option.to_owned(), value]),
        );
    };
    add("-s", packet.from.map(|ip| ip.to_string()));
    add("-d", packet.to.map(|ip| ip.to_string()));
    add("--sport", packet.source_port.map(|port| port.to_string()));
    add("--dport", packet.port.map(|port| port.to_string()));
    words
}

fn in_words_of_nft(packet: &Packet) -> Vec<String> {
    let family = |ip: IpAddr| if ip.is_ipv6() { "ip6" } else { "ip" };
    let mut words = Vec::new();
    if let Some(ip) = packet.from {
        words.push(format!("{} saddr {ip}", family(ip)));
    }
    if let Some(ip) = packet.to {
        words.push(format!("{} daddr {ip}", family(ip)));
    }
    let protocol = protocol(packet.protocol);
    let ports = [("sport", packet.source_port), ("dport", packet.port)];
    let known: Vec<String> = ports
        .iter()
        .filter_map(|(side, port)| Some(format!("{protocol} {side} {}", (*port)?)))
        .collect();
    if known.is_empty() {
        words.push(format!("meta l4proto {protocol}"));
    }
    words.extend(known);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_accept() {
        let request = Packet {
            to: "10.0.0.9".parse().ok(),
            protocol: 6,
            port: Some(80),
            ..Packet::default()
        };
        let advert = Packet {
            from: "fd00::1".parse().ok(),
            protocol: 112,
            ..Packet::default()
        };
        let iptables = Policy::Iptables {
            tool: "iptables".to_owned(),
            table: "filter".to_owned(),
        };
        let nft = Policy::Nft {
            table: "inet filter".to_owned(),
        };
        for (policy, packet, want) in [
            (
                &iptables,
                &request,
                "iptables -t filter -I in -p tcp -d 10.0.0.9 --dport 80 -j ACCEPT",
            ),
            (
                &iptables,
                &advert,
                "iptables -t filter -I in -p 112 -s fd00::1 -j ACCEPT",
            ),
            (
                &nft,
                &request,
                "nft insert rule inet filter in ip daddr 10.0.0.9 tcp dport 80 accept",
            ),
            (
                &nft,
                &advert,
                "nft insert rule inet filter in ip6 saddr fd00::1 meta l4proto 112 accept",
            ),
        ] {
            assert_eq!(accepting(policy, "in", packet), want);
        }
    }
}
