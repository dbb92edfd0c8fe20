//! Probes of a host: sends them, widens them by the resources of the manifest, and refuses hosts that lvsctl cannot work on.
//! What a run does with the answers belongs in [`super::host`].

use std::time::{Duration, Instant};

use super::host::{Run, timeout};
use super::host_error::HostError;
use crate::fact::Needs;
use crate::host_paths;
use crate::model::Host;
use crate::plan::manifest::Manifest;
use crate::probe::{self, Answer};
use crate::resource::Resource;
use crate::transport::{Output, RemoteShell, TransportError};

/// Runs a script outside steps.
pub(super) fn asked(
    shell: &mut dyn RemoteShell,
    doing: &str,
    script: &str,
    timeout: Duration,
) -> Result<Output, HostError> {
    sent(doing, shell.run(script, timeout))
}

pub(super) fn sent(
    doing: &str,
    output: Result<Output, TransportError>,
) -> Result<Output, HostError> {
    output.map_err(|source| HostError::Transport {
        doing: doing.to_owned(),
        step: None,
        source: Box::new(source),
    })
}

/// How often a host is probed again while its manifest names resources that the probe did not read.
const ROUNDS: usize = 3;

/// Probes again until the answer covers all resources of the manifest too: only the answer says which resources lvsctl made
/// on this host that are no longer desired.
pub(super) fn ask_all(
    run: &Run,
    host: &Host,
    shell: &mut dyn RemoteShell,
    desired: &[Resource],
    mut needs: Needs,
    mut answer: Answer,
) -> Result<Answer, HostError> {
    for _ in 0..=ROUNDS {
        let mut wider = probe::needs(&with_owned(desired, &answer.manifest));
        wider.way_in = needs.way_in;
        if wider == needs {
            return Ok(answer);
        }
        answer = ask(run, host, shell, &wider)?;
        needs = wider;
    }
    Err(HostError::Obstacles(vec![format!(
        "expected the manifest {} to stay as it is while it is read, found another one {ROUNDS} times; run again when no other run changes this host",
        host_paths::manifest(&run.cluster.name)
    )]))
}

pub(super) fn no_obstacles(answer: &Answer, desired: &[Resource]) -> Result<(), HostError> {
    let obstacles = probe::obstacles(answer, desired);
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(HostError::Obstacles(obstacles))
}

pub(super) fn with_owned(desired: &[Resource], manifest: &Manifest) -> Vec<Resource> {
    let mut all = desired.to_vec();
    let owned = manifest.entries.iter().map(|entry| &entry.resource);
    let gone = owned.filter(|r| !desired.iter().any(|w| w.is_same_as(r)));
    all.extend(gone.cloned());
    all
}

pub(super) fn ask(
    run: &Run,
    host: &Host,
    shell: &mut dyn RemoteShell,
    needs: &Needs,
) -> Result<Answer, HostError> {
    let mut needs = needs.clone();
    if host.is_director() {
        let record = host_paths::maintenance(&run.cluster.name);
        needs.file.get_or_insert_default().insert(record);
    }
    let more = (run.more)(host, &mut needs);
    answer(run, shell, &needs, &more, timeout(host))
}

/// Sends a probe. `more` are sections beside the facts.
pub(super) fn answer(
    run: &Run,
    shell: &mut dyn RemoteShell,
    needs: &Needs,
    more: &str,
    timeout: Duration,
) -> Result<Answer, HostError> {
    let (cluster, nonce) = (&run.cluster.name, nonce());
    let script = probe::script(cluster, needs, more, &nonce);
    // The script of facts leaves nothing behind in the shell, so it saves the process of a subshell.
    let output = if more.is_empty() {
        shell.run_in_shell(&script, timeout)
    } else {
        shell.run(&script, timeout)
    };
    let output = sent("probing", output)?;
    Ok(probe::read(cluster, needs, &output.stdout, &nonce)?)
}

/// An unpredictable word, so that no text on a host can imitate a section marker.
pub fn nonce() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(Instant::now()))
}
