//! Syntax errors of YAML at the place of the mistake, with a fix.

use std::net::Ipv6Addr;

use serde_yaml::DuplicateKeyPolicy;

use super::Document;
use crate::diagnostic::Fault;

/// The fault, with the mistake that its text shows.
pub(super) fn explained(text: &str, what: Document, fault: Fault) -> Fault {
    let Some(at) = fault.span.map(|span| span.offset().min(text.len())) else {
        return fault;
    };
    let line = line_at(text, at);
    let shown = text.get(line.clone()).unwrap_or_default();
    if let Some(found) = variable(shown) {
        let start = line.start + shown.find(found).unwrap_or(0);
        let help = if what == Document::Inventory {
            format!(
                "an inventory has no variables: write the value itself in the place of `{found}`"
            )
        } else {
            format!("put it in quotes: `\"{found}\"`")
        };
        return Fault::new(format!(
            "this is not valid YAML: `{found}` begins like a map"
        ))
        .help(help)
        .at((start, found.len()).into());
    }
    if what == Document::Role
        && let Some(fault) = expression(shown, line.start)
    {
        return fault;
    }
    let lower = fault.message().to_lowercase();
    if lower.contains("tab") {
        return match shown.find('\t') {
            Some(column) => fault.at((line.start + column, 1).into()),
            None => fault,
        };
    }
    if let Some((start, address)) = ipv6(shown) {
        return Fault::new("this is not valid YAML: a text that ends with `:` begins a map")
            .help(format!(
                "an address that ends with `:` needs quotes, `'{address}'`; a subnet needs none: `{address}/64`"
            ))
            .at((line.start + start, address.len()).into());
    }
    let whole = lower.contains("unclosed bracket");
    let flow = ["flow", "'}'", "']'"]
        .iter()
        .any(|word| lower.contains(word));
    let open = if whole {
        unclosed(text, text.len())
    } else {
        unclosed(text, at).filter(|(open, _)| flow && !line.contains(open))
    };
    if let Some((open, c)) = open {
        let (close, what) = if c == '{' {
            ('}', "map")
        } else {
            (']', "list")
        };
        return Fault::new(format!("this is not valid YAML: the `{c}` is never closed"))
            .label("opened here")
            .help(format!("add a `{close}` where the {what} ends"))
            .at((open, 1).into());
    }
    fault
}

/// An expression that YAML takes for something else: `when: "web" in host.roles` begins with a text in quotes.
fn expression(line: &str, start: usize) -> Option<Fault> {
    const KEYS: &[&str] = &["when", "for_each"];
    let (key, value) = KEYS.iter().find_map(|key| {
        let at = line.find(&format!("{key}:"))?;
        let before = line.get(..at)?;
        let begins =
            before.chars().all(|c| " -{,".contains(c)) || before.ends_with([' ', '{', ',']);
        begins.then_some((*key, at + key.len() + 1))
    })?;
    let written = line.get(value..)?;
    let text = written.trim();
    let value = value + (written.len() - written.trim_start().len());
    if text.is_empty() {
        return None;
    }
    // In a flow map the value ends before the next key or at the closing bracket.
    let before = line.get(..value).unwrap_or_default();
    let flow = before.contains(['{', '[']);
    let text = if flow { of_flow(text) } else { text };
    let text = text.split(" #").next().unwrap_or(text).trim_end();
    let alone = if flow {
        format!("{{ k: {text} }}")
    } else {
        format!("k: {text}")
    };
    // The fault is not in the expression.
    if text.is_empty() || super::parse(&alone, DuplicateKeyPolicy::Error).is_ok() {
        return None;
    }
    let fault =
        Fault::new("an expression that begins or goes on like this needs quotes around the whole")
            .help(format!("write `{key}: {}`", quoted(text)))
            .at((start + value, text.len()).into());
    Some(fault)
}

/// The value with which a text within braces begins.
fn of_flow(text: &str) -> &str {
    let is_key = |rest: &str| {
        let word = rest.trim_start();
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        end.is_some_and(|end| end > 0 && word.get(end..).is_some_and(|rest| rest.starts_with(':')))
    };
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' if depth == 0 => return text.get(..at).unwrap_or_default().trim_end(),
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            ',' if is_key(rest) => return text.get(..at).unwrap_or_default().trim_end(),
            _ => {}
        }
    }
    text
}

