//! Ways to a host that is not reached directly: jump hosts and ProxyCommand, against real servers.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use lvsctl::model::{self, HostKeyChecking};
use lvsctl::transport::config::Environment;
use lvsctl::transport::{RemoteShell, TransportError};

use crate::support::{Client, HostSpec, Lab, TestHost, keygen, model_host, secret};
use crate::transport::much_both_ways;

const LONG: Duration = Duration::from_secs(30);
/// For what keeps both cores of a small machine busy.
const CROWDED: Duration = Duration::from_secs(90);
const PASSWORD: &str = "correct horse";

fn output(shell: &mut Box<dyn RemoteShell>, script: &str) -> String {
    let got = shell
        .run(script, CROWDED)
        .unwrap_or_else(|e| panic!("{script}: {e}"));
    got.stdout
}

/// A host behind others, in the order of the way.
fn behind(lab: &Lab, name: &str, hops: &[&str]) -> model::Host {
    let mut host = model_host(lab.host(name));
    let of = |hop: &&str| format!("root@{}", lab.host(hop).address);
    host.ssh.jump = hops.iter().map(of).collect();
    host.ssh.connect_timeout = Some(20);
    host
}

/// Where a host saw connections come from.
fn sources(host: &TestHost) -> Vec<IpAddr> {
    let log = host.log();
    let words = log.split("Connection from ").skip(1);
    words
        .map(|rest| {
            let word = rest.split(' ').next().unwrap_or_default();
            word.parse().expect("an address")
        })
        .collect()
}

fn logins(host: &TestHost) -> usize {
    host.log().matches("Accepted ").count()
}

/// Another key in the place of a host's in known_hosts.
fn change_key(lab: &Lab, name: &str) {
    let other = lab.dir_file(&format!("other-{name}"));
    keygen(&other, "ed25519", "");
    let other = fs::read_to_string(other.with_extension("pub")).expect("a key");
    let address = lab.host(name).address.to_string();
    let known = fs::read_to_string(lab.known_hosts()).expect("known hosts");
    let line = |line: &str| match line.strip_prefix(&format!("{address} ")) {
        Some(_) => format!("{address} {other}"),
        None => format!("{line}\n"),
    };
    fs::write(
        lab.known_hosts(),
        known.lines().map(line).collect::<String>(),
    )
    .expect("writes");
}

#[test]
#[ignore = "needs root: make test-root"]
fn twenty_hosts_share_one_connection_to_a_jump_host() {
    let mut specs = vec![HostSpec::new("bastion")];
    specs.extend((1..=20).map(|n| HostSpec::new(format!("h{n}"))));
    let lab = Lab::new(specs);
    let _in = lab.enter();
    let client = Client::new(&lab);
    std::thread::scope(|scope| {
        for host in &lab.hosts[1..] {
            let (client, model) = (&client, behind(&lab, &host.name, &["bastion"]));
            scope.spawn(move || {
                let mut shell = client.connect(&model);
                let name = format!("{}\n", host.name);
                assert_eq!(output(&mut shell, "hostname"), name);
            });
        }
    });
    let bastion = lab.host("bastion");
    assert_eq!((bastion.connections(), bastion.execs()), (1, 0));
    assert_eq!(client.counters.connections(), 21);
    for host in &lab.hosts[1..] {
        assert_eq!(sources(host), [bastion.address], "{}", host.name);
    }
    // Once more, over what is there.
    for _ in 0..3 {
        client.connect(&behind(&lab, "h1", &["bastion"]));
    }
    assert_eq!(bastion.connections(), 1);
    // It ends with the client.
    drop(client);
    bastion.awaits_log("the connection ends", |log| {
        log.contains("Disconnected from user root") || log.contains("Connection closed by")
    });
}

