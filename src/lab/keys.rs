//! The lab's SSH keys, made by ssh-keygen, and the files by which the SSH client trusts the lab's hosts and no other.

use std::fmt::Write as _;
use std::path::Path;

use super::error::LabError;
use super::layout::{HostLayout, Layout};
use super::state::StateDir;
use super::tool::{program, run};

/// Makes a pair at the path and returns (private, public).
pub(super) fn make_pair(path: &Path, comment: &str) -> Result<(String, String), LabError> {
    let mut command = program("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]);
    run(command.arg(path))?;
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(LabError::io(path.display().to_string()))
    };
    Ok((read(path)?, read(&path.with_extension("pub"))?))
}

/// One line for each host: all its addresses and its name, and its key.
pub(super) fn known_hosts(hosts: &[(&HostLayout, &str)]) -> String {
    let mut text = String::new();
    for (host, public) in hosts {
        let mut names: Vec<String> = host
            .nics
            .iter()
            .flat_map(|n| &n.addresses)
            .map(|a| a.addr().to_string())
            .collect();
        names.push(host.name.clone());
        let key: Vec<_> = public.split_whitespace().take(2).collect();
        let _ = writeln!(text, "{} {}", names.join(","), key.join(" "));
    }
    text
}

/// A configuration for the OpenSSH client: `ssh -F ssh_config HOST`.
pub(super) fn ssh_config(layout: &Layout, state: &StateDir) -> String {
    let mut text = String::new();
    for host in &layout.hosts {
        let _ = write!(
            text,
            "Host {}\n    HostName {}\n    HostKeyAlias {}\n\n",
            host.name, host.address, host.name
        );
    }
    let _ = write!(
        text,
        "Host *\n    User root\n    IdentityFile {}\n    IdentitiesOnly yes\n    IdentityAgent none\n    \
         UserKnownHostsFile {}\n    GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking yes\n    \
         UpdateHostKeys no\n    CheckHostIP no\n    PasswordAuthentication no\n    KbdInteractiveAuthentication no\n    \
         ConnectTimeout 20\n    ServerAliveInterval 15\n    ServerAliveCountMax 4\n    LogLevel ERROR\n",
        state.identity().display(),
        state.known_hosts().display()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::check::tests::spec;
    use crate::lab::kernel::Kernel;
    use crate::lab::layout::{layout, tests::setting};

    #[test]
    fn every_address_and_name_of_a_host_has_its_key() {
        let spec = spec(&["10.0.0.0/24"], &["10.0.0.1/24", "10.0.0.2/24"], &[]);
        let layout = layout(&spec, &setting(Kernel::Uml)).unwrap();
        let pairs: Vec<_> = layout
            .hosts
            .iter()
            .zip(["ssh-ed25519 AAA h0\n", "ssh-ed25519 BBB h1\n"])
            .collect();
        assert_eq!(
            known_hosts(&pairs),
            "10.0.0.1,h0 ssh-ed25519 AAA\n10.0.0.2,h1 ssh-ed25519 BBB\n"
        );
    }

    #[test]
    fn ssh_keygen_makes_a_pair() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = make_pair(&folder.path().join("key"), "lab x")
            .unwrap_or_else(|e| panic!("{e}; apt-get install openssh-client"));
        assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(public.starts_with("ssh-ed25519 ") && public.ends_with(" lab x\n"));
    }
}
