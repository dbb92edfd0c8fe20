//! Verification of recorded clusters: what real hosts answered, whole and with one thing damaged, to exact findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lvsctl::event::Silent;
use lvsctl::inventory::model::Scheduler;
use lvsctl::inventory::model::{Cluster, Host};
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::resource::{Resource, section};
use lvsctl::role::Roles;
use lvsctl::run::host::Run;
use lvsctl::run::{Fleet, HostRun, Interrupt};
use lvsctl::secret::Secrets;
use lvsctl::transport::Output;
use lvsctl::transport::fake::{FakeHosts, Script};
use lvsctl::verify::end_to_end::judge::{self, Exchange};
use lvsctl::verify::end_to_end::{self, Replies, Reply};
use lvsctl::verify::look::Look;
use lvsctl::verify::{self, Severity, Tally, live, place, questions};

/// A change to what one host answered.
struct Edit {
    /// `rs1.probe` or `client.live`.
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

struct Damage {
    name: &'static str,
    edits: &'static [Edit],
}

const fn edit(file: &'static str, from: &'static str, to: &'static str) -> Edit {
    Edit { file, from, to }
}

const fn damage(name: &'static str, edits: &'static [Edit]) -> Damage {
    Damage { name, edits }
}

/// A recorded cluster.
struct Recorded {
    cluster: Cluster,
    files: BTreeMap<String, String>,
}

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/verify")
        .join(case)
}

fn recorded(case: &str) -> Recorded {
    let folder = folder(case);
    let cluster = match inventory::load(&folder.join("inventory.yaml"), BUILT_IN_ROLES) {
        Ok(loaded) => loaded.cluster,
        Err(error) => panic!("{}", error.render(100, false)),
    };
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e == "probe" || e == "live")
        })
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    Recorded { cluster, files }
}

/// Each script brings a word of its own that marks the parts of the answer.
fn nonce(script: &str) -> &str {
    let at = script.find("\\n@").expect("the script defines its marker") + 3;
    &script[at..at + 16]
}

fn answer(script: &str, text: &str) -> Output {
    Output {
        status: 0,
        stdout: format!(
            "\n{}",
            text.replace("@NONCE", &format!("@{}", nonce(script)))
        ),
        stderr: String::new(),
    }
}

impl Recorded {
    fn damaged(&self, edits: &[Edit]) -> BTreeMap<String, String> {
        let mut files = self.files.clone();
        for edit in edits {
            let file = files
                .get_mut(edit.file)
                .unwrap_or_else(|| panic!("no file {}", edit.file));
            assert!(
                file.contains(edit.from),
                "{} does not hold {:?}",
                edit.file,
                edit.from
            );
            *file = file.replace(edit.from, edit.to);
        }
        files
    }

    fn hosts(&self, files: &BTreeMap<String, String>) -> FakeHosts {
        let mut hosts = FakeHosts::new();
        for host in &self.cluster.hosts {
            let part = |kind: &str| files.get(&format!("{}.{kind}", host.name)).cloned();
            let Some(probe) = part("probe") else { continue };
            let live = part("live").unwrap_or_default();
            let script = Script::new().on_match(
                |_| true,
                move |script| {
                    let text = if script.contains("section=facts") {
                        &probe
                    } else {
                        &live
                    };
                    Ok(answer(script, text))
                },
            );
            hosts = hosts.host(&host.name, script);
        }
        hosts
    }

    fn verify(&self, edits: &[Edit]) -> Tally {
        let files = self.damaged(edits);
        let fake = self.hosts(&files);
        let (secrets, interrupt) = (Secrets::new(), Interrupt::default());
        let more = |host: &Host| questions::of(&self.cluster, host);
        let run = Run {
            cluster: &self.cluster,
            connect: &fake,
            secrets: &secrets,
            sink: &Silent,
            interrupt: &interrupt,
            holder: "test",
            more: &more,
        };
        let fleet = Fleet::new(run, 4).unwrap();
        let roles = Roles::load(None).unwrap();
        let wanted = self
            .cluster
            .hosts
            .iter()
            .map(|host| (host, kernel(&roles, &self.cluster, host)));
        let mut tally = Tally::default();
        let mut runs: Vec<HostRun> = Vec::new();
        for (host, outcome) in fleet.open(wanted.collect()) {
            runs.push(outcome.unwrap_or_else(|e| panic!("{}: {e}", host.name)));
        }
        let (mut clients, mut hosts): (Vec<HostRun>, Vec<HostRun>) = runs
            .into_iter()
            .partition(|run| place::is_neutral(&self.cluster, run.host));
        verify::offline(&self.cluster, &hosts, &clients, &secrets, &mut tally);
        live::check(&fleet, &self.cluster, &mut clients, &mut hosts, &mut tally);
        tally
    }
}

