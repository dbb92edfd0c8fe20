//! An error with its causes, as one text. It may quote a host, so whoever shows it makes it fit for a terminal.

use std::error::Error;

/// No chain of causes is longer; one that is goes in a circle.
const LONGEST: usize = 64;

/// The error and its causes, each once: a cause that the text ends with already is left out. Begins in lower
/// case, as the rest of a message.
pub fn chain(error: &dyn Error) -> String {
    let mut text = lower(&error.to_string());
    let mut cause = error.source();
    for _ in 0..LONGEST {
        let Some(inner) = cause else { break };
        let said = inner.to_string();
        let said = said.trim();
        if !said.is_empty() && !ends_with(&text, said) {
            text.push_str(": ");
            text.push_str(&lower(said));
        }
        cause = inner.source();
    }
    text
}

/// Whether a text ends with another, however its first word is written.
fn ends_with(text: &str, end: &str) -> bool {
    text.ends_with(end) || text.ends_with(&lower(end))
}

/// A sentence's first word in lower case; names, paths and abbreviations stay.
fn lower(text: &str) -> String {
    let text = text.trim();
    let word = text.split(' ').next().unwrap_or(text);
    let mut letters = word.chars();
    let ordinary = letters.next().is_some_and(|c| c.is_ascii_uppercase())
        && letters.all(|c| c.is_ascii_lowercase());
    if ordinary {
        let (first, rest) = text.split_at(1);
        format!("{}{rest}", first.to_ascii_lowercase())
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<dyn Error + 'static>>);

    fn of(texts: &[&'static str]) -> String {
        let mut error = None;
        for text in texts.iter().rev() {
            error = Some(Box::new(Said(text, error)) as Box<dyn Error>);
        }
        error.map_or_else(String::new, |error| chain(error.as_ref()))
    }

    #[test]
    fn each_cause_is_shown_once() {
        for (texts, expected) in [
            (&["cannot read a"][..], "cannot read a"),
            (
                &["cannot read a", "No such file"],
                "cannot read a: no such file",
            ),
            (
                &["while probing: timeout", "timeout"],
                "while probing: timeout",
            ),
            (&["a: b", "b", "c"], "a: b: c"),
            (&["a: b: c", "b: c", "c"], "a: b: c"),
            (&["a: no such file", "No such file"], "a: no such file"),
            (&["a", "", "c"], "a: c"),
            (
                &["SSH is off", "Inventory.yaml is bad"],
                "SSH is off: Inventory.yaml is bad",
            ),
        ] {
            assert_eq!(of(texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn the_cause_below_an_error_of_the_system_is_shown() {
        let inner = std::io::Error::from_raw_os_error(2);
        let outer = Said("cannot read /etc/a", Some(Box::new(inner)));
        assert_eq!(
            chain(&outer),
            "cannot read /etc/a: no such file or directory (os error 2)"
        );
    }
}
