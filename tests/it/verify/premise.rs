//! What each check rests on, and what becomes of it on a host where that does not hold: it says "skipped" and why, and is
//! no finding that cannot be repaired.

use lvsctl::check::{Findings, Severity, registry};

use crate::verify::made::{Made, verify, verify_live};

const INVENTORY: &str = "
cluster: made
networks: { lan: 192.168.100.0/24 }
defaults: { interface: eth0 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1: { role: realserver, address: 192.168.100.12 }
  rs2: { role: realserver, address: 192.168.100.13 }
  c1: { role: client, address: 192.168.100.20 }
vrrp: { virtual_router_id: 10 }
services:
  web: { vip: 192.168.100.200, port: 80, scheduler: rr, check: { requests: 4 } }
";

const SETTINGS: &str = "/proc/sys/net/ipv4/conf/all/arp_ignore:1
/proc/sys/net/ipv4/conf/all/arp_announce:2
/proc/sys/net/ipv4/conf/all/rp_filter:0
/proc/sys/net/ipv4/conf/all/send_redirects:0
/proc/sys/net/ipv4/conf/eth0/arp_ignore:0
/proc/sys/net/ipv4/conf/eth0/arp_announce:0
/proc/sys/net/ipv4/conf/eth0/rp_filter:0
/proc/sys/net/ipv4/conf/eth0/send_redirects:0";

const ROUTES: &str = r#"[{"type":"local","dst":"192.168.100.200","dev":"lo"}]
[{"dst":"192.168.100.20","from":"192.168.100.200","dev":"eth0"}]"#;

/// Port 80 on all addresses, and 8081 where it is asked for.
const PORT_80: &str = "   0: 00000000:0050 00000000:0000 0A 0";
const PORT_8081: &str = "   0: 00000000:1F91 00000000:0000 0A 0";

const ANSWER: &str = "@lvsctl-e2e code=200 exit=0 err=";
const REFUSED: &str = "@lvsctl-e2e code=000 exit=7 err=Connection refused";

const STATISTICS: &str = "TCP  192.168.100.200:80 0 0 0 0 0
  -> 192.168.100.12:80 0 0 0 0 0
  -> 192.168.100.13:80 0 0 0 0 0";
const COUNTED: &str = "TCP  192.168.100.200:80 4 24 0 0 0
  -> 192.168.100.12:80 2 12 0 0 0
  -> 192.168.100.13:80 2 12 0 0 0";

const HOSTS: &[Made] = &[
    Made {
        host: "lb1",
        links: &[("eth0", 1500, &["192.168.100.14/24", "192.168.100.200/32"])],
        facts: &[
            ("sysctl values", SETTINGS),
            ("ipvs statistics", STATISTICS),
            ("offload lro eth0", "large-receive-offload: off"),
        ],
    },
    Made {
        host: "rs1",
        links: &[
            ("lo", 65536, &["127.0.0.1/8", "192.168.100.200/32"]),
            ("eth0", 1500, &["192.168.100.12/24"]),
        ],
        facts: &[
            ("sysctl values", SETTINGS),
            ("route-to routes", ROUTES),
            ("listener tcp", PORT_80),
            ("own-answer own 192.168.100.200 80", ANSWER),
        ],
    },
    Made {
        host: "c1",
        links: &[("eth0", 1500, &["192.168.100.20/24"])],
        facts: &[],
    },
];

/// A host where a premise does not hold, and what its check says then.
struct Case {
    name: &'static str,
    check: &'static str,
    host: &'static str,
    /// Parts of its answer.
    parts: &'static [(&'static str, &'static str)],
    says: &'static str,
}

const REDIRECT: &str = "*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
    [0:0] -A PREROUTING -p tcp -m tcp --dport 80 -m addrtype --dst-type LOCAL -j REDIRECT --to-ports 8081\nCOMMIT\n";
const DOCKER: &str = "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n\
    [0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n\
    [0:0] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n";
const TPROXY: &str = "*mangle\n:PREROUTING ACCEPT [0:0]\n\
    [0:0] -A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 3128 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1\nCOMMIT\n";
const BALANCED: &str = "*nat\n:PREROUTING ACCEPT [0:0]\n\
    [0:0] -A PREROUTING -p tcp -m tcp --dport 80 -m statistic --mode random --probability 0.5 -j REDIRECT --to-ports 8081\nCOMMIT\n";
const NFT_NAT: &str = "table ip mine {\n\tchain pre {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\ttcp dport 80 redirect to :8081\n\t}\n}";
const NFT_MARK: &str = "table ip mine {\n\tchain pre {\n\t\ttype filter hook prerouting priority mangle; policy accept;\n\t\ttcp dport 80 meta mark set 0x0000000a\n\t}\n}";
const MARKED: &str = "*mangle\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\nCOMMIT\n";
const BY_LB2: &str = r#"[{"type":"local","dst":"192.168.100.200","dev":"lo"}]
[{"dst":"192.168.100.20","from":"192.168.100.200","gateway":"192.168.100.15","dev":"eth0"}]"#;
const TABLE: &str =
    "-A -t 192.168.100.200:80 -s rr\n-a -t 192.168.100.200:80 -r 192.168.100.12:80 -g -w 1";
const NO_SETTINGS: &str = "/proc/sys/net/ipv4/ip_forward:0";

const CASES: &[Case] = &[
    Case {
        name: "keepalived-hidden",
        check: "keepalived-running",
        host: "lb1",
        parts: &[(
            "unit show",
            "Id=keepalived.service\nLoadState=loaded\nActiveState=active\n",
        )],
        says: "keepalived: skipped: the unit is active, and the host's /proc shows no process of it",
    },
    Case {
        name: "docker-publishes-the-port",
        check: "listener",
        host: "rs1",
        parts: &[("listener tcp", ""), ("firewall legacy", DOCKER)],
        says: "tcp 192.168.100.200:80: skipped: redirected by the rule -A DOCKER",
    },
    Case {
        name: "tproxy",
        check: "listener",
        host: "rs1",
        parts: &[("listener tcp", ""), ("firewall nft", TPROXY)],
        says: "it may be redirected by the rule -A PREROUTING",
    },
    Case {
        name: "balanced-redirect",
        check: "listener",
        host: "rs1",
        parts: &[("listener tcp", ""), ("firewall legacy", BALANCED)],
        says: "it may be redirected",
    },
    Case {
        name: "nftables-redirects",
        check: "listener",
        host: "rs1",
        parts: &[("listener tcp", ""), ("firewall native", NFT_NAT)],
        says: "skipped: nothing of the host's own listens there, and yet it answers",
    },
    Case {
        name: "answers-without-a-listener",
        check: "listener",
        host: "rs1",
        parts: &[("listener tcp", "")],
        says: "skipped: nothing of the host's own listens there, and yet it answers",
    },
    Case {
        name: "sockets-hidden",
        check: "listener",
        host: "rs1",
        parts: &[("listener tcp", ""), ("listener hidden", "")],
        says: "the host's /proc/net does not show its sockets",
    },
    Case {
        name: "own-question-not-redirected",
        check: "own-answer",
        host: "rs1",
        parts: &[
            ("listener tcp", PORT_8081),
            ("firewall legacy", REDIRECT),
            ("own-answer own 192.168.100.200 80", REFUSED),
        ],
        says: "skipped: clients are redirected by the rule -A PREROUTING",
    },
    Case {
        name: "own-question-past-docker",
        check: "own-answer",
        host: "rs1",
        parts: &[
            ("firewall legacy", DOCKER),
            ("own-answer own 192.168.100.200 80", REFUSED),
        ],
        says: "skipped: redirected by the rule -A DOCKER",
    },
    Case {
        name: "no-tool-asks",
        check: "own-answer",
        host: "rs1",
        parts: &[("own-answer own 192.168.100.200 80", "@lvsctl-e2e none")],
        says: "was not looked at: neither curl nor bash is there",
    },
    Case {
        name: "firewall-behind-a-dnat",
        check: "firewall-vip",
        host: "rs1",
        parts: &[("firewall legacy", DOCKER)],
        says: "skipped: redirected by the rule -A DOCKER",
    },
    Case {
        name: "iptables-missing",
        check: "firewall-vip",
        host: "rs1",
        parts: &[("firewall unread", "iptables")],
        says: "the kernel has a packet filter that iptables should list, and did not",
    },
    Case {
        name: "iptables-missing-vrrp",
        check: "firewall-vrrp",
        host: "lb1",
        parts: &[("firewall unread", "iptables")],
        says: "the kernel has a packet filter that iptables should list",
    },
    Case {
        name: "iptables-missing-health",
        check: "firewall-health",
        host: "rs1",
        parts: &[("firewall unread", "iptables")],
        says: "the kernel has a packet filter that iptables should list, and did not",
    },
    Case {
        name: "no-tc",
        check: "traffic-control",
        host: "rs1",
        parts: &[("traffic-control missing", "")],
        says: "eth0: skipped: there is no tc on the host",
    },
    Case {
        name: "sysctls-hidden-ignore",
        check: "arp-ignore",
        host: "rs1",
        parts: &[("sysctl values", NO_SETTINGS)],
        says: "eth0 192.168.100.200: the host does not show /proc/sys/net/ipv4/conf/",
    },
    Case {
        name: "sysctls-hidden-announce",
        check: "arp-announce",
        host: "rs1",
        parts: &[("sysctl values", NO_SETTINGS)],
        says: "the host does not show",
    },
    Case {
        name: "sysctls-hidden-rp-filter",
        check: "rp-filter",
        host: "rs1",
        parts: &[("sysctl values", NO_SETTINGS)],
        says: "the host does not show",
    },
    Case {
        name: "sysctls-hidden-redirects",
        check: "send-redirects",
        host: "lb1",
        parts: &[("sysctl values", NO_SETTINGS)],
        says: "the host does not show",
    },
    Case {
        name: "replies-by-mark",
        check: "reply-route",
        host: "rs1",
        parts: &[("route-to routes", BY_LB2), ("firewall legacy", MARKED)],
        says: "replies may be routed by the mark that -A OUTPUT -j CONNMARK",
    },
    Case {
        name: "lro-fixed",
        check: "lro",
        host: "lb1",
        parts: &[("offload lro eth0", "large-receive-offload: on [fixed]")],
        says: "eth0: skipped: it is on, and the driver does not let it be switched off",
    },
    Case {
        name: "lro-unknown",
        check: "lro",
        host: "lb1",
        parts: &[("offload lro eth0", "")],
        says: "was not looked at: neither ethtool nor perl could read it",
    },
    Case {
        name: "threshold-not-listed",
        check: "ipvs-threshold",
        host: "lb1",
        parts: &[("ipvs table", TABLE), ("ipvs thresholds", "")],
        says: "in `web`: the list of thresholds does not have it",
    },
];

fn of<'t>(findings: &'t Findings, case: &'t Case) -> impl Iterator<Item = (Severity, &'t str)> {
    let mine = |f: &&lvsctl::check::Finding| f.check.id == case.check && f.host == case.host;
    findings
        .all
        .iter()
        .filter(mine)
        .map(|f| (f.severity, f.what.as_str()))
}

