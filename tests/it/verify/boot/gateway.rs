//! A default route that a network manager sets beside the gateway of the inventory.

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

/// The file of the interface, without a gateway; the stock one has one of another network.
const BASE: (&str, &str) = (
    "/etc/systemd/network/10-eth0.network",
    "[Match]\nName=eth0\n[Network]\nIPv6AcceptRA=no\n",
);

#[test]
fn a_default_route_beside_the_gateway_is_found() {
    for (name, host, path, text, [says, fix]) in GATEWAYS {
        let found = verify(&OF_NAT, &stock::ALL[0], host, &[BASE, (path, text)]);
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

/// The distribution, the file of lb1, what is found and its fix; empty: nothing.
type OfManager = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    [&'static str; 2],
);

const VIA: &str = "sets a default route via 192.168.122.254 in place of 192.168.122.1";
const INTERFACES: &str = "/etc/network/interfaces";
const IFCFG: &str = "/etc/sysconfig/network-scripts/ifcfg-eth0";
const KEYFILE: &str = "/etc/NetworkManager/system-connections/eth0.nmconnection";
const NETPLAN: &str = "/etc/netplan/50-lan.yaml";
const ROUTES: &str = "/etc/sysconfig/network/routes";

const OF_MANAGERS: &[OfManager] = &[
    (
        "ifupdown",
        "alpine",
        INTERFACES,
        "auto eth0\niface eth0 inet static\n\taddress 192.168.122.14/24\n\tgateway 192.168.122.254\n",
        [
            VIA,
            "`sed -i '4s|.*|\tgateway 192.168.122.1|' /etc/network/interfaces`",
        ],
    ),
    (
        "ifupdown, the right one",
        "alpine",
        INTERFACES,
        "auto eth0\niface eth0 inet static\n\taddress 192.168.122.14/24\n\tgateway 192.168.122.1\n",
        ["", ""],
    ),
    (
        "ifupdown, an interface that is not brought up",
        "alpine",
        INTERFACES,
        "iface eth0 inet static\n\taddress 192.168.122.14/24\n\tgateway 192.168.122.254\n",
        ["", ""],
    ),
    (
        "ifupdown, another interface",
        "alpine",
        INTERFACES,
        "auto eth7\niface eth7 inet static\n\tgateway 192.168.122.254\n",
        ["", ""],
    ),
    (
        "NetworkManager, gateway",
        "rhel-9",
        KEYFILE,
        "[connection]\ninterface-name=eth0\n[ipv4]\naddress1=192.168.122.14/24\ngateway=192.168.122.254\nmethod=manual\n",
        [
            VIA,
            "`sed -i '5s|.*|gateway=192.168.122.1|' /etc/NetworkManager/system-connections/eth0.nmconnection && nmcli connection reload`",
        ],
    ),
    (
        "NetworkManager, behind the address",
        "rhel-9",
        KEYFILE,
        "[connection]\ninterface-name=eth0\n[ipv4]\naddress1=192.168.122.14/24,192.168.122.254\nmethod=manual\n",
        [
            VIA,
            "`sed -i '4s|.*|address1=192.168.122.14/24,192.168.122.1|' ",
        ],
    ),
    (
        "NetworkManager, a route",
        "rhel-9",
        KEYFILE,
        "[connection]\ninterface-name=eth0\n[ipv4]\naddress1=192.168.122.14/24\nroute1=0.0.0.0/0,192.168.122.254\n",
        [VIA, "`sed -i '5s|.*|route1=0.0.0.0/0,192.168.122.1|' "],
    ),
    (
        "NetworkManager, a less preferred route beside the right one",
        "rhel-9",
        KEYFILE,
        "[connection]\ninterface-name=eth0\n[ipv4]\naddress1=192.168.122.14/24,192.168.122.1\nroute1=0.0.0.0/0,192.168.122.254,500\n",
        ["", ""],
    ),
    (
        "NetworkManager, never the default",
        "rhel-9",
        KEYFILE,
        "[connection]\ninterface-name=eth0\n[ipv4]\naddress1=192.168.122.14/24,192.168.122.254\nnever-default=true\n",
        ["", ""],
    ),
    (
        "NetworkManager, a route to a network",
        "rhel-9",
        KEYFILE,
        "[connection]\ninterface-name=eth0\n[ipv4]\naddress1=192.168.122.14/24\nroute1=172.16.0.0/12,192.168.122.254\n",
        ["", ""],
    ),
    (
        "ifcfg",
        "rhel-8",
        IFCFG,
        "DEVICE=eth0\nONBOOT=yes\nIPADDR=192.168.122.14\nGATEWAY=192.168.122.254\n",
        [
            VIA,
            "`sed -i '4s|.*|GATEWAY=192.168.122.1|' /etc/sysconfig/network-scripts/ifcfg-eth0`",
        ],
    ),
    (
        "ifcfg, not the default",
        "rhel-8",
        IFCFG,
        "DEVICE=eth0\nONBOOT=yes\nIPADDR=192.168.122.14\nGATEWAY=192.168.122.254\nDEFROUTE=no\n",
        ["", ""],
    ),
    (
        "routes of SUSE",
        "suse-15",
        ROUTES,
        "default 192.168.122.254 - -\n",
        [
            VIA,
            "`sed -i '1s|.*|default 192.168.122.1 - -|' /etc/sysconfig/network/routes`",
        ],
    ),
    (
        "netplan",
        "debian-12",
        NETPLAN,
        "network:\n  ethernets:\n    eth0:\n      routes:\n        - to: default\n          via: 192.168.122.254\n",
        [
            VIA,
            "`sed -i '6s|.*|          via: 192.168.122.1|' /etc/netplan/50-lan.yaml && netplan generate`",
        ],
    ),
    (
        "netplan, the items as far right as their key",
        "debian-12",
        NETPLAN,
        "network:\n  ethernets:\n    eth0:\n      routes:\n      - via: 192.168.122.254\n        to: 0.0.0.0/0\n",
        [VIA, "`sed -i '5s|.*|      - via: 192.168.122.1|' "],
    ),
    (
        "netplan, in braces",
        "debian-12",
        NETPLAN,
        "network:\n  ethernets:\n    eth0:\n      routes: [{to: 172.16.0.0/12, via: 192.168.122.7}, {to: default, via: 192.168.122.254}]\n",
        [
            VIA,
            "via: 192.168.122.7}, {to: default, via: 192.168.122.1}]|' ",
        ],
    ),
    (
        "netplan, the old key",
        "debian-12",
        NETPLAN,
        "network:\n  ethernets:\n    eth0:\n      gateway4: 192.168.122.254\n",
        [VIA, "`sed -i '4s|.*|      gateway4: 192.168.122.1|' "],
    ),
    (
        "netplan, a route to a network",
        "debian-12",
        NETPLAN,
        "network:\n  ethernets:\n    eth0:\n      routes:\n        - to: 172.16.0.0/12\n          via: 192.168.122.254\n",
        ["", ""],
    ),
    (
        "netplan, another interface",
        "debian-12",
        NETPLAN,
        "network:\n  ethernets:\n    eth7:\n      gateway4: 192.168.122.254\n",
        ["", ""],
    ),
];

#[test]
fn a_default_route_of_other_network_managers_is_found() {
    let mut wrong = Vec::new();
    for (name, distribution, path, text, [says, fix]) in OF_MANAGERS {
        let mut all = stock::ALL.iter();
        let distribution = all
            .find(|d| d.name == *distribution)
            .expect("a distribution");
        let files = [BASE, (IFCFG, "DEVICE=eth0\n"), (*path, *text)];
        let found = verify(&OF_NAT, distribution, "lb1", &files);
        let right = match (says.is_empty(), found.as_slice()) {
            (true, []) => true,
            (false, [one]) => {
                one.starts_with("boot-address: ") && one.contains(says) && one.contains(fix)
            }
            _ => false,
        };
        if !right {
            wrong.push(format!(
                "{name}: expected {says:?}, {fix:?}; found {found:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
