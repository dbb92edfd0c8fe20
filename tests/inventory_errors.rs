//! Bad inventories and what is said of them: each file in `cases/inventory` names, in its first lines, what must
//! be found (`# expect: ...`); how all of it looks is beside it, in the snapshot.

use std::fs;
use std::path::{Path, PathBuf};

use lvsctl::inventory::{self, BUILT_IN_ROLES, LoadError};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/inventory");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    all.sort();
    assert!(all.len() > 60, "the folder of cases is not whole");
    all
}

fn refused(path: &Path) -> LoadError {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    match inventory::parse(name, &text, BUILT_IN_ROLES) {
        Ok(_) => panic!("{name} was accepted"),
        Err(error) => error,
    }
}

#[test]
fn what_is_expected_is_found() {
    let mut wrong = String::new();
    for path in cases() {
        let text = fs::read_to_string(&path).unwrap();
        let error = refused(&path);
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
        // The folder has one case of many faults, which its snapshot lists.
        if !missed.is_empty() || (!expected.is_empty() && !found.is_empty()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            wrong += &format!("{name}: missed {missed:#?}, also found {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_problem_has_a_place_and_a_fix() {
    for path in cases() {
        let text = fs::read_to_string(&path).unwrap();
        for problem in refused(&path).problems() {
            let (line, column) = problem
                .position()
                .unwrap_or_else(|| panic!("{}: no place: {problem}", path.display()));
            let shown = text.lines().nth(line - 1).unwrap_or_default();
            assert!(
                column <= shown.chars().count() + 1,
                "{}: {problem}",
                path.display()
            );
            assert!(
                problem.fix().is_some_and(|m| !m.is_empty()),
                "{}: {problem}",
                path.display()
            );
        }
    }
}

#[test]
fn how_it_looks() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("cases/inventory");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for path in cases() {
            let name = path.file_stem().unwrap().to_str().unwrap();
            insta::assert_snapshot!(name, refused(&path).render(100, false));
        }
    });
}

#[test]
fn no_error_shows_a_secret() {
    for path in cases() {
        let error = refused(&path);
        let all = format!("{error} {} {:?}", error.render(100, false), error);
        assert!(
            !all.contains("hunter") && !all.contains("12345678"),
            "{}",
            path.display()
        );
    }
}
