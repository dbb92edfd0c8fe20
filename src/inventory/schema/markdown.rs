//! From a JSON Schema to tables of keys. Knows as much of JSON Schema as our own types use.

use std::collections::VecDeque;
use std::fmt::Write;

use serde_json::{Map, Value};

/// A section for the root and for every map that it leads to, in the order in which they are met.
pub(super) fn reference(schema: &Value) -> String {
    let mut out = String::new();
    let mut open = VecDeque::from([("Inventory".to_owned(), schema.clone())]);
    let mut met = vec!["Inventory".to_owned()];
    while let Some((name, section)) = open.pop_front() {
        let mut links = Vec::new();
        let rendered = render(&name, &section, schema, &mut links);
        out.push_str(&rendered);
        for link in links {
            if !met.contains(&link)
                && let Some(next) = schema.pointer(&format!("/$defs/{link}"))
            {
                met.push(link.clone());
                open.push_back((link, next.clone()));
            }
        }
    }
    out.trim_end().to_owned() + "\n"
}

fn render(name: &str, section: &Value, root: &Value, links: &mut Vec<String>) -> String {
    let mut out = format!("## {name}\n\n{}\n", description(section));
    let none = Map::new();
    let keys = section
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let required = section.get("required").and_then(Value::as_array);
    if keys.is_empty() {
        let alternatives = section.get("oneOf").and_then(Value::as_array);
        for one in alternatives.into_iter().flatten() {
            let properties = one.get("properties").and_then(Value::as_object);
            for (key, value) in properties.into_iter().flatten() {
                let takes = takes(value, root, links);
                let _ = write!(out, "\n- `{{ {key}: {takes} }}`: {}", description(one));
            }
        }
        return out.trim_end().to_owned() + "\n\n";
    }
    out.push_str("\n| key | takes | meaning |\n|---|---|---|\n");
    for (key, value) in keys {
        let needed = required.is_some_and(|all| all.iter().any(|r| r == key));
        let takes = takes(value, root, links).replace('|', "\\|");
        let meaning = description(value).replace('|', "\\|");
        let must = if needed { " **(required)**" } else { "" };
        let _ = writeln!(out, "| `{key}`{must} | {takes} | {meaning} |");
    }
    out.push('\n');
    out
}

fn description(of: &Value) -> String {
    let text = of
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The value that a key takes, in words.
fn takes(value: &Value, root: &Value, links: &mut Vec<String>) -> String {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let target = root.pointer(&format!("/$defs/{name}"));
        if let Some(words) = target.and_then(words) {
            return words;
        }
        links.push(name.to_owned());
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(words) = words(value) {
        return words;
    }
    if let Some(title) = value.get("title").and_then(Value::as_str) {
        return titled(title, value, root, links);
    }
    if let Some(any) = value.get("anyOf").and_then(Value::as_array) {
        let all: Vec<String> = any
            .iter()
            .filter(|v| v.get("type").and_then(Value::as_str) != Some("null"))
            .map(|v| takes(v, root, links))
            .collect();
        return match all.as_slice() {
            [one, list] if *list == format!("a list ({one})") => format!("{one}, or a list"),
            // An alternative that has `, or` inside needs a stronger separator.
            all if all.iter().any(|one| one.contains(", or ")) => all.join("; or "),
            all => all.join(", or "),
        };
    }
    let kinds: Vec<&str> = match value.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any value"],
    };
    let kind = kinds
        .into_iter()
        .find(|k| *k != "null")
        .unwrap_or("nothing");
    match kind {
        "string" => "a string".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => {
            bounds(value).map_or_else(|| "a whole number".to_owned(), |b| format!("a number {b}"))
        }
        "number" => "a number".to_owned(),
        "array" => {
            let item = value
                .get("items")
                .map_or_else(|| "values".to_owned(), |i| takes(i, root, links));
            format!("a list ({item})")
        }
        "object" => {
            let of = value.get("additionalProperties").filter(|v| v.is_object());
            let each = of.map_or_else(|| "values".to_owned(), |v| takes(v, root, links));
            let empty = value.get("properties").is_none() && of.is_none();
            if empty {
                "an empty map".to_owned()
            } else {
                format!("a map: name → {each}")
            }
        }
        other => other.to_owned(),
    }
}

/// A title in words, with a link for each section that it names.
fn titled(title: &str, value: &Value, root: &Value, links: &mut Vec<String>) -> String {
    let mut own = Vec::new();
    for one in value
        .get("anyOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        takes(one, root, &mut own);
    }
    let words = title.split(' ').map(|word| {
        let name = word.trim_end_matches([',', ';']);
        if own.iter().any(|link| link == name) {
            word.replacen(name, &format!("[{name}](#{})", name.to_lowercase()), 1)
        } else {
            word.to_owned()
        }
    });
    let words = words.collect::<Vec<_>>().join(" ");
    links.append(&mut own);
    words
}

/// The words of an enumeration.
fn words(value: &Value) -> Option<String> {
    let listed = |v: &Value| -> Option<Vec<String>> {
        if let Some(word) = v.get("const").and_then(Value::as_str) {
            return Some(vec![format!("`{word}`")]);
        }
        let words = v.get("enum")?.as_array()?.iter().filter_map(Value::as_str);
        Some(words.map(|w| format!("`{w}`")).collect())
    };
    if let Some(words) = listed(value) {
        return Some(words.join(", "));
    }
    let all: Option<Vec<Vec<String>>> =
        value.get("oneOf")?.as_array()?.iter().map(listed).collect();
    Some(all?.concat().join(", "))
}

fn bounds(value: &Value) -> Option<String> {
    let low = value.get("minimum")?.as_u64()?;
    match value.get("maximum").and_then(Value::as_u64) {
        Some(high) => Some(format!("from {low} to {high}")),
        None => (low > 0).then(|| format!("from {low} on")),
    }
}
