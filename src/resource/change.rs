//! What a plan is made of: changes, each with its differences, its steps, and its effects on other
//! resources. Nothing is run here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One resource that must change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub kind: &'static str,
    pub key: String,
    pub action: Action,
    /// What differs, fit to be shown.
    pub fields: Vec<Field>,
    /// Two whole texts to be shown as a line diff, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextChange>,
    #[serde(skip)]
    pub steps: Vec<Step>,
    /// What other resources, hosts and stages of the run must take into account.
    #[serde(skip)]
    pub effects: BTreeSet<Effect>,
    /// Why it cannot be made, and what a person can do about it.
    #[serde(skip)]
    pub refused: Option<String>,
}

/// What a change does to other resources. Its kind declares it; what depends on it asks for the effect, never for a
/// resource's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The host begins to forward packets of others, or ceases to.
    Forwarding(bool),
    /// A file of this path has other text; its mode alone is no news to who reads it.
    Rewrites(String),
    /// keepalived starts and takes VIPs, or stops and gives them up.
    Vips(bool),
    /// keepalived reads its configuration, in the last step of the change.
    LoadsKeepalived,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    Remove,
}

impl Action {
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    /// None: was not there.
    pub from: Option<String>,
    /// None: will not be there.
    pub to: Option<String>,
}

impl Field {
    pub fn action(&self) -> Action {
        match (&self.from, &self.to) {
            (None, Some(_)) => Action::Create,
            (Some(_), None) => Action::Remove,
            (Some(_), Some(_)) | (None, None) => Action::Update,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextChange {
    pub from: String,
    pub to: String,
}

/// One script on the host. It runs under `set -eu`, in a separate shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub title: String,
    pub script: String,
    pub phase: Phase,
}

/// When a step runs among all steps of its host; within a phase, the order of the resources holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Real servers that will leave get no new connections.
    Drain,
    Main,
    /// What is no longer wanted goes last.
    Remove,
}

impl Change {
    pub fn new(kind: &'static str, key: impl Into<String>, action: Action) -> Self {
        Self {
            kind,
            key: key.into(),
            action,
            fields: Vec::new(),
            text: None,
            steps: Vec::new(),
            effects: BTreeSet::new(),
            refused: None,
        }
    }

    #[must_use]
    pub fn effect(mut self, effect: impl Into<Option<Effect>>) -> Self {
        self.effects.extend(effect.into());
        self
    }

    #[must_use]
    pub fn field(
        mut self,
        name: &str,
        from: Option<impl ToString>,
        to: Option<impl ToString>,
    ) -> Self {
        self.fields.push(Field {
            name: name.to_owned(),
            from: from.map(|v| v.to_string()),
            to: to.map(|v| v.to_string()),
        });
        self
    }

    #[must_use]
    pub fn step(mut self, title: impl Into<String>, script: impl Into<String>) -> Self {
        let phase = match self.action {
            Action::Remove => Phase::Remove,
            Action::Create | Action::Update => Phase::Main,
        };
        self.steps.push(Step {
            title: title.into(),
            script: script.into(),
            phase,
        });
        self
    }

    #[must_use]
    pub fn step_in(
        mut self,
        phase: Phase,
        title: impl Into<String>,
        script: impl Into<String>,
    ) -> Self {
        self.steps.push(Step {
            title: title.into(),
            script: script.into(),
            phase,
        });
        self
    }
}
