//! Makes text from hosts and files safe for display: escapes control characters, so that no text of a host can control the
//! terminal, or hide or forge a line.

use std::borrow::Cow;

/// Whether a character would act on a terminal rather than be seen: controls, and what turns the direction of text.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text as one line.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false, spelled)
}

/// A line of a file: tabs stay.
pub fn file_line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\t', spelled)
}

/// Text that may have several lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n' || c == '\t', spelled)
}

fn spelled(c: char) -> String {
    c.escape_default().to_string()
}

/// The text of JSON, which escapes by itself just what is below 0x20. What else acts can stand in strings alone.
pub fn json(text: &str) -> Cow<'_, str> {
    let spell = |c: char| format!("\\u{:04x}", u32::from(c));
    escaped(text, |c| c == '\n', spell)
}

fn escaped(
    text: &str,
    keep: impl Fn(char) -> bool,
    spell: impl Fn(char) -> String,
) -> Cow<'_, str> {
    let mut odd = text.chars().filter(|&c| acts(c) && !keep(c));
    if odd.next().is_none() {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) && !keep(c) {
            clean.push_str(&spell(c));
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_spelled_out() {
        for (text, shown) in [
            ("plain", "plain"),
            ("größe ✓", "größe ✓"),
            ("a\nb", "a\\nb"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\rb\tc\u{7}", "a\\rb\\tc\\u{7}"),
            ("safe\u{202e}txt", "safe\\u{202e}txt"),
        ] {
            assert_eq!(line(text), shown);
        }
        let text = serde_json::to_string_pretty(&["\u{9b}2J\u{202e}\u{1b}\n", "größe"]).unwrap();
        let shown = "[\n  \"\\u009b2J\\u202e\\u001b\\n\",\n  \"größe\"\n]";
        assert_eq!(json(&text), shown);
        assert_eq!(file_line("\ta\r"), "\ta\\r");
        assert_eq!(lines("a\n\tb\r"), "a\n\tb\\r");
    }
}
