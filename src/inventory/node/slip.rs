//! Slips behind a syntax error of YAML: where it really is, and what to write there.

use std::net::Ipv6Addr;

use serde_yaml::DuplicateKeyPolicy;

use crate::inventory::problem::Fault;
use crate::inventory::scalar::variable;

/// The fault, completed by what its text shows. `what` is "inventory" or another document.
pub(super) fn explained(text: &str, what: &str, fault: Fault) -> Fault {
    let Some(at) = fault.span.map(|span| span.offset().min(text.len())) else {
        return fault;
    };
    if let Some(fault) = foreign(text).filter(|_| what == "inventory") {
        return fault;
    }
    let line = line_at(text, at);
    let shown = text.get(line.clone()).unwrap_or_default();
    if let Some(found) = variable(shown) {
        let start = line.start + shown.find(found).unwrap_or(0);
        let help = if what == "inventory" {
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
    if what == "role"
        && let Some(fault) = expression(shown, line.start)
    {
        return fault;
    }
    let lower = fault.message.to_lowercase();
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
    // Of an entry in one line, the value ends before the next key, or with its bracket.
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
            .help(format!("write `{key}: {}`", yaml(text)))
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
pub(crate) fn yaml(text: &str) -> String {
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

/// An address without quotes that ends with `::` before something that ends a value.
fn ipv6(line: &str) -> Option<(usize, &str)> {
    let words = line.match_indices("::").filter_map(|(at, _)| {
        let start = line[..at].rfind(|c: char| !c.is_ascii_hexdigit() && c != ':');
        let start = start.map_or(0, |n| n + 1);
        let word = line.get(start..at + 2)?;
        let next = line.get(at + 2..)?.chars().next().unwrap_or(' ');
        // A key, or a text in quotes, is none.
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
                // The other kind of bracket was to be closed before.
                Some((at, inner)) if (inner == '{') != (c == '}') => return Some((at, inner)),
                _ => {}
            },
            _ => {}
        }
        before = c;
    }
    open.pop()
}

/// What is said of a file of another program.
pub(in crate::inventory) fn foreign(text: &str) -> Option<Fault> {
    let kind = other_program(text)?;
    let start = text.len() - text.trim_start().len();
    let fault = Fault::new(format!("this is {kind}, and an inventory is YAML"))
        .help(BEGINNING)
        .at((start, 1).into());
    Some(fault)
}

/// How an inventory begins.
pub(in crate::inventory) const BEGINNING: &str =
    "begin it with `cluster: NAME` and `hosts:`; `lvsctl schema --format markdown` lists all keys";

/// A file of another program, as its first lines tell.
fn other_program(text: &str) -> Option<&'static str> {
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';', '!']));
    let first = lines.next()?;
    let second = lines.next().unwrap_or_default();
    let word = first.split_whitespace().next()?;
    let section = first.starts_with('[') && first.ends_with(']') && !first.contains([',', ' ']);
    if section && !second.contains(": ") {
        return Some("an INI file, as Ansible has them");
    }
    let block = first.ends_with('{') || second.starts_with('{');
    match word {
        "vrrp_instance" | "virtual_server" | "global_defs" | "vrrp_script" | "vrrp_sync_group"
            if block =>
        {
            Some("keepalived.conf")
        }
        "upstream" | "http" | "server" | "stream" if block => Some("a configuration of nginx"),
        "frontend" | "backend" | "listen" | "global" | "defaults" if !first.contains(':') => {
            Some("a configuration of HAProxy")
        }
        _ if word.starts_with("virtual=") || word.starts_with("checktimeout=") => {
            Some("a configuration of ldirectord")
        }
        "-A" | "-a" if first.contains(" -t ") || first.contains(" -u ") => Some("rules of ipvsadm"),
        _ => None,
    }
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
    fn files_of_other_programs() {
        for (text, found) in [
            ("[directors]\nlb1 ansible_host=10.0.0.1\n", true),
            ("# x\nvrrp_instance VI_1 {\n", true),
            ("frontend web\n  bind *:80\n", true),
            ("virtual=10.0.0.1:80\n", true),
            ("frontend: web\n", false),
            ("cluster: web\nhosts:\n", false),
            ("[a, b]\n", false),
            ("{ cluster: web }\n", false),
        ] {
            assert_eq!(other_program(text).is_some(), found, "{text}");
        }
    }
}
