//! What checks and plans make of answers of hosts that lie or are broken: findings or notes, and no panic.

use super::*;
use crate::fuzz::engine::{files, target};

/// The recorded cluster with other words of one host.
fn survives(recorded: &Recorded, desired: &[Vec<Resource>], file: &str, bytes: &[u8]) {
    let mut all = recorded.files.clone();
    all.insert(file.to_owned(), String::from_utf8_lossy(bytes).into_owned());
    let fake = recorded.hosts(&all);
    let (secrets, cancel) = (Secrets::new(), CancelToken::default());
    let more = |host: &Host, needs: &mut Needs| {
        check::needs(&recorded.cluster, host, needs);
        check::questions(&recorded.cluster, host, Asking::Allowed)
    };
    let run = Run {
        cluster: &recorded.cluster,
        roles: built_in().over(&recorded.cluster),
        connect: &fake,
        secrets: &secrets,
        sink: &Silent,
        cancel: &cancel,
        holder: "test",
        origin: None,
        with_drains: Default::default(),
        more: &more,
    };
    let fleet = Fleet::new(run, 1).expect("threads");
    let desired = recorded.cluster.hosts.iter().zip(desired.iter().cloned());
    let opened = fleet.open(desired.collect()).into_iter();
    // A host whose answer cannot be read is reported, and left out.
    let (mut clients, mut hosts): (Vec<HostRun>, Vec<HostRun>) = opened
        .filter_map(|(_, outcome)| outcome.ok())
        .partition(|run| recorded.cluster.is_neutral(run.host));
    let mut findings = Findings::default();
    check::offline(&recorded.cluster, &hosts, &clients, &secrets, &mut findings);
    traffic::check(
        &fleet,
        &recorded.cluster,
        &mut clients,
        None,
        &mut hosts,
        &mut findings,
    );
    let today = "2026-11-28".parse().expect("a day");
    check::conclude(&recorded.cluster, &hosts, today, &mut findings);
    for host in &hosts {
        let _ = host.plan(&secrets);
    }
}

fn of(name: &'static str, case: &str, file: &str) {
    let recorded = recorded(case);
    let roles = built_in().over(&recorded.cluster);
    let hosts = recorded.cluster.hosts.iter();
    let desired: Vec<Vec<Resource>> = hosts
        .map(|host| kernel(&roles, &recorded.cluster, host, false))
        .collect();
    let folder = format!("tests/cases/verify/{case}");
    target(name, files(&[&folder], file), |bytes| {
        survives(&recorded, &desired, file, bytes);
    });
}

#[test]
fn of_a_director_with_keepalived() {
    of("checks_keepalived", "dr-keepalived", "lb1.probe");
}

#[test]
fn of_a_director_with_a_mark() {
    of("checks_mark", "fwmark", "lb1.probe");
}

#[test]
fn of_a_real_server() {
    of("checks_real_server", "dr", "rs1.probe");
}

#[test]
fn of_what_is_asked_live() {
    of("checks_live", "dr-keepalived", "lb1.live");
}
