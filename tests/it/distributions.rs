//! Hosts of other distributions, by what they would say of themselves: they are asked once more for what is theirs,
//! and get the packages, services and paths of their distribution. Labs run Debian alone.

use std::collections::BTreeSet;
use std::path::Path;

use lvsctl::cancel::CancelToken;
use lvsctl::event::Silent;
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::{Cluster, Host};
use lvsctl::plan::HostPlan;
use lvsctl::resource::Distribution;
use lvsctl::run::HostError;
use lvsctl::run::host::{HostRun, Run};
use lvsctl::secret::Secrets;
use lvsctl::transport::Output;
use lvsctl::transport::fake::{FakeHosts, Script};

use crate::support::roles::built_in;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cluster(name: &str) -> Cluster {
    let path = root().join("inventories").join(format!("{name}.yaml"));
    inventory::load(&path, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(100, false)))
        .cluster
}

/// A bare host: it has interfaces, and nothing that is asked for.
fn answer(script: &str, facts: &str, addresses: &str) -> Output {
    let at = script.find("\\n@").expect("the script defines its marker") + 3;
    let nonce = &script[at..at + 16];
    let mut text = facts.to_owned();
    for part in ["manifest own", "address json", "end end"] {
        text.push_str(&format!("\n@NONCE {part}\n"));
        if part == "address json" {
            text.push_str(&format!("{addresses}\n"));
        }
    }
    let asked = script
        .lines()
        .filter_map(|line| line.strip_prefix("section="));
    for fact in asked {
        let answer = match fact {
            "clock" => "time\n1700000100\n100.0 90.0\n",
            _ => "none\n",
        };
        if !text.contains(&format!("@NONCE {fact} ")) {
            text.push_str(&format!("\n@NONCE {fact} {answer}"));
        }
    }
    Output {
        status: 0,
        stdout: format!("\n{}", text.replace("@NONCE", &format!("@{nonce}"))),
        stderr: String::new(),
    }
}

/// What a bare host of a distribution would get, and how often it was asked.
fn planned(topology: &str, name: &str, os: &str) -> (HostPlan, usize) {
    opened(topology, name, os, "[]").unwrap_or_else(|e| panic!("{os}: {e}"))
}

fn opened(
    topology: &str,
    name: &str,
    os: &str,
    addresses: &'static str,
) -> Result<(HostPlan, usize), HostError> {
    let cluster = cluster(topology);
    let path = root()
        .join("tests/cases/distributions")
        .join(format!("{os}.facts"));
    let facts =
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let script =
        Script::new().on_match(|_| true, move |asked| Ok(answer(asked, &facts, addresses)));
    let fake = FakeHosts::new().host(name, script);
    let roles = built_in();
    let secrets = Secrets::new();
    let (cancel, more) = (
        CancelToken::default(),
        |_: &Host, _: &mut lvsctl::fact::Needs| String::new(),
    );
    let run = Run {
        cluster: &cluster,
        with_drains: Default::default(),
        roles: roles.over(&cluster),
        connect: &fake,
        secrets: &secrets,
        sink: &Silent,
        cancel: &cancel,
        holder: "test",
        origin: None,
        more: &more,
    };
    let host = cluster
        .hosts
        .iter()
        .find(|h| h.name == name)
        .expect("the host");
    let desired = roles
        .over(&cluster)
        .of(host, &Distribution::assumed())
        .expect("resources");
    let opened = HostRun::open(&run, host, desired)?;
    let mut plan = opened.plan(&secrets);
    // A host of a few words has no kernel modules.
    plan.refusals
        .retain(|refusal| !refusal.contains("kernel module"));
    Ok((plan, fake.asked(name).len()))
}