#[test]
fn where_a_premise_does_not_hold_a_check_is_skipped_with_the_reason() {
    for case in CASES {
        // On a host as it should be the check passes, so that the case shows what the premise does.
        let whole = verify(INVENTORY, HOSTS, case.host, &[]);
        assert_eq!(
            of(&whole, case).count(),
            0,
            "{}: {:?}",
            case.name,
            whole.all
        );
        let findings = verify(INVENTORY, HOSTS, case.host, case.parts);
        let found: Vec<_> = of(&findings, case).collect();
        assert!(!found.is_empty(), "{}", case.name);
        for (severity, what) in found {
            assert_eq!(severity, Severity::Note, "{}: {what}", case.name);
            assert!(what.contains(case.says), "{}: {what}", case.name);
        }
    }
}

/// The service works: the real server listens on the port to which requests are redirected, and its filter lets that pass.
#[test]
fn a_redirected_port_is_looked_at_where_it_leads() {
    let filter =
        "*filter\n:INPUT DROP [0:0]\n[0:0] -A INPUT -p tcp -m tcp --dport 8081 -j ACCEPT\nCOMMIT\n";
    let rules = format!("{REDIRECT}{filter}");
    let parts = [
        ("listener tcp", PORT_8081),
        ("firewall legacy", rules.as_str()),
    ];
    let findings = verify(INVENTORY, HOSTS, "rs1", &parts);
    let bad: Vec<_> = findings.all.iter().filter(|f| f.host == "rs1").collect();
    let ours = ["listener", "firewall-vip", "own-answer"];
    assert!(!bad.iter().any(|f| ours.contains(&f.check.id)), "{bad:?}");
    // No server is there, or the filter lets only the port of the VIP pass.
    let parts = [
        ("listener tcp", PORT_80),
        ("firewall legacy", rules.as_str()),
        ("own-answer own 192.168.100.200 80", REFUSED),
    ];
    let findings = verify(INVENTORY, HOSTS, "rs1", &parts);
    let listener = findings.all.iter().find(|f| f.check.id == "listener");
    let listener = listener.expect("a finding");
    assert!(
        listener
            .expected
            .contains("on port 8081, to which the rule -A PREROUTING"),
        "{listener:?}"
    );
    let rules = rules.replace("--dport 8081 -j ACCEPT", "--dport 80 -j ACCEPT");
    let parts = [
        ("listener tcp", PORT_8081),
        ("firewall legacy", rules.as_str()),
    ];
    let findings = verify(INVENTORY, HOSTS, "rs1", &parts);
    assert!(
        findings
            .all
            .iter()
            .any(|f| f.check.id == "firewall-vip" && f.severity == Severity::Error)
    );
}

