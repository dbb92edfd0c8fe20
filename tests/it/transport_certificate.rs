//! Certificates in the place of host keys, against real servers.

use std::fs;
use std::process::Command;

use lvsctl::model::HostKeyChecking;
use lvsctl::transport::TransportError;

use crate::support::{Client, HostSpec, Lab, keygen, model_host};

/// Signs the host key of each host for some names, and lets its server show the result. The authority's public key.
fn certify(lab: &Lab, authority: &str, kind: &str, names: &str) -> String {
    let ca = lab.dir_file(authority);
    keygen(&ca, kind, "");
    for host in &lab.hosts {
        for key in ["ed25519", "ecdsa", "rsa"] {
            let file = host.path(&format!("/etc/ssh/lvsctl_{key}.pub"));
            if !file.exists() {
                continue;
            }
            let status = Command::new("ssh-keygen")
                .args(["-q", "-h", "-I", "id", "-n", names, "-s"])
                .arg(&ca)
                .arg(&file)
                .status();
            assert!(status.expect("starts ssh-keygen").success());
        }
        let listening = |log: &str| log.matches("Server listening on 0.0.0.0").count();
        let before = listening(&host.log());
        let script = "cd /etc/ssh; grep -q ^HostCertificate sshd_config || \
            for c in lvsctl_*-cert.pub; do echo HostCertificate /etc/ssh/$c; done >>sshd_config; kill -HUP $(cat /run/sshd.pid)";
        let output = host.sh(script);
        assert!(output.status.success(), "{output:?}");
        host.awaits_log("it listens again", |log| listening(log) > before);
    }
    let text = fs::read_to_string(ca.with_extension("pub")).expect("a key");
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "needs root: make test-root"]
fn an_authority_vouches_for_its_hosts() {
    let lab = Lab::new(vec![
        HostSpec::new("ed25519").host_keys(&["ed25519"], &[]),
        HostSpec::new("ecdsa").host_keys(&["ecdsa"], &[]),
        HostSpec::new("rsa").host_keys(&["rsa"], &[]),
    ]);
    let _in = lab.enter();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let ca = certify(&lab, &format!("ca-{kind}"), kind, "10.77.*");
        fs::write(lab.known_hosts(), format!("@cert-authority * {ca}\n")).expect("writes");
        for host in &lab.hosts {
            Client::new(&lab).connect(&model_host(host));
            // Nothing is written for a host that is vouched for.
            let mut model = model_host(host);
            model.ssh.host_key_checking = Some(HostKeyChecking::AcceptNew);
            Client::new(&lab).connect(&model);
        }
        let known = fs::read_to_string(lab.known_hosts()).expect("known hosts");
        assert_eq!(known.lines().count(), 1, "{known}");
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_certificate_that_is_not_good_is_refused() {
    let lab = Lab::new(vec![HostSpec::new("h1").host_keys(&["ed25519"], &[])]);
    let _in = lab.enter();
    let host = model_host(lab.host("h1"));
    let address = lab.host("h1").address;
    let plain = lab.host("h1").public_key("ed25519");
    let known = |text: &str| fs::write(lab.known_hosts(), text).expect("writes");
    let refusal = |text: &str| {
        known(text);
        Client::new(&lab).refusal(&host)
    };
    let other = certify(&lab, "other", "ed25519", "rs1,rs2");
    let error = refusal(&format!("# one\n@cert-authority * {other}\n"));
    assert_eq!(error.kind(), "host-certificate", "{error}");
    let text = error.to_string();
    for part in [
        format!("is for rs1, rs2, not for {address}"),
        format!("{}:2", lab.known_hosts().display()),
    ] {
        assert!(text.contains(&part), "{part:?} is not in {text}");
    }
    // Not even where an unknown key would be added.
    let mut model = host.clone();
    model.ssh.host_key_checking = Some(HostKeyChecking::AcceptNew);
    let error = Client::new(&lab).refusal(&model);
    assert_eq!(error.kind(), "host-certificate", "{error}");
    // The key inside is known by itself.
    known(&format!("@cert-authority * {other}\n{address} {plain}\n"));
    Client::new(&lab).connect(&host);

    let ca = certify(&lab, "ca", "ed25519", &address.to_string());
    known(&format!("@cert-authority {address} {ca}\n"));
    Client::new(&lab).connect(&host);
    // The authority of other hosts, and none at all.
    let error = refusal(&format!("@cert-authority 192.0.2.* {ca}\n"));
    assert_eq!(error.kind(), "host-key-unknown", "{error}");
    assert!(!error.to_string().contains("@cert-authority"), "{error}");
    let error = refusal(&format!("@cert-authority * {other}\n"));
    assert_eq!(error.kind(), "host-key-unknown", "{error}");
    assert!(
        error
            .to_string()
            .contains("certificate of the authority SHA256:"),
        "{error}"
    );
    // Revoked: the key, or the authority.
    for revoked in [&plain, &ca] {
        let error = refusal(&format!("@cert-authority * {ca}\n@revoked * {revoked}\n"));
        assert!(
            matches!(error, TransportError::RevokedHostKey { .. }),
            "{error:?}"
        );
    }
}
