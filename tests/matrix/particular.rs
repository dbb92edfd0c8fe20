//! What is particular to each topology, proven end to end on the running cluster.

use std::collections::BTreeSet;

use crate::capture::Capture;
use crate::harness::Cluster;

pub(crate) const VIP: &str = "http://192.168.100.200/";

/// Who answered, without repetition.
fn who(answers: &[String]) -> BTreeSet<&str> {
    answers.iter().map(String::as_str).collect()
}

fn both() -> BTreeSet<&'static str> {
    BTreeSet::from(["rs1", "rs2"])
}

/// The script that is left on hosts, and the commands that stop and start a node's part: no request is lost.
pub(crate) fn a_node_stops_and_starts(cluster: &Cluster) {
    let node = format!("/usr/local/sbin/lvsctl-{}", cluster.name);
    let script =
        format!("{node} status && {node} stop && ! {node} status && {node} start && {node} status");
    for host in ["rs1", "lb1"] {
        cluster.on(host, &script);
    }
    assert_eq!(who(&cluster.picks("client", VIP, 4)), both());
    cluster.lvsctl(&["stop", "--limit", "rs1"]).expect(0);
    assert!(!cluster.succeeds("rs1", "ip addr show dev lo | grep -q 192.168.100.200"));
    let answers = cluster.picks("client", VIP, 4);
    assert_eq!(who(&answers), BTreeSet::from(["rs2"]));
    cluster.lvsctl(&["start", "--limit", "rs1"]).expect(0);
    assert_eq!(who(&cluster.picks("client", VIP, 4)), both());
    assert_eq!(cluster.planned(), [""; 0]);
}

/// A master that is stopped hands over, and takes back when it is started.
pub(crate) fn a_master_stops_and_starts(cluster: &Cluster) {
    const WEB: &str = "http://192.168.189.145/";
    vip_with_its_prefix(cluster);
    let holds = |host: &str| {
        let script = "ip -4 addr show dev eth0 | grep -q 192.168.189.145";
        cluster.succeeds(host, script)
    };
    cluster.lvsctl(&["stop", "--limit", "lb1"]).expect(0);
    cluster.becomes("lb2 holds the VIP", || holds("lb2") && !holds("lb1"));
    cluster.picks("client", WEB, 4);
    cluster.lvsctl(&["start", "--limit", "lb1"]).expect(0);
    cluster.becomes("lb1 holds the VIP", || holds("lb1") && !holds("lb2"));
    cluster.picks("client", WEB, 4);
}

/// Each real server shows another folder, and only one of them may write.
pub(crate) fn pages_by_nfs(cluster: &Cluster) {
    cluster.on(
        "nfs",
        "echo one >/opt/web1/fresh.html && echo two >/opt/web2/fresh.html",
    );
    for (address, page) in [("192.168.100.12", "one"), ("192.168.100.13", "two")] {
        let url = format!("http://{address}/fresh.html");
        assert_eq!(cluster.ask("client", &url), page, "{address}");
    }
    // A client stays with its real server for a while, and so with its page.
    let answers = cluster.picks("client", &format!("{VIP}fresh.html"), 4);
    let page = BTreeSet::from([answers[0].as_str()]);
    assert!(["one", "two"].contains(&answers[0].as_str()));
    assert_eq!(who(&answers), page);
    one_may_write(cluster);
    cluster.on("nfs", "rm /opt/web1/fresh.html /opt/web2/fresh.html");
}

/// On the server both folders are writable for all users: only the export refuses.
fn one_may_write(cluster: &Cluster) {
    const WRITE: &str = "echo new >/var/www/html/written";
    const MOUNTED: &str = "grep -q ' /var/www/html nfs rw,' /proc/mounts";
    cluster.on("nfs", "chmod 777 /opt/web1 /opt/web2");
    assert!(!cluster.succeeds("rs1", MOUNTED));
    assert!(!cluster.succeeds("rs1", WRITE));
    cluster.on(
        "rs1",
        &format!("mount -o remount,rw /var/www/html && {MOUNTED}"),
    );
    let said = cluster.on(
        "rs1",
        &format!("LC_ALL=C; export LC_ALL; ({WRITE}) 2>&1 || :"),
    );
    assert!(said.contains("Read-only file system"), "{said}");
    cluster.on("rs1", "mount -o remount,ro /var/www/html");
    cluster.on("rs2", &format!("{MOUNTED} && {WRITE}"));
    cluster.on(
        "nfs",
        "test ! -e /opt/web1/written && grep -q new /opt/web2/written && rm /opt/web2/written && \
         chmod 755 /opt/web1 /opt/web2",
    );
}

