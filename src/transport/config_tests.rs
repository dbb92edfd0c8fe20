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
    let nobody = resolve(
        "rs1",
        "192.0.2.7",
        &SshOptions::default(),
        &SshSettings::default(),
        &Environment::default(),
    );
    assert!(nobody.is_err());
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
    for config in [
        "Host rs1\n ProxyJump bastion\n",
        "Host *\n ProxyCommand nc %h %p\n",
        "Host rs1\n Port nonsense\n",
    ] {
        let error = target(config, "rs1", &SshOptions::default()).expect_err(config);
        assert!(
            error.to_string().contains("/home/ann/.ssh/config"),
            "{error}"
        );
    }
    let none = "Host rs1\n ProxyJump none\nHost *\n ProxyJump bastion\n ProxyCommand none\n";
    assert_eq!(plain(none, "rs1").port, 22);
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
