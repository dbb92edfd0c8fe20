use super::*;

fn environment() -> Environment {
    Environment {
        home: Some("/home/ann".into()),
        user: Some("ann".into()),
        auth_sock: Some("/run/agent".into()),
    }
}

fn target(config: &str, name: &str, options: &SshOptions) -> Result<Target, TransportError> {
    let settings = SshSettings::parse(
        Path::new("/home/ann/.ssh/config"),
        config,
        Path::new("/home/ann"),
    )?;
    resolve(name, "192.0.2.7", options, &settings, &environment())
}

fn plain(config: &str, name: &str) -> Target {
    target(config, name, &SshOptions::default()).unwrap_or_else(|e| panic!("{config}: {e}"))
}

#[test]
fn defaults() {
    let t = plain("", "rs1");
    assert_eq!(
        (t.host.as_str(), t.port, t.user.as_str()),
        ("192.0.2.7", 22, "ann")
    );
    assert_eq!(
        t.identities,
        ["id_ed25519", "id_ecdsa", "id_rsa"].map(|n| Path::new("/home/ann/.ssh").join(n))
    );
    assert!(!t.identities_named && !t.identities_only);
    assert_eq!(t.agent, Some("/run/agent".into()));
    assert_eq!(
        t.known_hosts,
        [
            PathBuf::from("/home/ann/.ssh/known_hosts"),
            "/etc/ssh/ssh_known_hosts".into()
        ]
    );
    assert_eq!(t.known_name, HostName::new("192.0.2.7", 22));
    assert_eq!(t.checking, HostKeyChecking::Strict);
    assert_eq!(t.connect_timeout, Duration::from_secs(10));
    let unnamed = resolve(
        "rs1",
        "192.0.2.7",
        &SshOptions::default(),
        &SshSettings::default(),
        &Environment::default(),
    );
    assert!(unnamed.is_err());
}

#[test]
fn the_users_configuration_is_heard() {
    let config = "\
Host rs1 other
  HostName real-%h.example.net
  Port=2222
  IdentityFile ~/.ssh/a_%r
  IdentityFile \"/keys/%h key\"
  UserKnownHostsFile ~/known1 /known2
  StrictHostKeyChecking accept-new
  IdentitiesOnly yes
  ConnectTimeout 3
Host 192.0.2.*
  User byaddress
Host *
  User everyone
  Port 2200
";
    let t = plain(config, "rs1");
    assert_eq!(t.host, "real-rs1.example.net");
    assert_eq!((t.port, t.user.as_str()), (2222, "everyone"));
    assert_eq!(
        t.identities,
        [
            PathBuf::from("/home/ann/.ssh/a_everyone"),
            "/keys/real-rs1.example.net key".into()
        ]
    );
    assert!(t.identities_named && t.identities_only);
    assert_eq!(
        t.known_hosts,
        [
            PathBuf::from("/home/ann/known1"),
            "/known2".into(),
            "/etc/ssh/ssh_known_hosts".into()
        ]
    );
    assert_eq!(t.known_name, HostName::new("real-rs1.example.net", 2222));
    assert_eq!(t.checking, HostKeyChecking::AcceptNew);
    assert_eq!(t.connect_timeout, Duration::from_secs(3));
    assert_eq!(
        plain("Host 192.0.2.*\n User byaddress\n", "rs2").user,
        "byaddress"
    );
}

#[test]
fn the_inventory_wins() {
    let config = "Host jump\n HostName real\n Port 2222\n User bob\n IdentityFile /k\n StrictHostKeyChecking no\n";
    let options = SshOptions {
        host: Some("jump".into()),
        port: Some(22),
        user: Some("root".into()),
        identity_files: vec!["~/.ssh/mine".into()],
        known_hosts: Some("~/known".into()),
        host_key_checking: Some(HostKeyChecking::Strict),
        connect_timeout: Some(5),
        ..SshOptions::default()
    };
    let t = target(config, "rs1", &options).expect("resolves");
    assert_eq!(
        (t.host.as_str(), t.port, t.user.as_str()),
        ("real", 22, "root")
    );
    assert_eq!(t.identities, [PathBuf::from("/home/ann/.ssh/mine")]);
    assert_eq!(t.known_hosts[0], PathBuf::from("/home/ann/known"));
    assert_eq!(t.checking, HostKeyChecking::Strict);
    assert_eq!(t.connect_timeout, Duration::from_secs(5));
    // The address is not looked up where the inventory says another host.
    let other = SshOptions {
        host: Some("elsewhere".into()),
        ..SshOptions::default()
    };
    let t = target("Host 192.0.2.7\n User bob\n", "rs1", &other).expect("resolves");
    assert_eq!((t.host.as_str(), t.user.as_str()), ("elsewhere", "ann"));
}

#[test]
fn match_blocks_do_not_leak() {
    let config = "\
Host rs1
  Port 2222
Match host rs1 exec \"true\"
  User wrong
match all
  User right
Host rs2
  User two
";
    let t = plain(config, "rs1");
    assert_eq!((t.user.as_str(), t.port), ("right", 2222));
}

