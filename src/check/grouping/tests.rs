//! Clusters with one fault, or several at once: what is left as causes, and what goes below each.

use std::collections::BTreeSet;

use super::*;
use crate::check::{About, Cause, Check, Finding, State, registry};

const VIP: &str = "192.168.100.200";

fn members() -> Members {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
    Members {
        directors: names(&["lb1", "lb2"]),
        real_servers: [
            ("web".to_owned(), names(&["rs1", "rs2"])),
            ("mail".to_owned(), names(&["rs3"])),
        ]
        .into(),
        vips: [("web".to_owned(), [VIP.parse().unwrap()].into())].into(),
        holders: [(VIP.parse().unwrap(), names(&["lb1"]))].into(),
        units: names(&["keepalived.service", "lvsctl-web.service"]),
    }
}

/// A finding by its host and check; the rest says what it is about.
fn finding(host: &str, id: &str) -> Finding {
    let check: &'static Check = registry::find(id).unwrap();
    Finding {
        host: host.to_owned(),
        check,
        what: id.to_owned(),
        expected: String::new(),
        found: String::new(),
        fix: String::new(),
        severity: Severity::Error,
        state: State::Error,
        cause: None,
        about: About::default(),
        parts: Vec::new(),
    }
}

impl Finding {
    fn by(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    fn of(mut self, service: &str) -> Self {
        self.about.service = Some(service.to_owned());
        self.about.vip = Some(VIP.parse().unwrap());
        self
    }

    fn vip(mut self) -> Self {
        self.about.vip = Some(VIP.parse().unwrap());
        self
    }

    fn at(mut self, host: &str) -> Self {
        self.about.hosts.insert(host.to_owned());
        self
    }

    fn answered(mut self) -> Self {
        self.about.answered = true;
        self
    }

    fn later(mut self) -> Self {
        self.about.later = true;
        self
    }

    fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self.state = State::Warning;
        self
    }

    fn note(mut self) -> Self {
        self.severity = Severity::Note;
        self.state = State::Note;
        self
    }
}

fn unit(host: &str, name: &str) -> Finding {
    finding(host, "drift").by(Cause::Unit(name.to_owned()))
}

fn resource(host: &str, kind: &str, key: &str) -> Finding {
    finding(host, "drift").by(Cause::Resource {
        kind: kind.to_owned(),
        key: key.to_owned(),
    })
}

