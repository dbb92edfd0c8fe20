//! An audit with everything in it, for tests of formats. Texts of hosts are hostile.

use super::{AuditReport, HostPart, RealServerPart, ServerState, ServicePart, VipPart};
use crate::check::{Finding, Findings, Mismatch, Part, Severity, State, Waived, registry};

/// What a host may say.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script> \"q\" 'a' & ]]> | `x` \u{1b}[2J \\ end";

fn check(id: &str) -> &'static crate::check::Check {
    registry::find(id).unwrap()
}

fn host(name: &str, roles: &[&str], director: bool) -> HostPart {
    HostPart {
        name: name.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        address: Some("192.168.100.14".to_owned()),
        director,
        asked: true,
        reached: name != "rs3",
        seconds: (name != "rs3").then_some(0.42),
        vips: if name == "lb1" {
            vec!["192.168.100.200".to_owned()]
        } else {
            Vec::new()
        },
    }
}

fn real_server(host: &str, state: ServerState, connections: u64) -> RealServerPart {
    RealServerPart {
        host: host.to_owned(),
        address: "192.168.100.12".to_owned(),
        port: None,
        weight: 1,
        state,
        connections: Some(connections),
        share: Some(connections as f64 / 12.0),
    }
}

fn service(name: &str, fwmark: Option<u32>, holders: &[&str]) -> ServicePart {
    ServicePart {
        name: name.to_owned(),
        protocol: "tcp".to_owned(),
        ports: "80".to_owned(),
        mode: "dr".to_owned(),
        scheduler: "rr".to_owned(),
        fwmark,
        persistence: None,
        vips: vec![VipPart {
            address: "192.168.100.200".to_owned(),
            holders: holders.iter().map(|host| (*host).to_owned()).collect(),
        }],
        real_servers: vec![
            real_server("rs1", ServerState::Up, 8),
            real_server("rs2", ServerState::Drained, 4),
            real_server("rs3", ServerState::Unhealthy, 0),
        ],
    }
}

fn findings() -> Findings {
    let mut findings = Findings::default();
    let fault = |found: &str| {
        Mismatch::new(
            "off",
            found,
            "`ethtool -K eth0 lro off`, and the same at boot",
        )
    };
    findings.pass_of(
        "lb1",
        check("reachable"),
        "the host",
        "a root shell answered",
    );
    findings.pass_of(
        "rs1",
        check("arp-ignore"),
        "eth0 192.168.100.200",
        "1 (all 1, eth0 0)",
    );
    findings.fail("lb1", check("lro"), "eth0", fault(HOSTILE));
    findings.fail("rs3", check("reachable"), "the host", fault("no route"));
    findings.fail(
        "",
        check("ipvs-timeouts"),
        "tcp tcpfin udp",
        fault("others").warning(),
    );
    findings.note("lb1", check("health"), HOSTILE);
    findings.skip(
        "rs2",
        check("listener"),
        "tcp 192.168.100.200:80",
        "a container serves",
    );
    findings.unknown("rs2", check("firewall-vip"), "web port 80", HOSTILE);
    findings.unknown(
        "",
        check("end-to-end"),
        "mail was not asked for",
        "no client",
    );
    findings.fail("lb2", check("lro"), "eth1", fault("on"));
    let last = findings.all.pop().unwrap();
    if let Some(result) = findings.results.last_mut() {
        result.waived = true;
    }
    findings.waived.push(Waived {
        finding: last,
        reason: "the driver & its <firmware>".to_owned(),
        until: Some("2027-01-31".to_owned()),
    });
    findings.all[0].parts.push(consequence());
    findings
}

fn consequence() -> Part {
    Part {
        host: "client".to_owned(),
        check: check("end-to-end"),
        what: "192.168.100.200:80".to_owned(),
        expected: "12 of 12".to_owned(),
        found: HOSTILE.to_owned(),
        severity: Severity::Error,
        consequence: true,
    }
}

pub(crate) fn report() -> AuditReport {
    AuditReport {
        cluster: "web".to_owned(),
        inventory: "inventories/my web.yaml".to_owned(),
        version: "0.1.0",
        started: 1_798_761_600,
        seconds: 3.25,
        hosts: vec![
            host("lb1", &["director"], true),
            host("lb2", &["backup"], true),
            host("rs1", &["realserver", "web"], false),
            host("rs2", &["realserver"], false),
            host("rs3", &["realserver"], false),
            host("client", &["client"], false),
        ],
        services: vec![
            service("web", None, &["lb1"]),
            service("a-service-with-a-name-that-is-much-longer", Some(7), &[]),
        ],
        findings: findings(),
    }
}

/// The same where all is well.
pub(crate) fn clean() -> AuditReport {
    let mut report = report();
    report.findings = Findings::default();
    report
        .findings
        .pass_of("lb1", check("lro"), "eth0", "large-receive-offload: off");
    report
}

/// With findings of these states alone.
pub(crate) fn with(states: &[State]) -> AuditReport {
    let mut report = clean();
    let all = findings().all.into_iter();
    report.findings.all = all
        .filter(|finding: &Finding| states.contains(&finding.state))
        .collect();
    report
}
