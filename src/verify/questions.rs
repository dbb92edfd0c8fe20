//! What checks ask beyond resources: one section of the one batched probe. Each process costs milliseconds on the
//! host, so that reads are merged. Nothing here changes a host: no file, no module, no rule. A real server asks its own
//! services, unless traffic is to be left out.

use std::net::IpAddr;

use crate::fact::Needs;
use crate::inventory::model::{Cluster, Host, Mode, Protocol, Service};
use crate::keepalived::CONFIGURATION;
use crate::resource::ipvs::KEEPALIVED;
use crate::shell::{heredoc, quote};
use crate::vrrp_state;

use super::{end_to_end, place, source};

/// The section's name.
pub const SECTION: &str = "audit";

/// Where systemd-sysctl(8) reads, the first folder winning over the same name in a later one.
pub const SYSCTL_FOLDERS: &[&str] = &[
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
];

/// Whether services are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    Sent,
    LeftOut,
}

/// Units that write the IPVS table.
pub const TABLE_WRITERS: [&str; 3] = ["ipvsadm.service", "ldirectord.service", KEEPALIVED];

/// The facts that checks need beyond those of resources.
pub fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if !host.is_director() {
        return;
    }
    let units = needs.unit.get_or_insert_default();
    units.extend(TABLE_WRITERS.map(str::to_owned));
    if cluster.keepalived {
        let files = needs.file.get_or_insert_default();
        files.insert(CONFIGURATION.to_owned());
    }
}

/// The text to be added to a host's probe.
pub fn of(cluster: &Cluster, host: &Host, traffic: Traffic) -> String {
    let mut text = format!(
        "section={SECTION}\npart clock\ndate +%s.%N\n{}",
        end_to_end::functions()
    );
    text.push_str(&settings());
    text.push_str(&routes(cluster, host));
    if cluster.serves(host) || host.is_director() {
        text.push_str(FIREWALL);
    }
    if place::services_of(cluster, host).next().is_some() {
        text.push_str(&listeners(cluster, host));
        if traffic == Traffic::Sent {
            text.push_str(&own_answers(cluster, host));
        }
    }
    if host.is_director() {
        text.push_str(DIRECTOR);
        if cluster.keepalived {
            text.push_str("part vrrp\n");
            text.push_str(vrrp_state::LOGGED);
        }
        text.push_str(&lro(host));
    }
    text
}

/// A tool that lists rules makes the kernel load what it lists from, so each is asked only where that is there. Files
/// of /proc have no size: they are read to know whether they are empty. A kernel without modules loads none. RHEL has but
/// one kind of tool, by its plain name.
const FIREWALL: &str = r#"part backend
iptables -V 2>/dev/null
read -r _ _ k _ </proc/version
there=$(grep -sE '^(filter|mangle|nat|raw|security|arpfilter)$|^nf_tables |/nf_tables\.ko' /proc/net/ip_tables_names \
/proc/net/ip6_tables_names /proc/net/arp_tables_names /proc/modules "/lib/modules/$k/modules.builtin" /dev/null)
[ -e /proc/modules ] || there="$there nf_tables"
save() { for t in "$@"; do if have "$t"; then "$t" -c 2>/dev/null; break; fi; done; }
case $there in */ip_tables_names:*) part legacy; save iptables-legacy-save iptables-save;; esac
case $there in */ip6_tables_names:*) part legacy-v6; save ip6tables-legacy-save ip6tables-save;; esac
case $there in */arp_tables_names:*) part arptables; if have arptables-legacy-save; then arptables-legacy-save; else arptables-save; fi 2>/dev/null;; esac
case $there in *nf_tables*)
case $(iptables -V 2>/dev/null) in *nf_tables*) plain=tables-save;; *) plain=-nft-save;; esac
part nft; save iptables-nft-save ip$plain
part nft-v6; save ip6tables-nft-save ip6$plain
part arptables-nft; for t in arptables-nft-save arp$plain; do if have $t; then $t 2>/dev/null; break; fi; done
part native; have nft && nft list ruleset 2>/dev/null;;
esac
one() { for t in "$@"; do if have "$t"; then return; fi; done; return 1; }
part unread
case $there in */ip_tables_names:*) one iptables-legacy-save iptables-save || echo iptables;; esac
case $there in */ip6_tables_names:*) one ip6tables-legacy-save ip6tables-save || echo ip6tables;; esac
"#;

