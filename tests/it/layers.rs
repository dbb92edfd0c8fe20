//! Which modules of `src/` may use which: facts know nothing of resources, plans nothing of how they are run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources;

/// A module, and the other modules that it may use. Modules that are not listed may use any but `command` and `cli`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("cancel", &[]),
    ("diagnostic", &[]),
    ("error_chain", &[]),
    ("fields", &[]),
    ("host_paths", &[]),
    ("keepalived", &[]),
    ("secret", &[]),
    ("shell", &[]),
    ("yaml", &["diagnostic"]),
    ("model", &["secret", "shell"]),
    ("unix_time", &["model"]),
    ("fact", &["model", "shell"]),
    ("transport", &["model", "secret", "shell", "unix_time"]),
    (
        "resource",
        &["fact", "fields", "host_paths", "model", "secret", "shell"],
    ),
    (
        "view",
        &["host_paths", "model", "resource", "secret", "shell"],
    ),
    (
        "inventory",
        // Waivers name checks.
        &["check", "diagnostic", "fields", "model", "secret", "yaml"],
    ),
    (
        "plan",
        &[
            "fact",
            "host_paths",
            "keepalived",
            "model",
            "resource",
            "secret",
            "shell",
            "template",
            "unix_time",
            "view",
        ],
    ),
    ("lab", &["cancel", "model", "shell"]),
];

/// Modules that may use `command` or `cli`.
const TOP: &[&str] = &["cli", "command", "exit", "main"];

/// The modules that a file uses, without those of its tests and of links in comments.
fn used(text: &str) -> BTreeSet<String> {
    let code = sources::code(text);
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let listed = rest.strip_prefix('{').and_then(|list| list.split_once('}'));
        let words: Vec<&str> = listed.map_or(vec![rest], |(list, _)| list.split(',').collect());
        for word in words {
            let word = word.trim_start();
            let end =
                word.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
            names.insert(word[..end.unwrap_or(word.len())].to_owned());
        }
    }
    names.remove("");
    names
}

/// The modules that each module uses, with a file that does.
fn uses() -> BTreeMap<String, BTreeMap<String, PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for path in sources::rust(&root) {
        let local = path.strip_prefix(&root).expect("below src");
        if local.to_string_lossy().contains("tests") {
            continue;
        }
        let module = local.iter().next().expect("a name").to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).expect("a source");
        for name in used(&text).into_iter().filter(|name| *name != module) {
            let of_module = all.entry(module.clone()).or_default();
            of_module.entry(name).or_insert_with(|| local.to_owned());
        }
    }
    all
}

#[test]
fn modules_use_only_what_is_below_them() {
    let mut faults = Vec::new();
    let all = uses();
    for (module, used) in &all {
        let allowed = ALLOWED.iter().find(|(name, _)| name == module);
        for (name, path) in used {
            let fits = match allowed {
                Some((_, allowed)) => allowed.contains(&name.as_str()),
                None => {
                    TOP.contains(&module.as_str()) || !["cli", "command"].contains(&name.as_str())
                }
            };
            if !fits {
                faults.push(format!("{module} uses {name} (src/{})", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // A row about a module that is gone, or a use that is gone, says nothing.
    let nothing = BTreeMap::new();
    for (module, allowed) in ALLOWED {
        let used = all.get(*module).unwrap_or(&nothing);
        let unused = allowed.iter().filter(|name| !used.contains_key(**name));
        let unused: Vec<_> = unused.collect();
        assert!(unused.is_empty(), "{module} does not use {unused:?}");
    }
}

#[test]
fn uses_are_found_in_each_form() {
    let text = "use crate::fact::Facts;\nuse crate::{model, view::names};\n// crate::run\nfn f() { crate::plan::host(1) }\n\
                #[cfg(test)]\nmod tests { use crate::inventory; }\n";
    let found: Vec<String> = used(text).into_iter().collect();
    assert_eq!(found, ["fact", "model", "plan", "view"]);
}