#[test]
fn negation_and_unknown_settings() {
    let config = "Host rs* !rs3\n User some\nNoSuchSetting yes\nHost *\n User others\n HostKeyAlias one\n IdentityAgent none\n";
    assert_eq!(plain(config, "rs1").user, "some");
    let t = plain(config, "rs3");
    assert_eq!((t.user.as_str(), t.agent), ("others", None));
    assert_eq!(t.known_name, HostName::new("one", 22));
}

#[test]
fn what_cannot_be_done_is_said() {
    for (config, says) in [
        ("Host rs1\n Port nonsense\n", ""),
        (
            "Host rs1\n ProxyJump a;reboot\n",
            "\"a;reboot\" is no jump host",
        ),
        ("Host rs1\n ProxyJump -oProxyCommand=x\n", "is no jump host"),
        ("Host *\n ProxyJump bastion\n", "`ProxyJump none`"),
        (
            "Host a\n ProxyJump b\nHost b rs1\n ProxyJump a\n",
            "`ProxyJump none`",
        ),
        ("Host *\n ProxyCommand nc %k %p\n", "%k"),
        (
            "Host rs1\n HostName $(reboot)\n ProxyCommand nc %h\n",
            "the host \"$(reboot)\"",
        ),
        (
            "Host rs1\n ProxyCommand nc\n ProxyJump a\n",
            "both ProxyJump and ProxyCommand",
        ),
    ] {
        let error = target(config, "rs1", &SshOptions::default()).expect_err(config);
        let error = error.to_string();
        assert!(error.contains("/home/ann/.ssh/config"), "{error}");
        assert!(error.contains(says), "{config}: {error}");
    }
}

/// The way in one line: `user@host:port` of each jump host, from here on, or the command.
fn way(of: &Target) -> String {
    match &of.via {
        Via::Direct => String::new(),
        Via::Command(command) => format!("!{command}"),
        Via::Jump(hop) => {
            let before = way(hop);
            let space = if before.is_empty() { "" } else { " " };
            format!("{before}{space}{}@{}:{}", hop.user, hop.host, hop.port)
        }
    }
}

#[test]
fn ways_of_the_users_configuration() {
    for (about, config, expected) in [
        ("none", "", ""),
        ("a name", "Host rs1\n ProxyJump bastion\n", "ann@bastion:22"),
        (
            "written out",
            "Host rs1\n ProxyJump ops@192.0.2.1:2222\n",
            "ops@192.0.2.1:2222",
        ),
        (
            "a URI",
            "Host rs1\n ProxyJump ssh://ops@bastion:2222\n",
            "ops@bastion:2222",
        ),
        (
            "a chain",
            "Host rs1\n ProxyJump a,ops@b:2222\n",
            "ann@a:22 ops@b:2222",
        ),
        (
            "a jump host of the file",
            "Host bastion\n HostName 192.0.2.1\n User ops\n Port 2222\nHost rs1\n ProxyJump bastion\n",
            "ops@192.0.2.1:2222",
        ),
        (
            "what is written out wins",
            "Host bastion\n HostName 192.0.2.1\n User ops\n Port 2222\nHost rs1\n ProxyJump root@bastion:22\n",
            "root@192.0.2.1:22",
        ),
        (
            "a jump host behind another",
            "Host rs1\n ProxyJump b\nHost b\n ProxyJump a\n",
            "ann@a:22 ann@b:22",
        ),
        (
            "a chain wins over the second one's own way",
            "Host rs1\n ProxyJump a,b\nHost b\n ProxyJump c\n",
            "ann@a:22 ann@b:22",
        ),
        (
            "a jump host behind a command",
            "Host rs1\n ProxyJump b\nHost b\n ProxyCommand nc %h %p\n",
            "!nc b 22 ann@b:22",
        ),
        (
            "all but the jump host",
            "Host !bastion *\n ProxyJump bastion\n",
            "ann@bastion:22",
        ),
        (
            "none ends it",
            "Host rs1\n ProxyJump none\nHost *\n ProxyJump bastion\n ProxyCommand none\n",
            "",
        ),
        (
            "none for the jump host",
            "Host bastion\n ProxyJump none\nHost *\n ProxyJump bastion\n",
            "ann@bastion:22",
        ),
        (
            "the first of both counts",
            "Host rs1\n ProxyCommand nc x\nHost *\n ProxyJump bastion\n",
            "!nc x",
        ),
        (
            "for the jump host, too, the first counts",
            "Host rs1\n ProxyJump bastion\nHost *\n ProxyCommand nc x\n",
            "!nc x ann@bastion:22",
        ),
        (
            "no command",
            "Host rs1\n ProxyCommand none\nHost *\n ProxyJump bastion\n",
            "",
        ),
        (
            "tokens",
            "Host rs1\n HostName real\n User ops\n Port 2222\n ProxyCommand nc %h %p %r %n 100%%\n",
            "!nc real 2222 ops rs1 100%",
        ),
        (
            "quotes",
            "Host rs1\n ProxyCommand sh -c \"nc '%h'  %p\"\n",
            "!sh -c \"nc '192.0.2.7'  22\"",
        ),
        (
            "one word",
            "Host rs1\n ProxyCommand \"/opt/my proxy\"\n",
            "!'/opt/my proxy'",
        ),
        (
            "by the address",
            "Host 192.0.2.*\n ProxyJump bastion\n",
            "ann@bastion:22",
        ),
        ("Match all", "Match all\n ProxyCommand nc x\n", "!nc x"),
        ("another Match", "Match host rs1\n ProxyCommand nc x\n", ""),
    ] {
        assert_eq!(way(&plain(config, "rs1")), expected, "{about}");
    }
}

