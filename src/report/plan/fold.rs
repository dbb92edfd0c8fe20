//! Folding of long plans: new files are counted in lines, and many changes of one kind share a line. Removals are always
//! listed one by one.

use crate::resource::{Action, Change};

/// So many changes of one kind stand each on a separate line.
const APART: usize = 3;

/// Changes that are shown as one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Folded<'a> {
    One(&'a Change),
    Many(Vec<&'a Change>),
}

/// In the order in which each kind begins.
pub(super) fn folded<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<Folded<'a>> {
    let mut groups: Vec<Vec<&Change>> = Vec::new();
    for change in changes {
        let twin = groups
            .iter_mut()
            .find(|group| group.first().is_some_and(|first| alike(first, change)));
        match twin {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    groups
        .into_iter()
        .flat_map(|group| {
            if group.len() > APART {
                vec![Folded::Many(group)]
            } else {
                group.into_iter().map(Folded::One).collect()
            }
        })
        .collect()
}

fn alike(a: &Change, b: &Change) -> bool {
    let short = |change: &Change| {
        change.refused.is_none()
            && change.action != Action::Remove
            && change.fields.len() <= 1
            && (change.text.is_none() || change.action == Action::Create)
    };
    short(a) && short(b) && (a.kind, a.action) == (b.kind, b.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_changes_of_one_kind_share_a_line() {
        let change = |kind, key: &str, action| {
            Change::new(kind, key, action).field("value", None::<&str>, Some("1"))
        };
        let many = |kind, action| -> Vec<Change> {
            (0..5)
                .map(|n| change(kind, &n.to_string(), action))
                .collect()
        };
        let sizes = |changes: &[Change]| -> Vec<usize> {
            let size = |folded: &Folded| match folded {
                Folded::One(_) => 1,
                Folded::Many(all) => all.len(),
            };
            folded(changes.iter()).iter().map(size).collect()
        };
        assert_eq!(sizes(&many("sysctl", Action::Update)), [5]);
        assert_eq!(sizes(&many("sysctl", Action::Update)[..3]), [1, 1, 1]);
        assert_eq!(sizes(&many("address", Action::Remove)), [1; 5]);
        let both = [
            many("sysctl", Action::Update),
            many("sysctl", Action::Create),
        ]
        .concat();
        assert_eq!(sizes(&both), [5, 5]);
        let long: Vec<Change> = many("ipvs", Action::Update)
            .into_iter()
            .map(|change| change.field("more", Some("1"), None::<&str>))
            .collect();
        assert_eq!(sizes(&long), [1; 5]);
    }
}
