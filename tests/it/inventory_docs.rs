//! The reference in `docs/` and the JSON Schema say what the code takes.

use std::fs;
use std::path::Path;

use lvsctl::inventory;
use serde_json::Value;

/// After a change: `make docs`.
#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inventory.md");
    if std::env::var_os("LVSCTL_WRITE_DOCS").is_some() {
        fs::write(&path, inventory::markdown()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == inventory::markdown(),
        "docs/inventory.md is not what the code says: make docs"
    );
}

#[test]
fn every_key_is_described() {
    fn look(name: &str, of: &Value, found: &mut usize) {
        let keys = of.get("properties").and_then(Value::as_object);
        for (key, value) in keys.into_iter().flatten() {
            *found += 1;
            let text = value
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default();
            assert!(!text.is_empty(), "{name}.{key} has no description");
        }
    }
    let schema = inventory::schema();
    let mut found = 0;
    look("inventory", &schema, &mut found);
    for (name, section) in schema["$defs"].as_object().unwrap() {
        look(name, section, &mut found);
    }
    assert!(found > 60, "{found}");
}

#[test]
fn unknown_keys_are_faults_for_editors_too() {
    let schema = inventory::schema();
    for (name, section) in schema["$defs"].as_object().unwrap() {
        if section.get("properties").is_some() {
            assert_eq!(section["additionalProperties"], false, "{name}");
        }
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], serde_json::json!(["cluster", "hosts"]));
}

/// What the checks refuse, an editor refuses as well.
#[test]
fn numbers_of_ssh_have_bounds() {
    let schema = inventory::schema();
    let ssh = &schema["$defs"]["SshOptions"]["properties"];
    for (key, low, high) in [
        ("port", 1, 65535),
        ("connect_timeout", 1, 86_400),
        ("command_timeout", 1, 86_400),
    ] {
        assert_eq!(ssh[key]["minimum"], low, "{key}");
        assert_eq!(ssh[key]["maximum"], high, "{key}");
    }
}

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The examples of a document in YAML.
fn examples(text: &str) -> Vec<&str> {
    let parts = text.split("```yaml\n").skip(1);
    parts.filter_map(|part| part.split("```").next()).collect()
}

/// What is shown to be copied has neither errors nor warnings; parts of an inventory are put into a whole one.
#[test]
fn examples_of_the_pages_are_valid() {
    let whole = |vrrp: &str, services: &str| {
        format!(
            "cluster: t\nnetworks: {{ outside: 192.168.122.0/24, inside: 10.10.10.0/24 }}\nhosts:\n  \
             lb1: {{ role: director, interfaces: {{ eth0: 192.168.122.14, eth1: 10.10.10.2 }} }}\n  \
             lb2: {{ role: backup, interfaces: {{ eth0: 192.168.122.15, eth1: 10.10.10.3 }} }}\n  \
             rs1: {{ role: realserver, address: 10.10.10.10 }}\n  rs2: {{ role: realserver, address: 10.10.10.20 }}\n  \
             user: {{ role: client, address: 192.168.122.20 }}\n{vrrp}{services}"
        )
    };
    let indented =
        |text: &str| -> String { text.lines().map(|line| format!("  {line}\n")).collect() };
    let mut found = 0;
    let pages = ["guide.md", "modes.md", "operations.md"].map(document);
    for example in pages.iter().flat_map(|page| examples(page)) {
        let text = if example.starts_with("cluster:") {
            example.to_owned()
        } else if example.starts_with("vrrp:") && example.contains("services:") {
            whole("", example)
        } else if example.starts_with("vrrp:") {
            whole(
                example,
                "services: { web: { vip: 192.168.122.100, port: 80 } }\n",
            )
        } else if example.contains("vip: ") {
            let services = format!("services:\n{}", indented(example));
            whole("vrrp: { virtual_router_id: 1 }\n", &services)
                .replace("192.168.100.", "192.168.122.")
        } else {
            continue;
        };
        found += 1;
        match inventory::parse("page.yaml", &text, inventory::BUILT_IN_ROLES) {
            Err(error) => panic!("{}", error.render(100, false)),
            Ok(loaded) => {
                let mut all = loaded.warnings.clone();
                all.extend(loaded.advice());
                assert!(all.is_empty(), "{all:?}\n{text}");
            }
        }
    }
    assert!(found > 5, "{found}");
}

/// The page about keepalived and ipvsadm and what `check` says of their words know the same words.
#[test]
fn words_of_other_programs_are_known() {
    use inventory::foreign::keys;
    let text = document("keepalived.md");
    let known = |word: &str| {
        let own = format!("`{word}`");
        keys().any(|(foreign, ..)| foreign == word) || document("inventory.md").contains(&own)
    };
    let (mut found, mut wrong) = (0, Vec::new());
    let mut not_supported = false;
    for line in text.lines() {
        not_supported = line.starts_with("Not supported") || (not_supported && !line.is_empty());
        let part = match line.strip_prefix("| ") {
            Some(row) => row.split(" | ").next().unwrap_or_default(),
            None if not_supported => line,
            None => continue,
        };
        for quoted in part.split('`').skip(1).step_by(2) {
            let word = quoted.split([' ', '=']).next().unwrap_or_default();
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            let ipvsadm = word.starts_with("-A") || word.starts_with("-a") || word == "--set";
            let long = word.trim_start_matches("--");
            if ipvsadm || !word.chars().all(plain) || word.len() < 2 {
                continue;
            }
            found += 1;
            if !known(word) && !known(long) {
                wrong.push(word.to_owned());
            }
        }
    }
    assert!(found > 80, "{found}");
    assert!(wrong.is_empty(), "{wrong:?}");
}
