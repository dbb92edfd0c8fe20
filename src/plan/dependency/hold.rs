//! Removes withheld steps from a host's plan, and withheld real servers from a director's configuration.

use std::collections::BTreeSet;

use crate::model::Cluster;
use crate::plan::HostPlan;
use crate::resource::Change;
use crate::resource::change::Phase;

/// The withheld part of a host's plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    #[default]
    Nothing,
    /// The removals.
    Removals,
    All,
}

/// A real server, or sorry server, that a director's configuration does not get.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    pub service: String,
    pub host: String,
}

/// A cluster without some real servers of services.
pub fn without(cluster: &Cluster, left_out: &BTreeSet<LeftOut>) -> Cluster {
    let mut cluster = cluster.clone();
    for service in &mut cluster.services {
        let is_out = |host: &str| {
            let mut all = left_out.iter();
            all.any(|out| out.service == service.name && out.host == host)
        };
        let sorry = service.sorry_server.take();
        service.sorry_server = sorry.filter(|sorry| !sorry.host.as_deref().is_some_and(&is_out));
        let stay = std::mem::take(&mut service.real_servers).into_iter();
        service.real_servers = stay.filter(|rs| !is_out(&rs.host)).collect();
    }
    cluster
}

impl HostPlan {
    /// The plan without its withheld part. Without removals the plan ends before them, so that the manifest of the first
    /// write stays: it still lists the resources that a later run has to remove.
    #[must_use]
    pub fn hold(mut self, hold: Hold) -> Self {
        match hold {
            Hold::Nothing => return self,
            Hold::Removals => {
                let removes = |change: &Change| {
                    let mut steps = change.steps.iter();
                    steps.any(|step| step.phase == Phase::Remove)
                };
                let first = self.steps.iter().position(|s| s.phase == Phase::Remove);
                let Some(first) = first else { return self };
                self.changes.retain(|change| !removes(change));
                self.steps.truncate(first);
                let work = |change: &Change| !change.steps.is_empty();
                if !self.changes.iter().any(work) {
                    self.steps.clear();
                }
            }
            Hold::All => {
                self.changes.clear();
                self.steps.clear();
                self.replaces.clear();
            }
        }
        if self.steps.is_empty() {
            self.adopts.clear();
            self.load = None;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Action;
    use crate::resource::change::Step;

    fn plan(changes: &[(&'static str, Action)]) -> HostPlan {
        let changes: Vec<Change> = changes
            .iter()
            .map(|(key, action)| {
                Change::new("sysctl", *key, *action).step(format!("do {key}"), "true")
            })
            .collect();
        let record = |title: &str| Step::new(title, "", Phase::Main);
        let mut work: Vec<Step> = changes.iter().flat_map(|c| c.steps.clone()).collect();
        work.sort_by_key(|step| step.phase);
        work.insert(0, record("record"));
        work.push(record("record again"));
        HostPlan {
            host: "rs1".to_owned(),
            changes,
            adopts: vec!["sysctl z".to_owned()],
            notes: vec!["a note".to_owned()],
            refusals: Vec::new(),
            replaces: Vec::new(),
            steps: work,
            load: None,
        }
    }

    #[test]
    fn a_held_plan_has_what_is_not_withheld() {
        use Action::{Remove, Update};
        let both = [("a", Remove), ("b", Update)];
        for (what, changes, hold, left, steps) in [
            (
                "nothing is held",
                &both[..],
                Hold::Nothing,
                "a b",
                "record, do b, do a, record again",
            ),
            (
                "removals are held",
                &both,
                Hold::Removals,
                "b",
                "record, do b",
            ),
            ("only removals, held", &both[..1], Hold::Removals, "", ""),
            (
                "no removals",
                &both[1..],
                Hold::Removals,
                "b",
                "record, do b, record again",
            ),
            ("all is held", &both, Hold::All, "", ""),
        ] {
            let plan = plan(changes).hold(hold);
            let keys: Vec<&str> = plan.changes.iter().map(|c| c.key.as_str()).collect();
            let titles: Vec<&str> = plan.steps.iter().map(|s| s.title.as_str()).collect();
            assert_eq!(
                (keys.join(" "), titles.join(", ")),
                (left.into(), steps.into()),
                "{what}"
            );
            assert_eq!(plan.is_empty(), steps.is_empty(), "{what}");
            assert_eq!(plan.adopts.is_empty(), steps.is_empty(), "{what}");
            assert_eq!(plan.notes.len(), 1, "{what}");
        }
    }
}
