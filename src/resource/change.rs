//! Changes of a plan: the differences of a resource, the steps that correct them, and the effects on other resources. Running
//! the steps belongs in [`crate::run`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One resource that must change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub kind: &'static str,
    pub key: String,
    pub action: Action,
    /// The differences, as they are shown.
    pub fields: Vec<Field>,
    /// Two whole texts to be shown as a line diff, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextChange>,
    #[serde(skip)]
    pub steps: Vec<Step>,
    /// Effects that other resources, hosts and stages of the run depend on.
    #[serde(skip)]
    pub effects: BTreeSet<Effect>,
    /// Why the change is refused, with the fix.
    #[serde(skip)]
    pub refused: Option<String>,
}

/// An effect of a change on other resources, declared by the kind. Dependent code tests for the effect, never for the name of
/// a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The host starts or stops to forward packets.
    Forwarding(bool),
    /// The file with this path changes; a unit that reads it must reload.
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

/// Shell text on the host. It runs under `set -eu`, in a subshell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub title: String,
    pub script: String,
    pub phase: Phase,
    /// Whether it only sets values of the kernel and leaves nothing behind in its shell: consecutive steps of this kind run in
    /// one script.
    pub joins: bool,
}

impl Step {
    pub fn new(title: impl Into<String>, script: impl Into<String>, phase: Phase) -> Self {
        Self {
            title: title.into(),
            script: script.into(),
            phase,
            joins: false,
        }
    }
}

/// The order of a step among all steps of its host; within a phase, the order of the resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Real servers that will be removed get no new connections.
    Drain,
    Main,
    /// Resources that are no longer desired are removed last.
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
    pub fn step(self, title: impl Into<String>, script: impl Into<String>) -> Self {
        let phase = self.phase();
        self.step_in(phase, title, script)
    }

    /// A step that [`Step::joins`] its neighbours.
    #[must_use]
    pub fn joined_step(mut self, title: impl Into<String>, script: impl Into<String>) -> Self {
        let step = Step::new(title, script, self.phase());
        self.steps.push(Step {
            joins: true,
            ..step
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
        self.steps.push(Step::new(title, script, phase));
        self
    }

    fn phase(&self) -> Phase {
        match self.action {
            Action::Remove => Phase::Remove,
            Action::Create | Action::Update => Phase::Main,
        }
    }
}