/// `keepalived -t` starts nothing and writes nothing, and IPVS is only asked where it is loaded.
const DIRECTOR: &str = r#"part restores
if [ -e /etc/default/ipvsadm ]; then grep -s '^AUTO=' /etc/default/ipvsadm || echo AUTO=false; fi
if [ -e /proc/net/ip_vs ] && have ipvsadm; then
part statistics
ipvsadm -Ln --stats --exact 2>/dev/null
part timeouts
ipvsadm -Ln --timeout 2>/dev/null
part sync
ipvsadm -Ln --daemon 2>/dev/null
fi
if [ -e /etc/keepalived/keepalived.conf ] && [ -e /proc/net/ip_vs ] && have keepalived; then
part keepalived
keepalived -t -f /etc/keepalived/keepalived.conf 2>&1; printf '
status %s
' $?
fi
"#;

/// What has moved while clients asked: IPVS's counters, and those of mark rules. The kernel sums up the counters of
/// connections every 2 seconds, a loaded host later: they are read until they tell `connections`, which others may
/// add to, or until 8 seconds are over. One that does not hold the VIPs expects none, and is read when the kernel has
/// summed up once.
pub fn again(connections: u64, holds: bool) -> String {
    let least = if holds { 0 } else { 10 };
    format!(
        r#"if [ -e /proc/net/ip_vs ] && have ipvsadm; then
n=0
[ "$(cat /proc/sys/net/ipv4/vs/run_estimation 2>/dev/null)" != 0 ] || n=32
while :; do
s=$(ipvsadm -Ln --stats --exact 2>/dev/null)
t=$(printf '%s\n' "$s" | awk '$1 == "->" {{t += $3}} END {{printf "%.0f", t}}')
if {{ [ "$t" = {connections} ] && [ "$n" -ge {least} ]; }} || {{ [ "$t" -gt {connections} ] && [ "$n" -ge 10 ]; }} || [ "$n" -ge 32 ]; then break; fi
n=$((n + 1)); sleep 0.25; done
part statistics
printf '%s\n' "$s"
fi
case $(cat /proc/net/ip_tables_names 2>/dev/null) in *mangle*) part legacy; save iptables-legacy-save iptables-save;; esac
case $(cat /proc/net/ip6_tables_names 2>/dev/null) in *mangle*) part legacy-v6; save ip6tables-legacy-save ip6tables-save;; esac
case $(iptables -V 2>/dev/null) in *nf_tables*) part nft; save iptables-nft-save iptables-save; part nft-v6; save ip6tables-nft-save ip6tables-save;; esac
"#
    )
}

/// Shell functions that [`again`] needs.
pub fn functions() -> &'static str {
    r#"have() { command -v "$1" >/dev/null 2>&1; }
save() { for t in "$@"; do if have "$t"; then "$t" -c -t mangle 2>/dev/null; break; fi; done; }
"#
}

/// Large receive offload: ethtool tells it, and so does the kernel itself to whoever asks (ETHTOOL_GFLAGS).
fn lro(host: &Host) -> String {
    let mut text = String::new();
    for nic in &host.interfaces {
        let name = quote(&nic.name);
        text.push_str(&format!(
            "part lro {name}\nif have ethtool; then ethtool -k {name} 2>/dev/null | grep '^large-receive-offload'\n\
             elif have perl; then perl -MSocket -e '{LRO}' {name} 2>/dev/null; fi\n"
        ));
    }
    text
}

