//! Verification of recorded clusters: what real hosts answered, whole and with one thing damaged, to exact findings.

mod alone;
mod boot;
mod causes;
mod family;
mod firewall;
mod fuzz;
mod hidden;
mod keepalived;
mod localnode;
mod made;
mod mark;
mod page;
mod path;
mod premise;
mod reply;
mod source;
mod stopped;
mod sync;
mod threshold;
mod tun;
mod vrrp;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lvsctl::cancel::CancelToken;
use lvsctl::check::end_to_end::exchange::{Counters, Exchange, Kernel};
use lvsctl::check::end_to_end::judge;
use lvsctl::check::end_to_end::{self, Replies, Reply};
use lvsctl::check::{self, Asking, Findings, Severity, traffic};
use lvsctl::event::Silent;
use lvsctl::fact::Facts;
use lvsctl::fact::Needs;
use lvsctl::fact::ipvs::{Statistics, Table};
use lvsctl::fact::section;
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::Scheduler;
use lvsctl::model::{Cluster, Host};
use lvsctl::resource::{Distribution, Resource};
use lvsctl::role::Expansion;
use lvsctl::run::host::Run;
use lvsctl::run::{Fleet, HostRun};
use lvsctl::secret::Secrets;
use lvsctl::transport::Output;
use lvsctl::transport::fake::{FakeHosts, Script};

use crate::support::roles::built_in;

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

/// Each script brings another word that marks the parts of the answer.
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

/// Services that a script does not ask for are not answered.
fn asked(script: &str, text: &str) -> String {
    let parts = text.split("\n@NONCE ").filter(|part| {
        let name = part.lines().next().unwrap_or_default();
        let service = name.strip_prefix("live e2e ");
        service.is_none_or(|service| script.contains(&format!("part e2e {service}\n")))
    });
    parts.collect::<Vec<_>>().join("\n@NONCE ")
}

/// Facts that a recording leaves out are answered as a host does that has nothing of the kind.
fn with_silence(probe: &str) -> String {
    const NOTHING: [(&str, &str); 19] = [
        ("sysctl", "values"),
        ("sysctl-file", "files"),
        ("boot-source", "read\nyes"),
        ("package", "installed"),
        ("module", "state"),
        ("networkd", "none"),
        ("neighbour", "json"),
        ("route", "v4"),
        ("route-to", "routes"),
        ("firewall", "backend"),
        ("file", "stat"),
        ("clock", "time\n1700000100.0\n100.0 90.0"),
        ("unit", "show"),
        ("ipvs", "table"),
        ("keepalived", "asked"),
        ("process", "stat"),
        ("listener", "tcp"),
        ("offload", "asked"),
        ("traffic-control", "qdisc"),
    ];
    let missing = NOTHING
        .iter()
        .filter(|(fact, _)| !probe.contains(&format!("@NONCE {fact} ")));
    let more: String = missing
        .map(|(fact, part)| format!("\n@NONCE {fact} {part}\n"))
        .collect();
    probe.replace("\n@NONCE end end\n", &format!("{more}\n@NONCE end end\n"))
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
            let probe = with_silence(&probe);
            let live = part("live").unwrap_or_default();
            let script = Script::new().on_match(
                |_| true,
                move |script| {
                    let text = if script.contains("section=system") {
                        probe.clone()
                    } else {
                        asked(script, &live)
                    };
                    Ok(answer(script, &text))
                },
            );
            hosts = hosts.host(&host.name, script);
        }
        hosts
    }

    fn verify(&self, edits: &[Edit]) -> Findings {
        self.verify_without(&[], edits)
    }

    /// As with `--limit`: some hosts are not asked.
    fn verify_without(&self, without: &[&str], edits: &[Edit]) -> Findings {
        self.audited(without, edits, false)
    }

    /// As `verify` reports it: waived, and grouped by cause.
    fn concluded(&self, edits: &[Edit]) -> Findings {
        self.audited(&[], edits, true)
    }

    fn audited(&self, without: &[&str], edits: &[Edit], conclude: bool) -> Findings {
        let files = self.damaged(edits);
        let fake = self.hosts(&files);
        let (secrets, cancel) = (Secrets::new(), CancelToken::default());
        let more = |host: &Host, needs: &mut Needs| {
            check::needs(&self.cluster, host, needs);
            check::questions(&self.cluster, host, Asking::Allowed)
        };
        let roles = built_in().over(&self.cluster);
        let desired: Vec<(&Host, Vec<Resource>)> = self
            .cluster
            .hosts
            .iter()
            .filter(|host| !without.contains(&host.name.as_str()))
            .map(|host| {
                let probe = files.get(&format!("{}.probe", host.name));
                let shows = |unit: &str| probe.is_some_and(|probe| probe.contains(unit));
                let mut desired = kernel(&roles, &self.cluster, host, shows("Id=lvsctl-"));
                if shows("Id=nginx.service") {
                    desired.extend(web_server(&roles, host));
                }
                (host, desired)
            })
            .collect();
        let run = Run {
            cluster: &self.cluster,
            with_drains: Default::default(),
            roles,
            connect: &fake,
            secrets: &secrets,
            sink: &Silent,
            cancel: &cancel,
            holder: "test",
            origin: None,
            more: &more,
        };
        let fleet = Fleet::new(run, 4).unwrap();
        let mut findings = Findings::default();
        let mut runs: Vec<HostRun> = Vec::new();
        for (host, outcome) in fleet.open(desired) {
            runs.push(outcome.unwrap_or_else(|e| panic!("{}: {e}", host.name)));
        }
        let (mut clients, mut hosts): (Vec<HostRun>, Vec<HostRun>) = runs
            .into_iter()
            .partition(|run| self.cluster.is_neutral(run.host));
        check::offline(&self.cluster, &hosts, &clients, &secrets, &mut findings);
        traffic::check(
            &fleet,
            &self.cluster,
            &mut clients,
            None,
            &mut hosts,
            &mut findings,
        );
        if conclude {
            let today = "2026-11-28".parse().unwrap();
            check::conclude(&self.cluster, &hosts, today, &mut findings);
        } else {
            findings.merge();
        }
        findings
    }
}