fn vip_with_its_prefix(cluster: &Cluster) {
    cluster.on(
        "lb1",
        "ip -4 addr show dev eth0 | grep -q 'inet 192.168.189.145/24'",
    );
    let drop_in = format!("/etc/sysctl.d/90-lvsctl-{}.conf", cluster.name);
    for scope in ["all", "default", "lo"] {
        cluster.on(
            "rs1",
            &format!("grep -Eq '^-?net[./]ipv4[./]conf[./]{scope}[./]arp_ignore *= *1' {drop_in}"),
        );
    }
}

/// Clients ask for port 80, and real servers hear of 8080 alone. They answer by the director.
pub(crate) fn ports_are_mapped(cluster: &Cluster) {
    const REAL_SERVERS: [(&str, &str); 3] = [
        ("rs1", "10.10.10.10"),
        ("rs2", "10.10.10.20"),
        ("rs3", "10.10.10.30"),
    ];
    const BEGINNINGS: &str = "tcp[13] & 0x12 == 0x02 and (dst port 80 or dst port 8080)";
    let captures = REAL_SERVERS.map(|(host, address)| {
        cluster.on(
            "lb1",
            &format!("ipvsadm -Sn | grep -q -- '-r {address}:8080 -m'"),
        );
        // To anywhere outside, not to the client alone.
        for outside in ["192.168.122.20", "198.51.100.1"] {
            let script = format!("ip route get {outside} | grep -q ' via 10.10.10.1 '");
            cluster.on(host, &script);
        }
        (address, Capture::of(cluster, host, BEGINNINGS))
    });
    let answers = cluster.picks("client", "http://192.168.122.100/", 6);
    assert_eq!(who(&answers), BTreeSet::from(["rs1", "rs2", "rs3"]));
    for (address, capture) in captures {
        let seen = capture.end();
        let asked = format!("> {address}.8080: ");
        assert!(!seen.is_empty(), "{address} was not asked");
        assert!(
            seen.lines()
                .filter(|line| !line.is_empty())
                .all(|line| line.contains(" 192.168.122.20.") && line.contains(&asked)),
            "{address}:\n{seen}"
        );
    }
}

/// A capture on the director, whole and without promiscuous mode, has requests and not one answer.
pub(crate) fn answers_pass_the_director_by(cluster: &Cluster) {
    cluster.on(
        "lb1",
        "command -v tcpdump >/dev/null || apt-get -q install -y tcpdump >/dev/null 2>&1",
    );
    cluster.on(
        "lb1",
        "rm -f /tmp/seen; tcpdump -p -i eth0 -n -l -U tcp port 80 >/tmp/seen 2>/tmp/tcpdump & \
         until grep -q 'listening on' /tmp/tcpdump; do sleep 0.1; done; echo $! >/tmp/tcpdump.pid",
    );
    let answers = cluster.picks("client", "http://192.168.0.200/", 6);
    assert_eq!(who(&answers), both());
    let seen = cluster.on(
        "lb1",
        "kill -INT $(cat /tmp/tcpdump.pid); until grep -q 'dropped by kernel' /tmp/tcpdump; do sleep 0.1; done; cat /tmp/seen",
    );
    let requests = seen
        .lines()
        .filter(|line| line.contains("> 192.168.0.200.80"))
        .count();
    let replies = seen
        .lines()
        .filter(|line| line.contains("192.168.0.200.80 >"))
        .count();
    assert!(requests >= 12, "{requests} packets of requests\n{seen}");
    assert_eq!(replies, 0, "{seen}");
}