/// A sorry server is reached by the same interface, whatever other role its host has.
#[test]
fn a_redirected_port_of_a_sorry_server_is_looked_at_where_it_leads() {
    let inventory = INVENTORY
        .replace("rs1: { role: realserver,", "rs1: { role: web,")
        .replace(
            "scheduler: rr,",
            "scheduler: rr, sorry_server: 192.168.100.12,",
        );
    let parts = [("listener tcp", PORT_8081), ("firewall legacy", REDIRECT)];
    let findings = verify(&inventory, HOSTS, "rs1", &parts);
    let listener = findings.all.iter().find(|f| f.check.id == "listener");
    assert!(listener.is_none(), "{listener:?}");
}

/// What clients asked, and what lb1 counted before and after.
fn live(estimation: &str, after: &'static str) -> Findings {
    let hosts: Vec<Made> = HOSTS.to_vec();
    let settings = format!("{SETTINGS}\n/proc/sys/net/ipv4/vs/run_estimation:{estimation}");
    let settings: &'static str = Box::leak(settings.into_boxed_str());
    let facts: Vec<(&str, &str)> = HOSTS[0]
        .facts
        .iter()
        .map(|(name, text)| {
            if *name == "sysctl values" {
                (*name, settings)
            } else {
                (*name, *text)
            }
        })
        .collect();
    let mut hosts = hosts;
    hosts[0].facts = Box::leak(facts.into_boxed_slice());
    let answers: String = ["rs1", "rs2", "rs1", "rs2"]
        .iter()
        .map(|host| format!("@lvsctl-e2e code=200 new=1 exit=0 err=\t{host}\n"))
        .collect();
    let client: [(&str, &str); 2] = [
        ("arp 192.168.100.200", ""),
        ("e2e 0 192.168.100.200 80", &answers),
    ];
    let lb1 = [("statistics", after)];
    verify_live(INVENTORY, &hosts, &[("c1", &client), ("lb1", &lb1)])
}

