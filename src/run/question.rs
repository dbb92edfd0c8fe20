//! Questions to a host, and what its answers must have before anything is done. What comes of them is [`super::host`]'s part.

use std::time::{Duration, Instant};

use super::host::{Run, timeout};
use super::host_error::HostError;
use crate::fact::Needs;
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

/// How often a host is asked anew when its manifest names more than was asked.
const ROUNDS: usize = 3;

/// What is ours and no longer wanted is known only from the answer, and is asked for then.
pub(super) fn ask_all(
    run: &Run,
    host: &Host,
    shell: &mut dyn RemoteShell,
    wanted: &[Resource],
    mut needs: Needs,
    mut answer: Answer,
) -> Result<Answer, HostError> {
    for _ in 0..=ROUNDS {
        let wider = probe::needs(&with_owned(wanted, &answer.manifest));
        if wider == needs {
            return Ok(answer);
        }
        answer = ask(run, host, shell, &wider)?;
        needs = wider;
    }
    Err(HostError::Obstacles(vec![format!(
        "expected the manifest {} to stay as it is while it is read, found another one {ROUNDS} times; run again when no other run changes this host",
        Manifest::path(&run.cluster.name)
    )]))
}

pub(super) fn no_obstacles(answer: &Answer, wanted: &[Resource]) -> Result<(), HostError> {
    let obstacles = probe::obstacles(answer, wanted);
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(HostError::Obstacles(obstacles))
}

pub(super) fn with_owned(wanted: &[Resource], manifest: &Manifest) -> Vec<Resource> {
    let mut all = wanted.to_vec();
    let owned = manifest.entries.iter().map(|entry| &entry.resource);
    let gone = owned.filter(|r| !wanted.iter().any(|w| w.is_same_as(r)));
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
        let record = crate::host_paths::maintenance(&run.cluster.name);
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
    // A subshell is one process more on the host, and what only asks for facts needs none.
    let output = if more.is_empty() {
        shell.run_in_shell(&script, timeout)
    } else {
        shell.run(&script, timeout)
    };
    let output = sent("probing", output)?;
    Ok(probe::read(cluster, needs, &output.stdout, &nonce)?)
}

/// A word that no host can know beforehand.
pub fn nonce() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(Instant::now()))
}