/// What a host shall have in its kernel. Files and packages are plan's affair, and change with their templates.
fn kernel(roles: &Roles, cluster: &Cluster, host: &Host) -> Vec<Resource> {
    let mut wanted = roles.expand(cluster, host).unwrap();
    wanted.retain(|r| {
        matches!(
            r,
            Resource::Sysctl(_)
                | Resource::Address(_)
                | Resource::Route(_)
                | Resource::Mark(_)
                | Resource::Ipvs(_)
        )
    });
    wanted
}

fn shown(tally: &Tally) -> String {
    let mut text = String::new();
    for f in &tally.findings {
        let host = if f.host.is_empty() {
            "cluster"
        } else {
            &f.host
        };
        let kind = match f.severity {
            Severity::Error => "",
            Severity::Warning => " (warning)",
            Severity::Note => " (note)",
        };
        let _ = writeln!(text, "{host}: {}{kind}: {}", f.check, f.what);
        if f.severity != Severity::Note {
            let _ = writeln!(
                text,
                "    expected {}\n    found    {}\n    mend     {}",
                f.expected, f.found, f.mend
            );
        }
    }
    text
}

/// Every damage brings a finding, and each check that passes on the whole cluster is seen to fail on some damage.
fn all(case: &str, damages: &[Damage]) -> (String, BTreeSet<String>, BTreeSet<String>) {
    let recorded = recorded(case);
    let whole = recorded.verify(&[]);
    let mut text = format!("# whole\n{}", shown(&whole));
    assert!(whole.is_clean(), "{text}");
    let passed = whole
        .passed
        .keys()
        .map(|check| (*check).to_owned())
        .collect();
    let mut failed = BTreeSet::new();
    for damage in damages {
        let tally = recorded.verify(damage.edits);
        let _ = write!(text, "\n# {}\n{}", damage.name, shown(&tally));
        assert_ne!(
            tally.findings, whole.findings,
            "nothing is found on: {}",
            damage.name
        );
        failed.extend(
            tally
                .findings
                .iter()
                .filter(|f| f.severity != Severity::Note)
                .map(|f| f.check.clone()),
        );
    }
    (text, passed, failed)
}

