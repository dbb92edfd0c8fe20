//! Finds parts of an inventory's text that may be secrets, so that no message or excerpt shows them. Keys that only resemble
//! those of secrets count too, since masking too much does little harm.

use std::collections::BTreeSet;

use miette::SourceSpan;

use super::foreign;
use crate::diagnostic::{Hidden, Masked};
use crate::secret::SecretSource;
use crate::yaml::{Entry, Node, Value};

/// Marks the values that may be secrets, also where an alias repeats them.
pub(super) fn mark(masked: &Masked, root: &mut Node) {
    let starts: BTreeSet<usize> = masked.spans.iter().map(SourceSpan::offset).collect();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match &mut node.value {
            Value::Map(entries) => {
                open.extend(entries.iter_mut().map(|entry| &mut entry.value));
            }
            Value::List(list) => open.extend(list),
            Value::Null => {}
            Value::Text(_) | Value::Bool(..) | Value::Int(..) | Value::Float(..) => {
                node.secret = starts.contains(&node.span.offset());
            }
        }
    }
}

/// The parts of a tree and of its comments. If the tree lacks a part of the text, all lines are searched.
pub(super) fn masked(root: Option<&Node>, text: &str, whole: bool) -> Masked {
    let mut masked = Masked::default();
    if let Some(root) = root {
        of_tree(root, text, &mut masked);
    }
    of_lines(text, root.is_none() || !whole, &mut masked);
    masked
}

/// True if the value of a key is a secret, or may be meant as one.
pub(crate) fn is_secret(key: &str) -> bool {
    let lower = key.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let joined = words.concat();
    let said = [
        "passw",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "credential",
        "privatekey",
    ];
    if words.last().is_some_and(|word| is_place(word)) {
        return false;
    }
    joined == "auth"
        || said.iter().any(|part| joined.contains(part))
        || words.iter().any(|word| is_pass(word) || is_key(word))
        || words
            .iter()
            .copied()
            .chain([joined.as_str()])
            .any(is_nearly)
}

/// The end of a key that names a place or a switch: `private_key_file`, `known_hosts`, `host_key_checking`.
fn is_place(word: &str) -> bool {
    matches!(
        word,
        "file" | "files" | "path" | "host" | "hosts" | "checking"
    )
}

/// `pass`, `authpass`, `pass1`, and not `passive` or `bypass`.
fn is_pass(word: &str) -> bool {
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let other = ["bypass", "compass", "surpass", "trespass"];
    bare.ends_with("pass") && !other.contains(&bare)
}

/// `key`, `apikey`, `psk`.
fn is_key(word: &str) -> bool {
    matches!(word, "key" | "keys" | "apikey" | "authkey" | "psk" | "pin")
}

/// The file of an SSH key, by another name: `ssh_key: ~/.ssh/id_ed25519`.
fn is_key_file(entry: &Entry) -> bool {
    let names_key =
        ["key", "keys", "ssh_key", "ssh_keys", "private_key"].contains(&entry.key.as_str());
    let is_path = |node: &Node| matches!(&node.value, Value::Text(path) if is_file_name(path));
    names_key
        && match &entry.value.value {
            Value::List(list) => list.iter().all(is_path),
            _ => is_path(&entry.value),
        }
}

/// Whether a text is the name of a file rather than a key: it begins with a folder, or has a prefix or suffix that such files
/// have.
fn is_file_name(text: &str) -> bool {
    const LONGEST: usize = 200;
    let good = |c: char| c.is_ascii_alphanumeric() || "._-/~@".contains(c);
    let folder = text.starts_with(['/', '~']) || text.starts_with("./") || text.starts_with("../");
    let known = text.starts_with("id_")
        || [".pem", ".key", ".pub", ".ppk"]
            .iter()
            .any(|end| text.ends_with(end));
    text.len() <= LONGEST
        && ((folder && !text.contains(char::is_whitespace)) || (known && text.chars().all(good)))
}

/// Whether what stands behind a key may be shown as the file of an SSH key.
pub(super) fn shows_key_file(entry: &Entry) -> bool {
    !is_secret(&entry.key) || is_key_file(entry)
}

/// A misspelt word for a secret.
fn is_nearly(word: &str) -> bool {
    const SAID: &[&str] = &[
        "password",
        "passphrase",
        "passwd",
        "authpass",
        "sudopassword",
        "secret",
        "token",
    ];
    // Bounded, as the distance costs the product of both lengths.
    (4..=64).contains(&word.len())
        && SAID.iter().any(|said| {
            let allowed = (said.len() / 4).max(1);
            word.chars().count().abs_diff(said.len()) <= allowed
                && differing(word, said) <= allowed
                && strsim::damerau_levenshtein(word, said) <= allowed
        })
}

