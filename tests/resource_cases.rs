//! What each kind of resource makes of what a host says: a file a case in `cases/resource/KIND`, with the wanted
//! resource as a role writes it, the probe's raw text, and what comes of it. The exact fields and steps are in the
//! snapshot beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lvsctl::resource::registry::{self, KINDS};
use lvsctl::resource::{Action, Before, Change, Context, Facts, Resource, section};
use lvsctl::secret::Secrets;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    gives: Gives,
    wanted: Value,
    /// Ours and no longer wanted, with what was there before.
    owned: Option<Before>,
    /// Those that the host has, where it matters.
    tools: Option<BTreeSet<String>>,
    probe: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Gives {
    None,
    Create,
    Update,
    Remove,
    Refuse,
    Error,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/resource")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut all: Vec<PathBuf> = read.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn cases(kind: &str) -> Vec<(PathBuf, Case)> {
    let files = entries(&folder().join(kind)).into_iter();
    files
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let case =
                serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path, case)
        })
        .collect()
}

/// What a case gives, and that in words.
fn outcome(kind: &str, case: &Case) -> (Gives, String) {
    let resource: Resource =
        serde_json::from_value(json!({ kind: case.wanted.clone() })).expect("a resource");
    let mut output = String::new();
    for (part, text) in &case.probe {
        output.push_str(&format!("\n@n {kind} {part}\n{text}"));
    }
    output.push_str("\n@n end end\n");
    let observed = match registry::parse(&section::split(&output, "n")) {
        Ok(observed) => observed,
        Err(error) => return (Gives::Error, error.to_string()),
    };
    let mut facts = Facts::assumed();
    if let Some(tools) = &case.tools {
        facts.tools.clone_from(tools);
    }
    let secrets = Secrets::default();
    let cx = Context {
        facts: &facts,
        secrets: &secrets,
        earlier: &[],
    };
    let change = match &case.owned {
        Some(before) => resource.remove(&observed, before, &cx),
        None => match resource.refuse(&observed, &cx) {
            Some(why) => return (Gives::Refuse, why),
            None => resource.diff(&observed, &cx),
        },
    };
    match change {
        None => (Gives::None, resource.notes(&observed).join("\n")),
        Some(change) => (gives(&change), shown(&change)),
    }
}

fn gives(change: &Change) -> Gives {
    match change.action {
        Action::Create => Gives::Create,
        Action::Update => Gives::Update,
        Action::Remove => Gives::Remove,
    }
}

fn shown(change: &Change) -> String {
    let mut text = format!("{} {}\n", change.kind, change.key);
    for field in &change.fields {
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        text.push_str(&format!(
            "  {}: {} -> {}\n",
            field.name,
            word(&field.from),
            word(&field.to)
        ));
    }
    for step in &change.steps {
        text.push_str(&format!("{:?}: {}\n", step.phase, step.title));
        for line in step.script.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

#[test]
fn each_case_gives_what_it_says() {
    for kind in KINDS {
        for (path, case) in cases(kind) {
            let (found, words) = outcome(kind, &case);
            assert_eq!(
                found,
                case.gives,
                "{} ({}): {words}",
                path.display(),
                case.about
            );
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(folder().join(kind));
            settings.set_prepend_module_to_snapshot(false);
            settings.set_description(&case.about);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(name(&path), words));
        }
    }
}

/// Adding a kind is not done before it has its cases.
#[test]
fn each_kind_has_its_cases() {
    let folders: BTreeSet<String> = entries(&folder()).iter().map(|path| name(path)).collect();
    let kinds: BTreeSet<String> = KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(folders, kinds, "a folder a kind");
    for kind in KINDS {
        let all = cases(kind);
        let has = |what: &str, holds: &dyn Fn(&Case) -> bool| {
            assert!(
                all.iter().any(|(_, case)| holds(case)),
                "{kind}: no case of {what}"
            );
        };
        has("a host that is as wanted", &|c| {
            c.owned.is_none() && c.gives == Gives::None
        });
        has("a change", &|c| {
            matches!(c.gives, Gives::Create | Gives::Update)
        });
        has("leaving", &|c| c.owned.is_some());
    }
}
