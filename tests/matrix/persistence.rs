//! Persistence: who stays where, for how long, and who counts as one.

use crate::harness::Cluster;

const HTTP: &str = "http://192.168.100.200/";
const HTTPS: &str = "https://192.168.100.200/";
const HTTPS_TOO: &str = "https://192.168.100.200:8443/";

/// The one real server that answers a client on all of these, each asked some times. Round robin without persistence
/// would show both.
fn stays(cluster: &Cluster, client: &str, urls: &[&str]) -> String {
    let mut answers: Vec<String> = urls
        .iter()
        .flat_map(|url| cluster.picks(client, url, 3))
        .collect();
    let first = answers.remove(0);
    assert!(
        answers.iter().all(|answer| *answer == first),
        "{client}: {first}, then {answers:?}"
    );
    first
}

/// Each client stays on one. To round robin a client that it does not know is one connection: two clients are on two.
fn each_stays(cluster: &Cluster, urls: &[&str]) {
    let [one, other] = ["client1", "client2"].map(|client| stays(cluster, client, urls));
    assert_ne!(one, other, "both clients are on one real server");
}

pub(crate) fn each_client_on_one(cluster: &Cluster) {
    each_stays(cluster, &[HTTP]);
}

pub(crate) fn each_client_on_one_over_both_ports(cluster: &Cluster) {
    each_stays(cluster, &[HTTP, HTTPS]);
}

pub(crate) fn each_client_on_one_over_three_ports(cluster: &Cluster) {
    each_stays(cluster, &[HTTP, HTTPS, HTTPS_TOO]);
}

/// Whether the director remembers where a client belongs. Its entry for that has port 0; the others are connections.
fn remembered(cluster: &Cluster, client: &str) -> bool {
    cluster.succeeds("lb1", &format!("ipvsadm -Lnc | grep -q ' {client}:0 '"))
}

/// A client stays while its time runs, and is a new one when it has run out: round robin sends it elsewhere. It has another
/// address, because an entry keeps the time that it was made with. The time is long enough for a slow machine to see the entry.
pub(crate) fn runs_out(cluster: &Cluster) {
    const NEWCOMER: &str = "192.168.100.30";
    let from_it = format!("curl -sSf -m 5 --interface {NEWCOMER} {HTTP}");
    cluster.on("client1", &format!("ip addr add {NEWCOMER}/32 dev eth0"));
    // An entry outlives the connections that it made, and these would stay for two minutes after their end.
    cluster.on("lb1", "ipvsadm --set 0 1 0");
    assert!(!remembered(cluster, NEWCOMER));
    let answers = cluster.on("client1", &format!("{from_it} && {from_it} && {from_it}"));
    let answers: Vec<&str> = answers.lines().collect();
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    assert!(remembered(cluster, NEWCOMER));
    cluster.becomes("the director has forgotten the client", || {
        !remembered(cluster, NEWCOMER)
    });
    let next = cluster.on("client1", &from_it);
    assert_ne!(next.trim(), answers[0], "round robin goes on");
    cluster.on("lb1", "ipvsadm --set 0 120 0");
    cluster.on("client1", &format!("ip addr del {NEWCOMER}/32 dev eth0"));
}

/// All of a network are one client to a coarse granularity, even those that have been on two real servers.
pub(crate) fn both_clients_on_one(cluster: &Cluster) {
    let [one, other] = ["client1", "client2"].map(|client| stays(cluster, client, &[HTTP]));
    assert_eq!(one, other, "one network, two real servers");
    assert!(remembered(cluster, "192.168.100.0"));
}
