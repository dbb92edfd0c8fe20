//! A default route that systemd-networkd sets beside the gateway of the inventory.

use super::{SETTINGS, Site, UNITS, stock, verify};
use crate::verify::made::Made;

const NAT: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.10.10.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, gateway: 192.168.122.1, interfaces: { eth0: 192.168.122.14, eth1: 10.10.10.2 } }
  lb2: { role: backup, gateway: 192.168.122.1, interfaces: { eth0: 192.168.122.15, eth1: 10.10.10.3 } }
  rs1: { role: realserver, address: 10.10.10.12, gateway: 10.10.10.1 }
  rs2: { role: realserver, address: 10.10.10.13, gateway: 10.10.10.1 }
vrrp:
  outside: { virtual_router_id: 10, vips: 192.168.122.100 }
  inside: { virtual_router_id: 11, vips: 10.10.10.1, interface: eth1 }
services:
  web: { vip: 192.168.122.100, port: 80, mode: nat, scheduler: rr }
";

const NAT_HOSTS: &[Made] = &[
    Made {
        host: "lb1",
        links: &[
            ("eth0", 1500, &["192.168.122.14/24", "192.168.122.100/32"]),
            ("eth1", 1500, &["10.10.10.2/24", "10.10.10.1/32"]),
        ],
        facts: &[("sysctl values", SETTINGS), ("unit show", UNITS)],
    },
    Made {
        host: "rs1",
        links: &[
            ("lo", 65536, &["127.0.0.1/8"]),
            ("eth0", 1500, &["10.10.10.12/24"]),
        ],
        facts: &[("sysctl values", SETTINGS), ("unit show", UNITS)],
    },
];

const OF_NAT: Site = Site {
    inventory: NAT,
    hosts: NAT_HOSTS,
};

/// A default route of systemd-networkd beside the gateway of the inventory, with what is found and its fix; empty: nothing.
const GATEWAYS: [(&str, &str, &str, &str, [&str; 2]); 14] = [
    (
        "a drop-in of a real server",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=10.10.10.3\nMetric=0\n",
        [
            "line 2 `Gateway=10.10.10.3` sets a default route via 10.10.10.3 in place of 10.10.10.1",
            "`rm /etc/systemd/network/10-eth0.network.d/gateway.conf && networkctl reload`",
        ],
    ),
    (
        "a drop-in without a metric",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=10.10.10.3\n",
        ["via 10.10.10.3 in place of 10.10.10.1", "`rm "],
    ),
    (
        "the default route by its name",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nDestination=0.0.0.0/0\nGateway=10.10.10.3\n",
        ["via 10.10.10.3 in place of 10.10.10.1", "`rm "],
    ),
    (
        "a .network file of the interface",
        "rs1",
        "/etc/systemd/network/10-eth0.network",
        "[Match]\nName=eth0\n[Network]\nAddress=10.10.10.12/24\nGateway=10.10.10.254\n",
        [
            "via 10.10.10.254 in place of 10.10.10.1",
            "`sed -i '5s|.*|Gateway=10.10.10.1|' /etc/systemd/network/10-eth0.network && networkctl reload`",
        ],
    ),
    (
        "a director",
        "lb1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Network]\nGateway=192.168.122.254\n",
        [
            "via 192.168.122.254 in place of 192.168.122.1",
            "`sed -i '2s|.*|Gateway=192.168.122.1|' ",
        ],
    ),
    (
        "the gateway of the inventory",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=10.10.10.1\n",
        ["", ""],
    ),
    (
        "a route that comes after the one of the inventory",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=10.10.10.3\nMetric=100\n",
        ["", ""],
    ),
    (
        "a table of another name",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=10.10.10.3\nTable=100\n",
        ["", ""],
    ),
    (
        "the main table by its name",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=10.10.10.3\nTable=main\n",
        ["via 10.10.10.3 in place of 10.10.10.1", "`rm "],
    ),
    (
        "a route to a network",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nDestination=172.16.0.0/12\nGateway=10.10.10.3\n",
        ["", ""],
    ),
    (
        "the other family",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=fd00::3\n",
        ["", ""],
    ),
    (
        "what DHCP says",
        "rs1",
        "/etc/systemd/network/10-eth0.network.d/gateway.conf",
        "[Route]\nGateway=_dhcp4\n",
        ["", ""],
    ),
    (
        "a .network file that comes after the one of the interface",
        "rs1",
        "/etc/systemd/network/99-all.network",
        "[Match]\nName=*\n[Network]\nGateway=10.10.10.254\n",
        ["", ""],
    ),
    (
        "an interface that the host's part does not need",
        "rs1",
        "/etc/systemd/network/20-eth7.network",
        "[Match]\nName=eth7\n[Network]\nGateway=10.99.0.1\n",
        ["", ""],
    ),
];

#[test]
fn a_default_route_beside_the_gateway_is_found() {
    let base = (
        "/etc/systemd/network/10-eth0.network",
        "[Match]\nName=eth0\n[Network]\nIPv6AcceptRA=no\n",
    );
    for (name, host, path, text, [says, fix]) in GATEWAYS {
        let found = verify(&OF_NAT, &stock::ALL[0], host, &[base, (path, text)]);
        let right = match (says.is_empty(), found.as_slice()) {
            (true, []) => true,
            (false, [one]) => {
                one.starts_with("boot-address: ") && one.contains(says) && one.contains(fix)
            }
            _ => false,
        };
        assert!(
            right,
            "{name}: expected {says:?}, {fix:?}; found {found:#?}"
        );
    }
}
