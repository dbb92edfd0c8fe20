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

/// A host that is no real server yet.
const SPARE: &str = "rs3: { role: client, address: 192.168.100.16 }";
const THIRD: &str = "rs3: { role: [realserver, web], address: 192.168.100.16 }";

#[test]
fn t2_with_a_master_and_a_backup() {
    let client = "  client: {";
    let cluster = Cluster::up_with("t2", &[(client, &format!("  {SPARE}\n{client}"))]);
    let bare = cluster.deploy("http://192.168.100.200/");
    let ipvs = "ipvs -t 192.168.100.200:80";
    let on_both = [
        "lb1 file /etc/keepalived/keepalived.conf",
        &format!("lb1 {ipvs}"),
        "lb1 unit keepalived.service",
        "lb2 file /etc/keepalived/keepalived.conf",
        &format!("lb2 {ipvs}"),
        "lb2 unit keepalived.service",
    ];
    let rs1 = "rs1: { role: [realserver, web], address: 192.168.100.12";
    cluster.edited(
        &format!("{rs1} }}"),
        &format!("{rs1}, weight: 3 }}"),
        &on_both,
    );
    cluster.lvsctl(&["verify"]).expect(0);
    cluster.edited_beside(Some("rs3"), SPARE, THIRD, &on_both);
    cluster.lvsctl(&["verify"]).expect(0);
    cluster.edited_beside(Some("rs3"), THIRD, SPARE, &on_both);
    cluster.lvsctl(&["verify"]).expect(0);
    cluster.destroy(&bare);
}

#[test]
fn t8_a_mark_over_two_ports() {
    let cluster = Cluster::up("t8");
    let bare = cluster.deploy("http://192.168.100.200/");
    cluster.edited(
        "port: [80, 443]",
        "port: [80, 443, 8443]",
        &[
            &format!("lb1 file /usr/local/sbin/lvsctl-{}", cluster.name),
            &format!("lb1 mark lvsctl:{}/web", cluster.name),
            "rs1 file /etc/nginx/conf.d/lvsctl.conf",
            "rs1 unit nginx.service",
            "rs2 file /etc/nginx/conf.d/lvsctl.conf",
            "rs2 unit nginx.service",
        ],
    );
    cluster.lvsctl(&["verify"]).expect(0);
    cluster.destroy(&bare);
}
