//! Withheld parts of a run with their reasons, as values and as text.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::HostView;
use crate::model::{Cluster, Host};

/// A withheld part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withheld {
    pub host: String,
    pub what: What,
    /// For a withheld real server: its service and its host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real_server: Option<String>,
    pub because: Vec<Because>,
    /// All of it in a sentence.
    pub message: String,
    /// What to run next.
    pub fix: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A director's configuration does not get a real server.
    RealServer,
    /// What the host would lose stays.
    Removals,
    /// Nothing is changed on the host.
    Changes,
}

/// A host that does not meet a condition, or is not known to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Because {
    pub host: String,
    pub state: State,
    pub need: Need,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was not reached.
    Unreached,
    /// It is outside `--limit`, and was not read.
    Unread,
    /// It is outside `--limit`, and not in its desired state.
    Differs,
    /// It is outside `--limit`, and sends to the host.
    Sends,
    /// Its own changes are withheld.
    Withheld,
    /// The run began to change it, and it failed then or in `verify`.
    Failed,
}

/// A condition of a step on another host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A director must no longer send requests to the host.
    NoRequests,
    /// A director must change its forwarding mode or port for the host in the same run.
    SameWay,
    /// A real server of this service must be ready.
    Ready(String),
    /// A member of this VRRP instance must change in the same run.
    Adverts(String),
}

impl State {
    fn words(self) -> &'static str {
        match self {
            Self::Unreached => "was not reached",
            Self::Unread => "is outside --limit and was not read",
            Self::Differs => "is outside --limit and not in its desired state",
            Self::Sends => "is outside --limit and still sends to it",
            Self::Withheld => "is not changed by this run",
            Self::Failed => "failed in this run",
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, state) = (&self.host, self.state.words());
        match &self.need {
            Need::NoRequests => write!(f, "{host} may send to it ({host} {state})"),
            Need::SameWay => write!(
                f,
                "{host} sends to it in another way than the inventory says ({host} {state})"
            ),
            Need::Ready(service) => {
                write!(f, "{host} is not proven ready for {service}: it {state}")
            }
            Need::Adverts(instance) => write!(
                f,
                "the adverts of the VRRP instance {instance} change, and {host} {state}: both would hold its VIPs"
            ),
        }
    }
}

impl Withheld {
    pub(super) fn new(host: &str, what: What, because: Vec<Because>) -> Self {
        Self {
            host: host.to_owned(),
            what,
            service: None,
            real_server: None,
            because,
            message: String::new(),
            fix: String::new(),
        }
    }

    pub(super) fn said(mut self, fix: &str) -> Self {
        self.because.sort();
        self.because.dedup();
        let why: Vec<String> = self.because.iter().map(ToString::to_string).collect();
        let why = why.join("; ");
        self.message = match (self.what, &self.service, &self.real_server) {
            (What::RealServer, Some(service), Some(real_server)) => {
                format!("real server {real_server} stays out of {service}: {why}")
            }
            (What::Removals, ..) => format!("removals are withheld: {why}"),
            _ => format!("changes are withheld: {why}"),
        };
        fix.clone_into(&mut self.fix);
        self
    }
}

/// What to run next.
pub(super) fn fix(
    cluster: &Cluster,
    views: &[HostView],
    withheld: &[Withheld],
    verb: &str,
) -> String {
    let because = || withheld.iter().flat_map(|one| &one.because);
    let missing: BTreeSet<&str> = because()
        .filter(|because| because.state == State::Unreached)
        .map(|because| because.host.as_str())
        .collect();
    let is_due = |host: &&Host| {
        let mut chosen = views.iter().filter(|view| view.chosen);
        chosen.any(|view| view.host.name == host.name) || because().any(|b| b.host == host.name)
    };
    let due: Vec<&str> = cluster
        .hosts
        .iter()
        .filter(is_due)
        .map(|host| host.name.as_str())
        .collect();
    let limit = if due.len() == cluster.hosts.len() {
        String::new()
    } else {
        format!(" --limit {}", due.join(","))
    };
    let run = format!("`lvsctl {verb}{limit}`");
    if missing.is_empty() {
        return format!("run {run}");
    }
    let names: Vec<&str> = missing.into_iter().collect();
    format!(
        "run {run} when {} can be reached; take a host that is gone for good out of the inventory first",
        names.join(" and ")
    )
}
