//! docs/roles.md is true: it names every resource kind with its fields and defaults and every variable that roles
//! see, and none that is not there; and its examples do what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::resource::registry::KINDS;
use lvsctl::resource::{Distribution, Resource};
use lvsctl::view::{self, OfHosts};
use serde_json::{Map, Value, json};

use crate::support::roles::built_in;

/// What the shipped inventories do not use.
const REST: &str = "
cluster: rest
networks: { lan: 192.168.100.0/24 }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  rs1: { role: realserver, address: 192.168.100.12 }
vrrp:
  virtual_router_id: 10
  track_script: { up: { script: /usr/local/bin/up } }
services:
  a:
    vip: 192.168.100.200
    port: 80
    health_check: { script: { path: /usr/local/bin/ask } }
  b:
    vip: 192.168.100.200
    port: 443
    health_check: { https: {} }
  c: { vip: 192.168.100.200, port: 22, health_check: tcp }
";

/// The same without keepalived: our own checker asks.
fn without_keepalived() -> String {
    let vrrp = REST.find("vrrp:").expect("vrrp");
    let services = REST.find("services:").expect("services");
    format!("{}{}", &REST[..vrrp], &REST[services..])
}

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/roles.md");
    fs::read_to_string(path).expect("docs/roles.md")
}

/// What stands below a heading, up to the next of its level or above.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let level = heading.split(' ').next().expect("a heading").len();
    let start = format!("\n{heading}\n");
    let at = text
        .find(&start)
        .unwrap_or_else(|| panic!("no {heading:?} in docs/roles.md"));
    let rest = &text[at + start.len()..];
    let ends = (1..=level).filter_map(|n| rest.find(&format!("\n{} ", "#".repeat(n))));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// The cells of a section's tables, without headings.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let heads = |index: usize| lines.get(index + 1).is_some_and(|l| l.starts_with("|---"));
    let body = lines.iter().enumerate().filter(|(index, line)| {
        line.starts_with('|') && !line.starts_with("|---") && !heads(*index)
    });
    body.map(|(_, line)| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The first cell of each row, one name.
fn named<'a>(rows: &[Vec<&'a str>]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let name = |row: &Vec<&'a str>| quoted(row[0]).next().expect("a name in backticks");
    rows.iter().map(|row| (name(row), row.clone())).collect()
}

fn views_and_resources() -> (Vec<Value>, Vec<Resource>) {
    let roles = built_in();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/inventories");
    let read = fs::read_dir(folder).expect("inventories");
    let paths = read.map(|entry| entry.expect("an inventory").path());
    let mut texts: Vec<String> = paths
        .map(|path| fs::read_to_string(path).expect("an inventory"))
        .collect();
    texts.extend([REST.to_owned(), without_keepalived()]);
    let os = Distribution::assumed();
    let (mut views, mut resources) = (Vec::new(), Vec::new());
    for text in texts {
        let loaded = inventory::parse("inventory.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{text}: {e:?}"));
        views.push(json!(view::of_cluster(&loaded.cluster)));
        views.push(json!(view::of_directors(&loaded.cluster)));
        let of_hosts = OfHosts::new(&loaded.cluster);
        for host in &loaded.cluster.hosts {
            views.push(json!(of_hosts.of(host, &os)));
            resources.extend(
                roles
                    .over(&loaded.cluster)
                    .of(host, &os)
                    .expect("resources"),
            );
        }
    }
    (views, resources)
}

/// Names of all values, nested ones after a dot; a list's name stands for its entries.
fn paths(value: &Value, above: &str, leaves: &[&str], into: &mut BTreeSet<String>) {
    if leaves.contains(&above) {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if above.is_empty() {
                    key.clone()
                } else {
                    format!("{above}.{key}")
                };
                into.insert(path.clone());
                paths(value, &path, leaves, into);
            }
        }
        Value::Array(all) => {
            for value in all {
                paths(value, above, leaves, into);
            }
        }
        _ => {}
    }
}

fn resource(kind: &str, body: Value) -> Result<Resource, String> {
    serde_json::from_value(json!({ kind: body })).map_err(|e| e.to_string())
}

/// The fields that serde says it knows, where it says so.
fn known(kind: &str) -> Vec<String> {
    let Err(message) = resource(kind, json!({ "no such field": 0 })) else {
        return Vec::new();
    };
    let expected = message.split_once("expected ").map_or("", |(_, rest)| rest);
    // What a manifest of an earlier release calls `return_time`.
    let ours = quoted(expected).filter(|field| *field != "check_interval");
    ours.map(str::to_owned).collect()
}

#[test]
fn every_field_of_every_kind_is_documented() {
    let text = document();
    let kinds = section(&text, "## Resources");
    let headings = kinds.lines().filter_map(|line| line.strip_prefix("### `"));
    let documented: BTreeSet<&str> = headings.map(|line| line.trim_end_matches('`')).collect();
    assert_eq!(documented, KINDS.iter().copied().collect());
    let summary: BTreeSet<&str> = rows(kinds)
        .iter()
        .filter_map(|r| quoted(r[0]).next())
        .collect();
    let resources = views_and_resources().1;
    for kind in KINDS {
        assert!(summary.contains(kind), "{kind} is in no table");
        let table = rows(section(&text, &format!("### `{kind}`")));
        let documented: BTreeSet<String> = named(&table).keys().map(|n| (*n).to_owned()).collect();
        let mut found: BTreeSet<String> = known(kind).into_iter().collect();
        for resource in resources.iter().filter(|r| r.kind() == *kind) {
            let value = json!(resource)[kind].clone();
            paths(&value, "", &[], &mut found);
        }
        assert_eq!(documented, found, "fields of {kind}");
    }
}

