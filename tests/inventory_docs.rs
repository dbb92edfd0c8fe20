//! The reference in `docs/` and the JSON Schema say what the code takes.

use std::fs;
use std::path::Path;

use lvsctl::inventory;
use serde_json::Value;

/// After a change: `LVSCTL_WRITE_DOCS=1 cargo test --test inventory_docs`.
#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inventory.md");
    if std::env::var_os("LVSCTL_WRITE_DOCS").is_some() {
        fs::write(&path, inventory::markdown()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == inventory::markdown(),
        "docs/inventory.md is not what the code says: LVSCTL_WRITE_DOCS=1 cargo test --test inventory_docs"
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