/// What a host shall have in its kernel. Files and packages are plan's affair, and change with their templates.
fn kernel(roles: &Expansion, cluster: &Cluster, host: &Host, with_units: bool) -> Vec<Resource> {
    let mut desired = roles.of(host, &Distribution::assumed()).unwrap();
    desired.retain(|r| {
        matches!(
            r,
            Resource::Sysctl(_)
                | Resource::Address(_)
                | Resource::Route(_)
                | Resource::Mark(_)
                | Resource::Ipvs(_)
        ) || (with_units && r.key() == format!("lvsctl-{}.service", cluster.name))
    });
    desired
}

/// Its page and its unit.
fn web_server(roles: &Expansion, host: &Host) -> Vec<Resource> {
    let mut desired = roles.of(host, &Distribution::assumed()).unwrap();
    desired.retain(|resource| {
        let key = resource.key();
        key == "nginx.service" || key.ends_with("/index.html")
    });
    desired
}

fn shown(findings: &Findings) -> String {
    let mut text = String::new();
    for f in &findings.all {
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
                "    expected {}\n    found    {}\n    fix      {}",
                f.expected, f.found, f.fix
            );
        }
        for part in &f.parts {
            let _ = writeln!(
                text,
                "    also     {}: {}: expected {}, found {}",
                part.check, part.what, part.expected, part.found
            );
        }
    }
    text
}

/// Every damage brings a finding, and each check that passes on the whole cluster is seen to fail on some damage.
fn all(case: &str, damages: &[Damage]) -> (String, BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let recorded = recorded(case);
    let whole = recorded.verify(&[]);
    let mut text = format!("# whole\n{}", shown(&whole));
    assert!(whole.is_clean(), "{text}");
    let passed = whole.passed.keys().map(|check| check.id).collect();
    let mut failed = BTreeSet::new();
    for damage in damages {
        let findings = recorded.verify(damage.edits);
        let _ = write!(text, "\n# {}\n{}", damage.name, shown(&findings));
        assert_ne!(
            findings.all, whole.all,
            "nothing is found on: {}",
            damage.name
        );
        failed.extend(
            findings
                .all
                .iter()
                .filter(|f| f.severity != Severity::Note)
                .map(|f| f.check.id),
        );
    }
    (text, passed, failed)
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
        let mut cluster = recorded("dr").cluster;
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
                has_text: false,
            })
            .collect();
        let exchange = Exchange {
            client: "client".to_owned(),
            group: 0,
            target: ("192.168.100.200".parse().unwrap(), 80),
            replies: Replies::Came(replies),
        };
        let mut findings = Findings::default();
        let groups = end_to_end::groups(&cluster);
        judge::all(&cluster, &groups, &[exchange], |_| None, &mut findings);
        let found: Vec<&str> = findings.all.iter().map(|f| f.check.id).collect();
        assert_eq!(found, *fails, "{scheduler:?} {weights:?} {who}");
    }
}

