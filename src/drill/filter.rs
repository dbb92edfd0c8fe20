//! Packet filter rules that simulate a loss: they drop packets to the services of a real server, or VRRP between directors.
//! Each rule has a comment of lvsctl, is inserted first and is deleted again; other rules are not changed. Pure.

use std::net::IpAddr;

use crate::model::{Cluster, Host, Protocol, Service};
use crate::shell::quote;

/// Rules of one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Blocked {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    v6: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// First and last port.
    Ports(Protocol, u16, u16),
    /// A service on every port.
    Address(Protocol, IpAddr),
    Vrrp,
}

/// Rules that drop VRRP between directors, for each address family.
pub(crate) fn without_vrrp(cluster: &Cluster) -> Blocked {
    let mut blocked = Blocked::default();
    for v6 in [false, true] {
        let mut vips = cluster.vrrp.iter().flat_map(|instance| &instance.vips);
        if vips.any(|vip| vip.address.is_ipv6() == v6) {
            blocked.add(v6, What::Vrrp);
        }
    }
    // IPv6 VIPs may be announced over IPv4, and the other way round.
    let mut hosts = cluster.directors();
    if hosts.any(|host| host.address.is_ipv4()) {
        blocked.add(false, What::Vrrp);
    }
    blocked
}

impl Blocked {
    /// Packets to these services on one host.
    pub(crate) fn of(host: &Host, services: &[&Service]) -> Self {
        let mut blocked = Self::default();
        for service in services {
            let on_host: Vec<_> = service.backends_on(&host.name).collect();
            if on_host.is_empty() {
                continue;
            }
            let families = service
                .vips
                .iter()
                .map(|vip| vip.address)
                .chain([host.address]);
            let families: Vec<bool> = families.map(|address| address.is_ipv6()).collect();
            let mut ports: Vec<(u16, u16)> = on_host
                .iter()
                .filter_map(|rs| Some((rs.port?, rs.port?)))
                .collect();
            if ports.is_empty() {
                ports.extend(
                    service
                        .all_ports()
                        .iter()
                        .map(|range| (range.first, range.last)),
                );
            }
            let checked = service.health_check.as_ref().and_then(|check| check.port);
            ports.extend(checked.map(|port| (port, port)));
            for v6 in [false, true].into_iter().filter(|v6| families.contains(v6)) {
                for (first, last) in &ports {
                    blocked.add(v6, What::Ports(service.protocol, *first, *last));
                }
            }
            if service.is_every_port() {
                for vip in &service.vips {
                    let what = What::Address(service.protocol, vip.address);
                    blocked.add(vip.address.is_ipv6(), what);
                }
                blocked.add(
                    host.address.is_ipv6(),
                    What::Address(service.protocol, host.address),
                );
            }
            // A health check connects by TCP, whatever the service is.
            if service.protocol == Protocol::Udp && service.health_check.is_some() {
                for (first, last) in &ports {
                    blocked.add(
                        host.address.is_ipv6(),
                        What::Ports(Protocol::Tcp, *first, *last),
                    );
                }
            }
        }
        blocked
    }

    fn add(&mut self, v6: bool, what: What) {
        let rule = Rule { v6, what };
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Shell text that puts the rules in.
    pub(crate) fn put(&self, cluster: &str) -> String {
        let lines: String = self
            .rules
            .iter()
            .map(|rule| format!("{} -w -I INPUT 1 {}\n", rule.tool(), rule.words(cluster)))
            .collect();
        let table: String = self
            .rules
            .iter()
            .map(|rule| format!("add rule inet {TABLE} input {} drop\n", rule.native()))
            .collect();
        format!(
            "if command -v iptables >/dev/null 2>&1; then\n{lines}elif command -v nft >/dev/null 2>&1; then\n\
             nft -f - <<'LVSCTL_RULES'\nadd table inet {TABLE}\n\
             add chain inet {TABLE} input {{ type filter hook input priority -300; policy accept; }}\n{table}LVSCTL_RULES\n\
             else echo 'expected iptables or nft, found neither; install iptables' >&2; exit 1; fi\n"
        )
    }

    /// Shell text that takes them out, however often each is there.
    pub(crate) fn take_out(&self, cluster: &str) -> String {
        let lines: String = self
            .rules
            .iter()
            .map(|rule| {
                let (tool, words) = (rule.tool(), rule.words(cluster));
                format!("while {tool} -w -C INPUT {words} 2>/dev/null; do {tool} -w -D INPUT {words} || exit 1; done\n")
            })
            .collect();
        // Added where it is not there, so that it can be deleted in any case.
        format!(
            "if command -v iptables >/dev/null 2>&1; then\n{lines}elif command -v nft >/dev/null 2>&1; then\n\
             nft 'add table inet {TABLE}; delete table inet {TABLE}'\nfi\n"
        )
    }
}

/// A table of nft(8) of our own.
const TABLE: &str = "lvsctl_drill";

impl Rule {
    fn tool(&self) -> &'static str {
        if self.v6 { "ip6tables" } else { "iptables" }
    }

