//! Secrets: where one comes from ([`SecretSource`], safe to print) and its value ([`Secret`], never printed).
//! Reading the environment, files and prompts is done by the command layer through [`Secrets`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Where a secret comes from. The inventory never holds the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretSource {
    /// The name of an environment variable.
    Env(String),
    /// A file, relative to the inventory; its first line is the secret. Others must not be able to read it.
    File(PathBuf),
    /// Ask on the terminal, with this text.
    Prompt(String),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Prompt(text) => write!(f, "prompt {text:?}"),
        }
    }
}

/// The value of a secret: wiped when dropped, with no `Display`, no `Serialize` and a blind `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself. Every caller sends it to a host or to a library, and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The secrets of one run, read once each.
pub type Secrets = BTreeMap<SecretSource, Secret>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
        assert_eq!(
            format!("{:#?}", Some(Secret::new("hunter2"))).find("hunter2"),
            None
        );
    }
}