/// An expression as YAML takes it behind a key.
pub(crate) fn quoted(text: &str) -> String {
    let first = |c: char| c.is_ascii_alphanumeric() || "_(".contains(c);
    let odd = |c: char| ",[]{}#`&*!|>%@".contains(c) || c.is_control();
    let plain = text.starts_with(first)
        && !text.contains(odd)
        && !text.contains(": ")
        && !text.ends_with(':');
    if plain {
        return text.to_owned();
    }
    if text.contains('\'') && !text.contains(['"', '\\']) {
        return format!("\"{text}\"");
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// The line around an offset, without its end.
fn line_at(text: &str, at: usize) -> std::ops::Range<usize> {
    let at = (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let (before, after) = text.split_at(at);
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let end = after.find('\n').map_or(text.len(), |n| at + n);
    start..end
}

/// An IPv6 address without quotes that ends with `::`, which YAML reads as a key.
fn ipv6(line: &str) -> Option<(usize, &str)> {
    let words = line.match_indices("::").filter_map(|(at, _)| {
        let start = line[..at].rfind(|c: char| !c.is_ascii_hexdigit() && c != ':');
        let start = start.map_or(0, |n| n + 1);
        let word = line.get(start..at + 2)?;
        let next = line.get(at + 2..)?.chars().next().unwrap_or(' ');
        // A key or a quoted text is no such address.
        let value = line[..start].trim_end().ends_with([':', '[', ',', '-']);
        let ends = [' ', ',', '}', ']', '\r'].contains(&next);
        (ends && value && word.len() > 2 && word.parse::<Ipv6Addr>().is_ok())
            .then_some((start, word))
    });
    words.into_iter().next()
}

/// The innermost bracket that is open there.
fn unclosed(text: &str, at: usize) -> Option<(usize, char)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote: Option<char> = None;
    let mut before = '\n';
    let mut comment = false;
    for (offset, c) in text.char_indices().take_while(|(offset, _)| *offset < at) {
        let blank = before.is_whitespace() || "[{,:".contains(before);
        match (c, quote) {
            ('\n', _) => comment = false,
            _ if comment => {}
            (c, Some(q)) if c == q => quote = None,
            (_, Some(_)) => {}
            ('#', None) if before.is_whitespace() => comment = true,
            ('"' | '\'', None) if blank => quote = Some(c),
            ('{' | '[', None) if blank || !open.is_empty() => open.push((offset, c)),
            ('}' | ']', None) => match open.pop() {
                // A bracket of the other kind must be closed first.
                Some((at, inner)) if (inner == '{') != (c == '}') => return Some((at, inner)),
                _ => {}
            },
            _ => {}
        }
        before = c;
    }
    open.pop()
}

/// The variable of a template, `{{ vip }}` or `${VIP}`.
pub(crate) fn variable(text: &str) -> Option<&str> {
    let between = |open: &str, close: &str| {
        let start = text.find(open)?;
        let end = text.get(start..)?.find(close)? + close.len();
        text.get(start..start + end)
    };
    between("{{", "}}")
        .or_else(|| between("${", "}"))
        .or_else(|| between("{%", "%}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_that_stay_open() {
        for (text, found) in [
            ("a: { b: 1\nc: 2\n", Some((3, '{'))),
            ("a: { b: [1, 2 }\n", Some((8, '['))),
            ("a: { b: '}' }\n", None),
            ("a: b{c\n", None),
            ("a: it's\nb: { c: 1\n", Some((11, '{'))),
            ("a: 1 # {\n", None),
        ] {
            assert_eq!(unclosed(text, text.len()), found, "{text}");
        }
    }

    #[test]
    fn addresses_that_end_with_a_colon() {
        for (line, found) in [
            ("lan: { a: 2001:db8:: }", Some("2001:db8::")),
            ("lan: [2001:db8::]", Some("2001:db8::")),
            ("lan: '2001:db8::'", None),
            ("lan: 2001:db8::/64", None),
            ("a:: b", None),
        ] {
            assert_eq!(ipv6(line).map(|(_, word)| word), found, "{line}");
        }
    }

    #[test]
    fn variables() {
        for (text, found) in [
            ("{{ vip }}", Some("{{ vip }}")),
            ("x-${NAME}", Some("${NAME}")),
            ("$NAME", None),
            ("{ a }", None),
            ("}} {{", None),
        ] {
            assert_eq!(variable(text), found, "{text}");
        }
    }
}
