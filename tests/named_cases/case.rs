//! A case as its file holds it. The form is described in `tests/cases/resource/README.md`.

use std::collections::BTreeMap;

use lvsctl::fact::System;
use lvsctl::resource::change::{Phase, TextChange};
use lvsctl::resource::{Action, Before, Change, Effect, Field, Resource, Step};
use lvsctl::secret::{SecretSource, Secrets};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub about: String,
    /// One resource, or a list of them.
    desired: Value,
    pub probe: BTreeMap<String, BTreeMap<String, String>>,
    /// Ours and no longer desired, with what was there before us.
    pub owned: Option<Before>,
    #[serde(default)]
    facts: FactsOf,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    #[serde(default)]
    earlier: Vec<Effect>,

    pub changes: Option<Vec<Expected>>,
    pub error: Option<String>,
    pub refuse: Option<String>,
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the manifest keeps of what stood there, and the script that keeps more of it.
    pub remembers: Option<Before>,
    pub keeps: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactsOf {
    tools: Option<Vec<String>>,
    systemd: Option<bool>,
    kernel: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub action: Action,
    pub key: String,
    #[serde(default)]
    pub fields: Vec<FieldOf>,
    pub text: Option<TextOf>,
    #[serde(default)]
    pub effects: Vec<Effect>,
    pub steps: Vec<StepOf>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldOf {
    pub name: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextOf {
    pub from: String,
    pub to: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepOf {
    pub title: String,
    /// The one that the action has, where it is not said.
    pub phase: Option<Phase>,
    pub script: String,
}

impl Case {
    pub(crate) fn desired(&self, kind: &str) -> Vec<Resource> {
        let all = match &self.desired {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let resource = |value: Value| {
            serde_json::from_value(json!({ kind: value }))
                .unwrap_or_else(|e| panic!("`desired` is no {kind}: {e}"))
        };
        all.into_iter().map(resource).collect()
    }

    pub(crate) fn system(&self) -> System {
        let mut system = System::assumed();
        if let Some(tools) = &self.facts.tools {
            system.tools = tools.iter().cloned().collect();
        }
        if let Some(kernel) = &self.facts.kernel {
            system.kernel.clone_from(kernel);
        }
        system.systemd = self.facts.systemd.unwrap_or(system.systemd);
        system
    }

    /// By the environment variable that they come from.
    pub(crate) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        for (name, value) in &self.secrets {
            secrets.insert(
                SecretSource::Env(name.clone()),
                SecretString::from(value.as_str()),
            );
        }
        secrets
    }

    pub(crate) fn earlier(&self) -> Vec<Change> {
        let change = |effect: &Effect| {
            Change::new("another", "resource", Action::Update).effect(effect.clone())
        };
        self.earlier.iter().map(change).collect()
    }
}

impl From<Change> for Expected {
    fn from(change: Change) -> Self {
        let action = change.action;
        let field = |Field { name, from, to }| FieldOf { name, from, to };
        let text = |TextChange { from, to }| TextOf { from, to };
        let step = |step: Step| StepOf {
            phase: Some(step.phase).filter(|phase| *phase != phase_of(action)),
            title: step.title,
            script: step.script,
        };
        Self {
            action,
            key: change.key,
            fields: change.fields.into_iter().map(field).collect(),
            text: change.text.map(text),
            effects: change.effects.into_iter().collect(),
            steps: change.steps.into_iter().map(step).collect(),
        }
    }
}

/// Where a step runs when it does not say.
pub(crate) fn phase_of(action: Action) -> Phase {
    match action {
        Action::Create | Action::Update => Phase::Main,
        Action::Remove => Phase::Remove,
    }
}