/// A takeover in between is no way past the directors, nor is a client's port that IPVS knows of a connection before.
#[test]
fn connections_that_were_not_counted_have_their_reason() {
    let cluster = recorded("dr-keepalived").cluster;
    let statistics = |rs1: u32, packets: u32| {
        Statistics::parse(&format!(
            "TCP  192.168.100.200:80 0 0 0 0 0\n  -> 192.168.100.12:80 {rs1} {packets} 0 0 0\n"
        ))
    };
    let (none, three) = (statistics(0, 0), statistics(3, 12));
    let table = Table::default();
    let moved = "the VIP moved while clients asked";
    let past = "replies that IPVS did not count";
    for (packets, of_lb2, found, fix) in [
        (28, &three, "lb1 7, lb2 3", moved),
        (28, &none, "rs1 7", past),
        (40, &none, "", ""),
    ] {
        let seven = statistics(7, packets);
        let counters = [("lb1", &seven), ("lb2", of_lb2)].map(|(director, after)| Counters {
            director,
            before: &none,
            after,
            counts: true,
        });
        let kernel = Kernel {
            director: "lb1",
            table: &table,
            counters: &counters,
        };
        let reply = Reply {
            status: Some(200),
            error: String::new(),
            first_line: "rs1".to_owned(),
            fresh: true,
            has_text: false,
        };
        let exchange = Exchange {
            client: "client".to_owned(),
            group: 0,
            target: ("192.168.100.200".parse().unwrap(), 80),
            replies: Replies::Came(vec![reply; 10]),
        };
        let mut findings = Findings::default();
        let groups = end_to_end::groups(&cluster);
        judge::all(
            &cluster,
            &groups,
            &[exchange],
            |_| Some(kernel),
            &mut findings,
        );
        let fault = findings
            .all
            .iter()
            .find(|f| f.check.id == "statistics" && f.severity == Severity::Error);
        assert_eq!(fault.map_or("", |f| &f.found), found, "{packets}");
        assert!(fault.is_none_or(|f| f.fix.starts_with(fix)));
    }
}

#[test]
fn what_a_client_lacks_is_named_for_each_port() {
    for (http, lacks) in [(vec![80], "curl"), (Vec::new(), "bash")] {
        let mut cluster = recorded("dr").cluster;
        cluster.services[0].check.http = http;
        let exchange = Exchange {
            client: "client".to_owned(),
            group: 0,
            target: ("192.168.100.200".parse().unwrap(), 80),
            replies: Replies::NoTool,
        };
        let mut findings = Findings::default();
        let groups = end_to_end::groups(&cluster);
        judge::all(&cluster, &groups, &[exchange], |_| None, &mut findings);
        let found = &findings.all[0];
        let expected = format!("{lacks} to ask 192.168.100.200:80 from client");
        assert_eq!(found.expected, expected);
        assert!(found.fix.contains(lacks), "{}", found.fix);
    }
}

#[test]
fn a_service_on_every_port_that_names_none_is_reported() {
    let mut cluster = recorded("dr").cluster;
    cluster.services[0].ports.clear();
    cluster.services[0].check.ports.clear();
    let groups = end_to_end::groups(&cluster);
    let mut findings = Findings::default();
    judge::all(&cluster, &groups, &[], |_| None, &mut findings);
    let notes = made::of(&findings, "end-to-end");
    assert_eq!(
        notes,
        [
            ": note: web was not tested: it is on every port, and its `check` names none in `ports`, `http` or `https`"
        ]
    );
}

