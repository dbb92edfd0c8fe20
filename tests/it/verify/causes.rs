//! Recorded clusters with one fault or several, as `verify` reports them: one finding for each cause.

use lvsctl::check::{Findings, Severity, registry};
use lvsctl::model::Waiver;

use crate::verify::{Edit, edit, recorded};

const ARP: &[Edit] = &[
    edit(
        "rs1.probe",
        "conf/all/arp_ignore:1",
        "conf/all/arp_ignore:0",
    ),
    edit(
        "client.live",
        "arp 192.168.100.200\n",
        "arp 192.168.100.200\n02:db:6a:f1:b9:b9\n",
    ),
];

const SERVER: &[Edit] = &[
    edit("rs2.probe", " 00000000:0050", " 0C64A8C0:0050"),
    edit(
        "rs2.probe",
        "00000000000000000000000000000000:0050",
        "00000000000000000000000001000000:0050",
    ),
    edit(
        "rs2.probe",
        "code=200 exit=0 err=",
        "code=000 exit=7 err=Connection refused",
    ),
];

const LATER: &[Edit] = &[edit(
    "lb1.probe",
    "conf/all/send_redirects:0",
    "conf/all/send_redirects:1",
)];

/// The local table lacks the VIP: the route to it, and the route of a client's packet that comes in.
const LOCAL: &[Edit] = &[edit(
    "rs1.probe",
    "[{\"type\":\"local\",\"dst\":\"192.168.100.200\",\"dev\":\"lo\",\"prefsrc\":\"192.168.100.200\",\"flags\":[],\"uid\":0,\"cache\":[\"local\"]}]",
    "[{\"dst\":\"192.168.100.200\",\"dev\":\"eth0\",\"flags\":[],\"uid\":0,\"cache\":[]}]\n\
             [{\"dst\":\"192.168.100.200\",\"from\":\"192.168.100.20\",\"dev\":\"eth0\",\"iif\":\"eth0\",\"flags\":[],\"cache\":[\"iif\"]}]",
)];

/// Each finding as host, check, and the hosts and checks of its parts.
fn shown(findings: &Findings) -> Vec<String> {
    let faults = findings.all.iter().filter(|f| f.severity != Severity::Note);
    faults
        .map(|finding| {
            let parts: Vec<String> = finding
                .parts
                .iter()
                .map(|part| format!("{} {}", part.host, part.check).trim().to_owned())
                .collect();
            format!("{} {} [{}]", finding.host, finding.check, parts.join(", "))
        })
        .collect()
}

fn edits(all: &[&'static [Edit]]) -> Vec<Edit> {
    all.iter()
        .flat_map(|edits| edits.iter())
        .map(|e| edit(e.file, e.from, e.to))
        .collect()
}

#[test]
fn each_cause_is_one_finding_alone_and_with_others() {
    let recorded = recorded("dr-keepalived");
    let arp = "rs1 arp-ignore [rs1 drift, client arp-answer]";
    let server = "rs2 listener [rs2 own-answer]";
    let later = "lb1 send-redirects [lb1 drift]";
    let local = "rs1 vip-route-local [rs1 packet-route]";
    for (about, faults, expected) in [
        ("none", &[][..], &[][..]),
        ("arp", &[ARP], &[arp]),
        ("server", &[SERVER], &[server]),
        ("redirects", &[LATER], &[later]),
        ("local route", &[LOCAL], &[local]),
        ("all", &[ARP, SERVER, LATER], &[arp, server, later]),
    ] {
        let findings = recorded.concluded(&edits(faults));
        let mut found = shown(&findings);
        found.sort();
        let mut expected: Vec<&str> = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{about}: {:#?}", findings.all);
    }
}

#[test]
fn results_hold_what_was_read() {
    let recorded = recorded("dr-keepalived");
    let findings = recorded.concluded(&edits(&[ARP]));
    let of = |host: &str, check: &str| {
        let mut all = findings.results.iter();
        let found = all.find(|r| r.host == host && r.check.id == check);
        found.map(|r| (r.state.name(), r.evidence.as_str()))
    };
    assert_eq!(
        of("rs1", "arp-ignore"),
        Some((
            "error",
            "expected effective arp_ignore of eth0 1 or 2, found 0 (all 0, eth0 0)"
        ))
    );
    assert_eq!(of("rs2", "arp-ignore"), Some(("pass", "1 (all 1, eth0 0)")));
    // Each pass says of what, but for the few that are of no single thing.
    let passes = findings.results.iter().filter(|r| r.state.name() == "pass");
    let (named, nameless): (Vec<_>, Vec<_>) = passes.partition(|r| !r.what.is_empty());
    assert!(named.len() > 20 && nameless.is_empty(), "{nameless:?}");
    let silent: Vec<_> = named.iter().filter(|r| r.evidence.is_empty()).collect();
    assert!(
        silent.len() * 10 < named.len(),
        "without evidence: {silent:#?}"
    );
    let counted = findings.passed.values().sum::<usize>();
    assert_eq!(counted, named.len());
}

#[test]
fn a_waived_cause_hides_nothing_else() {
    let mut recorded = recorded("dr-keepalived");
    recorded.cluster.waivers = vec![Waiver {
        check: "arp-ignore".to_owned(),
        host: Some("rs1".to_owned()),
        what: None,
        until: None,
        reason: "until the switch is replaced".to_owned(),
    }];
    let findings = recorded.concluded(&edits(&[ARP]));
    let waived: Vec<&str> = findings.waived.iter().map(|w| w.finding.check.id).collect();
    assert_eq!(waived, ["arp-ignore"]);
    assert_eq!(shown(&findings), ["rs1 drift []", "client arp-answer []"]);
    assert!(registry::find("waiver-expired").is_some());
}
