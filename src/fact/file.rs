//! Files: what they are and what they hold.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;

/// The most bytes of a file that are read; lvsctl writes no larger files.
const LIMIT: usize = 1024 * 1024;

#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub regular: bool,
    pub size: usize,
    /// Octal, as stat(1) prints it.
    pub mode: String,
    pub owner: String,
    /// Seconds since the epoch.
    pub modified: f64,
    /// The second in which its content, name, mode or owner was last changed; no program can set it back.
    pub changed: Option<f64>,
    pub content: String,
}

/// By path; what is not there is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Files(BTreeMap<String, Found>);

impl Files {
    pub fn get(&self, path: &str) -> Option<&Found> {
        self.0.get(path)
    }

    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    #[cfg(test)]
    pub fn insert(&mut self, path: &str, found: Found) {
        self.0.insert(path.to_owned(), found);
    }
}

impl Fact for Files {
    const NAME: &'static str = "file";
    /// Paths.
    type Ask = BTreeSet<String>;

    /// One process for what files are, one for all they hold.
    fn command(ask: &Self::Ask) -> String {
        let paths: Vec<String> = ask.iter().map(|s| quote(s)).collect();
        format!(
            "part stat\nset --\nfor f in {}; do if [ -e \"$f\" ] || [ -L \"$f\" ]; then set -- \"$@\" \"$f\"; fi; done\n\
             if [ $# -gt 0 ]; then stat -c '%F|%s|%a|%U:%G|%.9Y %.9Z|%n' \"$@\" 2>/dev/null\nfor f do shift; if [ -f \"$f\" ] && [ ! -L \"$f\" ]; \
             then set -- \"$@\" \"$f\"; fi; done; fi\npart content\nif [ $# -gt 0 ]; then head -q -c {LIMIT} \"$@\" 2>/dev/null; fi\nset --\n",
            paths.join(" ")
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let odd = |line: &str| ParseError::new(Self::NAME, format!("odd line {line:?} of stat"));
        let mut files = BTreeMap::new();
        let mut rest = section.part("content");
        for line in section.part("stat").lines() {
            let mut words = line.splitn(6, '|');
            let mut word = || words.next().ok_or_else(|| odd(line));
            let (kind, size, mode, owner, modified, path) =
                (word()?, word()?, word()?, word()?, word()?, word()?);
            let regular = kind.starts_with("regular");
            let size: usize = size.parse().map_err(|_| odd(line))?;
            let second = |word: &str| word.parse().ok();
            let mut times = modified.split(' ');
            let mut content = String::new();
            if regular {
                let split = rest.split_at_checked(size.min(LIMIT)).ok_or_else(|| {
                    ParseError::new(
                        Self::NAME,
                        format!("{path} changed while it was read, or is not UTF-8; run again"),
                    )
                })?;
                content = split.0.to_owned();
                rest = split.1;
            }
            let found = Found {
                regular,
                size,
                mode: mode.to_owned(),
                owner: owner.to_owned(),
                modified: times.next().and_then(second).ok_or_else(|| odd(line))?,
                // stat of busybox prints no fractions.
                changed: times.next().and_then(second).map(f64::floor),
                content,
            };
            files.insert(path.to_owned(), found);
        }
        Ok(Self(files))
    }
}
