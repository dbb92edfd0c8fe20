//! docs/reference.md names every command and flag, and none that is not there. The first steps name the right Rust.

use std::collections::BTreeSet;
use std::fs;

use clap::{Command, CommandFactory};
use lvsctl::cli::Cli;

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
fn every_command_and_flag_is_told() {
    let text = document();
    let words = quoted(&text);
    let told: BTreeSet<&str> = words
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
                told.contains(flag.as_str()),
                "no {flag} of {name} in docs/reference.md"
            );
        }
    }
}

#[test]
fn nothing_is_told_that_is_not_there() {
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
            assert!(flags.contains(flag), "docs/reference.md tells of {flag}");
        }
    }
}

#[test]
fn the_first_steps_name_the_rust_that_is_needed() {
    for page in ["README.md", "docs/guide.md"] {
        let path = format!("{}/{page}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).expect("a page");
        let wanted = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or later");
        let told: Vec<_> = text.match_indices("Rust 1.").collect();
        assert!(!told.is_empty(), "{page}");
        for (at, _) in told {
            assert!(text[at..].starts_with(wanted), "{page}: {wanted}");
        }
    }
}