#[test]
fn an_ipvs_that_does_not_count_is_not_compared() {
    let statistics = |findings: &Findings| -> Vec<(Severity, String)> {
        let mine = findings.all.iter().filter(|f| f.check.id == "statistics");
        mine.map(|f| (f.severity, f.what.clone())).collect()
    };
    assert_eq!(statistics(&live("1", COUNTED)), []);
    assert_eq!(statistics(&live("1", STATISTICS))[0].0, Severity::Error);
    let what =
        "web -t 192.168.100.200:80: skipped: IPVS does not count: net.ipv4.vs.run_estimation is 0";
    assert_eq!(
        statistics(&live("0", STATISTICS)),
        [(Severity::Note, what.to_owned())]
    );
    let other = "TCP  192.168.100.200:80 4 24 0 0 0\n  -> 192.168.100.12:80 2 12 0 0 0";
    let what = "web -t 192.168.100.200:80: skipped: its real servers changed while clients asked";
    assert_eq!(
        statistics(&live("1", other)),
        [(Severity::Note, what.to_owned())]
    );
    // Who was answered by whom is seen by the clients all the same.
    for check in ["end-to-end", "gets-connections", "shares"] {
        let findings = live("0", STATISTICS);
        assert!(!findings.all.iter().any(|f| f.check.id == check), "{check}");
    }
}

/// Without perl nothing hears VRRP: that was passed over in silence.
#[test]
fn a_director_that_cannot_listen_says_so() {
    let findings = live("1", COUNTED);
    let adverts: Vec<&str> = findings
        .all
        .iter()
        .filter(|f| f.check.id == "vrrp-adverts")
        .map(|f| f.what.as_str())
        .collect();
    assert_eq!(
        adverts,
        ["adverts of the other directors: nothing on the host can listen to VRRP; install perl"]
    );
}

#[test]
fn marks_of_nftables_are_not_followed() {
    let marked = INVENTORY.replace("port: 80,", "port: 80, fwmark: 10,");
    let parts = [("firewall native", NFT_MARK)];
    let findings = verify(&marked, HOSTS, "lb1", &parts);
    let found: Vec<_> = findings
        .all
        .iter()
        .filter(|f| f.check.id == "mark-set")
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Note);
    assert!(
        found[0].what.contains("rules of nftables set marks"),
        "{found:?}"
    );
    let findings = verify(&marked, HOSTS, "lb1", &[]);
    assert!(
        findings
            .all
            .iter()
            .any(|f| f.check.id == "mark-set" && f.severity == Severity::Error)
    );
}

