//! From a host of the inventory to its shell: over SSH or on this machine, through sudo where needed. Holds what all
//! hosts of a run share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::{self, Environment, SshSettings};
use super::keys::KeyRing;
use super::known_hosts::Store;
use super::session::{self, Launch, Sudo};
use super::{Connect, Counters, RemoteShell, TransportError, local, ssh};
use crate::model::{Connection, Host};
use crate::secret::Secrets;

/// Connects to the hosts of one run.
pub struct Connector {
    environment: Environment,
    settings: SshSettings,
    secrets: Secrets,
    counters: Arc<Counters>,
    known_hosts: Store,
    keys: KeyRing,
    jump_hosts: ssh::JumpHosts,
}

/// How long a local shell may take to start, sudo included.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(10);

impl Connector {
    /// Reads the user's SSH configuration. `secrets` holds the values of all that the inventory refers to.
    pub fn new(
        environment: Environment,
        secrets: Secrets,
        counters: Arc<Counters>,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            settings: SshSettings::load(&environment)?,
            environment,
            secrets,
            counters,
            known_hosts: Store::default(),
            keys: KeyRing::default(),
            jump_hosts: ssh::JumpHosts::default(),
        })
    }

    fn access(&self) -> ssh::Access<'_> {
        ssh::Access {
            secrets: &self.secrets,
            known_hosts: &self.known_hosts,
            keys: &self.keys,
            counters: &self.counters,
            jump_hosts: &self.jump_hosts,
        }
    }

    fn sudo(&self, host: &Host, user: &str) -> Result<Option<Sudo>, TransportError> {
        if !host.ssh.sudo.unwrap_or(user != "root") {
            return Ok(None);
        }
        let access = self.access();
        let password = access.secret("ssh.sudo_password", host.ssh.sudo_password.as_ref())?;
        Ok(Some(Sudo {
            user: user.to_owned(),
            password: password.cloned(),
        }))
    }
}

impl Connect for Connector {
    fn connect(&self, host: &Host) -> Result<Box<dyn RemoteShell>, TransportError> {
        if host.connection == Connection::Local {
            let user = self.environment.user.as_deref().unwrap_or_default();
            let timeout = host
                .ssh
                .connect_timeout
                .map_or(LOCAL_TIMEOUT, Duration::from_secs);
            let sudo = self.sudo(host, user)?;
            let session = local::open(sudo, &self.access().hidden(), timeout, &self.counters)?;
            return Ok(Box::new(session));
        }
        let address = host.address.to_string();
        let target = config::resolve(
            &host.name,
            &address,
            &host.ssh,
            &self.settings,
            &self.environment,
        )?;
        let sudo = self.sudo(host, &target.user)?;
        let access = self.access();
        let session = session::with_terminal_if_asked(|terminal| {
            let launch = Launch::new(sudo.clone(), terminal)?;
            let link = ssh::connect(&target, &access)?;
            let timeout = target.connect_timeout;
            let deadline = Instant::now() + timeout;
            let channel = link.exec(&launch.command(), deadline, timeout)?;
            self.counters.exec();
            launch.open(Box::new(channel), deadline, timeout)
        })?;
        Ok(Box::new(session))
    }

    fn this_machine(&self) -> Result<Box<dyn RemoteShell>, TransportError> {
        let session = local::open(None, &self.access().hidden(), LOCAL_TIMEOUT, &self.counters)?;
        Ok(Box::new(session))
    }
}
