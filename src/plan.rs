//! From wanted and observed state to a plan: a pure function. Nothing is asked and nothing is run here.

use serde::Serialize;

use crate::manifest::{Entry, Manifest};
use crate::resource::change::{Phase, Step};
use crate::resource::{Before, Change, Context, Facts, Observed, Resource};
use crate::secret::Secrets;

/// All that a decision about one host rests on.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    pub wanted: &'a [Resource],
    pub manifest: &'a Manifest,
    /// Of other clusters on this host.
    pub others: &'a [Manifest],
    pub observed: &'a Observed,
    pub facts: &'a Facts,
    pub secrets: &'a Secrets,
}

impl Basis<'_> {
    /// The entry of another cluster that has the same.
    fn shared(&self, resource: &Resource) -> Option<&Entry> {
        self.others.iter().find_map(|other| other.entry(resource))
    }

    /// What was there before any of us: what a cluster that came first remembers, since what is there now may be its
    /// own. That it was as that cluster wants it says nothing of what this one wants.
    fn before(&self, resource: &Resource) -> Before {
        self.shared(resource)
            .map(|entry| &entry.before)
            .filter(|before| **before != Before::Same)
            .cloned()
            .unwrap_or_else(|| resource.before(self.observed))
    }
}

/// What is to be done on one host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostPlan {
    pub host: String,
    pub changes: Vec<Change>,
    /// Resources that are as wanted already and become ours.
    pub adopts: Vec<String>,
    /// What is right but worth telling.
    pub notes: Vec<String>,
    /// Why this host cannot be made as wanted.
    pub refusals: Vec<String>,
    #[serde(skip)]
    pub steps: Vec<Step>,
}

impl HostPlan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Decides what must change on a host.
pub fn host(name: &str, basis: &Basis) -> HostPlan {
    let Basis {
        wanted,
        manifest,
        observed,
        facts,
        secrets,
        ..
    } = *basis;
    let mut changes: Vec<Change> = Vec::new();
    let (mut notes, mut refusals, mut adopts) = (Vec::new(), Vec::new(), Vec::new());
    // What stays ours, in the order of the roles, then what must still go, as it was made.
    let mut after = Manifest::new(&manifest.cluster);
    let mut keep = Vec::new();

    for resource in wanted {
        let cx = Context {
            facts,
            secrets,
            earlier: &changes,
        };
        let change = resource.diff(observed, &cx);
        if change.is_some() {
            refusals.extend(resource.refuse(observed, &cx));
        }
        notes.extend(resource.notes(observed));
        let before = match manifest.entry(resource) {
            Some(entry) => entry.before.clone(),
            None => {
                let before = basis.before(resource);
                if change.is_none() {
                    adopts.push(format!("{} {}", resource.kind(), resource.key()));
                }
                // Also of what is as wanted: it may be wanted otherwise one day.
                if let Some(script) = resource.keep(&before, change.is_none()) {
                    let title = format!("keep what {} {} was", resource.kind(), resource.key());
                    keep.push(Step {
                        title,
                        script,
                        phase: Phase::Drain,
                    });
                }
                before
            }
        };
        after.entries.push(Entry {
            resource: resource.owned(),
            before,
        });
        changes.extend(change);
    }

    let is_wanted = |entry: &Entry| {
        wanted
            .iter()
            .any(|r| r.kind() == entry.resource.kind() && r.key() == entry.resource.key())
    };
    let gone: Vec<&Entry> = manifest
        .entries
        .iter()
        .filter(|entry| !is_wanted(entry))
        .collect();
    // What another cluster needs stays; the last one to go puts back what was there before.
    let ours = |entry: &&&Entry| basis.shared(&entry.resource).is_none();
    for entry in gone.iter().rev().filter(ours) {
        let cx = Context {
            facts,
            secrets,
            earlier: &changes,
        };
        let change = entry.resource.remove(observed, &entry.before, &cx);
        changes.extend(change);
    }

    let steps = steps(&changes, keep, manifest, &after, &gone);
    HostPlan {
        host: name.to_owned(),
        changes,
        adopts,
        notes,
        refusals,
        steps,
    }
}