/// What a field is when a role does not give it.
#[test]
fn defaults_are_documented_as_they_are() {
    let text = document();
    let resources = views_and_resources().1;
    for kind in KINDS {
        let sample = resources.iter().find(|r| r.kind() == *kind).expect("one");
        let sample = json!(sample)[kind].clone();
        let table = rows(section(&text, &format!("### `{kind}`")));
        for (field, row) in named(&table) {
            if field.contains('.') {
                continue;
            }
            let mut less: Map<String, Value> = sample.as_object().expect("fields").clone();
            less.remove(field);
            let default = match resource(kind, Value::Object(less)) {
                Err(_) => "required".to_owned(),
                Ok(resource) => match &json!(resource)[kind][field] {
                    Value::Null => "none".to_owned(),
                    Value::String(text) if text.is_empty() => "empty".to_owned(),
                    Value::Array(all) if all.is_empty() => "none".to_owned(),
                    Value::String(text) => format!("`\"{text}\"`"),
                    other => format!("`{other}`"),
                },
            };
            assert_eq!(row[2], default, "the default of {kind}.{field}");
        }
    }
}

/// In their table a variable stands in the first cell; the second says its type, and the names of its parts in backticks.
#[test]
fn every_variable_is_documented() {
    let text = document();
    let table = rows(section(&text, "## Variables"));
    let mut documented = BTreeSet::new();
    for row in &table {
        for name in quoted(row[0]) {
            documented.insert(name.to_owned());
            documented.extend(quoted(row[1]).map(|part| format!("{name}.{part}")));
        }
    }
    // Documented elsewhere: in the tables of their kinds, or in the inventory.
    let leaves = [
        "hosts",
        "ipvs",
        "marks",
        "cluster.vars",
        "host.vars",
        "host.ssh",
        "vrrp.auth_pass",
    ];
    let mut found = BTreeSet::new();
    for view in views_and_resources().0 {
        paths(&view, "", &leaves, &mut found);
    }
    let missing: Vec<_> = found.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/roles.md lacks {missing:#?}");
    let strange: Vec<_> = documented.difference(&found).collect();
    assert!(
        strange.is_empty(),
        "docs/roles.md names {strange:#?}, which templates do not have"
    );
}

#[test]
fn every_built_in_role_is_documented() {
    let text = document();
    let table = rows(section(&text, "## Built-in roles"));
    let documented: BTreeSet<&str> = named(&table).into_keys().collect();
    assert_eq!(documented, BUILT_IN_ROLES.iter().copied().collect());
}

/// Code blocks by the word behind their fence.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut all = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(word) = line.strip_prefix("```") {
            let body: Vec<&str> = lines
                .by_ref()
                .take_while(|l| !l.starts_with("```"))
                .collect();
            all.push((word, body.join("\n") + "\n"));
        }
    }
    all
}

/// A block whose first line is a comment with a path is that file; what `console` shows is run and compared. `...`
/// stands for any text.
#[test]
fn the_examples_work() {
    let text = document();
    let folder = tempfile::tempdir().expect("a folder");
    let mut shown = 0;
    for (word, body) in blocks(&text) {
        let (first, rest) = body.split_once('\n').expect("a line");
        if word == "console" {
            run(folder.path(), &body);
            shown += 1;
        } else if let Some(path) = first.trim_matches(['#', '{', '}', ' ']).split(' ').next()
            && (first.starts_with("# ") || first.starts_with("{# "))
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, rest).expect("a file");
        }
    }
    assert!(shown > 0, "nothing is shown to be run");
}

/// Runs what stands behind `$`, and compares what follows.
fn run(folder: &Path, console: &str) {
    for part in console.split("$ ").skip(1) {
        let (words, want) = part.split_once('\n').expect("a command");
        let words = words.strip_prefix("lvsctl ").expect("lvsctl");
        let output = Command::new(env!("CARGO_BIN_EXE_lvsctl"))
            .args(words.split(' '))
            .current_dir(folder)
            .env_remove("LVSCTL_INVENTORY")
            .output()
            .expect("the program runs");
        let found = String::from_utf8(output.stdout).expect("UTF-8")
            + &String::from_utf8(output.stderr).expect("UTF-8");
        let pieces: Vec<&str> = want.split("...").collect();
        let mut rest = found.as_str();
        for (index, piece) in pieces.iter().enumerate() {
            let piece = if index + 1 == pieces.len() {
                piece.trim_end()
            } else {
                piece
            };
            let at = rest.find(piece);
            let at = at.unwrap_or_else(|| panic!("lvsctl {words}: no\n{piece}\nin\n{found}"));
            assert!(
                index > 0 || at == 0,
                "lvsctl {words} begins otherwise:\n{found}"
            );
            rest = &rest[at + piece.len()..];
        }
        let open = want.trim_end().ends_with("...");
        assert!(open || rest == "\n", "lvsctl {words} goes on:\n{rest}");
    }
}
