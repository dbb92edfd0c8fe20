//! Whole lives of clusters on real hosts: bare, applied, applied again, verified, rebooted, edited, destroyed.

use crate::harness::Cluster;

#[test]
fn t1_without_keepalived() {
    let cluster = Cluster::up("t1");
    let bare = cluster.deploy("http://192.168.100.200/");
    let node = format!("/usr/local/sbin/lvsctl-{}", cluster.name);
    cluster.on(
        "rs1",
        &format!(
            "{node} status && {node} stop && ! {node} status && {node} start && {node} status"
        ),
    );
    cluster.destroy(&bare);
}

#[test]
fn t2_with_a_master_and_a_backup() {
    let cluster = Cluster::up("t2");
    let bare = cluster.deploy("http://192.168.100.200/");
    let ipvs = "ipvs -t 192.168.100.200:80";
    cluster.edited(
        "rs1: { role: [realserver, web], address: 192.168.100.12 }",
        "rs1: { role: [realserver, web], address: 192.168.100.12, weight: 3 }",
        &[
            "lb1 file /etc/keepalived/keepalived.conf",
            &format!("lb1 {ipvs}"),
            "lb1 unit keepalived.service",
            "lb2 file /etc/keepalived/keepalived.conf",
            &format!("lb2 {ipvs}"),
            "lb2 unit keepalived.service",
        ],
    );
    cluster.lvsctl(&["verify"]).expect(0);
    cluster.destroy(&bare);
}

#[test]
fn t8_a_mark_over_two_ports() {
    let cluster = Cluster::up("t8");
    let bare = cluster.deploy("http://192.168.100.200/");
    cluster.destroy(&bare);
}
