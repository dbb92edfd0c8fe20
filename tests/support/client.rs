//! The controller's side of a test: a [`Connector`] with the lab's environment, and an agent.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lvsctl::model;
use lvsctl::secret::{SecretSource, Secrets};
use lvsctl::transport::config::Environment;
use lvsctl::transport::{Connect, Connector, Counters, RemoteShell, TransportError};
use secrecy::SecretString;

use super::{Lab, until};

pub(crate) struct Client {
    pub connector: Connector,
    pub counters: Arc<Counters>,
}

impl Client {
    pub(crate) fn new(lab: &Lab) -> Self {
        Self::with(lab.environment(), &[])
    }

    /// `secrets` are names of environment variables (not read here) and their values.
    pub(crate) fn with(environment: Environment, secrets: &[(&str, &str)]) -> Self {
        let counters = Arc::new(Counters::default());
        let secrets: Secrets = secrets
            .iter()
            .map(|(name, value)| (secret(name), SecretString::from(*value)))
            .collect();
        let connector = Connector::new(environment, secrets, Arc::clone(&counters))
            .unwrap_or_else(|e| panic!("{e}"));
        Self {
            connector,
            counters,
        }
    }

    pub(crate) fn try_connect(
        &self,
        host: &model::Host,
    ) -> Result<Box<dyn RemoteShell>, TransportError> {
        self.connector.connect(host)
    }

    pub(crate) fn connect(&self, host: &model::Host) -> Box<dyn RemoteShell> {
        self.try_connect(host)
            .unwrap_or_else(|e| panic!("{}: {e}", host.name))
    }

    /// Why there is no connection.
    pub(crate) fn refusal(&self, host: &model::Host) -> TransportError {
        match self.try_connect(host) {
            Ok(_) => panic!("{} lets us in", host.name),
            Err(e) => e,
        }
    }
}

pub(crate) fn secret(name: &str) -> SecretSource {
    SecretSource::Env(name.to_owned())
}

/// An ssh-agent of the test.
pub(crate) struct Agent {
    pub socket: PathBuf,
    process: Child,
}

impl Agent {
    pub(crate) fn start(dir: &Path) -> Self {
        let socket = dir.join("agent");
        let process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("starts ssh-agent; apt-get install openssh-client");
        until("ssh-agent has its socket", || socket.exists());
        Self { socket, process }
    }

    pub(crate) fn add(&self, key: &Path) {
        let output = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .output()
            .expect("starts ssh-add");
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
