//! Web servers to which no service sends requests: their pages, and the way of clients to them.

use lvsctl::check::{self, Asking};

use crate::verify::made::{Made, cluster, of, verify};

const INVENTORY: &str = "
cluster: made
networks: { lan: 10.0.0.0/24 }
defaults: { interface: eth0 }
hosts:
  web1: { role: [director, web], address: 10.0.0.1 }
  web2: { role: [backup, web], address: 10.0.0.2 }
  client: { role: client, address: 10.0.0.9 }
vrrp: { virtual_router_id: 10, vips: 10.0.0.5 }
";

/// A service whose real servers have the role `web` too, beside a host that has it alone, and a VIP that is a gateway.
const NAT: &str = "
cluster: made
networks: { lan: 10.0.0.0/24, inside: 10.1.0.0/24 }
hosts:
  lb1: { role: [director, web], interfaces: { eth0: 10.0.0.1, eth1: 10.1.0.1 } }
  lb2: { role: backup, interfaces: { eth0: 10.0.0.2, eth1: 10.1.0.2 } }
  rs1: { role: [realserver, web], address: 10.1.0.11, gateway: 10.1.0.5 }
  spare: { role: web, address: 10.1.0.12 }
  mail: { role: answer, address: 10.1.0.13 }
vrrp:
  outside: { virtual_router_id: 10, vips: 10.0.0.5 }
  inside: { virtual_router_id: 11, vips: 10.1.0.5 }
services:
  web: { vip: 10.0.0.5, port: 80, real_port: 8080, mode: nat, real_servers: [rs1] }
";

const RUNS: (&str, &str) = (
    "unit show",
    "Id=nginx.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled",
);

const WEB2: Made = Made {
    host: "web2",
    links: &[("eth0", 1500, &["10.0.0.2/24"])],
    facts: &[RUNS, ("own-answer page 10.0.0.2", RIGHT)],
};

const RIGHT: &str = "@lvsctl-e2e text=0 code=200 new=1 exit=0 err=\tweb2";

#[test]
fn a_page_that_is_not_the_hosts_is_found() {
    let fix = "fix: see `nginx -T` and nginx's error log on web2";
    let bad = |expected: &str, found: &str| {
        format!("web2: http://10.0.0.2/: expected {expected}, found {found}, {fix}")
    };
    let named = "status 200 and the page web2";
    for (about, mounts, answer, want) in [
        ("as it should be", false, RIGHT, None),
        (
            "an error page",
            false,
            "@lvsctl-e2e code=500 new=1 exit=0 err=\t<html>",
            Some(bad(named, "status 500 and the first line <html>")),
        ),
        (
            "nginx's own page",
            false,
            "@lvsctl-e2e code=200 new=1 exit=0 err=\tWelcome to nginx!",
            Some(bad(
                named,
                "status 200 and the first line Welcome to nginx!",
            )),
        ),
        (
            "no page",
            false,
            "@lvsctl-e2e code=200 new=1 exit=0 err=\t",
            Some(bad(named, "status 200 and an empty page")),
        ),
        (
            "nothing listens",
            false,
            "@lvsctl-e2e code=000 exit=7 err=Connection refused",
            Some(bad(named, "Connection refused")),
        ),
        (
            "nothing came back",
            false,
            "",
            Some(bad(named, "no answer")),
        ),
        (
            "no tool",
            false,
            "@lvsctl-e2e none",
            Some(
                "web2: note: http://10.0.0.2/ was not looked at: neither curl nor bash is there"
                    .to_owned(),
            ),
        ),
        (
            "a page of an NFS server",
            true,
            "@lvsctl-e2e code=200 new=1 exit=0 err=\tWelcome to nginx!",
            None,
        ),
        (
            "none of an NFS server",
            true,
            "@lvsctl-e2e code=403 new=1 exit=0 err=\t<html>",
            Some(bad("status 200", "status 403 and the first line <html>")),
        ),
    ] {
        let nfs = "  nfs: { role: nfs, address: 10.0.0.8, exports: [{ path: /srv/a, to: web2, at: /var/www/html }] }\n";
        let inventory = if mounts {
            INVENTORY
                .replace("[backup, web]", "[backup, web, nfs-client]")
                .replace("vrrp:", &format!("{nfs}vrrp:"))
        } else {
            INVENTORY.to_owned()
        };
        let more = [("own-answer page 10.0.0.2", answer)];
        let findings = verify(&inventory, &[WEB2], "web2", &more);
        let want: Vec<String> = want.into_iter().collect();
        assert_eq!(of(&findings, "web-page"), want, "{about}");
    }
}

/// What the host asks goes past the rules for what comes in, and may be sent elsewhere by others.
#[test]
fn a_request_that_is_redirected_proves_nothing() {
    let rules = "*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128\nCOMMIT";
    let more = [
        (
            "own-answer page 10.0.0.2",
            "@lvsctl-e2e code=403 exit=0 err=\tproxy",
        ),
        ("firewall legacy", rules),
    ];
    let found = of(&verify(INVENTORY, &[WEB2], "web2", &more), "web-page");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(
            "web2: note: http://10.0.0.2/: skipped: the host's request is redirected by"
        ),
        "{found:?}"
    );
}

