//! Hosts: missing roles, and settings of SSH.

use super::View;
use crate::diagnostic::{Fault, listed, shown};
use crate::inventory::resolve::serving;
use crate::model::{Connection, Host, JumpHost, SshOptions};
use crate::secret::SecretSource;

pub(super) fn directors(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let primary: Vec<&Host> = cluster
        .hosts
        .iter()
        .filter(|h| h.has_role("director"))
        .collect();
    let backups = || {
        cluster
            .hosts
            .iter()
            .filter(|h| h.is_director() && !h.has_role("director"))
    };
    if primary.is_empty() {
        let names: Vec<&str> = backups().map(|host| host.name.as_str()).collect();
        if let Some(first) = names.first() {
            let what = if names.len() == 1 {
                "is a backup"
            } else {
                "are backups"
            };
            let fault = Fault::new(format!(
                "{} {what}, but there is no director",
                listed(&names)
            ))
            .help("give the host that serves by default `role: director`");
            faults.push(view.at(&["hosts", first, "role"], fault));
        } else if !cluster.services.is_empty() || !cluster.vrrp.is_empty() {
            let fault = Fault::new("no host is a director, so none serves the VIPs")
                .help("give one host `role: director`");
            faults.push(view.at_key(&["hosts"], fault));
        }
        return;
    }
    if !cluster.vrrp.is_empty() || cluster.services.is_empty() {
        return;
    }
    let further = primary.iter().skip(1).copied().chain(backups());
    let further: Vec<&str> = further.map(|host| host.name.as_str()).collect();
    let Some(first) = further.first() else { return };
    let what = if further.len() == 1 {
        "is a further director"
    } else {
        "are further directors"
    };
    let fault = Fault::new(format!(
        "{} {what}, but there is no `vrrp` to say who holds the VIPs",
        listed(&further)
    ))
    .help("add `vrrp: { virtual_router_id: 10 }`, or keep one director");
    faults.push(view.at(&["hosts", first, "role"], fault));
}

/// Without a service real servers and VRRP have nothing to do, which is one mistake.
fn no_services(view: View<'_>) -> Option<Fault> {
    let cluster = view.cluster;
    let serving: Vec<&str> = cluster
        .hosts
        .iter()
        .filter(|host| host.is_real_server())
        .map(|host| host.name.as_str())
        .collect();
    if !cluster.services.is_empty() || serving.is_empty() {
        return None;
    }
    let fault = Fault::new(format!(
        "the inventory has no service, so the role `realserver` of {} means nothing",
        listed(&serving)
    ))
    .help(
        "write `services: { web: { vip: ‹vip›, port: 80 } }`, or take the role `realserver` away",
    );
    Some(if view.places.is_given(&["services"]) {
        view.at_key(&["services"], fault)
    } else {
        view.at_key(&["hosts"], fault)
    })
}

pub(super) fn real_servers_serve(view: View<'_>, faults: &mut Vec<Fault>) {
    if let Some(fault) = no_services(view) {
        faults.push(fault);
        return;
    }
    let serving = serving(&view.cluster.services, |_| true);
    let idle = |h: &&Host| h.is_real_server() && !serving.contains(h.name.as_str());
    for host in view.cluster.hosts.iter().filter(idle) {
        let fault = Fault::new(format!(
            "{} is a real server of no service",
            shown(&host.name)
        ))
        .help("add it to a service's `real_servers`, or take the role `realserver` away");
        faults.push(view.at_key(&["hosts", &host.name], fault));
    }
}

pub(super) fn ssh(view: View<'_>, faults: &mut Vec<Fault>) {
    for host in &view.cluster.hosts {
        let ssh = &host.ssh;
        let mut say_of = |key: &str, below: &[&str], fault: Fault| {
            let path = [view.of_ssh(host, key).as_slice(), below].concat();
            faults.push(view.at(&path, fault));
        };
        let mut say = |key: &str, fault: Fault| say_of(key, &[], fault);
        if ssh.port == Some(0) {
            say(
                "port",
                Fault::new("port 0 cannot be connected to").help("SSH's port is 22 by default"),
            );
        }
        for (key, seconds) in [
            ("connect_timeout", ssh.connect_timeout),
            ("command_timeout", ssh.command_timeout),
        ] {
            if seconds.is_some_and(|s| s == 0 || s > 86_400) {
                let fault = Fault::new(format!("`{key}` is out of bounds"))
                    .help("expected seconds from 1 to 86400 (a day)");
                say(key, fault);
            }
        }
        for (key, text) in [("host", &ssh.host), ("user", &ssh.user)] {
            let bad = |t: &String| {
                t.is_empty()
                    || t.starts_with('-')
                    || t.contains(|c: char| c.is_control() || c == ' ')
            };
            if text.as_ref().is_some_and(bad) {
                let fault = Fault::new(format!("this is no `{key}` for SSH"))
                    .help("write it without blanks, and without `-` before it");
                say(key, fault);
            }
        }
        for (key, source) in ssh.secrets() {
            if let Some(fault) = source.as_ref().and_then(secret_source) {
                let kind = match source {
                    Some(SecretSource::File(_)) => "file",
                    _ => "env",
                };
                say_of(key, &[kind], fault);
            }
        }
        for fault in way(ssh) {
            say_of(fault.0, &[], fault.1);
        }
        if host.connection == Connection::Local && ssh.host.is_some() {
            let fault = Fault::new("`connection: local` uses no SSH, so `ssh.host` has no meaning")
                .help("delete one of the two");
            say_of("host", &[], fault);
        }
    }
}

/// Faults of jump hosts and ProxyCommand, with the key of each.
fn way(ssh: &SshOptions) -> Vec<(&'static str, Fault)> {
    let mut faults = Vec::new();
    let alone = ssh.jump.len() == 1;
    for hop in &ssh.jump {
        let good = if hop == "none" {
            alone
        } else {
            JumpHost::parse(hop).is_some()
        };
        if !good {
            let fault = Fault::new(format!("{} is no jump host", shown(hop)))
                .help("write it like `bastion` (a name of ~/.ssh/config) or `user@host:port`, several as a list; `none` alone for none");
            faults.push(("jump", fault));
        }
    }
    let Some(command) = &ssh.proxy_command else {
        return faults;
    };
    if !ssh.jump.is_empty() {
        let fault = Fault::new("`jump` and `proxy_command` are two ways to the same host")
            .help("delete one of the two");
        faults.push(("proxy_command", fault));
    }
    if command.trim().is_empty() || command.contains(char::is_control) {
        let fault = Fault::new("this is no command").help("write it in one line, like `nc %h %p`");
        faults.push(("proxy_command", fault));
    }
    faults
}

/// Whether a secret can be read from there at all.
pub(super) fn secret_source(source: &SecretSource) -> Option<Fault> {
    match source {
        SecretSource::Env(name) => {
            (!is_variable(name)).then(|| {
                // It may be the secret itself, so it is not repeated.
                Fault::new("this is no name of an environment variable")
                    .help("letters, digits and `_`, such as `{ env: LVSCTL_AUTH_PASS }`")
            })
        }
        SecretSource::File(path) => path.as_os_str().is_empty().then(|| {
            Fault::new("the file has no name").help("write `{ file: secrets/auth_pass }`")
        }),
        SecretSource::Prompt(_) => None,
    }
}

/// Whether an environment variable can have this name.
fn is_variable(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}
