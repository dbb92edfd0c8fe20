//! Schedulers: what each one's definition makes of connections that end, that stay and that are refused. rs1 has weight
//! 1, rs2 weight 2; the kernel looks at the one that was added last, rs2, first.

use std::collections::BTreeSet;

use crate::harness::Cluster;

const VIP: &str = "192.168.100.200";

/// Who answers a scheduler's port, each real server by its digit, `-` for a refusal.
struct Pattern {
    scheduler: &'static str,
    port: u16,
    /// Eight requests, each ended before the next.
    ended: &'static str,
    /// Six connections that all stay open.
    held: &'static str,
    /// One connection that stays open, and four requests beside it.
    beside: &'static str,
}

const fn pattern(
    scheduler: &'static str,
    port: u16,
    [ended, held, beside]: [&'static str; 3],
) -> Pattern {
    Pattern {
        scheduler,
        port,
        ended,
        held,
        beside,
    }
}

const PATTERNS: &[Pattern] = &[
    // In turn, whatever is open.
    pattern("rr", 8001, ["21212121", "212121", "21212"]),
    // In turn, rs2 twice.
    pattern("wrr", 8002, ["21221221", "221221", "22122"]),
    // The one with fewer open; ended connections count a 256th.
    pattern("lc", 8003, ["21212121", "212121", "21111"]),
    // The same, divided by the weight.
    pattern("wlc", 8004, ["21221221", "212212", "21111"]),
    // (open + 1) / weight; what has ended counts nothing.
    pattern("sed", 8005, ["22222222", "221221", "22222"]),
    // An idle one first, else as sed.
    pattern("nq", 8006, ["22222222", "212221", "21111"]),
    // By the destination alone.
    pattern("dh", 8008, ["11111111", "111111", "11111"]),
    // By the destination, until its real server has more open than its weight and another is all but idle: then that.
    pattern("lblc", 8010, ["22222222", "222111", "11111"]),
    // The same, but the other one joins the first.
    pattern("lblcr", 8011, ["22222222", "222112", "12222"]),
    // The highest weight.
    pattern("fo", 8012, ["22222222", "222222", "22222"]),
    // The highest weight, until it has more open than its weight; then the next, and then none.
    pattern("ovf", 8013, ["22222222", "22211-", "22222"]),
];

/// Asks as a client that keeps some connections open while it makes and ends others.
const CLIENT: &str = r#"
for ((n = 0; n < HELD; n++)); do
  if exec {fd}<>/dev/tcp/VIP/PORT; then
    printf 'GET / HTTP/1.1\r\nHost: lvs\r\n\r\n' >&$fd
    while read -r line <&$fd && [ "$line" != $'\r' ]; do :; done
    read -r name <&$fd
    echo $name
  else
    echo -
  fi
done 2>/dev/null
for ((n = 0; n < ENDED; n++)); do curl -sSf -m 5 http://VIP:PORT/ || exit 1; done
"#;

/// Who answers a client that keeps so many connections open and then makes and ends so many more.
fn answers(cluster: &Cluster, port: u16, held: usize, ended: usize) -> String {
    let words = [
        ("VIP", VIP),
        ("PORT", &port.to_string()),
        ("HELD", &held.to_string()),
        ("ENDED", &ended.to_string()),
    ];
    let text = words
        .iter()
        .fold(CLIENT.to_owned(), |text, (from, to)| text.replace(from, to));
    let script = format!("timeout 60 bash <<'EOF'\n{text}\nEOF");
    let all = cluster.on("client", &script);
    all.lines()
        .map(|name| name.trim_start_matches("rs"))
        .collect()
}

pub(crate) fn each_has_its_pattern(cluster: &Cluster) {
    let all: BTreeSet<_> = PATTERNS
        .iter()
        .map(|p| (p.ended, p.held, p.beside))
        .collect();
    assert_eq!(all.len(), PATTERNS.len(), "two schedulers look the same");
    a_new_table(cluster);
    for p in PATTERNS {
        let seen =
            [(0, 8), (6, 0), (1, 4)].map(|(held, ended)| answers(cluster, p.port, held, ended));
        assert_eq!(seen, [p.ended, p.held, p.beside], "{}", p.scheduler);
    }
    by_the_source(cluster, "sh", 8007, 20000);
    by_the_source(cluster, "mh", 8009, 21000);
}

/// A table that counts no connection. Those of the old one go with it (`expire_nodest_conn`).
fn a_new_table(cluster: &Cluster) {
    let node = format!("/usr/local/sbin/lvsctl-{}", cluster.name);
    cluster.on("lb1", &format!("{node} stop"));
    cluster.becomes("the director knows no connection", || {
        cluster.succeeds("lb1", "! ipvsadm -Lnc | grep -q '^TCP'")
    });
    cluster.on("lb1", &format!("{node} start"));
}

/// Sixteen requests from sixteen ports of the client.
fn from_ports(cluster: &Cluster, port: u16, first: u16) -> Vec<String> {
    let last = first + 15;
    let script = format!(
        "for own in $(seq {first} {last}); do \
         curl -sSf -m 5 --local-port $own http://{VIP}:{port}/ || exit 1; done"
    );
    let all = cluster.on("client", &script);
    all.lines().map(str::to_owned).collect()
}

/// By the source and its port; and as another is to stand in for the one that is chosen, none is refused where the
/// chosen one takes no more. A port serves once, because it is not free
/// again for a minute, and is none of those that the client would choose.
fn by_the_source(cluster: &Cluster, scheduler: &str, port: u16, first: u16) {
    let set = |words: &str| {
        let rs1 = format!("-t {VIP}:{port} -r 192.168.100.12 -g");
        cluster.on("lb1", &format!("ipvsadm -e {rs1} {words}"));
    };
    let count = |first: u16| {
        let answers = from_ports(cluster, port, first);
        answers.iter().filter(|name| *name == "rs1").count()
    };
    let share = count(first);
    assert!((1..8).contains(&share), "{scheduler}: {share} of 16 at rs1");
    set("-w 0");
    assert_eq!(count(first + 100), 0, "{scheduler}: at weight 0");
    // The threshold is looked at with each new connection: the first may still come through.
    set("-w 1 -x 1");
    let share = count(first + 200);
    assert!(
        share <= 1,
        "{scheduler}: {share} of 16 at rs1, which is full"
    );
    set("-w 1 -x 0");
}
