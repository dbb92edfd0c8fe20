//! What VRRP offers beyond a master and a backup, proven on two directors under keepalived.

use crate::harness::Cluster;
use crate::vips;

const URL: &str = "http://192.168.100.200/";
const LB1: &str = "192.168.100.14";
const LB2: &str = "192.168.100.15";

pub(crate) fn all_that_vrrp_offers(cluster: &Cluster) {
    lb1_is_master(cluster);
    adverts_go_to_the_peer_alone(cluster, "lb1", (LB1, LB2));
    a_connection_outlives_its_director(cluster);
    who_returns_stays_backup(cluster);
    without_its_other_interface_it_hands_over(cluster);
    without_its_program_it_hands_over(cluster);
    vips::a_vip_comes_and_goes_on_a_live_pair(cluster);
}

pub(crate) fn holds(cluster: &Cluster, host: &str) -> bool {
    cluster.succeeds(
        host,
        "ip -4 -o addr show dev eth0 | grep -q ' 192.168.100.200/'",
    )
}

/// The VIP, the sync daemon and the last state that `notify` recorded go together.
fn moved(cluster: &Cluster, from: &str, to: &str) {
    cluster.becomes(&format!("{to} holds the VIP, {from} does not"), || {
        holds(cluster, to) && !holds(cluster, from)
    });
    records(cluster, to, "MASTER");
    syncs(cluster, to, "master");
    cluster.becomes("the service answers", || {
        !cluster.try_ask("client", URL).is_empty()
    });
}

/// The last state that keepalived gave to `notify`, which writes it into the journal.
fn records(cluster: &Cluster, host: &str, state: &str) {
    let script = format!(
        "journalctl -b -o cat -t root | grep '^INSTANCE ' | tail -n 1 | grep -q '^INSTANCE main {state} '"
    );
    cluster.becomes(&format!("{host} records {state}"), || {
        cluster.succeeds(host, &script)
    });
}

fn syncs(cluster: &Cluster, host: &str, role: &str) {
    let script = format!(
        "ipvsadm -Ln --daemon | grep -q '^{role} sync daemon (mcast=eth0, syncid=10,' && [ $(ipvsadm -Ln --daemon | grep -c .) = 1 ]"
    );
    cluster.becomes(&format!("{host} runs the {role} sync daemon"), || {
        cluster.succeeds(host, &script)
    });
}

/// Without preemption whoever came up first is master; what follows wants it to be the one of higher priority.
fn lb1_is_master(cluster: &Cluster) {
    cluster.becomes("one director holds the VIP", || {
        holds(cluster, "lb1") != holds(cluster, "lb2")
    });
    if holds(cluster, "lb2") {
        cluster.on("lb2", "systemctl stop keepalived");
        moved(cluster, "lb2", "lb1");
        cluster.on("lb2", "systemctl start keepalived");
    }
    records(cluster, "lb1", "MASTER");
    syncs(cluster, "lb1", "master");
    records(cluster, "lb2", "BACKUP");
    syncs(cluster, "lb2", "backup");
}

/// As many adverts as a member of higher priority needs to take over where it may; all interfaces, both ways.
fn adverts_go_to_the_peer_alone(cluster: &Cluster, host: &str, (from, to): (&str, &str)) {
    cluster.on(
        host,
        "command -v tcpdump >/dev/null || apt-get -q install -y tcpdump >/dev/null 2>&1",
    );
    let seen = cluster.on(
        host,
        "timeout 60 tcpdump -p -i any -n -l -c 6 ip proto 112 2>/dev/null",
    );
    assert_eq!(seen.lines().count(), 6, "{seen}");
    let between = format!(" {from} > {to}: VRRPv2, Advertisement, vrid 10,");
    let other = seen.lines().find(|line| !line.contains(&between));
    assert_eq!(other, None, "expected{between} alone\n{seen}");
}

