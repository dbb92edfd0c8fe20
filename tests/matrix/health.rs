//! Real servers that fail their health check: only these leave the service, no request fails, and they return.

use std::time::{Duration, Instant};

use crate::harness::Cluster;

/// Whether the web server may read its page.
const HIDE: &str = "chmod 000 /var/www/html/index.html";
const SHOW: &str = "chmod 644 /var/www/html/index.html";

/// The state of a real server in each service, as `status` has it.
fn states(cluster: &Cluster, real_server: &str) -> Vec<String> {
    let status = cluster.status();
    let services = status["services"].as_array().expect("services");
    let all = services.iter().filter_map(|s| s["real_servers"].as_array());
    all.flatten()
        .filter(|rs| rs["host"] == real_server)
        .map(|rs| rs["state"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[track_caller]
fn awaits(cluster: &Cluster, real_server: &str, state: &str) {
    cluster.becomes(&format!("{real_server} is {state}"), || {
        states(cluster, real_server).iter().all(|s| s == state)
    });
}

/// So many requests, of which none may fail, are answered by one real server alone.
#[track_caller]
pub(crate) fn only(cluster: &Cluster, url: &str, real_server: &str) {
    let answers = cluster.picks("client", url, 6);
    assert!(answers.iter().all(|a| a == real_server), "{answers:?}");
}

/// The checker asks the page for its text: a web server that answers with another one is not well.
pub(crate) fn our_checker_asks_for_the_text(cluster: &Cluster) {
    const PAGE: &str = "/var/www/html/.health.html";
    let health = format!("lvsctl-{}-health", cluster.name);
    let log = || cluster.on("lb1", &format!("journalctl -o cat -u {health}"));
    let began = Instant::now();
    cluster.on("rs2", &format!("echo BAD >{PAGE}"));
    awaits(cluster, "rs2", "unhealthy");
    // Three answers, two seconds from one to the next; the rest is what a loaded machine takes.
    assert!(began.elapsed() < Duration::from_secs(30), "{}", log());
    only(cluster, crate::particular::VIP, "rs1");
    let planned = cluster.planned();
    assert_eq!(planned, [format!("rs2 file {PAGE}")]);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    awaits(cluster, "rs2", "up");
    for line in [
        "down, 1 of 3 (soft)",
        "down, 2 of 3 (soft)",
        "down, 3 of 3 (soft)",
        "down (hard), weight 0",
        "up, 1 of 2 (soft)",
        "up, 2 of 2 (soft)",
        "up (hard), weight 2",
    ] {
        assert!(log().contains(line), "{line:?} in\n{}", log());
    }
    let answers = cluster.picks("client", crate::particular::VIP, 6);
    let second = answers.iter().filter(|name| *name == "rs2").count();
    assert_eq!(second, 4, "{answers:?}");
}

/// keepalived asks for the page itself, then a program of the administrator.
pub(crate) fn keepalived_asks(cluster: &Cluster) {
    const WEB: &str = "http://192.168.189.145/";
    const PROGRAM: &str = "/usr/local/sbin/ask-web";
    const BY_HTTP: &str = "health_check: http";
    const BY_PROGRAM: &str = "health_check: { script: { path: /usr/local/sbin/ask-web } }";
    leaves_and_returns(cluster, WEB);
    for host in ["lb1", "lb2"] {
        let program = format!(
            "printf '%s\\n' '#!/bin/sh' 'curl -sfm 2 http://$1:$2/' >{PROGRAM} && chmod 755 {PROGRAM}"
        );
        cluster.on(host, &program);
    }
    cluster.edit(BY_HTTP, BY_PROGRAM);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    leaves_and_returns(cluster, WEB);
    cluster.edit(BY_PROGRAM, BY_HTTP);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    for host in ["lb1", "lb2"] {
        cluster.on(host, &format!("rm {PROGRAM}"));
    }
}

/// What stands in the status line is no page, a server that refuses HTTP 1.0 is out for keepalived and stays so, and a status
/// that the inventory calls right is right for clients as well.
pub(crate) fn keepalived_and_lvsctl_ask_the_same(cluster: &Cluster) {
    const BY_HTTP: &str = "health_check: http";
    const BY_TEXT: &str = "health_check: { http: { path: /.health.html, text: OK } }";
    const PAGE: &str = "/var/www/html/.health.html";
    const SITE: &str = "/etc/nginx/sites-enabled/default";
    cluster.edit(BY_HTTP, BY_TEXT);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    awaits(cluster, "rs1", "up");
    cluster.on("rs1", &format!("cp -p {PAGE} /root/page; echo BAD >{PAGE}"));
    awaits(cluster, "rs1", "unhealthy");
    cluster.on("rs1", &format!("cp -p /root/page {PAGE}"));
    awaits(cluster, "rs1", "up");
    cluster.edit(BY_TEXT, BY_HTTP);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    let serve = |line: &str| {
        let edit = format!(
            "[ -e /root/site ] || cp -p --dereference {SITE} /root/site; sed 's|server_name _;|server_name _; {line}|' /root/site >{SITE}; nginx -s reload"
        );
        cluster.on("rs1", &edit);
    };
    serve("if ($server_protocol = HTTP/1.0) { return 426; }");
    awaits(cluster, "rs1", "unhealthy");
    assert_eq!(cluster.planned(), Vec::<String>::new());
    serve("");
    awaits(cluster, "rs1", "up");
    let by_status = "health_check: { http: { status: [401, 200-299] } }";
    cluster.edit(BY_HTTP, by_status);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    serve("return 401 rs1;");
    cluster.lvsctl(&["verify"]).expect(0);
    awaits(cluster, "rs1", "up");
    // The host ends as it began.
    let restore = format!("cat /root/site >{SITE}; rm /root/site /root/page; nginx -s reload");
    cluster.on("rs1", &restore);
    cluster.edit(by_status, BY_HTTP);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
}

/// The same over TLS, with the certificate that the web servers made.
pub(crate) fn keepalived_asks_by_tls(cluster: &Cluster) {
    const PLAIN: &str = "port: [80, 443], scheduler: wrr";
    const CHECKED: &str = "port: [80, 443], scheduler: wrr, health_check: { https: {}, port: 443 }";
    cluster.edit(PLAIN, CHECKED);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
    cluster.on("rs1", HIDE);
    // The other services of rs1 are asked otherwise.
    let of_web = |state: &str| {
        let status = cluster.status();
        let services = status["services"].as_array().expect("services");
        let web = services.iter().filter(|s| s["name"] == "web");
        web.flat_map(|s| s["real_servers"].as_array().expect("real servers"))
            .filter(|rs| rs["host"] == "rs1")
            .all(|rs| rs["state"] == state)
    };
    cluster.becomes("rs1 leaves", || of_web("unhealthy"));
    only(cluster, "https://192.168.100.201/", "rs2");
    cluster.on("rs1", SHOW);
    cluster.becomes("rs1 returns", || of_web("up"));
    cluster.edit(CHECKED, PLAIN);
    cluster.lvsctl(&["apply", "--yes"]).expect(0);
}

fn leaves_and_returns(cluster: &Cluster, url: &str) {
    awaits(cluster, "rs1", "up");
    cluster.on("rs1", HIDE);
    awaits(cluster, "rs1", "unhealthy");
    only(cluster, url, "rs2");
    cluster.on("rs1", SHOW);
    awaits(cluster, "rs1", "up");
}