const T2: &[Damage] = &[
    damage(
        "a real server's arp_ignore on its NIC makes the larger value 3",
        &[edit(
            "rs1.probe",
            "conf/eth0/arp_ignore:0",
            "conf/eth0/arp_ignore:3",
        )],
    ),
    damage(
        "3 is silent about a VIP of scope host",
        &[
            edit(
                "rs1.probe",
                "conf/eth0/arp_ignore:0",
                "conf/eth0/arp_ignore:3",
            ),
            edit(
                "rs1.probe",
                r#""prefixlen":32,"scope":"global""#,
                r#""prefixlen":32,"scope":"host""#,
            ),
            edit(
                "rs1.probe",
                "conf/all/arp_announce:2",
                "conf/all/arp_announce:1",
            ),
        ],
    ),
    damage(
        "8 silences the real server's own address too",
        &[edit(
            "rs2.probe",
            "conf/all/arp_ignore:1",
            "conf/all/arp_ignore:8",
        )],
    ),
    damage(
        "a real server has the VIP on its NIC, and answers for it",
        &[
            edit(
                "rs1.probe",
                r#"{"family":"inet","local":"192.168.100.12","#,
                r#"{"family":"inet","local":"192.168.100.200","prefixlen":24,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.12","#,
            ),
            edit(
                "client.live",
                "arp 192.168.100.200\n",
                "arp 192.168.100.200\n02:db:6a:f1:b9:b9\n",
            ),
        ],
    ),
    damage(
        "a policy rule sends the VIP elsewhere",
        &[edit(
            "rs1.probe",
            r#"{"type":"local","dst":"192.168.100.200","dev":"lo","#,
            r#"{"dst":"192.168.100.200","dev":"eth0","#,
        )],
    ),
    damage(
        "a real server's way back to the client is the director",
        &[edit(
            "rs2.probe",
            r#""from":"192.168.100.200","dev":"eth0""#,
            r#""from":"192.168.100.200","gateway":"192.168.100.15","dev":"eth0""#,
        )],
    ),
    damage(
        "a real server has no way back to the client",
        &[edit(
            "rs2.probe",
            r#"[{"dst":"192.168.100.20","from":"192.168.100.200","dev":"eth0","flags":[],"uid":0,"cache":[]}]"#,
            "",
        )],
    ),
    damage(
        "a strict reverse-path filter, and replies by another NIC",
        &[
            edit(
                "rs1.probe",
                "conf/eth0/rp_filter:0",
                "conf/eth0/rp_filter:1",
            ),
            edit(
                "rs1.probe",
                r#""from":"192.168.100.200","dev":"eth0""#,
                r#""from":"192.168.100.200","dev":"eth1""#,
            ),
        ],
    ),
    damage(
        "the web server listens on the real server's own address alone",
        &[
            edit("rs1.probe", " 00000000:0050", " 0C64A8C0:0050"),
            edit(
                "rs1.probe",
                "00000000000000000000000000000000:0050",
                "00000000000000000000000001000000:0050",
            ),
            edit(
                "rs1.probe",
                "code=200 exit=0 err=",
                "code=000 exit=7 err=Failed to connect to 192.168.100.200 port 80 after 0 ms: Couldn't connect to server",
            ),
        ],
    ),
    damage(
        "a later file undoes ours at boot, and another sets what runs otherwise now",
        &[
            edit(
                "rs1.probe",
                "/etc/sysctl.d/99-sysctl.conf\n",
                "/etc/sysctl.d/99-sysctl.conf\n/usr/lib/sysctl.d/zz.conf\n",
            ),
            edit(
                "rs1.probe",
                "@NONCE audit routes",
                "/usr/lib/sysctl.d/zz.conf:net.ipv4.conf.*.rp_filter = 1\n/etc/sysctl.d/99-sysctl.conf:net.ipv4.conf.all.arp_ignore=0\n\n@NONCE audit routes",
            ),
        ],
    ),
    damage(
        "a real server's firewall drops what is not listed",
        &[edit(
            "rs1.probe",
            "@NONCE audit listeners-tcp",
            "@NONCE audit legacy\n*filter\n:INPUT DROP [5:300]\n:OUTPUT ACCEPT [0:0]\n[9:540] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n[0:0] -A INPUT -p tcp -m multiport --dports 443,8443 -j ACCEPT\nCOMMIT\n\n@NONCE audit listeners-tcp",
        )],
    ),
    damage(
        "a real server's firewall drops the replies",
        &[edit(
            "rs1.probe",
            "@NONCE audit listeners-tcp",
            "@NONCE audit legacy\n*filter\n:INPUT ACCEPT [5:300]\n:OUTPUT ACCEPT [0:0]\n:own - [0:0]\n[0:0] -A OUTPUT ! -s 192.168.100.12/32 -o eth0 -j own\n[0:0] -A own -p tcp -j DROP\nCOMMIT\n\n@NONCE audit listeners-tcp",
        )],
    ),
    damage(
        "whether a packet passes cannot be told from a rate limit",
        &[edit(
            "rs1.probe",
            "@NONCE audit listeners-tcp",
            "@NONCE audit legacy\n*filter\n:INPUT ACCEPT [5:300]\n[0:0] -A INPUT -p tcp -m tcp --dport 80 -m limit --limit 5/sec -j DROP\nCOMMIT\n\n@NONCE audit listeners-tcp",
        )],
    ),
    damage(
        "a director sends redirects on its NIC",
        &[
            edit(
                "lb1.probe",
                "audit settings\n",
                "audit settings\n/proc/sys/net/ipv4/conf/eth0/send_redirects:1\n",
            ),
            edit(
                "lb1.probe",
                "conf/eth0/send_redirects:0\n/proc/sys/net/ipv4/conf/lo",
                "conf/lo",
            ),
        ],
    ),
    damage(
        "the start script restores an IPVS table at boot, and ldirectord runs",
        &[
            edit("lb1.probe", "AUTO=\"false\"", "AUTO=\"true\""),
            edit(
                "lb2.probe",
                "Id=ldirectord.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=",
                "Id=ldirectord.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled",
            ),
        ],
    ),
    damage(
        "rules in the other backend",
        &[edit(
            "lb1.probe",
            "@NONCE audit owners",
            "@NONCE audit nft\n*filter\n:INPUT ACCEPT [0:0]\n[0:0] -A INPUT -p icmp -j ACCEPT\nCOMMIT\n\n@NONCE audit owners",
        )],
    ),
    damage(
        "a director's firewall lets no VRRP in",
        &[edit(
            "lb2.probe",
            "@NONCE audit owners",
            "@NONCE audit legacy\n*filter\n:INPUT DROP [5:300]\n:OUTPUT ACCEPT [0:0]\n[9:540] -A INPUT -p tcp -j ACCEPT\n[9:540] -A INPUT -s 192.168.100.99/32 -p vrrp -j ACCEPT\nCOMMIT\n\n@NONCE audit owners",
        )],
    ),
    damage(
        "a director's arptables drops the VIP",
        &[edit(
            "lb1.probe",
            "@NONCE audit owners",
            "@NONCE audit arptables\n*filter\n:INPUT ACCEPT\n-A INPUT -j DROP -d 192.168.100.200\n\n@NONCE audit owners",
        )],
    ),
    damage(
        "a rule marks the VIP's packets with the mark of a foreign service",
        &[
            edit(
                "lb1.probe",
                "@NONCE audit owners",
                "@NONCE audit legacy\n*mangle\n:PREROUTING ACCEPT [0:0]\n[3:180] -A PREROUTING -d 192.168.100.200/32 -p tcp -j MARK --set-xmark 0x7/0xffffffff\nCOMMIT\n\n@NONCE audit owners",
            ),
            edit(
                "lb1.probe",
                "ipvs table\n",
                "ipvs table\n-A -f 7 -s wlc\n-A -f 8 -s wlc\n",
            ),
        ],
    ),
    damage(
        "keepalived -t complains",
        &[edit(
            "lb1.probe",
            "audit keepalived\n\nstatus 0",
            "audit keepalived\n(Line 34) real_server 192.168.100.12 - port must be 0 for fwmark\nstatus 5",
        )],
    ),
    damage(
        "large packets are glued together, or that cannot be told",
        &[
            edit(
                "lb1.probe",
                "large-receive-offload: off",
                "large-receive-offload: on",
            ),
            edit("lb2.probe", "large-receive-offload: off", ""),
        ],
    ),
    damage(
        "two directors hold the VIP",
        &[edit(
            "lb2.probe",
            r#"{"family":"inet","local":"192.168.100.15","#,
            r#"{"family":"inet","local":"192.168.100.200","prefixlen":32,"scope":"global","label":"eth0"},{"family":"inet","local":"192.168.100.15","#,
        )],
    ),
    damage(
        "no director holds the VIP",
        &[
            edit(
                "lb1.probe",
                r#","local":"192.168.100.200","#,
                r#","local":"192.168.100.201","#,
            ),
            edit("client.live", "02:81:c6:ed:d2:34\n", ""),
        ],
    ),
    damage(
        "keepalived's files disagree",
        &[edit(
            "lb2.probe",
            "virtual_router_id 10",
            "virtual_router_id 11",
        )],
    ),
    damage(
        "the directors have different passwords, priorities do not tell, and adverts go two ways",
        &[
            edit("lb2.probe", "auth_pass s3cret-x", "auth_pass s3cret-y"),
            edit("lb2.probe", "priority 90", "priority 100"),
            edit("lb2.probe", "advert_int 1.0", "advert_int 2.0"),
            edit(
                "lb2.probe",
                "192.168.100.200/32 dev eth0",
                "192.168.100.201/32 dev eth0",
            ),
        ],
    ),
    damage(
        "one virtual_router_id for two instances on one NIC",
        &[edit(
            "lb2.probe",
            "vrrp_instance main {",
            "vrrp_instance other {\n interface eth0\n virtual_router_id 10\n}\nvrrp_instance main {",
        )],
    ),
    damage(
        "timeouts differ, and one director alone synchronises connections",
        &[
            edit("lb2.probe", "): 900 120 300", "): 900 120 301"),
            edit(
                "lb2.probe",
                "audit sync\n",
                "audit sync\nmaster sync daemon (mcast=eth0, syncid=51, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n",
            ),
        ],
    ),
    damage(
        "a clock is off",
        &[edit(
            "rs2.probe",
            "audit clock\n17952315",
            "audit clock\n17952312",
        )],
    ),
    damage(
        "nobody answers ARP",
        &[edit("client.live", "02:81:c6:ed:d2:34\n", "")],
    ),
    damage(
        "a stranger answers ARP too",
        &[edit(
            "client.live",
            "arp 192.168.100.200\n",
            "arp 192.168.100.200\n52:54:00:00:00:99\n",
        )],
    ),
    damage(
        "some requests get no answer, and the rest an error",
        &[
            edit(
                "client.live",
                "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs2\n",
                "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=000 exit=28 err=Failed to connect to 192.168.100.200 port 80 after 2001 ms: Timeout was reached\t\n",
            ),
            edit(
                "client.live",
                "code=200 new=1 exit=0 err=\trs2",
                "code=502 exit=0 err=\t<html>",
            ),
        ],
    ),
    damage(
        "persistence does not hold, and IPVS counted another real server",
        &[edit(
            "client.live",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs2\n",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs1\n",
        )],
    ),
    damage(
        "the answers came past the director",
        &[edit("lb1.live", "20       80", "10       40")],
    ),
    damage(
        "the backup hears no advert, and a stranger uses the VRID",
        &[
            edit("lb2.live", "192.168.100.14 10 100\n", ""),
            edit(
                "lb1.live",
                "heard",
                "192.168.100.9 10 50\n192.168.100.9 77 50\nheard",
            ),
        ],
    ),
    damage(
        "the server keeps connections open",
        &[edit("client.live", "code=200 new=1", "code=200 new=0")],
    ),
    damage(
        "a host that is no real server answers",
        &[edit(
            "client.live",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\trs2\n",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e code=200 new=1 exit=0 err=\tlb1\n",
        )],
    ),
    damage(
        "a client that has no tool to ask with",
        &[edit(
            "client.live",
            "e2e 0 192.168.100.200 80\n",
            "e2e 0 192.168.100.200 80\n@lvsctl-e2e none\n",
        )],
    ),
    damage(
        "a weight changed by hand",
        &[edit(
            "lb1.probe",
            "-r 192.168.100.12:80 -g -w 1",
            "-r 192.168.100.12:80 -g -w 3",
        )],
    ),
    damage(
        "a drained real server is a note",
        &[edit(
            "lb1.probe",
            "-r 192.168.100.12:80 -g -w 1",
            "-r 192.168.100.12:80 -g -w 0",
        )],
    ),
];