/// What becomes of a check where its premise does not hold.
#[derive(Debug, PartialEq)]
enum Then {
    /// One of [`CASES`], or a test of this file.
    Skipped(&'static str),
    /// A test elsewhere shows it.
    Elsewhere(&'static str),
    /// The host is refused before anything is judged.
    Refused,
    /// It holds wherever the check is made at all; why.
    Holds(&'static str),
    /// It cannot be seen from the host.
    NotSeen(&'static str),
}

use Then::{Elsewhere, Holds, NotSeen, Refused, Skipped};

/// Check, premise, what becomes of it, source.
const PREMISES: &[(&str, &str, Then, &str)] = &[
    (
        "boot-unit",
        "the host says what it reads and runs at boot",
        Elsewhere("boot::a_host_that_says_nothing_is_not_judged"),
        "boot-source.sh",
    ),
    (
        "boot-unit",
        "all of it fits",
        Elsewhere("boot::what_did_not_fit_is_no_pass"),
        "boot-source.sh",
    ),
    (
        "boot-address",
        "the manager of the network is known",
        NotSeen("one without a row in places.rs is not read"),
        "docs/next-boot.md",
    ),
    (
        "boot-firewall",
        "rules of nft(8) are of kinds that iptables has",
        Holds("others may hit or not, and are no finding"),
        "nft.rs",
    ),
    (
        "boot-ipvs",
        "what is enabled shows in links",
        Holds("of systemd, OpenRC and System V"),
        "places.rs",
    ),
    (
        "boot-module",
        "the kernel's next command line is in a file",
        Holds("else this boot's is taken"),
        "report.rs",
    ),
    (
        "schedule",
        "a command stands in a line as it is",
        NotSeen("variables and other languages are not followed"),
        "shell.rs",
    ),
    (
        "reachable",
        "SSH, root, flock, iproute2 with JSON",
        Refused,
        "probe.rs obstacles",
    ),
    (
        "drift",
        "each kind can be read",
        Refused,
        "Kind::refuse, probe.rs obstacles",
    ),
    (
        "persisted-sysctl",
        "something reads sysctl.d at boot",
        Holds("systemd-sysctl(8), and OpenRC's sysctl service, which reads the same folders"),
        "sysctl.d(5)",
    ),
    (
        "health",
        "the checker's own log or state can be read",
        Elsewhere("resource/ipvs/unhealthy.yaml: the real server is asked"),
        "ip_vs, keepalived ipwrapper.c",
    ),
    (
        "firewall-nft",
        "nft is there",
        Holds("without it the kernel's nf_tables is most often empty"),
        "nft(8)",
    ),
    (
        "vip-only-on-lo",
        "ip shows addresses",
        Refused,
        "ip-address(8)",
    ),
    (
        "vip-not-held",
        "ip shows addresses",
        Refused,
        "ip-address(8)",
    ),
    (
        "vip-route-local",
        "ip route get answers",
        Refused,
        "iproute2 4.14: -json of route get",
    ),
    (
        "arp-ignore",
        "/proc/sys is shown (a container may mask it)",
        Skipped("sysctls-hidden-ignore"),
        "systemd.exec(5) ProtectKernelTunables",
    ),
    (
        "arp-ignore",
        "the interface does ARP",
        Elsewhere("Seen::no_arp"),
        "netdevice(7) IFF_NOARP",
    ),
    (
        "arp-announce",
        "/proc/sys is shown",
        Skipped("sysctls-hidden-announce"),
        "systemd.exec(5)",
    ),
    (
        "manifest-missing",
        "lvsctl has changed the cluster",
        Holds("without any manifest nothing is judged"),
        "`lvsctl verify` of a cluster that was set up by hand",
    ),
    (
        "arptables-hides",
        "a tool lists arptables",
        Holds("without the rules of lvsctl there is drift"),
        "arptables(8)",
    ),
    (
        "arptables-rip",
        "a tool lists arptables",
        NotSeen("the kernel's arptables are read by either of two tools"),
        "arptables(8)",
    ),
    (
        "arptables-vip",
        "a tool lists arptables",
        NotSeen("as arptables-rip"),
        "arptables(8)",
    ),
    (
        "listener",
        "requests come to the port that they ask for: REDIRECT",
        Skipped("a_redirected_port_is_looked_at_where_it_leads"),
        "iptables-extensions(8) REDIRECT",
    ),
    (
        "listener",
        "... DNAT to a container in another network namespace",
        Skipped("docker-publishes-the-port"),
        "iptables-extensions(8) DNAT; Docker's published ports",
    ),
    (
        "listener",
        "... TPROXY",
        Skipped("tproxy"),
        "kernel: networking/tproxy",
    ),
    (
        "listener",
        "... a rule that hits some requests",
        Skipped("balanced-redirect"),
        "iptables-extensions(8) statistic",
    ),
    (
        "listener",
        "... redirect of nftables",
        Skipped("nftables-redirects"),
        "nft(8) NAT statements",
    ),
    (
        "listener",
        "a socket of this network namespace serves (BPF sk_lookup, XDP, a proxy)",
        Skipped("answers-without-a-listener"),
        "kernel: bpf/prog_sk_lookup",
    ),
    (
        "listener",
        "socket activation: the manager itself listens",
        Holds("the socket is systemd's, and is in /proc/net all the same"),
        "systemd.socket(5)",
    ),
    (
        "listener",
        "/proc/net shows sockets",
        Skipped("sockets-hidden"),
        "proc(5)",
    ),
    (
        "own-answer",
        "the host's own question is redirected as clients' are",
        Skipped("own-question-not-redirected"),
        "nat/OUTPUT, iptables(8)",
    ),
    (
        "own-answer",
        "... or served by a container",
        Skipped("own-question-past-docker"),
        "Docker's published ports",
    ),
    (
        "own-answer",
        "curl or bash is there",
        Skipped("no-tool-asks"),
        "end_to_end/mod.rs",
    ),
    (
        "web-page",
        "the page is that of the built-in role",
        Elsewhere("page::a_server_that_the_roles_do_not_install_is_left_alone"),
        "roles/web.yaml",
    ),
    (
        "web-page",
        "the host's request reaches its own server",
        Elsewhere("page::a_request_that_is_redirected_proves_nothing"),
        "nat/OUTPUT, iptables(8)",
    ),
    (
        "web-page",
        "curl or bash is there",
        Elsewhere("page::a_page_that_is_not_the_hosts_is_found"),
        "end_to_end/ask.sh",
    ),
    (
        "reply-route",
        "routes follow addresses, not marks",
        Skipped("replies-by-mark"),
        "ip-rule(8) fwmark; ip route get knows only the mark of its arguments",
    ),
    (
        "rp-filter",
        "/proc/sys is shown",
        Skipped("sysctls-hidden-rp-filter"),
        "ip-sysctl",
    ),
    (
        "tunnel-mtu",
        "MTUs are known",
        Holds("without them nothing is judged"),
        "mtu.rs",
    ),
    (
        "send-redirects",
        "/proc/sys is shown",
        Skipped("sysctls-hidden-redirects"),
        "ip-sysctl",
    ),
    (
        "ipvs-owner",
        "a service manager that is known",
        Refused,
        "unit.rs",
    ),
    (
        "ipvs-foreign",
        "the IPVS table can be read",
        Holds("without it there is drift"),
        "ipvsadm(8)",
    ),
    (
        "iptables-backend",
        "iptables is there",
        Holds("without it nothing is judged"),
        "director.rs",
    ),
    (
        "firewall-vip",
        "what passes is what was asked: DNAT",
        Skipped("firewall-behind-a-dnat"),
        "netfilter hooks",
    ),
    (
        "firewall-vip",
        "a tool lists the kernel's rules",
        Skipped("iptables-missing"),
        "/proc/net/ip_tables_names",
    ),
    (
        "firewall-vrrp",
        "a tool lists the kernel's rules",
        Skipped("iptables-missing-vrrp"),
        "/proc/net/ip_tables_names",
    ),
    (
        "mark-rule",
        "iptables sets the marks, not nftables",
        Skipped("marks_of_nftables_are_not_followed"),
        "nft(8) meta mark set",
    ),
    (
        "mark-set",
        "iptables sets the marks, not nftables",
        Skipped("marks_of_nftables_are_not_followed"),
        "nft(8) meta mark set",
    ),
    (
        "mark-unique",
        "iptables sets the marks",
        Holds("judges what iptables has, and no more"),
        "marks.rs",
    ),
    (
        "mark-counters",
        "iptables counts",
        Holds("iptables-save -c shows no rule without counters"),
        "iptables-save(8)",
    ),
    (
        "keepalived-config",
        "keepalived and its file are there",
        Holds("without them there is drift"),
        "director.rs",
    ),
    (
        "lro",
        "ethtool or perl is there",
        Skipped("lro-unknown"),
        "ethtool(8)",
    ),
    (
        "lro",
        "the driver lets it be switched",
        Skipped("lro-fixed"),
        "ethtool(8) [fixed]",
    ),
    (
        "source-address",
        "ip route get says the source",
        Holds("without it nothing is judged"),
        "source.rs",
    ),
    (
        "vip-holder",
        "all directors were asked",
        Elsewhere("cluster.rs: judged only then"),
        "--limit",
    ),
    (
        "vip-holder",
        "no takeover is under way",
        Elsewhere("run/steady.rs waits for it"),
        "RFC 9568, 6.1",
    ),
    (
        "vrrp-equal",
        "both files were read",
        Elsewhere("cluster.rs: judged only then"),
        "--limit",
    ),
    (
        "vrrp-priority",
        "both files were read",
        Elsewhere("cluster.rs: judged only then"),
        "--limit",
    ),
    (
        "vrrp-id",
        "the file was read",
        Elsewhere("cluster.rs: judged only then"),
        "--limit",
    ),
    (
        "vrrp-state",
        "keepalived's log says its state",
        Holds("without it nothing is judged"),
        "vrrp_state.rs",
    ),
    (
        "keepalived-running",
        "/proc shows other processes (hidepid)",
        Skipped("keepalived-hidden"),
        "proc(5) hidepid",
    ),
    (
        "keepalived-loaded",
        "the clock was not set back since the reload",
        NotSeen("a change looks later than it was"),
        "inode(7)",
    ),
    (
        "checker-running",
        "/proc shows other processes",
        Elsewhere("running/checker.rs skips"),
        "proc(5) hidepid",
    ),
    (
        "server-running",
        "the server is one that is known, or its unit is of a role",
        Holds("others are not judged"),
        "running/server.rs",
    ),
    (
        "conntrack",
        "/proc/sys/net/netfilter is shown",
        Holds("without it nothing is tracked"),
        "nf_conntrack-sysctl",
    ),
    (
        "vrrp-tracked",
        "keepalived's log is there",
        Holds("without it nothing is judged"),
        "keepalived.rs",
    ),
    (
        "vrrp-master",
        "all members were asked",
        Elsewhere("vrrp_master.rs: judged only then"),
        "--limit",
    ),
    (
        "vrrp-master",
        "no takeover is under way",
        Elsewhere("vrrp_master.rs: explained"),
        "RFC 9568 6.1",
    ),
    (
        "vrrp-running",
        "a director hears the adverts",
        Holds("without it nothing is judged"),
        "vrrp_adverts.rs",
    ),
    (
        "ipvs-sysctl",
        "the kernel has the parameter",
        Holds("without it nothing is judged"),
        "ipvs-sysctl",
    ),
    (
        "firewall-neighbour",
        "the packet filter can be read",
        Elsewhere("packet_path.rs: a table that was not listed makes the path unknown"),
        "ip6tables-save(8)",
    ),
    (
        "ipvs-sysctl-differs",
        "two directors show the parameter",
        Holds("a director that does not show it is left out"),
        "ipvs-sysctl",
    ),
    (
        "ipvs-health",
        "keepalived's log has times",
        Elsewhere("ipvs_health.rs: not judged without"),
        "journalctl(1)",
    ),
    (
        "vrrp-adverts",
        "perl is there",
        Skipped("a_director_that_cannot_listen_says_so"),
        "vrrp.pl",
    ),
    (
        "vrrp-foreign",
        "perl is there",
        Skipped("a_director_that_cannot_listen_says_so"),
        "vrrp.pl",
    ),
    (
        "ipvs-threshold",
        "ipvsadm is there, and IPVS is loaded",
        Holds("without it there is drift, and no real server to judge"),
        "ipvsadm(8)",
    ),
    (
        "ipvs-threshold",
        "the table stays the same between `ipvsadm -Sn` and `--thresholds`",
        Skipped("threshold-not-listed"),
        "keepalived's checkers",
    ),
    (
        "unrecorded-drain",
        "the record of drains can be read",
        Holds("a record that cannot be read ends the probe"),
        "`lvsctl drain`",
    ),
    (
        "ipvs-timeouts",
        "ipvsadm is there",
        Holds("without it there is drift"),
        "ipvsadm(8)",
    ),
    (
        "sync-daemon",
        "ipvsadm is there",
        Holds("without it there is drift"),
        "ipvsadm(8)",
    ),
    (
        "clocks",
        "date shows fractions",
        Elsewhere("look::clocks_of_either_date"),
        "busybox date",
    ),
    (
        "arp-answer",
        "perl or arping is there, and the client is on the VIP's network",
        Elsewhere("arp.rs notes"),
        "arp.rs",
    ),
    (
        "arp-answer",
        "hosts answer ARP themselves, not the fabric of a cloud",
        NotSeen("the fabric's MAC is that of no host"),
        "EVPN ARP suppression, RFC 9161",
    ),
    (
        "end-to-end",
        "a client of the VIP's family",
        Elsewhere("family.rs"),
        "family.rs",
    ),
    (
        "http-status",
        "the port speaks HTTP",
        Holds("asked only where the inventory says so"),
        "Service::check",
    ),
    (
        "http-text",
        "the port speaks HTTP, and its health check wants a text",
        Holds("asked only where the inventory says so"),
        "judge.rs",
    ),
    (
        "who-answers",
        "answers name a host",
        Holds("others are nameless, and not judged"),
        "round.rs",
    ),
    (
        "gets-connections",
        "who answered is known",
        Elsewhere("round.rs notes"),
        "round.rs",
    ),
    (
        "gets-connections",
        "real servers stay the same meanwhile",
        Skipped("an_ipvs_that_does_not_count_is_not_compared"),
        "keepalived's checkers",
    ),
    (
        "shares",
        "no other connections meanwhile",
        Elsewhere("round.rs: foreign"),
        "round.rs",
    ),
    (
        "persistence",
        "answers name a host, or IPVS counts",
        Elsewhere("round.rs notes"),
        "round.rs",
    ),
    (
        "statistics",
        "IPVS estimates: net.ipv4.vs.run_estimation (Linux 6.2)",
        Skipped("an_ipvs_that_does_not_count_is_not_compared"),
        "kernel: networking/ipvs-sysctl",
    ),
    (
        "statistics",
        "counters go on meanwhile",
        Elsewhere("judge.rs notes"),
        "ipvsadm -Z",
    ),
    (
        "maintenance",
        "this machine's clock is near that of the machine that drained",
        Holds("a drain is to the second, in UTC, and lasts for minutes at least"),
        "the record of drains on the directors",
    ),
    (
        "guard",
        "the host's clock is the one by which its guard ends",
        Holds("both times are the host's own; without a clock the time is shown and not judged"),
        "docs/operations.md",
    ),
    (
        "waiver-expired",
        "this machine's clock knows the day",
        Holds("a waiver is by days, in UTC"),
        "`waive` of the inventory",
    ),
    (
        "nat-rules",
        "all packet filters were listed",
        Elsewhere("iptables-missing: firewall-vip says so"),
        "iptables(8), nft(8)",
    ),
    (
        "firewall-health",
        "all packet filters were listed",
        Skipped("iptables-missing-health"),
        "iptables(8), nft(8)",
    ),
    ("link", "ip shows interfaces", Refused, "ip-link(8)"),
    ("traffic-control", "tc is there", Skipped("no-tc"), "tc(8)"),
    (
        "packet-route",
        "ip answers",
        Holds("a question that was not answered is not judged; one that was refused is"),
        "ip-route(8)",
    ),
    (
        "director-arp",
        "the host shows its settings",
        Elsewhere("arp-ignore says so of real servers; a director has the same /proc"),
        "ip-sysctl",
    ),
    (
        "kernel-limits",
        "the host shows its settings",
        Holds("without conntrack there is no such table"),
        "ip-sysctl",
    ),
    (
        "mtu",
        "hosts of one network need one MTU",
        Holds("a frame that is longer than its receiver takes is dropped"),
        "RFC 1191",
    ),
    (
        "duplicate-address",
        "ip shows addresses",
        Refused,
        "ip-address(8)",
    ),
    (
        "neighbour",
        "the hardware address of the host is known",
        Holds("of a host that did not answer nothing is judged"),
        "ip-neighbour(8)",
    ),
    (
        "real-server-answer",
        "curl or bash is there",
        Holds("what was not asked is not judged"),
        "curl(1)",
    ),
    (
        "real-server-reach",
        "several directors asked",
        Holds("one alone is judged as real-server-answer"),
        "curl(1)",
    ),
];

#[test]
fn each_check_has_its_premises_in_the_table() {
    let has = |check: &str| PREMISES.iter().any(|(of, ..)| *of == check);
    let missing: Vec<&str> = registry::ALL
        .iter()
        .map(|check| check.id)
        .filter(|check| !has(check))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    let source = include_str!("premise.rs");
    for (check, premise, then, _) in PREMISES {
        if let Skipped(name) = then {
            let case = CASES
                .iter()
                .any(|case| case.name == *name && case.check == *check);
            assert!(
                case || source.contains(&format!("fn {name}()")),
                "{check} {premise}: {name}"
            );
        }
    }
    for case in CASES {
        assert!(
            PREMISES
                .iter()
                .any(|(check, _, then, _)| *check == case.check && *then == Skipped(case.name)),
            "{} is in no row",
            case.name
        );
    }
}
