//! The files in which one host differs from another: names, keys, network. Pure: writing them is `up`'s work.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::layout::{HostLayout, Layout};

pub(super) const ADMIN_UID: u32 = 1000;

/// One file or, without content, one folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HostFile {
    pub path: String,
    pub mode: u32,
    pub uid: u32,
    pub content: Option<String>,
}

/// Keys of one host, made by the lab so that both ends know each other from the start.
pub(super) struct HostKeys {
    pub private: String,
    pub public: String,
    /// Who may log in, as root and as admin.
    pub authorized: String,
}

pub(super) fn host_files(layout: &Layout, host: &HostLayout, keys: &HostKeys) -> Vec<HostFile> {
    let folder = |path: &str, mode, uid| HostFile {
        path: path.to_owned(),
        mode,
        uid,
        content: None,
    };
    let file = |path: &str, mode, uid, content: String| HostFile {
        path: path.to_owned(),
        mode,
        uid,
        content: Some(content),
    };
    let mut files = vec![
        folder("etc", 0o755, 0),
        file("etc/hostname", 0o644, 0, format!("{}\n", host.name)),
        file("etc/hosts", 0o644, 0, hosts(layout, host)),
        file("etc/machine-id", 0o444, 0, format!("{}\n", host.machine_id)),
        folder("etc/ssh", 0o755, 0),
        file(
            "etc/ssh/ssh_host_ed25519_key",
            0o600,
            0,
            keys.private.clone(),
        ),
        file(
            "etc/ssh/ssh_host_ed25519_key.pub",
            0o644,
            0,
            keys.public.clone(),
        ),
        folder("etc/systemd", 0o755, 0),
        folder("etc/systemd/network", 0o755, 0),
        folder("root", 0o700, 0),
        folder("root/.ssh", 0o700, 0),
        file(
            "root/.ssh/authorized_keys",
            0o600,
            0,
            keys.authorized.clone(),
        ),
        folder("home", 0o755, 0),
        folder("home/admin", 0o755, ADMIN_UID),
        folder("home/admin/.ssh", 0o700, ADMIN_UID),
        file(
            "home/admin/.ssh/authorized_keys",
            0o600,
            ADMIN_UID,
            keys.authorized.clone(),
        ),
    ];
    for (index, nic) in host.nics.iter().enumerate() {
        files.push(file(
            &format!("etc/systemd/network/10-{}.network", nic.interface),
            0o644,
            0,
            network_unit(host, index),
        ));
    }
    files
}

fn hosts(layout: &Layout, own: &HostLayout) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
    for host in &layout.hosts {
        // A host resolves its name even where it has no network.
        let address = if host.name == own.name {
            IpAddr::from([127, 0, 1, 1])
        } else {
            host.address
        };
        let _ = writeln!(text, "{address} {}", host.name);
    }
    text
}

/// As an installation with systemd-networkd has it: static addresses, and nothing that keeps what others add.
fn network_unit(host: &HostLayout, index: usize) -> String {
    let Some(nic) = host.nics.get(index) else {
        return String::new();
    };
    let v6 = nic.addresses.iter().any(|a| a.addr().is_ipv6());
    let mut text = format!(
        "[Match]\nName={}\n\n[Network]\nIPv6AcceptRA=no\nLinkLocalAddressing={}\n",
        nic.interface,
        if v6 { "ipv6" } else { "no" }
    );
    if let Some(gateway) = host.gateway
        && nic.addresses.iter().any(|a| a.contains(&gateway))
    {
        let _ = writeln!(text, "Gateway={gateway}");
    }
    for address in &nic.addresses {
        let _ = writeln!(text, "Address={address}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::check::tests::spec;
    use crate::lab::kernel::Kernel;
    use crate::lab::layout::{layout, tests::setting};

    fn files() -> Vec<HostFile> {
        let mut spec = spec(
            &["10.0.0.0/24", "fd00::/64"],
            &["10.0.0.1/24", "10.0.0.2/24"],
            &[],
        );
        if let Some(host) = spec.hosts.first_mut() {
            host.gateway = Some("10.0.0.2".parse().unwrap());
            for nic in &mut host.nics {
                nic.addresses.push("fd00::1/64".parse().unwrap());
            }
        }
        let layout = layout(&spec, &setting(Kernel::Uml)).unwrap();
        let keys = HostKeys {
            private: "PRIVATE\n".to_owned(),
            public: "PUBLIC\n".to_owned(),
            authorized: "AUTHORIZED\n".to_owned(),
        };
        host_files(&layout, layout.host("h0").unwrap(), &keys)
    }

    #[test]
    fn a_host_knows_itself_and_the_others() {
        let files = files();
        let text = |path: &str| {
            let file = files.iter().find(|f| f.path == path).unwrap();
            file.content.clone().unwrap()
        };
        assert_eq!(text("etc/hostname"), "h0\n");
        assert!(text("etc/hosts").contains("\n127.0.1.1 h0\n10.0.0.2 h1\n"));
        insta::assert_snapshot!(text("etc/systemd/network/10-eth0.network"), @r"
        [Match]
        Name=eth0

        [Network]
        IPv6AcceptRA=no
        LinkLocalAddressing=ipv6
        Gateway=10.0.0.2
        Address=10.0.0.1/24
        Address=fd00::1/64
        ");
    }

    #[test]
    fn secrets_are_readable_by_their_owner_alone() {
        for file in files() {
            let secret = file
                .content
                .as_deref()
                .is_some_and(|c| c.contains("PRIVATE"));
            let key = file.path.ends_with("authorized_keys");
            assert_eq!(file.mode == 0o600, secret || key, "{}", file.path);
            let admin = file.path.starts_with("home/admin");
            assert_eq!(file.uid, if admin { ADMIN_UID } else { 0 }, "{}", file.path);
        }
    }

    #[test]
    fn a_folder_comes_before_what_lies_in_it() {
        let mut seen = vec![String::new()];
        for file in files() {
            let parent = file.path.rsplit_once('/').map_or("", |(p, _)| p).to_owned();
            assert!(seen.contains(&parent), "{}", file.path);
            seen.push(file.path);
        }
    }
}
