//! A subset of a host's resources, for verbs that must not correct other differences from the inventory. Pure.

use std::collections::BTreeSet;

use crate::resource::Resource;

/// Resources by kind and key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<(&'static str, String)>);

impl Scope {
    /// The resources that differ between `before` and `after`, and the units that read changed files.
    pub fn between(before: &[Resource], after: &[Resource]) -> Self {
        let differs = |resource: &&Resource| !before.contains(resource);
        let changed: Vec<&Resource> = after.iter().filter(differs).collect();
        let is_changed = |path: &String| {
            let mut files = changed.iter();
            files.any(|resource| matches!(resource, Resource::File(file) if file.path == *path))
        };
        let reads = |resource: &&Resource| match resource {
            Resource::Unit(unit) => unit.reads.iter().any(is_changed),
            _ => false,
        };
        let units = after.iter().filter(reads);
        let all = changed.iter().copied().chain(units);
        Self(all.map(|r| (r.kind(), r.key())).collect())
    }

    pub fn has(&self, resource: &Resource) -> bool {
        self.0.contains(&(resource.kind(), resource.key()))
    }

    /// Without the resources of these kinds.
    #[must_use]
    pub fn without(mut self, kinds: &[&str]) -> Self {
        self.0.retain(|(kind, _)| !kinds.contains(kind));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::file::File;
    use crate::resource::unit::Unit;

    fn file(path: &str, content: &str) -> Resource {
        Resource::File(File {
            path: path.to_owned(),
            content: content.to_owned(),
            mode: "0644".to_owned(),
            check: None,
        })
    }

    fn unit(name: &str, reads: &str) -> Resource {
        Resource::Unit(Unit {
            name: name.to_owned(),
            enabled: true,
            active: true,
            reads: vec![reads.to_owned()],
            reloads: true,
        })
    }

    #[test]
    fn a_unit_belongs_to_what_it_reads() {
        let before = [
            file("/a", "1"),
            file("/b", "1"),
            unit("a.service", "/a"),
            unit("b.service", "/b"),
        ];
        let after = [
            file("/a", "2"),
            file("/b", "1"),
            unit("a.service", "/a"),
            unit("b.service", "/b"),
            file("/c", ""),
        ];
        let scope = Scope::between(&before, &after);
        let chosen = |scope: &Scope| -> Vec<String> {
            let all = after.iter().filter(|r| scope.has(r));
            all.map(Resource::key).collect()
        };
        assert_eq!(chosen(&scope), ["/a", "a.service", "/c"]);
        assert_eq!(chosen(&scope.without(&["unit"])), ["/a", "/c"]);
        assert_eq!(chosen(&Scope::between(&after, &after)), [""; 0]);
    }
}