/// How many letters of one word the other lacks at least: the distance of both is no less, and takes many times as long.
fn differing(one: &str, other: &str) -> usize {
    let lacking = |of: &str, from: &str| {
        let mut left: Vec<char> = from.chars().collect();
        let lacks = |c: &char| match left.iter().position(|other| other == c) {
            Some(at) => {
                left.swap_remove(at);
                false
            }
            None => true,
        };
        of.chars().filter(lacks).count()
    };
    lacking(one, other).max(lacking(other, one))
}

/// A key that may be meant to name the source of a secret. Any other may be the secret itself.
fn is_like_source(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "env",
        "environment",
        "file",
        "prompt",
        "value",
        "variable",
        "name",
        "path",
        "command",
        "vault",
        "from",
        "text",
    ];
    let near = |word: &&str| strsim::damerau_levenshtein(key, word) <= 1;
    key.len() <= 16 && (WORDS.iter().any(near) || is_secret(key))
}

fn of_tree(root: &Node, text: &str, masked: &mut Masked) {
    /// The relation of a node to the key of a secret above it.
    #[derive(Clone, Copy)]
    struct Place {
        secret: bool,
        from: usize,
        /// Whether its keys are names that the user chose.
        names: bool,
    }
    let open = Place {
        secret: false,
        from: 0,
        names: false,
    };
    let mut queue = vec![(root, open)];
    while let Some((node, place)) = queue.pop() {
        match &node.value {
            Value::Map(entries) => queue.extend(entries.iter().map(|entry| {
                if foreign::names_secret(&entry.key) {
                    let from = entry.key_span.offset();
                    hide(&entry.key, entry.key_span, from, text, masked);
                }
                if place.secret && !is_like_source(&entry.key) {
                    // `{ hunter2 }` is a key without a value.
                    hide(&entry.key, entry.key_span, place.from, text, masked);
                }
                (&entry.value, below(entry, place, std::ptr::eq(node, root)))
            })),
            Value::List(list) => queue.extend(list.iter().map(|node| (node, place))),
            Value::Null => {}
            Value::Text(value)
            | Value::Bool(_, value)
            | Value::Int(_, value)
            | Value::Float(_, value) => {
                let said = || after_key(value, 0, false).is_some_and(|at| at < value.len());
                if place.secret || said() {
                    hide(value, node.span, place.from, text, masked);
                }
            }
        }
    }

    fn below(entry: &Entry, above: Place, top: bool) -> Place {
        let named = above.names && matches!(entry.value.value, Value::Map(_));
        if is_secret(&entry.key) && !named && !is_key_file(entry) {
            return Place {
                secret: true,
                from: entry.key_span.offset(),
                names: false,
            };
        }
        // The value names the source of the secret, or is the secret by mistake.
        let named = match (entry.key.as_str(), &entry.value.value) {
            ("env", Value::Text(name)) => SecretSource::is_likely_variable(name),
            ("file" | "prompt", Value::Text(_)) => true,
            _ => false,
        };
        Place {
            secret: above.secret && !named,
            names: top && matches!(entry.key.as_str(), "hosts" | "services" | "networks"),
            ..above
        }
    }
}

fn hide(value: &str, span: SourceSpan, from: usize, text: &str, masked: &mut Masked) {
    let mut end = span.offset().saturating_add(span.len());
    // The place of a block of lines is where it begins; the lines below it are indented.
    let head = text.get(span.offset()..end).unwrap_or_default();
    let begin = text.get(..span.offset()).unwrap_or_default();
    let line = begin.rfind('\n').map_or(0, |at| at + 1);
    if head.starts_with(['|', '>']) || value.contains('\n') {
        end = end.max(end_of_block(text, line));
    }
    masked
        .spans
        .push((span.offset(), end.saturating_sub(span.offset())).into());
    masked.texts.push(Hidden {
        text: value.trim().to_owned(),
        from: from.min(line),
        to: end,
    });
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The end of the lines that are indented more than the one that starts here.
fn end_of_block(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mut lines = rest.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let level = indent(first);
    let below = lines.take_while(|line| line.trim().is_empty() || indent(line) > level);
    start + first.len() + below.map(str::len).sum::<usize>()
}

/// The rest of the line behind such a key, and the lines below it that are indented more: everywhere, or in comments alone.
fn of_lines(text: &str, everywhere: bool, masked: &mut Masked) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let first = if everywhere {
            Some(0)
        } else {
            line.find('#').map(|at| at + 1)
        };
        if let Some(first) = first
            && let Some(end) = after_key(line, first, everywhere)
        {
            let rest = line.get(end..).unwrap_or_default().trim_end();
            let last = if everywhere {
                end_of_block(text, start)
            } else {
                start + end + rest.len()
            };
            masked.spans.push((start + end, last - start - end).into());
            let said = text.get(start + end..last).unwrap_or_default();
            let words = said.split(|c: char| c.is_whitespace() || ",{}[]\"'`".contains(c));
            masked
                .texts
                .extend(words.filter(|word| word.len() > 2).map(|word| Hidden {
                    text: word.to_owned(),
                    from: start,
                    to: last,
                }));
        }
        start += line.len();
    }
}

