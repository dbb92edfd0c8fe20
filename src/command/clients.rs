//! The clients that send requests to a service: hosts of the role `client`, or this machine.

use crate::check::Vantage;
use crate::exit::Exit;
use crate::model::{Cluster, Connection, Host};
use crate::report::error::chain;
use crate::run::this_machine::ThisMachine;
use crate::run::{Fleet, HostRun};

use super::session::{Session, lab_hint};
use super::{Failure, Result};

/// The name of this machine in `--from`.
const THIS_MACHINE: &str = "-";

/// The chosen hosts, and whether this machine sends requests too.
#[derive(Debug)]
pub(super) struct Chosen<'h> {
    pub hosts: Vec<&'h Host>,
    pub this_machine: bool,
}

/// The chosen clients, with open shells.
pub(super) struct Clients<'h> {
    runs: Vec<HostRun<'h>>,
    machine: Option<ThisMachine>,
}

/// Chooses the clients. `from`: the names of the command line; if empty, the clients among `hosts`, or this machine if there
/// are none.
pub(super) fn choose<'h>(
    cluster: &'h Cluster,
    hosts: &[&'h Host],
    from: &[String],
) -> std::result::Result<Chosen<'h>, String> {
    if from.is_empty() {
        let neutral = hosts
            .iter()
            .copied()
            .filter(|host| cluster.is_neutral(host));
        let hosts: Vec<&Host> = neutral.collect();
        let is_local = |host: &Host| host.connection == Connection::Local;
        if hosts.is_empty() && cluster.hosts.iter().any(is_local) {
            return Err("no host of the role client takes part, and this machine is a host of the cluster: give a host outside the cluster the role client".to_owned());
        }
        return Ok(Chosen {
            this_machine: hosts.is_empty(),
            hosts,
        });
    }
    let mut chosen = Chosen {
        hosts: Vec::new(),
        this_machine: false,
    };
    for name in from {
        if name == THIS_MACHINE {
            chosen.this_machine = true;
            continue;
        }
        let Some(host) = cluster.hosts.iter().find(|host| host.name == *name) else {
            let names: Vec<&str> = cluster
                .hosts
                .iter()
                .map(|host| host.name.as_str())
                .collect();
            return Err(format!(
                "--from: no host is named {name:?}; the hosts are {}, and `-` is this machine",
                names.join(", ")
            ));
        };
        let serves = cluster.services.iter().any(|s| s.is_served_by(&host.name));
        if host.is_director() || host.is_real_server() || serves {
            return Err(format!(
                "--from: {name} is no client: its requests would not take the way that those of clients take"
            ));
        }
        if !chosen.hosts.iter().any(|known| known.name == host.name) {
            chosen.hosts.push(host);
        }
    }
    Ok(chosen)
}

impl<'h> Clients<'h> {
    /// Opens all clients; one that cannot send requests is an error.
    pub(super) fn open(session: &Session, fleet: &Fleet, chosen: Chosen<'h>) -> Result<Self> {
        let hosts = chosen.hosts.into_iter().map(|host| (host, Vec::new()));
        let mut clients = Self {
            runs: Vec::new(),
            machine: None,
        };
        let mut failure = None;
        let hosts: Vec<_> = hosts.collect();
        let opened = if hosts.is_empty() {
            Vec::new()
        } else {
            fleet.open(hosts)
        };
        for (host, outcome) in opened {
            match outcome {
                Ok(run) => clients.runs.push(run),
                Err(error) => {
                    let hint = lab_hint(session.global, session.cluster());
                    let message = format!("error: {}: {}\n{hint}", host.name, chain(&error));
                    let new = Failure::new(Exit::Unreachable, message).kind(error.kind());
                    failure.get_or_insert(new);
                }
            }
        }
        if chosen.this_machine && failure.is_none() {
            match ThisMachine::open(&fleet.run) {
                Ok(machine) => clients.machine = Some(machine),
                Err(error) => {
                    let message = format!(
                        "error: this machine cannot stand in for a client: {}; run as root, or give a host outside the cluster the role `client`\n",
                        chain(&error)
                    );
                    let new = Failure::new(Exit::Unreachable, message).kind(error.kind());
                    failure = Some(new);
                }
            }
        }
        let cluster = session.cluster();
        if failure.is_none() {
            let mut all = clients.vantages();
            let why = all.iter_mut().find_map(|one| one.unfit(cluster));
            failure = why.map(|why| {
                let message = format!(
                    "error: no host of the role client takes part, and {why}: give a host outside the cluster the role `client`\n"
                );
                Failure::new(Exit::Unreachable, message).kind("no-client")
            });
        }
        match failure {
            Some(failure) => {
                clients.close(fleet);
                Err(failure)
            }
            None => Ok(clients),
        }
    }

    pub(super) fn vantages<'r>(&'r mut self) -> Vec<Vantage<'r, 'h>> {
        let hosts = self.runs.iter_mut().map(Vantage::Host);
        let machine = self.machine.as_mut().map(Vantage::ThisMachine);
        hosts.chain(machine).collect()
    }

    pub(super) fn close(self, fleet: &Fleet) {
        fleet.close(self.runs);
        if let Some(machine) = self.machine {
            machine.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn chosen(client: &str, from: &[&str]) -> String {
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: {{ role: director, address: 10.0.0.1 }}\n  \
             rs1: {{ role: realserver, address: 10.0.0.3 }}\n{client}services: {{ web: {{ vip: 10.0.0.9, port: 80 }} }}\n"
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        let hosts: Vec<&Host> = loaded.cluster.hosts.iter().collect();
        let from: Vec<String> = from.iter().map(|name| (*name).to_owned()).collect();
        match choose(&loaded.cluster, &hosts, &from) {
            Ok(chosen) => {
                let names = chosen.hosts.iter().map(|host| host.name.as_str());
                let machine = chosen.this_machine.then_some("this machine");
                names.chain(machine).collect::<Vec<_>>().join(", ")
            }
            Err(why) => why,
        }
    }

    #[test]
    fn clients_ask_and_this_machine_stands_in() {
        let client = "  c1: { role: client, address: 10.0.0.20 }\n  c2: { role: client, address: 10.0.0.21 }\n";
        for (hosts, from, expected) in [
            (client, &[][..], "c1, c2"),
            (client, &["c2"], "c2"),
            (client, &["c2", "c2", "-"], "c2, this machine"),
            ("", &[], "this machine"),
        ] {
            assert_eq!(chosen(hosts, from), expected, "{from:?}");
        }
        for (from, expected) in [
            ("rs1", "is no client"),
            ("lb1", "is no client"),
            ("x", "no host is named \"x\""),
        ] {
            let found = chosen(client, &[from]);
            assert!(found.contains(expected), "{from}: {found}");
        }
    }
}