/// `ip` of busybox lacks `-json`.
#[test]
fn an_ip_without_json_is_refused() {
    let refused = opened("dr-keepalived", "rs1", "alpine", "");
    let Err(HostError::Obstacles(why)) = refused else {
        panic!("it was opened");
    };
    assert!(why[0].contains("iproute2 4.14 or later"), "{why:?}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_has_its_own() {
    // The topology, the host, its distribution, how often it is asked, and what it gets.
    let cases: &[(&str, &str, &str, usize, &[&str])] = &[
        (
            "dr-keepalived",
            "lb1",
            "ubuntu",
            1,
            &[
                "unit keepalived.service: systemctl start keepalived.service",
                "file /etc/systemd/system/lvsctl-dr-keepalived.service: WantedBy=multi-user.target",
                "package keepalived: apt-get",
            ],
        ),
        (
            "dr-keepalived",
            "lb1",
            "rocky",
            1,
            &[
                "unit keepalived.service: systemctl start keepalived.service",
                "file /etc/systemd/system/lvsctl-dr-keepalived.service: WantedBy=multi-user.target",
                "package keepalived: dnf -q -y install keepalived",
            ],
        ),
        (
            "dr-keepalived",
            "lb1",
            "opensuse",
            1,
            &["package keepalived: zypper -q -n install keepalived"],
        ),
        (
            "dr-keepalived",
            "lb1",
            "alpine",
            2,
            &[
                "package keepalived: apk add -q keepalived",
                "unit keepalived.service: rc-update --quiet add keepalived default",
                "unit keepalived.service: rc-service keepalived start",
                "file /etc/init.d/lvsctl-dr-keepalived: #!/sbin/openrc-run",
                "file /etc/init.d/lvsctl-dr-keepalived: chmod 0755",
                "file /etc/sysctl.d/90-lvsctl-dr-keepalived.conf: net.ipv4.ip_forward",
            ],
        ),
        (
            "dr-keepalived",
            "rs1",
            "rocky",
            2,
            &["file /usr/share/nginx/html/index.html: rs1"],
        ),
        (
            "dr-keepalived",
            "rs1",
            "opensuse",
            2,
            &["file /srv/www/htdocs/index.html: rs1"],
        ),
        (
            "dr-keepalived",
            "rs1",
            "alpine",
            2,
            &[
                "file /var/www/localhost/htdocs/index.html: rs1",
                "file /etc/nginx/http.d/default.conf: listen 80;",
                "file /etc/nginx/http.d/default.conf: root /var/www/localhost/htdocs;",
                "unit nginx.service: rc-service nginx start",
            ],
        ),
        (
            "health-checker",
            "lb1",
            "alpine",
            2,
            &[
                "file /etc/init.d/lvsctl-health-checker-health: command=/usr/local/sbin/lvsctl-health-checker-health",
                "unit lvsctl-health-checker-health.service: rc-service lvsctl-health-checker-health start",
            ],
        ),
        (
            "dr-nfs",
            "nfs",
            "rocky",
            1,
            &[
                "package nfs-kernel-server: dnf -q -y install nfs-utils",
                "unit nfs-server.service: systemctl start nfs-server.service",
            ],
        ),
        (
            "dr-nfs",
            "nfs",
            "alpine",
            2,
            &["unit nfs.service: rc-service nfs start"],
        ),
        (
            "dr-nfs",
            "rs1",
            "alpine",
            2,
            &["file /etc/init.d/var-www-html: mount -t nfs"],
        ),
        (
            "web-ha",
            "web1",
            "alpine",
            2,
            &["file /usr/local/sbin/lvsctl-web-ha-main-nginx: rc-service nginx status"],
        ),
    ];
    for (topology, host, os, asked, expected) in cases {
        let (plan, times) = planned(topology, host, os);
        let what = format!("{host} of {topology} on {os}");
        assert_eq!(times, *asked, "{what}");
        assert_eq!(plan.refusals, [""; 0], "{what}");
        for line in *expected {
            let (name, text) = line.split_once(": ").expect("a name and a text");
            let names = || plan.changes.iter().map(|c| format!("{} {}", c.kind, c.key));
            let change = plan
                .changes
                .iter()
                .find(|c| format!("{} {}", c.kind, c.key) == name);
            let change = change.unwrap_or_else(|| {
                panic!("{what}: no {name} among {:?}", names().collect::<Vec<_>>())
            });
            assert!(
                change.steps.iter().any(|step| step.script.contains(text)),
                "{what}: no {text:?} in {:#?}",
                change.steps
            );
        }
    }
}

/// Nothing of systemd's is left over for a host that has none of it.
#[test]
fn openrc_hosts_get_nothing_of_systemd() {
    for (topology, host) in [
        ("dr", "lb1"),
        ("dr-keepalived", "lb1"),
        ("dr-keepalived", "rs1"),
        ("dr-nfs", "rs1"),
        ("health-checker", "lb1"),
        ("web-ha", "web1"),
    ] {
        let (plan, _) = planned(topology, host, "alpine");
        let scripts: Vec<&str> = plan.steps.iter().map(|step| step.script.as_str()).collect();
        let found: BTreeSet<&str> = scripts
            .iter()
            .flat_map(|script| script.lines())
            .filter(|line| {
                ["systemctl", "journalctl", "/etc/systemd", "WantedBy"]
                    .iter()
                    .any(|word| line.contains(word))
            })
            .collect();
        assert!(found.is_empty(), "{host} of {topology}: {found:#?}");
    }
}

/// What only Debian has is refused before anything changes.
#[test]
fn a_page_over_tls_needs_a_certificate() {
    let (plan, _) = planned("fwmark", "rs1", "rocky");
    assert_eq!(
        plan.refusals,
        [
            "expected the package ssl-cert, which is Debian's own; give the host a role of your own that does without it"
        ]
    );
}
