//! Drills on a live pair of directors: what they measure, and that a host undoes them where the program cannot.

use std::process::Stdio;

use serde_json::Value;

use crate::harness::Cluster;
use crate::vrrp;

/// How much the drill and an independent request loop may differ, in seconds.
const TOLERANCE: f64 = 0.1;

/// One request after another, each given up after 30 ms; the time of each answer. One process: on a host with one slow CPU
/// a process for each request would stall what it measures.
const LOOP: &str = r#"
rm -f /tmp/loop.*
cat >/tmp/loop.pl <<'END'
use IO::Socket::INET;
use Time::HiRes qw(time sleep);
$| = 1;
until (-e '/tmp/loop.stop') {
    my $s = IO::Socket::INET->new(PeerAddr => '192.168.100.200:80', Timeout => 0.03);
    if ($s && print $s "GET / HTTP/1.0\r\n\r\n") {
        print time, "\n" if defined <$s>;
    }
    sleep 0.01;
}
END
setsid perl /tmp/loop.pl </dev/null >/tmp/loop.out 2>&1 &
"#;

pub(crate) fn all(cluster: &Cluster) {
    failover_agrees_with_another_loop(cluster);
    losses_are_undone(cluster);
    a_host_heals_by_itself(cluster);
}

fn drilled(cluster: &Cluster, words: &[&str]) -> Value {
    let words = [&["drill"], words, &["--yes", "--format", "json"]].concat();
    let ran = cluster.lvsctl(&words).expect(0);
    let view: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(view["undone"], true, "{}", ran.stdout);
    assert_eq!(view["findings"], 0, "{}", ran.stdout);
    view
}

fn failover_agrees_with_another_loop(cluster: &Cluster) {
    let (measured, longest) = both_loops(cluster);
    assert!(
        (measured - longest).abs() < TOLERANCE,
        "the drill measured {measured:.3} s, the other loop {longest:.3} s"
    );
}

/// The longest gap between answers during a failover, as the drill and as a second loop see it.
fn both_loops(cluster: &Cluster) -> (f64, f64) {
    cluster.on("client", LOOP);
    cluster.becomes("the loop is answered", || {
        cluster.succeeds("client", "[ -s /tmp/loop.out ]")
    });
    let view = drilled(cluster, &["failover"]);
    let times = cluster.on("client", "touch /tmp/loop.stop; cat /tmp/loop.out");
    let mut times: Vec<f64> = times.lines().filter_map(|line| line.parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    let gaps = times.windows(2).map(|two| two[1] - two[0]);
    let longest = gaps.fold(0.0, f64::max);
    let measured = view["longest_gap"]["seconds"].as_f64().expect("seconds");
    assert_eq!(view["took_effect"], true, "{view}");
    (measured, longest)
}

fn losses_are_undone(cluster: &Cluster) {
    let view = drilled(cluster, &["rs-loss", "rs1"]);
    assert_eq!(view["took_effect"], true, "{view}");
    let view = drilled(cluster, &["split-brain"]);
    assert_eq!(view["took_effect"], true, "{view}");
    for host in ["lb1", "lb2", "rs1"] {
        let left =
            "iptables -w -S INPUT | grep 'lvsctl drill'; ls /run/lvsctl-drill-* 2>/dev/null; :";
        assert_eq!(cluster.on(host, left), "", "{host}");
    }
}

/// The program is killed while keepalived is stopped.
fn a_host_heals_by_itself(cluster: &Cluster) {
    let words = [
        "--lab",
        "drill",
        "failover",
        "--director",
        "lb1",
        "--for",
        "5m",
        "--yes",
    ];
    let mut child = cluster
        .command(&cluster.inventory(), &words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let runs = || cluster.succeeds("lb1", "systemctl --quiet is-active keepalived");
    cluster.becomes("keepalived is stopped", || !runs());
    child.kill().expect("it is killed");
    child.wait().expect("its end");
    cluster.becomes("the host starts it again", || {
        runs() && !cluster.succeeds("lb1", "ls /run/lvsctl-drill-*")
    });
    cluster.becomes("the VIP is back", || vrrp::holds(cluster, "lb1"));
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
}