#[test]
fn keepalived_with_a_master_and_a_backup() {
    let (text, passed, failed) = all("t2", T2);
    // How far a clock is off is told to the tenth of a second, which depends on how fast this test runs.
    let filters = vec![(r"-?\d+\.\d s\b", "(seconds)")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(text) });
    let never: Vec<&String> = passed.difference(&failed).collect();
    assert!(
        never.is_empty(),
        "no damage here makes these fail: {never:?}"
    );
}

const OURS: &str = "[120:15574] -A PREROUTING -d 192.168.100.200/32 -p tcp -m multiport --dports 80,443 -m comment --comment \"lvsctl:vt8/web\" -j MARK --set-xmark 0x1a0a/0xffffffff\n";

const T8: &[Damage] = &[
    damage("the mark rule is gone", &[edit("lb1.probe", OURS, "")]),
    damage(
        "the mark rule marks one port alone, and persistence ends there",
        &[
            edit("lb1.probe", "--dports 80,443", "--dports 80"),
            edit(
                "client.live",
                "200 443\n@lvsctl-e2e code=200 exit=0 err=\trs2",
                "200 443\n@lvsctl-e2e code=200 exit=0 err=\trs1",
            ),
        ],
    ),
    damage(
        "a later rule sets another mark, and one more uses ours",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -d 192.168.100.200/32 -p tcp -m tcp --dport 443 -j MARK --set-xmark 0x5/0xffffffff\n[0:0] -A PREROUTING -d 192.168.100.77/32 -p tcp -j MARK --set-xmark 0x1a0a/0xffffffff\nCOMMIT",
        )],
    ),
    damage(
        "a later rule clears bits of our mark",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -i eth+ -j MARK --set-xmark 0x0/0xff\nCOMMIT",
        )],
    ),
    damage(
        "an earlier rule lets packets past ours",
        &[edit(
            "lb1.probe",
            "[120:15574] -A",
            "[7:420] -A PREROUTING -s 10.0.0.0/8 -j ACCEPT\n[7:420] -A PREROUTING -p tcp -m tcp --dport 443 -j RETURN\n[120:15574] -A",
        )],
    ),
    damage(
        "whether a rule changes the mark cannot be told",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -m set --match-set bad src -j MARK --set-xmark 0x5/0xffffffff\nCOMMIT",
        )],
    ),
    damage(
        "the mark's counter does not move",
        &[edit("lb1.live", "[242:31252]", "[120:15574]")],
    ),
    damage(
        "the mark rule stands twice",
        &[edit(
            "lb1.probe",
            "0x1a0a/0xffffffff\nCOMMIT",
            "0x1a0a/0xffffffff\n[0:0] -A PREROUTING -d 192.168.100.200/32 -p tcp -m multiport --dports 80,443 -m comment --comment \"lvsctl:vt8/web\" -j MARK --set-xmark 0x1a0a/0xffffffff\nCOMMIT",
        )],
    ),
    damage(
        "keepalived runs beside the node script",
        &[edit(
            "lb1.probe",
            "Id=keepalived.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=",
            "Id=keepalived.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled",
        )],
    ),
    damage(
        "a real server does not listen on 443",
        &[edit("rs1.probe", ":01BB ", ":01BC ")],
    ),
];

