//! What every command that works on hosts begins with: inventory, roles, the chosen hosts, the way to reach them.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{Color, Global};
use crate::exit::Exit;
use crate::inventory::{
    self, Loaded,
    model::{Cluster, Host},
};
use crate::lab;
use crate::resource::{Distribution, Resource};
use crate::role::Roles;
use crate::run::Interrupt;
use crate::secret::Secrets;
use crate::transport::Connector;
use crate::transport::Counters;
use crate::transport::config::Environment;

use super::{Failure, Result, secrets};

/// Width of messages where no terminal tells one.
const WIDTH: usize = 120;

pub struct Setup {
    pub loaded: Loaded,
    pub roles: Roles,
}

/// Whether output to this stream is coloured.
pub fn colour(global: &Global, stream: &impl IsTerminal) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            stream.is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// Reads the inventory and its roles, and expands them: after this, nothing can be wrong that is known offline.
pub fn load(global: &Global) -> Result<Setup> {
    let folder = global.inventory.parent().map(|parent| {
        if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        }
    });
    let roles = Roles::load(folder).map_err(|e| Failure::of(Exit::Invalid, &e))?;
    let names: Vec<&str> = roles.names().collect();
    let loaded = inventory::load(&global.inventory, &names).map_err(|e| {
        Failure::new(
            Exit::Invalid,
            e.render(WIDTH, colour(global, &std::io::stderr())),
        )
    })?;
    for warning in &loaded.warnings {
        eprintln!(
            "{}",
            warning
                .render(WIDTH, colour(global, &std::io::stderr()))
                .trim_end()
        );
    }
    let setup = Setup { loaded, roles };
    for host in &setup.cluster().hosts {
        setup.wanted(host)?;
    }
    Ok(setup)
}

impl Setup {
    pub fn cluster(&self) -> &Cluster {
        &self.loaded.cluster
    }

    /// What a host shall be, if it is as most are.
    pub fn wanted(&self, host: &Host) -> Result<Vec<Resource>> {
        self.wanted_on(host, &Distribution::assumed())
    }

    pub fn wanted_on(&self, host: &Host, os: &Distribution) -> Result<Vec<Resource>> {
        self.roles.expand(self.cluster(), host, os).map_err(|e| {
            let Failure { exit, message } = Failure::of(Exit::Invalid, &e);
            Failure::new(
                exit,
                message.replacen("error: ", &format!("error: {}: ", host.name), 1),
            )
        })
    }

    /// The hosts of `--limit`; all without it.
    pub fn hosts(&self, global: &Global) -> Result<Vec<&Host>> {
        let hosts = &self.cluster().hosts;
        for word in &global.limit {
            if !hosts
                .iter()
                .any(|host| host.name == *word || host.has_role(word))
            {
                let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
                let message = format!(
                    "error: --limit: no host and no role is named {word:?}; the hosts are {}\n",
                    names.join(", ")
                );
                return Err(Failure::new(Exit::Usage, message));
            }
        }
        let chosen = |host: &&Host| {
            global.limit.is_empty()
                || global
                    .limit
                    .iter()
                    .any(|w| host.name == *w || host.has_role(w))
        };
        Ok(hosts.iter().filter(chosen).collect())
    }
}

/// The way to hosts, and the secrets of this run.
pub struct Reach {
    pub connector: Connector,
    pub secrets: Secrets,
    pub holder: String,
    pub counters: Arc<Counters>,
}

/// Enters the lab where that is asked, reads the secrets that `hosts` need, and sets up the transport.
/// It comes before any thread: a thread stays in the network namespace that it began in.
pub fn reach(global: &Global, setup: &mut Setup, templates: bool) -> Result<Reach> {
    let mut environment = Environment {
        home: std::env::home_dir(),
        user: user(),
        auth_sock: std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
    };
    if global.lab {
        let access =
            lab::enter(&setup.loaded.cluster.name).map_err(|e| Failure::of(Exit::Lab, &e))?;
        // The lab has keys of its own; the user's configuration is about other hosts.
        environment = Environment {
            home: None,
            user: Some(access.user.clone()),
            auth_sock: None,
        };
        for host in &mut setup.loaded.cluster.hosts {
            host.ssh.host = access.addresses.get(&host.name).map(ToString::to_string);
            host.ssh.port = None;
            host.ssh.identity_files = vec![access.identity_file.clone()];
            host.ssh.known_hosts = Some(access.known_hosts.clone());
        }
    }
    let secrets = secrets::read(global, setup, templates)?;
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
    Ok(Reach {
        connector,
        secrets,
        holder,
        counters,
    })
}

impl Reach {
    /// With `-v`, what the run cost in connections.
    pub fn tell(&self, global: &Global) {
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

/// Ctrl-C asks for an end between two steps; a second one does not wait for the step in hand.
pub fn interrupt() -> Result<Arc<Interrupt>> {
    interrupt_quietly(false)
}

/// `quietly`: Ctrl-C is how the user ends what would go on for ever, and no news.
pub fn interrupt_quietly(quietly: bool) -> Result<Arc<Interrupt>> {
    let interrupt = Arc::new(Interrupt::default());
    let flag = Arc::clone(&interrupt);
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
    ])
    .map_err(|e| Failure::of(Exit::Failed, &e))?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if flag.is_set() {
                eprintln!(
                    "given up: the steps in hand may or may not be done; `lvsctl plan` tells. locks end with their connections"
                );
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            flag.set();
            if !quietly {
                eprintln!("interrupted: ending after the steps in hand; once more to give up now");
            }
        }
    });
    Ok(interrupt)
}
