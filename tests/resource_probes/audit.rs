//! What `verify` asks beyond resources, under each shell: all find the same.

use std::net::{SocketAddr, TcpListener};

use lvsctl::fact::Section;
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::verify::look::Look;
use lvsctl::verify::questions::{self, Traffic};

use crate::HOST;
use crate::host::{Shell, busybox_alone, inside, shells};

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

fn look(shell: &Shell, question: &str) -> Look {
    let mut sections = shell.sections(question);
    let section: Section = sections.remove(questions::SECTION).expect("a section");
    let mut look = Look::parse(&section);
    assert!(look.clock.take().is_some(), "{}", shell.name);
    // Nobody listens there, which curl tells with the milliseconds that it took.
    for replies in look.own.values_mut() {
        *replies = lvsctl::verify::end_to_end::Replies::NoTool;
    }
    look
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
            let question = questions::of(&cluster, host, Traffic::Sent);
            let first = look(&shells[0], &question);
            let forward = first.settings.get("/proc/sys/net/ipv4/ip_forward");
            assert_eq!(forward.map(String::as_str), Some("0"));
            let to_vip = first.route(vip.ip(), None).expect("a route");
            assert_eq!(to_vip.kind.as_deref(), Some("local"));
            assert!(!first.firewall.legacy.is_empty() || !first.firewall.nft.is_empty());
            if host.is_real_server() {
                assert!(first.listening_tcp.contains(&listens), "{first:#?}");
                assert!(first.own.contains_key(&vip), "{first:#?}");
            }
            let whole = format!("{first:#?}");
            for shell in &shells[1..] {
                let found = format!("{:#?}", look(shell, &question));
                let diff = similar::TextDiff::from_lines(&whole, &found);
                let diff = diff.unified_diff().context_radius(3).to_string();
                assert!(diff.is_empty(), "{} finds otherwise:\n{diff}", shell.name);
            }
            // It has neither iptables nor curl.
            let shell = busybox_alone();
            let alone = look(&shell, &question);
            assert_eq!(alone.settings, first.settings, "{}", shell.name);
            assert_eq!(alone.routes, first.routes, "{}", shell.name);
            assert_eq!(alone.listening_tcp, first.listening_tcp, "{}", shell.name);
            assert_eq!(alone.boot, first.boot, "{}", shell.name);
        }
    });
}