    fn words(&self, cluster: &str) -> String {
        let what = match &self.what {
            What::Ports(protocol, first, last) if first == last => {
                format!("-p {} --dport {first}", name(*protocol))
            }
            What::Ports(protocol, first, last) => {
                format!("-p {} --dport {first}:{last}", name(*protocol))
            }
            What::Address(protocol, address) => format!("-p {} -d {address}", name(*protocol)),
            What::Vrrp => "-p 112".to_owned(),
        };
        let comment = quote(&format!("lvsctl drill {cluster}"));
        format!("{what} -m comment --comment {comment} -j DROP")
    }

    fn native(&self) -> String {
        let family = if self.v6 { "ip6" } else { "ip" };
        let only = if self.v6 {
            "meta nfproto ipv6"
        } else {
            "meta nfproto ipv4"
        };
        match &self.what {
            What::Ports(protocol, first, last) => {
                format!("{only} {} dport {first}-{last}", name(*protocol))
            }
            What::Address(protocol, address) => {
                format!("{family} daddr {address} meta l4proto {}", name(*protocol))
            }
            What::Vrrp => format!("{only} meta l4proto 112"),
        }
    }
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn cluster(service: &str) -> Cluster {
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: {{ role: director, address: 10.0.0.1 }}\n  \
             lb2: {{ role: backup, address: 10.0.0.2 }}\n  rs1: {{ role: realserver, address: 10.0.0.3, gateway: 10.0.0.250 }}\n\
             vrrp: {{ virtual_router_id: 1 }}\nservices: {{ web: {{ vip: 10.0.0.9, {service} }} }}\n"
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        loaded.cluster
    }

    #[test]
    fn packets_to_a_real_servers_services_are_dropped() {
        for (service, expected) in [
            ("port: 80", &["-p tcp --dport 80"][..]),
            (
                "port: [80, 443]",
                &["-p tcp --dport 80", "-p tcp --dport 443"],
            ),
            (
                "port: [21, 10000-20000], fwmark: 1",
                &["-p tcp --dport 21", "-p tcp --dport 10000:20000"],
            ),
            (
                "port: 80, mode: nat, real_port: 8080",
                &["-p tcp --dport 8080"],
            ),
            (
                "port: 80, health_check: { tcp: {}, port: 8081 }",
                &["-p tcp --dport 80", "-p tcp --dport 8081"],
            ),
            (
                "port: 53, protocol: udp",
                &["-p udp --dport 53", "-p tcp --dport 53"],
            ),
        ] {
            let cluster = cluster(service);
            let services: Vec<&Service> = cluster.services.iter().collect();
            let host = cluster
                .hosts
                .iter()
                .find(|host| host.name == "rs1")
                .expect("rs1");
            let blocked = Blocked::of(host, &services);
            let words: Vec<String> = blocked.rules.iter().map(|rule| rule.words("t")).collect();
            let expected: Vec<String> = expected
                .iter()
                .map(|words| format!("{words} -m comment --comment 'lvsctl drill t' -j DROP"))
                .collect();
            assert_eq!(words, expected, "{service}");
            let unblocked = cluster.hosts.first().expect("lb1");
            assert!(Blocked::of(unblocked, &services).is_empty());
        }
    }

    #[test]
    fn scripts_put_in_and_take_out_the_same() {
        let cluster = cluster("port: 80");
        let blocked = without_vrrp(&cluster);
        assert_eq!(blocked.rules.len(), 1, "each family once");
        let put = blocked.put("t");
        assert!(
            put.contains(
                "iptables -w -I INPUT 1 -p 112 -m comment --comment 'lvsctl drill t' -j DROP\n"
            ),
            "{put}"
        );
        assert!(
            put.contains(
                "add rule inet lvsctl_drill input meta nfproto ipv4 meta l4proto 112 drop\n"
            ),
            "{put}"
        );
        let out = blocked.take_out("t");
        assert!(
            out.contains(
                "-C INPUT -p 112 -m comment --comment 'lvsctl drill t' -j DROP 2>/dev/null; do"
            ),
            "{out}"
        );
    }

    /// With an iptables that keeps its rules in a file.
    #[test]
    fn rules_that_are_there_twice_go_both() {
        const FAKE: &str = "iptables() { shift; case $1 in -I) shift 3; echo \"$*\" >>$R;; -C) shift 2; grep -qxF -- \"$*\" $R;; \
                            -D) shift 2; n=$(grep -nxF -- \"$*\" $R | head -n 1); sed -i \"${n%%:*}d\" $R;; esac; }\n";
        let cluster = cluster("port: 80");
        let blocked = without_vrrp(&cluster);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules");
        std::fs::write(&file, "-p 112 -j ACCEPT\n").unwrap();
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            let script = format!(
                "set -e\n{FAKE}{0}{0}[ $(grep -c . $R) = 3 ]\n{1}{1}",
                blocked.put("t"),
                blocked.take_out("t")
            );
            let output = std::process::Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", &script])
                .env("R", &file)
                .output()
                .expect("a shell");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{shell:?}: {error}");
            assert_eq!(
                std::fs::read_to_string(&file).unwrap(),
                "-p 112 -j ACCEPT\n",
                "{shell:?}"
            );
        }
    }
}
