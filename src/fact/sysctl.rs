//! Running values of kernel parameters, as /proc/sys shows them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;

/// Value by path; the lines of a parameter that has several are joined by blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sysctls(BTreeMap<String, String>);

impl Sysctls {
    /// None: the kernel has no such parameter.
    pub fn get(&self, path: &str) -> Option<&String> {
        self.0.get(path)
    }

    #[cfg(test)]
    pub fn of<const N: usize>(values: [(&str, &str); N]) -> Self {
        let owned = |(path, value): (&str, &str)| (path.to_owned(), value.to_owned());
        Self(values.into_iter().map(owned).collect())
    }
}

impl Fact for Sysctls {
    const NAME: &'static str = "sysctl";
    /// Paths below /proc/sys, whole.
    type Ask = BTreeSet<String>;

    fn command(ask: &Self::Ask) -> String {
        let paths: Vec<String> = ask.iter().map(|s| quote(s)).collect();
        format!("part values\ngrep -aHs '' {} /dev/null\n", paths.join(" "))
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut values = Self::default();
        for line in section.part("values").lines() {
            let (path, value) = line
                .split_once(':')
                .ok_or_else(|| ParseError::new(Self::NAME, format!("odd line {line:?}")))?;
            let entry = values.0.entry(path.to_owned()).or_default();
            if !entry.is_empty() {
                entry.push(' ');
            }
            entry.push_str(value);
        }
        Ok(values)
    }
}
