//! What `verify` asks beyond resources, under each shell: all find the same.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};

use lvsctl::check::end_to_end::Replies;
use lvsctl::check::{self, Asking, listener};
use lvsctl::fact::clock::Clock;
use lvsctl::fact::{Facts, Needs};
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::{Cluster, Host};

use crate::resource_probes::HOST;
use crate::resource_probes::host::{Shell, busybox_alone, inside, shells};

/// Both hosts are played by the one that the test runs on.
const INVENTORY: &str = "\
cluster: t
networks: { lan: [10.0.0.0/24, 'fd00::/64'] }
hosts:
  lb1: { role: director, interfaces: { eth0: [10.0.0.1, 'fd00::1'] } }
  rs1: { role: realserver, interfaces: { eth0: [10.0.0.2, 'fd00::2'] } }
  client: { role: client, interfaces: { eth0: [10.0.0.9, 'fd00::9'] } }
services:
  web: { vip: 10.0.0.200, port: [80, 443], fwmark: 0x1a }
  web6: { vip: 'fd00::200', port: 80 }
  dns: { vip: 10.0.0.200, port: 53, protocol: udp }
";

const MORE: &str = "\
ip addr add 10.0.0.200/32 dev lo
iptables -t mangle -A PREROUTING -d 10.0.0.201 -j MARK --set-mark 0x1a
iptables -A INPUT -s 10.0.0.9 -j ACCEPT
";

/// What a host answers, but for its clock, and what it gets of itself.
#[derive(Debug)]
struct Answer {
    facts: Facts,
    own: BTreeMap<SocketAddr, Replies>,
}

fn answer(shell: &Shell, cluster: &Cluster, host: &Host) -> Answer {
    let mut needs = Needs::default();
    check::needs(cluster, host, &mut needs);
    let own = check::questions(cluster, host, Asking::Allowed);
    let sections = shell.sections(&format!("{}{own}", needs.command()));
    let facts = Facts::parse(&needs, &sections).unwrap_or_else(|e| panic!("{}: {e}", shell.name));
    assert!(
        facts.clock.now().is_some_and(|now| now > 1e9),
        "{}",
        shell.name
    );
    let own = sections.get(listener::SECTION).map(listener::answers);
    let own = own.unwrap_or_default().into_keys();
    Answer {
        facts: Facts {
            clock: Clock::default(),
            ..facts
        },
        // Nothing listens there, and curl prints the milliseconds that it took to find out.
        own: own.map(|at| (at, Replies::NoTool)).collect(),
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn all_shells_audit_the_same() {
    inside(|| {
        let cluster = match inventory::parse("t.yaml", INVENTORY, BUILT_IN_ROLES) {
            Ok(loaded) => loaded.cluster,
            Err(error) => panic!("{}", error.render(100, false)),
        };
        let shells = shells();
        shells[0].run(HOST);
        shells[0].run(MORE);
        let listener = TcpListener::bind("10.0.0.1:8080").expect("a listener");
        let listens = listener.local_addr().expect("an address");
        let vip: SocketAddr = "10.0.0.200:80".parse().expect("an address");
        for host in &cluster.hosts[..2] {
            let first = answer(&shells[0], &cluster, host);
            let facts = &first.facts;
            assert!(facts.sysctl.of_interface("all", "arp_ignore").is_some());
            let to_vip = facts.route_to.get(vip.ip(), None).expect("a route");
            assert_eq!(to_vip.kind.as_deref(), Some("local"));
            assert!(!facts.firewall.legacy.is_empty() || !facts.firewall.nft.is_empty());
            if host.is_real_server() {
                assert!(facts.listener.tcp.contains(&listens), "{first:#?}");
                assert!(first.own.contains_key(&vip), "{first:#?}");
            }
            let whole = format!("{first:#?}");
            for shell in &shells[1..] {
                let found = format!("{:#?}", answer(shell, &cluster, host));
                let diff = similar::TextDiff::from_lines(&whole, &found);
                let diff = diff.unified_diff().context_radius(3).to_string();
                assert!(diff.is_empty(), "{} finds otherwise:\n{diff}", shell.name);
            }
            // It has neither iptables nor curl.
            let shell = busybox_alone();
            let alone = answer(&shell, &cluster, host).facts;
            assert_eq!(alone.sysctl, facts.sysctl, "{}", shell.name);
            assert_eq!(alone.route_to, facts.route_to, "{}", shell.name);
            assert_eq!(alone.listener, facts.listener, "{}", shell.name);
            assert_eq!(alone.sysctl_file, facts.sysctl_file, "{}", shell.name);
        }
    });
}
