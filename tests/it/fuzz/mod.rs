//! Whatever hosts and files say, lvsctl neither panics nor takes long: each parser on mutations of its corpus.
//! The target for what checks make of a host's answer is in `verify::fuzz`, the one for markers in a host's output in
//! `src/transport/framing.rs`.

pub(crate) mod engine;

use std::path::Path;

use engine::{files, target};
use lvsctl::fact::{Facts, Needs, section};
use lvsctl::history::Record;
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::SshOptions;
use lvsctl::plan::saved::SavedPlan;
use lvsctl::plan::{self, Basis};
use lvsctl::probe;
use lvsctl::resource::Distribution;
use lvsctl::role::Roles;
use lvsctl::secret::Secrets;
use lvsctl::transport::config::{Environment, SshSettings, resolve};
use lvsctl::transport::known_hosts::{HostName, KnownHosts};

use crate::support::roles::built_in;

const VERIFY: [&str; 3] = [
    "tests/cases/verify/dr",
    "tests/cases/verify/dr-keepalived",
    "tests/cases/verify/fwmark",
];

const NONCE: &str = "NONCE";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Each fact by itself, so that a fault of one does not hide the others.
#[test]
fn facts() {
    target("facts", files(&VERIFY, ".probe"), |bytes| {
        let sections = section::split(&format!("\n{}", text(bytes)), NONCE);
        for needs in Needs::each() {
            if let Err(error) = Facts::parse(&needs, &sections) {
                assert!(!error.to_string().is_empty());
            }
        }
    });
}

/// The whole answer, and the plan that is made of it.
#[test]
fn answers_and_their_plans() {
    let roles = built_in();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/dr-keepalived.yaml");
    let loaded = inventory::load(&path, BUILT_IN_ROLES).expect("a shipped inventory");
    let expansion = roles.over(&loaded.cluster);
    let os = Distribution::assumed();
    let desired: Vec<_> = loaded
        .cluster
        .hosts
        .iter()
        .map(|host| expansion.of(host, &os).expect("resources"))
        .collect();
    let secrets = Secrets::new();
    target("answers", files(&VERIFY, ".probe"), |bytes| {
        let output = format!("\n{}", text(bytes));
        for desired in &desired {
            // What a plan needs is among what was recorded, or is not answered.
            let needs = probe::needs(desired);
            for needs in [needs, Needs::default()] {
                let Ok(answer) = probe::read("vt2", &needs, &output, NONCE) else {
                    continue;
                };
                let _ = probe::obstacles(&answer, desired);
                let basis = Basis {
                    desired,
                    manifest: &answer.manifest,
                    others: &answer.others,
                    facts: &answer.facts,
                    secrets: &secrets,
                    scope: None,
                };
                let _ = plan::host("lb1", &basis);
            }
        }
    });
}

#[test]
fn known_hosts() {
    let corpus = files(&["tests/fuzz/corpus/known_hosts"], "");
    target("known_hosts", corpus, |bytes| {
        let known = KnownHosts::parse(Path::new("known_hosts"), &text(bytes));
        for (host, port) in [("lb1", 22), ("10.77.0.1", 2222), ("[::1]", 22), ("", 0)] {
            let name = HostName::new(host, port);
            let _ = known.check(&name, bytes);
            let _ = known.key_types(&name);
        }
    });
}

#[test]
fn ssh_config() {
    let environment = Environment {
        home: Some("/home/ann".into()),
        user: Some("ann".to_owned()),
        auth_sock: None,
    };
    let corpus = files(&["tests/fuzz/corpus/ssh_config"], "");
    target("ssh_config", corpus, |bytes| {
        let parsed = SshSettings::parse(Path::new("config"), &text(bytes), Path::new("/home/ann"));
        if let Ok(settings) = parsed {
            for host in ["lb1", "db.example.com", "10.0.0.1"] {
                let options = SshOptions::default();
                let _ = resolve(host, "10.0.0.1", &options, &settings, &environment);
            }
        }
    });
}

/// See also `inventory_fuzz`.
#[test]
fn inventories() {
    let corpus = files(&["inventories", "tests/cases/inventory"], ".yaml");
    target("inventories", corpus, |bytes| {
        match inventory::parse("fuzz.yaml", &text(bytes), BUILT_IN_ROLES) {
            Ok(loaded) => drop(serde_json::to_string(&loaded.cluster)),
            Err(error) => assert!(!error.render(80, true).is_empty()),
        }
    });
}

/// Read, and expanded for the hosts of a cluster.
#[test]
fn roles() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/dr-keepalived.yaml");
    let loaded = inventory::load(&path, BUILT_IN_ROLES).expect("a shipped inventory");
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("roles");
    std::fs::create_dir(&folder).expect("a folder");
    // In the place of a role that hosts have.
    let file = folder.join("realserver.yaml");
    let corpus = files(&["roles", "tests/fuzz/corpus/role"], ".yaml");
    target("roles", corpus, |bytes| {
        std::fs::write(&file, text(bytes)).expect("writes");
        match Roles::load(Some(place.path())) {
            Ok(roles) => {
                let expansion = roles.over(&loaded.cluster);
                for host in &loaded.cluster.hosts {
                    if let Err(error) = expansion.of(host, &Distribution::assumed()) {
                        let shown = error.render(80, false);
                        assert!(shown.is_some() || !error.to_string().is_empty());
                    }
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

/// Files that lvsctl reads back: saved plans and the history.
#[test]
fn saved_plans_and_history() {
    let corpus = files(&["tests/fuzz/corpus/plan", "tests/fuzz/corpus/history"], "");
    target("saved", corpus, |bytes| {
        let text = text(bytes);
        if let Ok(plan) = SavedPlan::parse(&text) {
            let secrets = Secrets::new();
            let found = plan.differences(&[], &[], &secrets);
            assert!(plan.hosts.is_empty() || !found.is_empty());
        }
        if let Ok(record) = serde_json::from_str::<Record>(&text) {
            let mut out = Vec::new();
            lvsctl::report::history::text(
                &mut out,
                &[record],
                true,
                lvsctl::report::Style::plain(),
            )
            .expect("writes");
        }
    });
}
