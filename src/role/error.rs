//! Why roles cannot be read or expanded: all that is wrong with them, each with its place, as for inventories.

use std::fmt;

use crate::diagnostic::{Fault, Problem, Source};

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error("cannot read {path}")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} has more than {limit} bytes")]
    TooLarge { path: String, limit: u64 },
    #[error(transparent)]
    Faulty(#[from] RoleFaults),
}

impl RoleError {
    /// The problems, for people; none where a file cannot be read at all.
    pub fn render(&self, width: usize, colour: bool) -> Option<String> {
        let Self::Faulty(faults) = self else {
            return None;
        };
        let all = faults.problems();
        let shown: Vec<String> = all.iter().map(|p| p.render(width, colour)).collect();
        Some(shown.join("\n"))
    }

    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Faulty(faults) => faults.problems(),
            _ => Vec::new(),
        }
    }
}

/// The faults of roles and templates.
#[derive(Debug, Clone, Default)]
pub struct RoleFaults {
    found: Vec<Found>,
}

#[derive(Debug, Clone)]
struct Found {
    source: Source,
    fault: Fault,
    /// The hosts on which it shows; none where it shows on every host.
    hosts: Vec<String>,
}

impl RoleFaults {
    /// Each fault once, with all hosts that have it.
    pub(super) fn add(&mut self, source: &Source, fault: Fault, host: Option<&str>) {
        // The help may list what one host has.
        let again = |f: &&mut Found| {
            f.source.name == source.name && f.fault.span == fault.span && f.fault.kind == fault.kind
        };
        let host = host.map(str::to_owned);
        match self.found.iter_mut().find(again) {
            // What shows on every host does so on this one.
            Some(found) if found.hosts.is_empty() => {}
            Some(found) if found.hosts.last() == host.as_ref() => {}
            Some(found) => match host {
                Some(host) => found.hosts.push(host),
                None => found.hosts.clear(),
            },
            None => self.found.push(Found {
                source: source.clone(),
                fault,
                hosts: host.into_iter().collect(),
            }),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// With those of another host.
    pub fn join(&mut self, other: Self) {
        for Found {
            source,
            fault,
            hosts,
        } in other.found
        {
            if hosts.is_empty() {
                self.add(&source, fault.clone(), None);
            }
            for host in hosts {
                self.add(&source, fault.clone(), Some(&host));
            }
        }
    }

    /// File by file, in the order of each.
    pub fn problems(&self) -> Vec<Problem> {
        let mut all: Vec<&Found> = self.found.iter().collect();
        all.sort_by_key(|f| {
            let at = f.fault.span.map_or(0, |span| span.offset());
            (f.source.name.clone(), at)
        });
        let problem = |found: &Found| {
            let mut fault = found.fault.clone();
            if fault.label.is_none() && !found.hosts.is_empty() {
                fault.label = Some(on(&found.hosts));
            }
            found.source.problem(&fault)
        };
        all.into_iter().map(problem).collect()
    }
}

/// "on lb1, rs1 and 3 more".
fn on(hosts: &[String]) -> String {
    const NAMED: usize = 3;
    let named: Vec<&str> = hosts.iter().take(NAMED).map(String::as_str).collect();
    match hosts.len().saturating_sub(NAMED) {
        0 => format!("on {}", named.join(", ")),
        more => format!("on {} and {more} more", named.join(", ")),
    }
}

/// On one line, for where no excerpt can be shown.
impl fmt::Display for RoleFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems().iter().enumerate() {
            f.write_str(if index > 0 { "; " } else { "" })?;
            f.write_str(problem.file())?;
            if let Some((line, column)) = problem.position() {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", problem.message())?;
        }
        Ok(())
    }
}

impl std::error::Error for RoleFaults {}
