use super::*;
use crate::event::Silent;
use crate::host_paths;
use crate::inventory::{self, BUILT_IN_ROLES};
use crate::plan::manifest::{Entry, Manifest};
use crate::resource::{Action, Before};
use crate::role::Roles;
use crate::transport::fake::{FakeHosts, Script, ok};

const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    rs1: { role: realserver, address: 10.0.0.3 }\n\
                    services: { web: { vip: 10.0.0.9, port: 80 } }\n";

fn file(path: &str) -> Resource {
    serde_json::from_value(serde_json::json!({ "file": { "path": path } })).unwrap()
}

fn owning(cluster: &str, path: &str) -> Manifest {
    let mut manifest = Manifest::new(cluster);
    manifest.entries.push(Entry {
        resource: file(path),
        before: Before::Absent,
    });
    manifest
}

/// A host that has nothing but manifests: at each probe the next one, and the last one from then on.
fn host(own: Vec<Manifest>, other: Vec<Option<Manifest>>) -> FakeHosts {
    FakeHosts::new().host("rs1", probed(own, other).on("flock", ok("taken\n")))
}

pub(crate) fn probed(own: Vec<Manifest>, other: Vec<Option<Manifest>>) -> Script {
    let mut number = 0;
    let answer = move |script: &str| {
        let nonce = script
            .split("\\n@")
            .nth(1)
            .and_then(|s| s.split(' ').next());
        let nonce = nonce.expect("a nonce");
        let own = &own[number.min(own.len() - 1)];
        let other = &other[number.min(other.len() - 1)];
        number += 1;
        let part = |part: &str, text: &str| format!("\n@{nonce} {part}\n{text}");
        let mut text = [
            part("system os", "ID=debian\nUid:\t0\t0\t0\t0\n"),
            part("system tools", "ip\nflock\n"),
            part("system systemd", "yes"),
            part("manifest own", &own.text()),
        ]
        .concat();
        if let Some(other) = other {
            let path = format!("manifest other {}", host_paths::manifest(&other.cluster));
            text.push_str(&part(&path, &other.text()));
        }
        text.push_str(&part("address json", "[]"));
        if script.contains("section=way-in") {
            text.push_str(&part("way-in connection", "10.0.0.254 5 10.0.0.3 22"));
        }
        if script.contains("section=file") {
            text.push_str(&part("file stat", ""));
        }
        text.push_str(&part("end end", ""));
        Ok(ok(text))
    };
    Script::new().on_match(|script| script.contains("section=end"), answer)
}

/// Opens a host and locks it.
fn locked(fake: &FakeHosts, desired: Vec<Resource>) -> Result<Vec<String>, HostError> {
    let loaded = inventory::parse("t.yaml", TEXT, BUILT_IN_ROLES).expect("a valid inventory");
    let roles = Roles::load(None).expect("roles");
    let run = Run {
        cluster: &loaded.cluster,
        with_drains: Default::default(),
        roles: roles.over(&loaded.cluster),
        connect: fake,
        secrets: &Secrets::new(),
        sink: &Silent,
        cancel: &CancelToken::default(),
        holder: "test",
        origin: None,
        more: &|_, _| String::new(),
    };
    let mut host = HostRun::open(&run, &loaded.cluster.hosts[1], desired)?;
    host.lock(&run)?;
    let owned = &host.answer.manifest.entries;
    Ok(owned.iter().map(|entry| entry.resource.key()).collect())
}

#[test]
fn what_became_ours_before_the_lock_was_taken_is_asked_for() {
    let none = || Manifest::new("t");
    for (manifests, asked) in [
        // What was asked at first is asked again under the lock.
        (vec![none()], 2),
        (vec![owning("t", "/a")], 3),
        (vec![none(), owning("t", "/a")], 3),
        (
            vec![owning("t", "/a"), owning("t", "/a"), owning("t", "/b")],
            4,
        ),
    ] {
        let last = manifests.last().cloned().unwrap_or_else(none);
        let fake = host(manifests, vec![None]);
        let owned = locked(&fake, Vec::new()).expect("a lock");
        assert_eq!(owned.len(), last.entries.len());
        let probes: Vec<String> = fake.asked("rs1");
        let probes: Vec<&String> = probes
            .iter()
            .filter(|s| s.contains("section=end"))
            .collect();
        assert_eq!(probes.len(), asked, "{last:?}");
        let last_probe = probes[asked - 1];
        assert!(
            owned.iter().all(|path| last_probe.contains(path.as_str())),
            "{last_probe}"
        );
    }
}

#[test]
fn a_manifest_that_never_rests_ends_the_run() {
    let paths = (0..20).map(|n| owning("t", &format!("/{n}"))).collect();
    let error = locked(&host(paths, vec![None]), Vec::new()).expect_err("no end");
    assert!(
        error.to_string().contains("/var/lib/lvsctl/t.json"),
        "{error}"
    );
    assert!(error.before_any_change());
}

#[test]
fn what_another_cluster_took_before_the_lock_is_refused() {
    let others = vec![None, Some(owning("other", "/a"))];
    let fake = host(vec![Manifest::new("t")], others);
    let error = locked(&fake, vec![file("/a")]).expect_err("a clash");
    assert!(
        error.to_string().contains("belongs to the cluster other"),
        "{error}"
    );
}

/// Whoever ends the run waits for it.
#[test]
fn what_keepalived_comes_round_to_is_no_failure_of_the_host() {
    let ipvs = |port: u16, keepalived: bool| -> Resource {
        serde_json::from_value(serde_json::json!({ "ipvs": {
            "virtual": { "tcp": format!("10.0.0.9:{port}") }, "scheduler": "rr", "keepalived": keepalived,
            "real_servers": [],
        } }))
        .unwrap()
    };
    let desired = [ipvs(80, true), ipvs(81, false), file("/etc/a")];
    let plan = HostPlan {
        host: "lb1".to_owned(),
        changes: desired
            .iter()
            .map(|r| Change::new(r.kind(), r.key(), Action::Update))
            .collect(),
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        replaces: Vec::new(),
        steps: Vec::new(),
        load: None,
    };
    assert_eq!(
        remaining(&plan, &desired),
        ["ipvs -t 10.0.0.9:81", "file /etc/a"]
    );
}