/// More than fits into one packet beside the tunnel's header, both ways.
pub(crate) fn large_requests_and_answers(cluster: &Cluster) {
    for host in ["rs1", "rs2"] {
        cluster.on(host, "head -c 1000000 /dev/zero >/var/www/html/large");
    }
    for _ in 0..2 {
        let size = cluster.on(
            "client",
            "curl -sf -m 20 -o /dev/null -w '%{size_download}' http://192.168.100.200/large",
        );
        assert_eq!(size, "1000000");
        let name = cluster.on(
            "client",
            "curl -sf -m 20 -H \"X-Large: $(head -c 6000 /dev/zero | tr '\\0' x)\" http://192.168.100.200/",
        );
        assert!(both().contains(name.trim()), "{name}");
    }
    for host in ["rs1", "rs2"] {
        cluster.on(host, "rm /var/www/html/large");
    }
}

/// Who a client reaches by http, https and ssh.
fn reached(cluster: &Cluster, client: &str) -> String {
    let mut answers = vec![
        cluster.ask(client, VIP),
        cluster.ask(client, "https://192.168.100.200/"),
    ];
    let key = cluster.on(
        client,
        "ssh-keyscan -t ed25519 192.168.100.200 2>/dev/null | cut -d' ' -f3",
    );
    let owner = ["rs1", "rs2"].into_iter().find(|rs| {
        let own = cluster.on(rs, "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub");
        own.trim() == key.trim()
    });
    answers.push(owner.unwrap_or("no real server").to_owned());
    assert_eq!(who(&answers).len(), 1, "{client}: {answers:?}");
    answers.remove(0)
}

pub(crate) fn one_real_server_on_every_port(cluster: &Cluster) {
    let one = reached(cluster, "client1");
    let other = reached(cluster, "client2");
    assert_ne!(one, other);
}

pub(crate) fn a_mark_and_ssh_beside_it(cluster: &Cluster) {
    let web = cluster.ask("client", VIP);
    for _ in 0..3 {
        assert_eq!(cluster.tcp("client", "192.168.100.200", 3306), web);
    }
    let keys: BTreeSet<String> = (0..4)
        .map(|_| {
            cluster.on(
                "client",
                "ssh-keyscan -t ed25519 192.168.100.200 2>/dev/null | cut -d' ' -f3",
            )
        })
        .collect();
    assert_eq!(keys.len(), 2, "ssh follows the mark");
    a_range_follows_the_mark(cluster, &web);
}

/// As with passive FTP: a server listens on some port of the range when it needs one.
fn a_range_follows_the_mark(cluster: &Cluster, web: &str) {
    const LISTEN: &str = "systemd-run -q --unit=data socat -t 5 TCP4-LISTEN:30050,reuseaddr,fork SYSTEM:hostname && \
                          until ss -Hltn sport = :30050 | grep -q .; do sleep 0.1; done";
    let rules = cluster.on("lb1", "iptables-save -t mangle");
    assert!(rules.contains("--dports 80,3306,30000:30100 "), "{rules}");
    for host in ["rs1", "rs2"] {
        cluster.on(host, LISTEN);
    }
    for _ in 0..3 {
        assert_eq!(cluster.tcp("client", "192.168.100.200", 30050), web);
    }
    for host in ["rs1", "rs2"] {
        cluster.on(host, "systemctl stop data");
    }
}

pub(crate) fn sorry_page(cluster: &Cluster) {
    let answer = |names: &[&str]| names.contains(&cluster.try_ask("client", VIP).as_str());
    for host in ["rs1", "rs2"] {
        cluster.on(host, "systemctl stop nginx");
    }
    cluster.becomes("the sorry page answers", || answer(&["lb1"]));
    let planned = cluster.planned();
    assert_eq!(
        planned,
        ["rs1 unit nginx.service", "rs2 unit nginx.service"]
    );
    let status = cluster.lvsctl(&["status"]).expect(0).stdout;
    assert!(
        status.contains("rs1: taken out ")
            && status.contains(" ago by its tcp check, port 80: TCP_CHECK on service"),
        "{status}"
    );
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    cluster.becomes("the real servers answer", || answer(&["rs1", "rs2"]));
    assert_eq!(who(&cluster.picks("client", VIP, 4)), both());
    checks_change_while_the_sorry_page_stands_in(cluster);
    sorry_host(cluster);
}

