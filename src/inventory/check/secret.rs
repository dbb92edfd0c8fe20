//! Secrets: where the inventory asks for each, and what is wrong with it.

use super::View;
use crate::diagnostic::Fault;
use crate::secret::{SecretSource, Unread};

/// A fault for each secret that could not be read, where it is asked for first.
pub(super) fn unread(view: View<'_>, unread: &[Unread]) -> Vec<Fault> {
    let all = unread.iter();
    all.map(|one| {
        let fault = Fault::new(&one.why).help(&one.fix);
        place(view, &one.source, fault)
    })
    .collect()
}

fn place(view: View<'_>, source: &SecretSource, fault: Fault) -> Fault {
    let kind = match source {
        SecretSource::Env(_) => "env",
        SecretSource::File(_) => "file",
        SecretSource::Prompt(_) => "prompt",
    };
    for instance in &view.cluster.vrrp {
        if instance.auth_pass.as_ref() == Some(source) {
            return view.of_vrrp(instance, &["auth_pass", kind], fault);
        }
    }
    for host in &view.cluster.hosts {
        for (key, own) in host.ssh.secrets() {
            if own.as_ref() == Some(source) {
                return view.at(
                    &[view.of_ssh(host, key).as_slice(), &[kind]].concat(),
                    fault,
                );
            }
        }
    }
    view.at_key(&[], fault)
}
