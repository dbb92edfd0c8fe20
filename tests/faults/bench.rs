//! A cluster that is deployed and clean, for one job after another. It is made anew once a job has left it otherwise.

use crate::cluster::{Cluster, Made};
use crate::fault::Act;
use crate::verify::Verified;

/// How many times `verify` is asked before a cluster is not clean. It waits itself for what is about to change.
const LOOKS: usize = 2;

pub(crate) struct Bench {
    topology: String,
    cluster: Option<Cluster>,
}

impl Bench {
    pub(crate) fn of(topology: &str) -> Self {
        Self {
            topology: topology.to_owned(),
            cluster: None,
        }
    }

    /// The cluster, brought up where there is none.
    pub(crate) fn cluster(&mut self) -> Result<&Cluster, String> {
        if self.cluster.is_none() {
            let cluster = Cluster::make(&Made {
                name: &self.topology,
                inventory: &self.topology,
                up: &[],
                before: &[],
            });
            cluster.lvsctl(&["apply", "--yes"]).expect(0);
            clean(&cluster, true)
                .map_err(|verified| format!("not clean when new:\n{}", verified.text()))?;
            self.cluster = Some(cluster);
        }
        self.cluster.as_ref().ok_or_else(|| "no cluster".to_owned())
    }

    /// Takes the cluster away; the next job gets another.
    pub(crate) fn discard(&mut self) {
        self.cluster = None;
    }
}

/// Err: what `verify` still reports.
pub(crate) fn clean(cluster: &Cluster, traffic: bool) -> Result<(), Verified> {
    let mut last = Verified::default();
    for _ in 0..LOOKS {
        match Verified::ask(cluster, traffic) {
            Ok(verified) if verified.is_clean() => return Ok(()),
            Ok(verified) => last = verified,
            Err(error) => eprintln!("{}: {error}", cluster.name),
        }
    }
    Err(last)
}

/// The host that a word means: a name, or `master` or `backup`.
pub(crate) fn host<'c>(cluster: &'c Cluster, word: &'c str) -> &'c str {
    let of = |names: [&'static str; 2]| {
        let found = names
            .into_iter()
            .find(|name| cluster.hosts.iter().any(|host| host == name));
        found.unwrap_or(word)
    };
    match word {
        "master" => of(["lb1", "web1"]),
        "backup" => of(["lb2", "web2"]),
        name => name,
    }
}

fn script(cluster: &Cluster, act: &Act) -> String {
    format!("cluster={}\n{}", cluster.name, act.run)
}

/// Runs shell text on its host.
pub(crate) fn act(cluster: &Cluster, act: &Act) {
    cluster.on(host(cluster, &act.host), &script(cluster, act));
}

pub(crate) fn holds(cluster: &Cluster, act: &Act) -> bool {
    cluster.succeeds(host(cluster, &act.host), &script(cluster, act))
}
