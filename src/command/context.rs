//! The input of each verb: the inventory, its roles, and the hosts of `--limit`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

use crate::cli::{Color, Global};
use crate::exit::Exit;
use crate::inventory::{self, LoadError, Loaded, Problem};
use crate::model::{Cluster, Host};
use crate::resource::{Distribution, Resource};
use crate::role::{RoleError, Roles};

use super::{Failure, Result};

/// Width of messages where no terminal has one.
const WIDTH: usize = 120;

pub(super) struct Context {
    pub loaded: Loaded,
    pub roles: Roles,
    /// Desired resources by host name, assuming Debian. Recomputed for other distributions.
    desired: BTreeMap<String, Vec<Resource>>,
}

/// Whether output to this stream is coloured.
pub(super) fn colour(global: &Global, stream: &impl IsTerminal) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            stream.is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

pub(super) fn rendered(global: &Global, error: &LoadError) -> String {
    error.render(WIDTH, colour(global, &std::io::stderr()))
}

pub(super) fn warn(global: &Global, warnings: &[Problem]) {
    for warning in warnings {
        let text = warning.render(WIDTH, colour(global, &std::io::stderr()));
        eprintln!("{}", text.trim_end());
    }
}

/// Reads and expands inventory and roles. Finds every fault that can be found offline.
pub(super) fn load(global: &Global) -> Result<Context> {
    load_for(global, |_| true)
}

/// As [`load`], but expands only the roles of the hosts that `asked` selects.
pub(super) fn load_for(global: &Global, asked: impl Fn(&Host) -> bool) -> Result<Context> {
    let folder = global.inventory.parent().map(|parent| {
        if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        }
    });
    let roles = Roles::load(folder).map_err(|e| of_roles(global, &e))?;
    let names: Vec<&str> = roles.names().collect();
    let loaded = inventory::load(&global.inventory, &names).map_err(|e| {
        let mut message = rendered(global, &e);
        if !roles.faults().is_empty() {
            let of_roles = of_roles(global, &roles.faults().clone().into());
            message = format!("{message}\n{}", of_roles.message);
        }
        Failure::new(Exit::Invalid, message)
    })?;
    warn(global, &loaded.warnings);
    let mut desired = BTreeMap::new();
    let expansion = roles.over(&loaded.cluster);
    let mut faults = (!roles.faults().is_empty()).then(|| roles.faults().clone());
    let hosts: Vec<&Host> = loaded.cluster.hosts.iter().filter(|h| asked(h)).collect();
    let os = Distribution::assumed();
    let expanded = expansion.of_all(&hosts, &os);
    for (host, outcome) in hosts.into_iter().zip(expanded) {
        match outcome {
            Ok(resources) => drop(desired.insert(host.name.clone(), resources)),
            // The same fault on several hosts is shown once.
            Err(RoleError::Faulty(more)) => faults.get_or_insert_default().join(more),
            Err(error) => return Err(of_roles(global, &error)),
        }
    }
    if let Some(faults) = faults {
        return Err(of_roles(global, &faults.into()));
    }
    Ok(Context {
        loaded,
        roles,
        desired,
    })
}

fn of_roles(global: &Global, error: &RoleError) -> Failure {
    match error.render(WIDTH, colour(global, &std::io::stderr())) {
        Some(message) => Failure::new(Exit::Invalid, message),
        None => Failure::of(Exit::Invalid, error),
    }
}

/// Roles, on one host.
pub(super) fn of_role(host: &Host, error: &(dyn std::error::Error + 'static)) -> Failure {
    let Failure { exit, message, .. } = Failure::of(Exit::Invalid, error);
    let from = format!("error: {}: ", host.name);
    Failure::new(exit, message.replacen("error: ", &from, 1))
}

impl Context {
    pub(super) fn cluster(&self) -> &Cluster {
        &self.loaded.cluster
    }

    pub(super) fn desired(&self, host: &Host) -> Vec<Resource> {
        self.desired.get(&host.name).cloned().unwrap_or_default()
    }

    pub(super) fn count_desired(&self, host: &Host) -> usize {
        self.desired.get(&host.name).map_or(0, Vec::len)
    }

    pub(super) fn desired_on(&self, host: &Host, os: &Distribution) -> Result<Vec<Resource>> {
        if *os == Distribution::assumed()
            && let Some(desired) = self.desired.get(&host.name)
        {
            return Ok(desired.clone());
        }
        let expanded = self.roles.over(self.cluster()).of(host, os);
        expanded.map_err(|e| of_role(host, &e))
    }

    /// The hosts of `--limit`; all without it.
    pub(super) fn hosts(&self, global: &Global) -> Result<Vec<&Host>> {
        let hosts = &self.cluster().hosts;
        for word in &global.limit {
            if word.trim().is_empty() {
                let message = "error: --limit: a name is empty; write names with commas and without blanks: rs1,rs2\n";
                return Err(Failure::new(Exit::Usage, message));
            }
            if !hosts
                .iter()
                .any(|host| host.name == *word || host.has_role(word))
            {
                let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
                let message = format!(
                    "error: --limit: no host and no role is named {word:?}; the hosts are {}\n",
                    names.join(", ")
                );
                return Err(Failure::new(Exit::Usage, message));
            }
        }
        let chosen = |host: &&Host| {
            global.limit.is_empty()
                || global
                    .limit
                    .iter()
                    .any(|w| host.name == *w || host.has_role(w))
        };
        Ok(hosts.iter().filter(chosen).collect())
    }
}
