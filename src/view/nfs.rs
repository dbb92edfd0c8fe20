//! NFS: who exports which folders, and who mounts them.

use std::net::IpAddr;

use serde::Serialize;

use super::in_brackets;
use crate::model::{Cluster, Host};
use crate::resource::Distribution;

/// A folder that a host mounts.
#[derive(Debug, Serialize)]
pub(super) struct Mount<'c> {
    from: String,
    path: &'c str,
    at: &'c str,
    read_only: bool,
    /// The file that defines the unit.
    definition: String,
    /// By the name that systemd demands.
    unit: String,
}

pub(super) fn mounts<'c>(cluster: &'c Cluster, host: &Host, os: &Distribution) -> Vec<Mount<'c>> {
    let all = cluster
        .hosts
        .iter()
        .flat_map(|server| server.exports.iter().map(move |export| (server, export)));
    all.filter(|(_, export)| export.client == host.name)
        .map(|(server, export)| {
            let unit = format!("{}.mount", escaped(&export.at));
            // Without brackets mount.nfs(8) takes what stands before the first colon for the server.
            Mount {
                from: in_brackets(server.address),
                path: &export.path,
                at: &export.at,
                read_only: export.read_only,
                definition: os.definition(&unit),
                unit,
            }
        })
        .collect()
}

/// As systemd-escape(1) with `--path`.
fn escaped(path: &str) -> String {
    let inner = path.trim_matches('/');
    let mut name = String::new();
    for (index, c) in inner.chars().enumerate() {
        match c {
            '/' => name.push('-'),
            '.' if index == 0 => name.push_str("\\x2e"),
            c if c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.') => name.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    name.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    name
}

/// A folder that a host shares, with who may mount it.
#[derive(Debug, Serialize)]
pub(super) struct Exported<'c> {
    path: &'c str,
    client: &'c str,
    address: IpAddr,
    options: &'static str,
    /// From 1.
    number: usize,
}

pub(super) fn exports<'c>(cluster: &'c Cluster, host: &'c Host) -> Vec<Exported<'c>> {
    let client = |name: &str| cluster.hosts.iter().find(|h| h.name == name);
    host.exports
        .iter()
        .enumerate()
        .filter_map(|(index, export)| {
            let client = client(&export.client)?;
            Some(Exported {
                path: &export.path,
                client: &client.name,
                address: client.address,
                options: if export.read_only { "ro" } else { "rw" },
                number: index + 1,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    #[test]
    fn a_server_of_ipv6_is_mounted_from_in_brackets() {
        let text = "cluster: t\nnetworks: { a: 10.0.0.0/24, b: 'fd00::/64' }\nhosts:\n  \
                    one: { role: nfs, address: ADDRESS, exports: { path: /srv, to: two, at: /mnt } }\n  \
                    two: { role: nfs-client, address: 10.0.0.2 }\n";
        for (address, from) in [("10.0.0.1", "10.0.0.1"), ("'fd00::1'", "[fd00::1]")] {
            let text = text.replace("ADDRESS", address);
            let cluster = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
                .expect("a valid inventory")
                .cluster;
            let all = mounts(&cluster, &cluster.hosts[1], &Distribution::assumed());
            assert_eq!(all[0].from, from);
        }
    }

    #[test]
    fn mount_units_are_named_as_systemd_names_them() {
        // As `systemd-escape --path` prints them.
        for (path, name) in [
            ("/var/www/html", "var-www-html"),
            ("/srv/my-web", "srv-my\\x2dweb"),
            ("/.hidden/a", "\\x2ehidden-a"),
            ("/a.b/c_d", "a.b-c_d"),
        ] {
            assert_eq!(escaped(path), name);
        }
    }
}
