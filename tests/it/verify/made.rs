//! Hosts made up for one check: only what it asks for is answered, and only its findings are looked at.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ipnet::IpNet;
use lvsctl::check::{Findings, Severity};
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::Cluster;
use serde_json::json;

use crate::verify::Recorded;

fn scope(net: IpNet) -> &'static str {
    match net {
        net if net.addr().is_loopback() => "host",
        IpNet::V6(v6) if v6.addr().is_unicast_link_local() => "link",
        _ => "global",
    }
}

/// What one host answers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Made {
    pub host: &'static str,
    /// Interface, MTU, addresses.
    pub links: &'static [(&'static str, u32, &'static [&'static str])],
    /// Parts of facts, by the fact's and the part's name.
    pub facts: &'static [(&'static str, &'static str)],
}

impl Made {
    /// The same host, answering a part otherwise, or one more.
    fn probe(&self, more: &[(&str, &str)]) -> String {
        let links: Vec<serde_json::Value> = self
            .links
            .iter()
            .map(|(name, mtu, addresses)| {
                let held = addresses.iter().map(|text| {
                    let net: IpNet = text.parse().unwrap();
                    json!({ "local": net.addr(), "prefixlen": net.prefix_len(), "scope": scope(net) })
                });
                json!({ "ifname": name, "mtu": mtu, "flags": ["UP"], "addr_info": held.collect::<Vec<_>>() })
            })
            .collect();
        let mut text = format!(
            "@NONCE system os\nUid:\t0\t0\t0\t0\n@NONCE system tools\nip\n@NONCE address json\n{}\n",
            json!(links)
        );
        let kept = |name: &str| !more.iter().any(|(other, _)| *other == name);
        let own = self.facts.iter().filter(|(name, _)| kept(name));
        for (name, part) in own.chain(more) {
            let _ = write!(text, "\n@NONCE {name}\n{part}\n");
        }
        text + "\n@NONCE end end\n"
    }
}

/// Verifies a cluster whose hosts answer so; `more` are parts that one host answers otherwise.
pub(crate) fn verify(
    inventory: &str,
    hosts: &[Made],
    host: &str,
    more: &[(&str, &str)],
) -> Findings {
    let probe = |made: &Made| made.probe(if made.host == host { more } else { &[] });
    let files = hosts
        .iter()
        .map(|made| (format!("{}.probe", made.host), probe(made)));
    verify_files(inventory, hosts, files.collect())
}

/// The same with traffic: `live` are the parts that hosts answer then.
pub(crate) fn verify_live(
    inventory: &str,
    hosts: &[Made],
    live: &[(&str, &[(&str, &str)])],
) -> Findings {
    let probes = hosts
        .iter()
        .map(|made| (format!("{}.probe", made.host), made.probe(&[])));
    let lives = live.iter().map(|(host, parts)| {
        let mut text = String::new();
        for (name, part) in *parts {
            let _ = write!(text, "\n@NONCE live {name}\n{part}\n");
        }
        (format!("{host}.live"), text + "\n@NONCE live end\n")
    });
    verify_files(inventory, hosts, probes.chain(lives).collect())
}

pub(crate) fn cluster(inventory: &str) -> Cluster {
    match inventory::parse("made.yaml", inventory, BUILT_IN_ROLES) {
        Ok(loaded) => loaded.cluster,
        Err(error) => panic!("{}", error.render(100, false)),
    }
}

fn verify_files(inventory: &str, hosts: &[Made], files: BTreeMap<String, String>) -> Findings {
    let cluster = cluster(inventory);
    let silent: Vec<String> = cluster.hosts.iter().map(|h| h.name.clone()).collect();
    let silent: Vec<&str> = silent
        .iter()
        .map(String::as_str)
        .filter(|name| !hosts.iter().any(|made| made.host == *name))
        .collect();
    Recorded { cluster, files }.verify_without(&silent, &[])
}

/// A check's findings, one line each, with those that stand with another one of the same cause; a note has its text alone.
pub(crate) fn of(findings: &Findings, check: &str) -> Vec<String> {
    let found = findings.all.iter().filter(|f| f.check.id == check);
    found
        .flat_map(|f| {
            let line = |what: &str, expected: &str, found: &str| match f.severity {
                Severity::Note => format!("{}: note: {what}", f.host),
                _ => format!(
                    "{}: {what}: expected {expected}, found {found}, fix: {}",
                    f.host, f.fix
                ),
            };
            let parts = f.parts.iter().filter(|part| part.check.id == check);
            let parts = parts.map(|part| line(&part.what, &part.expected, &part.found));
            let first = line(&f.what, &f.expected, &f.found);
            [first].into_iter().chain(parts).collect::<Vec<_>>()
        })
        .collect()
}