#[test]
fn an_answer_that_is_cut_anywhere_is_read_without_panic() {
    for case in ["dr", "dr-keepalived", "fwmark"] {
        let recorded = recorded(case);
        let director = &recorded.cluster.hosts[0];
        let mut needs = Needs::default();
        check::needs(&recorded.cluster, director, &mut needs);
        for (name, text) in recorded.files {
            for end in (0..text.len()).step_by(41) {
                let cut = text.get(..end).unwrap_or_default();
                let sections = section::split(&format!("\n{cut}"), "NONCE");
                let _ = format!("{:?}", Facts::parse(&needs, &sections));
            }
            assert!(!text.is_empty(), "{name}");
        }
    }
}

/// What cannot be known without all hosts is a note, and no finding.
#[test]
fn hosts_that_are_not_asked_make_no_findings() {
    let recorded = recorded("dr-keepalived");
    for without in [
        &["lb1"][..],
        &["lb2"],
        &["lb1", "lb2"],
        &["rs1"],
        &["rs1", "rs2"],
        &["client"],
    ] {
        let findings = recorded.verify_without(without, &[]);
        assert!(
            findings.is_clean(),
            "without {without:?}:\n{}",
            shown(&findings)
        );
    }
}

/// A host with two ports is two real servers: answers name the host, and IPVS counts each.
#[test]
fn each_port_of_a_host_is_a_real_server() {
    const TEXT: &str = "
cluster: made
networks: { outside: 192.168.122.0/24, inside: 10.10.10.0/24 }
hosts:
  lb1: { role: director, interfaces: { eth0: 192.168.122.14, eth1: 10.10.10.1 } }
  rs1: { role: realserver, address: 10.10.10.10 }
  rs2: { role: realserver, address: 10.10.10.20 }
services:
  web:
    vip: 192.168.122.100
    port: 80
    mode: nat
    scheduler: wrr
    real_servers: [{ rs1: { port: 8080 } }, { rs1: { port: 8081, weight: 2 } }, { rs2: { port: 8080 } }]
";
    let mut cluster = inventory::parse("made.yaml", TEXT, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(100, false)))
        .cluster;
    let vip = "192.168.122.100".parse().unwrap();
    let statistics = |counts: [u32; 3]| {
        let mut text = "TCP  192.168.122.100:80 0 0 0 0 0\n".to_owned();
        for (address, n) in ["10.10.10.10:8080", "10.10.10.10:8081", "10.10.10.20:8080"]
            .iter()
            .zip(counts)
        {
            writeln!(text, "  -> {address} {n} {} 0 0 0", n * 4).unwrap();
        }
        Statistics::parse(&text)
    };
    // Who answered, what IPVS counted, and the checks that fail.
    type Case = (&'static str, Option<[u32; 3]>, &'static [&'static str]);
    let cases: &[Case] = &[
        ("11121112", Some([2, 4, 2]), &[]),
        ("11121112", None, &[]),
        ("11122222", None, &["shares"]),
        ("11111111", None, &["gets-connections rs2", "shares"]),
        (
            "11121112",
            Some([6, 0, 2]),
            &["gets-connections rs1:8081", "shares"],
        ),
        ("11121112", Some([4, 2, 2]), &["shares"]),
    ];
    for (who, counted, fails) in cases {
        cluster.services[0].check.requests = u16::try_from(who.len()).unwrap();
        let reply = |n| Reply {
            status: Some(200),
            error: String::new(),
            first_line: format!("rs{n}"),
            has_text: false,
            fresh: true,
        };
        let exchange = Exchange {
            client: "client".to_owned(),
            group: 0,
            target: (vip, 80),
            replies: Replies::Came(who.chars().map(reply).collect()),
        };
        let (before, after) = (statistics([0; 3]), statistics(counted.unwrap_or_default()));
        let counters = [Counters {
            counts: true,
            director: "lb1",
            before: &before,
            after: &after,
        }];
        let table = Table::default();
        let kernel = Kernel {
            director: "lb1",
            table: &table,
            counters: &counters,
        };
        let mut findings = Findings::default();
        let groups = end_to_end::groups(&cluster);
        let kernel = counted.map(|_| kernel);
        judge::all(&cluster, &groups, &[exchange], |_| kernel, &mut findings);
        let found: Vec<String> = findings
            .all
            .iter()
            .map(|f| format!("{} {}", f.check, f.host).trim().to_owned())
            .collect();
        assert_eq!(found, *fails, "{who} {counted:?}");
    }
}
