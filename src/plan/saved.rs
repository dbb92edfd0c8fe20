//! Saved plans: the file's format, and the comparison with a plan that is made later. The file has digests of scripts and
//! secrets, not their text: `apply` makes the plan anew and applies it only if it is the same. Reading and writing the file
//! belongs in `command`.

mod compare;

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::HostPlan;
use crate::resource::change::Phase;
use crate::resource::{Action, Change, Field, Resource};
use crate::secret::{SecretSource, Secrets};

/// The version of the format; no other is read.
pub const VERSION: u32 = 1;

/// The most bytes that a file may have. A plan of the first apply of 1,000 hosts has a fifth of it.
pub const LARGEST: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    pub lvsctl_plan: u32,
    /// The version of lvsctl that made it: another one may make other steps.
    pub lvsctl: String,
    pub cluster: String,
    pub made: Made,
    /// The values of `--limit`.
    pub limit: Vec<String>,
    pub secrets: Vec<SecretDigest>,
    /// Directors on which keepalived reloads before the others.
    pub first: Vec<String>,
    pub hosts: Vec<SavedHost>,
}

/// Information for the user: when, by whom and from what the plan was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Seconds since 1970, UTC.
    pub time: u64,
    pub by: String,
    pub inventory: String,
    pub revision: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedHost {
    pub host: String,
    /// Digest of all desired resources.
    pub desired: String,
    pub changes: Vec<SavedChange>,
    pub adopts: Vec<String>,
    pub replaces: Vec<String>,
    pub steps: Vec<SavedStep>,
    /// The steps in which keepalived loads its file ([`super::HostPlan::load`]).
    pub load: Option<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedChange {
    pub kind: String,
    pub key: String,
    pub action: Action,
    pub fields: Vec<Field>,
    /// Digest of the old and the new text of a file, secrets masked.
    pub text: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedStep {
    pub title: String,
    pub phase: Phase,
    pub script: String,
}

/// A secret of the plan: it must still have the same value when the plan is applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretDigest {
    pub source: SecretSource,
    pub salt: String,
    /// PBKDF2-HMAC-SHA-256 of the salt: a password of 8 characters is not found from it in reasonable time.
    pub digest: String,
}

/// Rounds of PBKDF2.
const ROUNDS: u32 = 100_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    #[error("expected a plan of `lvsctl plan --out FILE`: {0}")]
    Unreadable(String),
    #[error(
        "the plan has version {found}, expected {VERSION}; make it anew with this lvsctl: `lvsctl plan --out FILE`"
    )]
    Version { found: u64 },
}

/// How a plan that is made now differs from the saved one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Empty if it is about the cluster.
    pub host: String,
    pub kind: &'static str,
    pub message: String,
}

/// A host's plan and its resources.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    pub plan: &'a HostPlan,
    pub desired: &'a [Resource],
}

impl SavedPlan {
    pub fn parse(text: &str) -> Result<Self, SavedError> {
        let unreadable = |e: serde_json::Error| SavedError::Unreadable(e.to_string());
        let value: Value = serde_json::from_str(text).map_err(unreadable)?;
        let version = value.get("lvsctl_plan").and_then(Value::as_u64);
        match version {
            Some(found) if found == u64::from(VERSION) => {
                serde_json::from_value(value).map_err(unreadable)
            }
            Some(found) => Err(SavedError::Version { found }),
            None => Err(SavedError::Unreadable("it has no version".to_owned())),
        }
    }

    /// Differences in secrets, desired state and observed state. Empty: the plan is the same.
    pub fn differences(
        &self,
        planned: &[Planned],
        first: &[String],
        secrets: &Secrets,
    ) -> Vec<Difference> {
        compare::differences(self, planned, first, secrets)
    }
}

impl SavedHost {
    pub fn of(planned: Planned) -> Self {
        let plan = planned.plan;
        let steps = plan.steps.iter().map(|step| SavedStep {
            title: step.title.clone(),
            phase: step.phase,
            script: digest(&step.script),
        });
        Self {
            host: plan.host.clone(),
            desired: digest_of_all(planned.desired),
            changes: plan.changes.iter().map(SavedChange::of).collect(),
            adopts: plan.adopts.clone(),
            replaces: plan.replaces.clone(),
            steps: steps.collect(),
            load: plan.load.as_ref().map(|steps| (steps.first, steps.last)),
        }
    }
}

impl SavedChange {
    fn of(change: &Change) -> Self {
        let text = change.text.as_ref();
        Self {
            kind: change.kind.to_owned(),
            key: change.key.clone(),
            action: change.action,
            fields: change.fields.clone(),
            text: text.map(|text| digest(&format!("{}\0{}", text.from, text.to))),
        }
    }
}

/// Digests of the secrets that the resources name; `salt` gives random bytes.
pub fn secret_digests(
    secrets: &Secrets,
    resources: &[&[Resource]],
    mut salt: impl FnMut() -> [u8; 16],
) -> Vec<SecretDigest> {
    let texts: Vec<String> = resources
        .iter()
        .flat_map(|all| all.iter())
        .filter_map(|resource| serde_json::to_string(resource).ok())
        .collect();
    // The texts are JSON, which escapes characters of a placeholder.
    let is_named = |source: &SecretSource| {
        let quoted = serde_json::to_string(&source.placeholder()).unwrap_or_default();
        let placeholder = quoted.trim_matches('"');
        texts.iter().any(|text| text.contains(placeholder))
    };
    let named = secrets.iter().filter(|(source, _)| is_named(source));
    named
        .map(|(source, secret)| {
            let salt = hex(&salt());
            SecretDigest {
                source: source.clone(),
                digest: stretched(secret, &salt),
                salt,
            }
        })
        .collect()
}

fn stretched(secret: &SecretString, salt: &str) -> String {
    let secret = secret.expose_secret().as_bytes();
    let digest = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(secret, salt.as_bytes(), ROUNDS);
    hex(&digest)
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn digest_of_all(resources: &[Resource]) -> String {
    let mut hash = Sha256::new();
    for resource in resources {
        let text = serde_json::to_string(resource).unwrap_or_default();
        hash.update(text.as_bytes());
        hash.update(b"\0");
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Groups changes by kind and key, since one key may have several changes.
fn by_key(changes: &[SavedChange]) -> BTreeMap<(&str, &str), Vec<&SavedChange>> {
    let mut all: BTreeMap<(&str, &str), Vec<&SavedChange>> = BTreeMap::new();
    for change in changes {
        let key = (change.kind.as_str(), change.key.as_str());
        all.entry(key).or_default().push(change);
    }
    all
}

#[cfg(test)]
#[path = "saved/tests.rs"]
mod tests;
