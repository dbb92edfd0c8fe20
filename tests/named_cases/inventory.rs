//! Inventories with errors: a trial for each file of `tests/cases/inventory`. Its first lines name what must be found
//! (`# expect: ...`); the snapshot beside it shows the whole report.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use lvsctl::inventory::{self, BUILT_IN_ROLES, LoadError};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/inventory");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    all.sort();
    assert!(all.len() > 60, "the folder of cases is not whole");
    all
}

pub(crate) fn trials() -> Vec<Trial> {
    let files = files().into_iter();
    files
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            Trial::test(format!("inventory::{name}"), move || run(&path))
        })
        .collect()
}

fn run(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let file = path.file_name().expect("a name").to_string_lossy();
    let Err(error) = inventory::parse(&file, &text, BUILT_IN_ROLES) else {
        return Err("was accepted".into());
    };
    finds_what_is_expected(&text, &error)?;
    gives_each_problem_a_place_and_a_fix(&text, &error)?;
    shows_no_secret(&error)?;
    looks_as_recorded(path, &error);
    Ok(())
}

fn finds_what_is_expected(text: &str, error: &LoadError) -> Result<(), Failed> {
    let mut found: Vec<&str> = error.problems().iter().map(|p| p.message()).collect();
    let expected: Vec<&str> = text
        .lines()
        .map_while(|l| l.strip_prefix("# expect: "))
        .collect();
    let mut missed = Vec::new();
    for expected in &expected {
        match found.iter().position(|message| message.contains(expected)) {
            Some(at) => drop(found.remove(at)),
            None => missed.push(expected),
        }
    }
    // One file has many faults, which its snapshot lists.
    if missed.is_empty() && (expected.is_empty() || found.is_empty()) {
        return Ok(());
    }
    Err(format!("missed {missed:#?}, also found {found:#?}").into())
}

fn gives_each_problem_a_place_and_a_fix(text: &str, error: &LoadError) -> Result<(), Failed> {
    for problem in error.problems() {
        let Some((line, column)) = problem.position() else {
            return Err(format!("no place: {problem}").into());
        };
        let shown = text.lines().nth(line - 1).unwrap_or_default();
        if column > shown.chars().count() + 1 {
            return Err(format!("a column behind the line's end: {problem}").into());
        }
        if problem.fix().is_none_or(str::is_empty) {
            return Err(format!("no fix: {problem}").into());
        }
    }
    Ok(())
}

fn looks_as_recorded(path: &Path, error: &LoadError) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../cases/inventory");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let name = path.file_stem().expect("a name").to_string_lossy();
    settings.bind(|| insta::assert_snapshot!(&*name, error.render(100, false)));
}

fn shows_no_secret(error: &LoadError) -> Result<(), Failed> {
    let all = format!("{error} {} {error:?}", error.render(100, false));
    if all.contains("hunter") || all.contains("12345678") {
        return Err("shows a secret".into());
    }
    Ok(())
}
