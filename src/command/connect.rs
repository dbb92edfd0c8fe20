//! Access to the hosts of a run: lab or network, secrets, transport, and the cancellation by Ctrl-C.

use std::path::PathBuf;
use std::sync::Arc;

use nix::sys::resource::{Resource, setrlimit};

use crate::cancel::CancelToken;
use crate::cli::Global;
use crate::exit::Exit;
use crate::lab;
use crate::secret::Secrets;
use crate::transport::config::Environment;
use crate::transport::{Connector, Counters};

use super::context::Context;
use super::{Failure, Result, output, secrets};

/// The transport and the secrets of a run.
pub(super) struct Access {
    pub connector: Connector,
    pub secrets: Secrets,
    pub holder: String,
    pub counters: Arc<Counters>,
}

/// Seconds. All hosts of a lab share the cores of one machine, so a slow answer does not mean that a host is unreachable.
const LAB_CONNECT_TIMEOUT: u64 = 60;

/// Enters the lab with `--lab`, reads the secrets that the hosts need, and sets up the transport. To be called before any
/// thread starts, since a thread stays in the network namespace in which it started.
pub(super) fn access(global: &Global, context: &mut Context, templates: bool) -> Result<Access> {
    let mut environment = Environment {
        home: std::env::home_dir(),
        user: user(),
        auth_sock: std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
    };
    if global.lab {
        let access =
            lab::enter(&context.loaded.cluster.name).map_err(|e| Failure::of(Exit::Lab, &e))?;
        let chosen = context
            .hosts(global)?
            .into_iter()
            .map(|host| host.name.as_str());
        let absent: Vec<&str> = chosen
            .filter(|name| !access.addresses.contains_key(*name))
            .collect();
        if !absent.is_empty() {
            let message = format!(
                "error: the lab has no host {}; `lvsctl lab down` and `lvsctl lab up` make it anew, as the inventory is now\n",
                absent.join(", ")
            );
            return Err(Failure::new(Exit::Lab, message));
        }
        // The lab has separate keys; the user's SSH configuration is for other hosts.
        environment = Environment {
            home: None,
            user: Some(access.user.clone()),
            auth_sock: None,
        };
        for host in &mut context.loaded.cluster.hosts {
            host.ssh.host = access.addresses.get(&host.name).map(ToString::to_string);
            host.ssh.port = None;
            host.ssh.jump = Vec::new();
            host.ssh.proxy_command = None;
            host.ssh.identity_files = vec![access.identity_file.clone()];
            host.ssh.known_hosts = Some(access.known_hosts.clone());
            host.ssh.connect_timeout.get_or_insert(LAB_CONNECT_TIMEOUT);
        }
    }
    // A core file would contain the secrets.
    if let Err(error) = setrlimit(Resource::RLIMIT_CORE, 0, 0) {
        tracing::debug!(%error, "forbidding core files");
    }
    let secrets = secrets::read(global, context, templates)?;
    let counters = Arc::new(Counters::default());
    let holder = format!(
        "{}@{} process {}",
        environment.user.as_deref().unwrap_or("?"),
        nix::unistd::gethostname()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        std::process::id()
    );
    let connector = Connector::new(environment, secrets.clone(), Arc::clone(&counters))
        .map_err(|e| Failure::of(Exit::Invalid, &e))?;
    Ok(Access {
        connector,
        secrets,
        holder,
        counters,
    })
}

impl Access {
    /// With `-v`, prints the number of connections and processes of the run.
    pub(super) fn print_costs(&self, global: &Global) {
        if global.verbose > 0 {
            eprintln!(
                "{} connections, {} execs",
                self.counters.connections(),
                self.counters.execs()
            );
        }
    }
}

fn user() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::Uid::effective())
        .ok()
        .flatten()
        .map(|user| user.name)
}

/// The first Ctrl-C cancels between two steps; the second does not wait for the current step. `quietly`: no message, since
/// Ctrl-C is the normal end of an endless command.
pub(super) fn cancel_token(quietly: bool) -> Result<CancelToken> {
    let cancel = CancelToken::default();
    let flag = cancel.clone();
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
    ])
    .map_err(|e| Failure::of(Exit::Failed, &e))?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if flag.is_cancelled() {
                output::last_words(
                    "aborted: running steps may be incomplete; `lvsctl plan` shows what is left. Locks are released with the connections",
                );
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            flag.cancel();
            if !quietly {
                output::aside(
                    "interrupted: finishing the current steps; press Ctrl-C again to abort now",
                );
            }
        }
    });
    Ok(cancel)
}
