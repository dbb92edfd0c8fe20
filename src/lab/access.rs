//! Access to a running lab: its network namespace, its keys, the OpenSSH client.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output, Stdio};

use serde::Serialize;

use super::error::LabError;
use super::layout::Layout;
use super::state::StateDir;
use super::tool::program;

/// What an SSH client in the lab's namespace needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabAccess {
    pub user: String,
    pub identity_file: PathBuf,
    pub known_hosts: PathBuf,
    /// For `ssh -F`.
    pub ssh_config: PathBuf,
    /// Where each host is reached.
    pub addresses: BTreeMap<String, IpAddr>,
}

/// Moves the calling thread, and all that it starts from then on, into the lab's network namespace.
/// To be called before other threads are started: those stay outside.
pub fn enter(lab: &str) -> Result<LabAccess, LabError> {
    let (state, layout) = open(lab)?;
    state.netns().enter().map_err(LabError::io(format!(
        "lab {lab}: its network namespace cannot be entered"
    )))?;
    Ok(LabAccess {
        user: "root".to_owned(),
        identity_file: state.identity(),
        known_hosts: state.known_hosts(),
        ssh_config: state.ssh_config(),
        addresses: layout
            .hosts
            .iter()
            .map(|h| (h.name.clone(), h.address))
            .collect(),
    })
}

/// A command that will run on this machine's end of the lab.
pub fn command(lab: &str, name: &str) -> Result<Command, LabError> {
    let (state, _) = open(lab)?;
    let mut command = program(name);
    place(&state, &mut command)?;
    Ok(command)
}

/// An interactive or scripted `ssh` to the host, with the caller's terminal.
pub fn ssh(lab: &str, host: &str, args: &[&str]) -> Result<ExitStatus, LabError> {
    let (state, layout) = open(lab)?;
    layout.host(host)?;
    let mut command = ssh_command(&state)?;
    // ssh takes options behind the host's name too: `-L 8080:VIP:80 -N`.
    command.arg(host).args(args);
    status(&mut command)
}

/// A command on the host, or on this machine's end of the lab where none is named; each word arrives as it is.
pub fn exec(lab: &str, host: Option<&str>, argv: &[&str]) -> Result<ExitStatus, LabError> {
    status(&mut remote(lab, host, argv)?)
}

/// Like [`exec`] on a host, with its output collected.
pub fn output(lab: &str, host: &str, argv: &[&str]) -> Result<Output, LabError> {
    let mut command = remote(lab, Some(host), argv)?;
    command.stdin(Stdio::null());
    command.output().map_err(LabError::io("ssh: cannot be run"))
}

fn remote(lab: &str, host: Option<&str>, argv: &[&str]) -> Result<Command, LabError> {
    let (state, layout) = open(lab)?;
    let Some(host) = host else {
        let [name, rest @ ..] = argv else {
            return Err(LabError::Spec("a command is missing".to_owned()));
        };
        let mut command = program(name);
        place(&state, command.args(rest))?;
        return Ok(command);
    };
    layout.host(host)?;
    let mut command = ssh_command(&state)?;
    command
        .args(["-o", "BatchMode=yes", host, "--"])
        .arg(crate::shell::command(argv));
    Ok(command)
}

fn open(lab: &str) -> Result<(StateDir, Layout), LabError> {
    let state = StateDir::of(lab)?;
    let layout = state.layout()?;
    if !state.running() {
        return Err(LabError::Ended(lab.to_owned()));
    }
    Ok((state, layout))
}

fn place(state: &StateDir, command: &mut Command) -> Result<(), LabError> {
    state.netns().place(command).map_err(LabError::io(format!(
        "lab {}: its network namespace cannot be opened",
        state.name()
    )))
}

pub(super) fn ssh_command(state: &StateDir) -> Result<Command, LabError> {
    let mut command = program("ssh");
    command.arg("-F").arg(state.ssh_config());
    place(state, &mut command)?;
    Ok(command)
}

fn status(command: &mut Command) -> Result<ExitStatus, LabError> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .status()
        .map_err(LabError::io(format!("{name}: cannot be run")))
}
