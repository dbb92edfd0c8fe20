use super::*;
use crate::inventory::{self, BUILT_IN_ROLES};
use crate::model::{Cluster, Host};

/// A director (two with VRRP), real servers, a router and a client on one network; with more keys of the cluster.
fn cluster(keys: &str, services: &str) -> Cluster {
    let backup = if keys.contains("vrrp") {
        "lb2: { role: backup, address: [10.0.0.2, 'fd00::2'] }\n  "
    } else {
        ""
    };
    let text = format!(
        "cluster: t\nnetworks: {{ lan: [10.0.0.0/24, 'fd00::/64'] }}\n{keys}\nhosts:\n  \
         lb1: {{ role: director, interfaces: {{ eth0: {{ address: [10.0.0.1, 'fd00::1'], mac: 52:54:00:00:00:01 }} }} }}\n  \
         {backup}rs1: {{ role: realserver, address: [10.0.0.11, 'fd00::11'] }}\n  \
         rs2: {{ role: realserver, address: [10.0.0.12, 'fd00::12'] }}\n  \
         spare: {{ role: web, address: [10.0.0.13, 'fd00::13'] }}\n  \
         gw: {{ role: router, address: 10.0.0.254 }}\n  \
         c1: {{ role: client, address: 10.0.0.20 }}\nservices:\n  {}\n",
        services.replace('\n', "\n  ")
    );
    match inventory::parse("t.yaml", &text, BUILT_IN_ROLES) {
        Ok(loaded) => loaded.cluster,
        Err(error) => panic!("{}", error.render(100, false)),
    }
}

fn host<'c>(cluster: &'c Cluster, name: &str) -> &'c Host {
    let mut hosts = cluster.hosts.iter();
    hosts.find(|host| host.name == name).expect("a host")
}

const DR: &str = "web: { vip: 10.0.0.9, port: [80, 443], real_servers: [rs1, rs2] }";
const NAT: &str =
    "web: { vip: 10.0.0.9, port: 80, mode: nat, real_port: 8080, real_servers: [rs1, rs2] }";
const TUN: &str =
    "web: { vip: [10.0.0.9, 10.0.0.8], port: 80, mode: tun, real_servers: [rs1, rs2] }";
const V6: &str = "web: { vip: 'fd00::9', port: 80, real_servers: [rs1, rs2] }";
const SORRY: &str = "web: { vip: 10.0.0.9, port: 80, real_servers: [rs1, rs2], sorry_server: 10.0.0.13, health_check: tcp }";
const UDP: &str = "dns: { vip: 10.0.0.9, port: 53, protocol: udp, real_servers: [rs1, rs2] }";
const MIXED: &str = "web: { vip: 10.0.0.9, port: 80, real_servers: [rs1, rs2] }\n\
                     mail: { vip: 10.0.0.8, port: 25, mode: nat, real_port: 2525, real_servers: [rs1] }";

/// What is asked, of which host, and the answer as text.
fn shown<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    all.join(" ")
}

#[test]
fn a_real_server_holds_the_vips_that_it_gets_packets_for() {
    for (about, services, name, held, answers_from) in [
        ("DR", DR, "rs1", "10.0.0.9/32@lo", "10.0.0.9"),
        ("NAT", NAT, "rs1", "", "10.0.0.11"),
        (
            "TUN",
            TUN,
            "rs1",
            "10.0.0.9/32@tunl0 10.0.0.8/32@tunl0",
            "10.0.0.8 10.0.0.9",
        ),
        ("IPv6", V6, "rs1", "fd00::9/128@lo", "fd00::9"),
        (
            "DR and NAT",
            MIXED,
            "rs1",
            "10.0.0.9/32@lo",
            "10.0.0.9 10.0.0.11",
        ),
        ("not of the service", DR, "spare", "", ""),
        (
            "the sorry server",
            SORRY,
            "spare",
            "10.0.0.9/32@lo",
            "10.0.0.9",
        ),
        ("a director", DR, "lb1", "", ""),
    ] {
        let cluster = cluster("", services);
        let host = host(&cluster, name);
        for serves in [&Serves::of(&cluster, host), Served::new(&cluster).by(host)] {
            let vips = serves.vips().into_iter();
            let vips = vips.map(|vip| format!("{}@{}", vip.address, vip.interface));
            assert_eq!(shown(vips), held, "{about}");
            let mut from: Vec<_> = serves.answers_from().into_iter().collect();
            from.sort_unstable();
            assert_eq!(shown(from), answers_from, "{about}");
        }
    }
}