/// The end of the first word for a secret, with the characters that separate it from its value.
fn after_key(line: &str, first: usize, bare: bool) -> Option<usize> {
    let part = line.get(first..)?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut at = 0;
    for word in part.split_inclusive(|c: char| !is_word(c)) {
        let name = word.trim_end_matches(|c: char| !is_word(c));
        let end = at + name.len();
        at += word.len();
        if name.is_empty() || !is_secret(name) {
            continue;
        }
        let rest = part.get(end..)?;
        let value = rest.trim_start_matches(['"', '\'', ' ', '\t']);
        let after = value.trim_start_matches([':', '=']);
        if bare || after.len() < value.len() {
            let value = after.trim_start_matches([' ', '\t']);
            return Some(first + end + rest.len() - value.len());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ_are_no_more_than_the_distance() {
        let words = [
            "",
            "role",
            "address",
            "password",
            "pasword",
            "passwrod",
            "drowssap",
            "secert",
            "secret",
            "tokne",
            "passwörd",
            "authpass",
        ];
        for one in words {
            for other in words {
                let distance = strsim::damerau_levenshtein(one, other);
                assert!(differing(one, other) <= distance, "{one} {other}");
            }
        }
        assert_eq!(differing("role", "token"), 3);
    }

    #[test]
    fn names_of_secrets() {
        for key in [
            "auth_pass",
            "auth-pass",
            "AUTH_PASS",
            "authPass",
            "auth_password",
            "pass",
            "passwd",
            "password",
            "pasword",
            "passwort",
            "sudo_pass",
            "sudo_pasword",
            "passphrase",
            "ansible_ssh_pass",
            "ansible_become_password",
            "secret",
            "secert",
            "client_secret",
            "token",
            "api-token",
            "api_key",
            "apikey",
            "private_key",
            "ssh_key",
            "key",
            "keys",
            "pwd",
            "psk",
            "credentials",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "passive",
            "bypass",
            "path",
            "ports",
            "persistence",
            "address",
            "ansible_ssh_private_key_file",
            "host_key_checking",
            "known_hosts",
            "identity_files",
            "virtual_router_id",
            "user",
            "host",
            "text",
            "keepalived",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }

    /// The text with `*` for what is masked.
    fn shown(text: &str) -> String {
        let mut faults = Vec::new();
        let root = crate::yaml::read(text, crate::yaml::Document::Inventory, &mut faults);
        let masked = masked(root.as_ref(), text, faults.is_empty());
        let is_covered = |at: usize| {
            let mut spans = masked.spans.iter();
            spans.any(|span| (span.offset()..span.offset() + span.len()).contains(&at))
        };
        let shown = text.char_indices().map(|(at, c)| {
            if is_covered(at) && !c.is_whitespace() {
                '*'
            } else {
                c
            }
        });
        shown.collect()
    }

    #[test]
    fn what_is_covered() {
        for (text, want) in [
            ("auth-pass: abc\nb: 1\n", "auth-pass: ***\nb: 1\n"),
            ("a: { pass: abc, b: 1 }\n", "a: { pass: ***, b: 1 }\n"),
            ("auth_pass: { value: abc }\n", "auth_pass: { value: *** }\n"),
            ("auth_pass: { abc }\n", "auth_pass: { *** }\n"),
            ("auth_pass: [abc, 12]\n", "auth_pass: [***, **]\n"),
            (
                "auth_pass: { env: LVSCTL_PW, value: abc }\n",
                "auth_pass: { env: LVSCTL_PW, value: *** }\n",
            ),
            ("auth_pass: { env: abc }\n", "auth_pass: { env: *** }\n"),
            (
                "auth_pass: { file: /etc/abc }\n",
                "auth_pass: { file: /etc/abc }\n",
            ),
            (
                "token: |\n  abc\n  def\nb: 1\n",
                "token: |\n  ***\n  ***\nb: 1\n",
            ),
            (
                "services: { token: { vip: abc } }\n",
                "services: { token: { vip: abc } }\n",
            ),
            ("services: { token: abc }\n", "services: { token: *** }\n"),
            ("key: abc\n", "key: ***\n"),
            ("key: ~/.ssh/id\n", "key: ~/.ssh/id\n"),
            ("pass: /abc\n", "pass: ****\n"),
            ("password=abc:\n", "************:\n"),
            ("a: 1 # password: abc\n", "a: 1 # password: ***\n"),
            ("a: 1 # no token here\n", "a: 1 # no token here\n"),
            ("pass: abc\npass: def\n", "pass: ***\npass: ***\n"),
            // Broken YAML.
            ("a: [\n  pass: abc\nb: 1\n", "a: [\n  pass: ***\nb: 1\n"),
            (
                "pass: |\n  abc\n\tdef\nb: [\n",
                "pass: *\n  ***\n\t***\nb: [\n",
            ),
            ("- pass = abc def\n]\n", "- pass = *** ***\n]\n"),
        ] {
            assert_eq!(shown(text), want, "{text}");
        }
    }
}