/// The steps of all changes in a safe order, between the two writes of the manifest: before the first change it
/// names all that may be ours, so that a run that is cut short loses nothing; at the end just what is. What it points
/// to is kept before it is written, and dropped after.
fn steps(
    changes: &[Change],
    keep: Vec<Step>,
    before: &Manifest,
    after: &Manifest,
    gone: &[&Entry],
) -> Vec<Step> {
    let mut during = after.clone();
    during
        .entries
        .extend(gone.iter().map(|entry| (*entry).clone()));
    let mut steps = keep;
    let record = |manifest: &Manifest, forget: &str, title: &str| Step {
        title: title.to_owned(),
        script: manifest.store(forget),
        phase: Phase::Main,
    };
    let mut work: Vec<Step> = changes
        .iter()
        .flat_map(|change| change.steps.iter().cloned())
        .collect();
    work.sort_by_key(|step| step.phase);
    if !work.is_empty() && during != *before {
        steps.push(record(&during, "", "record what is ours"));
    }
    let recorded = if work.is_empty() { before } else { &during };
    let forget: String = gone
        .iter()
        .filter_map(|entry| entry.resource.forget(&entry.before))
        .collect();
    let last = (*recorded != *after).then(|| record(after, &forget, "record what is ours now"));
    steps.extend(work);
    steps.extend(last);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sysctl::Sysctl;

    fn sysctl(value: &str) -> Resource {
        Resource::Sysctl(Sysctl {
            name: "net.ipv4.ip_forward".into(),
            value: value.into(),
        })
    }

    fn observed(value: &str) -> Observed {
        let mut observed = Observed::default();
        observed
            .sysctl
            .insert("/proc/sys/net/ipv4/ip_forward".into(), value.into());
        observed
    }

    fn plan(wanted: &[Resource], manifest: &Manifest, observed: &Observed) -> HostPlan {
        plan_beside(&[], wanted, manifest, observed)
    }

    fn plan_beside(
        others: &[Manifest],
        wanted: &[Resource],
        manifest: &Manifest,
        observed: &Observed,
    ) -> HostPlan {
        let (facts, secrets) = (Facts::assumed(), Secrets::new());
        host(
            "h",
            &Basis {
                wanted,
                manifest,
                others,
                observed,
                facts: &facts,
                secrets: &secrets,
            },
        )
    }

    fn titles(plan: &HostPlan) -> Vec<&str> {
        plan.steps.iter().map(|s| s.title.as_str()).collect()
    }

    #[test]
    fn a_change_is_recorded_before_it_is_made() {
        let plan = plan(&[sysctl("1")], &Manifest::new("c"), &observed("0"));
        assert_eq!(
            titles(&plan),
            ["record what is ours", "set net.ipv4.ip_forward to 1"]
        );
        assert!(
            plan.steps[0].script.contains(r#""before":{"value":"0"}"#),
            "{}",
            plan.steps[0].script
        );
    }

    #[test]
    fn what_is_right_and_ours_needs_nothing() {
        let mut manifest = Manifest::new("c");
        manifest.entries.push(Entry {
            resource: sysctl("1"),
            before: Before::Absent,
        });
        assert!(plan(&[sysctl("1")], &manifest, &observed("1")).is_empty());
    }

    #[test]
    fn what_is_right_already_is_adopted_and_stays_when_we_leave() {
        let adopted = plan(&[sysctl("1")], &Manifest::new("c"), &observed("1"));
        assert_eq!(titles(&adopted), ["record what is ours now"]);
        assert_eq!(adopted.adopts, ["sysctl net.ipv4.ip_forward"]);
        let mut manifest = Manifest::new("c");
        manifest.entries.push(Entry {
            resource: sysctl("1"),
            before: Before::Same,
        });
        assert_eq!(
            titles(&plan(&[], &manifest, &observed("1"))),
            ["record what is ours now"]
        );
    }

    #[test]
    fn what_is_no_longer_wanted_goes_back_to_what_it_was() {
        let mut manifest = Manifest::new("c");
        manifest.entries.push(Entry {
            resource: sysctl("1"),
            before: Before::Value("0".into()),
        });
        let plan = plan(&[], &manifest, &observed("1"));
        assert_eq!(
            titles(&plan),
            [
                "set net.ipv4.ip_forward back to 0",
                "record what is ours now"
            ]
        );
        assert!(
            plan.steps[1].script.starts_with("rm -f"),
            "{}",
            plan.steps[1].script
        );
    }

    /// A cluster's manifest with one entry.
    fn owning(cluster: &str, resource: Resource, before: Before) -> Manifest {
        let mut manifest = Manifest::new(cluster);
        manifest.entries.push(Entry { resource, before });
        manifest
    }

    #[test]
    fn what_another_cluster_needs_stays_until_that_one_goes() {
        let zero = || Before::Value("0".into());
        let own = owning("c", sysctl("1"), zero());
        let other = owning("d", sysctl("1"), zero());
        let first = plan_beside(&[other], &[], &own, &observed("1"));
        assert_eq!(titles(&first), ["record what is ours now"]);
        let last = plan(&[], &own, &observed("1"));
        assert_eq!(last.steps[0].title, "set net.ipv4.ip_forward back to 0");
    }

    #[test]
    fn what_was_before_all_clusters_is_remembered_by_each() {
        let value = |value: &str| Before::Value(value.into());
        for (theirs, remembered, wanted, found, expected) in [
            // Theirs is not what was there before.
            ("1", value("0"), "1", "1", value("0")),
            ("1", value("0"), "2", "1", value("0")),
            ("1", Before::Absent, "1", "1", Before::Absent),
            ("1", Before::Same, "1", "1", Before::Same),
            ("1", Before::Same, "2", "1", value("1")),
        ] {
            let other = owning("d", sysctl(theirs), remembered);
            let plan = plan_beside(
                &[other],
                &[sysctl(wanted)],
                &Manifest::new("c"),
                &observed(found),
            );
            let written = serde_json::to_string(&expected).unwrap();
            let script = &plan.steps[0].script;
            assert!(
                script.contains(&format!(r#""before":{written}"#)),
                "{script}"
            );
        }
    }

    fn file(content: &str) -> Resource {
        let file = serde_json::json!({ "file": { "path": "/a", "content": content } });
        serde_json::from_value(file).unwrap()
    }

    fn with_file(content: &str) -> Observed {
        let mut observed = Observed::default();
        let found = crate::resource::file::Found {
            regular: true,
            size: content.len(),
            mode: "644".into(),
            owner: "root:root".into(),
            modified: 0.0,
            content: content.into(),
        };
        observed.file.insert("/a".into(), found);
        observed
    }

    #[test]
    fn a_file_that_is_right_already_is_kept_and_put_back_when_we_leave() {
        let adopted = plan(&[file("")], &Manifest::new("c"), &with_file(""));
        assert_eq!(
            titles(&adopted),
            ["keep what file /a was", "record what is ours now"]
        );
        assert!(adopted.changes.is_empty(), "{:?}", adopted.changes);
    }

    #[test]
    fn what_stood_there_is_kept_before_the_manifest_points_to_it() {
        let first = plan(
            &[file("ours\n")],
            &Manifest::new("c"),
            &with_file("theirs\n"),
        );
        assert_eq!(
            titles(&first),
            ["keep what file /a was", "record what is ours", "write /a"]
        );
        // A run that ended before it recorded anything may have kept an older file.
        assert!(
            first.steps[0].script.contains("\n{ rm -f "),
            "{}",
            first.steps[0].script
        );
    }

    #[test]
    fn a_backup_goes_when_the_manifest_no_longer_names_it() {
        let mut manifest = Manifest::new("c");
        manifest.entries.push(Entry {
            resource: file("").owned(),
            before: Before::Value("/backup/a".into()),
        });
        // The second is a run after one that was cut short, or after somebody removed our file.
        for observed in [with_file("ours\n"), Observed::default()] {
            let left = plan(&[], &manifest, &observed);
            assert_eq!(titles(&left), ["put back /a", "record what is ours now"]);
            assert!(
                left.steps[0].script.contains("cp -pP /backup/a "),
                "{}",
                left.steps[0].script
            );
            let last = &left.steps[1].script;
            assert!(last.contains("\nrm -f /backup/a\n"), "{last}");
        }
    }
}