/// Several MiB for each of several hosts go both ways at once through one connection, with new keys in between.
#[test]
#[ignore = "needs root: make test-root"]
fn much_goes_through_a_jump_host() {
    let mut specs = vec![HostSpec::new("bastion").sshd("RekeyLimit 1M")];
    specs.extend((1..=4).map(|n| HostSpec::new(format!("h{n}"))));
    let lab = Lab::new(specs);
    let _in = lab.enter();
    let hosts = lab.hosts[1..].iter();
    let hosts: Vec<model::Host> = hosts
        .map(|host| behind(&lab, &host.name, &["bastion"]))
        .collect();
    much_both_ways(&Client::new(&lab), &hosts, 2 << 20);
    assert_eq!(lab.host("bastion").connections(), 1);
}

#[test]
#[ignore = "needs root: make test-root"]
fn two_jump_hosts_in_a_row_one_with_a_changed_key() {
    let names = ["first", "second", "h1"];
    for changed in [None, Some("first"), Some("second"), Some("h1")] {
        let lab = Lab::new(names.into_iter().map(HostSpec::new).collect());
        let _in = lab.enter();
        let host = behind(&lab, "h1", &["first", "second"]);
        let client = Client::new(&lab);
        let Some(changed) = changed else {
            let mut shell = client.connect(&host);
            assert_eq!(output(&mut shell, "hostname"), "h1\n");
            assert_eq!(sources(lab.host("h1")), [lab.host("second").address]);
            assert_eq!(sources(lab.host("second")), [lab.host("first").address]);
            assert_eq!(sources(lab.host("first")), [lab.controller()]);
            continue;
        };
        change_key(&lab, changed);
        // Not accepted either where a new key would be.
        for checking in [HostKeyChecking::Strict, HostKeyChecking::AcceptNew] {
            let mut host = host.clone();
            host.ssh.host_key_checking = Some(checking);
            let error = client.refusal(&host);
            assert_eq!(error.kind(), "host-key-changed", "{changed}: {error}");
            let text = error.to_string();
            let address = lab.host(changed).address;
            for part in [
                format!("the host key of {address} has changed"),
                format!("ssh-keygen -R '{address}'"),
            ] {
                assert!(text.contains(&part), "{changed}: {part:?} is not in {text}");
            }
            let hop = format!("jump host {address}: ");
            assert_eq!(text.contains(&hop), changed != "h1", "{changed}: {text}");
        }
        // From there on no host is logged in to.
        let refused = names.iter().position(|name| *name == changed);
        for name in names.iter().skip(refused.expect("one of them")) {
            assert_eq!(logins(lab.host(name)), 0, "{changed}: {name}");
        }
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn an_unknown_key_of_a_jump_host() {
    let lab = Lab::new(vec![
        HostSpec::new("bastion").host_keys(&["ed25519"], &[]),
        HostSpec::new("h1"),
    ]);
    let _in = lab.enter();
    let mut host = behind(&lab, "h1", &["bastion"]);
    let error = Client::new(&lab).refusal(&host);
    assert_eq!(error.kind(), "host-key-unknown", "{error}");
    let text = error.to_string();
    let address = lab.host("bastion").address;
    assert!(
        text.starts_with(&format!("jump host {address}: ")),
        "{text}"
    );
    assert!(
        text.contains(&lab.host("bastion").public_key("ed25519")),
        "{text}"
    );
    host.ssh.host_key_checking = Some(HostKeyChecking::AcceptNew);
    Client::new(&lab).connect(&host);
    let known = fs::read_to_string(lab.known_hosts()).expect("known hosts");
    assert!(known.contains(&address.to_string()), "{known}");
}

#[test]
#[ignore = "needs root: make test-root"]
fn each_jump_host_has_its_own_login() {
    let with_password = |name: &str| {
        let mut spec =
            HostSpec::new(name).sshd("PasswordAuthentication yes\nPubkeyAuthentication no");
        spec.root_password = Some(PASSWORD.to_owned());
        spec
    };
    let lab = Lab::new(vec![
        with_password("bastion"),
        HostSpec::new("h1").user("ops", None),
    ]);
    let _in = lab.enter();
    let mut host = behind(&lab, "h1", &["bastion"]);
    host.ssh.user = Some("ops".to_owned());
    host.ssh.sudo = Some(false);
    let client =
        |password| Client::with(lab.environment(), &[("P", password), ("H", "the host's")]);
    // The password of the host is not for the jump host.
    host.ssh.password = Some(secret("H"));
    let error = client(PASSWORD).refusal(&host);
    assert_eq!(error.kind(), "authentication", "{error}");
    let address = lab.host("bastion").address;
    let says = format!("jump host {address}: root is not let in");
    assert!(error.to_string().starts_with(&says), "{error}");
    assert!(!lab.host("bastion").log().contains("Failed password"));
    host.ssh.jump_password = Some(secret("P"));
    let error = client("wrong").refusal(&host);
    assert_eq!(error.kind(), "authentication", "{error}");
    assert!(!format!("{error} {error:?}").contains("horse"), "{error}");
    let mut shell = client(PASSWORD).connect(&host);
    assert_eq!(output(&mut shell, "id -un; hostname"), "ops\nh1\n");
    // One that is named and not read.
    let error = Client::new(&lab).refusal(&host);
    assert_eq!(error.kind(), "secret", "{error}");
}

/// Other hosts do not wait for it, and the jump host gets few connections more.
#[test]
#[ignore = "needs root: make test-root"]
fn a_host_that_is_away_holds_up_no_other() {
    let mut specs = vec![HostSpec::new("bastion")];
    specs.extend((1..=6).map(|n| HostSpec::new(format!("h{n}"))));
    let lab = Lab::new(specs);
    let _in = lab.enter();
    lab.host("h1").unplug();
    lab.host("h2").unplug();
    let client = Client::new(&lab);
    // ARP for its address gets no reply, which the jump host notices after three seconds; the timeout here is shorter.
    let models: Vec<model::Host> = lab.hosts[1..]
        .iter()
        .map(|host| {
            let mut model = behind(&lab, &host.name, &["bastion"]);
            if ["h1", "h2"].contains(&host.name.as_str()) {
                model.ssh.connect_timeout = Some(2);
            }
            model
        })
        .collect();
    client.connect(&models[5]);
    std::thread::scope(|scope| {
        for model in &models {
            let client = &client;
            scope.spawn(move || {
                let away = ["h1", "h2"].contains(&model.name.as_str());
                match client.try_connect(model) {
                    Ok(_) => assert!(!away, "{}", model.name),
                    Err(error) => {
                        assert!(away, "{}: {error}", model.name);
                        assert_eq!(error.kind(), "jump-host", "{error}");
                        let text = error.to_string();
                        assert!(text.contains(&model.address.to_string()), "{text}");
                    }
                }
            });
        }
    });
    let connections = lab.host("bastion").connections();
    assert!((1..=4).contains(&connections), "{connections}");
}

#[test]
#[ignore = "needs root: make test-root"]
fn what_a_jump_host_refuses() {
    let lab = Lab::new(vec![
        HostSpec::new("closed").sshd("AllowTcpForwarding no"),
        HostSpec::new("bastion"),
        HostSpec::new("h1"),
    ]);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let error = client.refusal(&behind(&lab, "h1", &["closed"]));
    assert_eq!(error.kind(), "jump-host", "{error}");
    assert!(error.to_string().contains("AllowTcpForwarding"), "{error}");
    let mut host = behind(&lab, "h1", &["bastion"]);
    host.ssh.port = Some(2022);
    let error = client.refusal(&host);
    assert_eq!(error.kind(), "jump-host", "{error}");
    let says = format!("does not connect to {}:2022 (connect failed)", host.address);
    assert!(error.to_string().contains(&says), "{error}");
    host.ssh.port = None;
    client.connect(&host);
    // The jump host itself is not there.
    host.ssh.jump = vec![format!("root@{}:2022", lab.host("bastion").address)];
    let error = client.refusal(&host);
    assert_eq!(error.kind(), "connection-refused", "{error}");
    assert!(error.to_string().starts_with("jump host "), "{error}");
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_jump_host_that_dies_is_reported_and_connected_to_anew() {
    let lab = Lab::new(vec![HostSpec::new("bastion"), HostSpec::new("h1")]);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let host = behind(&lab, "h1", &["bastion"]);
    let mut shell = client.connect(&host);
    let bastion = lab.host("bastion");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            // The processes of connections, and not the server that listens.
            bastion.sh("pkill -P $(cat /run/sshd.pid)");
        });
        let started = Instant::now();
        let error = shell.run("sleep 60", CROWDED).expect_err("it was cut");
        assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
        assert_eq!(error.kind(), "connection-lost", "{error}");
        let says = format!("the connection to jump host {} was cut", bastion.address);
        assert!(error.to_string().contains(&says), "{error}");
    });
    let mut shell = client.connect(&host);
    assert_eq!(output(&mut shell, "hostname"), "h1\n");
    assert_eq!(bastion.connections(), 2);
}