/// keepalived that reads other checks while the sorry server stands in leaves it beside the real servers (2.2.7). The same
/// run has it taken out, and at the next outage it stands in again.
fn checks_change_while_the_sorry_page_stands_in(cluster: &Cluster) {
    const DIRECTORS: [&str; 2] = ["lb1", "lb2"];
    const RULE: &str = "OUTPUT -p tcp -d 192.168.100.12/31 --dport 80 -j DROP";
    const FOLDER: &str = "/etc/systemd/system/keepalived.service.d";
    let stands_in = || {
        DIRECTORS
            .iter()
            .all(|host| cluster.succeeds(host, "ipvsadm -Sn | grep -q '127.0.0.1:80'"))
    };
    let is_out = || {
        DIRECTORS
            .iter()
            .all(|host| !cluster.succeeds(host, "ipvsadm -Sn | grep -q '127.0.0.1:80'"))
    };
    for host in DIRECTORS {
        // The real servers are well again just when keepalived reads its configuration.
        cluster.on(
            host,
            &format!(
                "iptables -I {RULE} && mkdir -p {FOLDER} && printf '%s\\n' '[Service]' 'ExecReload=' \
                 'ExecReload=-/usr/sbin/iptables -D {RULE}' 'ExecReload=/bin/kill -HUP $MAINPID' >{FOLDER}/test.conf && \
                 systemctl daemon-reload"
            ),
        );
    }
    cluster.becomes("the sorry page stands in", stands_in);
    cluster.edit("connect_timeout: 2", "connect_timeout: 3");
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    assert!(is_out(), "the sorry server is beside the real servers");
    assert_eq!(cluster.planned(), [""; 0]);
    for host in DIRECTORS {
        let script = format!("iptables -I {RULE}");
        cluster.on(host, &script);
    }
    cluster.becomes("the sorry page stands in once more", stands_in);
    for host in DIRECTORS {
        let script = format!("iptables -D {RULE}; rm -r {FOLDER} && systemctl daemon-reload");
        cluster.on(host, &script);
    }
    cluster.becomes("the real servers are back", is_out);
    // What has just come back is no finding.
    cluster.lvsctl(&["verify"]).expect(0);
    cluster.edit("connect_timeout: 3", "connect_timeout: 2");
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
}

/// A host that is no director has to be set up as a real server: it holds the VIP, and is silent about it.
fn sorry_host(cluster: &Cluster) {
    const OWN: &str = "sorry_server: 127.0.0.1";
    const HOST: &str = "sorry_server: 192.168.100.30";
    let holds =
        |host: &str| cluster.succeeds(host, "ip addr show dev lo | grep -q 192.168.100.200/32");
    assert!(!holds("sorry"));
    cluster.edit(OWN, HOST);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    cluster.lvsctl(&["verify"]).expect(0).says("0 findings");
    assert!(holds("sorry"));
    for host in ["rs1", "rs2"] {
        cluster.on(host, "systemctl stop nginx");
    }
    let answers = |names: &[&str]| names.contains(&cluster.try_ask("client", VIP).as_str());
    cluster.becomes("the sorry server answers", || answers(&["sorry"]));
    assert_eq!(
        who(&cluster.picks("client", VIP, 4)),
        BTreeSet::from(["sorry"])
    );
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    cluster.becomes("the real servers answer", || answers(&["rs1", "rs2"]));
    // What is missing on it is found.
    cluster.on("sorry", "ip addr del 192.168.100.200/32 dev lo");
    cluster
        .lvsctl(&["verify"])
        .expect(3)
        .says("address 192.168.100.200/32 dev lo");
    cluster.edit(HOST, OWN);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    assert!(!holds("sorry"));
}

pub(crate) fn vip_follows_the_web_server(cluster: &Cluster) {
    const WEB: &str = "http://192.168.189.150/";
    cluster.becomes("web1 answers", || cluster.try_ask("client", WEB) == "web1");
    // One restart repairs what a restart can repair.
    let main = || cluster.on("web1", "systemctl show --property MainPID --value nginx");
    let before = main();
    // A job that stops it would be cancelled by the restart.
    cluster.on("web1", "systemctl kill nginx");
    cluster.becomes("nginx was restarted", || {
        cluster.succeeds("web1", "systemctl is-active --quiet nginx") && main() != before
    });
    assert_eq!(cluster.ask("client", WEB), "web1");
    cluster.on(
        "web1",
        "systemctl mask --runtime --quiet nginx; systemctl stop nginx",
    );
    cluster.becomes("web2 answers", || cluster.try_ask("client", WEB) == "web2");
    cluster.on(
        "web1",
        "systemctl unmask --runtime --quiet nginx; systemctl start nginx",
    );
    cluster.becomes("web1 answers again", || {
        cluster.try_ask("client", WEB) == "web1"
    });
}

