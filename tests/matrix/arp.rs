//! The ARP problem's other answer: arptables. The sysctls stay as they were: the rules alone keep real servers silent.

use crate::capture::Capture;
use crate::harness::Cluster;

const VIP: &str = "192.168.100.200";
const CLIENT: &str = "192.168.100.20";
const REAL_SERVERS: [(&str, &str); 2] = [("rs1", "192.168.100.12"), ("rs2", "192.168.100.13")];

pub(crate) fn rules_of_arptables(cluster: &Cluster) {
    for (host, _) in REAL_SERVERS {
        for setting in ["arp_ignore", "arp_announce"] {
            let path = format!("/proc/sys/net/ipv4/conf/all/{setting}");
            assert_eq!(cluster.on(host, &format!("cat {path}")).trim(), "0");
        }
    }
    the_director_alone_answers(cluster);
    for (host, address) in REAL_SERVERS {
        asks_in_its_own_name(cluster, host, address);
    }
}

fn mac(cluster: &Cluster, host: &str) -> String {
    let text = cluster.on(host, "cat /sys/class/net/eth0/address");
    text.trim().to_owned()
}

fn the_director_alone_answers(cluster: &Cluster) {
    let answers = cluster.on(
        "client",
        &format!(
            "arping -c 3 -I eth0 {VIP} | grep -o '\\[..:..:..:..:..:..\\]' | tr -d '[]' | sort -u"
        ),
    );
    assert_eq!(answers.trim().to_lowercase(), mac(cluster, "lb1"));
}

/// A real server that has forgotten the client must look for it before it can answer. The answer is the VIP's, but the
/// question must not be: who hears it would take this real server for the VIP's holder.
fn asks_in_its_own_name(cluster: &Cluster, host: &str, address: &str) {
    let own = mac(cluster, host);
    let asks = format!("who-has {CLIENT} tell {address}");
    let capture = Capture::of(cluster, "client", "arp");
    cluster.on(host, &format!("ip neigh flush to {CLIENT} dev eth0"));
    let url = format!("http://{VIP}/");
    assert!(cluster.picks("client", &url, 2).contains(&host.to_owned()));
    cluster.becomes(&format!("{host} looks for the client"), || {
        capture.has(&asks)
    });
    let seen = capture.end();
    let of_it: Vec<&str> = seen.lines().filter(|line| line.contains(&own)).collect();
    assert!(of_it.iter().any(|line| line.contains(&asks)), "{seen}");
    for claim in [format!("tell {VIP}"), format!("Reply {VIP} is-at")] {
        assert!(!of_it.iter().any(|line| line.contains(&claim)), "{seen}");
    }
}
