//! The machine that lvsctl runs on, as a client that sends requests. It is not a host of the inventory: it has no desired
//! state, and nothing on it is changed.

use std::time::Instant;

use super::host::{self, Run, TIMEOUT};
use super::host_error::HostError;
use super::question;
use crate::event::Event;
use crate::fact::Facts;
use crate::probe;
use crate::transport::{Output, RemoteShell};

pub struct ThisMachine {
    pub facts: Facts,
    shell: Box<dyn RemoteShell>,
}

impl ThisMachine {
    /// Its name in findings and events. The blank distinguishes it from all hosts' names.
    pub const NAME: &'static str = "this machine";

    /// Opens a shell and reads the machine's addresses. Requests as a client need root.
    pub fn open(run: &Run) -> Result<Self, HostError> {
        let name = || Self::NAME.to_owned();
        run.sink.event(&Event::Connecting { host: name() });
        let started = Instant::now();
        let mut shell = run.connect.this_machine().map_err(HostError::Connect)?;
        let needs = probe::needs(&[]);
        let answer = question::answer(run, shell.as_mut(), &needs, "", TIMEOUT)?;
        question::no_obstacles(&answer, &[])?;
        run.sink.event(&Event::Probed {
            host: name(),
            seconds: started.elapsed().as_secs_f64(),
        });
        Ok(Self {
            facts: answer.facts,
            shell,
        })
    }

    /// Runs a script of a check.
    pub fn ask(&mut self, doing: &str, script: &str) -> Result<Output, HostError> {
        question::asked(self.shell.as_mut(), doing, script, TIMEOUT)
    }

    /// Runs shell text in the session's own shell: descriptors and background jobs stay until the shell ends.
    pub(crate) fn in_shell(&mut self, doing: &str, script: &str) -> Result<Output, HostError> {
        question::sent(doing, self.shell.run_in_shell(script, TIMEOUT))
    }

    pub fn close(self) {
        host::end(self.shell, Self::NAME);
    }
}