pub(crate) fn static_neighbour(cluster: &Cluster) {
    let entry = cluster.on("router", "ip neigh show 192.168.0.200 dev eth1");
    assert!(
        entry.contains("52:54:00:c0:a8:32") && entry.contains("PERMANENT"),
        "{entry}"
    );
    for host in ["rs1", "rs2"] {
        assert_eq!(
            cluster
                .on(host, "cat /proc/sys/net/ipv4/conf/all/arp_ignore")
                .trim(),
            "0"
        );
    }
    assert_eq!(
        who(&cluster.picks("client", "http://192.168.0.200/", 6)),
        both()
    );
}

pub(crate) fn udp_and_several_services(cluster: &Cluster) {
    for vip in ["192.168.100.200", "192.168.100.201"] {
        let answers: Vec<String> = (0..6).map(|_| cluster.udp("client", vip, 5353)).collect();
        assert_eq!(who(&answers), both(), "udp {vip}: {answers:?}");
        for scheme in ["http", "https"] {
            assert_eq!(
                who(&cluster.picks("client", &format!("{scheme}://{vip}/"), 4)),
                both()
            );
        }
    }
    one_mark_over_both_vips(cluster);
    let names: Vec<String> = (0..4)
        .map(|_| cluster.tcp("client", "192.168.100.201", 3306))
        .collect();
    assert_eq!(who(&names), both());
}

/// One service of two VIPs and two ports. Its round robin goes on from one to the next: with a service for each, both
/// rounds would begin with the same real server.
fn one_mark_over_both_vips(cluster: &Cluster) {
    let table = cluster.on("lb1", "ipvsadm -Sn");
    assert!(table.contains("-A -f 16 -s rr"), "{table}");
    for port in [3307, 3308] {
        assert!(!table.contains(&format!(":{port} -s ")), "{table}");
    }
    let targets = [
        ("192.168.100.200", 3307),
        ("192.168.100.201", 3307),
        ("192.168.100.200", 3308),
    ];
    let answers: Vec<String> = (0..4)
        .flat_map(|_| targets)
        .map(|(vip, port)| cluster.tcp("client", vip, port))
        .collect();
    let alternate = answers.windows(2).all(|two| two[0] != two[1]);
    assert!(alternate, "{answers:?}");
    assert_eq!(who(&answers), both());
    let last = cluster.tcp("client", "192.168.100.201", 3308);
    assert_ne!(Some(&last), answers.last());
}

pub(crate) fn both_families(cluster: &Cluster) {
    for url in [VIP, "http://[fd00:100::200]/"] {
        assert_eq!(who(&cluster.picks("client", url, 4)), both(), "{url}");
    }
}

/// A director that loses its inner side gives the outer one up too.
pub(crate) fn both_sides_move(cluster: &Cluster) {
    const WEB: &str = "http://192.168.122.100/";
    let holds = |host: &str| {
        ["192.168.122.100", "10.10.10.1"]
            .map(|vip| cluster.succeeds(host, &format!("ip -4 -o addr show | grep -q ' {vip}/'")))
    };
    let moved = |from: &str, to: &str| {
        cluster.becomes(&format!("{to} holds both VIPs, {from} none"), || {
            holds(to) == [true, true] && holds(from) == [false, false]
        });
    };
    moved("lb2", "lb1");
    cluster.on("lb1", "ip link set eth1 down");
    moved("lb1", "lb2");
    cluster.becomes("lb2 serves", || !cluster.try_ask("client", WEB).is_empty());
    assert_eq!(who(&cluster.picks("client", WEB, 4)), both());
    cluster.on("lb1", "ip link set eth1 up");
    moved("lb2", "lb1");
    cluster.becomes("lb1 serves", || !cluster.try_ask("client", WEB).is_empty());
    assert_eq!(who(&cluster.picks("client", WEB, 4)), both());
}