#[test]
fn a_mark_makes_one_service_of_two_ports() {
    let (text, _, failed) = all("t8", T8);
    insta::assert_snapshot!(text);
    for check in [
        "mark-rule",
        "mark-set",
        "mark-unique",
        "mark-counters",
        "persistence",
    ] {
        assert!(failed.contains(check), "no damage here makes {check} fail");
    }
}

const T1: &[Damage] = &[
    damage(
        "a real server is never hit",
        &[
            edit("client.live", "\trs1", "\trs2"),
            edit(
                "lb1.live",
                "10       40        0     3140",
                "5       20        0     1570",
            ),
            edit(
                "lb1.live",
                "192.168.100.13:80                  5",
                "192.168.100.13:80                 15",
            ),
        ],
    ),
    damage(
        "shares are not even",
        &[edit(
            "client.live",
            "err=\trs2\n@lvsctl-e2e code=200 exit=0 err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs2\n@lvsctl-e2e code=200 exit=0 err=\trs1\n",
            "err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs1\n@lvsctl-e2e code=200 exit=0 err=\trs1\n",
        )],
    ),
    damage(
        "the pages name no host, and others use the service too",
        &[
            edit("client.live", "\trs1", "\thello"),
            edit("client.live", "\trs2", "\thello"),
            edit(
                "lb1.live",
                "192.168.100.12:80                  10",
                "192.168.100.12:80                  19",
            ),
        ],
    ),
    damage(
        "the pages name no host, and IPVS alone tells that one is never hit",
        &[
            edit("client.live", "\trs1", "\thello"),
            edit("client.live", "\trs2", "\thello"),
            edit(
                "lb1.live",
                "192.168.100.12:80                  10",
                "192.168.100.12:80                   5",
            ),
            edit(
                "lb1.live",
                "192.168.100.13:80                  10",
                "192.168.100.13:80                  15",
            ),
        ],
    ),
    damage(
        "the counters began anew",
        &[
            edit(
                "lb1.live",
                "80                  10",
                "80                   1",
            ),
            edit("client.live", "@lvsctl-e2e code=200 exit=0 err=\trs1\n", ""),
        ],
    ),
];

