//! A scripted [`Connect`] and [`RemoteShell`] for tests of callers: what is asked and what is answered, no process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Connect, Output, RemoteShell, TransportError};
use crate::model;

type Matcher = Box<dyn Fn(&str) -> bool + Send>;
type Answer = Box<dyn FnMut(&str) -> Result<Output, TransportError> + Send>;

/// The output of a script that went well.
pub fn ok(stdout: impl Into<String>) -> Output {
    Output {
        status: 0,
        stdout: stdout.into(),
        stderr: String::new(),
    }
}

/// The answers of one host, and what it was asked.
#[derive(Default)]
pub struct Script {
    answers: Vec<(Matcher, Answer)>,
}

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers every script that contains `part`. The first answer that fits is used, any number of times.
    pub fn on(self, part: impl Into<String>, output: Output) -> Self {
        let part = part.into();
        self.on_match(move |s| s.contains(&part), move |_| Ok(output.clone()))
    }

    pub fn on_match(
        mut self,
        matches: impl Fn(&str) -> bool + Send + 'static,
        answer: impl FnMut(&str) -> Result<Output, TransportError> + Send + 'static,
    ) -> Self {
        self.answers.push((Box::new(matches), Box::new(answer)));
        self
    }

    /// Answers what nothing before fits.
    pub fn otherwise(self, output: Output) -> Self {
        self.on_match(|_| true, move |_| Ok(output.clone()))
    }
}

/// Hosts by name. A host that is not there refuses the connection.
#[derive(Default, Clone)]
pub struct FakeHosts {
    hosts: Arc<Mutex<BTreeMap<String, Host>>>,
}

#[derive(Default)]
struct Host {
    script: Script,
    connections: usize,
    asked: Vec<String>,
}

impl FakeHosts {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn host(self, name: &str, script: Script) -> Self {
        let host = Host {
            script,
            ..Host::default()
        };
        self.lock().insert(name.to_owned(), host);
        self
    }

    /// The scripts that a host was given, in order.
    pub fn asked(&self, name: &str) -> Vec<String> {
        self.lock()
            .get(name)
            .map(|h| h.asked.clone())
            .unwrap_or_default()
    }

    pub fn connections(&self, name: &str) -> usize {
        self.lock().get(name).map_or(0, |h| h.connections)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connect for FakeHosts {
    fn connect(&self, host: &model::Host) -> Result<Box<dyn RemoteShell>, TransportError> {
        match self.lock().get_mut(&host.name) {
            Some(known) => known.connections += 1,
            None => return Err(TransportError::Refused(vec![(host.address, 22).into()])),
        }
        Ok(Box::new(FakeShell {
            hosts: self.clone(),
            name: host.name.clone(),
            gone: false,
        }))
    }

    fn this_machine(&self) -> Result<Box<dyn RemoteShell>, TransportError> {
        Err(TransportError::Refused(Vec::new()))
    }
}

struct FakeShell {
    hosts: FakeHosts,
    name: String,
    gone: bool,
}

impl RemoteShell for FakeShell {
    fn run(&mut self, script: &str, _timeout: Duration) -> Result<Output, TransportError> {
        if self.gone {
            return Err(TransportError::Gone);
        }
        let mut hosts = self.hosts.lock();
        let Some(host) = hosts.get_mut(&self.name) else {
            return Err(TransportError::Gone);
        };
        host.asked.push(script.to_owned());
        for (matches, answer) in &mut host.script.answers {
            if matches(script) {
                let answer = answer(script);
                self.gone = answer.is_err();
                return answer;
            }
        }
        Ok(Output {
            status: 127,
            stdout: String::new(),
            stderr: format!("the fake host {} has no answer to: {script}", self.name),
        })
    }

    fn run_in_shell(&mut self, script: &str, timeout: Duration) -> Result<Output, TransportError> {
        self.run(script, timeout)
    }

    fn close(self: Box<Self>, _timeout: Duration) -> Result<(), TransportError> {
        Ok(())
    }
}
