//! Waiting for hosts: by asking them over SSH, never for a fixed time.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;

use super::access;
use super::error::LabError;
use super::layout::{HostLayout, Layout};
use super::netns::Netns;
use super::stall::Stall;
use super::state::StateDir;
use super::status::{PowerState, power};
use super::tool::{last_said, log_tail};

/// How long a first connection may take to greet. Each further one gets twice as long, up to [`GREETING_MOST`]: every
/// connection costs the host a process, so that a slow host which is asked too often never answers.
const GREETING: Duration = Duration::from_secs(5);
const GREETING_MOST: Duration = Duration::from_secs(80);

const STEP: Duration = Duration::from_millis(100);
const ASK: &str = "cat /proc/sys/kernel/random/boot_id; systemctl is-system-running --wait";

/// An error once the token is set.
pub(super) fn check(cancel: &CancelToken) -> Result<(), LabError> {
    if cancel.is_cancelled() {
        return Err(LabError::Interrupted);
    }
    Ok(())
}

/// The pause between two looks at a condition.
pub(super) fn pause(cancel: &CancelToken) -> Result<(), LabError> {
    check(cancel)?;
    std::thread::sleep(STEP);
    check(cancel)
}

/// What a host said of itself.
struct Answer {
    boot_id: String,
    state: String,
}

/// Waits until each of the hosts (all, where none is named) answers SSH and has finished booting.
pub fn wait_ready(lab: &str, hosts: &[&str], timeout: Duration) -> Result<(), LabError> {
    let state = StateDir::of(lab)?;
    let layout = state.layout()?;
    let hosts = pick(&layout, hosts)?;
    let none = BTreeMap::new();
    wait_all(
        &state,
        &layout,
        &hosts,
        &none,
        timeout,
        &CancelToken::default(),
        &mut |_| {},
    )
}

/// Starts a host that was powered off (`poweroff`, or `poweroff -ff` for a crash), and waits until it is ready.
pub fn start(lab: &str, host: &str, timeout: Duration) -> Result<(), LabError> {
    let state = StateDir::of(lab)?;
    let layout = state.layout()?;
    layout.host(host)?;
    if power(&state, host) == Some(PowerState::On) {
        return wait_ready(lab, &[host], timeout);
    }
    let wish = state.host_start(host);
    let what = || LabError::io(format!("{}: cannot be written", wish.display()));
    std::fs::write(&wish, "").map_err(what())?;
    let stall = Stall::of(&state, &layout);
    while wish.exists() || power(&state, host) != Some(PowerState::On) {
        if !state.running() {
            return Err(LabError::Ended(lab.to_owned()));
        }
        if stall.over(timeout) {
            return Err(LabError::NotReady {
                host: host.to_owned(),
                waited: stall.waited(),
                reason: "it was not started".to_owned(),
                console: log_tail(&state.console(), 15),
            });
        }
        std::thread::sleep(STEP);
    }
    wait_ready(lab, &[host], timeout)
}

/// Waits until a host is off.
pub fn wait_off(lab: &str, host: &str, timeout: Duration) -> Result<(), LabError> {
    let state = StateDir::of(lab)?;
    let layout = state.layout()?;
    layout.host(host)?;
    let stall = Stall::of(&state, &layout);
    while power(&state, host) == Some(PowerState::On) && state.running() {
        if stall.over(timeout) {
            return Err(LabError::NotReady {
                host: host.to_owned(),
                waited: stall.waited(),
                reason: "it is still on".to_owned(),
                console: log_tail(&state.host_console(host), 15),
            });
        }
        std::thread::sleep(STEP);
    }
    Ok(())
}