const LRO: &str = r#"socket(my $s, AF_INET, SOCK_DGRAM, 0); my $v = pack("II", 0x25, 0); my $r = pack("a16 P", $ARGV[0], $v); $r .= "\0" x (40 - length $r); ioctl($s, 0x8946, $r) or exit; print "large-receive-offload: ", ((unpack("II", $v))[1] & 0x8000) ? "on" : "off", "\n""#;

/// Running values of all interfaces, and what the files for the next boot say.
fn settings() -> String {
    let conf: Vec<String> = ["arp_ignore", "arp_announce", "rp_filter", "send_redirects"]
        .iter()
        .map(|name| format!("/proc/sys/net/ipv4/conf/*/{name}"))
        .collect();
    let globs: Vec<String> = SYSCTL_FOLDERS
        .iter()
        .map(|folder| format!("{folder}/*.conf"))
        .collect();
    format!(
        "part settings\ngrep -aHs '' {} /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/vs/conntrack /proc/sys/net/ipv4/vs/run_estimation /dev/null\n\
         part boot-files\nfor f in {globs}; do [ -e \"$f\" ] && printf '%s\\n' \"$f\"; done\n\
         part boot-lines\ngrep -aHsv -e '^[[:space:]]*[#;]' -e '^[[:space:]]*$' {globs} /dev/null\n",
        conf.join(" "),
        globs = globs.join(" "),
    )
}

/// Asks the routing table; no packet is sent.
fn routes(cluster: &Cluster, host: &Host) -> String {
    let mut asks: Vec<String> = Vec::new();
    for vip in cluster.service_vips() {
        asks.push(format!("route get {vip}"));
    }
    if cluster.serves(host) {
        let mut to: Vec<IpAddr> = place::clients(cluster).map(|c| c.address).collect();
        to.extend(place::OUTSIDE);
        for from in place::answers_from(cluster, host) {
            let near = to.iter().filter(|to| to.is_ipv4() == from.is_ipv4());
            asks.extend(near.map(|to| format!("route get {to} from {from}")));
        }
    }
    let to = source::asked(cluster, host).into_iter();
    asks.extend(to.map(|(to, _)| format!("route get {to}")));
    let lines = format!("{}\n", asks.join("\n"));
    // Without -force the first address that has no route ends the batch.
    let batch = heredoc("ip -j -force -batch - 2>/dev/null", &lines);
    format!("part routes\n{batch}")
}

/// Listening sockets. On a busy host most lines are connections, and are left out there.
fn listeners(cluster: &Cluster, host: &Host) -> String {
    let udp = place::services_of(cluster, host).any(|s| s.protocol == Protocol::Udp);
    let mut text = "[ -r /proc/net/tcp ] || part sockets-unread\npart listeners-tcp\ngrep -ahs ' 0A ' /proc/net/tcp /proc/net/tcp6\n".to_owned();
    if udp {
        text.push_str("part listeners-udp\ngrep -ahs ' 07 ' /proc/net/udp /proc/net/udp6\n");
    }
    text
}

/// A real server that asks for a VIP answers itself: that proves its listener, and nothing else. A director's question
/// would go where its IPVS sends it.
fn own_answers(cluster: &Cluster, host: &Host) -> String {
    let direct: Vec<&Service> = place::services_of(cluster, host)
        .filter(|s| s.mode != Mode::Nat && s.protocol == Protocol::Tcp)
        .filter(|_| !host.is_director())
        .collect();
    if direct.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for service in direct {
        for vip in &service.vips {
            let vip = vip.address;
            // A VIP that is not here would be asked of the director.
            text.push_str(&format!(
                "case $(ip -o addr show to {vip} 2>/dev/null) in ?*)\n"
            ));
            for port in service.known_ports() {
                text.push_str(&format!(
                    "part own {vip} {port}\n{}",
                    end_to_end::ask_once(service, vip, port)
                ));
            }
            text.push_str(";; esac\n");
        }
    }
    text
}