#[test]
fn one_director_without_keepalived() {
    let (text, _, failed) = all("t1", T1);
    insta::assert_snapshot!(text);
    for check in ["gets-connections", "shares", "statistics"] {
        assert!(failed.contains(check), "no damage here makes {check} fail");
    }
}

/// Scheduler, weights of rs1 and rs2, who answered each request, and the checks that fail.
const ROUNDS: &[(Scheduler, [u16; 2], &str, &[&str])] = &[
    (Scheduler::Rr, [1, 1], "1212", &[]),
    (Scheduler::Rr, [1, 1], "121", &[]),
    (Scheduler::Rr, [5, 1], "1212", &[]),
    (Scheduler::Rr, [1, 1], "1112", &[]),
    (Scheduler::Rr, [1, 1], "11111112", &["shares"]),
    (
        Scheduler::Rr,
        [1, 1],
        "2222",
        &["gets-connections", "shares"],
    ),
    (Scheduler::Rr, [0, 1], "2222", &[]),
    (Scheduler::Wrr, [2, 1], "112112", &[]),
    (Scheduler::Wrr, [2, 1], "1121", &[]),
    (Scheduler::Wrr, [4, 2], "112112", &[]),
    (Scheduler::Wrr, [2, 1], "121212121212", &["shares"]),
    (
        Scheduler::Wrr,
        [1, 2],
        "111",
        &["gets-connections", "shares"],
    ),
    (Scheduler::Wlc, [1, 1], "1112", &[]),
    (Scheduler::Wlc, [1, 1], "1111", &["gets-connections"]),
    (Scheduler::Sh, [1, 1], "1111", &[]),
    (Scheduler::Sed, [1, 1], "1111", &[]),
    (Scheduler::Fo, [1, 2], "2222", &[]),
];