/// Waits until each of the hosts in `before` (host name to boot id) runs again with another boot id.
pub fn wait_rebooted(
    lab: &str,
    before: &BTreeMap<String, String>,
    timeout: Duration,
) -> Result<(), LabError> {
    let state = StateDir::of(lab)?;
    let layout = state.layout()?;
    let names: Vec<_> = before.keys().map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let hosts = pick(&layout, &names)?;
    wait_all(
        &state,
        &layout,
        &hosts,
        before,
        timeout,
        &CancelToken::default(),
        &mut |_| {},
    )
}

/// The boot id of each of the hosts (all, where none is named).
pub fn boot_ids(lab: &str, hosts: &[&str]) -> Result<BTreeMap<String, String>, LabError> {
    let state = StateDir::of(lab)?;
    let layout = state.layout()?;
    let mut ids = BTreeMap::new();
    for host in pick(&layout, hosts)? {
        let output = access::output(lab, &host.name, &["cat", "/proc/sys/kernel/random/boot_id"])?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || text.is_empty() {
            return Err(LabError::Command {
                command: format!("ssh {}", host.name),
                status: output.status.to_string(),
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        ids.insert(host.name.clone(), text);
    }
    Ok(ids)
}

fn pick<'a>(layout: &'a Layout, names: &[&str]) -> Result<Vec<&'a HostLayout>, LabError> {
    if names.is_empty() {
        return Ok(layout.hosts.iter().collect());
    }
    names.iter().map(|name| layout.host(name)).collect()
}

/// Waits for all hosts in parallel; calls `ready` for each. `timeout`: the longest time without progress of the lab.
pub(super) fn wait_all(
    state: &StateDir,
    layout: &Layout,
    hosts: &[&HostLayout],
    before: &BTreeMap<String, String>,
    timeout: Duration,
    cancel: &CancelToken,
    ready: &mut dyn FnMut(&str),
) -> Result<(), LabError> {
    // The first failure ends the others' waiting.
    let stop = CancelToken::default();
    let stall = Stall::of(state, layout);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for host in hosts {
            let sender = sender.clone();
            let old = before.get(&host.name).map(String::as_str);
            let (stop, stall) = (&stop, &stall);
            scope.spawn(move || {
                let waiter = Waiter {
                    state,
                    host,
                    old,
                    timeout,
                    cancel,
                    stop,
                    stall,
                };
                let _ = sender.send((host.name.clone(), waiter.wait()));
            });
        }
        drop(sender);
        let mut first = Ok(());
        for (name, result) in receiver {
            match result {
                Ok(()) => {
                    stall.progress();
                    ready(&name);
                }
                Err(error) => {
                    stop.cancel();
                    first = first.and(Err(error));
                }
            }
        }
        first
    })
}

struct Waiter<'a> {
    state: &'a StateDir,
    host: &'a HostLayout,
    old: Option<&'a str>,
    timeout: Duration,
    cancel: &'a CancelToken,
    stop: &'a CancelToken,
    stall: &'a Stall,
}

