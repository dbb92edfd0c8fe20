//! The format of a probe's answer: one section per fact, with named parts. Only this module knows the markers between them.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

/// The parts that one fact's commands printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    parts: BTreeMap<String, String>,
}

/// An answer of a host that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct ParseError {
    pub kind: &'static str,
    pub message: String,
}

impl ParseError {
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl Section {
    /// What a part printed, without the newline that ends it; empty when it was not printed at all.
    pub fn part(&self, name: &str) -> &str {
        self.parts.get(name).map_or("", String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.parts.contains_key(name)
    }

    /// The section, if none of its commands failed; the empty output of a failed command does not mean "none".
    pub(crate) fn whole(&self, kind: &'static str) -> Result<&Self, ParseError> {
        match self.parts.get(FAILED) {
            Some(failure) => Err(ParseError::new(kind, failure.trim_end())),
            None => Ok(self),
        }
    }

    /// Takes out the lines that `grep -H` printed of one file.
    pub fn take_of_file(&mut self, path: &str) -> String {
        let begin = format!("{path}:");
        let mut taken = String::new();
        for text in self.parts.values_mut().filter(|text| text.contains(&begin)) {
            let mut kept = String::new();
            for line in text.split_inclusive('\n') {
                match line.strip_prefix(&begin) {
                    Some(line) => taken.push_str(line),
                    None => kept.push_str(line),
                }
            }
            *text = kept;
        }
        taken
    }

    /// Takes out what follows the first JSON value of a part.
    pub fn take_after_first_json(&mut self, part: &str) -> Option<String> {
        let text = self.parts.get_mut(part)?;
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let end = values.byte_offset();
        let rest = text.split_off(end);
        Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty())
    }

    pub fn put(&mut self, part: &str, text: String) {
        self.parts.insert(part.to_owned(), text);
    }

    /// Parts whose name is `prefix` and a word more, with that word.
    pub fn parts_of<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.parts.iter().filter_map(move |(name, text)| {
            let rest = name.strip_prefix(prefix)?.strip_prefix(' ')?;
            Some((rest, text.as_str()))
        })
    }

    #[cfg(test)]
    pub fn from_parts<const N: usize>(parts: [(&str, &str); N]) -> Self {
        Self {
            parts: parts
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
        }
    }
}

/// The part that says which command failed.
const FAILED: &str = "failed";

/// Shell functions of all facts: `part NAME` begins a part, `have TOOL` succeeds where the host has it, `ask COMMAND` runs
/// a command whose failure makes the whole fact an error, since its silence is not "none"; `failed STATUS COMMAND` reports
/// one that was run in another way. `nonce` keeps a host's own text from being taken for the begin of a part.
pub fn prologue(nonce: &str) -> String {
    format!(
        "part() {{ printf '\\n@{nonce} %s %s\\n' \"$section\" \"$*\"; }}\n\
         have() {{ command -v \"$1\" >/dev/null 2>&1; }}\n\
         failed() {{ part {FAILED}; printf 'exit status %s: `%s`\\n' \"$1\" \"$2\"; }}\n\
         ask() {{ \"$@\" 2>/dev/null || failed $? \"$*\"; }}\n"
    )
}

/// Splits a probe's output into sections by fact.
pub fn split(output: &str, nonce: &str) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let marker = format!("\n@{nonce} ");
    let mut rest = output;
    let mut current: Option<(String, String)> = None;
    loop {
        let (text, next) = match rest.find(&marker) {
            Some(at) => (&rest[..at], Some(&rest[at + marker.len()..])),
            None => (rest, None),
        };
        if let Some((kind, part)) = current.take() {
            sections
                .entry(kind)
                .or_default()
                .parts
                .insert(part, text.to_owned());
        }
        let Some(next) = next else { return sections };
        let (head, tail) = next.split_once('\n').unwrap_or((next, ""));
        let (kind, part) = head.split_once(' ').unwrap_or((head, ""));
        current = Some((kind.to_owned(), part.to_owned()));
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_exact() {
        let out = "noise\n@n sysctl all\na=1\nb=2\n\n@n file stat\n\n@n file body\nno newline at end\n@n x end\n";
        let sections = split(out, "n");
        assert_eq!(sections["sysctl"].part("all"), "a=1\nb=2\n");
        assert_eq!(sections["file"].part("body"), "no newline at end");
        assert_eq!(sections["file"].part("stat"), "");
        assert!(sections["x"].has("end"));
        assert!(split("", "n").is_empty());
    }

    #[test]
    fn a_part_that_begins_with_an_empty_line_keeps_it() {
        let sections = split("\n@n f body\n\nx\n\n@n f end\n", "n");
        assert_eq!(sections["f"].part("body"), "\nx\n");
    }

    #[test]
    fn lines_of_one_file_are_taken_out() {
        let mut section = Section::from_parts([(
            "values",
            "/proc/sys/a:1\n/var/lib/x.json:{\n/var/lib/x.json:  \"/var/lib/x.json:\": 1\n/var/lib/x.json:}\n/proc/sys/b:2\n",
        )]);
        let taken = section.take_of_file("/var/lib/x.json");
        assert_eq!(taken, "{\n  \"/var/lib/x.json:\": 1\n}\n");
        assert_eq!(section.part("values"), "/proc/sys/a:1\n/proc/sys/b:2\n");
        assert_eq!(section.take_of_file("/var/lib/x.json"), "");
    }

    #[test]
    fn what_follows_the_first_json_value_is_taken_out() {
        for (text, first, rest) in [
            ("[1]\n[2]\n", "[1]", Some("[2]")),
            ("[\n 1\n]\n[\n]", "[\n 1\n]", Some("[\n]")),
            ("[1]\n", "[1]", None),
            ("no JSON", "no JSON", None),
            ("", "", None),
        ] {
            let mut section = Section::from_parts([("json", text)]);
            let taken = section.take_after_first_json("json");
            assert_eq!(taken.as_deref(), rest, "{text}");
            assert_eq!(section.part("json").trim_end(), first, "{text}");
        }
    }
}
