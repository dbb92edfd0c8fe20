//! docs/reference.md names every command and flag, with its values and default, and none that is not there; docs/checks.md
//! every check of `verify`. What is ignored names the target that runs it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use lvsctl::cli::Cli;

use crate::sources;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md");
    fs::read_to_string(path).expect("docs/reference.md")
}

/// All commands by their words, with their flags.
fn walk(command: &Command, above: &str, into: &mut Vec<(String, BTreeSet<String>)>) {
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        let name = format!("{above}{}", sub.get_name());
        let flags = sub.get_arguments().filter_map(|arg| arg.get_long());
        let flags = flags.map(|flag| format!("--{flag}")).collect();
        if sub.has_subcommands() {
            walk(sub, &format!("{name} "), into);
        } else {
            into.push((name, flags));
        }
    }
}

fn commands() -> Vec<(String, BTreeSet<String>)> {
    let mut all = Vec::new();
    walk(&Cli::command(), "", &mut all);
    all
}

/// The words in backticks of a document's table cells.
fn quoted(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|line| line.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_and_flag_is_documented() {
    let text = document();
    let words = quoted(&text);
    let documented: BTreeSet<&str> = words
        .iter()
        .filter_map(|w| w.split([' ', '[']).find(|p| p.starts_with("--")))
        .collect();
    for (name, flags) in commands() {
        assert!(
            words.contains(&name),
            "no command {name:?} in docs/reference.md"
        );
        for flag in flags {
            assert!(
                documented.contains(flag.as_str()),
                "no {flag} of {name} in docs/reference.md"
            );
        }
    }
}

#[test]
fn nothing_is_documented_that_is_not_there() {
    let all = commands();
    let mut flags: BTreeSet<String> = all.iter().flat_map(|(_, flags)| flags.clone()).collect();
    let global = Cli::command();
    flags.extend(
        global
            .get_arguments()
            .filter_map(|arg| arg.get_long())
            .map(|flag| format!("--{flag}")),
    );
    flags.extend(["--help", "--version"].map(str::to_owned));
    for word in quoted(&document()) {
        if let Some(flag) = word.split([' ', '[']).find(|part| part.starts_with("--")) {
            assert!(
                flags.contains(flag),
                "docs/reference.md names {flag}, which no command has"
            );
        }
    }
}

/// The rows of a table below a heading, cell by cell.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let after = text.split(heading).nth(1).expect("the heading");
    let rows = after.lines().skip_while(|line| !line.starts_with('|'));
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The flag that a cell is about: `-y`, `--yes` is --yes.
fn flag(cell: &str) -> Option<&str> {
    let mut words = cell.split('`').skip(1).step_by(2);
    words
        .find(|word| word.starts_with("--"))?
        .split([' ', '['])
        .next()
}

#[test]
fn each_flag_is_documented_for_its_commands() {
    let text = document();
    let mut documented = BTreeSet::new();
    for row in rows(&text, "## Flags of some commands") {
        let Some(flag) = flag(row[1]) else { continue };
        for command in row[0].split('`').skip(1).step_by(2) {
            documented.insert((command.to_owned(), flag.to_owned()));
        }
    }
    let all = commands().into_iter();
    let mut found: BTreeSet<(String, String)> = all
        .flat_map(|(name, flags)| flags.into_iter().map(move |flag| (name.clone(), flag)))
        .collect();
    // The flag for a lab's name is documented once for all commands of labs.
    documented.retain(|(_, flag)| flag != "--name");
    found.retain(|(_, flag)| flag != "--name");
    assert_eq!(documented, found);
}

/// All flags with the values that they take and their defaults.
fn values(command: &Command, into: &mut Vec<(String, Vec<String>, Vec<String>)>) {
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        if !arg.get_action().takes_values() {
            continue;
        }
        // Ids of checks are in docs/checks.md.
        let hidden = arg.is_hide_possible_values_set();
        let mut possible = arg.get_possible_values();
        possible.retain(|_| !hidden);
        let possible = possible.iter().map(|value| value.get_name().to_owned());
        let default = arg.get_default_values().iter();
        let default = default.map(|value| value.to_string_lossy().into_owned());
        into.push((format!("--{long}"), possible.collect(), default.collect()));
    }
    for sub in command.get_subcommands() {
        values(sub, into);
    }
}

#[test]
fn values_and_defaults_of_flags_are_documented() {
    let text = document();
    let mut rows: Vec<Vec<&str>> = rows(&text, "## Flags of most commands");
    rows.extend(self::rows(&text, "## Flags of some commands"));
    let mut all = Vec::new();
    values(&Cli::command(), &mut all);
    for (name, possible, default) in all {
        let states = |row: &Vec<&str>| {
            let meaning = row.last().expect("a cell");
            let of = row.iter().any(|cell| flag(cell) == Some(name.as_str()));
            let each = |value: &String| meaning.contains(&format!("`{value}`"));
            let default = default
                .iter()
                .all(|value| meaning.contains(&format!("default `{value}`")));
            of && possible.iter().all(each) && default
        };
        assert!(
            rows.iter().any(states),
            "docs/reference.md: {name} takes {possible:?}, default {default:?}"
        );
    }
}

/// After a change: `make docs`.
#[test]
fn every_check_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/checks.md");
    let text = lvsctl::check::markdown();
    if std::env::var_os("LVSCTL_WRITE_DOCS").is_some() {
        fs::write(path, &text).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == text,
        "docs/checks.md is not what the code says: make docs"
    );
    assert!(!text.contains("|  |"), "a check without words: {text}");
}

/// Which target of the Makefile runs a test depends on its module: `lab` or another.
#[test]
fn an_ignored_test_names_the_target_that_runs_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reasons = |folder: &str| {
        let mut all = Vec::new();
        for path in sources::rust(&root.join(folder)) {
            let text = fs::read_to_string(&path).expect("a source");
            let lines = text.lines().map(str::trim);
            let ignored = lines.filter(|line| line.starts_with("#[ignore"));
            let name = path.strip_prefix(root).expect("a path").to_owned();
            all.extend(ignored.map(|line| (name.clone(), line.to_owned())));
        }
        all
    };
    let program =
        "#[ignore = \"run by the_library_sets_a_part_of_the_state_that_the_kernel_alone_refuses\"]";
    let lines: Vec<_> = reasons("src").into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, [program], "tests that need more are under tests/");
    let under = reasons("tests");
    assert!(under.len() > 30, "{under:?}");
    for (path, line) in under {
        let allowed: &[&str] = if path == Path::new("tests/it/lab.rs") {
            &[
                "#[ignore = \"needs root and a lab: make test-lab\"]",
                "#[ignore = \"run by a_killed_up_leaves_nothing_after_down\"]",
            ]
        } else {
            &["#[ignore = \"needs root: make test-root\"]"]
        };
        assert!(allowed.contains(&&*line), "{}: {line}", path.display());
    }
}
