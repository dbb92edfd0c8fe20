//! Kinds and fields by the names that other programs give them, and what they are here.

use super::example;
use crate::yaml::{self, Entry as Pair, Value as Yaml};

const KINDS: &[(&str, &str)] = &[
    ("service", "unit"),
    ("systemd", "unit"),
    ("systemd_service", "unit"),
    ("daemon", "unit"),
    ("template", "file"),
    ("copy", "file"),
    ("packages", "package"),
    ("apt", "package"),
    ("yum", "package"),
    ("dnf", "package"),
    ("modprobe", "module"),
    ("kernel_module", "module"),
    ("interface", "link"),
    ("neighbor", "neighbour"),
    ("arp", "neighbour"),
];

/// A kind, another program's field, and ours.
const FIELDS: &[(&str, &str, &str)] = &[
    ("file", "dest", "path"),
    ("file", "name", "path"),
    ("file", "target", "path"),
    ("file", "src", "template"),
    ("file", "source", "template"),
    ("file", "text", "content"),
    ("file", "validate", "check"),
    ("unit", "state", "active"),
    ("unit", "started", "active"),
    ("unit", "service", "name"),
    ("package", "pkg", "names"),
    ("package", "package", "names"),
    ("package", "version", "at_least"),
    ("sysctl", "key", "name"),
    ("address", "dev", "interface"),
    ("address", "device", "interface"),
    ("route", "dev", "interface"),
    ("route", "device", "interface"),
    ("route", "destination", "to"),
    ("route", "gateway", "via"),
    ("neighbour", "dev", "interface"),
    ("neighbour", "mac", "lladdr"),
];

pub(super) fn kind(theirs: &str) -> Option<String> {
    let (_, ours) = KINDS.iter().find(|(known, _)| *known == theirs)?;
    Some(format!(
        "here it is `{ours}`: write it like `{ours}: {}`",
        example::of_kind(ours)
    ))
}

/// `free` are the fields that are not given yet.
pub(super) fn field(kind: &str, pair: &Pair, free: &[&str]) -> Option<String> {
    if kind == "sysctl" && pair.key.contains('.') && free.contains(&"name") {
        let value = match &pair.value.value {
            Yaml::Int(_, text) | Yaml::Text(text) | Yaml::Bool(_, text) => text,
            _ => "1",
        };
        let value = yaml::quoted(value);
        return Some(format!("write `{{ name: {}, value: {value} }}`", pair.key));
    }
    let mut all = FIELDS.iter();
    let (_, _, ours) =
        all.find(|(of, theirs, ours)| *of == kind && *theirs == pair.key && free.contains(ours))?;
    let value = example::of_field(kind, ours)?;
    Some(format!(
        "here it is `{ours}`: write it like `{ours}: {value}`"
    ))
}
