//! What comes of a case, found or expected, and how it is written: as the case's own file would say it.

use std::fmt::Write as _;

use lvsctl::fact::{Facts, section};
use lvsctl::resource::{Before, Context, Effect, Resource};

use crate::case::{Case, Expected};

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub changes: Option<Vec<Expected>>,
    pub error: Option<String>,
    pub refuse: Option<String>,
    pub notes: Vec<String>,
    pub remembers: Option<Before>,
    pub keeps: Option<String>,
}

fn facts(desired: &[Resource], case: &Case) -> Result<Facts, String> {
    let mut output = String::new();
    for (fact, parts) in &case.probe {
        for (part, text) in parts {
            let _ = write!(output, "\n@n {fact} {part}\n{text}");
        }
    }
    output.push_str("\n@n end end\n");
    let mut needs = lvsctl::fact::Needs::default();
    for resource in desired {
        resource.needs(&mut needs);
    }
    let mut facts =
        Facts::parse(&needs, &section::split(&output, "n")).map_err(|e| e.to_string())?;
    facts.system = case.system();
    Ok(facts)
}

/// Decides as a plan does.
pub(crate) fn found(kind: &str, case: &Case) -> Outcome {
    let desired = case.desired(kind);
    let facts = match facts(&desired, case) {
        Ok(facts) => facts,
        Err(error) => {
            return Outcome {
                error: Some(error),
                ..Outcome::default()
            };
        }
    };
    let (secrets, earlier) = (case.secrets(), case.earlier());
    let cx = Context {
        secrets: &secrets,
        earlier: &earlier,
        recorded: None,
    };
    let mut outcome = Outcome::default();
    let mut changes = Vec::new();
    for resource in &desired {
        if let Some(before) = &case.owned {
            changes.extend(resource.owned().remove(&facts, before, &cx));
            continue;
        }
        let change = resource.diff(&facts, &cx);
        if change.is_some() {
            outcome.refuse = outcome.refuse.or(resource.refuse(&facts, &cx));
        }
        outcome.notes.extend(resource.notes(&facts));
        changes.extend(change);
    }
    if outcome.refuse.is_none() {
        outcome.changes = Some(changes.into_iter().map(Expected::from).collect());
    }
    remembered(case, desired.first(), &facts, &mut outcome);
    outcome
}

/// Only what the case expects.
fn remembered(case: &Case, first: Option<&Resource>, facts: &Facts, outcome: &mut Outcome) {
    let Some(resource) = first else { return };
    let before = resource.before(facts);
    if case.keeps.is_some() {
        let as_desired = outcome.changes.as_ref().is_some_and(Vec::is_empty);
        outcome.keeps = resource.keep(&before, as_desired);
    }
    if case.remembers.is_some() {
        outcome.remembers = Some(before);
    }
}

pub(crate) fn expected(case: Case) -> Outcome {
    Outcome {
        changes: case.changes,
        error: case.error,
        refuse: case.refuse,
        notes: case.notes,
        remembers: case.remembers,
        keeps: case.keeps,
    }
}

impl Outcome {
    /// Newlines at a script's end do nothing, and YAML adds one.
    fn trimmed(mut self) -> Self {
        for step in self.changes.iter_mut().flatten().flat_map(|c| &mut c.steps) {
            step.script.truncate(step.script.trim_end().len());
        }
        if let Some(keeps) = &mut self.keeps {
            keeps.truncate(keeps.trim_end().len());
        }
        self
    }

