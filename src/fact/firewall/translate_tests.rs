use super::*;

/// A family, a line of `nft list ruleset`, and the rules that it stands for.
const RULES: &[(&str, &str, &str)] = &[
    ("ip", "drop", "-j DROP"),
    (
        "ip",
        "tcp dport 80 counter packets 1 bytes 60 drop",
        "-p tcp --dports 80 -j DROP",
    ),
    (
        "inet",
        "ip saddr != 10.0.0.0/8 drop",
        "--family 4 ! -s 10.0.0.0/8 -j DROP",
    ),
    (
        "ip",
        "ip saddr { 10.0.0.0/8, 192.168.1.1 } tcp dport { 80, 8000-8010 } reject with tcp reset",
        "-s 10.0.0.0/8,192.168.1.1 -p tcp --dports 80,8000:8010 -j REJECT",
    ),
    ("ip", "ip saddr @bad drop", "--match-set bad src -j DROP"),
    (
        "ip",
        "iifname \"eth*\" oifname != \"eth1\" accept",
        "-i eth+ ! -o eth1 -j ACCEPT",
    ),
    (
        "ip",
        "ct state established,related accept",
        "--ctstate ESTABLISHED,RELATED -j ACCEPT",
    ),
    (
        "ip",
        "ct state vmap { established : accept, invalid : drop, new : jump fresh }",
        "--ctstate ESTABLISHED -j ACCEPT; --ctstate INVALID -j DROP; --ctstate NEW -j fresh",
    ),
    (
        "ip",
        "tcp dport vmap { 22 : accept, 80 : goto web }",
        "-p tcp --dports 22 -j ACCEPT; -p tcp --dports 80 -g web",
    ),
    (
        "ip",
        "tcp flags & (fin | syn | rst | ack) == syn drop",
        "-p tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
    ),
    (
        "ip",
        "tcp flags syn / fin,syn,rst,ack drop",
        "-p tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
    ),
    (
        "ip6",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
        "-p icmpv6 --icmpv6-type nd-neighbor-solicit,nd-neighbor-advert -j ACCEPT",
    ),
    ("ip", "tcp flags psh drop", "-p tcp --flags-any PSH -j DROP"),
    (
        "ip",
        "limit rate over 5/second burst 5 packets drop",
        "--limit -j DROP",
    ),
    (
        "ip",
        "numgen random mod 10 < 3 drop",
        "--probability -j DROP",
    ),
    ("ip", "log prefix \"drop all: \" level warn drop", "-j DROP"),
    (
        "ip",
        "tcp dport 80 redirect to :8081",
        "-p tcp --dports 80 -j REDIRECT --to-ports 8081",
    ),
    (
        "ip",
        "ip daddr 10.0.0.1 tcp dport 80 dnat to 10.0.0.7:8080",
        "-d 10.0.0.1 -p tcp --dports 80 -j DNAT --to-destination 10.0.0.7:8080",
    ),
    (
        "inet",
        "tcp dport 80 dnat ip to 10.0.0.7",
        "-p tcp --dports 80 -j DNAT --to-destination 10.0.0.7",
    ),
    ("ip", "meta l4proto { tcp, udp } drop", "-p tcp,udp -j DROP"),
    (
        "ip",
        "meta mark set 0x0000000a accept",
        "-j MARK --set-mark 0x0000000a; -j ACCEPT",
    ),
    ("ip", "notrack", "-j NOTRACK"),
    (
        "arp",
        "arp operation reply arp saddr ip 10.0.0.0/24 drop",
        "--opcode 2 -s 10.0.0.0/24 -j DROP",
    ),
    ("netdev", "ether type arp drop", "--family arp -j DROP"),
    (
        "ip",
        "ip saddr . tcp dport { 10.0.0.1 . 80 } drop",
        "--nft -j DROP",
    ),
    (
        "ip",
        "fib saddr . iif oif missing drop",
        "--rpfilter -j DROP",
    ),
    (
        "ip",
        "fib daddr type local accept",
        "--dst-type LOCAL -j ACCEPT",
    ),
    ("ip", "meta skuid 0 drop", "--uid-owner -j DROP"),
    (
        "ip",
        "update @seen { ip saddr limit rate over 10/second } drop",
        "--hashlimit -j DROP",
    ),
    (
        "ip",
        "ct count over 20 reject",
        "--connlimit-above -j REJECT",
    ),
    ("ip", "vrrp-like something drop", "--nft-vrrp-like -j DROP"),
    ("ip", "accept comment \"web\"", "-j ACCEPT"),
];

#[test]
fn rules_in_words_of_iptables() {
    for (family, line, want) in RULES {
        let found: Vec<String> = rules(family, line).iter().map(|w| w.join(" ")).collect();
        assert_eq!(found.join("; "), *want, "{line}");
    }
}
