//! The steps that each kind of resource plans from recorded facts: a trial for each file of `tests/cases/resource/KIND`,
//! in the form that the README there describes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use lvsctl::resource::Action;
use lvsctl::resource::registry::KINDS;

use crate::case::Case;
use crate::outcome;

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

/// As messages name it.
fn shown(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// What no case of a kind can be, each with its reason: `never.yaml` in its folder.
fn never(kind: &str) -> BTreeMap<String, String> {
    let path = folder().join(kind).join("never.yaml");
    if !path.exists() {
        return BTreeMap::new();
    }
    let text = fs::read_to_string(&path).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", shown(&path)))
}

fn cases(kind: &str) -> Vec<(PathBuf, Case)> {
    let files = entries(&folder().join(kind)).into_iter();
    files
        .filter(|path| name(path) != "never")
        .map(|path| {
            let yaml = path.extension().is_some_and(|e| e == "yaml");
            assert!(yaml, "{}: a case is a .yaml file", shown(&path));
            let text = fs::read_to_string(&path).unwrap();
            let case = serde_yaml::from_str(&text);
            let case = case.unwrap_or_else(|e| panic!("{}: {e}", shown(&path)));
            (path, case)
        })
        .collect()
}

fn run(kind: &str, path: &Path, case: Case) -> Result<(), Failed> {
    let about = case.about.clone();
    let found = outcome::found(kind, &case).yaml();
    let expected = outcome::expected(case).yaml();
    if found == expected {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&expected, &found);
    let diff = diff.unified_diff().header("expected", "found").to_string();
    Err(format!("{}: {about}\n{diff}", shown(path)).into())
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("resource::each_kind_has_its_cases", || {
        each_kind_has_its_cases();
        Ok(())
    })];
    for kind in KINDS {
        trials.extend(cases(kind).into_iter().map(|(path, case)| {
            let title = format!("resource::{kind}::{}", name(&path));
            Trial::test(title, move || run(kind, &path, case))
        }));
    }
    trials
}

/// What cases of each kind must show, as a newcomer to the kind asks.
fn shows(path: &Path, case: &Case) -> BTreeSet<&'static str> {
    let changes = case.changes.as_deref();
    let mut shows = BTreeSet::new();
    if name(path).starts_with("odd") {
        shows.insert("odd");
    }
    if case.owned.is_some() {
        shows.insert("leave");
    } else if changes.is_some_and(<[_]>::is_empty) {
        shows.insert("none");
    }
    for change in changes.into_iter().flatten() {
        shows.insert(match change.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Remove => "remove",
        });
    }
    shows
}

/// Adding a kind is not done before it has its cases.
fn each_kind_has_its_cases() {
    const DEMANDED: [&str; 6] = ["none", "create", "update", "leave", "remove", "odd"];
    let folders: BTreeSet<String> = entries(&folder())
        .iter()
        .map(|path| name(path))
        .filter(|name| name != "README")
        .collect();
    let kinds: BTreeSet<String> = KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(folders, kinds, "{}: a folder a kind", shown(&folder()));
    for kind in KINDS {
        let all = cases(kind);
        let shown: BTreeSet<&str> = all.iter().flat_map(|(path, c)| shows(path, c)).collect();
        let never = never(kind);
        for what in DEMANDED {
            let has = shown.contains(what);
            let cannot = never.contains_key(what);
            assert!(has || cannot, "{kind}: no case of {what:?}");
            assert!(!(has && cannot), "{kind}: never.yaml is wrong of {what:?}");
        }
        let unknown = never.keys().find(|what| !DEMANDED.contains(&what.as_str()));
        assert_eq!(unknown, None, "{kind}: never.yaml");
    }
}