impl Waiter<'_> {
    fn wait(&self) -> Result<(), LabError> {
        let netns = self.state.netns();
        let mut patience = GREETING;
        loop {
            self.still_there()?;
            let looked = self.look(&netns, patience);
            patience = (2 * patience).min(GREETING_MOST);
            let reason = match looked {
                Ok(()) => return Ok(()),
                Err(reason) => reason,
            };
            if self.stall.over(self.timeout) {
                return Err(LabError::NotReady {
                    host: self.host.name.clone(),
                    waited: self.stall.waited(),
                    reason,
                    console: log_tail(&self.state.host_console(&self.host.name), 15),
                });
            }
            pause(self.cancel)?;
            check(self.stop)?;
        }
    }

    fn still_there(&self) -> Result<(), LabError> {
        check(self.stop)?;
        if !self.state.running() {
            let log = self.state.console();
            return Err(LabError::MachineEnded {
                said: last_said(&log),
                log,
            });
        }
        let power = power(self.state, &self.host.name);
        if matches!(power, Some(PowerState::Off | PowerState::Failed)) {
            return Err(LabError::Died {
                what: format!("host {}", self.host.name),
                console: log_tail(&self.state.host_console(&self.host.name), 20),
            });
        }
        Ok(())
    }

    /// The reason why it is not ready, where it is not.
    fn look(&self, netns: &Netns, patience: Duration) -> Result<(), String> {
        let address = SocketAddr::new(self.host.address, 22);
        netns
            .inside(|| greeting(address, patience, &|| self.given_up()))
            .map_err(|e| format!("its SSH port does not answer: {e}"))?;
        let answer = self.ask()?;
        if self.old == Some(answer.boot_id.as_str()) {
            return Err("it has not rebooted yet".to_owned());
        }
        match answer.state.as_str() {
            "running" | "degraded" => Ok(()),
            other => Err(format!("systemd says {other:?}")),
        }
    }

    fn ask(&self) -> Result<Answer, String> {
        let mut command = access::ssh_command(self.state).map_err(|e| e.to_string())?;
        command.args(["-o", "BatchMode=yes", &self.host.name, ASK]);
        let output = self.bounded(&mut command).map_err(|e| e.to_string())?;
        let mut lines = output.0.lines().map(str::trim);
        match (lines.next(), lines.next()) {
            (Some(boot_id), Some(state)) if boot_id.len() == 36 => Ok(Answer {
                boot_id: boot_id.to_owned(),
                state: state.to_owned(),
            }),
            _ => Err(format!("SSH does not work: {}", output.1.trim())),
        }
    }

    fn given_up(&self) -> bool {
        self.stall.over(self.timeout) || self.cancel.is_cancelled() || self.stop.is_cancelled()
    }

    /// Both outputs of a command that is ended when the lab stalls or the wait is cancelled.
    fn bounded(&self, command: &mut Command) -> io::Result<(String, String)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        while child.try_wait()?.is_none() {
            if self.given_up() {
                let _ = child.kill();
                break;
            }
            std::thread::sleep(STEP);
        }
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(&output.stdout), text(&output.stderr)))
    }
}

/// Waits for the greeting of an SSH server.
fn greeting(
    address: SocketAddr,
    patience: Duration,
    given_up: &dyn Fn() -> bool,
) -> io::Result<()> {
    let started = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(STEP))?;
    let mut start = Vec::new();
    while start.len() < 4 {
        let mut part = [0; 4];
        match stream.read(&mut part) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => start.extend_from_slice(&part[..n]),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                if started.elapsed() > patience || given_up() {
                    let waited = started.elapsed().as_secs();
                    return Err(io::Error::other(format!("no greeting after {waited} s")));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    if start.starts_with(b"SSH-") {
        Ok(())
    } else {
        Err(io::Error::other("what answers is no SSH server"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes after a while, and ends it where `ends`.
    fn server(text: &'static str, after: Duration, ends: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            std::thread::sleep(after);
            stream.write_all(text.as_bytes()).unwrap();
            if !ends {
                let _ = stream.read(&mut [0]);
            }
        });
        address
    }

    fn outcome(text: &'static str, ends: bool, given_up: bool) -> Result<(), String> {
        let address = server(text, Duration::from_millis(300), ends);
        greeting(address, Duration::from_secs(1), &|| given_up).map_err(|e| e.to_string())
    }

    #[test]
    fn a_greeting_is_awaited_while_there_is_patience() {
        assert_eq!(outcome("SSH-2.0-x\r\n", false, false), Ok(()));
        assert_eq!(
            outcome("", false, false),
            Err("no greeting after 1 s".to_owned())
        );
        assert_eq!(
            outcome("SSH-", false, true),
            Err("no greeting after 0 s".to_owned())
        );
        assert_eq!(
            outcome("HTTP/1.0 400", false, false),
            Err("what answers is no SSH server".to_owned())
        );
        assert_eq!(
            outcome("", true, false),
            Err("unexpected end of file".to_owned())
        );
    }
}