#[test]
fn requests_reach_a_real_server_at_the_vip_or_with_nat_at_its_own_address() {
    for (about, services, asked) in [
        ("DR", DR, "10.0.0.9:80 10.0.0.9:443"),
        ("NAT", NAT, "10.0.0.11:8080"),
        ("TUN", TUN, "10.0.0.9:80 10.0.0.8:80"),
        ("DR and NAT", MIXED, "10.0.0.9:80 10.0.0.11:2525"),
    ] {
        let cluster = cluster("", services);
        let serves = Serves::of(&cluster, host(&cluster, "rs1"));
        let all = serves.parts().iter().flat_map(Part::asked_at);
        let all = all.map(|(address, port)| format!("{address}:{port}"));
        assert_eq!(shown(all), asked, "{about}");
    }
}

#[test]
fn one_answer_to_the_arp_problem_keeps_a_real_server_silent() {
    for (arp, services, name, by_sysctl, rules) in [
        ("sysctl", DR, "rs1", true, 0),
        ("arptables", DR, "rs1", false, 1),
        ("arptables", TUN, "rs1", false, 2),
        ("sysctl", NAT, "rs1", false, 0),
        ("arptables", NAT, "rs1", false, 0),
        ("sysctl", V6, "rs1", false, 0),
        ("arptables", DR, "lb1", false, 0),
    ] {
        let cluster = cluster(&format!("arp: {arp}"), services);
        let host = host(&cluster, name);
        let serves = Serves::of(&cluster, host);
        let found = (
            silent(&cluster, &serves),
            arp_rules(&cluster, host, &serves).len(),
        );
        assert_eq!(found, (by_sysctl, rules), "{arp} {services} on {name}");
    }
}

/// It speaks for its VIP.
#[test]
fn a_director_that_is_a_real_server_has_no_arp_rule() {
    let text = "cluster: t\nnetworks: 10.0.0.0/24\narp: arptables\nhosts:\n  \
                lb1: { role: [director, realserver], address: 10.0.0.1 }\n  \
                rs1: { role: realserver, address: 10.0.0.3 }\n\
                services: { web: { vip: 10.0.0.9, port: 80 } }\n";
    let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES).expect("a valid inventory");
    let served = Served::new(&loaded.cluster);
    let hosts = loaded.cluster.hosts.iter();
    let rules = hosts.map(|host| arp_rules(&loaded.cluster, host, served.by(host)).len());
    assert_eq!(shown(rules), "0 1");
}

#[test]
fn a_vip_is_on_the_directors_interface_in_its_network() {
    let vrrp = "vrrp: { virtual_router_id: 10 }";
    for (about, keys, services, fixed, moving) in [
        ("no instance moves it", "", DR, "10.0.0.9/32@eth0", ""),
        ("VRRP moves it", vrrp, DR, "", ""),
        ("VRRP moves IPv6", vrrp, V6, "", "fd00::9/128@eth0"),
    ] {
        let cluster = cluster(keys, services);
        let host = host(&cluster, "lb1");
        let vips = director_vips(&cluster, host).into_iter();
        let vips = vips.map(|vip| format!("{}@{}", vip.address, vip.interface));
        assert_eq!(shown(vips), fixed, "{about}");
        let vips = moving_vips(&cluster, host).into_iter();
        let vips = vips.map(|vip| format!("{}@{}", vip.address, vip.interface));
        assert_eq!(shown(vips), moving, "{about}");
        let vip = cluster.service_vips()[0];
        assert_eq!(interface_of_vip(&cluster, host, vip), "eth0", "{about}");
    }
}

#[test]
fn a_label_is_no_longer_than_the_kernel_takes() {
    let v4 = "127.0.0.1".parse().expect("an address");
    for (interface, index, want) in [
        ("lo", 0, Some("lo:0")),
        ("enp129s0f0.12", 9, Some("enp129s0f0.12:9")),
        ("enp129s0f0.12", 10, None),
    ] {
        assert_eq!(vips::label(v4, interface, index).as_deref(), want);
    }
}

#[test]
fn tunnels_are_of_the_families_of_the_vips() {
    for (services, names) in [(DR, ""), (TUN, "tunl0:ipip")] {
        let cluster = cluster("", services);
        let tunnels = Serves::of(&cluster, host(&cluster, "rs1")).tunnels();
        let shown = shown(tunnels.iter().map(|t| format!("{}:{}", t.name, t.module)));
        assert_eq!(shown, names, "{services}");
    }
}