/// The roles of a user may be others by the same name.
#[test]
fn a_server_that_the_roles_do_not_install_is_left_alone() {
    let more = [
        ("unit show", ""),
        (
            "own-answer page 10.0.0.2",
            "@lvsctl-e2e code=000 exit=7 err=Connection refused",
        ),
    ];
    let found = of(&verify(INVENTORY, &[WEB2], "web2", &more), "web-page");
    assert_eq!(
        found,
        ["web2: note: http://10.0.0.2/: skipped: its roles install no page of nginx"]
    );
}

#[test]
fn a_packet_filter_that_drops_requests_at_the_vip_is_found() {
    let rules =
        |rule: &str| format!("*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rule}\nCOMMIT");
    for (about, rule, drops) in [
        ("nothing", "", None),
        (
            "requests",
            "-A INPUT -p tcp -m tcp --dport 80 -j DROP",
            Some(""),
        ),
        (
            "requests of some",
            "-A INPUT -s 10.0.0.0/24 -p tcp -m tcp --dport 80 -j DROP",
            Some(", for clients from "),
        ),
        (
            "requests from elsewhere",
            "-A INPUT ! -s 10.0.0.0/24 -p tcp -m tcp --dport 80 -j DROP",
            Some(", for clients from elsewhere"),
        ),
        (
            "requests for the VIP",
            "-A INPUT -d 10.0.0.5/32 -j REJECT",
            Some(""),
        ),
        (
            "replies",
            "-A OUTPUT -p tcp -m tcp --sport 80 -j DROP",
            Some(""),
        ),
        (
            "another port",
            "-A INPUT -p tcp -m tcp --dport 443 -j DROP",
            None,
        ),
        (
            "the host's address",
            "-A INPUT -d 10.0.0.2/32 -p tcp -m tcp --dport 80 -j DROP",
            None,
        ),
        ("another interface", "-A INPUT -i eth1 -j DROP", None),
        (
            "all but what is of use",
            "-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT\n-A INPUT -j DROP",
            None,
        ),
    ] {
        let more = [("firewall legacy", &*rules(rule))];
        let found = of(&verify(INVENTORY, &[WEB2], "web2", &more), "firewall-vip");
        let Some(whom) = drops else {
            assert_eq!(found, [""; 0], "{about}");
            continue;
        };
        assert_eq!(found.len(), 1, "{about}: {found:?}");
        let begins = format!(
            "web2: web pages at 10.0.0.5 port 80: expected packets of web pages at 10.0.0.5 port 80 to pass the firewall{whom}"
        );
        assert!(found[0].starts_with(&begins), "{about}: {found:?}");
        assert!(
            found[0].contains("found dropped by the rule"),
            "{about}: {found:?}"
        );
    }
}

#[test]
fn requests_are_followed_where_a_rule_redirects_them() {
    let nat = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8081\nCOMMIT";
    for (dropped, count) in [(80, 0), (8081, 1)] {
        let filter = format!(
            "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport {dropped} -j DROP\nCOMMIT"
        );
        let more = [("firewall legacy", &*format!("{nat}\n{filter}"))];
        let found = of(&verify(INVENTORY, &[WEB2], "web2", &more), "firewall-vip");
        assert_eq!(found.len(), count, "{dropped}: {found:?}");
    }
}

#[test]
fn a_gateway_or_the_vip_of_a_service_has_no_pages() {
    let lb1 = Made {
        host: "lb1",
        links: &[
            ("eth0", 1500, &["10.0.0.1/24", "10.0.0.5/32"]),
            ("eth1", 1500, &["10.1.0.1/24", "10.1.0.5/32"]),
        ],
        facts: &[(
            "firewall legacy",
            "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i eth1 -p tcp -m tcp --dport 80 -j DROP\nCOMMIT",
        )],
    };
    let found = of(&verify(NAT, &[lb1], "", &[]), "firewall-vip");
    assert_eq!(found, [""; 0]);
}

#[test]
fn hosts_are_asked_for_pages_that_no_service_has() {
    for (inventory, host, asking, asks) in [
        (INVENTORY, "web1", Asking::Allowed, true),
        (INVENTORY, "web2", Asking::Allowed, true),
        (INVENTORY, "web2", Asking::LeftOut, false),
        (INVENTORY, "client", Asking::Allowed, false),
        (NAT, "lb1", Asking::Allowed, true),
        (NAT, "lb2", Asking::Allowed, false),
        (NAT, "rs1", Asking::Allowed, false),
        (NAT, "spare", Asking::Allowed, true),
        (NAT, "mail", Asking::Allowed, false),
    ] {
        let cluster = cluster(inventory);
        let of_host = cluster.hosts.iter().find(|h| h.name == host).unwrap();
        let script = check::questions(&cluster, of_host, asking);
        assert_eq!(script.contains("\npart page "), asks, "{host} {asking:?}");
    }
}