#[test]
fn each_scheduler_promises_its_own() {
    for (scheduler, weights, who, fails) in ROUNDS {
        let mut cluster = recorded("t1").cluster;
        let service = &mut cluster.services[0];
        service.scheduler = *scheduler;
        service.check.requests = u16::try_from(who.len()).unwrap();
        for (rs, weight) in service.real_servers.iter_mut().zip(weights) {
            rs.weight = *weight;
        }
        let replies = who
            .chars()
            .map(|n| Reply {
                status: Some(200),
                error: String::new(),
                first_line: format!("rs{n}"),
                fresh: true,
            })
            .collect();
        let exchange = Exchange {
            client: "client".to_owned(),
            group: 0,
            target: ("192.168.100.200".parse().unwrap(), 80),
            replies: Replies::Came(replies),
        };
        let mut tally = Tally::default();
        let groups = end_to_end::groups(&cluster);
        judge::all(&cluster, &groups, &[exchange], |_| None, &mut tally);
        let found: Vec<&str> = tally.findings.iter().map(|f| f.check.as_str()).collect();
        assert_eq!(found, *fails, "{scheduler:?} {weights:?} {who}");
    }
}

#[test]
fn an_answer_that_is_cut_anywhere_is_read_without_panic() {
    for case in ["t1", "t2", "t8"] {
        for (name, text) in recorded(case).files {
            for end in (0..text.len()).step_by(41) {
                let cut = text.get(..end).unwrap_or_default();
                for section in section::split(&format!("\n{cut}"), "NONCE").values() {
                    let _ = format!("{:?}", Look::parse(section));
                }
            }
            assert!(!text.is_empty(), "{name}");
        }
    }
}