/// `host check [consequences]`, in the order in which they are reported.
fn shown(findings: Vec<Finding>) -> Vec<String> {
    let all = group(&members(), findings).into_iter();
    all.map(|finding| {
        let parts: Vec<String> = finding
            .parts
            .iter()
            .map(|part| format!("{} {}", part.host, part.check).trim().to_owned())
            .collect();
        let head = format!("{} {}", finding.host, finding.check);
        format!("{} [{}]", head.trim(), parts.join(", "))
    })
    .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn consequences_go_below_their_cause() {
    let cases: Vec<(&str, Vec<Finding>, &[&str])> = vec![
        (
            "keepalived stopped on the master, before the backup took over",
            vec![
                unit("lb1", "keepalived.service"),
                finding("", "vip-holder").vip(),
                finding("client", "arp-answer").vip(),
                finding("lb2", "vrrp-adverts"),
                finding("client", "end-to-end").of("web"),
            ],
            &["lb1 drift [vip-holder, client arp-answer, lb2 vrrp-adverts, client end-to-end]"],
        ),
        (
            "the server of a real server stopped",
            vec![
                unit("rs1", "nginx.service"),
                finding("rs1", "listener"),
                finding("rs1", "own-answer"),
                finding("lb1", "health").at("rs1").note(),
                finding("client", "end-to-end").of("web"),
                finding("rs1", "gets-connections").of("web").at("rs1"),
                finding("", "shares").of("web"),
                finding("lb1", "statistics").of("web"),
            ],
            &[
                "rs1 drift [rs1 listener, rs1 own-answer, lb1 health, client end-to-end, rs1 gets-connections, shares, lb1 statistics]",
            ],
        ),
        (
            "a real server that answers ARP",
            vec![
                finding("rs1", "arp-ignore"),
                finding("client", "arp-answer").vip().at("rs1"),
                finding("lb1", "statistics").of("web"),
                finding("", "shares").of("web"),
            ],
            &["rs1 arp-ignore [client arp-answer, lb1 statistics, shares]"],
        ),
        (
            "a rule of a real server that drops what it asks itself too",
            vec![
                finding("rs1", "firewall-vip"),
                finding("rs1", "own-answer"),
                finding("rs1", "real-server-answer").of("web"),
            ],
            &["rs1 firewall-vip [rs1 own-answer, rs1 real-server-answer]"],
        ),
        (
            "a rule of a web server that no service has, which drops what it asks itself too",
            vec![finding("web2", "firewall-vip"), finding("web2", "web-page")],
            &["web2 firewall-vip [web2 web-page]"],
        ),
        (
            "a page of a host is no part of what clients of a service get",
            vec![
                finding("lb1", "web-page"),
                finding("client", "end-to-end").of("web"),
            ],
            &["lb1 web-page []", "client end-to-end []"],
        ),
        (
            "another host with the address of a real server",
            vec![
                finding("client", "duplicate-address").at("rs1"),
                finding("rs1", "real-server-answer").of("web"),
                finding("client", "end-to-end").of("web"),
            ],
            &["client duplicate-address [rs1 real-server-answer, client end-to-end]"],
        ),
        (
            "a client that has a real server's MAC address for the VIP",
            vec![
                finding("client", "neighbour").vip(),
                finding("client", "end-to-end").of("web"),
                finding("lb1", "statistics").of("web"),
                finding("rs2", "gets-connections").of("web").at("rs2"),
            ],
            &["client neighbour [client end-to-end, lb1 statistics, rs2 gets-connections]"],
        ),
        (
            "DNAT before IPVS",
            vec![
                finding("lb1", "nat-rules"),
                finding("lb1", "statistics").of("web"),
                finding("rs2", "gets-connections").of("web").at("rs2"),
                finding("client", "end-to-end").of("web"),
            ],
            &["lb1 nat-rules [lb1 statistics, rs2 gets-connections, client end-to-end]"],
        ),
        (
            "a foreign speaker of VRRP",
            vec![
                finding("", "vip-holder").vip(),
                finding("lb1", "vrrp-foreign").by(Cause::VrrpSpeaker(10)),
                finding("client", "end-to-end").of("web"),
            ],
            &["lb1 vrrp-foreign [vip-holder, client end-to-end]"],
        ),
    ];
    for (about, findings, expected) in cases {
        assert_eq!(shown(findings), expected, "{about}");
    }
}

#[test]
fn what_explains_nothing_stays_beside_the_others() {
    let cases: Vec<(&str, Vec<Finding>, &[&str])> = vec![
        (
            "the end alone",
            vec![finding("client", "end-to-end").of("web")],
            &["client end-to-end []"],
        ),
        (
            "a service whose hosts are well, beside one with a fault",
            vec![
                unit("rs3", "postfix.service"),
                finding("client", "end-to-end").of("web"),
            ],
            &["rs3 drift []", "client end-to-end []"],
        ),
        (
            "a backup that does not serve",
            vec![
                finding("lb2", "firewall-vip"),
                finding("client", "end-to-end").of("web"),
            ],
            &["lb2 firewall-vip []", "client end-to-end []"],
        ),
        (
            "what the next boot will do",
            vec![
                finding("rs1", "persisted-sysctl").later(),
                unit("lb1", "keepalived.service").later(),
                finding("client", "end-to-end").of("web"),
                finding("", "vip-holder").vip(),
            ],
            &[
                "vip-holder [client end-to-end]",
                "lb1 drift []",
                "rs1 persisted-sysctl []",
            ],
        ),
        (
            "a warning is no cause of an error",
            vec![
                finding("lb1", "ipvs-threshold").warning(),
                finding("client", "end-to-end").of("web"),
            ],
            &["client end-to-end []", "lb1 ipvs-threshold []"],
        ),
        (
            "drift of something else beside a unit",
            vec![
                unit("lb1", "keepalived.service"),
                resource("lb1", "ipvs", "-t 192.168.100.200:80"),
                resource("lb1", "route", "default"),
            ],
            &["lb1 drift [lb1 drift]", "lb1 drift []"],
        ),
    ];
    for (about, findings, expected) in cases {
        assert_eq!(shown(findings), expected, "{about}");
    }
}

/// Faults that are seen at once stay as many as they are, and no finding is lost.
#[test]
fn faults_at_once_give_as_many_causes() {
    let cases: Vec<(&str, Vec<Finding>, &[&str])> = vec![
        (
            "three hosts",
            vec![
                finding("rs1", "arp-ignore"),
                unit("rs2", "nginx.service"),
                finding("rs2", "listener"),
                finding("lb1", "firewall-vip").by(Cause::Rule("-A INPUT -j DROP".to_owned())),
                finding("client", "arp-answer").vip().at("rs1"),
                finding("client", "end-to-end").of("web"),
            ],
            &[
                "lb1 firewall-vip [client end-to-end]",
                "rs1 arp-ignore [client arp-answer]",
                "rs2 drift [rs2 listener]",
            ],
        ),
        (
            "three on one host",
            vec![
                finding("rs1", "arp-ignore"),
                finding("rs1", "reply-route"),
                finding("rs1", "firewall-vip"),
                finding("client", "end-to-end").of("web"),
            ],
            &[
                "rs1 arp-ignore [client end-to-end]",
                "rs1 reply-route []",
                "rs1 firewall-vip []",
            ],
        ),
        (
            "a wrong page beside a fault that makes none",
            vec![
                finding("rs1", "firewall-vip"),
                finding("client", "http-status").of("web"),
            ],
            &["rs1 firewall-vip []", "client http-status []"],
        ),
        (
            "a server that answers wrongly beside filters of others",
            vec![
                finding("lb1", "firewall-vip"),
                finding("rs2", "real-server-answer").of("web").answered(),
                finding("rs2", "firewall-vip"),
            ],
            &[
                "lb1 firewall-vip []",
                "rs2 real-server-answer []",
                "rs2 firewall-vip []",
            ],
        ),
        (
            "a real server whose page is another, and one that a director does not reach",
            vec![
                resource("rs2", "file", "/var/www/html/index.html"),
                finding("rs2", "real-server-answer").of("web").answered(),
                finding("lb1", "real-server-reach").of("web").at("rs1"),
                finding("lb1", "ipvs-health").of("web").at("rs1"),
            ],
            &[
                "lb1 real-server-reach [lb1 ipvs-health]",
                "rs2 drift [rs2 real-server-answer]",
            ],
        ),
        (
            "a listener beside a file of the system",
            vec![
                resource("rs1", "file", "/etc/sysctl.d/90-lvsctl-web.conf"),
                finding("rs1", "listener"),
            ],
            &["rs1 drift []", "rs1 listener []"],
        ),
        (
            "marks",
            vec![
                finding("lb1", "mark-unique"),
                finding("lb1", "mark-set").of("web"),
                finding("lb1", "lro"),
                finding("rs2", "rp-filter"),
            ],
            &[
                "lb1 mark-unique [lb1 mark-set]",
                "lb1 lro []",
                "rs2 rp-filter []",
            ],
        ),
    ];
    for (about, findings, expected) in cases {
        let before = findings.len();
        assert_eq!(shown(findings.clone()), expected, "{about}");
        let grouped = group(&members(), findings);
        let after: usize = grouped.iter().map(|f| 1 + f.parts.len()).sum();
        assert_eq!(after, before, "{about}");
    }
}

#[test]
fn every_pair_of_checks_is_grouped_without_a_loss() {
    let all: Vec<Finding> = registry::ALL
        .iter()
        .map(|check| finding("lb1", check.id).of("web").at("lb1").at("rs1"))
        .collect();
    for one in &all {
        for other in &all {
            let other = Finding {
                host: "rs1".to_owned(),
                ..other.clone()
            };
            let grouped = group(&members(), vec![one.clone(), other]);
            let count: usize = grouped.iter().map(|f| 1 + f.parts.len()).sum();
            assert_eq!(count, 2, "{one:?}");
        }
    }
    let kept = group(&members(), all.clone());
    let count: usize = kept.iter().map(|f| 1 + f.parts.len()).sum();
    assert_eq!(count, all.len());
    assert!(!kept.is_empty());
    let hosts: BTreeSet<&str> = kept.iter().map(|f| f.host.as_str()).collect();
    assert_eq!(hosts, BTreeSet::from(["lb1"]));
}
