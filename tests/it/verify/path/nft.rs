//! Tables of nft(8) itself.

use super::{DR, HOSTS, bad, mine};
use crate::verify::made::verify;

/// Tables of nft(8) itself.
const NFT: &[(&str, &str, &str, &str)] = &[
    (
        "lb1",
        "table inet f { # handle 1\n\tchain in { # handle 1\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 80 drop # handle 5\n\t}\n}\n",
        "firewall-vip",
        "`nft delete rule inet f in handle 5`",
    ),
    (
        "lb2",
        "table ip f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr != 10.0.0.0/8 tcp dport { 80, 443 } reject # handle 9\n\t}\n}\n",
        "firewall-vip",
        "handle 9",
    ),
    (
        "lb1",
        "table ip f {\n\tset bad {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 203.0.113.0/24,\n\t\t\t198.51.100.1 }\n\t}\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr @bad drop # handle 9\n\t}\n}\n",
        "firewall-vip",
        "handle 9",
    ),
    (
        "lb2",
        "table ip f {\n\tchain pre {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\tip daddr 192.168.100.200 dnat to 10.9.9.9 # handle 3\n\t}\n}\n",
        "nat-rules",
        "handle 3",
    ),
    (
        "rs1",
        "table inet f {\n\tchain out {\n\t\ttype filter hook output priority filter; policy drop;\n\t\tip daddr 192.168.0.0/16 accept\n\t}\n}\n",
        "firewall-vip",
        "`nft chain inet f out '{ policy accept ; }'`",
    ),
    (
        "rs1",
        "table netdev f {\n\tchain in {\n\t\ttype filter hook ingress device \"eth0\" priority filter; policy accept;\n\t\tip daddr 192.168.100.200 drop # handle 2\n\t}\n}\n",
        "firewall-vip",
        "handle 2",
    ),
    (
        "lb1",
        "table inet f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport vmap { 22 : accept, 80 : drop } # handle 4\n\t}\n}\n",
        "firewall-vip",
        "handle 4",
    ),
    (
        "lb1",
        "table inet f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tjump web\n\t}\n\tchain web {\n\t\ttcp flags & (fin | syn | rst | ack) == syn numgen random mod 10 < 3 drop # handle 4\n\t}\n}\n",
        "firewall-vip",
        "handle 4",
    ),
    (
        "lb2",
        "table inet f {\n\tchain post {\n\t\ttype filter hook postrouting priority filter; policy accept;\n\t\tip protocol 112 drop # handle 4\n\t}\n}\n",
        "firewall-vrrp",
        "handle 4",
    ),
    (
        "rs2",
        "table arp f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tarp saddr ip 192.168.100.0/28 drop # handle 4\n\t}\n}\n",
        "arptables-rip",
        "handle 4",
    ),
    (
        "lb1",
        "table inet f {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip daddr 192.168.100.200 limit rate over 5/second drop # handle 4\n\t}\n}\n",
        "firewall-vip",
        "handle 4",
    ),
];

#[test]
fn tables_of_nft_on_every_host() {
    for (host, text, check, fix) in NFT {
        let findings = verify(DR, HOSTS, host, &[("firewall native", text)]);
        let bad = bad(&findings);
        let found = bad.iter().find(|f| f.check.id == *check);
        let found = found.unwrap_or_else(|| panic!("{host} {text}: {:#?}", mine(&findings)));
        assert_eq!(found.host, *host, "{text}");
        assert!(found.fix.contains(fix), "{text}: {}", found.fix);
    }
}