    /// In the form of a case's file.
    pub(crate) fn yaml(self) -> String {
        let it = self.trimmed();
        let mut out = String::new();
        for (key, text) in [("error", &it.error), ("refuse", &it.refuse)] {
            if let Some(text) = text {
                let _ = writeln!(out, "{key}: {}", scalar(text));
            }
        }
        match it.changes.as_deref() {
            None => {}
            Some([]) => out.push_str("changes: []\n"),
            Some(all) => {
                out.push_str("changes:\n");
                for one in all {
                    change(&mut out, one);
                }
            }
        }
        if !it.notes.is_empty() {
            out.push_str("notes:\n");
            for note in &it.notes {
                let _ = writeln!(out, "  - {}", scalar(note));
            }
        }
        match &it.remembers {
            None => {}
            Some(Before::Absent) => out.push_str("remembers: absent\n"),
            Some(Before::Same) => out.push_str("remembers: same\n"),
            Some(Before::Down) => out.push_str("remembers: down\n"),
            Some(Before::Value(value)) => {
                let _ = writeln!(out, "remembers: {{ value: {} }}", scalar(value));
            }
            Some(Before::Backup(path)) => {
                let _ = writeln!(out, "remembers: {{ backup: {} }}", scalar(path));
            }
            Some(Before::Unit { enabled, active }) => {
                let _ = writeln!(
                    out,
                    "remembers: {{ unit: {{ enabled: {enabled}, active: {active} }} }}"
                );
            }
            Some(Before::Route { interface, via }) => {
                let interface = interface.as_deref().map_or("null".to_owned(), scalar);
                let via = via.map_or("null".to_owned(), |via| via.to_string());
                let _ = writeln!(
                    out,
                    "remembers: {{ route: {{ interface: {interface}, via: {via} }} }}"
                );
            }
        }
        if let Some(keeps) = &it.keeps {
            let _ = writeln!(out, "keeps: {}", block(keeps, 1));
        }
        out
    }
}

fn change(out: &mut String, change: &Expected) {
    let action = format!("{:?}", change.action).to_lowercase();
    let _ = writeln!(
        out,
        "  - action: {action}\n    key: {}",
        scalar(&change.key)
    );
    if !change.fields.is_empty() {
        out.push_str("    fields:\n");
    }
    for field in &change.fields {
        let side = |name: &str, value: &Option<String>| match value {
            Some(value) => format!(", {name}: {}", flow(value)),
            None => String::new(),
        };
        let (from, to) = (side("from", &field.from), side("to", &field.to));
        let _ = writeln!(out, "      - {{ name: {}{from}{to} }}", flow(&field.name));
    }
    if let Some(text) = &change.text {
        let _ = writeln!(
            out,
            "    text:\n      from: {}\n      to: {}",
            block(&text.from, 4),
            block(&text.to, 4)
        );
    }
    if !change.effects.is_empty() {
        let all: Vec<String> = change.effects.iter().map(effect).collect();
        let _ = writeln!(out, "    effects: [{}]", all.join(", "));
    }
    out.push_str("    steps:\n");
    for step in &change.steps {
        let _ = writeln!(out, "      - title: {}", scalar(&step.title));
        if let Some(phase) = step.phase {
            let phase = format!("{phase:?}").to_lowercase();
            let _ = writeln!(out, "        phase: {phase}");
        }
        let _ = writeln!(out, "        script: {}", block(&step.script, 5));
    }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Forwarding(on) => format!("{{ forwarding: {on} }}"),
        Effect::Rewrites(path) => format!("{{ rewrites: {} }}", flow(path)),
        Effect::Vips(on) => format!("{{ vips: {on} }}"),
        Effect::LoadsKeepalived => "loads-keepalived".to_owned(),
    }
}

/// A text of one line as it is, where YAML takes it for nothing else; else quoted.
fn scalar(text: &str) -> String {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_graphic() || b == b' ')
        .then_some(text)
        .filter(|t| t.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'))
        .filter(|t| !t.contains(": ") && !t.contains(" #") && !t.ends_with([':', ' ']))
        .filter(|t| !["true", "false", "null", "yes", "no"].contains(t));
    plain.map_or_else(|| quoted(text), str::to_owned)
}

/// The same among braces.
fn flow(text: &str) -> String {
    if text.contains([',', '{', '}', '[', ']']) {
        quoted(text)
    } else {
        scalar(text)
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['\'', '\n', '\t']) || !text.is_ascii() {
        serde_json::Value::from(text).to_string()
    } else if text.contains(['"', '\\']) {
        format!("'{text}'")
    } else {
        format!("\"{text}\"")
    }
}

/// A text of lines, under its key at this depth.
fn block(text: &str, depth: usize) -> String {
    if text.is_empty()
        || !text
            .bytes()
            .all(|b| b == b'\n' || (b' '..=b'~').contains(&b))
    {
        return serde_json::Value::from(text).to_string();
    }
    let indent = "  ".repeat(depth);
    let lines: Vec<String> = text
        .trim_end_matches('\n')
        .lines()
        .map(|line| format!("{indent}{line}").trim_end().to_owned())
        .collect();
    format!("|\n{}", lines.join("\n"))
}