#[test]
fn a_host_listens_on_what_its_services_send_to_it() {
    for (about, services, name, listens_on, more) in [
        ("DR", DR, "rs1", "http 80, https 443", true),
        ("NAT maps the port", NAT, "rs1", "http 8080", true),
        ("port 80 alone", TUN, "rs1", "http 80", false),
        ("UDP", UDP, "rs1", "udp 53", false),
        ("no HTTP", MIXED, "rs1", "http 80, tcp 2525", false),
        ("a director serves nothing", DR, "lb1", "", false),
    ] {
        let cluster = cluster("", services);
        let host = host(&cluster, name);
        let all = listens(&cluster, host, &Serves::of(&cluster, host));
        let ports = [
            ("http", &all.http),
            ("https", &all.https),
            ("tcp", &all.tcp),
            ("udp", &all.udp),
        ];
        let some = ports.into_iter().filter(|(_, ports)| !ports.is_empty());
        let some: Vec<String> = some
            .map(|(kind, ports)| format!("{kind} {}", shown(ports)))
            .collect();
        assert_eq!(some.join(", "), listens_on, "{about}");
        assert_eq!(all.more_web_ports(), more, "{about}");
    }
}

#[test]
fn ways_out_and_neighbours_are_those_of_the_inventory() {
    let cluster = cluster("arp: neighbour\ndefaults: { gateway: gw }", DR);
    for (name, route) in [
        ("rs1", Some("0.0.0.0/0 10.0.0.254 eth0")),
        ("gw", None),
        ("lb1", None),
    ] {
        let route_of = default_route(host(&cluster, name));
        let shown = route_of.map(|r| format!("{} {} {}", r.to, r.via, r.interface));
        assert_eq!(shown.as_deref(), route, "{name}");
    }
    for (name, entries) in [("gw", "10.0.0.9 52:54:00:00:00:01 eth0"), ("rs1", "")] {
        let all = neighbours(&cluster, host(&cluster, name)).into_iter();
        let all = all.map(|n| format!("{} {} {}", n.address, n.lladdr, n.interface));
        assert_eq!(shown(all), entries, "{name}");
    }
}

#[test]
fn clients_and_addresses_of_directors_are_known() {
    let cluster = cluster("vrrp: { virtual_router_id: 10 }", DR);
    let names = clients(&cluster).map(|host| &host.name);
    assert_eq!(shown(names), "c1");
    let all = of_directors(&cluster);
    for (address, whose) in [
        ("10.0.0.1", Some("lb1")),
        ("10.0.0.2", Some("lb2")),
        ("10.0.0.9", Some("the VIP")),
        ("10.0.0.11", None),
    ] {
        let mut of_it = all.iter().filter(|(its, _)| its.to_string() == address);
        let found = of_it.next().map(|(_, whose)| whose.to_string());
        assert_eq!(found.as_deref(), whose, "{address}");
    }
}

const BESIDE: &str = "vrrp:\n  a: { virtual_router_id: 10, vips: 10.0.0.9 }\n  b: { virtual_router_id: 11, vips: [10.0.0.7, 10.0.0.6] }";

#[test]
fn pages_are_those_that_no_service_has() {
    let gateway = format!("{BESIDE}\ndefaults: {{ gateway: 10.0.0.7 }}");
    for (about, keys, services, name, expected) in [
        ("a host that serves nothing", "", DR, "spare", Some("; 80")),
        ("the sorry server", "", SORRY, "spare", None),
        ("another role", "", DR, "rs1", None),
        ("a director without a web server", BESIDE, DR, "lb1", None),
        (
            "VIPs of no service",
            BESIDE,
            DR,
            "web-lb1",
            Some("10.0.0.6 10.0.0.7; 80"),
        ),
        (
            "a VIP that is a gateway",
            &gateway,
            DR,
            "web-lb1",
            Some("10.0.0.6; 80"),
        ),
    ] {
        let mut cluster = cluster(keys, services);
        let plain = name.trim_start_matches("web-");
        if plain != name {
            let director = cluster.hosts.iter_mut().find(|host| host.name == plain);
            director.unwrap().roles.push("web".to_owned());
        }
        let host = host(&cluster, plain);
        let all = pages(&cluster, host, &Serves::of(&cluster, host));
        let all = all.map(|all| format!("{}; {}", shown(all.vips), shown(all.ports)));
        assert_eq!(all.as_deref(), expected, "{about}");
    }
}
