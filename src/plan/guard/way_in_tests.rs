use std::collections::BTreeSet;

use super::*;
use serde_json::json;

/// From 10.0.0.9 in the same network, or from 192.0.2.9 through the gateway 10.0.0.254.
fn way(routed: bool) -> WayIn {
    let ip = |text: &str| text.parse().expect("an address");
    WayIn {
        controller: ip(if routed { "192.0.2.9" } else { "10.0.0.9" }),
        local: ip("10.0.0.1"),
        port: 22,
        matched: (if routed { "0.0.0.0/0" } else { "10.0.0.0/24" })
            .parse()
            .ok(),
        gateway: routed.then(|| ip("10.0.0.254")),
        interface: Some("bond0.10".to_owned()),
        related: BTreeSet::from(["bond0", "bond0.10", "eth0"].map(str::to_owned)),
    }
}

/// What touches the way in from the same network, from behind the gateway, and where nothing is known of it.
const CASES: &[(&str, &str, [bool; 3])] = &[
    (
        "the default route",
        r#"{"route":{"to":"0.0.0.0/0","via":"10.0.0.253"}}"#,
        [false, true, true],
    ),
    (
        "a route to the controller's network",
        r#"{"route":{"to":"192.0.2.0/24","via":"10.0.0.253"}}"#,
        [false, true, true],
    ),
    (
        "a route over the own network",
        r#"{"route":{"to":"10.0.0.0/25","interface":"lo"}}"#,
        [true, false, true],
    ),
    (
        "a route over the gateway",
        r#"{"route":{"to":"10.0.0.128/25","interface":"lo"}}"#,
        [false, true, true],
    ),
    (
        "a route of another network",
        r#"{"route":{"to":"172.16.0.0/24","via":"10.0.0.253"}}"#,
        [false, false, true],
    ),
    (
        "a route to the own address",
        r#"{"route":{"to":"10.0.0.1/32","interface":"lo"}}"#,
        [true, true, true],
    ),
    (
        "the route of a VIP",
        r#"{"route":{"to":"10.0.0.200/32","interface":"lo"}}"#,
        [false, false, true],
    ),
    (
        "a VIP on lo",
        r#"{"address":{"address":"10.0.0.200/32","interface":"lo"}}"#,
        [false; 3],
    ),
    (
        "an address of the interface",
        r#"{"address":{"address":"10.0.0.200/32","interface":"bond0.10"}}"#,
        [true; 3],
    ),
    (
        "an address of another interface",
        r#"{"address":{"address":"172.16.0.1/24","interface":"eth1"}}"#,
        [false, false, true],
    ),
    (
        "a VIP that keepalived holds",
        r#"{"address":{"address":"10.0.0.200/32","interface":"bond0.10","if_held":true}}"#,
        [false; 3],
    ),
    (
        "the address of the controller",
        r#"{"address":{"address":"10.0.0.9/32","interface":"lo"}}"#,
        [true, false, false],
    ),
    (
        "the address of the gateway",
        r#"{"address":{"address":"10.0.0.254/32","interface":"lo"}}"#,
        [false, true, false],
    ),
    (
        "the interface",
        r#"{"link":{"name":"bond0.10"}}"#,
        [true; 3],
    ),
    (
        "an interface below it",
        r#"{"link":{"name":"eth0"}}"#,
        [true; 3],
    ),
    (
        "a tunnel",
        r#"{"link":{"name":"tunl0"}}"#,
        [false, false, true],
    ),
    (
        "the gateway's neighbour entry",
        r#"{"neighbour":{"address":"10.0.0.254","lladdr":"02:00:00:00:00:01","interface":"bond0.10"}}"#,
        [false, true, true],
    ),
    (
        "the controller's neighbour entry",
        r#"{"neighbour":{"address":"10.0.0.9","lladdr":"02:00:00:00:00:01","interface":"bond0.10"}}"#,
        [true, false, true],
    ),
    (
        "strict rp_filter of all",
        r#"{"sysctl":{"name":"net.ipv4.conf.all.rp_filter","value":"1"}}"#,
        [true; 3],
    ),
    (
        "no rp_filter",
        r#"{"sysctl":{"name":"net.ipv4.conf.all.rp_filter","value":"0"}}"#,
        [false; 3],
    ),
    (
        "rp_filter of the interface",
        r#"{"sysctl":{"name":"net.ipv4.conf.bond0/10.rp_filter","value":"1"}}"#,
        [true; 3],
    ),
    (
        "rp_filter of another interface",
        r#"{"sysctl":{"name":"net.ipv4.conf.tunl0.rp_filter","value":"1"}}"#,
        [false, false, true],
    ),
    (
        "rp_filter of lo",
        r#"{"sysctl":{"name":"net.ipv4.conf.lo.rp_filter","value":"1"}}"#,
        [false; 3],
    ),
    (
        "arp_ignore of a real server",
        r#"{"sysctl":{"name":"net.ipv4.conf.all.arp_ignore","value":"1"}}"#,
        [false; 3],
    ),
    (
        "no answer to ARP at all",
        r#"{"sysctl":{"name":"net.ipv4.conf.all.arp_ignore","value":"8"}}"#,
        [true; 3],
    ),
    (
        "arp_announce",
        r#"{"sysctl":{"name":"net.ipv4.conf.all.arp_announce","value":"2"}}"#,
        [false; 3],
    ),
    (
        "forwarding",
        r#"{"sysctl":{"name":"net.ipv4.ip_forward","value":"1"}}"#,
        [false; 3],
    ),
    (
        "IPv6 off, and the connection is not of IPv6",
        r#"{"sysctl":{"name":"net.ipv6.conf.all.disable_ipv6","value":"1"}}"#,
        [false, false, true],
    ),
    (
        "a sysctl of IPVS",
        r#"{"sysctl":{"name":"net.ipv4.vs.expire_nodest_conn","value":"1"}}"#,
        [false; 3],
    ),
    (
        "sshd's configuration",
        r#"{"file":{"path":"/etc/ssh/sshd_config"}}"#,
        [true; 3],
    ),
    (
        "a part of it",
        r#"{"file":{"path":"/etc/ssh/sshd_config.d/10-x.conf"}}"#,
        [true; 3],
    ),
    (
        "keys of a user",
        r#"{"file":{"path":"/home/admin/.ssh/authorized_keys"}}"#,
        [true; 3],
    ),
    (
        "sudo's rules",
        r#"{"file":{"path":"/etc/sudoers.d/lvs"}}"#,
        [true; 3],
    ),
    (
        "rules of nft",
        r#"{"file":{"path":"/etc/nftables.conf"}}"#,
        [true; 3],
    ),
    (
        "rules of iptables",
        r#"{"file":{"path":"/etc/iptables/rules.v4"}}"#,
        [true; 3],
    ),
    (
        "addresses at boot",
        r#"{"file":{"path":"/etc/network/interfaces.d/eth0"}}"#,
        [true; 3],
    ),
    (
        "keepalived's file",
        r#"{"file":{"path":"/etc/keepalived/keepalived.conf"}}"#,
        [false; 3],
    ),
    (
        "sshd",
        r#"{"unit":{"name":"sshd.service","active":false}}"#,
        [true; 3],
    ),
    ("its socket", r#"{"unit":{"name":"ssh.socket"}}"#, [true; 3]),
    (
        "the packet filter's unit",
        r#"{"unit":{"name":"nftables.service"}}"#,
        [true; 3],
    ),
    (
        "a unit that reads rules",
        r#"{"unit":{"name":"fw.service","reads":["/etc/iptables/rules.v4"]}}"#,
        [true; 3],
    ),
    (
        "the network manager",
        r#"{"unit":{"name":"systemd-networkd.service"}}"#,
        [true; 3],
    ),
    (
        "keepalived",
        r#"{"unit":{"name":"keepalived.service"}}"#,
        [false; 3],
    ),
    (
        "a firewall",
        r#"{"package":{"names":["firewalld"]}}"#,
        [true; 3],
    ),
    (
        "sshd's package",
        r#"{"package":{"names":["nginx","openssh-server"]}}"#,
        [true; 3],
    ),
    (
        "iptables itself",
        r#"{"package":{"names":["iptables"]}}"#,
        [false; 3],
    ),
    ("a module", r#"{"module":{"name":"ip_vs"}}"#, [false; 3]),
    (
        "marks of a VIP",
        r#"{"mark":{"comment":"a","destination":"10.0.0.200","protocol":"tcp","ports":[80],"mark":1}}"#,
        [false; 3],
    ),
    (
        "marks of the own address",
        r#"{"mark":{"comment":"a","destination":"10.0.0.1","protocol":"tcp","ports":[],"mark":1}}"#,
        [true, true, false],
    ),
    (
        "ARP for a VIP",
        r#"{"arprule":{"vip":"10.0.0.200","rip":"10.0.0.1"}}"#,
        [false; 3],
    ),
    (
        "ARP for the own address",
        r#"{"arprule":{"vip":"10.0.0.1","rip":"10.0.0.2"}}"#,
        [true, true, false],
    ),
];

#[test]
fn what_touches_the_way_in() {
    let (near, routed) = (way(false), way(true));
    for (what, resource, expected) in CASES {
        let resource: Resource =
            serde_json::from_str(resource).unwrap_or_else(|e| panic!("{what}: {e}"));
        let change = Change::new(resource.kind(), resource.key(), Action::Update);
        let ways = [Way::Known(&near), Way::Known(&routed), Way::Unknown];
        let found = ways.map(|way| touches(&change, &resource, way).is_some());
        assert_eq!(found, *expected, "{what}");
    }
}

#[test]
fn a_value_that_is_put_back_counts_as_it_will_be() {
    let near = way(false);
    let resource: Resource = serde_json::from_value(
        json!({ "sysctl": { "name": "net.ipv4.conf.all.rp_filter", "value": "0" } }),
    )
    .expect("a resource");
    for (back_to, touched) in [("1", true), ("2", true), ("0", false)] {
        let change = Change::new("sysctl", resource.key(), Action::Remove).field(
            "value",
            Some("0"),
            Some(back_to),
        );
        let found = touches(&change, &resource, Way::Known(&near));
        assert_eq!(found.is_some(), touched, "{back_to}");
    }
}

#[test]
fn what_would_take_over_an_end_of_the_connection_is_refused() {
    for (what, resource, routed, refused) in [
        (
            "a VIP",
            r#"{"address":{"address":"10.0.0.200/32","interface":"lo","source":false}}"#,
            true,
            false,
        ),
        (
            "the controller's address",
            r#"{"address":{"address":"10.0.0.9/32","interface":"lo","source":false}}"#,
            false,
            true,
        ),
        (
            "the same, held by keepalived",
            r#"{"address":{"address":"10.0.0.9/32","interface":"bond0.10","source":false,"if_held":true}}"#,
            false,
            true,
        ),
        (
            "the gateway's address",
            r#"{"address":{"address":"10.0.0.254/32","interface":"lo","source":false}}"#,
            true,
            true,
        ),
        (
            "the host's address as a VIP",
            r#"{"address":{"address":"10.0.0.1/32","interface":"bond0.10","source":false}}"#,
            false,
            true,
        ),
        (
            "the address that the host already has",
            r#"{"address":{"address":"10.0.0.1/24","interface":"bond0.10"}}"#,
            false,
            false,
        ),
        (
            "a default route to itself",
            r#"{"route":{"to":"0.0.0.0/0","via":"10.0.0.1"}}"#,
            true,
            true,
        ),
        (
            "a default route that is not taken",
            r#"{"route":{"to":"0.0.0.0/0","via":"10.0.0.1"}}"#,
            false,
            false,
        ),
        (
            "a route that ends here",
            r#"{"route":{"to":"192.0.2.0/24","interface":"lo"}}"#,
            true,
            true,
        ),
        (
            "the route of a VIP",
            r#"{"route":{"to":"10.0.0.200/32","interface":"lo"}}"#,
            true,
            false,
        ),
        (
            "another gateway",
            r#"{"route":{"to":"0.0.0.0/0","via":"10.0.0.253"}}"#,
            true,
            false,
        ),
    ] {
        let resource: Resource =
            serde_json::from_str(resource).unwrap_or_else(|e| panic!("{what}: {e}"));
        let found = refusal(&resource, &way(routed));
        assert_eq!(found.is_some(), refused, "{what}: {found:?}");
    }
}