/// Two requests on one connection: the second is sent when the file is there.
const HELD: &str = r#"
exec 3<>/dev/tcp/192.168.100.200/80 || exit 1
ask() {
    printf 'GET / HTTP/1.1\r\nHost: web\r\n\r\n' >&3
    while read -r -t 30 line <&3; do
        case $line in rs*) echo "$line"; return ;; esac
    done
    echo none
}
ask
until [ -e /tmp/held.go ]; do sleep 0.1; done
ask
"#;

/// The master sends its connections to the backup, so that the new master answers the next request on one of them.
fn a_connection_outlives_its_director(cluster: &Cluster) {
    cluster.on(
        "client",
        &format!(
            "rm -f /tmp/held.*; cat >/tmp/held.sh <<'END'\n{HELD}END\n\
             setsid bash /tmp/held.sh </dev/null >/tmp/held.log 2>&1 &"
        ),
    );
    let answers = || cluster.on("client", "cat /tmp/held.log");
    cluster.becomes("the first request is answered", || {
        answers().lines().count() == 1
    });
    let source = cluster.on(
        "client",
        "ss -Htn state established dst 192.168.100.200 | awk '{ print $3 }'",
    );
    let source = source.trim();
    assert!(source.starts_with("192.168.100.20:"), "{source:?}");
    let known = format!(
        "ipvsadm -Lnc | awk -v source={source} '$3 == \"ESTABLISHED\" && $4 == source' | grep -q ."
    );
    assert!(cluster.succeeds("lb1", &known), "lb1 knows {source}");
    cluster.becomes("lb2 knows the connection", || {
        cluster.succeeds("lb2", &known)
    });
    cluster.on("lb1", "systemctl stop keepalived");
    moved(cluster, "lb1", "lb2");
    cluster.on("client", "touch /tmp/held.go");
    cluster.becomes("the second request has an end", || {
        answers().lines().count() == 2
    });
    let both = answers();
    let both: Vec<&str> = both.lines().collect();
    assert!(both[0].starts_with("rs") && both[0] == both[1], "{both:?}");
}

/// lb1 has the higher priority, and leaves the VIP where it is.
fn who_returns_stays_backup(cluster: &Cluster) {
    cluster.on("lb1", "systemctl start keepalived");
    records(cluster, "lb1", "BACKUP");
    syncs(cluster, "lb1", "backup");
    adverts_go_to_the_peer_alone(cluster, "lb1", (LB2, LB1));
    assert!(holds(cluster, "lb2") && !holds(cluster, "lb1"));
}

/// The way to the real servers carries neither adverts nor VIPs: it counts since it is tracked.
fn without_its_other_interface_it_hands_over(cluster: &Cluster) {
    cluster.on("lb2", "ip link set eth1 down");
    moved(cluster, "lb2", "lb1");
    records(cluster, "lb2", "FAULT");
    cluster
        .lvsctl(&["status"])
        .expect(0)
        .says("fault: main is in FAULT (eth1 is down)");
    cluster.on("lb2", "ip link set eth1 up");
    records(cluster, "lb2", "BACKUP");
}

fn without_its_program_it_hands_over(cluster: &Cluster) {
    cluster.on("lb1", "mount --bind /bin/false /bin/df");
    moved(cluster, "lb1", "lb2");
    records(cluster, "lb1", "FAULT");
    let why = "the tracked program disks fails";
    cluster.lvsctl(&["status"]).expect(0).says(why);
    cluster
        .lvsctl(&["verify", "--no-traffic"])
        .expect(3)
        .says(why);
    cluster.on("lb1", "umount /bin/df");
    records(cluster, "lb1", "BACKUP");
}

/// Another number of failures of the tracked program; nothing else changes, and the VIP stays where it is.
pub(crate) fn a_watched_program(cluster: &Cluster) {
    let mut changes = Vec::new();
    for host in ["lb1", "lb2"] {
        changes.push(format!("{host} file /etc/keepalived/keepalived.conf"));
        changes.push(format!("{host} unit keepalived.service"));
    }
    cluster.edited("fall: 2", "fall: 3", &changes);
    assert!(holds(cluster, "lb2") && !holds(cluster, "lb1"));
    cluster.lvsctl(&["verify"]).expect(0);
}