/// A home whose SSH configuration is this.
fn configured(lab: &Lab, config: &str) -> Environment {
    let file = lab.home().join(".ssh/config");
    fs::write(&file, config).expect("writes");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    lab.environment()
}

#[test]
#[ignore = "needs root: make test-root"]
fn the_users_configuration_names_the_way() {
    let lab = Lab::new(
        ["first", "second", "h1"]
            .into_iter()
            .map(HostSpec::new)
            .collect(),
    );
    let _in = lab.enter();
    let at = |name: &str| lab.host(name).address;
    let jump = format!(
        "Host one\n HostName {}\n User root\nHost two\n HostName {}\n User root\n ProxyJump one\nHost h1\n ProxyJump two\n",
        at("first"),
        at("second")
    );
    let command = format!(
        "Host h1\n ProxyCommand ssh -i {} -o UserKnownHostsFile={} -o \"ProxyCommand none\" -W %h:%p root@{}\n",
        lab.key().display(),
        lab.known_hosts().display(),
        at("second")
    );
    for (config, from) in [(jump, "second"), (command, "second")] {
        let before = sources(lab.host("h1")).len();
        let client = Client::with(configured(&lab, &config), &[]);
        let mut shell = client.connect(&model_host(lab.host("h1")));
        assert_eq!(output(&mut shell, "hostname"), "h1\n", "{config}");
        let got = &sources(lab.host("h1"))[before..];
        assert_eq!(got, [at(from)], "{config}");
        // The inventory's word is heard first.
        let mut direct = model_host(lab.host("h1"));
        direct.ssh.jump = vec!["none".to_owned()];
        client.connect(&direct);
        assert_eq!(sources(lab.host("h1")).last(), Some(&lab.controller()));
    }
    assert_eq!(sources(lab.host("second"))[0], at("first"));
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_proxy_command_that_fails_is_reported() {
    let lab = Lab::plain(1);
    let _in = lab.enter();
    let client = Client::new(&lab);
    let mut host = model_host(lab.host("h1"));
    for (command, parts) in [
        (
            "sh -c 'echo no route to %h >&2; exit 7'",
            ["exited with status 7", "no route to 10.77."],
        ),
        ("true", ["exited with status 0", "ssh.proxy_command"]),
        (
            "/nonexistent/proxy",
            ["exited with status 127", "not found"],
        ),
    ] {
        host.ssh.proxy_command = Some(command.to_owned());
        let error = client.refusal(&host);
        assert_eq!(error.kind(), "proxy-command", "{command}: {error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{command}: {error}");
        }
    }
    host.ssh.connect_timeout = Some(1);
    host.ssh.proxy_command = Some("sleep 600".to_owned());
    let error = client.refusal(&host);
    assert!(matches!(error, TransportError::Timeout { .. }), "{error}");
}
