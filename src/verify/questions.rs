//! What the audit asks a host beyond its resources, in the same probe. Like all probes it changes nothing, loads no
//! module, and starts few processes.

use crate::inventory::model::{Cluster, Host, Mode, Protocol, Service};
use crate::shell::{command, quote};

pub const SECTION: &str = "audit";

/// The services that a real server serves by holding their VIPs.
pub fn served<'a>(cluster: &'a Cluster, host: &'a Host) -> impl Iterator<Item = &'a Service> {
    cluster.services.iter().filter(move |s| {
        s.mode != Mode::Nat && s.real_servers.iter().any(|rs| rs.host == host.name)
    })
}

pub fn of(cluster: &Cluster, host: &Host) -> String {
    let mut text = format!(
        "section={SECTION}\npart clock\ndate +%s.%N\npart conf\n\
         grep -aHs '' /proc/sys/net/ipv4/conf/*/arp_ignore /proc/sys/net/ipv4/conf/*/arp_announce \
         /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/send_redirects\n\
         part persisted\ngrep -aHsE '^[^#;]*=' /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf \
         /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf\n{FIREWALL}"
    );
    if host.is_real_server() {
        real_server(cluster, host, &mut text);
    }
    if host.is_director() {
        text.push_str(DIRECTOR);
    }
    text
}

/// Saving a table that no rule ever touched would make the kernel load it: only tables that are there are saved.
const FIREWALL: &str = "part firewall\n\
    if [ -s /proc/net/ip_tables_names ] || ! iptables -V 2>/dev/null | grep -q legacy; then iptables-save 2>/dev/null; fi\n\
    part backend\niptables -V 2>/dev/null\n\
    part other\nif iptables -V 2>/dev/null | grep -q legacy; then iptables-nft-save 2>/dev/null | grep '^-A'\n\
    elif [ -s /proc/net/ip_tables_names ]; then iptables-legacy-save 2>/dev/null | grep '^-A'; fi\n";

const DIRECTOR: &str = "part owners\nsystemctl show --property=Id,ActiveState ipvsadm.service ldirectord.service 2>/dev/null\n\
    part restores\nif [ -e /etc/default/ipvsadm ]; then grep -hs '^AUTO=' /etc/default/ipvsadm; else printf 'AUTO=\"true\"'; fi\n\
    part keepalived\nif [ -e /etc/keepalived/keepalived.conf ] && command -v keepalived >/dev/null 2>&1; then \
    keepalived -t -f /etc/keepalived/keepalived.conf 2>&1; printf 'status %s\\n' $?; fi\n";

fn real_server(cluster: &Cluster, host: &Host, text: &mut String) {
    text.push_str("part listen\nss -Hlntu 2>/dev/null\n");
    for service in served(cluster, host) {
        for vip in &service.vips {
            let address = vip.address.to_string();
            text.push_str(&format!(
                "part 'route {address}'\n{}\n",
                command(["ip", "-j", "route", "get", &address])
            ));
            if service.protocol == Protocol::Udp {
                continue;
            }
            for (port, scheme) in web_ports(service) {
                let url = url(scheme, &address, port, &service.check.path);
                text.push_str(&format!(
                    "part 'self {address} {port}'\ncurl -skS -o /dev/null -m 5 -w '%{{http_code}}' {} 2>&1\n",
                    quote(&url)
                ));
            }
        }
    }
    for client in cluster.hosts.iter().filter(|h| h.has_role("client")) {
        let address = client.address.to_string();
        text.push_str(&format!(
            "part 'to {address}'\n{} 2>/dev/null\n",
            command(["ip", "-j", "route", "get", &address])
        ));
    }
}

/// Ports of a service that speak HTTP, with their scheme.
pub fn web_ports(service: &Service) -> impl Iterator<Item = (u16, &'static str)> {
    let plain = service.check.http.iter().map(|port| (*port, "http"));
    plain.chain(service.check.https.iter().map(|port| (*port, "https")))
}

pub fn url(scheme: &str, address: &str, port: u16, path: &str) -> String {
    let host = if address.contains(':') {
        format!("[{address}]")
    } else {
        address.to_owned()
    };
    format!("{scheme}://{host}:{port}{path}")
}