#[test]
fn ways_of_the_inventory() {
    let jump = |hops: &[&str]| SshOptions {
        jump: hops.iter().map(|&hop| hop.to_owned()).collect(),
        user: Some("root".into()),
        port: Some(2200),
        ..SshOptions::default()
    };
    let command = |command: &str| SshOptions {
        proxy_command: Some(command.to_owned()),
        ..SshOptions::default()
    };
    let config = "Host bastion\n HostName 192.0.2.1\n User ops\nHost rs1\n ProxyJump other\n";
    for (about, options, expected) in [
        ("nothing", SshOptions::default(), "ann@other:22"),
        // Neither user nor port of the host hold for it.
        ("a name of the file", jump(&["bastion"]), "ops@192.0.2.1:22"),
        (
            "a chain",
            jump(&["a", "me@bastion:23"]),
            "ann@a:22 me@192.0.2.1:23",
        ),
        ("none", jump(&["none"]), ""),
        ("a command", command("nc %h %p"), "!nc 192.0.2.7 22"),
        ("no command", command("none"), ""),
    ] {
        let target = target(config, "rs1", &options).expect(about);
        assert_eq!(way(&target), expected, "{about}");
    }
}

#[test]
fn a_jump_host_has_settings_of_its_own() {
    let config = "Host bastion\n IdentityFile /keys/bastion\n UserKnownHostsFile /known/bastion\n IdentitiesOnly yes\n";
    let options = SshOptions {
        jump: vec!["bastion".into()],
        identity_files: vec!["/keys/hosts".into()],
        known_hosts: Some("/known/hosts".into()),
        host_key_checking: Some(HostKeyChecking::AcceptNew),
        connect_timeout: Some(3),
        password: Some(SecretSource::Env("HOST".into())),
        jump_password: Some(SecretSource::Env("HOP".into())),
        passphrase: Some(SecretSource::Env("KEY".into())),
        ..SshOptions::default()
    };
    let of = |config: &str| {
        let t = target(config, "rs1", &options).expect("resolves");
        let Via::Jump(hop) = t.via.clone() else {
            panic!("{:?}", t.via);
        };
        (t, *hop)
    };
    let (host, hop) = of(config);
    assert_eq!(host.identities, [PathBuf::from("/keys/hosts")]);
    assert_eq!(hop.identities, [PathBuf::from("/keys/bastion")]);
    assert!(hop.identities_only && !host.identities_only);
    let known: Vec<&Path> = hop.known_hosts.iter().map(PathBuf::as_path).collect();
    let global = Path::new("/etc/ssh/ssh_known_hosts");
    assert_eq!(
        known,
        [
            Path::new("/known/hosts"),
            Path::new("/known/bastion"),
            global
        ]
    );
    assert_eq!(hop.checking, HostKeyChecking::AcceptNew);
    assert_eq!(hop.connect_timeout, Duration::from_secs(3));
    let source = |name: &str| SecretSource::Env(name.into());
    assert_eq!(host.password, Some(("ssh.password", source("HOST"))));
    assert_eq!(hop.password, Some(("ssh.jump_password", source("HOP"))));
    assert_eq!(hop.passphrase, Some(source("KEY")));
    // Without a key for it, it is shown those of its hosts.
    assert_eq!(of("").1.identities, [PathBuf::from("/keys/hosts")]);
}

#[test]
fn include_is_followed_from_the_given_home() {
    let dir = tempfile::tempdir().expect("a folder");
    let ssh = dir.path().join(".ssh");
    std::fs::create_dir_all(ssh.join("config.d")).expect("a folder");
    std::fs::write(
        ssh.join("config"),
        "Include config.d/*\nHost *\n Port 2200\n",
    )
    .expect("writes");
    std::fs::write(ssh.join("config.d/one"), "Host rs1\n User included\n").expect("writes");
    let environment = Environment {
        home: Some(dir.path().to_owned()),
        ..environment()
    };
    let settings = SshSettings::load(&environment).expect("loads");
    let options = SshOptions::default();
    let t = resolve("rs1", "192.0.2.7", &options, &settings, &environment).expect("resolves");
    assert_eq!((t.user.as_str(), t.port), ("included", 2200));
    std::fs::write(ssh.join("config.d/two"), "Match host rs1\n User wrong\n").expect("writes");
    let settings = SshSettings::load(&environment).expect("loads");
    assert!(resolve("rs1", "192.0.2.7", &options, &settings, &environment).is_err());
    let nowhere = Environment {
        home: Some("/nonexistent".into()),
        ..environment
    };
    assert!(SshSettings::load(&nowhere).is_ok());
}
